"""What a short source owes each of its claimants: the law of the delay that goes with their position.

Hazard: this module compiles functions of `network_laws`, `lattice` and `policy_laws`; its cache on disk
does not notice changes made there; touch this file after an edit.
"""

import math

import numpy as np
from numba import njit

from plimsoll.maths.kernels.lattice import spread
from plimsoll.maths.kernels.network_laws import (
    CHUNK,
    LONGEST,
    WHOLE,
    Flags,
    Floats,
    Ints,
    Ragged,
    add,
    cut_tail,
    joined,
    longest_lot,
    lot_variance,
    lot_variances,
    owe,
    until_count,
    widen,
)
from plimsoll.maths.kernels.threads import in_chunks

CERTAIN = 1.0 - 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def _thin_one(owed: Floats, share: float, lump: int, ratio: float, shift: float, out: Floats) -> None:
    """Write the law of one claimant's part of what is owed, on its own lattice; see `claimed_laws`."""
    n = len(owed)
    part = np.zeros(n)
    if share >= CERTAIN:
        part[:] = owed
    else:
        lumps = (n - 1) // lump + 1
        chance = np.zeros(lumps + 1)  # of m of k lumps, k = 0, 1, ...
        chance[0] = 1.0
        for k in range(lumps):
            rest = min(lump, n - k * lump)
            whole = owed[k * lump]
            for r in range(1, rest):
                whole += owed[k * lump + r] * (1.0 - share)
            for m in range(k + 1):
                part[m * lump] += chance[m] * whole
                for r in range(1, rest):
                    part[m * lump + r] += chance[m] * owed[k * lump + r] * share
            for m in range(k + 1, 0, -1):
                chance[m] = chance[m] * (1.0 - share) + chance[m - 1] * share
            chance[0] *= 1.0 - share
    for b in range(n):
        if part[b] > 0.0:
            spread(out, b * ratio + shift, part[b])


@njit(cache=True, nogil=True, error_model="numpy")
def _thin_range(
    begin: int,
    end: int,
    owed: Floats,
    bounds: Ints,
    sources: Ints,
    shares: Floats,
    lumps: Ints,
    ratios: Floats,
    means: Floats,
) -> tuple[Floats, Ints]:
    """Return the parts of claimants begin..end - 1, one after another, and their lengths."""
    room = 0
    for e in range(begin, end):
        room += _reach(bounds[sources[e] + 1] - bounds[sources[e]], ratios[e], means[e])
    out = np.zeros(room)
    lengths = np.zeros(end - begin, np.int64)
    at = 0
    for e in range(begin, end):
        law = owed[bounds[sources[e]] : bounds[sources[e] + 1]]
        mean = 0.0
        for b in range(len(law)):
            mean += b * law[b]
        shift = max(means[e] - shares[e] * mean, 0.0) * ratios[e]
        place = out[at : at + _reach(len(law), ratios[e], means[e])]
        place[:] = 0.0
        _thin_one(law, shares[e], lumps[e], ratios[e], shift if shift > WHOLE else 0.0, place)
        kept = cut_tail(place)
        lengths[e - begin] = kept
        at += kept
    return out[:at].copy(), lengths


@njit(cache=True, nogil=True, error_model="numpy")
def _reach(n: int, ratio: float, mean: float) -> int:
    """Return how many cells a law of n cells takes on a lattice with steps shorter by this ratio."""
    return int(min((n + mean) * ratio + 3.0, float(LONGEST)))


@njit(cache=True, nogil=True, error_model="numpy")
def _seen_range(
    begin: int,
    end: int,
    protection: Floats,
    protection_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    review: Floats,
    review_bounds: Ints,
    waiting: Floats,
    waiting_bounds: Ints,
    until: Floats,
    lots: Ints,
    is_uniform: Flags,
    levels: Ints,
    claim_lots: Floats,
    claim_units: Floats,
    claim_shares: Floats,
    claims: Ints,
    n_seen: Ints,
) -> tuple[Floats, Ints]:
    """Return, for each claimant of sources begin..end - 1, what is owed but for its own lot."""
    room, longest = 0, 0
    for e in range(begin, end):
        cells = max(protection_bounds[e + 1] - protection_bounds[e], lead_bounds[e + 1] - lead_bounds[e])
        cells += (
            waiting_bounds[e + 1] - waiting_bounds[e] + longest_lot(claim_lots[claims[e] : claims[e + 1]])
        )
        room += (cells + 1) * n_seen[e]
        longest = max(longest, cells + 1)
    out = np.zeros(room)
    lengths = np.zeros(claims[end] - claims[begin], np.int64)
    wide, whole = np.zeros(longest), np.zeros(longest)
    at = 0
    for e in range(begin, end):
        if n_seen[e] == 0:
            continue
        first, last = claims[e], claims[e + 1]
        law = until_count(
            protection[protection_bounds[e] : protection_bounds[e + 1]],
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            until[e],
        )
        wait = waiting[waiting_bounds[e] : waiting_bounds[e + 1]]
        d_r = review[review_bounds[e] : review_bounds[e + 1]]
        added = lot_variances(
            len(law), claim_lots[first:last], claim_units[first:last], claim_shares[first:last]
        )
        reach = len(law) + longest_lot(claim_lots[first:last])
        for c in range(first, last):
            if claim_lots[c] <= claim_units[c]:
                continue
            others = added.copy()
            for d in range(1, len(law)):
                own = lot_variance(d, claim_lots[c], claim_units[c], claim_shares[c])
                others[d] = others[d] - own if others[d] > own * (1.0 + WHOLE) else 0.0
            wide[:] = 0.0
            widen(law, others, wide[:reach])
            kept = cut_tail(wide[:reach])
            final = wide[:kept]
            if len(wait) > 1:
                whole[:] = 0.0
                add(wide[:kept], wait, whole[: kept + len(wait) - 1])
                final = whole[: cut_tail(whole[: kept + len(wait) - 1])]
            place = out[at : at + len(final)]
            place[:] = 0.0
            owe(final, d_r, lots[e], is_uniform[e], levels[e], place)
            lengths[c - claims[begin]] = cut_tail(place)
            at += lengths[c - claims[begin]]
    return out[:at].copy(), lengths


