"""What else moves money: stock on order beyond need, levels that jump, doubtful data, outsized orders.

Every function returns parts: cause, subject, item_id, location_id, money, and the figures its words need.
"""

from datetime import timedelta

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.exceptions import DATA_FAULTS
from plimsoll.exceptions.evidence import POINT, Evidence, State
from plimsoll.exceptions.params import ExceptionParams

LEAST_RECEIPTS = 3  # below which nothing is usual
USUAL_DAYS = 730
MOST_YEARS = 3.0  # that stock is carried, where nobody knows when it will be used
HALF = 0.6931471805599453  # log 2: of a wait of which half the orders are over by the median


def _carried(units: pl.Expr) -> pl.Expr:
    """Return what carrying units costs until they are used, on average half the time to use the last."""
    years = (units / pl.col("rate") / DAYS_PER_YEAR).fill_nan(MOST_YEARS).clip(0.0, MOST_YEARS)
    return (
        units
        * pl.col("cost")
        * pl.col("holding")
        * pl.when(pl.col("rate") > 0).then(years / 2.0).otherwise(MOST_YEARS)
    )


def excess_coming(evidence: Evidence, state: State) -> pl.DataFrame:
    """Return stock on order above the level to order up to that can still be stopped, and its cost.

        q = min(on order, (position - S)+)
        money = P(comes before the next review) x (carrying q until it is used + expected write-off)

    Carrying is cost x holding rate x half the time until the last unit is used, at most three years; the
    write-off is that of the table `obsolescence`. An order that half of the time comes within m days comes
    within a review of R days with 1 - 2^(-R / m); what does not can be stopped later as well as now.
    """
    orders = evidence.result("arrival_risk").filter(pl.col("arrival_median_date").is_not_null())
    wait = (pl.col("arrival_median_date") - pl.lit(evidence.as_of)).dt.total_days().clip(1)
    coming = (
        orders.with_columns(wait=wait)
        .group_by("item_id", location_id="to_location_id")
        .agg(
            coming=pl.col("quantity").sort().sum(),
            wait=(pl.col("wait") * pl.col("quantity")).sort().sum() / pl.col("quantity").sort().sum(),
            n_orders=pl.len().cast(pl.Int64),
        )
    )
    lost = evidence.result("obsolescence").select(*POINT, writeoff="order_writeoff_value")
    rows = (
        state.points.join(coming, on=POINT)
        .join(lost, on=POINT, how="left")
        .with_columns(units=pl.min_horizontal("coming", (pl.col("position") - pl.col("level")).clip(0.0)))
        .filter(pl.col("units") > 0)
    )
    soon = 1.0 - (-HALF * pl.col("review_days").clip(1.0) / pl.col("wait")).exp()
    write_off = pl.min_horizontal(pl.col("writeoff").fill_null(0.0), pl.col("units") * pl.col("cost"))
    return rows.select(
        *POINT,
        "units",
        "n_orders",
        cause=pl.lit("excess"),
        subject="item_id",
        money=soon * (_carried(pl.col("units")) + write_off),
        value=pl.col("units") * pl.col("cost"),
    )


def jumps(changes: pl.DataFrame, state: State, params: ExceptionParams) -> pl.DataFrame:
    """Return levels that changed a lot since the plan before, and what it costs if the change is wrong.

        up:    carrying what today's order holds more because of it
        down:  price x (E[(D - S)+] - E[(D - S before)+]) a protection interval, for one review

    Only levels that both plans hold and that changed by more than `jump_share` of the larger of both.
    """
    if changes.is_empty():
        return pl.DataFrame(schema={"cause": pl.String(), "money": pl.Float64()})
    larger = pl.max_horizontal("level_qty", "level_before_qty")
    moved = changes.filter(
        pl.col("change_qty").abs() > params.jump_share * larger,
        pl.col("level_before_qty") > 0,
        pl.col("level_qty") > 0,
    )
    rows = (
        state.points.with_row_index("row").filter("held").join(moved.drop("sentence"), on=POINT).sort("row")
    )
    at = rows["row"].to_numpy()
    less = state.loss(rows["level_qty"].to_numpy(), at) - state.loss(rows["level_before_qty"].to_numpy(), at)
    share = (pl.col("review_days") / pl.col("days")).fill_nan(1.0).clip(0.0, 1.0)
    more = pl.min_horizontal(pl.col("order_qty"), pl.col("change_qty").clip(0.0))
    return rows.with_columns(less=pl.Series(less)).select(
        *POINT,
        "level_qty",
        "level_before_qty",
        "main_cause",
        cause=pl.lit("policy_jump"),
        subject="item_id",
        money=_carried(more) + pl.col("less").clip(0.0) * share,
    )


