"""A whole network of stages run period by period, replication by replication.

Order of events in a period, as in `plimsoll.domain.calendar`, over all stages: what is due is received,
kits that are complete are started, backlog is served; customers ask and are served. Then stages review
from the customers' side upwards: a stage first serves the orders that came from below in this period,
then places its own. What leaves a stage in period t on a line with lead time L is usable at the start of
t + L + 1, whether it left for old backlog or for a new order; what is started at the start of t with a
processing time of T is usable at the start of t + T.

Hazard: this module compiles in `network_simulation_draws`, `network_simulation_shipping` and `replay`;
touch this file after an edit of one of them.
"""

import numpy as np
from numba import njit

from plimsoll.maths.kernels.network_simulation_draws import (
    GUIDE,
    RING_MASK,
    RING_START,
    Laws,
    hot,
    streams,
    tabulate,
    write_demand,
)
from plimsoll.maths.kernels.network_simulation_shipping import (
    allot,
    arrive,
    is_ample,
    less,
    queue_up,
    send,
    whole,
)
from plimsoll.maths.kernels.network_simulation_state import (
    ASKED,
    AT_ONCE,
    BACKLOG,
    CYCLE,
    DEMAND,
    GOOD_CYCLE,
    HAD_DEMAND,
    LOST,
    N_LINE,
    N_LINE_FLOWS,
    N_SITE,
    N_SITE_FLOWS,
    ON_HAND,
    ON_ORDER,
    ORDERED,
    ORDERS,
    OWED,
    OWED_DOWN,
    RECEIVED,
    ROUNDING,
    SERVED,
    SHIPPED,
    USED,
    WAITING,
    WAS_CLEAR,
    WAS_FULL,
    Floats,
    Ints,
    Network,
    Standing,
    Trouble,
)
from plimsoll.maths.kernels.replay import IS_LOST, UP_TO, quantity_of


@hot
def _kits(
    i: int, own: int, in_start: Ints, in_arc: Ints, quantity: Floats, unit: Floats, line: Floats
) -> float:
    """Take the components of as many units as stage i can start, and return how many that are."""
    kits = line[own, OWED]
    for k in range(in_start[i], in_start[i + 1]):
        kits = min(kits, whole(line[in_arc[k], WAITING] / quantity[in_arc[k]], unit[i]))
    if kits <= 0.0:
        return 0.0
    for k in range(in_start[i], in_start[i + 1]):
        arc = in_arc[k]
        line[arc, USED] = kits * quantity[arc]
        line[arc, WAITING] = less(line[arc, WAITING], line[arc, USED])
    line[own, OWED] = less(line[own, OWED], kits)
    return float(kits)


@hot
def _free_for_customers(i: int, t: int, net: Network, trouble: Trouble, now: Standing) -> float:
    """Return the stock of stage i that is not kept for an order that leaves in one piece."""
    free = now.site[i, ON_HAND]
    for arc in range(net.out_start[i], net.out_start[i + 1]):
        if len(trouble.is_down) == 0 or not trouble.is_down[arc, t]:
            free -= now.line[arc, OWED]
    return float(max(free, 0.0))


