"""What leaves a stage of the simulated network: shipments, and scarce stock split among those it is owed to.

Hazard: these functions are compiled into `plimsoll.maths.kernels.network_simulation`, whose cache on disk
does not notice changes made here; touch that file after an edit.
"""

import numpy as np

from plimsoll.maths.kernels.network_simulation_draws import RING_MASK, RING_START, Laws, hot, lead_of
from plimsoll.maths.kernels.network_simulation_state import (
    ARRIVED,
    ASKED,
    BACKLOG,
    IN_TRANSIT,
    ON_HAND,
    OWED,
    OWED_DOWN,
    PAID_BACK,
    PROPORTIONAL,
    ROUNDING,
    SHIPPED,
    Floats,
    Ints,
    Keys,
    Network,
    Standing,
    Trouble,
)


@hot
def send(
    at: int,
    units: float,
    t: int,
    leaves: int,
    track: Ints,
    lead_cdf: Floats,
    keys: Keys,
    line: Floats,
    ring: Floats,
) -> None:
    """Put units on line `at` in period t; they are usable at the start of `leaves` + lead time."""
    line[at, SHIPPED] += units
    line[at, IN_TRANSIT] += units
    due = leaves + lead_of(at, t, track, lead_cdf, keys[at])
    ring[track[at, RING_START] + (due & track[at, RING_MASK])] += units


@hot
def arrive(at: int, t: int, track: Ints, line: Floats, ring: Floats) -> float:
    """Return what is usable on line `at` at the start of period t, and take it off the line."""
    slot = track[at, RING_START] + (t & track[at, RING_MASK])
    units = ring[slot]
    if units > 0.0:
        ring[slot] = 0.0
        line[at, ARRIVED] += units
        line[at, IN_TRANSIT] -= units
    return float(units)


@hot
def whole(units: float, unit: float) -> float:
    """Return the largest multiple of a unit that fits; all of it where the unit is 0."""
    return float(np.floor(units / unit + ROUNDING) * unit if unit > 0.0 else units)


@hot
def less(units: float, taken: float) -> float:
    """Return what is left, 0 where only rounding is."""
    return float(units - taken if units - taken > ROUNDING else 0.0)


@hot
def in_turn(owed: Floats, given: Floats, n: int, free: float, unit: float) -> None:
    """Write what each of n claimants gets when the first is served first.

    Examples
    --------
    >>> given = np.zeros(3)
    >>> in_turn(np.array([2.0, 4.0, 1.0]), given, 3, 5.0, 1.0)
    >>> given.tolist()
    [2.0, 3.0, 0.0]
    """
    for k in range(n):
        given[k] = owed[k] if owed[k] <= free else whole(free, unit)
        free -= given[k]


@hot
def in_proportion(owed: Floats, given: Floats, n: int, free: float, unit: float) -> None:
    """Write what each of n claimants gets in proportion to what it is owed.

    Whole units go by the largest remainder; of equal ones, the first in turn gets one more.

    Examples
    --------
    >>> given = np.zeros(3)
    >>> in_proportion(np.array([2.0, 4.0, 1.0]), given, 3, 5.0, 1.0)
    >>> given.tolist()
    [1.0, 3.0, 1.0]
    """
    total = 0.0
    for k in range(n):
        total += owed[k]
    left = free
    for k in range(n):
        given[k] = owed[k] if total <= free else whole(free * owed[k] / total, unit)
        left -= given[k]
    if total <= free or unit <= 0.0:
        return
    while left + ROUNDING >= unit:
        best, largest = -1, -ROUNDING
        for k in range(n):
            remainder = free * owed[k] / total - given[k]  # below 0 once it has got its unit more
            if remainder > largest + ROUNDING and owed[k] + ROUNDING >= given[k] + unit:
                best, largest = k, remainder
        if best < 0:
            return
        given[best] += unit
        left -= unit


