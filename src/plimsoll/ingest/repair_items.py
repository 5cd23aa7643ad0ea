"""Items merged into others: every table follows, and keys stay unique."""

from collections.abc import Sequence

import polars as pl

from plimsoll.domain.repairs import ITEM_COLUMNS
from plimsoll.domain.tables import Table, table

Tables = dict[str, pl.DataFrame]
OWN, FACTOR, TO, WAS, RANK = "(own)", "(factor)", "(to)", "(was)", "(rank)"
# table -> columns that add up where two rows become one; other columns are the own item's, else the other's
ADD_UP = {
    "demand": ("quantity", "shipped_quantity"),
    "receipts": ("quantity", "freight_cost"),
    "stocking_points": ("current_min", "current_max", "current_safety_stock"),
    "events": ("quantity",),
}
EITHER = ("expedited", "in_stock")  # true where it is of one of the rows
# What a code that was given up says of itself is not true of the item it is merged into.
NEVER_INHERITED = ("end_date", "superseded_by", "analog_item_id", "do_not_stock")
SCALES = {"units": 1, "units per week": 1, "money per unit": -1}  # unit of a column -> power of the factor


def moved(frame: pl.DataFrame, declared: Table, ways: pl.DataFrame) -> pl.DataFrame:
    """Return rows under the item they go to, quantities and unit prices in its units.

    Adds `(own)`: False for rows that came from another item, and `(was)`: the item before. Price
    breaks are text in the other unit: where the units differ they become unknown.

    Parameters
    ----------
    frame : rows with item_id
    declared : their table
    ways : item_id, `(to)`, `(factor)`: units of the new item in one unit of the old
    """
    on = frame.join(ways, on="item_id", how="left", maintain_order="left")
    factor = pl.col(FACTOR).fill_null(1.0)
    scaled = [
        (pl.col(column.name) * factor if SCALES[column.unit] > 0 else pl.col(column.name) / factor)
        for column in declared.columns
        if column.unit in SCALES and column.dtype == pl.Float64()
    ]
    if "price_breaks" in declared.names:
        scaled.append(pl.when(factor == 1).then("price_breaks").alias("price_breaks"))
    return on.with_columns(
        *scaled,
        pl.col("item_id").alias(WAS),
        pl.coalesce(TO, "item_id").alias("item_id"),
        pl.col(TO).is_null().alias(OWN),
    ).drop(TO, FACTOR)


def folded(frame: pl.DataFrame, declared: Table) -> pl.DataFrame:
    """Return the table with rows that share a key made one, the item's own row speaking first.

    A key with an unknown part is no key, so such rows stay apart. Takes and drops the columns that
    `moved` adds.
    """
    key = list(declared.key)
    alike = pl.all_horizontal(pl.col(key).is_not_null()) & pl.struct(key).is_duplicated()
    several = frame.filter(alike).sort(*key, OWN, WAS, descending=[False] * len(key) + [True, False])
    apart = frame.filter(~alike).drop(OWN, WAS)
    if several.is_empty():
        return declared.conform(apart)
    one = several.group_by(key, maintain_order=True).agg(
        _together(declared.name, name) for name in declared.names if name not in key
    )
    return declared.conform(pl.concat([apart, one.select(apart.columns)]))


def _together(name: str, column: str) -> pl.Expr:
    """Return how a column's values of several rows become one; the own row comes first."""
    cell = pl.col(column)
    if column in ADD_UP.get(name, ()):
        return pl.when(cell.count() > 0).then(cell.sum()).alias(column)
    if column == "quantity_sd":  # the totals are taken as independent
        return pl.when(cell.count() > 0).then((cell**2).sum().sqrt()).alias(column)
    if column in EITHER:
        return cell.max()
    if column in NEVER_INHERITED:
        return cell.filter(OWN).first()
    if column == "launch_date":  # demand was possible since the earlier one, if both are known
        return pl.when(cell.null_count() == 0).then(cell.min()).alias(column)
    return cell.drop_nulls().first()


def merged(tables: Tables, ways: pl.DataFrame) -> Tables:
    """Return the tables in which items go by another number.

    Demand, receipts and today's stock levels add up; so do counts, an item's last count standing until
    its next one. A shelf counts as in stock where either was. Of master data the own row speaks, and
    the other one where the own row says nothing. A parent's own components stand; without any it takes
    over those of the other. Components that become one add up.

    Parameters
    ----------
    tables : canonical tables by name
    ways : item_id, `(to)`, `(factor)`: units of the new item in one unit of the old

    Returns
    -------
    dict
        The tables that changed.
    """
    changed = {}
    either = pl.concat([ways["item_id"], ways[TO]]).unique().implode()
    for name, frame in tables.items():
        if name == "bom":
            concerned = pl.any_horizontal(pl.col(column).is_in(either) for column in ITEM_COLUMNS[1:])
        elif "item_id" in frame.columns:
            concerned = pl.col("item_id").is_in(either)
        else:
            continue
        rows, rest = frame.filter(concerned), frame.filter(~concerned)
        declared = table(name)
        if name == "items":
            new = _items(rows, rest, ways)
        elif rows.is_empty():
            continue
        elif name == "bom":
            new = _bom(rows, rest, ways)
        else:
            new = moved(rows, declared, ways)
            new = _counts(new, declared) if name == "stock" else folded(new, declared)
            new = pl.concat([rest, new])
        changed[name] = declared.conform(new)
    return changed


