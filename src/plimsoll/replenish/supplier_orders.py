"""Today's lines to one supplier and place as one order: minimum value, containers, day of the week."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.replenish.lines import no_waiting
from plimsoll.replenish.lots import up_to_multiple
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.position import KEY
from plimsoll.replenish.supplier_orders_wording import with_line_words, with_order_words, with_wait_words

ORDER = ["from_location_id", "to_location_id"]
WEEK = 7
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Built:
    """The orders of the day by supplier and place.

    `order`: table `supplier_order`; `pulled`: lines ordered early, columns of table `line`; `waiting`: the
    orders whose lines wait, with the day and the clause that says so.
    """

    order: pl.DataFrame
    pulled: pl.DataFrame
    waiting: pl.DataFrame


def supplier_orders(
    tables: Mapping[str, pl.DataFrame], terms: pl.DataFrame, params: ReplenishParams, *, as_of: date
) -> Built:
    """Return the orders that today's purchases make, and the lines ordered early to meet suppliers' terms.

    A line that would be ordered d days from now (`order_by_date`) can be ordered today, up to its
    order-up-to level. That costs c h d q of holding. Where today's lines of value V are below the minimum
    M, the lines with the least holding for their value are taken until it is reached, if that costs no more
    than waiting until enough is needed::

        waiting = sum of money at risk x days to wait / review interval

    else the order waits, and says until when. Where the last container is less than `container_full_share`
    full, the lines with the least holding for the room they fill are taken while they fit, the last of
    them in part. With a container's freight F and capacity C known, each line must save more than it
    costs, F a / C > c h d q for its amount a; else all of them together must fill the container. No line is
    ordered more than `pull_days` early.

    Parameters
    ----------
    tables : recommendation, outlook, planning_point, policy, lead_time_estimate, move, items; readiness
        where it is known
    terms : table `supplier_terms`; a row without a place counts for every place without one of its own
    params : how early lines may be ordered, and when a container is full
    as_of : day of the plan

    Returns
    -------
    Built
        One order for every supplier and place with terms and a purchase today; nothing without terms.

    Edge cases
    ----------
    On another day than the supplier's only nothing is ordered early: the order waits for the day. Lines
    whose data are left out, or whose item ends or may be over, are not ordered early. Where the weight or
    volume of an item is not known its order's containers are not looked at, and it fills no container.
    """
    needed = tables["recommendation"].filter(pl.col("kind") == "purchase")
    orders = _with_terms(needed.select(ORDER).unique(), terms)
    if orders.is_empty():
        return Built(table("supplier_order").empty(), table("line").empty(), no_waiting())
    day = pl.col("order_weekday")
    ahead = (day - as_of.isoweekday()) % WEEK
    orders = orders.with_columns(weekday_wait=ahead.fill_null(0))
    today = _measured(_needed(needed, tables), orders, tables["items"])
    later = _measured(_candidates(tables, params, as_of), orders, tables["items"])
    orders = _with_today(orders, today)
    soon = later.filter("has_room", pl.col("days_early") <= params.pull_days)
    for_minimum = _to_minimum(orders, soon)
    orders = _decided(orders, later, for_minimum)
    taken = for_minimum.join(
        orders.filter("pulls").select(ORDER), on=ORDER, how="semi", maintain_order="left"
    )
    orders = _with_minimum(orders, taken)
    filling = _to_fill(
        orders, soon.join(taken.select(KEY), on=KEY, how="anti", maintain_order="left"), params
    )
    pulled = pl.concat([taken.with_columns(pulled_for=pl.lit("minimum")), filling], how="diagonal_relaxed")
    finished = with_order_words(_finished(orders, pulled, params, as_of))
    declared = table("supplier_order")
    return Built(
        declared.conform(finished.select(declared.names)),
        _lines(pulled, finished, as_of),
        with_wait_words(finished.filter("is_waiting")),
    )


def _with_terms(orders: pl.DataFrame, terms: pl.DataFrame) -> pl.DataFrame:
    """Return the orders that have terms: of the place, or else of the supplier to all places."""
    said = ["min_order_value", "container_capacity", "container_measure", "container_cost", "order_weekday"]
    first = terms.select(*ORDER, *said).unique(ORDER, keep="first", maintain_order=True)
    own = orders.join(first.drop_nulls("to_location_id"), on=ORDER)
    others = orders.join(own.select(ORDER), on=ORDER, how="anti").join(
        first.filter(pl.col("to_location_id").is_null()).drop("to_location_id"), on="from_location_id"
    )
    has_size = (pl.col("container_capacity") > 0) & pl.col("container_measure").is_not_null()
    sizes = ["container_capacity", "container_measure", "container_cost"]
    return (
        pl.concat([own, others.select(own.columns)])
        .sort(ORDER)
        .with_columns(pl.when(has_size).then(pl.col(name)).alias(name) for name in sizes)
    )


def _needed(needed: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    review = tables["planning_point"].select(*KEY, "review_days_eff")
    return needed.select(
        *ORDER, "item_id", "quantity", "unit_cost", "value", "money_at_risk", location_id="to_location_id"
    ).join(review, on=KEY, how="left", maintain_order="left")


def _candidates(tables: Mapping[str, pl.DataFrame], params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the purchases to come: what they would be today and cost, and what they are worth when due."""
    sent = pl.col("quantity").sum()
    origin = ["item_id", pl.col("from_location_id").alias("location_id")]
    target = ["item_id", pl.col("to_location_id").alias("location_id")]
    transfers = tables["recommendation"].filter(pl.col("kind") == "transfer")
    move, policy = tables["move"], tables["policy"]
    ends = [name for name in ("position_limit_qty", "over_probability") if name in policy.columns]
    bought = tables["planning_point"].filter("planned", pl.col("supply_kind") == "purchase")
    said = ("unit_cost_eff", "holding_rate_eff", "order_multiple_eff", "min_order_qty_eff")
    lead = tables["lead_time_estimate"].select(
        "item_id", "from_location_id", "mean_days_est", location_id="to_location_id"
    )
    rows = (
        tables["outlook"]
        .filter(pl.col("status") == "later", pl.col("order_by_date").is_not_null())
        .select(*KEY, "position_qty", "order_by_date", "money_at_risk")
        .join(bought.select(*KEY, "from_location_id", *said), on=KEY)
        .join(policy.select(*KEY, "policy", "order_up_to_qty", "reorder_point_qty", *ends), on=KEY)
        .join(lead, on=[*KEY, "from_location_id"], how="left")
        .join(transfers.group_by(origin).agg(called=sent), on=KEY, how="left")
        .join(move.group_by(origin).agg(leaving=sent), on=KEY, how="left")
        .join(move.group_by(target).agg(arriving=sent), on=KEY, how="left")
        .filter(pl.col("policy") != "none", *(pl.col(name).is_null() for name in ends))
    )
    if "readiness" in tables:
        out = tables["readiness"].filter(pl.col("verdict") == "left_out")
        rows = rows.join(out, on=KEY, how="anti")
    left = pl.col("position_qty") - pl.sum_horizontal("called", "leaving") + pl.col("arriving").fill_null(0.0)
    asked = pl.col("order_up_to_qty") - left
    days = (pl.col("order_by_date") - pl.lit(as_of)).dt.total_days().cast(pl.Float64)
    lot = pl.max_horizontal(pl.col("order_up_to_qty") - pl.col("reorder_point_qty"), pl.lit(1.0))
    return (
        rows.filter(days > 0)
        .with_columns(
            to_location_id="location_id",
            quantity=_whole(asked),
            then_value=_whole(lot) * pl.col("unit_cost_eff"),
            has_room=asked > 0,
            unit_cost="unit_cost_eff",
            days_early=days,
            left_qty=left,
        )
        .with_columns(
            value=pl.col("quantity") * pl.col("unit_cost"),
            day_cost=pl.col("unit_cost") * pl.col("holding_rate_eff") / DAYS_PER_YEAR * days,
        )
        .with_columns(pull_cost=pl.col("day_cost") * pl.col("quantity"))
        .sort(KEY)
    )


