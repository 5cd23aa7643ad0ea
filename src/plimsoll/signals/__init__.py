"""Forecasts checked against what came, and changes told from chance.

Past forecasts are made again with what was known then, scored by group and over time, and watched for
bias; demand itself is watched for changes of level. Of the alarms a stated share is false.
"""

from plimsoll.signals.accuracy import LEVELS as LEVELS
from plimsoll.signals.accuracy import accuracy as accuracy
from plimsoll.signals.alarms import alarms as alarms
from plimsoll.signals.hindcast import hindcast as hindcast
from plimsoll.signals.measures import pinball_loss as pinball_loss
from plimsoll.signals.params import SignalParams as SignalParams