@hot
def _morning(t: int, net: Network, laws: Laws, trouble: Trouble, now: Standing) -> None:
    """Receive everywhere, start kits, serve what was owed, then serve the customers of the period."""
    site, line, ring, track, arcs = now.site, now.line, now.ring, laws.track, len(net.arc_from)
    in_start, in_arc = net.in_start, net.in_arc
    for i in range(len(site)):
        own = arcs + i
        for k in range(in_start[i], in_start[i + 1]):
            line[in_arc[k], WAITING] += arrive(in_arc[k], t, track, line, ring)
        if line[own, OWED] > 0.0 and not (len(trouble.is_down) > 0 and trouble.is_down[own, t]):
            begun = _kits(i, own, in_start, in_arc, net.quantity, net.unit, line)
            if begun > 0.0:  # an outside supplier's goods leave at the end of the period, as all goods do
                leaves = t if in_start[i] < in_start[i + 1] else t + 1
                send(own, begun, t, leaves, track, laws.lead_cdf, now.line_key, line, ring)
        received = arrive(own, t, track, line, ring)
        is_owing = site[i, BACKLOG] + site[i, OWED_DOWN] > ROUNDING
        if received > 0.0:
            site[i, RECEIVED] = received
            site[i, ON_HAND] += received
            site[i, ON_ORDER] = less(site[i, ON_ORDER], received)
            site[i, CYCLE] = 1.0
            site[i, GOOD_CYCLE] = 0.0 if is_owing or now.is_short[i] else 1.0
            now.is_short[i] = False
        if is_owing and site[i, ON_HAND] > 0.0:
            allot(i, t, net, laws, trouble, now)
        wanted = now.wanted[i, t]
        if wanted <= 0.0:
            continue
        free = site[i, ON_HAND]
        if net.is_complete[i]:
            free = _free_for_customers(i, t, net, trouble, now)
        served = min(wanted, free)
        short = wanted - served
        site[i, DEMAND], site[i, SERVED], site[i, HAD_DEMAND] = wanted, served, 1.0
        site[i, ON_HAND] -= served
        if short <= ROUNDING:
            site[i, WAS_FULL] = 1.0
        elif net.rules[i, IS_LOST] > 0.0:
            site[i, LOST] = short
            now.is_short[i] = True
        else:
            site[i, BACKLOG] += short
            if net.keeps_queue[i]:
                now.claims[t, own] = short
                now.oldest[i] = min(now.oldest[i], t)


@hot
def _pass_on(i: int, t: int, net: Network, laws: Laws, trouble: Trouble, now: Standing) -> None:
    """Serve the orders that came from below in this period, and note how much of them left at once."""
    line, begin, end = now.line, net.out_start[i], net.out_start[i + 1]
    for arc in range(begin, end):
        line[arc, AT_ONCE] = -line[arc, SHIPPED]
    allot(i, t, net, laws, trouble, now)
    for arc in range(begin, end):
        line[arc, AT_ONCE] = min(line[arc, AT_ONCE] + line[arc, SHIPPED], line[arc, ASKED])


@njit(cache=True, nogil=True, error_model="numpy")
def _quantity(rules: Floats, i: int, position: float) -> float:
    """Return the order of stage i at a review."""
    return float(quantity_of(rules[i], position, 0.0))


@hot
def _evening(t: int, has_echelon: bool, net: Network, laws: Laws, trouble: Trouble, now: Standing) -> None:
    """From the customers' side upwards: serve the orders from below, review, order."""
    site, line, arcs, rules = now.site, now.line, len(net.arc_from), net.rules
    for i in range(len(site) - 1, -1, -1):
        if net.keeps_queue[i] and site[i, OWED_DOWN] > 0.0 and not is_ample(i, trouble, site):
            queue_up(t, i, net, now)
        if site[i, OWED_DOWN] > 0.0 and site[i, ON_HAND] > 0.0:
            _pass_on(i, t, net, laws, trouble, now)
        if site[i, BACKLOG] + site[i, OWED_DOWN] <= ROUNDING and site[i, LOST] <= ROUNDING:
            site[i, WAS_CLEAR] = 1.0
        position = site[i, ON_HAND] + site[i, ON_ORDER] - site[i, BACKLOG] - site[i, OWED_DOWN]
        if has_echelon:
            installation = position
            for arc in range(net.out_start[i], net.out_start[i + 1]):
                position += net.quantity[arc] * now.echelon[net.arc_to[arc]]
            now.echelon[i] = position
            if not net.is_echelon[i]:
                position = installation
        if net.every[i] > 1 and (t - net.phase[i]) % net.every[i] != 0:
            continue
        units = max(rules[i, UP_TO] - position, 0.0) if net.is_plain[i] else _quantity(rules, i, position)
        if units <= ROUNDING:
            continue
        own = arcs + i
        site[i, ORDERED], site[i, ORDERS], line[own, ASKED] = units, 1.0, units
        site[i, ON_ORDER] += units
        now.echelon[i] += units
        for k in range(net.in_start[i], net.in_start[i + 1]):
            arc = net.in_arc[k]
            wanted, source = units * net.quantity[arc], net.arc_from[arc]
            line[arc, ASKED] = wanted
            line[arc, OWED] += wanted
            site[source, OWED_DOWN] += wanted
        is_down = len(trouble.is_down) > 0 and trouble.is_down[own, t]
        if net.in_start[i] < net.in_start[i + 1] or is_down:
            line[own, OWED] += units
        else:
            send(own, units, t, t + 1, laws.track, laws.lead_cdf, now.line_key, line, now.ring)


