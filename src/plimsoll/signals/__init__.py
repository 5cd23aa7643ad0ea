"""Forecasts checked against what came, and changes told from chance.

Past forecasts are made again with what was known then, scored by group and over time, and watched for
bias; demand itself is watched for changes of level. Of the alarms a stated share is false. What the laws
promise of stock levels is held against what came, and every stocking point gets a grade of trust from it.
"""

from plimsoll.signals.accuracy import LEVELS as LEVELS
from plimsoll.signals.accuracy import accuracy as accuracy
from plimsoll.signals.alarms import alarms as alarms
from plimsoll.signals.calibration import calibration as calibration
from plimsoll.signals.hindcast import hindcast as hindcast
from plimsoll.signals.measures import pinball_loss as pinball_loss
from plimsoll.signals.params import SignalParams as SignalParams
from plimsoll.signals.trust import trust as trust
from plimsoll.signals.trust import trust_rules as trust_rules
