"""Weeks of stocking points from the records, and what planners decided and ordered while a pilot runs."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from plimsoll import pilot
from plimsoll.domain.decisions import NEW_KINDS
from plimsoll.measure.kpi_days import Days
from plimsoll.measure.kpi_ledger import ledger_rows, order_rows
from plimsoll.pilot.week import KEY
from plimsoll.store import decisions
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace

Tables = dict[str, pl.DataFrame]
FRESH = 7  # days for which a plan tells what to order
DECIDED = ("accepted", "changed", "refused", "exported", "received")


def monday(day: date) -> date:
    """Return the Monday of the week of a day.

    Examples
    --------
    >>> monday(date(2026, 3, 8))
    datetime.date(2026, 3, 2)
    """
    return day - timedelta(days=day.weekday())


def plans(workspace: Workspace) -> list[RunRecord]:
    """Return all plans, the oldest day first."""
    found = [run for run in workspace.runs() if run.kind == "plan"]
    return sorted(found, key=lambda run: (run.as_of, run.created_at))


def counts(workspace: Workspace, stock: pl.DataFrame, made: Sequence[RunRecord]) -> pl.DataFrame:
    """Return the counts of the import in force, and those that earlier plans saw and it no longer holds.

    An export of today's stock alone overwrites yesterday's; the plans made meanwhile keep theirs.
    """
    known = [stock.select("date", *KEY, "on_hand")]
    for run in made:
        if "outlook" in run.tables:
            rows = workspace.result_rows("outlook", run.id, [*KEY, "counted_date", "on_hand_qty"])
            known.append(
                rows.drop_nulls("counted_date").select(
                    *KEY, date="counted_date", on_hand=pl.col("on_hand_qty")
                ).select("date", *KEY, "on_hand")
            )  # fmt: skip
    return pl.concat(known).unique(["date", *KEY], keep="first", maintain_order=True)


def point_weeks(
    facts: Tables, stock: pl.DataFrame, points: pl.DataFrame, *, first: date, as_of: date, carry_days: int
) -> pl.DataFrame:
    """Return the weeks of stocking points, in the schema `pilot.POINT_WEEK`, from whole weeks only.

    Parameters
    ----------
    facts : demand, receipts, customers; availability if there is any
    stock : counts, from `counts`
    points : item_id, location_id, unit_cost, unit_price
    first : a Monday
    as_of : last day known
    carry_days : most days that a count of stock holds
    """
    last = monday(as_of + timedelta(days=1)) - timedelta(days=1)
    days = Days(first, last, "week")
    ledger = ledger_rows({**facts, "stock": stock}, points, days, carry_days)
    orders = order_rows(facts["demand"], facts["customers"], points, days)
    full = (pl.col("full_lines") == pl.col("lines")) & (pl.col("silent_lines") == 0) & ~pl.col("returned")
    told = (
        orders.filter(pl.col("lines") > 0)
        .group_by("period", *KEY)
        .agg(orders=pl.len().cast(pl.Float64), perfect_orders=full.sum().cast(pl.Float64))
    )
    wanted = [name for name in pilot.POINT_WEEK if name not in ("orders", "perfect_orders")]
    absent = [pl.lit(None, dtype=pl.Float64).alias(name) for name in wanted if name not in ledger.columns]
    rows = ledger.with_columns(absent).select(wanted)
    return pilot.checked(rows.join(told, on=["period", *KEY], how="left")).filter(
        pl.col("period").is_between(first, last)
    )


def recommended(workspace: Workspace, made: Sequence[RunRecord], items: pl.Series) -> pl.DataFrame:
    """Return the new orders that plans recommended for items, in the schema of `pilot.gaps`."""
    found = [pl.DataFrame(schema=pilot.LINE)]
    wanted = pl.col("item_id").is_in(items.implode()) & pl.col("kind").is_in(NEW_KINDS[:3])
    columns = ["item_id", "to_location_id", "kind", "quantity", "unit_cost", "sentence"]
    for run in made:
        if "line" in run.tables:
            rows = workspace.result_rows("line", run.id, columns, wanted)
            rows = rows.with_columns(as_of=pl.lit(run.as_of), location_id=pl.col("to_location_id"))
            found.append(rows.select(pilot.LINE.names()))
    return pl.concat(found)


def ordered(
    facts: Tables, items: pl.Series, made: Sequence[RunRecord], first: date, last: date
) -> pl.DataFrame:
    """Return what was ordered for items from a day to another, in the schema of `pilot.gaps`.

    Only orders of days on which a plan of the week before was at hand: without one, nothing could have
    been recommended.
    """
    keys = ["item_id", "to_location_id", "ordered_date", "quantity"]
    both = pl.concat([facts[name].select(keys) for name in ("receipts", "open_orders")])
    days = (
        pl.DataFrame({"as_of": [run.as_of for run in made]}, schema={"as_of": pl.Date}).unique().sort("as_of")
    )
    inside = both.filter(
        pl.col("ordered_date").is_between(first, last), pl.col("item_id").is_in(items.implode())
    ).sort("ordered_date")
    judged = inside.join_asof(
        days, left_on="ordered_date", right_on="as_of", strategy="backward", tolerance=f"{FRESH}d"
    ).drop_nulls("as_of")
    return judged.rename({"to_location_id": "location_id"}).select(pilot.ORDER.names())


def decided(
    workspace: Workspace, items: pl.Series, added: pl.DataFrame, *, first: date, last: date
) -> pl.DataFrame:
    """Return the table `pilot_decision`: every decision on a line of these items, and orders besides.

    Parameters
    ----------
    items : of the fence
    added : rows of `pilot_gap` that nobody recommended, ordered in these days
    first, last : days of the decisions
    """
    states = decisions.states(workspace).filter(
        pl.col("status").is_in(DECIDED), pl.col("item_id").is_in(items.implode())
    )
    day = pl.col("decided_at").dt.date()
    is_set = pl.col("quantity_set").is_not_null() | pl.col("date_set").is_not_null()
    status = (
        pl.when(pl.col("status") == "refused")
        .then(pl.lit("refused"))
        .when(is_set)
        .then(pl.lit("changed"))
        .otherwise(pl.lit("accepted"))
    )
    lines = states.filter(day.is_between(first, last)).select(
        "line_id", "item_id", "quantity", "quantity_set", "reason_code", "reason_text", "decided_by",
        week=day.dt.truncate("1w"), location_id="to_location_id", status=status,
    )  # fmt: skip
    besides = added.filter(pl.col("gap") == "not_recommended").select(
        *KEY,
        line_id=pl.format("{} @ {}", *KEY),
        week=pl.col("ordered_date").dt.truncate("1w"),
        status=pl.lit("added"),
        quantity_set="ordered_qty",
    )
    return pilot.decision_table(pl.concat([lines, besides], how="diagonal"))


def digest(decisions_made: pl.DataFrame) -> str:
    """Return what tells two sets of decisions apart."""
    return hashlib.sha256(decisions_made.write_csv().encode()).hexdigest()[:16]
