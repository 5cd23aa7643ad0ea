"""Demand history handed over from an item to its successor."""

from collections.abc import Sequence

import polars as pl

from plimsoll.domain.repairs import HISTORY, Repair
from plimsoll.domain.tables import table
from plimsoll.ingest.repair_items import OWN, WAS, Tables, folded
from plimsoll.ingest.repair_rows import ROW, RULE, Refusals, pairs

SHARE, TO, FACTOR, GIVEN = "(share)", "(to)", "(factor)", "(given)"
ONE = 1 + 1e-9  # shares that add up to 1 but for their last digits are the whole
DIGITS = 9


def transferred(
    tables: Tables, waves: Sequence[dict[int, Repair]]
) -> tuple[Tables, dict[int, int], Refusals]:
    """Return demand with histories handed over, and availability and launch dates that go with it.

    Of each row that a rule means, the share goes to the other item, in its units; the rest stays. Shares
    of one row that add up to more than 1 are refused. Where a period of the successor has no
    availability flag, the predecessor's holds; a launch later than the demand it takes over
    moves back to the predecessor's, or becomes unknown.

    Parameters
    ----------
    tables : canonical tables by name
    waves : rules of the kind transfer by number; those of one wave read what the wave before has written

    Returns
    -------
    The tables that changed; rows handed over by rule; rules refused.
    """
    changed: Tables = {}
    counts: dict[int, int] = {}
    refused: Refusals = {}
    for rules in waves:
        now = tables | changed
        handed, left = _handed(now[HISTORY], rules, refused)
        counts |= dict(handed.group_by(RULE).len().iter_rows())
        if handed.is_empty():
            continue
        acting = {n: rule for n, rule in rules.items() if n in counts}
        changed[HISTORY] = _received(left, handed)
        changed |= _flags(now, acting)
        changed |= _launches(now, handed)
    return changed, counts, refused


def _handed(
    demand: pl.DataFrame, rules: dict[int, Repair], refused: Refusals
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows as their new items take them over, and the rows left with what stays of them."""
    rows = demand.with_row_index(ROW)
    way = pl.DataFrame(
        {
            RULE: pl.Series(list(rules), dtype=pl.UInt32),
            SHARE: pl.Series([rule.value for rule in rules.values()], dtype=pl.Float64),
            TO: pl.Series([rule.to for rule in rules.values()], dtype=pl.String),
            FACTOR: pl.Series([rule.factor or 1.0 for rule in rules.values()], dtype=pl.Float64),
        }
    )
    met = pairs(rows, table(HISTORY), rules).join(way, on=RULE, maintain_order="left")
    given = pl.col(SHARE).sum().over(ROW)
    over = met.filter(given > ONE).select(RULE, ROW)
    by_rule = over.join(over, on=ROW, suffix=" of other").filter(pl.col(RULE) != pl.col(f"{RULE} of other"))
    for number, other in by_rule.select(RULE, f"{RULE} of other").unique().sort(pl.all()).iter_rows():
        refused.setdefault(number, ("repair_contradicts", rules[other].id))
    met = met.filter(~pl.col(RULE).is_in(list(refused)))
    part = pl.col(SHARE) * pl.col(FACTOR)
    handed = met.join(rows, on=ROW, maintain_order="left").with_columns(
        pl.col("quantity") * part,
        pl.col("shipped_quantity") * part,
        pl.col("unit_price") / pl.col(FACTOR),
        pl.col("item_id").alias(WAS),
        pl.col(TO).alias("item_id"),
    )
    total = met.group_by(ROW).agg(pl.col(SHARE).sum().round(DIGITS).alias(GIVEN))
    stays = 1 - pl.col(GIVEN).fill_null(0.0)
    left = (
        rows.join(total, on=ROW, how="left", maintain_order="left")
        .filter(stays > 0)
        .with_columns(pl.col("quantity") * stays, pl.col("shipped_quantity") * stays)
        .select(demand.columns)
    )
    return handed, left


def _received(left: pl.DataFrame, handed: pl.DataFrame) -> pl.DataFrame:
    """Return demand with the rows handed over; those that share a key with the successor's own add up."""
    declared = table(HISTORY)
    takes = pl.col("item_id").is_in(handed["item_id"].unique().implode())
    own = left.filter(takes).with_columns(pl.col("item_id").alias(WAS), pl.lit(True).alias(OWN))
    new = handed.with_columns(pl.lit(False).alias(OWN)).select(own.columns)
    return declared.conform(pl.concat([left.filter(~takes), folded(pl.concat([own, new]), declared)]))


def _flags(tables: Tables, rules: dict[int, Repair]) -> Tables:
    """Return availability with the predecessors' flags where the successors have none."""
    declared, flags = table("availability"), tables["availability"]
    of_place = {"item_id", "location_id"}
    by_place = {n: rule for n, rule in rules.items() if {each.column for each in rule.match} <= of_place}
    rows = flags.with_row_index(ROW)
    to = pl.DataFrame(
        {
            RULE: pl.Series(list(by_place), dtype=pl.UInt32),
            TO: pl.Series([rule.to for rule in by_place.values()], dtype=pl.String),
        }
    )
    met = pairs(rows, declared, by_place).join(to, on=RULE).join(rows, on=ROW)
    copied = (
        met.with_columns(pl.col(TO).alias("item_id")).group_by(declared.key).agg(pl.col("in_stock").max())
    )
    new = copied.join(flags, on=declared.key, how="anti").select(declared.names)
    return {"availability": declared.conform(pl.concat([flags, new]))} if new.height else {}


def _launches(tables: Tables, handed: pl.DataFrame) -> Tables:
    """Return items with the launch of each successor no later than the demand it took over."""
    items = tables["items"]
    before = items.select(pl.col("item_id").alias(WAS), pl.col("launch_date").alias("(launch)"))
    began = (
        handed.join(before.unique(WAS), on=WAS, how="left")
        .group_by("item_id")
        .agg(
            pl.col("date").min().alias("(first)"),
            pl.when(pl.col("(launch)").null_count() == 0).then(pl.col("(launch)").min()),
        )
    )
    late = pl.col("launch_date") > pl.col("(first)")
    new = (
        items.join(began, on="item_id", how="left", maintain_order="left")
        .with_columns(pl.when(late).then("(launch)").otherwise("launch_date").alias("launch_date"))
        .select(items.columns)
    )
    return {} if new.equals(items) else {"items": new}
