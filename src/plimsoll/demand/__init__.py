"""Demand: lines of history in, a predictive distribution over each protection interval out.

Periods are weeks or months (`domain.calendar`); history ends with the last period that was complete
on `as_of`. First the history is put right, every change listed: events that people know of are taken
out, and demand that stock-outs hid is put back. Every series is described and classified (Syntetos,
Boylan & Croston 2005), all methods of the shelf `methods/` are scored on held-out pinball loss of
interval demand, and the chosen one gives five distributions on one lattice, with the lead time random
and with it constant. Demand that is known, or comes from elsewhere, is then added to them.
"""

from plimsoll.demand.booked import Book as Book
from plimsoll.demand.booked import booked_ahead as booked_ahead
from plimsoll.demand.compose import with_dated as with_dated
from plimsoll.demand.compose import with_lead_times as with_lead_times
from plimsoll.demand.compose import with_rates as with_rates
from plimsoll.demand.estimate import estimate as estimate
from plimsoll.demand.history import Prepared as Prepared
from plimsoll.demand.history import Refused as Refused
from plimsoll.demand.history import prepare as prepare
from plimsoll.demand.known import lumps_booked as lumps_booked
from plimsoll.demand.known import lumps_known as lumps_known
from plimsoll.demand.known import with_known as with_known
from plimsoll.demand.overridden import with_forecasts as with_forecasts
from plimsoll.demand.params import DemandParams as DemandParams
from plimsoll.demand.upstream import pass_upstream as pass_upstream
