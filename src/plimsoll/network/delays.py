"""What a short source does to the demand of those it feeds: laws of units owed, handed down the network."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.maths.kernels import network_claims as claims_kernel
from plimsoll.maths.kernels import network_laws as kernel
from plimsoll.maths.kernels.network_laws import Ragged
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists, to_lists
from plimsoll.network.links import LAWS, Links

DELAYED = ("pmf_lead", "pmf_protection")  # what is ordered at a review has met its source's shortage before


@dataclass(frozen=True, slots=True)
class Delayed:
    """The points of one depth as they must be sized: laws by column, units waited for, added variance.

    `waiting` : laws of what the source owes each point, steps; `mean`, `sd` the same in units (m,)
    `variance` : (m,) units squared by which demand over the protection interval is wider than alone
    """

    laws: dict[str, Ragged]
    waiting: Ragged
    mean: Floats
    sd: Floats
    variance: Floats


@dataclass(frozen=True, slots=True)
class Owed:
    """What the points of one depth owe at the end of a period.

    `total` : laws of all that each owes, steps
    `seen` : law that goes with each claimant, by its row; empty where that is the total
    `rows` : the claimants' rows in the order of `seen`
    `start` : row of the first of these points
    """

    start: int
    total: Ragged
    seen: Ragged
    rows: Ints


def delayed(links: Links, rows: slice, above: Owed | None) -> Delayed:
    """Return the demand that the stock of each point of one depth must last for.

        orders   O_k = demand D_k over interval k as its claimants' lots pass it on (`widened_laws`)
        lead     O_L + B_i,   protection  O_P + B_i,   B_i the part that its source owes it

    All that a point has ordered by a review is under way but B_i; so its stock at the end of the
    protection interval is y - B_i - D_P, B_i independent of what follows (Graves 1985, section 2).

    Parameters
    ----------
    links : the points
    rows : those of one depth
    above : what the points of the depth above owe, None at the sources
    """
    points = links.points[rows]
    laws = _widened(links, rows)
    before = kernel.law_moments(*from_lists(points["pmf_protection"]))[1]
    step = points["step_qty"].to_numpy()
    waiting = np.ones(points.height), np.arange(points.height + 1)
    if above is not None:
        waiting = _claimed(links, rows, above)
        laws |= {name: kernel.added_laws(*laws[name], *waiting) for name in DELAYED}
    mean, variance = kernel.law_moments(*waiting)
    after = kernel.law_moments(*laws["pmf_protection"])[1]
    added = np.maximum(after - before, 0.0) * step**2
    return Delayed(laws, waiting, mean * step, np.sqrt(variance) * step, added)


def with_laws(estimates: pl.DataFrame, found: Delayed) -> pl.DataFrame:
    """Return the estimates with these laws, the units waited for beside them, and the wider spread.

    `mean_protection_qty` stays the place's own demand.

    Parameters
    ----------
    estimates : rows of the table `demand_estimate`, as in `found`
    found : the demand that their stock must last for
    """
    spread = np.sqrt(estimates["sd_protection_qty"].to_numpy() ** 2 + found.variance)
    return estimates.with_columns(
        **{name: to_lists(*law) for name, law in found.laws.items()},
        sd_protection_qty=pl.Series(spread),
        waiting_mean_qty=pl.Series(found.mean),
    )


def owed(links: Links, rows: slice, found: Delayed, policies: pl.DataFrame, ship_days: float) -> Owed:
    """Return the law of what each point of one depth owes when its claimants need it, steps.

        B = (O(L + w) - y)^+,   E[w] = (R + 1) / 2 - (1 - p) (u - (R_i + 1) / 2)
        u = sum_k k^4 / sum_k k^3,   k = 1..R_i

    At the end of any period orders that can have arrived are the lead time and 1..R periods old, (R + 1) / 2
    on average. A claimant misses what it is owed not at any time between two of its reviews but mostly
    towards the end, when its stock is low: were what it lacks in a period to grow with the cube of the
    time, then u periods after the first on average. By then, of what the source owes, orders of others
    (all but the claimant's share p) that came since are not its own. Laws over lead time and protection
    interval are mixed so that the mean interval is L + E[w]. Exact where both review every period. A period
    here is the time between shipments.

    Parameters
    ----------
    links : the points
    rows : those of one depth
    found : the demand that their stock must last for
    policies : rows of the table `policy`, in the same order
    ship_days : days between the moments at which places ship what they owe
    """
    points = links.points[rows]
    step = points["step_qty"].to_numpy()
    is_base = (policies["policy"] == "base_stock").to_numpy()
    reorder, up_to = (policies[name].to_numpy() / step for name in ("reorder_point_qty", "order_up_to_qty"))
    share, is_uniform = until(links, rows, ship_days), (policies["policy"] == "s_nQ").to_numpy()
    lots = np.maximum(np.rint(policies["lot_qty"].to_numpy() / step), 1)
    lots = np.where(is_base, 1, lots).astype(np.int64)
    levels = np.rint(np.where(is_base, up_to - 1.0, reorder)).astype(np.int64)
    protection, lead, review = (found.laws[name] for name in ("pmf_protection", "pmf_lead", "pmf_review"))
    total = kernel.owed_laws(*protection, *lead, *review, share, lots, is_uniform, levels)
    claimants, claims = _claimants(links, rows)
    if not len(claimants):
        return Owed(rows.start, total, (np.zeros(0), np.zeros(1, dtype=np.int64)), claimants)
    passed = _passed(links, claimants)
    asked, asked_lead = from_lists(points["pmf_protection"]), from_lists(points["pmf_lead"])
    seen = claims_kernel.seen_laws(
        *asked, *asked_lead, *review, *found.waiting, share, lots, is_uniform, levels, *passed, claims
    )
    return Owed(rows.start, total, seen, claimants)


def until(links: Links, rows: slice, ship_days: float) -> Floats:
    """Return the share of the law over the protection interval in what is owed, see `owed`; (m,)."""
    reviews = np.maximum(links.points["review_days_eff"].to_numpy() / ship_days, 1.0)
    claimants, claims = _claimants(links, rows)
    entry = np.repeat(np.arange(rows.stop - rows.start), np.diff(claims))
    share, theirs = links.share[claimants], reviews[claimants]
    square = theirs * (theirs + 1.0)
    late = 2.0 * (2.0 * theirs + 1.0) * (3.0 * square - 1.0) / (15.0 * square) - 0.5 * (theirs + 1.0)
    weights = np.bincount(entry, share, rows.stop - rows.start)
    later = np.bincount(entry, share * (1.0 - share) * late, len(weights))
    later = np.divide(later, weights, out=np.zeros(len(weights)), where=weights > 0.0)
    mine = reviews[rows]
    return np.asarray(np.clip((0.5 * (mine + 1.0) - later) / mine, 0.0, 1.0))


def _claimants(links: Links, rows: slice) -> tuple[Ints, Ints]:
    """Return the rows of the claimants of one depth, by source, and where those of each source begin."""
    inside = np.flatnonzero((links.source >= rows.start) & (links.source < rows.stop))
    ordered = inside[np.argsort(links.source[inside], kind="stable")]
    counts = np.bincount(links.source[ordered] - rows.start, minlength=rows.stop - rows.start)
    return ordered, bounds_of(counts)


def _widened(links: Links, rows: slice) -> dict[str, Ragged]:
    """Return the laws of demand as claimants' orders pass it on."""
    points = links.points[rows]
    laws = {name: from_lists(points[name]) for name in LAWS}
    claimants, claims = _claimants(links, rows)
    if not len(claimants):
        return laws
    is_multiple = (links.points["policy"] == "s_nQ").to_numpy()[claimants]
    alone = np.diff(claims) == 1
    is_one = np.zeros(points.height, dtype=np.bool_)
    first = claims[:-1][alone]
    is_one[alone] = is_multiple[first] & (links.own[rows][alone] <= 0.0)
    lots, units, shares = _passed(links, claimants)
    return {
        name: kernel.widened_laws(*law, lots, units, shares, claims, is_one) for name, law in laws.items()
    }


def _passed(links: Links, claimants: Ints) -> tuple[Floats, Floats, Floats]:
    """Return lots and units of claimants in steps of their sources, and their shares."""
    step = links.points["step_qty"].to_numpy()[links.source[claimants]]
    return links.lot[claimants] / step, links.unit[claimants] / step, links.share[claimants]


def _claimed(links: Links, rows: slice, above: Owed) -> Ragged:
    """Return the law of what its source owes each point of one depth, steps of the point."""
    source = links.source[rows]
    entry = source - above.start
    step = links.points["step_qty"].to_numpy()
    lumps = np.maximum(np.rint(_lumps(links)[source] / step[source]), 1.0).astype(np.int64)
    values = np.concatenate([above.total[0], above.seen[0]])
    bounds = np.concatenate([above.total[1], above.seen[1][1:] + above.total[1][-1]])
    has_own = np.diff(above.seen[1]) > 0
    law = entry.copy()
    law[above.rows[has_own] - rows.start] = len(above.total[1]) - 1 + np.flatnonzero(has_own)
    share = links.share[rows] * _asked_last(links, rows, above)[entry]
    mean = kernel.law_moments(*above.total)[0][entry] * share
    return claims_kernel.claimed_laws(values, bounds, law, share, lumps, step[source] / step[rows], mean)


def _asked_last(links: Links, rows: slice, above: Owed) -> Floats:
    """Return by how much the claimants' part of what each source owes exceeds their share of its demand."""
    n = len(above.total[1]) - 1
    sources = slice(above.start, above.start + n)
    entry, share = links.source[rows] - above.start, links.share[rows]
    days = links.points[rows].select(pl.max_horizontal("review_days_eff", "period_days")).to_series()
    claimed = np.bincount(entry, share, n)
    weighted = np.bincount(entry, share * days.to_numpy(), n)
    days_between = np.divide(weighted, claimed, out=np.ones(n), where=claimed > 0.0)
    points = links.points[sources]
    between = (points["mean_per_day_est"] / points["step_qty"]).to_numpy() * days_between
    return claims_kernel.last_asked(*above.total, between, 1.0 - links.own[sources])


def _lumps(links: Links) -> Floats:
    """Return the size of the lumps in which each source owes, as a unit of them sees it, units.

        sum_i p_i (Var[D_i] / E[D_i] + E[D_i] / 2) / sum_i p_i,   D_i demand of claimant i between reviews

    The first ratio is E[X^2] / E[X] of lumps X that come one by one (compound Poisson). Of the last
    review some claimants are owed all of an order and others nothing; such lumps, of E[D_i] more, are
    given half the weight. Customers' own demand is taken to be like that of those the source feeds.
    """
    mean, variance = kernel.law_moments(*from_lists(links.points["pmf_review"]))
    spread = np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0.0)
    lump = np.maximum(spread + 0.5 * mean, 1.0) * links.unit
    has = links.source >= 0
    weights = np.bincount(links.source[has], links.share[has], links.points.height)
    lumps = np.bincount(links.source[has], (links.share * lump)[has], len(weights))
    return np.divide(lumps, weights, out=links.unit.copy(), where=weights > 0.0)
