"""Seasons that many series share: an index pooled over a hierarchy, and shrunk by how well it repeats.

The history of one slow series hardly tells its season; that of its category, or of the whole company, does.
With x_it the demand of series i in period t, l_i its mean while it was observed, and s(t) the season of t,

    r_gt = sum_i x_it / (c_gt sum_i l_i),    c the level of the group, smoothed over two sides
    index_gs = parent_gs (1 + Z_g (mean of r_gt / parent over the periods of season s - 1))
    Z_g = b / (b + w / Y)

over the series of group g that were observed in t: first the company (its parent is 1), then each category.
b is the variance of seasons that Y years repeat, w that between the years of one season (the credibility of
Buhlmann & Gisler 2005, ch. 3, by analysis of variance). What does not repeat is no season: Z is 0 there, and
1/2 where only one year has been seen, which cannot tell.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.intervals import PMFS, distributed
from plimsoll.demand.panel import KEY, Panel, bucket_of, period_panel
from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import EVERY, PERIOD_DAYS, Bucket, period_start
from plimsoll.maths.kernels.demand_compose import add_rates
from plimsoll.maths.ragged import Floats, Ints, from_lists, to_lists

Flags = NDArray[np.bool_]

SEASONS = {"week": 52, "month": 12}
LEVEL_SHARE = 0.2  # of a year: how far the level of a group is smoothed over
NEIGHBOURS = np.array([0.25, 0.5, 0.25])  # weights of a week and those beside it: feasts move by days
STEPS = 2  # between levels and indices, each of which needs the other
ONE_YEAR = 0.5  # credibility of seasons seen once
LEAST_INDEX = 0.05
NO_SEASON = 0.01  # an index this close to 1 moves no distribution


@dataclass(frozen=True, slots=True)
class Seasons:
    """Indices of G groups (G, S), mean 1 over a year, and the group of each point (n,)."""

    bucket: Bucket
    index: Floats
    group: Ints

    @property
    def are_flat(self) -> bool:
        """Whether no group has a season."""
        return bool((self.index == 1.0).all())

    def of(self, start: date, n_periods: int) -> Floats:
        """Return the index (G, n_periods) of consecutive periods from `start`."""
        return np.asarray(self.index[:, seasons_from(start, self.bucket, n_periods)])


def seasons_from(start: date, bucket: Bucket, n_periods: int) -> Ints:
    """Return the season of consecutive periods: ISO week (53 is 52) or month, less 1.

    Examples
    --------
    >>> seasons_from(date(2026, 12, 21), "week", 3).tolist()
    [51, 51, 0]
    """
    if not n_periods:
        return np.zeros(0, dtype=np.int64)
    end = pl.Series([start]).dt.offset_by(f"{n_periods - 1}{EVERY[bucket][1:]}").item()
    return _season_of(pl.date_range(start, end, EVERY[bucket], eager=True), bucket)


def _season_of(days: pl.Series, bucket: Bucket) -> Ints:
    number = days.dt.month() if bucket == "month" else days.dt.week()
    return np.asarray(np.minimum(number.to_numpy().astype(np.int64), SEASONS[bucket]) - 1)


def seasons(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
    availability: pl.DataFrame | None = None,
) -> Seasons:
    """Return the seasonal indices that are known on a day.

    Parameters
    ----------
    demand : table `demand`
    points : table `planning_point`, sorted by key
    params : for the period
    as_of : day of knowledge
    availability : periods out of stock are not observed

    Returns
    -------
    Seasons
        One group for the whole, and one for each category, in the order of their names; a category with
        fewer than `pool_points_min` points has the season of the whole, and so few points in all have
        none. Less than a year of history has no seasons: all indices are 1. So are those of a category of
        which fewer than the share `season_active_min` of the periods have demand: a season there shows in
        how often somebody asks, not in how much, and dividing the few sizes by it would only blur them.
    """
    known = demand.filter(pl.col("date") <= as_of)
    bucket = bucket_of(known, params)
    panel = period_panel(known, points, bucket, as_of=as_of, availability=availability)
    category = points["category"].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
    n_groups, year = int(category.max(initial=0)) + 1, SEASONS[bucket]
    if panel.n_calendar < year:
        return Seasons(bucket, np.ones((n_groups, year)), category)
    if len(category) < params.pool_points_min:
        return Seasons(bucket, np.ones((n_groups, year)), category)
    small = np.bincount(category, minlength=n_groups) < params.pool_points_min
    index = _indices(panel, category, n_groups, year, small)
    index[_active(panel, category, n_groups) < params.season_active_min] = 1.0
    return Seasons(bucket, index, category)


def _active(panel: Panel, group: Ints, n_groups: int) -> Floats:
    """Return the share of the periods observed that have demand (G,)."""
    owner = group[np.repeat(np.arange(len(group)), np.diff(panel.bounds))]
    seen = np.bincount(owner, ~np.isnan(panel.values), n_groups)
    return np.asarray(np.bincount(owner, panel.values > 0.0, n_groups) / np.maximum(seen, 1.0))


def deseasonalised(demand: pl.DataFrame, points: pl.DataFrame, found: Seasons) -> pl.DataFrame:
    """Return the demand of the points with every quantity divided by the index of its season.

    What comes in whole units stays in whole units: what is rounded off one line is carried to the next, so
    that counts remain counts and nothing is lost.

    Parameters
    ----------
    demand : table `demand`; lines of other points are left out
    points : table `planning_point`, as given to `seasons`
    found : seasonal indices

    Returns
    -------
    Table `demand`, in the order of points, dates and lines.
    """
    group = points.select(KEY).with_columns(point=pl.int_range(pl.len()), group=pl.Series(found.group))
    lines = demand.join(group, on=KEY, how="inner").sort("point", "date", "order_id", "line", "quantity")
    season = _season_of(lines["date"], found.bucket)
    usual = lines.with_columns(
        usual=pl.col("quantity") / pl.Series(found.index[lines["group"].to_numpy(), season])
    )
    upto = pl.col("usual").cum_sum()
    is_whole = (pl.col("quantity") == pl.col("quantity").round()).all()
    upto = pl.when(is_whole).then((upto + 0.5).floor()).otherwise(upto)
    each = (upto - upto.shift(1, fill_value=0.0)).over("point")
    return usual.with_columns(quantity=each).select(demand.columns)


def reseasonalised(
    estimates: pl.DataFrame, points: pl.DataFrame, found: Seasons, params: DemandParams, *, as_of: date
) -> pl.DataFrame:
    """Return estimates of deseasonalised demand in the seasons that their intervals fall in.

        mean' = f mean,    variance' = f variance

    over each interval, f its mean index: the ratio of variance to mean stays, as if demand came from f times
    as many customers. The lead time counts at its mean. The law is the count distribution with these moments
    (Panjer 1981) where f is off 1 by more than a hundredth; elsewhere the distributions stay.

    Parameters
    ----------
    estimates : table `demand_estimate` of the demand that `deseasonalised` returns, sorted by key
    points : table `planning_point`, as given to `seasons`
    found : seasonal indices
    params : for the lattice
    as_of : day from which the intervals run

    Returns
    -------
    Table `demand_estimate` with one column more, coming_qty: expected units of each coming period from
    `as_of` on, up to a year.
    """
    rows = estimates.join(points.select(*KEY, "review_days_eff"), on=KEY, how="left", maintain_order="left")
    days, year = PERIOD_DAYS[found.bucket], found.index.shape[1]
    first = period_start(as_of, found.bucket)
    gone = min((as_of - first).days + 1.0, days) / days
    upto = np.hstack([np.zeros((len(found.index), 1)), np.cumsum(found.of(first, 2 * year), axis=1)])
    review = rows["review_days_eff"].to_numpy()
    protection = np.maximum(rows["protection_days_mean"].to_numpy(), 1e-9)
    lead = protection - review

    def factor(begin: Floats, end: Floats) -> Floats:
        ends = [np.minimum(gone + at / days, 2 * year - 1.0) for at in (begin, np.maximum(end, begin + 1e-6))]
        low, high = (np.floor(at).astype(np.int64) for at in ends)
        at_low, at_high = (
            upto[found.group, k] + (at - k) * (upto[found.group, k + 1] - upto[found.group, k])
            for at, k in zip(ends, (low, high), strict=True)
        )
        return np.asarray((at_high - at_low) / (ends[1] - ends[0]))

    nothing = np.zeros_like(lead)
    in_lead, served, whole = factor(nothing, lead), factor(lead, protection), factor(nothing, protection)
    factors = np.column_stack([served, in_lead, whole, in_lead, whole])
    moved = np.flatnonzero((np.abs(factors - 1.0) > NO_SEASON).any(axis=1))
    rate = rows["mean_per_day_est"].to_numpy() * days
    periods = np.arange(1, year) + gone
    ahead = np.column_stack(
        [factor(nothing + (at - 1 - gone) * days, nothing + (at - gone) * days) for at in periods]
    )
    coming = to_lists((rate[:, None] * ahead).ravel(), np.arange(rows.height + 1) * (year - 1))
    laid = with_factors(estimates, moved, factors, params)
    return laid.with_columns(coming_qty=coming)


def with_factors(estimates: pl.DataFrame, moved: Ints, factors: Floats, params: DemandParams) -> pl.DataFrame:
    """Return the estimates with the distributions of the rows `moved` times their factors (n, 5)."""
    if not len(moved):
        return estimates
    rows = estimates[moved]
    means, variances = (np.empty((len(moved), len(PMFS))) for _ in range(2))
    step = rows["step_qty"].to_numpy()
    for j, name in enumerate(PMFS):
        values, bounds = from_lists(rows[name])
        owner = np.repeat(np.arange(len(moved)), np.diff(bounds))
        cell = np.arange(len(values)) - bounds[owner]
        first = np.bincount(owner, values * cell, len(moved))
        second = np.bincount(owner, values * cell**2, len(moved))
        means[:, j] = factors[moved, j] * first * step
        variances[:, j] = factors[moved, j] * np.maximum(second - first**2, 0.0) * step**2

    def write(lo: int, hi: int) -> tuple[Floats, Floats]:
        pmf, steps = np.zeros((hi - lo, len(PMFS), params.lattice_cells)), np.empty(hi - lo)
        base, lengths = np.ones((hi - lo, len(PMFS), 1)), np.ones((hi - lo, len(PMFS)), dtype=np.int64)
        add_rates(base, lengths, step[lo:hi], means[lo:hi], variances[lo:hi], pmf, steps)
        return pmf, steps

    laid = distributed(write, len(moved))
    rate = rows["mean_per_day_est"].to_numpy() * factors[moved, 2]
    changed = rows.with_columns(
        mean_per_day_est=rate,
        mean_lead_qty=laid.mean[:, 1],
        mean_protection_qty=laid.mean[:, 2],
        sd_protection_qty=laid.sd[:, 2],
        step_qty=laid.step,
        **dict(zip(PMFS, laid.lists, strict=True)),
    )
    others = estimates.with_row_index("row").join(
        pl.DataFrame({"row": moved}, schema={"row": pl.UInt32}), on="row", how="anti"
    )
    placed = changed.with_columns(row=pl.Series(moved, dtype=pl.UInt32)).select(others.columns)
    return pl.concat([others, placed]).sort("row").drop("row")


def _indices(panel: Panel, group: Ints, n_groups: int, year: int, small: Flags) -> Floats:
    """Return the indices (G, S) of the groups; those of small ones are the company's."""
    sold, usual = _totals(panel, group, n_groups)
    season = seasons_from(panel.start, panel.bucket, panel.n_calendar)
    whole = sold.sum(axis=0, keepdims=True), usual.sum(axis=0, keepdims=True)
    shared = _shrunk(*whole, np.ones((1, year)), season, panel.bucket)
    index = _shrunk(sold, usual, shared, season, panel.bucket)
    return np.where(small[:, None], shared, index)


