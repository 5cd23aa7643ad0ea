"""One list of all that is proposed for today: orders, moves, open orders acted on; what matters first."""

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.replenish.confidence import Evidence, confidence

POINT = ["item_id", "to_location_id"]
# Columns of `move` that its drivers hold; those of orders and of open orders carry their own.
DRIVERS_OF_MOVES = (
    "quantity",
    "excess_qty",
    "excess_days",
    "wanted_qty",
    "holding_saved",
    "shortage_avoided",
    "cost",
    "gain",
    "net",
)
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Proposals:
    """What the stages of the day propose: tables `recommendation`, `move`, `order_change`, and lines to come.

    `pulled`: columns of `line` for what is ordered before it is needed (`supplier_orders.Built`); `waiting`:
    lines of today that wait for their supplier (the same).
    """

    recommendation: pl.DataFrame
    move: pl.DataFrame
    order_change: pl.DataFrame = field(default_factory=lambda: table("order_change").empty())
    pulled: pl.DataFrame = field(default_factory=lambda: table("line").empty())
    waiting: pl.DataFrame = field(default_factory=lambda: no_waiting())


def no_waiting() -> pl.DataFrame:
    """Return the empty frame of orders that wait for their supplier."""
    return pl.DataFrame(
        schema={
            "from_location_id": pl.String(),
            "to_location_id": pl.String(),
            "order_date": pl.Date(),
            "code": pl.String(),
            "clause": pl.String(),
        }
    )


def lines(proposals: Proposals, evidence: Evidence, *, as_of: date) -> pl.DataFrame:
    """Return all that is proposed as numbered lines, what matters most first.

    What a line matters is what is lost without it: the larger of its money at risk and its net gain, then
    its value; ties in the order of kind, item and places. An order is worth what it keeps from being
    short, its `money_at_risk`, at no extra cost; a move or a change of an open order what its own table
    says, and its money at risk is the expected shortage that it avoids.

    Parameters
    ----------
    proposals : what the stages of the day propose
    evidence : tables of the plan that words, classes and grades of confidence come from
    as_of : day of the plan

    Returns
    -------
    Table `line`. Quantities of lines that are not pulled forward are those of `recommendation` and `move`
    to the unit.
    """
    parts = [
        _orders(proposals.recommendation, proposals.waiting),
        _moves(proposals.move),
        _changes(proposals.order_change, as_of),
        proposals.pulled,
    ]
    names = [name for name in table("line").names if name not in _LATER]
    every = pl.concat(
        [part.select(name for name in names if name in part.columns) for part in parts], how="diagonal"
    )
    points = evidence.points.select(
        "item_id", "description", "category", "unit", to_location_id="location_id"
    )
    classes = evidence.target.select("item_id", "abc", to_location_id="location_id")
    grades = confidence(evidence).rename({"location_id": "to_location_id"})
    for frame in (points, classes, grades):
        every = every.join(frame, on=POINT, how="left", maintain_order="left")
    weight = pl.max_horizontal("money_at_risk", "net")
    ordered = every.sort(
        weight.round(_DECIMALS).neg(),
        pl.col("value").round(_DECIMALS).neg(),
        "kind",
        *POINT,
        "from_location_id",
        "order_id",
        "order_line",
        nulls_last=True,
        maintain_order=True,
    )
    return table("line").conform(
        ordered.with_columns(
            pl.col("confidence").fill_null("-"),
            pl.col("confidence_why").fill_null("No grade: the plan has no row for it."),
            line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        )
    )


_LATER = (
    "line_no",
    "description",
    "category",
    "unit",
    "abc",
    "confidence",
    "confidence_why",
    "readiness",
)


def _orders(orders: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    """Return the orders as lines; those that wait for their supplier are dated when it takes them."""
    rows = orders.with_columns(
        cost=pl.lit(0.0),
        gain="money_at_risk",
        net="money_at_risk",
        pulled_forward=pl.lit(value=False),
    )
    if waiting.is_empty():
        return rows
    later = waiting.rename({"order_date": "wait_date"}).with_columns(kind=pl.lit("purchase"))
    joined = rows.join(
        later, on=["from_location_id", "to_location_id", "kind"], how="left", maintain_order="left"
    )
    delay = pl.col("wait_date") - pl.col("order_date")
    said = pl.col("sentence").str.strip_suffix(".") + pl.col("clause") + pl.lit(".")
    return joined.with_columns(
        order_date=pl.coalesce("wait_date", "order_date"),
        due_date=pl.coalesce(pl.col("due_date") + delay, "due_date"),
        reason_codes=pl.coalesce(pl.col("reason_codes") + pl.lit(" ") + pl.col("code"), "reason_codes"),
        sentence=pl.coalesce(said, "sentence"),
    )


def _moves(moves: pl.DataFrame) -> pl.DataFrame:
    """Return the moves as lines; their reasons as data come from their own figures."""
    drivers = moves.select(DRIVERS_OF_MOVES).with_columns(pl.selectors.float().round(_DECIMALS))
    return moves.with_columns(
        money_at_risk=pl.col("shortage_avoided").clip(0.0),
        pulled_forward=pl.lit(value=False),
        drivers=drivers.select(pl.struct(pl.all()).struct.json_encode()).to_series(),
    )


def _changes(changes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the changes of open orders as lines."""
    return changes.rename({"line": "order_line"}).with_columns(
        order_date=pl.lit(as_of),
        money_at_risk=pl.col("shortage_avoided").clip(0.0),
        pulled_forward=pl.lit(value=False),
    )
