"""Receipts to lead times: what was ordered and when it became usable, as a distribution per lane.

In: tables `receipts` and `lanes`; out: table `lead_time_estimate`, findings on receipts that say
nothing, and the comparison of measured with typed lead times. Lead times are in days, from order
to usable stock. Sources: Buehlmann & Straub 1970, Jewell 1975.
"""

from plimsoll.supply.estimate import estimate
from plimsoll.supply.master import compare_master
from plimsoll.supply.observations import unusable_receipts
from plimsoll.supply.params import SupplyParams

__all__ = ["SupplyParams", "compare_master", "estimate", "unusable_receipts"]