def _totals(panel: Panel, group: Ints, n_groups: int) -> tuple[Floats, Floats]:
    """Return demand and usual demand (G, T) of the series observed, the usual being their mean."""
    lengths = np.diff(panel.bounds)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    period = np.arange(len(owner)) - panel.bounds[owner] + panel.n_calendar - lengths[owner]
    seen = ~np.isnan(panel.values)
    owner, period, value = owner[seen], period[seen], panel.values[seen]
    n = np.bincount(owner, minlength=len(lengths))
    mean = np.bincount(owner, value, len(lengths)) / np.maximum(n, 1)
    cell = group[owner] * panel.n_calendar + period
    shape = (n_groups, panel.n_calendar)
    sold, usual = (np.bincount(cell, weight, shape[0] * shape[1]) for weight in (value, mean[owner]))
    return np.asarray(sold.reshape(shape), float), np.asarray(usual.reshape(shape), float)


def _shrunk(sold: Floats, usual: Floats, parent: Floats, season: Ints, bucket: Bucket) -> Floats:
    """Return the indices (G, S) of groups with this demand, drawn towards those of their parent."""
    year = parent.shape[1]
    index = start = np.repeat(parent, len(sold), axis=0)
    for _ in range(STEPS):
        expected = usual * index[:, season]
        level = _smoothed(sold, year) / np.maximum(_smoothed(expected, year), 1e-9)
        base = usual * level * start[:, season]
        ratio, credibility = _seasonal(sold, base, season, bucket, year)
        index = start * (1.0 + credibility[:, None] * (ratio - 1.0))
        index = np.maximum(index / index.mean(axis=1, keepdims=True), LEAST_INDEX)
    return index


