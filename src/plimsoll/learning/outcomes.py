"""What each decision came to, once its time has passed, against what was recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.learning.arrivals import lead_days_near, orders_known, own_orders, with_arrivals
from plimsoll.learning.decisions import (
    DECIDED,
    DECISION,
    INSIDE,
    ON_OPEN,
    ORDERS,
    POINT,
    checked,
)
from plimsoll.learning.events import arriving, asked_for, known_until
from plimsoll.learning.params import LearningParams
from plimsoll.learning.paths import DECIDED as AS_DECIDED
from plimsoll.learning.paths import PROPOSED as AS_PROPOSED
from plimsoll.learning.paths import Flows, Interval, Paths, stock_paths
from plimsoll.maths.ragged import Floats, Ints

Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Money:
    """What each road cost, each (2, n): shortage, holding, ordering, and doing it."""

    shortage: Floats
    holding: Floats
    ordering: Floats
    doing: Floats


def outcomes(
    decisions: pl.DataFrame,
    points: pl.DataFrame,
    facts: Tables,
    params: LearningParams,
    *,
    as_of: date,
    plans: Sequence[date] = (),
) -> pl.DataFrame:
    """Return the table `outcome`: the value that each decision added or lost.

        value added = cost(as recommended) - cost(as decided)
        cost = shortage + holding + ordering + doing

    Both roads start with the stock that the plan knew and run from the day after it to the end of the
    protection interval: the later arrival of the order on the two roads, plus the days until the next review
    less one. Both meet the actual demand, and the other orders that actually came. Cost of one unit short:
    the shortage cost, else price less cost (`params.shortage`); it counts once. Holding: units at each
    day's count at cost and holding rate. What stands at the end counts too (`rest_of_cycle`).

    Parameters
    ----------
    decisions : the schema `DECISION`; lines without a decision, and plans after `as_of`, are left out
    points : the schema `POINT`, of every plan and point decided on
    facts : tables demand, receipts and open_orders; nothing after `as_of` is read
    params : options
    as_of : day of knowledge
    plans : days of knowledge of all plans, for the day on which a point could be ordered again; a point
        is reviewed at the next plan, or after its review interval if that is sooner

    Returns
    -------
    pl.DataFrame
        One row a decision. `state` is open where the interval has not passed or the order is still to come,
        unknown where the plan knew no stock or cost, or demand was not observed: such rows have no value.
        An accepted line has value 0 by definition; its shortage and stock tell what it achieved.

    Raises
    ------
    InputError : columns are missing
    """
    rows = _prepared(decisions, points, as_of)
    orders = orders_known(facts["receipts"], facts["open_orders"], as_of=as_of)
    owned = own_orders(rows, orders, params)
    near = lead_days_near(rows, facts["receipts"], params, as_of=as_of)
    rows = _with_interval(with_arrivals(rows, orders, near, owned), plans)
    demand = asked_for(rows, facts, as_of=as_of)
    rows = _with_state(rows, demand.unseen, known_until(facts["demand"], as_of=as_of))
    counted = (rows["state"] == "counted").to_numpy()
    start = _interval(rows)
    paths = stock_paths(start, arriving(rows, facts["receipts"], orders, as_of=as_of), demand.flows)
    since_review = _asked(demand.flows, rows["review"].to_numpy(), start.days)
    money = _money(rows, start, paths, since_review, params)
    asked = _asked(demand.flows, np.zeros_like(start.days), start.days)
    return _table(rows, start, paths, money, asked, counted)


def _asked(flows: Flows, after: Ints, upto: Ints) -> Floats:
    """Return the units of each row after one day and up to another."""
    inside = (flows.day > after[flows.row]) & (flows.day <= upto[flows.row])
    return np.bincount(flows.row[inside], flows.units[inside], len(upto)).astype(np.float64)


def _prepared(decisions: pl.DataFrame, points: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the decisions on plans before `as_of`, each with its point, row and decided quantity."""
    known = points.rename({"location_id": "to_location_id"})
    known = checked(known, pl.Schema({**_renamed(POINT)}), "points")
    refused = pl.col("status") == "refused"
    # Of an open order, what is decided on is the order itself: cancelled it brings nothing.
    brings = pl.coalesce("quantity_set", "quantity")
    cancelled = pl.col("kind") == "cancel"
    decided = (
        pl.when(cancelled)
        .then(pl.when(refused).then(pl.col("quantity")).otherwise(0.0))
        .when(pl.col("kind").is_in(ON_OPEN))
        .then(pl.col("quantity"))
        .when(refused)
        .then(0.0)
        .otherwise(brings)
    )
    differs = (brings != pl.col("quantity")) | (
        pl.col("due_date_set").is_not_null() & (pl.col("due_date_set") != pl.col("due_date"))
    ).fill_null(value=False)
    return (
        checked(decisions, DECISION, "decisions")
        .filter(pl.col("status").is_in(DECIDED), pl.col("as_of") < as_of)
        .sort("run_id", "line_no")
        .with_row_index("row")
        .with_columns(
            pl.col("row").cast(pl.Int64),
            placed=pl.max_horizontal("order_date", "as_of"),
            decided_qty=decided,
            proposed_qty=pl.when(cancelled).then(0.0).otherwise(pl.col("quantity")),
            action=pl.when(refused)
            .then(pl.lit("refused"))
            .when(differs)
            .then(pl.lit("changed"))
            .otherwise(pl.lit("accepted")),
        )
        .join(known, on=["run_id", "item_id", "to_location_id"], how="left", maintain_order="left")
    )