def doubtful_data(evidence: Evidence, state: State) -> pl.DataFrame:
    """Return the points whose orders of today rest on data that the audit doubts; one cause a check.

        money = the smaller of today's order at cost and the money at risk that the check names

    Counts that the book contradicts are told one by one elsewhere (`shortages.counts_wrong`).
    """
    rows = evidence.result("audit_row").filter(
        pl.col("code").is_in(list(DATA_FAULTS)), pl.col("location_id").is_not_null()
    )
    at_risk = pl.when(pl.col("money_at_risk") > 0).then("money_at_risk")
    each = (
        rows.with_columns(at_risk=at_risk)
        .group_by("code", *POINT)
        .agg(at_risk=pl.col("at_risk").sum(), known=pl.col("at_risk").is_not_null().any())
    )
    value = pl.col("order") * pl.col("cost")
    return (
        state.points.join(each, on=POINT)
        .filter(pl.col("order") > 0)
        .select(
            *POINT,
            cause=pl.lit("data"),
            subject="code",
            money=pl.when("known").then(pl.min_horizontal("at_risk", value)).otherwise(value),
        )
    )


def out_of_proportion(evidence: Evidence, state: State, params: ExceptionParams) -> pl.DataFrame:
    """Return today's orders far above the largest so far, or above the limit set for the value of an order.

        usual = largest receipt of two years and largest open order of the point
        money = carrying what is above the usual, until it is used

    An order above the limit of value alone costs carrying as a whole. Points with fewer than three receipts
    have no usual.
    """
    since = evidence.as_of - timedelta(days=USUAL_DAYS)
    came = evidence.fact("receipts").filter(
        pl.col("received_date").is_between(since, evidence.as_of, closed="right")
    )
    usual = came.group_by("item_id", location_id="to_location_id").agg(
        n=pl.len(), usual=pl.col("quantity").max()
    )
    open_orders = evidence.result("arrival_risk").group_by("item_id", location_id="to_location_id")
    largest = open_orders.agg(open=pl.col("quantity").max())
    rows = (
        state.points.filter(pl.col("order") > 0)
        .join(usual.filter(pl.col("n") >= LEAST_RECEIPTS), on=POINT, how="left")
        .join(largest, on=POINT, how="left")
        .with_columns(
            usual=pl.when(pl.col("n").is_not_null()).then(pl.max_horizontal("usual", "open")),
            value=pl.col("order") * pl.col("cost"),
        )
    )
    unusual = (pl.col("order") > params.order_limit_times * pl.col("usual")).fill_null(value=False)
    limit = pl.lit(params.order_limit_value)
    dear = (limit > 0) & (pl.col("value") > limit)
    above = pl.when(unusual).then(pl.col("order") - pl.col("usual")).otherwise(pl.col("order"))
    return rows.filter(unusual | dear).select(
        *POINT,
        "value",
        "usual",
        units="order",
        cause=pl.when(unusual).then(pl.lit("outside_history")).otherwise(pl.lit("outside_value")),
        subject=pl.format("{} @ {}", *POINT),
        money=_carried(above),
    )


def ordered_by_count(blame: pl.DataFrame, state: State) -> pl.DataFrame:
    """Return what today's orders buy because a count is too low: at most the order, and the difference."""
    missing = blame.filter(pl.col("cause") == "count").select("cause", "subject", *POINT, off="stock_without")
    rows = state.points.join(missing, on=POINT).filter(pl.col("off") > 0, pl.col("order") > 0)
    bought = pl.min_horizontal("order", "off")
    return rows.select("cause", "subject", *POINT, money=bought * pl.col("cost"))


def unasked(blame: pl.DataFrame, state: State) -> pl.DataFrame:
    """Return what it costs to carry stock planned for demand that fails to come."""
    rows = state.points.join(blame.filter(pl.col("unasked_qty") > 0), on=POINT)
    units = pl.min_horizontal("unasked_qty", pl.col("position").clip(0.0))
    return rows.select("cause", "subject", *POINT, money=_carried(units))