@njit(cache=True, nogil=True, error_model="numpy")
def _open(net: Network, now: Standing) -> None:
    """Set one replication to before period 0."""
    now.site[:] = 0.0
    now.line[:] = 0.0
    now.ring[:] = 0.0
    now.claims[:] = 0.0
    now.oldest[:] = len(now.claims)
    now.is_short[:] = False
    now.site[:, ON_HAND] = net.opening


@njit(cache=True, nogil=True, error_model="numpy")
def _standing(net: Network, laws: Laws, periods: int) -> Standing:
    """Return the arrays of a replication under way."""
    n, lines = len(net.opening), len(laws.track)
    widest = np.max(np.diff(net.claim_start))
    return Standing(
        np.zeros((n, N_SITE)),
        np.zeros((lines, N_LINE)),
        np.zeros(laws.track[lines - 1, RING_START] + laws.track[lines - 1, RING_MASK] + 1),
        np.zeros((periods, lines)),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(n, np.bool_),
        np.empty_like(laws.lead_key),
        np.empty_like(laws.key),
        np.zeros((n, periods)),
        np.zeros(widest),
        np.zeros(widest),
    )


@hot
def _add(now: Floats, sums: Floats, columns: int) -> None:
    """Add a period to the sums."""
    for i in range(len(now)):
        for k in range(columns):
            sums[i, k] += now[i, k]


@hot
def _clear(now: Floats, flows: int) -> None:
    """Forget what happened in the last period; how it stands stays."""
    for i in range(len(now)):
        for k in range(flows):
            now[i, k] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def run_replications(
    first: int,
    seed: int,
    periods: int,
    warm_up: int,
    net: Network,
    laws: Laws,
    level: Floats,
    given: Floats,
    trouble: Trouble,
    site_sums: Floats,
    line_sums: Floats,
    site_trace: Floats,
    line_trace: Floats,
) -> None:
    """Run replications first, first + 1, ... and add up what happened after the warm-up.

    Parameters
    ----------
    first : number of the first replication, which names its draws
    seed : of all draws
    periods, warm_up : [T] periods in all, and those not counted at the start
    net, laws, trouble : see the classes
    level : (R, n) factor of mean demand by replication, empty for 1
    given : (R, n, T) demand of customers instead of laws, surges included; empty where it is drawn
    site_sums, line_sums : (R, n, N_SITE), (R, a + n, N_LINE) sums over counted periods, written
    site_trace, line_trace : (T, n, N_SITE), (T, a + n, N_LINE) every period of the first of these
        replications, written; empty where nobody asks
    """
    has_echelon = net.is_echelon.any()
    now = _standing(net, laws, periods)
    cdf, guide = np.empty_like(laws.cdf), np.zeros((len(net.opening), GUIDE), np.int64)
    for r in range(len(site_sums)):
        levels = level[r] if len(level) > 0 else np.empty(0)
        streams(laws.lead_key, seed, first + r, now.line_key)
        if len(given) > 0:
            now.wanted[:] = given[r]
        else:
            streams(laws.key, seed, first + r, now.demand_key)
            tabulate(laws, levels, cdf, guide, r == 0)
            write_demand(laws, levels, trouble.surge, now.demand_key, cdf, guide, now.wanted)
        _open(net, now)
        for t in range(periods):
            _clear(now.site, N_SITE_FLOWS)
            _clear(now.line, N_LINE_FLOWS)
            _morning(t, net, laws, trouble, now)
            _evening(t, has_echelon, net, laws, trouble, now)
            if t >= warm_up:
                _add(now.site, site_sums[r], N_SITE)
                _add(now.line, line_sums[r], N_LINE)
            if r == 0 and len(site_trace) > 0:
                site_trace[t] = now.site
                line_trace[t] = now.line
