"""Demand: lines of history in, a predictive distribution over each protection interval out.

Periods are weeks or months (`domain.calendar`); history ends with the last period that was complete
on `as_of`. Every series is described and classified (Syntetos, Boylan & Croston 2005), all methods of
the shelf `methods/` are scored on held-out pinball loss of interval demand, and the chosen one gives
five distributions on one lattice, with the lead time random and with it constant.
"""

from plimsoll.demand.estimate import estimate as estimate
from plimsoll.demand.params import DemandParams as DemandParams
from plimsoll.demand.upstream import pass_upstream as pass_upstream
