"""One place at a time: reorder point, order-up-to level, lot and buffer of every stocking point.

In: tables `planning_point`, `demand_estimate` and `target`; out: table `policy`. The service of a
policy is evaluated on the discrete distributions of demand, not on a mean and a spread.
Sources: Hadley & Whitin 1963; Zheng & Federgruen 1991; Silver, Pyke & Thomas 2017.
"""

from plimsoll.policy.alternatives import alternatives
from plimsoll.policy.marginal import economic_points
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.portfolio import Allocation, allocate, portfolio_curve
from plimsoll.policy.reasons import POLICY_REASONS
from plimsoll.policy.size import size

__all__ = [
    "POLICY_REASONS",
    "Allocation",
    "PolicyParams",
    "allocate",
    "alternatives",
    "economic_points",
    "portfolio_curve",
    "size",
]
