"""Segments and service targets: which points matter, how predictable they are, what service each gets.

In: tables `planning_point` and `demand_estimate`; out: table `target`. Service is a share of
replenishment cycles without a stock-out ("cycle"), of units served from stock ("fill"), or the
balance of holding against shortage cost ("economic").
"""

from plimsoll.targets.assign import assign
from plimsoll.targets.params import Floors, TargetParams
from plimsoll.targets.priority import with_priority

__all__ = ["Floors", "TargetParams", "assign", "with_priority"]