def _renamed(schema: pl.Schema) -> dict[str, pl.DataType]:
    return {"to_location_id" if name == "location_id" else name: kind for name, kind in schema.items()}


def _with_interval(rows: pl.DataFrame, plans: Sequence[date]) -> pl.DataFrame:
    """Return the rows with the days until the next review, and the last day that is judged."""
    days = pl.DataFrame({"next_plan": sorted(set(plans))}, schema={"next_plan": pl.Date})
    following = rows.select("row", "as_of").with_columns(after=pl.col("as_of") + pl.duration(days=1))
    found = (
        following.sort("after", "row")
        .join_asof(days, left_on="after", right_on="next_plan", strategy="forward")
        .select("row", until=(pl.col("next_plan") - pl.col("as_of")).dt.total_days())
    )
    review = pl.min_horizontal("until", pl.col("review_days").fill_null(1.0).ceil()).cast(pl.Int64)
    joined = rows.join(found, on="row", how="left", maintain_order="left")
    return joined.with_columns(review=review.clip(lower_bound=1)).with_columns(
        end_date=pl.col("last_arrival") + pl.duration(days=pl.col("review") - 1)
    )


def _with_state(rows: pl.DataFrame, unseen: pl.Series, until: date) -> pl.DataFrame:
    """Return the rows with whether they can be judged, and why not."""
    price = pl.col("unit_cost") > 0
    why = (
        pl.when("is_waiting")
        .then(pl.lit("order_not_arrived"))
        .when(pl.col("end_date") > until)
        .then(pl.lit("time_not_passed"))
        .when(pl.col("counted_date").is_null())
        .then(pl.lit("stock_unknown"))
        .when(~price.fill_null(value=False))
        .then(pl.lit("cost_unknown"))
        .when(pl.col("row").is_in(unseen.implode()))
        .then(pl.lit("demand_unobserved"))
    )
    is_open = pl.col("state_why").is_in(["order_not_arrived", "time_not_passed"])
    return rows.with_columns(state_why=why).with_columns(
        state=pl.when(pl.col("state_why").is_null())
        .then(pl.lit("counted"))
        .when(is_open)
        .then(pl.lit("open"))
        .otherwise(pl.lit("unknown"))
    )


def _interval(rows: pl.DataFrame) -> Interval:
    """Return the intervals as arrays; rows that are not counted have no day."""
    counted = (rows["state"] == "counted").to_numpy()
    length = (rows["end_date"] - rows["as_of"]).dt.total_days().to_numpy()
    sign = np.where((rows["kind"] == "return").to_numpy(), -1.0, 1.0)
    roads = ("decided", "proposed")
    return Interval(
        days=np.where(counted, length, 0).astype(np.int64),
        on_hand=rows["on_hand_qty"].fill_null(0.0).to_numpy().copy(),
        backlog=rows["backlog_qty"].fill_null(0.0).to_numpy().copy(),
        is_lost=(rows["unmet_demand"].fill_null("backlog") == "lost").to_numpy(),
        own_day=np.stack(
            [(rows[f"arrives_{road}"] - rows["as_of"]).dt.total_days().to_numpy() for road in roads]
        ).astype(np.int64),
        own_units=np.stack([rows[f"{road}_qty"].to_numpy() * sign for road in roads]),
    )


def daily_rate(rows: pl.DataFrame) -> Floats:
    """Return the units a day that the plan expected: demand of the protection interval by its days."""
    days = rows["lead_days"].fill_null(0.0) + rows["review_days"].fill_null(1.0)
    expected = rows["expected_protection_qty"].fill_null(0.0).to_numpy()
    return np.asarray(expected / np.maximum(days.to_numpy(), 1.0), dtype=np.float64)


