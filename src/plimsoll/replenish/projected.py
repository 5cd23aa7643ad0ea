"""Orders where unmet demand is lost: stock projected, arrival by arrival, to the day an order can serve.

A position adds up what is there and what comes. Where unmet demand is lost that sum misleads: what was
not sold last week does not come off next week's delivery. So stock is rolled forward, and the order is
chosen by what its last unit costs in the interval it serves (`plimsoll.maths.kernels.projection`).
"""

from datetime import date

import numpy as np
import polars as pl
from scipy.special import gammainc, gammaincinv

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.maths.kernels import projection as kernel
from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.replenish.ahead import LEAST_MEAN, level_law, review_moments
from plimsoll.replenish.params import ReplenishParams

KEY = ["item_id", "location_id"]
RESULTS = ("projected_order_qty", "projected_stock_qty", "lost_before_qty", "short_probability")
LEVELS = 5  # equally likely levels of demand that stand for not knowing it
LEAST_DOUBT = 1e-4  # squared coefficient of variation of the level below which it counts as known
CELLS = 512  # of the lattice on which stock is projected
STEADY = 0.5  # of a review interval: a lead time that spreads less arrives in the interval it is due


def with_projection(
    state: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    open_orders: pl.DataFrame,
    params: ReplenishParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the state with what projected stock asks for today, and order-up-to levels to match.

    With review interval R and lead time L, K = ceil(L / R) intervals pass before an order can serve the
    next; the last of them is as long as is left of L. Given its level, demand has a variance of a times its
    mean; a, and the squared coefficient of variation c of the level, follow from the distributions over the
    review and the protection interval, whose demands share the level:

        Var D = a E[D] + c E[D]^2,    for D_R and for D_P

    Holding costs h = unit cost x holding rate x max(R, 1 day), shortage its cost a unit.

    Parameters
    ----------
    state : points with position, estimates, policies and lead times, as `recommend` reads them
    demand_estimate : table `demand_estimate`; it may carry coming_qty, lists of expected units of coming
        periods from `as_of` on, of the length period_days, for seasons that move demand within the horizon.
        They are scaled to the demand of the protection interval; what lies beyond the last goes on like it.
    open_orders : orders still to come; those placed after `as_of` are not known yet
    params : the rule, and how far it looks ahead
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        The state with the columns of `RESULTS`, null where the rule does not apply: order, expected stock
        when it arrives, units expected to be lost before (units), probability of a shortage in the interval
        that it serves. `order_up_to_qty` is then position + order, and `reorder_point_qty` and
        `buffer_qty` move with it.

    Edge cases
    ----------
    The rule applies where unmet demand is lost, the target is economic with both costs known, the policy is
    base stock, the lead time is steady to half a review interval, and nobody set a level. Orders without a
    due date, or due later, are taken to arrive with the order; overdue ones at once.
    """
    nothing = {name: pl.lit(None, dtype=pl.Float64) for name in RESULTS}
    rows = state.with_row_index("row").filter(_applies(), _is_free(state))
    if params.lost_sales_rule == "order_up_to" or not rows.height:
        return state.with_columns(**nothing)
    further = [name for name in ("coming_qty",) if name in demand_estimate.columns]
    read = demand_estimate.select(*KEY, "pmf_review", "mean_lead_qty", "period_days", *further)
    rows = rows.join(read, on=KEY, how="left", maintain_order="left")
    ahead = params.look_ahead_reviews if params.lost_sales_rule == "look_ahead" else 0
    edges = _edges(rows, ahead)
    mean = np.diff(_upto(rows, edges), axis=1)
    ratio, doubt = moments(rows)
    arriving = _arriving(rows, open_orders, edges.shape[1] - 2 - ahead, as_of)
    on_hand = rows["on_hand_qty"].to_numpy()
    step = _steps(rows, on_hand + arriving.sum(axis=1) + mean.sum(axis=1))
    found = kernel.projected_orders(
        on_hand / step,
        arriving / step[:, None],
        mean / step[:, None],
        mean * (ratio / step**2)[:, None],
        levels_of(doubt),
        _costs(rows) * step[:, None],
    )
    found[:, :3] *= step[:, None]
    results = dict(zip(RESULTS, found.T, strict=True))
    asked = rows.select("row").with_columns(**{name: pl.Series(column) for name, column in results.items()})
    joined = state.with_row_index("row").join(asked, on="row", how="left", maintain_order="left").drop("row")
    level = pl.col("position_qty") + pl.col("projected_order_qty")
    return joined.with_columns(
        order_up_to_qty=pl.coalesce(level, "order_up_to_qty"),
        buffer_qty=pl.coalesce(level - pl.col("expected_protection_qty"), "buffer_qty"),
        reorder_point_qty=pl.coalesce(
            level - pl.col("order_up_to_qty") + pl.col("reorder_point_qty"), "reorder_point_qty"
        ),
    )


def _applies() -> pl.Expr:
    steady = pl.col("sd_days_est") <= STEADY * pl.col("review_days_eff")
    costs = (pl.col("shortage_cost") > 0) & (pl.col("holding_rate_eff") * pl.col("unit_cost_eff") > 0)
    economic = (pl.col("unmet_demand_eff") == "lost") & (pl.col("target_kind_eff") == "economic")
    is_moving = (pl.col("mean_protection_qty") > 0) & (pl.col("review_days_eff") > 0)
    held = pl.col("planned") & (pl.col("policy") == "base_stock")
    return (economic & costs & steady & is_moving & held).fill_null(value=False)


def _is_free(state: pl.DataFrame) -> pl.Expr:
    """Return where nobody set a level: one that a person sets is ordered up to as it is."""
    names = [name for name in ("reorder_point_set", "order_up_to_set") if name in state.columns]
    return pl.all_horizontal(pl.lit(value=True), *(pl.col(name).is_null() for name in names))


def _edges(rows: pl.DataFrame, ahead: int) -> Floats:
    """Return the days (n, K + 1 + 1 + ahead) at which intervals begin and end, the served one after K.

    Points that wait less long have empty intervals first.
    """
    lead, review = (rows[name].to_numpy() for name in ("mean_days_est", "review_days_eff"))
    most = int(np.ceil(lead / review - STEADY * 1e-9).max())
    whole = np.ceil(lead / review - STEADY * 1e-9)
    # Intervals run from today, so that the last before the served one is the short one.
    number = np.arange(most + 1) - (most - whole)[:, None]
    before = np.minimum(np.maximum(number, 0.0) * review[:, None], lead[:, None])
    after = lead[:, None] + review[:, None] * np.arange(1, ahead + 2)
    return np.hstack([before, after])


def _upto(rows: pl.DataFrame, edges: Floats) -> Floats:
    """Return expected demand (n, E) from today up to each of these days."""
    lead = rows["mean_days_est"].to_numpy()[:, None]
    in_lead = rows["mean_lead_qty"].to_numpy()[:, None]
    served = np.maximum(rows["mean_protection_qty"].to_numpy()[:, None] - in_lead, 0.0)
    per_day = np.divide(in_lead, lead, out=np.zeros_like(in_lead), where=lead > 0)
    review = rows["review_days_eff"].to_numpy()[:, None]
    flat = np.minimum(edges, lead) * per_day + np.maximum(edges - lead, 0.0) * served / review
    if "coming_qty" not in rows.columns:
        return np.asarray(flat)
    has = (rows["coming_qty"].list.len().fill_null(0) > 0).to_numpy()
    values, bounds = from_lists(rows["coming_qty"].filter(pl.Series(has)))
    days = np.hstack([edges, lead + review])[has]
    shape = _along(values, bounds, days / rows["period_days"].to_numpy()[has, None])
    total = rows["mean_protection_qty"].to_numpy()[has, None]
    flat[has] = shape[:, :-1] * total / np.maximum(shape[:, -1:], LEAST_MEAN)
    return np.asarray(flat)


def _along(values: Floats, bounds: Ints, at: Floats) -> Floats:
    """Return the sums (n, E) of ragged periods up to these points, in periods; the last goes on for ever."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    first, count = bounds[:-1, None], np.diff(bounds)[:, None]
    whole = np.minimum(np.floor(at).astype(np.int64), count - 1)
    return np.asarray(total[first + whole] - total[first] + (at - whole) * values[first + whole])


def moments(rows: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return variance over mean given the level (n,), units, and squared variation of the level (n,).

    They are a and c of `with_projection`, so that demand over any days with mean m has a variance of
    a m + c m^2.

    Parameters
    ----------
    rows : pmf_review, step_qty, mean_protection_qty, sd_protection_qty, review_days_eff, sd_days_est
    """
    mean, variance = review_moments(rows["pmf_review"], rows["step_qty"])
    # Demand moves with the lead time too: that part belongs to the lead time, and is taken out.
    moved = mean / rows["review_days_eff"].to_numpy() * rows["sd_days_est"].to_numpy()
    long = rows["sd_protection_qty"].to_numpy() ** 2 - moved**2
    return level_law(mean, variance, rows["mean_protection_qty"].to_numpy(), long)


def _arriving(rows: pl.DataFrame, open_orders: pl.DataFrame, before: int, as_of: date) -> Floats:
    """Return the units under way (n, before + 1) by the interval at whose start they can serve."""
    due = (
        open_orders.filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .sort("order_id", "line")
        .select("item_id", "quantity", "due_date", location_id="to_location_id")
        .join(
            rows.select(*KEY, "review_days_eff", "mean_days_est").with_row_index("place"),
            on=KEY,
            maintain_order="left",
        )
    )
    review = due["review_days_eff"].to_numpy()
    empty = before - np.ceil(due["mean_days_est"].to_numpy() / review - STEADY * 1e-9)
    days = due.select((pl.col("due_date") - as_of).dt.total_days().cast(pl.Float64).fill_null(np.inf))
    late = np.floor((days.to_series().to_numpy() - 1.0) / review + 0.5)
    at = np.minimum(np.maximum(late, 0.0) + empty, before).astype(np.int64)
    cell = due["place"].to_numpy().astype(np.int64) * (before + 1) + at
    total = np.bincount(cell, due["quantity"].to_numpy(), rows.height * (before + 1))
    return np.asarray(total.reshape(rows.height, before + 1), dtype=np.float64)


def _steps(rows: pl.DataFrame, reach: Floats) -> Floats:
    """Return the lattice step (n,): a unit or the finer one of demand, or more where stock is large."""
    unit = np.minimum(rows["step_qty"].to_numpy(), 1.0)
    return np.asarray(unit * np.maximum(np.ceil(reach / unit / CELLS), 1.0))


def _costs(rows: pl.DataFrame) -> Floats:
    """Return holding over a review interval, and shortage, per unit (n, 2)."""
    days = rows["review_days_eff"].clip(1.0) / DAYS_PER_YEAR
    holding = rows["unit_cost_eff"] * rows["holding_rate_eff"] * days
    return np.column_stack([holding.to_numpy(), rows["shortage_cost"].to_numpy()])


def levels_of(doubt: Floats) -> Floats:
    """Return equally likely levels (n, LEVELS) of mean 1 that stand for a gamma distribution.

    Each is the mean of one of as many slices of equal probability.

    Parameters
    ----------
    doubt : (n,) squared coefficient of variation; below LEAST_DOUBT the level is 1

    Examples
    --------
    >>> levels_of(np.array([0.0, 0.25])).round(3).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0], [0.417, 0.69, 0.92, 1.197, 1.776]]
    """
    shape = 1.0 / np.maximum(doubt, LEAST_DOUBT)[:, None]
    cuts = gammaincinv(shape, np.arange(1, LEVELS) / LEVELS)
    below = gammainc(shape + 1.0, cuts)
    ends = np.hstack([np.zeros_like(shape), below, np.ones_like(shape)])
    return np.where(doubt[:, None] > LEAST_DOUBT, LEVELS * np.diff(ends, axis=1), 1.0)
