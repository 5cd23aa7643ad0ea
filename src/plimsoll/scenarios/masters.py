"""Changes of master data: lanes, costs, prices, least orders, targets and what is kept where."""

from collections.abc import Mapping

import polars as pl

from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.scenarios import Change, Scenario
from plimsoll.domain.tables import table
from plimsoll.scenarios.messages import NO_WAY
from plimsoll.scenarios.names import within

Tables = dict[str, pl.DataFrame]
KEY = ["item_id", "location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
FIRST = 0  # priority of a lane that goes before all others


def changed_masters(known: Mapping[str, pl.DataFrame], scenario: Scenario) -> tuple[Tables, list[Finding]]:
    """Return the completed facts as a scenario would have them, and what it leaves without a lane.

    Parameters
    ----------
    known : completed facts, as of `ingest.complete`
    scenario : its changes of kind lane_closed, source, cost, price, min_order, target and not_kept count
    """
    tables, findings = dict(known), []
    for change in scenario.changes:
        if change.kind == "lane_closed":
            tables, cut = _closed(tables, change)
            findings += [NO_WAY.finding(cut.height, keys_of(cut, KEY))] if cut.height else []
        elif change.kind in _CHANGES:
            tables = tables | _CHANGES[change.kind](tables, change)
    return tables, findings


def changed_points(points: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the points of the plan with every value that differs between two states of the facts.

    What people set over the facts, and the scenario does not touch, stays.

    Parameters
    ----------
    points : table `planning_point` of the plan
    before, after : the same as `ingest.complete` returns it without and with the scenario's changes
    """
    columns = [name for name in points.columns if name not in KEY]
    old = points.select(KEY).join(before, on=KEY, how="left", maintain_order="left")
    new = points.select(KEY).join(after, on=KEY, how="left", maintain_order="left")
    changed = [old[name].ne_missing(new[name]) for name in columns]
    return points.with_columns(
        pl.when(differs).then(new[name]).otherwise(points[name]).alias(name)
        for name, differs in zip(columns, changed, strict=True)
        if differs.any()
    )


def _with_category(frame: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Return a frame with the columns that a scope is about."""
    told = frame.rename({"to_location_id": "location_id"}) if "to_location_id" in frame.columns else frame
    if "category" in told.columns:
        return told
    return told.join(
        tables["items"].select("item_id", "category"), on="item_id", how="left", maintain_order="left"
    )


def _mine(frame: pl.DataFrame, tables: Tables, change: Change, *of: str) -> pl.Series:
    """Return which rows of a frame are in the scope of a change."""
    parts = of or ("item", "category", "location", "from")
    return _with_category(frame, tables).select(mine=within(change, of=parts))["mine"]


def _closed(tables: Tables, change: Change) -> tuple[Tables, pl.DataFrame]:
    """Return the facts without lanes, and the points that are left with none and are not kept any longer."""
    lanes, receipts = tables["lanes"], tables["receipts"]
    kept = lanes.filter(~_mine(lanes, tables, change))
    # A lane that receipts show would come back as one that the data imply.
    seen = receipts.filter(~_mine(receipts, tables, change))
    places = lanes.select("item_id", location_id="to_location_id").unique()
    cut = places.join(kept.select("item_id", location_id="to_location_id"), on=KEY, how="anti").sort(KEY)
    points = tables["stocking_points"]
    is_cut = points.select(KEY).join(cut.with_columns(cut=True), on=KEY, how="left", maintain_order="left")[
        "cut"
    ]
    points = points.with_columns(do_not_stock=pl.when(is_cut).then(statement=True).otherwise("do_not_stock"))
    kept = pl.concat([kept, lanes.join(cut, left_on=LANE[:2], right_on=KEY, how="semi")])
    changed = {"lanes": table("lanes").conform(kept), "receipts": seen, "stocking_points": points}
    return tables | changed, cut


def _source(tables: Tables, change: Change) -> Tables:
    """Return lanes with those from another source before all others."""
    lanes = tables["lanes"]
    of = ("item", "category", "location")
    points = tables["stocking_points"].select(KEY)
    mine = points.filter(_mine(points, tables, change, *of)).rename({"location_id": "to_location_id"})
    mine = mine.with_columns(from_location_id=pl.lit(change.new_from))
    there = lanes.join(mine, on=LANE, how="semi")
    days = pl.lit(change.days, dtype=pl.Float64)
    kept = there.with_columns(
        lead_time_days_set=pl.coalesce(days, "lead_time_days_set"), priority=pl.lit(FIRST, dtype=pl.Int64)
    )
    added = mine.join(there.select(LANE), on=LANE, how="anti").with_columns(
        lead_time_days_set=days, priority=pl.lit(FIRST, dtype=pl.Int64)
    )
    others = lanes.join(mine, on=LANE, how="anti", maintain_order="left")
    is_mine = others.select(LANE[:2]).join(
        mine.select(LANE[:2]).with_columns(mine=True), on=LANE[:2], how="left", maintain_order="left"
    )["mine"]
    later = others.with_columns(priority=pl.col("priority") + is_mine.fill_null(value=False).cast(pl.Int64))
    return {"lanes": table("lanes").conform(pl.concat([later, kept, added], how="diagonal_relaxed"))}


def _new(change: Change, column: str, else_column: str | None = None) -> pl.Expr:
    """Return the new value of an amount: the one given, or times the factor."""
    if change.value is not None:
        return pl.lit(change.value)
    return pl.coalesce(column, *([else_column] if else_column else [])) * change.factor


def _set(frame: pl.DataFrame, mine: pl.Series, **values: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(mine).then(value).otherwise(name).cast(frame.schema[name]).alias(name)
        for name, value in values.items()
    )


def _cost(tables: Tables, change: Change) -> Tables:
    items, lanes = tables["items"], tables["lanes"]
    here = _mine(lanes, tables, change, "item", "category", "from")
    costs = _mine(items, tables, change, "item", "category")
    if change.from_ is not None:  # what one supplier asks is not the standard cost of the item
        standard = lanes.select("item_id").join(items, on="item_id", how="left", maintain_order="left")[
            "unit_cost"
        ]
        told = lanes.with_columns(standard=standard)
        return {"lanes": _set(told, here, unit_cost=_new(change, "unit_cost", "standard")).drop("standard")}
    listed = here & (lanes["unit_cost"].is_not_null())
    return {
        "items": _set(items, costs, unit_cost=_new(change, "unit_cost")),
        "lanes": _set(lanes, listed, unit_cost=_new(change, "unit_cost")),
    }


def _price(tables: Tables, change: Change) -> Tables:
    items = tables["items"]
    mine = _mine(items, tables, change, "item", "category")
    return {"items": _set(items, mine, unit_price=_new(change, "unit_price", "unit_cost"))}


def _min_order(tables: Tables, change: Change) -> Tables:
    lanes = tables["lanes"]
    return {"lanes": _set(lanes, _mine(lanes, tables, change), min_order_qty=_new(change, "min_order_qty"))}


def _target(tables: Tables, change: Change) -> Tables:
    points = tables["stocking_points"]
    mine = _mine(points, tables, change, "item", "category", "location")
    return {"stocking_points": _set(points, mine, target_service_set=pl.lit(change.value))}


def _not_kept(tables: Tables, change: Change) -> Tables:
    points = tables["stocking_points"]
    mine = _mine(points, tables, change, "item", "category", "location")
    return {"stocking_points": _set(points, mine, do_not_stock=pl.lit(value=True))}


_CHANGES = {
    "source": _source,
    "cost": _cost,
    "price": _price,
    "min_order": _min_order,
    "target": _target,
    "not_kept": _not_kept,
}
