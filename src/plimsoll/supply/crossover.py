"""Orders that overtake each other: how often, and how much less spread that leaves for a buffer to cover.

With crossover it does not matter which order arrives: the k-th arrival serves the k-th need. The time
from the k-th order to the k-th arrival is the effective lead time; its mean is that of the lead time
and its variance is less (Robinson, Bradley & Thomas 2001; Bradley & Robinson 2005).
"""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.supply.observations import NODE
from plimsoll.supply.params import SupplyParams

GRID = 64  # durations at which the effective lead time is evaluated
MOST_OPEN = (
    40  # orders under way that are followed; with more, the spread stated is too large and not too small
)
BLOCK = 256  # laws worked on at a time: keeps the arrays in the cache
LEAST_CROSSING = 0.005  # below this share of crossings the effective spread is the plain one


def crossing_probability(days: Floats, share: Floats, spacing: Floats) -> Floats:
    """Return the probability that an order arrives after the one placed `spacing` days later.

        P(L1 > L2 + d) = sum over i, j with a_i > a_j + d of p_i p_j

    for independent lead times of one law.

    Parameters
    ----------
    days : [a] (n, K) atoms of each law, days
    share : [p] (n, K) their probabilities
    spacing : [d] (n,) days between the two orders

    Examples
    --------
    >>> crossing_probability(np.array([[1.0, 9.0]]), np.array([[0.5, 0.5]]), np.array([7.0])).tolist()
    [0.25]
    """
    found = np.zeros(len(days))
    for column in range(days.shape[1]):
        beaten = (days < (days[:, column] - spacing)[:, None]) * share
        found += share[:, column] * beaten.sum(axis=1)
    return found


def effective_spread(days: Floats, share: Floats, spacing: Floats) -> Floats:
    """Return the standard deviation of the time from the k-th order to the k-th arrival.

        P(E > t) = P(N(t) > floor(t / d)),  N(t) = sum over m >= 0 of Bernoulli(P(L > t mod d + m d))

    Orders are placed every d days and have independent lead times L: the k-th arrival comes later than t
    after the k-th order exactly when, at that time, more orders are outstanding than were placed after
    it. N is the number of outstanding orders, a sum of independent indicators. The integral of 2 t P(E > t)
    is taken at 64 midpoints between the first and the last atom.

    Parameters
    ----------
    days, share : [a, p] (n, K) atoms of each law in ascending order, and their probabilities
    spacing : [d] (n,) days between consecutive orders, > 0

    Returns
    -------
    (n,) days, never above the standard deviation of L.

    Examples
    --------
    Lead times of 5 or 15 days, an order a day: nearly all arrive in turn after 10 days.

    >>> law = np.array([[5.0, 15.0]]), np.array([[0.5, 0.5]])
    >>> [round(float(effective_spread(*law, np.array([d]))[0]), 1) for d in (1.0, 5.0, 10.0)]
    [1.6, 3.5, 5.0]
    """
    mean = (days * share).sum(axis=1)
    plain = np.sqrt((np.square(days - mean[:, None]) * share).sum(axis=1))
    first, last = days[:, 0], days[:, -1]
    spacing = np.maximum(spacing, last / MOST_OPEN)
    step = (last - first) / GRID
    time = first[:, None] + (np.arange(GRID) + 0.5) * step[:, None]
    index = np.floor(time / spacing[:, None])
    phase = time - index * spacing[:, None]
    depth = int(np.floor(last / spacing).max(initial=0.0)) + 1
    open_now = np.zeros((*time.shape, depth + 1))
    open_now[:, :, 0] = 1.0
    for order in range(depth):
        moment = phase + order * spacing[:, None]
        still = np.zeros_like(time)
        for column in range(days.shape[1]):
            still += (days[:, column, None] > moment) * share[:, column, None]
        shifted = open_now[:, :, :-1] * still[:, :, None]
        open_now *= 1.0 - still[:, :, None]
        open_now[:, :, 1:] += shifted
    late = (open_now * (np.arange(depth + 1) > index[:, :, None])).sum(axis=2)
    mean_effective = first + late.sum(axis=1) * step
    square = np.square(first) + (2.0 * time * late).sum(axis=1) * step
    spread = np.sqrt(np.maximum(square - np.square(mean_effective), 0.0))
    return np.asarray(np.minimum(spread, plain))


