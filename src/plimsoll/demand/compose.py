"""Demand of other sources put beside, or in place of, what history alone says."""

from collections.abc import Callable
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from plimsoll.demand.intervals import PMFS, Protection, distributed, protection_of
from plimsoll.demand.panel import KEY
from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import keys_of
from plimsoll.maths.kernels.demand_compose import add_lumps, add_rates
from plimsoll.maths.kernels.demand_lattice import N_INTERVALS
from plimsoll.maths.ragged import Floats, Ints, from_lists

RATES = ("mean_per_day", "variance_per_day", "rate_variance")
LEAST_UNIT = 1e-6


def with_rates(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    rates: pl.DataFrame,
    params: DemandParams,
    *,
    mode: Literal["add", "replace"],
    booked: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the estimates with demand of given rates added to, or put in place of, that of some points.

        mean = m E[T];    variance = v E[T] + tau2 E[T2] + (m2 + 2 m b) Var[T]

    over each interval T (random, in days), b the rate of what it is added to (0 in place of it): both
    run over the same interval, so that a long one makes both large (law of total variance). The law
    is the count distribution with these moments (negative binomial, Poisson or binomial: Panjer 1981),
    convolved with what is there.

    Parameters
    ----------
    estimates : table `demand_estimate`
    points : table `planning_point`
    lead_times : table `lead_time_estimate`
    rates : item_id, location_id, mean_per_day (m), variance_per_day (v, units squared a day),
        rate_variance (tau2, uncertainty of m itself), unit_qty (optional: least quantity that is asked
        for, 1 where unknown; read in place only). Rows of one point add up; points that have no
        estimate are left out.
    params : for the lattice
    mode : "add" or "replace"
    booked : how far ahead customers book, as of `estimate`; all intervals but that between reviews then
        hold only what is not on the books yet

    Returns
    -------
    Table `demand_estimate`, only the rows named changed: rate, means, standard deviation, step and the
    five distributions. What describes the history (class, method, loss) stays.

    Raises
    ------
    InputError : a rate or variance that is negative or not a number
    """
    _refuse_odd(rates, RATES, "rates")
    unit = pl.col("unit_qty").fill_null(1.0).min() if "unit_qty" in rates.columns else pl.lit(1.0)
    wanted = (
        rates.sort(*KEY, *RATES).group_by(KEY, maintain_order=True).agg(pl.col(RATES).sum(), unit_qty=unit)
    )
    rows, named, protection = _touched(estimates, points, lead_times, wanted, booked)
    if not rows.height:
        return estimates
    mean, variance, doubt = (named[name].to_numpy() for name in RATES)
    beside = rows["mean_per_day_est"].to_numpy() if mode == "add" else np.zeros(rows.height)
    days, days2 = _days(protection)
    # Var[T] is clipped: the difference of two nearly equal figures may fall below 0.
    spread_days = np.maximum(days2 - days**2, 0.0)
    means = mean[:, None] * days
    variances = variance[:, None] * days + doubt[:, None] * days2
    variances += (mean * (mean + 2 * beside))[:, None] * spread_days
    base, lengths = _dense(rows)
    step = rows["step_qty"].to_numpy().copy()
    if mode == "replace":
        base, lengths = np.zeros((rows.height, N_INTERVALS, 1)), np.ones_like(lengths)
        base[:, :, 0] = 1.0
        step = np.maximum(named["unit_qty"].to_numpy(), LEAST_UNIT)

    def write(lo: int, hi: int, pmf: Floats, steps: Floats) -> None:
        add_rates(
            base[lo:hi], lengths[lo:hi], step[lo:hi], means[lo:hi], variances[lo:hi], pmf, steps
        )  # fmt: skip

    return _replaced(estimates, rows, write, params, beside + mean)


def with_dated(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    lumps: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates with known quantities on known days added.

    A lump on day d counts in an interval with P(T >= d - as_of), which is exact for lumps among
    themselves; that the demand beside them also runs for longer in a long interval is left out.
    The distribution between reviews stays: it is the rhythm of demand, to which what comes on one day
    once does not belong.

    Parameters
    ----------
    estimates, points, lead_times, params : as of `with_rates`
    lumps : item_id, location_id, date, quantity (units), quantity_sd (null: 0), probability (null: 1).
        Those dated on or before `as_of` are past, and left out.
    as_of : day from which the intervals run

    Returns
    -------
    Table `demand_estimate`, only the rows named changed. `mean_per_day_est` rises by what the coming year
    brings of the lumps, per day of it: yearly values and lots follow from it.

    Raises
    ------
    InputError : a quantity or its uncertainty that is negative, or not a number
    """
    _refuse_odd(lumps, ("quantity", "quantity_sd", "probability"), "lumps")
    coming = (
        lumps.filter(pl.col("date") > as_of, pl.col("quantity") > 0)
        .with_columns(
            pl.col("quantity_sd").fill_null(0.0),
            pl.col("probability").fill_null(1.0).clip(0.0, 1.0),
            day=(pl.col("date") - as_of).dt.total_days().cast(pl.Float64),
        )
        .sort(*KEY, "day", "quantity", "quantity_sd", "probability")
    )
    wanted = coming.group_by(KEY, maintain_order=True).agg("day", "quantity", "quantity_sd", "probability")
    rows, named, protection = _touched(estimates, points, lead_times, wanted)
    if not rows.height:
        return estimates
    day, bounds = from_lists(named["day"])
    quantity, sd, chance = (from_lists(named[name])[0] for name in ("quantity", "quantity_sd", "probability"))
    reached = _reached(protection, day, bounds)
    reached[:, 0] = 0.0
    owner = np.repeat(np.arange(rows.height), np.diff(bounds))
    in_year = quantity * chance * (day <= DAYS_PER_YEAR) / DAYS_PER_YEAR
    rate = rows["mean_per_day_est"].to_numpy() + np.bincount(owner, in_year, rows.height).astype(np.float64)
    base, lengths = _dense(rows)
    step = rows["step_qty"].to_numpy()

    def write(lo: int, hi: int, pmf: Floats, steps: Floats) -> None:
        part = bounds[lo : hi + 1]
        add_lumps(
            base[lo:hi], lengths[lo:hi], step[lo:hi], part, quantity, sd, chance, reached, pmf, steps
        )  # fmt: skip

    return _replaced(estimates, rows, write, params, rate)


def with_lead_times(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    before: pl.DataFrame,
    after: pl.DataFrame,
    rates: pl.DataFrame,
    params: DemandParams,
) -> pl.DataFrame:
    """Return the estimates with demand over other lead times, without estimating it again.

        mean = m E[T],    variance = v E[T] + tau2 E[T2] + m2 Var[T]

    over each interval T, before and after. Where both grow, what they grow by is convolved with the law that
    is there, as a count distribution of those moments: so a law keeps its shape, and its mean and variance
    are exact. Else the law is the count distribution with the mean and variance there, each times the
    ratio of the formulas.

    Parameters
    ----------
    estimates : table `demand_estimate`
    points : table `planning_point`; lanes in force and review intervals
    before, after : table `lead_time_estimate`, that of the estimates and the new one
    rates : as of `with_rates`, of every point whose lead time changes
    params : for the lattice

    Returns
    -------
    Table `demand_estimate`; points whose law of the lead time stays keep theirs to the last bit. Known
    events and orders on the books that a longer interval reaches are not added.
    """
    names = ["item_id", "to_location_id", "from_location_id"]
    laws = [each.select(*names, "atom_days", "atom_probability") for each in (before, after)]
    same = laws[0].join(laws[1], on=laws[0].columns, how="semi", nulls_equal=True).select(names)
    lanes = points.select(*KEY, "from_location_id")
    moved = lanes.join(same, left_on=[*KEY, "from_location_id"], right_on=names, how="anti").select(KEY)
    rows, named, protection = _touched(estimates, points, after, rates.join(moved, on=KEY, how="semi"))
    if not rows.height:
        return estimates
    mean, variance, doubt = (named[name].to_numpy()[:, None] for name in RATES)
    days, squares = _days(protection)
    here = rows.select(KEY).join(points, on=KEY, how="left", maintain_order="left")
    days_old, squares_old = _days(protection_of(here, before))

    def told(days: Floats, squares: Floats) -> Floats:
        spread = np.maximum(squares - days**2, 0.0)
        return np.asarray(variance * days + doubt * squares + mean**2 * spread)

    means, means_old = mean * days, mean * days_old
    variances, variances_old = told(days, squares), told(days_old, squares_old)
    base, lengths = _dense(rows)
    step = rows["step_qty"].to_numpy()
    more, more_variance = means - means_old, variances - variances_old
    shrinks = (more < 0) | (more_variance < 0)
    cells = np.arange(base.shape[2])
    first, second = base @ cells, base @ cells**2
    ratios = [
        np.divide(new, old, out=np.ones_like(new), where=old > 0)
        for new, old in ((means, means_old), (variances, variances_old))
    ]
    scaled = first * step[:, None] * ratios[0], (second - first**2).clip(0.0) * step[:, None] ** 2 * ratios[1]
    more, more_variance = (
        np.where(shrinks, new, grown) for new, grown in zip(scaled, (more, more_variance), strict=True)
    )
    lengths = np.where(shrinks, 1, lengths)
    base[shrinks] = cells == 0

    def write(lo: int, hi: int, pmf: Floats, steps: Floats) -> None:
        add_rates(
            base[lo:hi], lengths[lo:hi], step[lo:hi], more[lo:hi], more_variance[lo:hi], pmf, steps
        )  # fmt: skip

    laid = _replaced(estimates, rows, write, params, rows["mean_per_day_est"].to_numpy())
    mean_days, sd_days = protection.moments()
    told_days = rows.select(KEY).with_columns(
        protection_days_mean=pl.Series(mean_days), protection_days_sd=pl.Series(sd_days)
    )
    return laid.update(told_days, on=KEY, how="left", maintain_order="left")


def _refuse_odd(frame: pl.DataFrame, names: tuple[str, ...], what: str) -> None:
    """Raise on values below 0 or not finite."""
    columns = [pl.col(name) for name in names]
    odd = frame.filter(pl.any_horizontal((column < 0) | ~column.is_finite() for column in columns))
    if odd.height:
        text = f"{odd.height} {what} are negative or no numbers ({keys_of(odd, KEY)})."
        raise InputError(text, why="Demand cannot be negative.", remedy=f"Correct the {what}.")


def _touched(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    wanted: pl.DataFrame,
    booked: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, Protection]:
    """Return the rows named with their place in the table, what is said of them, and their intervals."""
    rows = estimates.with_row_index("row").join(wanted, on=KEY, how="inner", maintain_order="left")
    said = rows.select(wanted.columns)
    rows = rows.select("row", *estimates.columns)
    here = rows.select(KEY).join(points, on=KEY, how="left", maintain_order="left")
    return rows, said, protection_of(here, lead_times, booked)


def _days(protection: Protection) -> tuple[Floats, Floats]:
    """Return the first two moments (n, 5) of the five intervals, in days and days squared.

    Days whose demand is on the books already do not count, but between reviews.
    """
    n, review = len(protection.review), protection.review
    owner = np.repeat(np.arange(n), np.diff(protection.bounds))
    total = np.bincount(owner, protection.chance, n)
    constant = np.bincount(owner, protection.chance * protection.days, n) / total
    first, second = [review], [review**2]
    for extra in (np.zeros(n), review):
        days = _unbooked(protection, protection.days + extra[owner], owner)
        first.append(np.bincount(owner, protection.chance * days, n) / total)
        second.append(np.bincount(owner, protection.chance * days**2, n) / total)
    for extra in (np.zeros(n), review):
        first.append(_unbooked(protection, constant + extra, np.arange(n)))
        second.append(first[-1] ** 2)
    return np.column_stack(first), np.column_stack(second)


def _unbooked(protection: Protection, days: Floats, owner: Ints) -> Floats:
    """Return the days of intervals, each of the point `owner`, that are not booked ahead, on average."""
    n_ahead = np.diff(protection.ahead_bounds)[owner]
    case = np.repeat(np.arange(len(days)), n_ahead)
    at = np.arange(len(case)) - np.repeat(np.cumsum(n_ahead) - n_ahead, n_ahead)
    at += protection.ahead_bounds[:-1][owner][case]
    left = np.maximum(days[case] - protection.ahead[at], 0.0)
    return np.asarray(np.bincount(case, protection.ahead_chance[at] * left, len(days)))


def _reached(protection: Protection, day: Floats, bounds: Ints) -> Floats:
    """Return the probability (L, 5) that each interval reaches the day of each lump."""
    case = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    n_atoms = np.diff(protection.bounds)[case]
    lump = np.repeat(np.arange(len(day)), n_atoms)
    atom = np.arange(len(lump)) - np.repeat(np.cumsum(n_atoms) - n_atoms, n_atoms)
    atom += protection.bounds[case][lump]
    days, chance = protection.days[atom], protection.chance[atom]
    total = np.bincount(lump, chance, len(day))
    review = protection.review[case]
    mean = _days(protection)[0][case]

    def share(extra: Floats) -> Floats:
        reaching = days + extra[lump] >= day[lump] - 1e-9
        return np.asarray(np.bincount(lump, chance * reaching, len(day)) / total)

    fixed = (np.column_stack((review, mean[:, 1], mean[:, 2])) >= day[:, None] - 1e-9).astype(np.float64)
    return np.column_stack((fixed[:, 0], share(np.zeros(len(day))), share(review), fixed[:, 1], fixed[:, 2]))


def _dense(rows: pl.DataFrame) -> tuple[Floats, Ints]:
    """Return the five distributions as one array (n, 5, longest), and their lengths (n, 5)."""
    lists = [from_lists(rows[name]) for name in PMFS]
    lengths = np.column_stack([np.diff(bounds) for _, bounds in lists])
    out = np.zeros((rows.height, N_INTERVALS, int(lengths.max())))
    inside = np.arange(out.shape[2]) < lengths[:, :, None]
    for j, (values, _) in enumerate(lists):
        out[:, j][inside[:, j]] = values
    return out, lengths


def _replaced(
    estimates: pl.DataFrame,
    rows: pl.DataFrame,
    write: Callable[[int, int, Floats, Floats], None],
    params: DemandParams,
    rate: Floats,
) -> pl.DataFrame:
    """Return the estimates with the distributions that `write` gives, and the rate a day, in these rows."""

    def work(lo: int, hi: int) -> tuple[Floats, Floats]:
        pmf, step = np.zeros((hi - lo, N_INTERVALS, params.lattice_cells)), np.empty(hi - lo)
        write(lo, hi, pmf, step)
        return pmf, step

    laid = distributed(work, rows.height)
    changed = rows.with_columns(
        mean_per_day_est=rate,
        mean_lead_qty=laid.mean[:, 1],
        mean_protection_qty=laid.mean[:, 2],
        sd_protection_qty=laid.sd[:, 2],
        step_qty=laid.step,
        **dict(zip(PMFS, laid.lists, strict=True)),
    )
    others = estimates.with_row_index("row").join(rows.select("row"), on="row", how="anti")
    return pl.concat([others, changed]).sort("row").drop("row")