@njit(cache=True, nogil=True, error_model="numpy")
def _last_range(
    begin: int, end: int, owed: Floats, bounds: Ints, between: Floats, claimed: Floats, out: Floats
) -> None:
    for e in range(begin, end):
        m, f = max(between[e], WHOLE), claimed[e]
        asked, mean = 0.0, 0.0
        for b in range(1, bounds[e + 1] - bounds[e]):
            rounds = math.floor(b / m)
            asked += owed[bounds[e] + b] * (rounds * f * m + min(b - rounds * m, f * m))
            mean += owed[bounds[e] + b] * b
        if mean * f > 0.0:
            out[e] = asked / (mean * f)


def last_asked(owed: Floats, bounds: Ints, between: Floats, claimed: Floats) -> Floats:
    """Return by how much the claimants' part of what each source owes exceeds their share of its demand.

        E[ floor(B / m) f m + min(B mod m, f m) ] / (f E[B])

    Of what is asked for between two reviews, m, customers ask first and claimants' orders come at the
    end; what was asked for last is owed.

    Parameters
    ----------
    owed, bounds : ragged pmfs of what each source owes, steps
    between [m] : (n,) mean demand at the source between two reviews of its claimants, steps
    claimed [f] : (n,) claimants' share of that

    Examples
    --------
    One unit is owed, two are asked for between reviews, half of them by claimants: it is theirs.

    >>> last_asked(np.array([0.0, 1.0]), np.array([0, 2]), np.array([2.0]), np.array([0.5])).tolist()
    [2.0]
    """
    out = np.ones(len(between))
    in_chunks(
        lambda begin, end: _last_range(begin, end, owed, bounds, between, claimed, out), 0, len(out), CHUNK
    )
    return out


def seen_laws(
    protection: Floats,
    protection_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    review: Floats,
    review_bounds: Ints,
    waiting: Floats,
    waiting_bounds: Ints,
    until: Floats,
    lots: Ints,
    is_uniform: Flags,
    levels: Ints,
    claim_lots: Floats,
    claim_units: Floats,
    claim_shares: Floats,
    claims: Ints,
) -> Ragged:
    """Return, claimant by claimant, the law of what its source owes but for the claimant's own lot.

    A claimant's position and what it is owed hang together: both are high right after an order of a
    lot. All orders of the last T periods are owed, so with its demand D_i and orders O_i over T

        y_i(t) - B_i = y_i(t) - O_i(T) = y_i(t - T) - D_i(T)

    whose terms are independent but for what its own orders do to T: the delay that goes with an
    independent position is the demand, not the orders, of the time waited. So its own lot is left out
    of what widens the source's demand, and what is owed is split by lumps of demand (`claimed_laws`).

    Parameters
    ----------
    protection, lead and bounds : ragged pmfs of the demand passed on to each source, without lots
    review and bounds : of its claimants' orders over a review interval
    waiting, waiting_bounds : of what its own source owes it
    until, lots, is_uniform, levels : (n,) of the source, as of `owed_laws`
    claim_lots, claim_units, claim_shares, claims : as of `widened_laws`

    Returns
    -------
    Ragged pmfs, (c,), steps of the source; empty for claimants without a lot, whose orders are their demand.
    """
    has_lot = np.concatenate([[0], np.cumsum(claim_lots > claim_units)])
    n_seen: Ints = has_lot[claims[1:]] - has_lot[claims[:-1]]
    given = (
        protection, protection_bounds, lead, lead_bounds, review, review_bounds, waiting, waiting_bounds,
        until, lots, is_uniform, levels, claim_lots, claim_units, claim_shares, claims, n_seen,
    )  # fmt: skip
    return joined(lambda begin, end: _seen_range(begin, end, *given), len(levels))


def claimed_laws(
    owed: Floats, bounds: Ints, sources: Ints, shares: Floats, lumps: Ints, ratios: Floats, means: Floats
) -> Ragged:
    """Return the law of each claimant's part of what its source owes.

    First come, first served: what is owed are the last units asked for. They come in lumps of w, and
    each lump, the last broken one too, is the claimant's with probability p:

        B_i = w Bin(floor(B / w), p) + (B mod w) Bin(1, p) + shift,   E[B_i] = p E[B] + shift

    (Graves 1985, eq. 7, for w = 1). On the claimant's lattice each outcome is shared between the two
    neighbouring cells, which keeps the mean.

    Parameters
    ----------
    owed, bounds : ragged pmfs of what is owed, steps of the source
    sources : (c,) entry of each claimant in these
    shares [p] : (c,) share of the source's demand
    lumps [w] : (c,) steps of the source, at least 1
    ratios : (c,) step of the source over step of the claimant
    means : (c,) least mean of the part, steps of the source; the shift makes up what is missing

    Examples
    --------
    >>> law, _ = claimed_laws(np.array([0.5, 0.0, 0.5]), np.array([0, 3]), np.array([0]), np.array([0.5]),
    ...     np.array([1]), np.array([1.0]), np.array([0.5]))
    >>> law.tolist()
    [0.625, 0.25, 0.125]
    """
    given = (owed, bounds, sources, shares, lumps, ratios, means)
    return joined(lambda begin, end: _thin_range(begin, end, *given), len(sources))