def _whole(units: pl.Expr) -> pl.Expr:
    return up_to_multiple(pl.max_horizontal(units, "min_order_qty_eff"), pl.col("order_multiple_eff"))


def _measured(rows: pl.DataFrame, orders: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of orders with terms, and the amount of a container that each of them takes."""
    sizes = items.select("item_id", "unit_weight", "unit_volume").unique("item_id", keep="first")
    measure = pl.col("container_measure")
    each = (
        pl.when(measure == "units")
        .then(1.0)
        .when(measure == "value")
        .then("unit_cost")
        .when(measure == "weight")
        .then("unit_weight")
        .when(measure == "volume")
        .then("unit_volume")
    )
    return (
        rows.join(orders, on=ORDER, maintain_order="left")
        .join(sizes, on="item_id", how="left", maintain_order="left")
        .with_columns(unit_amount=each)
        .with_columns(amount=pl.col("unit_amount") * pl.col("quantity"))
    )


def _with_today(orders: pl.DataFrame, today: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with what is needed today; the amount is null where that of a line is not known."""
    risk = (pl.col("money_at_risk") / pl.col("review_days_eff").clip(1.0)).sum()
    unknown = pl.col("amount").is_null().sum()
    sums = today.group_by(ORDER).agg(
        n_lines=pl.len().cast(pl.Int64),
        needed_value=pl.col("value").sum(),
        risk_per_day=risk,
        needed_amount=pl.when(unknown == 0).then(pl.col("amount").sum()),
        n_unmeasured=unknown.cast(pl.Int64),
    )
    return orders.join(sums, on=ORDER, how="left", maintain_order="left").with_columns(
        missing=pl.when(pl.col("weekday_wait") == 0)
        .then((pl.col("min_order_value") - pl.col("needed_value")).clip(0.0))
        .fill_null(0.0)
    )


def _to_minimum(orders: pl.DataFrame, soon: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that reach the minimum at the least holding for their value, order by order."""
    rows = soon.join(orders.filter(pl.col("missing") > 0).select(*ORDER, "missing"), on=ORDER)
    rows = rows.filter(pl.col("value") > 0).sort(*ORDER, pl.col("pull_cost") / pl.col("value"), *KEY)
    before = pl.col("value").cum_sum().over(ORDER) - pl.col("value")
    return rows.filter(
        before < pl.col("missing") - _SAME, pl.col("value").sum().over(ORDER) >= pl.col("missing")
    )


def _decided(orders: pl.DataFrame, later: pl.DataFrame, for_minimum: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with whether lines are ordered early for the minimum, or the order waits, to when."""
    short = orders.filter(pl.col("missing") > 0).select(*ORDER, "missing")
    total = pl.col("then_value").cum_sum().over(ORDER, order_by=["order_by_date", *KEY])
    reached = (
        later.join(short, on=ORDER)
        .filter(total >= pl.col("missing"))
        .group_by(ORDER)
        .agg(wait_days=pl.col("days_early").min(), reached_date=pl.col("order_by_date").min())
    )
    cost = for_minimum.group_by(ORDER).agg(minimum_cost=pl.col("pull_cost").sum())
    below = pl.col("missing") > 0
    return (
        orders.join(reached, on=ORDER, how="left", maintain_order="left")
        .join(cost, on=ORDER, how="left", maintain_order="left")
        .with_columns(wait_cost=pl.when(below).then(pl.col("risk_per_day") * pl.col("wait_days")))
        .with_columns(
            pulls=(pl.col("minimum_cost") <= pl.col("wait_cost")).fill_null(value=False),
        )
        .with_columns(waits_minimum=below & ~pl.col("pulls"))
    )


def _with_minimum(orders: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with what is ordered early for the minimum."""
    sums = taken.group_by(ORDER).agg(
        value_minimum=pl.col("value").sum(),
        amount_minimum=pl.col("amount").sum(),
        unmeasured=pl.col("amount").null_count().cast(pl.Int64),
    )
    joined = orders.join(sums, on=ORDER, how="left", maintain_order="left")
    filled = joined.with_columns(pl.col("value_minimum", "amount_minimum", "unmeasured").fill_null(0))
    return filled.with_columns(
        n_unmeasured=pl.col("n_unmeasured") + pl.col("unmeasured"),
        amount_minimum=pl.when(pl.col("unmeasured") == 0).then("amount_minimum"),
    )


def _to_fill(orders: pl.DataFrame, soon: pl.DataFrame, params: ReplenishParams) -> pl.DataFrame:
    """Return the lines that fill the last container where that pays, the last of them in part."""
    amount, size = pl.col("needed_amount") + pl.col("amount_minimum"), pl.col("container_capacity")
    room = (amount / size - _SAME).ceil() * size - amount
    wanting = orders.filter(
        ~pl.col("waits_minimum"),
        pl.col("weekday_wait") == 0,
        room > (1.0 - params.container_full_share) * size,
    ).select(*ORDER, room=room)
    rows = soon.join(wanting, on=ORDER).filter(pl.col("amount") > 0)
    saves = pl.col("container_cost") * pl.col("unit_amount") / size
    pays = (saves > pl.col("day_cost")) | pl.col("container_cost").is_null()
    rows = rows.filter(pays).sort(*ORDER, pl.col("day_cost") / pl.col("unit_amount"), *KEY)
    upto = pl.col("amount").cum_sum().over(ORDER)
    rest = pl.col("room") - upto + pl.col("amount")
    multiple = pl.when(pl.col("order_multiple_eff") > 0).then("order_multiple_eff").otherwise(1.0)
    part = (rest / pl.col("unit_amount") / multiple + _SAME).floor() * multiple
    fitting = rows.with_columns(
        quantity=pl.when(upto <= pl.col("room") + _SAME)
        .then("quantity")
        .when((rest > 0) & (part >= pl.col("min_order_qty_eff")))
        .then(part)
        .otherwise(0.0)
    ).filter(pl.col("quantity") > 0)
    fitting = fitting.with_columns(
        value=pl.col("quantity") * pl.col("unit_cost"),
        amount=pl.col("quantity") * pl.col("unit_amount"),
        pull_cost=pl.col("quantity") * pl.col("day_cost"),
        pulled_for=pl.lit("container"),
    )
    left = (pl.col("room") - pl.col("amount").sum().over(ORDER)) / size
    enough = left <= 1.0 - params.container_full_share + _SAME
    return fitting.filter(pl.col("container_cost").is_not_null() | enough)


def _finished(
    orders: pl.DataFrame, pulled: pl.DataFrame, params: ReplenishParams, as_of: date
) -> pl.DataFrame:
    """Return the orders with what was ordered early, their containers, status and day."""
    size, fills = pl.col("container_capacity"), pl.col("pulled_for") == "container"
    sums = pulled.group_by(ORDER).agg(
        n_pulled=pl.len().cast(pl.Int64),
        pulled_value=pl.col("value").sum(),
        pulled_amount=pl.col("amount").sum(),
        pull_cost=pl.col("pull_cost").sum(),
        n_filling=fills.sum().cast(pl.Int64),
        filling_value=pl.col("value").filter(fills).sum(),
        filling_amount=pl.col("amount").filter(fills).sum(),
    )
    rows = orders.join(sums, on=ORDER, how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(0) for name in sums.columns if name not in ORDER
    )
    known = pl.col("amount_minimum").is_not_null()
    rows = rows.with_columns(
        value=pl.col("needed_value") + pl.col("pulled_value"),
        amount=pl.when(known).then(pl.col("needed_amount") + pl.col("pulled_amount")),
    ).with_columns(n_containers=(pl.col("amount") / size - _SAME).ceil().clip(0.0).cast(pl.Int64))
    fill = (pl.col("amount") / size - pl.col("n_containers") + 1.0).clip(0.0, 1.0)
    rows = rows.with_columns(
        last_fill_share=pl.when(pl.col("n_containers") > 0).then(fill),
        freight_saved=pl.when(pl.col("n_filling") > 0).then(
            pl.col("container_cost") * pl.col("filling_amount") / size
        ),
        wait_reason=pl.when("waits_minimum")
        .then(pl.lit("minimum"))
        .when(pl.col("weekday_wait") > 0)
        .then(pl.lit("weekday")),
    )
    unmeasured = size.is_not_null() & pl.col("amount").is_null()
    on_day = _next_weekday(pl.col("reached_date"), pl.col("order_weekday"))
    later = pl.lit(as_of) + pl.duration(days=pl.col("weekday_wait"))
    return rows.with_columns(
        is_waiting=pl.col("wait_reason").is_not_null(),
        order_date=pl.when("waits_minimum").then(on_day).otherwise(later).cast(pl.Date),
        status=pl.when("waits_minimum")
        .then(pl.lit("below_minimum"))
        .when(pl.col("n_pulled") > 0)
        .then(pl.lit("pulled_forward"))
        .when(pl.col("weekday_wait") > 0)
        .then(pl.lit("as_needed"))
        .when(unmeasured)
        .then(pl.lit("not_measured"))
        .when(pl.col("last_fill_share") < params.container_full_share)
        .then(pl.lit("partly_filled"))
        .otherwise(pl.lit("as_needed")),
    )


def _next_weekday(day: pl.Expr, weekday: pl.Expr) -> pl.Expr:
    """Return the day itself, or the next one on which the supplier takes orders."""
    wait = ((weekday - day.dt.weekday()) % WEEK).fill_null(0)
    return day + pl.duration(days=wait)


def _lines(pulled: pl.DataFrame, orders: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the lines ordered early, as table `line` has them; their gain is freight or waiting saved."""
    if pulled.is_empty():
        return table("line").empty()
    of_order = orders.select(
        *ORDER, "wait_cost", "value_minimum", "n_containers", "needed_amount", "amount_minimum"
    )
    rows = pulled.drop("n_containers", "wait_cost", strict=False).join(
        of_order, on=ORDER, maintain_order="left"
    )
    freight = (pl.col("container_cost") * pl.col("amount") / pl.col("container_capacity")).fill_null(0.0)
    waiting = (pl.col("wait_cost") * pl.col("value") / pl.col("value_minimum")).fill_null(0.0)
    gain = pl.when(pl.col("pulled_for") == "minimum").then(waiting).otherwise(freight)
    named = rows.with_columns(
        kind=pl.lit("purchase"),
        order_date=pl.lit(as_of),
        due_date=pl.lit(as_of) + pl.duration(days=pl.col("mean_days_est").ceil()),
        cost="pull_cost",
        gain=gain,
        net=gain - pl.col("pull_cost"),
        pulled_forward=pl.lit(value=True),
    )
    return with_line_words(named)