def _items(rows: pl.DataFrame, rest: pl.DataFrame, ways: pl.DataFrame) -> pl.DataFrame:
    """Return the item master; references to an item that went follow it, those to itself go."""
    declared = table("items")
    own_only = [pl.when(OWN).then(name).alias(name) for name in NEVER_INHERITED if name in declared.names]
    one = folded(moved(rows, declared, ways).with_columns(own_only), declared)
    every = pl.concat([rest, one])
    for name in ("superseded_by", "analog_item_id"):
        followed = every.join(
            ways.select(pl.col("item_id").alias(name), TO), on=name, how="left", maintain_order="left"
        )
        new = pl.coalesce(TO, name)
        every = followed.with_columns(pl.when(new != pl.col("item_id")).then(new).alias(name)).drop(TO)
    return every


def _counts(rows: pl.DataFrame, declared: Table) -> pl.DataFrame:
    """Return the counts of merged items: on each day the sum of each one's last count up to then."""
    shelf, units = ["item_id", "location_id"], ["on_hand", "allocated", "backlog"]
    days = rows.select("date", *shelf).unique()
    sides = rows.select(*shelf, WAS).unique()
    each = days.join(sides, on=shelf).sort("date")
    filled = each.join_asof(
        rows.sort("date").select("date", *shelf, WAS, *units),
        on="date",
        by=[*shelf, WAS],
        strategy="backward",
        check_sortedness=False,
    )
    return (
        filled.filter(pl.col("on_hand").is_not_null())
        .sort("date", *shelf, WAS)
        .group_by("date", *shelf, maintain_order=True)
        .agg(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in units)
        .select(declared.names)
    )


def _bom(rows: pl.DataFrame, rest: pl.DataFrame, ways: pl.DataFrame) -> pl.DataFrame:
    """Return the bill of material with parents and components under the items they went to."""
    parent, component = ITEM_COLUMNS[1:]
    on = _by_item(_by_item(rows, ways, parent), ways, component)
    was = pl.col(f"{parent} before")
    speaks = was.sort_by(was != pl.col(parent), was).first().over(parent)
    on = on.filter(was == speaks)
    key = [parent, component, "valid_from"]
    several = on.filter((pl.n_unique(f"{component} before") > 1).over(key)).sort(*key, f"{component} before")
    single = on.filter((pl.n_unique(f"{component} before") == 1).over(key))
    need = pl.col("quantity_per")
    lost = (need * pl.col("scrap_rate").fill_null(0.0)).sum() / need.sum()
    summed = several.group_by(key, maintain_order=True).agg(
        need.sum(),
        pl.when((pl.col("scrap_rate").count() > 0) & (need.sum() > 0)).then(lost).alias("scrap_rate"),
        pl.when(pl.col("valid_to").null_count() == 0).then(pl.col("valid_to").max()).alias("valid_to"),
    )
    names = list(table("bom").names)
    return pl.concat([rest, single.select(names), summed.select(names)])


def _by_item(rows: pl.DataFrame, ways: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a bill of material with one item column renamed, its quantities in the new units."""
    named = ways.select(pl.col("item_id").alias(column), TO, FACTOR)
    on = rows.join(named, on=column, how="left", maintain_order="left")
    factor = pl.col(FACTOR).fill_null(1.0)
    need = pl.col("quantity_per")
    return on.with_columns(
        (need * factor if column == ITEM_COLUMNS[2] else need / factor).alias("quantity_per"),
        pl.col(column).alias(f"{column} before"),
        pl.coalesce(TO, column).alias(column),
    ).drop(TO, FACTOR)


def follow(edges: Sequence[tuple[str, str]]) -> tuple[list[list[int]], list[int]]:
    """Return edges in waves, sources that nothing comes to any more first; and those on loops.

    Examples
    --------
    >>> follow([("B", "C"), ("A", "B"), ("X", "Y"), ("Y", "X"), ("Y", "Z")])
    ([[1, 4], [0]], [2, 3])
    """
    looped = set(range(len(edges)))
    while True:  # an edge that leads nowhere else or comes from nowhere is on no loop
        sources = {edges[n][0] for n in looped}
        targets = {edges[n][1] for n in looped}
        inside = {n for n in looped if edges[n][0] in targets and edges[n][1] in sources}
        if inside == looped:
            break
        looped = inside
    waves, left = [], set(range(len(edges))) - looped
    while left:
        targets = {edges[n][1] for n in left}
        wave = {n for n in left if edges[n][0] not in targets}
        waves.append(sorted(wave))
        left -= wave
    return waves, sorted(looped)
