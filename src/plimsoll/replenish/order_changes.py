"""Open orders that should come sooner, later or not at all, with the money each way."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.replenish.allocate import weight_of
from plimsoll.replenish.order_changes_wording import with_words
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.position import KEY
from plimsoll.replenish.projected import moments
from plimsoll.replenish.run_out import RunOut

POINT = ["item_id", "to_location_id"]
LANE = [*POINT, "from_location_id"]
# An order is served after those that come before it; the same order as in `arrival_risk`.
SOONEST = ["arrival_median_date", "due_date", "order_id", "line"]
LOOK_AHEAD = 3650  # days
LET_BE = ("confirm", "chase", "expedite")  # of `arrival_risk`: late or lost already


def order_changes(
    tables: Mapping[str, pl.DataFrame], params: ReplenishParams, *, as_of: date
) -> pl.DataFrame:
    """Return the open orders worth hastening, putting off or cancelling.

    With A units there before order q comes (on hand less owed and moved away, and the orders before it),
    D(t) demand over t days (`run_out.RunOut`), w the money of a unit short, c its cost and h its holding
    rate a day::

        expedite   net = price (E[short] - E[short at the express day]) - express fee
        postpone   from a to t:  net = h c q (t - a) - w (S(t) - S(a)) - change cost
                   S(t) = E[min((D(t) - A)+, q)];  t the last day with P(D(t) > A) <= p
                   p = min(h c q / (w mu), change_risk)
        cancel     net = c z + c (q - z) min(1, h u) - (share c q + change cost + order cost)

    Putting off by one more day saves h c q and adds w mu P(D(t) > A) of expected shortage, so beyond p it
    no longer pays, and never beyond `change_risk`. a is the later of the due date and the day by which the
    order comes with 95 % probability: lateness is not counted on. z are units beyond what is worth having
    until an item ends, all of them where no demand is expected; the others would be bought again u days
    later, when they are used: (A + q / 2) / mu after today. The shortage of expediting is that of
    `arrival_risk`: demand at its mean.

    Parameters
    ----------
    tables : arrival_risk, lanes, planning_point, policy (position_limit_qty of `lifecycle.limit_orders`
        counts where it is there), demand_estimate, lead_time_estimate, outlook, recommendation, move
    params : what changes cost, which risk is borne, and which net money is worth mentioning
    as_of : day of the plan

    Returns
    -------
    Table `order_change`: of each order the change with the most net money, if that is `change_min_net` or
    more.

    Edge cases
    ----------
    Only expedited are: transfers (under way), orders that are overdue, doubtful, or nearer to their due
    date than `change_notice_share` of the lead time, and orders of points that order more today. Nothing
    is put off that covers for an earlier order that may come too late, nor cancelled if the point would
    then order at once. Without a stock record, or demand for a planned point, nothing is known to be
    early. Without an express lead time nothing is expedited: `arrival_risk` says what to ask for.
    """
    orders = _orders(tables, params, as_of)
    if orders.is_empty():
        return table("order_change").empty()
    changes = pl.concat(
        [_expedited(orders, tables["lanes"], as_of), _later(orders, params, as_of)], how="diagonal_relaxed"
    )
    worth = changes.filter(pl.col("net") >= params.change_min_net)
    declared = table("order_change")
    return declared.conform(with_words(worth, as_of).select(declared.names))


def _orders(tables: Mapping[str, pl.DataFrame], params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the open orders with their points, what is there before each, and whether they may wait."""
    lead = tables["lead_time_estimate"].select(*LANE, "mean_days_est", "sd_days_est")
    today = tables["recommendation"].select(*POINT, orders_today=pl.lit(value=True))
    orders = (
        tables["arrival_risk"]
        .join(_points(tables).rename({"location_id": "to_location_id"}), on=POINT, maintain_order="left")
        .join(lead, on=LANE, how="left", maintain_order="left")
        .join(today, on=POINT, how="left", maintain_order="left")
    )
    orders = orders.with_columns(pl.coalesce("kind", "supply_kind").alias("kind"))
    held = pl.col("on_hand_qty") - pl.col("backlog_qty")
    doubtful = pl.col("action") == "confirm"
    counts = pl.when(doubtful).then(0.0).otherwise("quantity")  # what may never come is not counted on
    in_time = pl.when(doubtful).then(1.0).otherwise(pl.col("arrives_by_needed_probability").fill_null(1.0))
    along: Any = {"partition_by": POINT, "order_by": SOONEST, "nulls_last": True}
    return orders.with_columns(
        all_ahead_qty=held + pl.col("quantity").cum_sum().over(**along) - pl.col("quantity"),
        ahead_qty=held - pl.col("leaving") + (counts.cum_sum() - counts).over(**along),
        sure_before=in_time.cum_min().shift(1).over(**along).fill_null(1.0),
        left_qty=pl.col("position_qty") - pl.col("leaving"),
        may_wait=_may_wait(params, as_of),
        weight=pl.Series(weight_of(orders)),
    )


