"""Receipts to lead times: what was ordered and when it became usable, as a distribution per lane.

In: tables `receipts`, `lanes` and `open_orders`; out: table `lead_time_estimate`, and findings on receipts
that say nothing. Lead times are in days, from order to usable stock. Sources: Buehlmann & Straub 1970,
Jewell 1975, Kaplan & Meier 1958.
"""

from plimsoll.supply.arrivals import arrival_risk, stocked_points
from plimsoll.supply.changes import changed_lead_times
from plimsoll.supply.estimate import estimate
from plimsoll.supply.observations import unusable_receipts
from plimsoll.supply.overridden import with_set_days
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.quantiles import quantiles
from plimsoll.supply.recency import pinball
from plimsoll.supply.scorecard import scorecard

__all__ = [
    "SupplyParams",
    "arrival_risk",
    "changed_lead_times",
    "estimate",
    "pinball",
    "quantiles",
    "scorecard",
    "stocked_points",
    "unusable_receipts",
    "with_set_days",
]
