"""Receipts to lead times: what was ordered and when it became usable, as a distribution per lane.

In: tables `receipts` and `lanes`; out: table `lead_time_estimate`, and findings on receipts that say
nothing. Lead times are in days, from order to usable stock. Sources: Buehlmann & Straub 1970, Jewell 1975.
"""

from plimsoll.supply.estimate import estimate
from plimsoll.supply.observations import unusable_receipts
from plimsoll.supply.params import SupplyParams

__all__ = ["SupplyParams", "estimate", "unusable_receipts"]