def _points(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return what is known of each point: money, stock, demand, and what leaves it today."""
    money = ("unit_cost_eff", "unit_price_eff", "shortage_cost", "holding_rate_eff", "order_cost_eff")
    said = ("review_days_eff", "planned", "left_out_reason", "launch_date", "supply_kind")
    stock = ("on_hand_qty", "backlog_qty", "position_qty", "counted_date")
    law = ("pmf_review", "step_qty", "mean_protection_qty", "sd_protection_qty", "mean_per_day_est")
    policy, demand = tables["policy"], tables["demand_estimate"]
    ends = "position_limit_qty" in policy.columns
    limit = pl.col("position_limit_qty") if ends else pl.lit(None, pl.Float64)
    levels = policy.select(*KEY, "policy", "reorder_point_qty", "order_up_to_qty", limit=limit)
    leaving = tables["move"].group_by("item_id", pl.col("from_location_id").alias("location_id"))
    return (
        tables["planning_point"]
        .select(*KEY, *money, *said)
        .join(tables["outlook"].select(*KEY, *stock), on=KEY)
        .join(demand.select(*KEY, *law, _coming(demand)), on=KEY, how="left")
        .join(levels, on=KEY, how="left")
        .join(leaving.agg(leaving=pl.col("quantity").sum()), on=KEY, how="left")
        .with_columns(pl.col("leaving").fill_null(0.0))
    )


def _may_wait(params: ReplenishParams, as_of: date) -> pl.Expr:
    """Return whether an order can still be put off or cancelled, and nothing speaks against it."""
    notice = params.change_notice_share * pl.col("mean_days_est").fill_null(0.0)
    can = (pl.col("kind") != "transfer") & ~pl.col("action").is_in(LET_BE)
    in_time = (pl.col("due_date") >= pl.lit(as_of) + pl.duration(days=notice.ceil())) & (
        pl.col("due_date") > as_of
    )
    known = pl.col("counted_date").is_not_null() & pl.col("orders_today").is_null()
    return (can & in_time & known).fill_null(value=False)


def _coming(demand: pl.DataFrame) -> pl.Expr:
    """Return the mean of the demand of coming periods a day where they are known, else null."""
    if "coming_qty" not in demand.columns:
        return pl.lit(None, dtype=pl.Float64).alias("coming_per_day")
    return (pl.col("coming_qty").list.mean() / pl.col("period_days")).alias("coming_per_day")


def _expedited(orders: pl.DataFrame, lanes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the orders that pay for speed, with the money of it."""
    speed = lanes.select(*LANE, "expedite_days", "expedite_cost").unique(LANE, keep="first")
    rate, days = pl.col("mean_per_day_est"), pl.col("expedite_days").ceil()
    need = (pl.col("all_ahead_qty") / rate).clip(0.0)
    still = (rate * (days - need)).clip(0.0, pl.col("quantity")) * pl.col("unit_price_eff")
    saves = pl.col("expected_shortage_value") - still
    rows = orders.filter(pl.col("action") == "expedite", rate > 0).join(speed, on=LANE, maintain_order="left")
    return _named(rows, "expedite").with_columns(
        expected_date="arrival_median_date",
        due_date=(pl.lit(as_of) + pl.duration(days=days)).cast(pl.Date),
        ahead_qty="all_ahead_qty",
        shortage_avoided=saves,
        shortage_units=saves / pl.when(pl.col("unit_price_eff") > 0).then("unit_price_eff"),
        holding_saved=pl.lit(0.0),
        surplus_saved=pl.lit(0.0),
        cash_freed=pl.lit(0.0),
        cost=pl.col("expedite_cost").fill_null(0.0),
        gain=saves,
        net=saves - pl.col("expedite_cost").fill_null(0.0),
    )


def _later(orders: pl.DataFrame, params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the orders that come too early, each with the better of putting it off and cancelling it."""
    known = pl.col("pmf_review").is_not_null() & pl.col("planned")
    ended = pl.col("left_out_reason") == "ended"
    rows = orders.filter("may_wait", (known | ended).fill_null(value=False), pl.col("ahead_qty") >= 0)
    rate = (
        pl.when(ended.fill_null(value=False))
        .then(0.0)
        .otherwise(pl.max_horizontal("mean_per_day_est", "coming_per_day"))
    )
    come = (pl.col("arrival_95_date") - pl.lit(as_of)).dt.total_days().cast(pl.Float64)
    rows = rows.with_columns(
        rate=rate.fill_null(0.0),
        come_days=pl.max_horizontal(come, (pl.col("due_date") - pl.lit(as_of)).dt.total_days()),
        day_cost=pl.col("unit_cost_eff") * pl.col("holding_rate_eff") / DAYS_PER_YEAR * pl.col("quantity"),
    ).filter(_may_pay(params))
    if rows.is_empty():
        return rows.clear()
    put_off, cancelled = _put_off(rows, params, as_of), _cancelled(rows, params, as_of)
    both = pl.concat([put_off, cancelled], how="diagonal_relaxed").sort(
        "order_id", "line", *POINT, "net", descending=[False, False, False, False, True], maintain_order=True
    )
    return both.unique(["order_id", "line", *POINT], keep="first", maintain_order=True)


def _may_pay(params: ReplenishParams) -> pl.Expr:
    """Return where even waiting for as long as demand at its mean allows could pay; the rest is not tried."""
    lasts = pl.col("ahead_qty") / pl.when(pl.col("rate") > 0).then("rate")
    days = (lasts - pl.col("come_days")).clip(0.0, params.postpone_max_days)
    most = pl.col("day_cost") * days
    long = (lasts >= params.cancel_days).fill_null(value=True) | pl.col("limit").is_not_null()
    return (most >= params.change_min_net + params.change_cost).fill_null(value=False) | long


def _law(rows: pl.DataFrame) -> RunOut:
    """Return the law of demand at the point of each order."""
    filled = rows.with_columns(
        pmf_review=pl.col("pmf_review").fill_null(pl.lit([1.0])),
        sd_days_est=pl.col("sd_days_est").fill_null(0.0),
        step_qty=pl.col("step_qty").fill_null(1.0),
        mean_protection_qty=pl.col("mean_protection_qty").fill_null(0.0),
        sd_protection_qty=pl.col("sd_protection_qty").fill_null(0.0),
        review_days_eff=pl.col("review_days_eff").clip(1.0),
    )
    ratio, doubt = moments(filled)
    return RunOut(rows["rate"].to_numpy(), np.maximum(ratio, 0.0), doubt)


def _put_off(rows: pl.DataFrame, params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the orders put off to the last day that pays and is safe."""
    early = rows.filter(pl.col("rate") > 0, pl.col("sure_before") >= 1.0 - params.change_risk)
    law = _law(early)
    ahead, come, units = (early[name].to_numpy() for name in ("ahead_qty", "come_days", "quantity"))
    weight, day_cost = early["weight"].to_numpy(), early["day_cost"].to_numpy()
    risk = np.minimum(day_cost / (weight * law.rate), params.change_risk)
    safe = law.last_safe_day(ahead, risk, LOOK_AHEAD)
    days = np.clip(safe - come, 0.0, params.postpone_max_days)

    def short(at: np.ndarray) -> np.ndarray:
        return law.short(at, ahead) - law.short(at, ahead + units)

    added = weight * (short(come + days) - short(come))
    moved = early.with_columns(
        delay_days=pl.Series(days),
        safe_days=pl.Series(safe),
        shortage_avoided=-pl.Series(added),
        holding_saved=pl.Series(day_cost * days),
        run_out_probability=pl.Series(law.probability(come + days, ahead)),
    ).filter(pl.col("delay_days") >= 1)
    delay = pl.duration(days=pl.col("delay_days"))
    gain = pl.col("holding_saved") + pl.col("shortage_avoided")
    return _named(moved, "postpone").with_columns(
        expected_date=(pl.lit(as_of) + pl.duration(days=pl.col("come_days"))).cast(pl.Date),
        due_date=(pl.col("due_date_now") + delay).cast(pl.Date),
        safe_date=(pl.lit(as_of) + pl.duration(days=pl.col("safe_days"))).cast(pl.Date),
        surplus_saved=pl.lit(0.0),
        cash_freed="order_value",
        cost=pl.lit(params.change_cost),
        gain=gain,
        net=gain - params.change_cost,
    )


def _cancelled(rows: pl.DataFrame, params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the orders that are not needed for long or ever, the last to come first."""
    law = _law(rows)
    ahead = rows["ahead_qty"].to_numpy()
    far = law.probability(np.full(rows.height, params.cancel_days), ahead) <= params.change_risk
    after = pl.col("quantity").cum_sum(reverse=True).over(POINT, order_by=SOONEST, nulls_last=True)
    level = (
        pl.when(pl.col("policy") == "base_stock")
        .then("order_up_to_qty")
        .when(pl.col("policy").is_in(["s_S", "s_nQ"]))
        .then("reorder_point_qty")
        .otherwise(0.0)
    )
    beyond = (pl.col("left_qty") - pl.col("limit") - after + pl.col("quantity")).clip(0.0, pl.col("quantity"))
    surplus = pl.when(pl.col("rate") <= 0).then("quantity").otherwise(beyond.fill_null(0.0))
    is_new = (pl.col("launch_date") > pl.lit(as_of) - pl.duration(days=params.cancel_new_days)).fill_null(
        value=False
    )
    again = pl.col("quantity") - pl.col("surplus_qty")
    years = (pl.col("ahead_qty") + pl.col("quantity") / 2.0) / (pl.col("rate") * DAYS_PER_YEAR)
    lying = (pl.col("holding_rate_eff") * (years - pl.col("come_days") / DAYS_PER_YEAR)).clip(0.0, 1.0)
    saved = pl.when(again > 0).then(again * pl.col("unit_cost_eff") * lying).otherwise(0.0)
    fee = params.cancel_cost_share * pl.col("order_value") + params.change_cost
    fee = fee + pl.when(again > 0).then("order_cost_eff").otherwise(0.0)
    unneeded = rows.with_columns(far=pl.Series(far), surplus_qty=surplus).filter(
        ~is_new,
        pl.col("far") | (pl.col("surplus_qty") >= pl.col("quantity")),
        pl.col("left_qty") - after > level,
    )
    gain = pl.col("holding_saved") + pl.col("surplus_saved")
    return (
        _named(unneeded, "cancel")
        .with_columns(
            expected_date=(pl.lit(as_of) + pl.duration(days=pl.col("come_days"))).cast(pl.Date),
            due_date=pl.lit(None, dtype=pl.Date),
            shortage_avoided=pl.lit(0.0),
            holding_saved=saved,
            surplus_saved=pl.col("surplus_qty") * pl.col("unit_cost_eff"),
            cash_freed="order_value",
            cost=fee,
        )
        .with_columns(gain=gain, net=gain - pl.col("cost"))
    )


def _named(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the orders as changes of one kind."""
    return rows.with_columns(
        order_kind="kind",
        kind=pl.lit(kind),
        unit_cost="unit_cost_eff",
        value="order_value",
        due_date_now="due_date",
    )
