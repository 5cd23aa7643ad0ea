"""Columns and arrays that the kernels of the network simulation share."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

FIRST_COME, PROPORTIONAL, PRIORITY = range(3)
ALLOCATIONS = {"first_come": FIRST_COME, "proportional": PROPORTIONAL, "priority": PRIORITY}

# A stage in one period: what happened (set to 0 as the period begins), then how it stands at the end.
(
    DEMAND,
    SERVED,
    LOST,
    PAID_BACK,
    RECEIVED,
    ORDERED,
    ORDERS,
    HAD_DEMAND,
    WAS_FULL,
    WAS_CLEAR,
    CYCLE,
    GOOD_CYCLE,
    ON_HAND,
    BACKLOG,
    OWED_DOWN,
    ON_ORDER,
    N_SITE,
) = range(17)
N_SITE_FLOWS = ON_HAND

# A line in one period, likewise: the arcs, then one line a stage for its outside supplier or its own work.
ASKED, AT_ONCE, SHIPPED, ARRIVED, USED, OWED, IN_TRANSIT, WAITING, N_LINE = range(9)
N_LINE_FLOWS = OWED

ROUNDING = 1e-9


class Network(NamedTuple):
    """A network of n stages, upstream before downstream, and a arcs, sorted by where they start.

    Parameters
    ----------
    out_start : (n + 1,) arcs out of stage i are out_start[i]..out_start[i + 1] - 1
    arc_from, arc_to : (a,) stages
    quantity : (a,) units of the upstream stage per unit of the downstream stage
    in_start, in_arc : (n + 1,), (a,) arcs into each stage
    claim_start, claim : who is served from a stage, in turn: an arc, or -1 for its own customers
    allocation : (n,) FIRST_COME, PROPORTIONAL or PRIORITY
    keeps_queue : (n,) whether claims are kept by period
    is_complete : (n,) orders of downstream stages leave in one piece only
    rules : (n, N_RULE) of `plimsoll.maths.kernels.replay.rules_of`
    every, phase : (n,) a review at the end of period t where t mod every = phase mod every
    is_plain : (n,) base stock without minimum and multiple
    is_echelon : (n,) the rule reads the echelon position
    unit : (n,) allotments and starts are whole multiples of it, 0 for any quantity
    opening : (n,) units on hand before period 0
    """

    out_start: Ints
    arc_from: Ints
    arc_to: Ints
    quantity: Floats
    in_start: Ints
    in_arc: Ints
    claim_start: Ints
    claim: Ints
    allocation: Ints
    keeps_queue: NDArray[np.bool_]
    is_complete: NDArray[np.bool_]
    rules: Floats
    every: Ints
    phase: Ints
    is_plain: NDArray[np.bool_]
    is_echelon: NDArray[np.bool_]
    unit: Floats
    opening: Floats


class Trouble(NamedTuple):
    """Disruptions by period; empty arrays where there are none.

    Parameters
    ----------
    is_down : (a + n, T) nothing leaves on the line in that period
    surge : (n, T) factor of the demand of customers
    """

    is_down: NDArray[np.bool_]
    surge: Floats


class Standing(NamedTuple):
    """One replication under way; every array is written to.

    Parameters
    ----------
    site : (n, N_SITE) this period and how it stands
    line : (a + n, N_LINE) likewise
    ring : units on their way, see `Laws.track`
    claims : (T, a + n) what is still owed of the order of each period, and to the customers of a stage
    oldest : (n,) no claim is older than this period; T where there is none
    echelon : (n,) echelon position, units of the stage
    is_short : (n,) whether the present cycle ran short
    line_key, demand_key : streams of this replication
    wanted : (n, T) demand of customers
    owed, given : (most claimants,) scratch
    """

    site: Floats
    line: Floats
    ring: Floats
    claims: Floats
    oldest: Ints
    echelon: Floats
    is_short: NDArray[np.bool_]
    line_key: Keys
    demand_key: Keys
    wanted: Floats
    owed: Floats
    given: Floats
