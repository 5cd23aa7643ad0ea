"""Life cycles: new items, successors, phase-outs, and what may never be asked for again."""

from plimsoll.lifecycle.cold_start import cold_start as cold_start
from plimsoll.lifecycle.engineered import engineered as engineered
from plimsoll.lifecycle.obsolescence import obsolescence as obsolescence
from plimsoll.lifecycle.params import LifecycleParams as LifecycleParams
from plimsoll.lifecycle.phase_out import end_demand as end_demand
from plimsoll.lifecycle.phase_out import last_time_buys as last_time_buys
from plimsoll.lifecycle.phase_out import limit_orders as limit_orders
from plimsoll.lifecycle.succession import inherit as inherit
from plimsoll.lifecycle.succession import succeed as succeed
from plimsoll.lifecycle.succession import without_superseded as without_superseded
