"""The table `allocation`: who gets what of a place that cannot send all that is called for."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain import figures
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints, bounds_of, to_lists
from plimsoll.maths.shortage import shortage


@dataclass(frozen=True, slots=True)
class Sources:
    """Places that send today: rows (n,), units there, and their own customers' part.

    `law`, `step`: demand of own customers meanwhile, on a lattice; `keeps`, `held`: units that
    their target asks for, and units kept back.
    """

    row: Ints
    available: Floats
    law: Floats
    step: Floats
    keeps: Floats
    held: Floats


def allocation_table(shipped: pl.DataFrame, sources: Sources) -> pl.DataFrame:
    """Return the table `allocation` of the places that cannot send all that is called for.

    Parameters
    ----------
    shipped : all points, with what is sent and waits, money_per_unit_short and source (row, or -1)
    sources : the places that send
    """
    declared = table("allocation")
    short = shipped.filter(pl.col("waiting_qty") > 0)["source"].unique()
    at = np.flatnonzero(np.isin(sources.row, short.to_numpy()))
    both = pl.concat([_places(shipped, sources, at), _customers(shipped, sources, at)], how="diagonal")
    called = pl.col("wanted_qty").sum().over("item_id", "from_location_id")
    risk = pl.col("expected") * pl.col("money_per_unit_short")
    return declared.conform(
        both.with_columns(money_at_risk=risk, sentence=_sentence(called)).drop("expected")
    )


def _places(shipped: pl.DataFrame, sources: Sources, at: Ints) -> pl.DataFrame:
    """Return what each place that orders from these sources gets."""
    there = pl.DataFrame({"source": sources.row[at], "available_qty": sources.available[at]})
    rows = shipped.filter(pl.col("quantity") > 0).join(there, on="source", maintain_order="left")
    level = (rows["position_qty"] + rows["ship_now_qty"]).to_numpy()
    tails = shortage(rows["pmf_protection"], rows["step_qty"].to_numpy(), level)
    return rows.select(
        "item_id",
        "from_location_id",
        "available_qty",
        "money_per_unit_short",
        "waiting_qty",
        "waiting_until",
        to_location_id="location_id",
        claimant=pl.lit("place"),
        wanted_qty="quantity",
        allocated_qty="ship_now_qty",
        stockout_probability=pl.Series(tails.probability),
        expected=pl.Series(tails.expected),
    )


def _customers(shipped: pl.DataFrame, sources: Sources, at: Ints) -> pl.DataFrame:
    """Return what these sources keep back for their own customers, where that is anything."""
    some = at[sources.keeps[at] > 0]
    law, held = sources.law[some], sources.held[some]
    lists = to_lists(law.ravel(), bounds_of(np.full(len(law), law.shape[1])))
    tails = shortage(lists, sources.step[some], held)
    return shipped[sources.row[some]].select(
        "item_id",
        "money_per_unit_short",
        from_location_id="location_id",
        to_location_id="location_id",
        claimant=pl.lit("customers"),
        available_qty=pl.Series(sources.available[some]),
        wanted_qty=pl.Series(sources.keeps[some]),
        allocated_qty=pl.Series(held),
        waiting_qty=pl.Series(sources.keeps[some] - held),
        stockout_probability=pl.Series(tails.probability),
        expected=pl.Series(tails.expected),
    )


def _sentence(called: pl.Expr) -> pl.Expr:
    """Return the allocation in words."""
    has, asked, gets, rest = (
        figures.number(part)
        for part in (pl.col("available_qty"), called, pl.col("allocated_qty"), pl.col("waiting_qty"))
    )
    to = pl.col("to_location_id")
    start = pl.format("{} has {} for {} called for: ", pl.col("from_location_id"), has, asked)
    until = pl.lit("until ") + pl.col("waiting_until").dt.to_string("%Y-%m-%d")
    when = pl.coalesce(until, pl.lit("for stock that nobody has ordered yet"))
    waits = pl.format("{} {} {}", rest, _of_number(rest, "waits", "wait"), when)
    sent = pl.format("{} {} to {} at once", gets, _of_number(gets, "goes", "go"), to)
    kept = pl.format("{} {} kept for its own customers", gets, _of_number(gets, "is", "are"))
    none, some = pl.col("allocated_qty") <= 0, pl.col("waiting_qty") > 0
    place = (
        pl.when(none)
        .then(pl.format("none goes to {} at once, {}", to, waits))
        .when(some)
        .then(pl.format("{}, {}", sent, waits))
        .otherwise(sent)
    )
    return start + pl.when(pl.col("claimant") == "place").then(place).otherwise(kept) + pl.lit(".")


def _of_number(number: pl.Expr, one: str, many: str) -> pl.Expr:
    return pl.when(number == "1").then(pl.lit(one)).otherwise(pl.lit(many))