def crossings(
    receipts: pl.DataFrame,
    open_orders: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: SupplyParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return how often consecutive orders of an item on a lane overtook each other, seen and to be expected.

    Parameters
    ----------
    receipts : table `receipts`; rows received after `as_of` are not read
    open_orders : table `open_orders`: one placed before a received one has been overtaken
    lead_times : table `lead_time_estimate`, for what is to be expected
    params : options
    as_of : day of knowledge

    Returns
    -------
    One row an item on a lane with at least one pair of consecutive orders of which it is known who came
    first: n_pairs; n_crossed; n_crossed_est, the expected number at the spacings seen; spacing_days,
    their mean; n_received, squares_obs and squares_effective_obs: number of received orders, and sums
    of squared deviations of the plain and the effective lead time from the item's mean;
    spread_days_est and spread_effective_est: standard deviations by formula.

    Conventions: orders placed on one day cannot cross. Expedited orders count, since they overtake.
    Edge cases: items with one order have no row; without an estimate the columns `_est` are null.
    """
    orders = _orders(receipts, open_orders, params, as_of)
    pairs = _pairs(orders)
    laws = lead_times.filter(pl.col("atom_days").list.len() > 0).with_row_index("law")
    pairs = pairs.join(laws.select(*NODE, "law"), on=NODE, how="left", maintain_order="left")
    days, share = _matrix(laws)
    law = pairs["law"].fill_null(0).to_numpy().astype(np.int64)
    chance = np.zeros(pairs.height)
    if laws.height:
        # Only a law wider than the spacing can cross, which leaves few pairs to work on.
        gap = pairs["gap_days"].to_numpy()
        can = np.flatnonzero((days[law, -1] - days[law, 0] > gap) & pairs["law"].is_not_null().to_numpy())
        chance[can] = crossing_probability(days[law[can]], share[law[can]], gap[can])
    estimated = pl.when(pl.col("law").is_not_null()).then(pl.Series(chance))
    by_node = (
        pairs.with_columns(estimated.alias("chance"))
        .group_by(NODE, maintain_order=True)
        .agg(
            pl.col("law").first(),
            n_pairs=pl.len().cast(pl.Int64),
            n_crossed=pl.col("crossed").sum().cast(pl.Int64),
            n_crossed_est=pl.when(pl.col("law").first().is_not_null()).then(pl.col("chance").sum()),
            spacing_days=pl.col("gap_days").mean(),
        )
        .join(_squares(orders), on=NODE, how="left", maintain_order="left")
    )
    return by_node.with_columns(_spreads(by_node, days, share)).drop("law").sort(NODE)


def _orders(
    receipts: pl.DataFrame, open_orders: pl.DataFrame, params: SupplyParams, as_of: date
) -> pl.DataFrame:
    """Return each order of an item on a lane with the day it came, null while it is open."""
    late = receipts.filter(
        (pl.col("received_date") > as_of - pl.duration(days=params.scorecard_days))
        & (pl.col("received_date") <= as_of)
    )
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    came = late.filter(lead.is_between(0, params.max_lead_time_days)).select(
        *NODE, "order_id", "ordered_date", "received_date"
    )
    # Later parts of a line or an order are no order of their own: the first part counts.
    came = came.group_by(*NODE, "order_id", "ordered_date").agg(pl.col("received_date").min())
    still = open_orders.filter(pl.col("ordered_date") <= as_of).select(
        *NODE, "order_id", "ordered_date", received_date=pl.lit(None, dtype=pl.Date)
    )
    still = still.unique().join(came, on=[*NODE, "order_id"], how="anti")
    orders = pl.concat([came, still.filter(pl.col("from_location_id").is_not_null())])
    # Orders of one day are one order for this purpose: which of them serves which need is open.
    return (
        orders.group_by(*NODE, "ordered_date").agg(pl.col("received_date").min()).sort(*NODE, "ordered_date")
    )


def _pairs(orders: pl.DataFrame) -> pl.DataFrame:
    """Return consecutive orders of which it is known who came first, those of an item together."""
    following = orders.with_columns(
        next_ordered=pl.col("ordered_date").shift(-1).over(NODE),
        next_received=pl.col("received_date").shift(-1).over(NODE),
    ).filter(pl.col("next_ordered").is_not_null())
    first, second = pl.col("received_date"), pl.col("next_received")
    known = following.filter(first.is_not_null() | second.is_not_null())
    return known.select(
        *NODE,
        crossed=(first > second).fill_null(first.is_null()),
        gap_days=(pl.col("next_ordered") - pl.col("ordered_date")).dt.total_days().cast(pl.Float64),
    )


def _squares(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the squared deviations of plain and effective lead times of each item's received orders."""
    came = orders.filter(pl.col("received_date").is_not_null())
    # The k-th order with the k-th arrival; orders are sorted by day within an item.
    ranked = came.with_columns(kth=pl.col("received_date").sort().over(NODE))
    days = {
        "plain": (pl.col("received_date") - pl.col("ordered_date")).dt.total_days().cast(pl.Float64),
        "effective": (pl.col("kth") - pl.col("ordered_date")).dt.total_days().cast(pl.Float64),
    }
    mean = days["plain"].mean()
    return ranked.group_by(NODE, maintain_order=True).agg(
        n_received=pl.len().cast(pl.Int64),
        squares_obs=(days["plain"] - mean).pow(2).sum(),
        squares_effective_obs=(days["effective"] - mean).pow(2).sum(),
    )


def _matrix(laws: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the atoms of all laws as (n, K) arrays; a short law repeats its last atom with no weight."""
    if laws.is_empty():
        return np.zeros((1, 1)), np.zeros((1, 1))
    values, bounds = from_lists(laws["atom_days"])
    weights, _ = from_lists(laws["atom_probability"])
    width = int(np.diff(bounds).max())
    at: Ints = np.minimum(bounds[:-1, None] + np.arange(width), bounds[1:, None] - 1)
    inside = bounds[:-1, None] + np.arange(width) < bounds[1:, None]
    return values[at], np.where(inside, weights[at], 0.0)


def _spreads(nodes: pl.DataFrame, days: Floats, share: Floats) -> list[pl.Series]:
    """Return the plain and the effective standard deviation by formula, null without an estimate."""
    known = nodes["law"].is_not_null().to_numpy()
    law = nodes["law"].fill_null(0).to_numpy().astype(np.int64)
    mean = (days * share).sum(axis=1, keepdims=True)
    plain = np.sqrt((np.square(days - mean) * share).sum(axis=1))[law]
    effective = plain.copy()
    expected = nodes["n_crossed_est"].fill_null(0.0) / nodes["n_pairs"]
    crossing = np.flatnonzero(known & (expected.to_numpy() >= LEAST_CROSSING))
    spacing = nodes["spacing_days"].to_numpy()
    # Laws with as many orders under way are worked on together: the widest decides the size of a block.
    crossing = crossing[np.argsort(days[law[crossing], -1] / spacing[crossing], kind="stable")]
    for start in range(0, crossing.size, BLOCK):
        some = crossing[start : start + BLOCK]
        effective[some] = effective_spread(days[law[some]], share[law[some]], spacing[some])
    nothing = np.where(known, 0.0, np.nan)
    return [
        pl.Series("spread_days_est", plain + nothing, nan_to_null=True),
        pl.Series("spread_effective_est", effective + nothing, nan_to_null=True),
    ]