def _seasonal(sold: Floats, base: Floats, season: Ints, bucket: Bucket, year: int) -> tuple[Floats, Floats]:
    """Return for each group the mean ratio of each season (G, S), and how credible it is (G,)."""
    count = len(season)
    cycle = (np.arange(count)[::-1] // year)[::-1]  # years end with the history
    n_years = int(cycle.max()) + 1
    place = np.zeros((count, n_years * year))
    place[np.arange(count), cycle * year + season] = 1.0
    top, bottom = ((part @ place).reshape(-1, n_years, year) for part in (sold, base))
    if bucket == "week":
        top, bottom = _beside(top), _beside(bottom)
    weight = bottom
    ratio = np.divide(top, bottom, out=np.ones_like(top), where=bottom > 0)
    total = weight.sum(axis=1)
    mean = np.divide((weight * ratio).sum(axis=1), total, out=np.ones_like(total), where=total > 0)
    share = np.divide(weight, total[:, None], out=np.zeros_like(weight), where=total[:, None] > 0)
    years = 1.0 / np.maximum((share**2).sum(axis=1), 1.0 / n_years)
    spare = (years - 1.0).sum(axis=1)
    within = (share * (ratio - mean[:, None]) ** 2).sum(axis=1) * years
    within = within.sum(axis=1) / np.maximum(spare, 1e-9)
    noise = within * (1.0 / years).mean(axis=1)
    between = np.maximum(mean.var(axis=1, ddof=1) - noise, 0.0)
    told = np.divide(between, between + noise, out=np.zeros_like(between), where=between > 0)
    return mean, np.where(spare >= year / 2, told, ONE_YEAR)


def _beside(totals: Floats) -> Floats:
    """Return totals (G, years, S) smoothed over neighbouring seasons, the last being beside the first."""
    left, middle, right = NEIGHBOURS
    return np.asarray(
        left * np.roll(totals, 1, axis=-1) + middle * totals + right * np.roll(totals, -1, axis=-1)
    )


def _smoothed(totals: Floats, year: int) -> Floats:
    """Return totals (G, T) with weights that fall exponentially on both sides."""
    keep = np.exp(-1.0 / (LEVEL_SHARE * year))
    ahead, back = np.zeros_like(totals), np.zeros_like(totals)
    n = totals.shape[1]
    for t in range(n):
        ahead[:, t] = totals[:, t] + (keep * ahead[:, t - 1] if t else 0.0)
        u = n - 1 - t
        back[:, u] = totals[:, u] + (keep * back[:, u + 1] if t else 0.0)
    return np.asarray(ahead + back - totals)
