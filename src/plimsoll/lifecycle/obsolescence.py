"""Early warning: which stock may never be asked for again, what that costs, and what to do about it."""

from datetime import date

import numpy as np
import polars as pl
from scipy.special import gammainc

from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.lifecycle.actions import with_action
from plimsoll.lifecycle.chance import MONTHS, Outlook, outlook_of
from plimsoll.lifecycle.history import KEY, monthly_panel
from plimsoll.lifecycle.params import LifecycleParams
from plimsoll.maths.kernels.lifetimes import BEFORE_QTY, FADING, LAST, SEEN, VELOCITY, YEAR_QTY
from plimsoll.maths.ragged import Floats

DAYS_PER_MONTH = DAYS_PER_YEAR / MONTHS
Tables = dict[str, pl.DataFrame]


def obsolescence(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    known: Tables,
    params: LifecycleParams,
    demand_params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the chance that nobody asks again at each stocking point, its write-off, and what to do.

    With stock x, chance p of no demand until leftovers are written off, and else a gamma distributed
    demand G of mean g and squared coefficient of variation v (shape k = 1 / v)::

        leftover = p x + (1 - p) E[(x - G)+]
        E[(x - G)+] = x F_k(x / (g v)) - g F_(k+1)(x / (g v)),   F the regularised incomplete gamma
        write-off = leftover * unit cost
        months of cover = x / (expected units of the coming year / 12)

    An announced end within the horizon cuts what is expected to the days until then.

    Parameters
    ----------
    demand : table `demand`, that of the places each point replenishes included
    points : table `planning_point`; engineered items are left out
    known : canonical tables: stock, open_orders, receipts, availability
    params : horizon, evidence and what leftover stock is worth
    demand_params : the period of the data
    as_of : day of knowledge

    Returns
    -------
    Table `obsolescence`.
    """
    wanted = points.filter(pl.col("left_out_reason").fill_null("") != "engineered").sort(KEY)
    known_demand = demand.filter(pl.col("date") <= as_of)
    if wanted.is_empty() or known_demand.is_empty():
        return table("obsolescence").empty()
    panel = monthly_panel(
        known_demand, wanted, demand_params, as_of=as_of, availability=known.get("availability")
    )
    turn = wanted.select(pl.concat_str(KEY, separator="\x1f").hash(0)).to_series().to_numpy() / 2.0**64
    outlook = outlook_of(panel, turn, params)
    state = _warned(_stocked(wanted, known, as_of), outlook, params, as_of)
    acted = with_action(state, known["receipts"], params, as_of=as_of)
    declared = table("obsolescence")
    return declared.conform(acted.select(declared.names))


def left_over(stock: Floats, none: Floats, mean: Floats, spread: Floats | float) -> Floats:
    """Return the expected units of a stock that are never asked for.

    Parameters
    ----------
    stock : (n,) units
    none : (n,) chance of no demand at all
    mean : (n,) expected units, those chances included
    spread : (n,) squared coefficient of variation of the demand, if there is any

    Examples
    --------
    >>> left_over(np.array([10.0, 10.0]), np.array([1.0, 0.2]), np.array([0.0, 8.0]), 1.0).round(3).tolist()
    [10.0, 4.943]
    """
    given = mean / np.maximum(1.0 - none, 1e-9)
    shape, scale = 1.0 / spread, np.maximum(given * spread, 1e-12)
    at = stock / scale
    short = stock * gammainc(shape, at) - given * gammainc(shape + 1.0, at)
    return np.asarray(np.clip(none * stock + (1.0 - none) * short, 0.0, stock))


def _stocked(points: pl.DataFrame, known: Tables, as_of: date) -> pl.DataFrame:
    """Return the points with what lies there and what is on order."""
    counted = known["stock"].filter(pl.col("date") <= as_of).sort("date").unique(KEY, keep="last")
    coming = (
        known["open_orders"]
        .filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .sort("order_id", "line")  # sums of floats in one order, whatever order the rows came in
        .group_by("item_id", location_id="to_location_id", maintain_order=True)
        .agg(on_order_qty=pl.col("quantity").sum())
    )
    return (
        points.join(counted.select(*KEY, on_hand_qty="on_hand"), on=KEY, how="left", maintain_order="left")
        .join(coming, on=KEY, how="left", maintain_order="left")
        .with_columns(pl.col("on_hand_qty").fill_null(0.0).clip(0.0), pl.col("on_order_qty").fill_null(0.0))
    )


def _warned(points: pl.DataFrame, outlook: Outlook, params: LifecycleParams, as_of: date) -> pl.DataFrame:
    """Return the points with chances, grade, expected units and write-off."""
    silent, silent_long = outlook.silent.copy(), outlook.silent_long.copy()
    year, long = outlook.year_qty.copy(), outlook.long_qty.copy()
    end = points["end_date"]
    ends = end.is_not_null().to_numpy()
    left = (end - as_of).dt.total_days().fill_null(0).clip(0).to_numpy() / DAYS_PER_YEAR
    # An announced end leaves demand only until then: nothing of it beyond, and of this year a part.
    year[ends] *= np.minimum(left, 1.0)[ends]
    long[ends] = np.minimum(long, outlook.year_qty * left)[ends]
    ended = ends & (left <= 0)
    silent[ended] = silent_long[ended] = 1.0
    seen = outlook.facts[:, SEEN]
    tells = (seen >= params.history_months_min) | ended
    over = ended | (tells & (silent >= outlook.over_cut))
    watch = tells & (silent >= outlook.watch_cut)
    velocity = outlook.facts[:, VELOCITY]
    # Comparisons with NaN are False: what cannot be compared does not fade.
    falls = (outlook.facts[:, FADING] <= -params.fading_errors) & (velocity <= -params.fading_share)
    hand, order = points["on_hand_qty"].to_numpy(), points["on_order_qty"].to_numpy()
    rest = left_over(hand, silent_long, long, outlook.spread)
    rest_all = left_over(hand + order, silent_long, long, outlook.spread)
    method = np.where(ended, "announced", "learned" if outlook.is_learned else "hidden_death")
    few = f"{outlook.n_events} past endings or survivals, {params.events_min} are needed"
    since = np.where(outlook.facts[:, LAST] > 0, seen - outlook.facts[:, LAST], np.nan)
    return points.with_columns(
        grade=pl.Series(np.select([over, watch, tells & falls], ["over", "watch", "fading"], "none")),
        no_demand_probability=silent,
        alive_probability=np.where(ended, 0.0, outlook.alive),
        over_cut=pl.lit(outlook.over_cut),
        watch_cut=pl.lit(outlook.watch_cut),
        months_seen=seen.astype(np.int64),
        months_since_demand=pl.Series(since, nan_to_null=True).cast(pl.Int64),
        year_qty=outlook.facts[:, YEAR_QTY],
        year_before_qty=outlook.facts[:, BEFORE_QTY],
        velocity_change=pl.Series(velocity, nan_to_null=True),
        mean_per_day_survival=year / DAYS_PER_YEAR,
        yearly_retention=outlook.retention,
        expected_qty=long,
        on_hand_value=hand * points["unit_cost_eff"].to_numpy(),
        cover_months=pl.when(pl.lit(year > 0) & pl.lit(hand > 0)).then(
            pl.lit(np.divide(hand * MONTHS, year, out=np.zeros(len(hand)), where=year > 0))
        ),
        leftover_qty=rest,
        leftover_order_qty=np.clip(rest_all - rest, 0.0, None),
        method_used=pl.Series(method),
        fallback_reason=pl.lit(None if outlook.is_learned else few, dtype=pl.String),
        expected_year_qty=year,
    ).with_columns(
        writeoff_value=pl.col("leftover_qty") * pl.col("unit_cost_eff"),
        order_writeoff_value=pl.col("leftover_order_qty") * pl.col("unit_cost_eff"),
    )