def _money(
    rows: pl.DataFrame, start: Interval, paths: Paths, since_review: Floats, params: LearningParams
) -> Money:
    """Return the cost of both roads; `since_review` is the demand from the next review to the end."""
    cost, price = (rows[name].fill_null(0.0).to_numpy() for name in ("unit_cost", "unit_price"))
    worth = price if params.shortage == "price" else price - cost
    stated = rows["shortage_cost"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    unit_short = np.where(np.isnan(stated), np.where(worth > 0, worth, cost), stated)
    kind = rows["kind"]
    # Stock moved between our own places costs the same where it was: only shortage tells moves apart.
    held = cost * rows["holding_rate"].fill_null(0.0).to_numpy() / DAYS_PER_YEAR
    held = np.where(kind.is_in(list(INSIDE)).to_numpy(), 0.0, held)
    is_order, is_done = kind.is_in(list(ORDERS)).to_numpy(), start.own_units != 0
    rate, order_cost = daily_rate(rows), rows["order_cost"].fill_null(0.0).to_numpy()
    a_review = rate * rows["review_days"].fill_null(1.0).to_numpy()
    lot = np.maximum(rows["lot_qty"].fill_null(0.0).to_numpy(), a_review)
    above = paths.on_hand - paths.backlog + since_review - rows["reorder_point_qty"].fill_null(0.0).to_numpy()
    unit_days, orders = rest_of_cycle(above, rate, lot, params.tail_days)
    return Money(
        shortage=unit_short * paths.short,
        holding=held * (paths.unit_days + unit_days),
        ordering=np.where(is_order, order_cost, 0.0) * is_done + order_cost * orders,
        doing=_doing(rows, is_done),
    )


def rest_of_cycle(above: Floats, rate: Floats, lot: Floats, most: float) -> tuple[Floats, Floats]:
    """Return unit-days and orders still to come until the next order, against the average of as much time.

        T = y+ / m,    unit-days = y T - m T^2 / 2 - T Q / 2,    orders = -T m / Q

    Where the next review finds y units more than the reorder point, the next order waits until demand of m
    a day has used them up. Stock lies meanwhile, and an order is put off; over the same time the lot model
    would hold Q / 2 on average and place m / Q orders a day: its relative value (Harris 1913; Howard 1960).
    At or below the reorder point the next order makes roads alike.

    Parameters
    ----------
    above : y, units
    rate, lot : m, units a day, and Q, units
    most : longest T, days

    Returns
    -------
    tuple
        Unit-days and orders; 0 both where y is not above 0. Without demand all of y lies as long as it may.

    Examples
    --------
    A lot of 20 just arrived, at 2 a day: ten days like the average ones, and the order is behind us.

    >>> unit_days, orders = rest_of_cycle(np.array([20.0]), np.array([2.0]), np.array([20.0]), 365.0)
    >>> float(unit_days[0]), float(orders[0])
    (0.0, -1.0)
    """
    left = np.maximum(above, 0.0)
    moves = np.broadcast_to(rate > 0, left.shape)
    lasts = np.minimum(np.divide(left, rate, out=np.where(left > 0, most, 0.0), where=moves), most)
    orders = np.divide(lasts * rate, lot, out=np.zeros_like(left), where=moves & (lot > 0))
    return lasts * (left - rate * lasts / 2.0 - np.where(moves, lot, 0.0) / 2.0), -orders


def _doing(rows: pl.DataFrame, is_done: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """Return the extra cost of doing it on both roads: an action on an open order is done unless refused."""
    cost = rows["cost"].fill_null(0.0).to_numpy()
    on_open = rows["kind"].is_in(list(ON_OPEN)).to_numpy()
    refused = (rows["action"] == "refused").to_numpy()
    does = is_done.copy()
    does[AS_DECIDED] = np.where(on_open, ~refused, is_done[AS_DECIDED])
    does[AS_PROPOSED] = np.where(on_open, True, is_done[AS_PROPOSED])
    return np.where(does, cost, 0.0)


def _table(
    rows: pl.DataFrame,
    start: Interval,
    paths: Paths,
    money: Money,
    demand: Floats,
    counted: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> pl.DataFrame:
    """Return the table; figures of rows that are not counted are unknown."""
    length = np.maximum(start.days, 1)
    saved = {
        f"{name}_saved": getattr(money, name)[AS_PROPOSED] - getattr(money, name)[AS_DECIDED]
        for name in ("shortage", "holding", "ordering", "doing")
    }
    figures = {
        "demand_qty": demand,
        "expected_qty": daily_rate(rows) * start.days,
        "short_decided_qty": paths.short[AS_DECIDED],
        "short_proposed_qty": paths.short[AS_PROPOSED],
        "stock_decided_qty": paths.unit_days[AS_DECIDED] / length,
        "stock_proposed_qty": paths.unit_days[AS_PROPOSED] / length,
        **saved,
        "value_added": sum(saved.values()),
    }
    late = (pl.col("arrives_decided") - pl.coalesce("due_date_set", "due_date")).dt.total_days()
    is_own = (pl.col("arrival_source") == "own") & ~pl.col("kind").is_in(ON_OPEN)
    known = rows.with_columns(
        pl.Series(name, np.where(counted, values, np.nan), nan_to_null=True)
        for name, values in figures.items()
    ).with_columns(
        expected_days=(pl.col("due_date") - pl.col("placed")).dt.total_days().cast(pl.Float64),
        late_days=pl.when(is_own).then(late.cast(pl.Float64)),
    )
    return table("outcome").conform(known.select(table("outcome").names))