@hot
def _first_come(i: int, t: int, net: Network, trouble: Trouble, now: Standing) -> None:
    """Write what each claimant gets when claims are served by period; a line that is down is passed over."""
    begin, n, unit = net.claim_start[i], net.claim_start[i + 1] - net.claim_start[i], net.unit[i]
    given, claims, free = now.given, now.claims, now.site[i, ON_HAND]
    is_front = True
    for k in range(n):
        given[k] = 0.0
    for p in range(now.oldest[i], t + 1):
        rest = 0.0
        for k in range(n):
            c = net.claim[begin + k]
            at = c if c >= 0 else len(net.arc_from) + i
            owed = claims[p, at]
            if owed <= 0.0:
                continue
            units = 0.0
            if c < 0 or len(trouble.is_down) == 0 or not trouble.is_down[c, t]:
                units = owed if owed <= free else whole(free, unit)
                if c >= 0 and net.is_complete[i] and units < owed:
                    return  # what there is, is kept for this order
            free -= units
            given[k] += units
            claims[p, at] = less(owed, units)
            rest += claims[p, at]
        if rest > 0.0:
            is_front = False
        elif is_front:
            now.oldest[i] = p + 1 if p < t else len(claims)
        if free <= 0.0:
            return


@hot
def is_ample(i: int, trouble: Trouble, site: Floats) -> bool:
    """Return whether stage i can serve all that it owes at once."""
    return bool(len(trouble.is_down) == 0 and site[i, BACKLOG] + site[i, OWED_DOWN] <= site[i, ON_HAND])


@hot
def queue_up(t: int, i: int, net: Network, now: Standing) -> None:
    """Note the orders of period t from below stage i as claims of that period."""
    for arc in range(net.out_start[i], net.out_start[i + 1]):
        if now.line[arc, ASKED] > 0.0:
            now.claims[t, arc] = now.line[arc, ASKED]
            now.oldest[i] = min(now.oldest[i], t)


@hot
def allot(i: int, t: int, net: Network, laws: Laws, trouble: Trouble, now: Standing) -> None:
    """Serve what stage i owes from what it has, by its rule; what leaves in period t, leaves at its end.

    First come serves claims by period, within a period in turn; proportional splits what there is in
    proportion to what is owed; priority serves in turn. In turn means by priority, then customers, then
    arcs as they were listed. A line that is down gets nothing.
    """
    site, line, owed, given = now.site, now.line, now.owed, now.given
    begin, n = net.claim_start[i], net.claim_start[i + 1] - net.claim_start[i]
    if net.keeps_queue[i] and not is_ample(i, trouble, site):
        _first_come(i, t, net, trouble, now)
    else:
        for k in range(n):
            c = net.claim[begin + k]
            owed[k] = site[i, BACKLOG] if c < 0 else line[c, OWED]
            if c >= 0 and len(trouble.is_down) > 0 and trouble.is_down[c, t]:
                owed[k] = 0.0
        if net.keeps_queue[i]:  # all are served: nothing is left to be remembered
            for p in range(now.oldest[i], t + 1):
                for k in range(n):
                    c = net.claim[begin + k]
                    now.claims[p, c if c >= 0 else len(net.arc_from) + i] = 0.0
            now.oldest[i] = len(now.claims)
        if net.allocation[i] == PROPORTIONAL:
            in_proportion(owed, given, n, site[i, ON_HAND], net.unit[i])
        else:
            in_turn(owed, given, n, site[i, ON_HAND], net.unit[i])
    for k in range(n):
        units, c = given[k], net.claim[begin + k]
        if units <= 0.0:
            continue
        site[i, ON_HAND] -= units
        if c < 0:
            site[i, PAID_BACK] += units
            site[i, BACKLOG] = less(site[i, BACKLOG], units)
        else:
            line[c, OWED] = less(line[c, OWED], units)
            site[i, OWED_DOWN] = less(site[i, OWED_DOWN], units)
            send(c, units, t, t + 1, laws.track, laws.lead_cdf, now.line_key, line, now.ring)
