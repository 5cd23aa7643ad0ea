"""The lists of a plan as an Excel workbook: one sheet a list, most money first, every column explained."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from plimsoll.domain.lifecycle_result import LifecycleResult
from plimsoll.domain.results import PlanResult
from plimsoll.domain.supply_result import SupplyResult
from plimsoll.domain.tables import table
from plimsoll.present import provenance, view
from plimsoll.present.labels import label
from plimsoll.present.repairs import repair_list
from plimsoll.present.spreadsheet import ListSheet
from plimsoll.present.supply import ranked_orders, ranked_suppliers

EXCEL_ROWS = 1_000_000
# unit of a column -> number format; floats of other units have one decimal
FORMATS = {
    "money": "#,##0",
    "money per year": "#,##0",
    "money per unit": "#,##0.00",
    "share": "0.0%",
    "days": "#,##0",
}
KINDS: dict[Any, str] = {pl.Float64: "#,##0.0", pl.Int64: "#,##0", pl.Date: "yyyy-mm-dd"}
# Sentences are wrapped in wide columns; other columns are as wide as what they hold, in letters.
PROSE = ("sentence", "what", "why", "done", "remedy", "meaning", "detail", "rule")
PROSE_PIXELS, PIXELS_PER_LETTER, NARROWEST, WIDEST = 420, 8, 10, 32
FIRST_BLOCK, GAP = 3, 3  # rows of the first sheet: where its blocks start, from the end of one to the next
SUMMARY_COLUMNS, SUMMARY_PIXELS = 12, 130
CLASS_COLUMNS = (
    "abc", "n_points", "target_service_mean", "on_hand_value", "healthy_value", "excess_value", "slow_value",
    "dead_value", "cash_to_release", "carrying_cost_per_year", "short_value", "exposure_value",
)  # fmt: skip
POLICY_COLUMNS = (
    "item_id", "location_id", "description", "unit", "from_location_id", "abc", "xyz", "criticality",
    "target_kind_eff", "target_service_eff", "target_source", "policy", "reorder_point_qty",
    "order_up_to_qty", "current_min", "current_max", "lot_qty", "economic_lot_qty",
    "expected_protection_qty", "buffer_qty", "buffer_demand_qty", "buffer_lead_time_qty",
    "buffer_lot_review_qty", "buffer_network_qty", "classic_safety_stock_qty", "cycle_service_est",
    "fill_rate_est", "on_hand_mean_value", "lead_time_days_set", "mean_days_est", "sd_days_est",
)  # fmt: skip
# columns that no table declares -> unit, meaning
UNDECLARED = {
    "n_points": ("", "Stocking points"),
    "target_service_mean": ("share", "Plain mean of the service targets in force"),
    "n_lanes": ("", "Lanes that have both a typed lead time and receipts of the supplier"),
    "n_receipts": ("", "Receipts of the supplier"),
    "typed_days_mean": ("days", "Mean lead time in the item master"),
    "mean_days": ("days", "Mean of the estimated lead times"),
    "sd_days": ("days", "Mean of their standard deviations"),
    "difference_days": ("days", "Estimated less typed lead time"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A table in the workbook: its rows, unit and meaning of its columns, what it is, its rows in all."""

    frame: pl.DataFrame
    columns: dict[str, tuple[str, str]]
    about: str
    n_all: int


def _block(frame: pl.DataFrame, about: str, *tables: str) -> Block:
    """Return a frame as a block, cut to what Excel can hold; its columns are declared by the tables."""
    declared = {column.name: column for name in reversed(tables) for column in table(name).columns}
    columns = {
        name: UNDECLARED.get(name) or (declared[name].unit, declared[name].description)
        for name in frame.columns
    }
    return Block(frame.head(EXCEL_ROWS), columns, about, frame.height)


def _named(result: PlanResult, rows: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the rows with the names of item and place in front."""
    names = ("item_id", place, "description", "unit")
    return view.described(result, rows, place).select(*names, pl.exclude(names))


def _most(result: PlanResult, name: str, by: str) -> pl.DataFrame:
    """Return the rows of a table that have some of a figure, most first."""
    return _named(result, view.largest(result[name], by, result[name].height), "location_id")


def _policies(result: PlanResult) -> pl.DataFrame:
    """Return every stocking point in one row: class, target, levels, buffer, lead time."""
    key = ["item_id", "location_id"]
    wide = result["policy"].join(
        result["target"], on=key, how="left", maintain_order="left", suffix="_target"
    )
    wide = wide.join(result["planning_point"], on=key, how="left", maintain_order="left", suffix="_point")
    lanes = result["lead_time_estimate"].rename({"to_location_id": "location_id"})
    wide = wide.join(lanes, on=[*key, "from_location_id"], how="left", maintain_order="left", suffix="_lane")
    return wide.select(POLICY_COLUMNS)


def lists(result: PlanResult) -> dict[str, Block]:
    """Return every list by sheet, ranked; what ranks at zero needs no attention and is left out."""
    orders = view.ranked(result["recommendation"]).drop("drivers", "reason_codes")
    findings = pl.DataFrame(provenance.findings(result), schema=table("finding").schema)
    doubts = {name: block for name, block in _further(result).items() if block.n_all}
    return {
        "Orders today": _block(
            _named(result, orders, "to_location_id"),
            "What to order now, most money at risk first", "recommendation", "planning_point",
        ),
        "Stranded cash": _block(
            _most(result, "inventory_health", "cash_to_release"),
            "Stocking points with more than the plan wants, most cash to release first",
            "inventory_health", "planning_point",
        ),
        "At risk": _block(
            _most(result, "outlook", "money_at_risk"),
            "Stocking points that may run out, largest expected shortage first", "outlook", "planning_point",
        ),
        "Policies": _block(
            _policies(result), "Class, target, levels, buffer and lead time of every stocking point",
            "policy", "target", "planning_point", "lead_time_estimate",
        ),
        "Lead times": _block(
            result.totals["lead_time"], "Suppliers, the furthest from the item master first",
            "lead_time_estimate",
        ),
        **doubts,
        "Findings": _block(findings, "What is wrong with the data, the gravest first", "finding"),
        "Set aside": _block(result.quarantine, "Rows that could not be used, with the reason", "quarantine"),
    }  # fmt: skip


def _further(result: PlanResult) -> dict[str, Block]:
    """Return the lists of which a plan may have none: suppliers, life cycles, history, data."""
    supply, lives = SupplyResult.of(result), LifecycleResult.of(result).ranked()
    at_risk = ranked_orders(supply.arrivals.filter(pl.col("action") != "leave"))
    ready = result["readiness"].filter(pl.col("verdict") != "automatic")
    stake = pl.col("money_at_risk").neg()
    waiting = result["allocation"].filter(pl.col("claimant") == "place").drop("claimant")
    listed = {
        "Moves": (
            _named(result, view.moves(result, result["move"].height).drop("reason_codes"),
                   "from_location_id"),
            "Stock to move between places of yours, the most gain less cost first", "move",
        ),
        "Waiting transfers": (
            _named(result, waiting.sort(-pl.col("money_at_risk"), maintain_order=True), "to_location_id"),
            "What each place gets of a source that has too little, most money at risk first", "allocation",
        ),
        "Suppliers": (
            ranked_suppliers(supply.scorecard).drop("to_location_id"),
            "Suppliers, by what their variability costs",
            "supplier_scorecard",
        ),
        "Open orders at risk": (
            _named(result, at_risk, "to_location_id"),
            "Open orders to chase, expedite or confirm, the costliest lateness first", "arrival_risk",
        ),
        "Warnings": (
            _named(result, lives["warnings"], "location_id"),
            "Stocking points whose demand may be over, largest write-off first", "obsolescence",
        ),
        "Last buys": (
            _named(result, lives["ending"], "location_id"), "What ends, with its last buy, due ones first",
            "last_time_buy",
        ),
        "New items": (
            _named(result, lives["new"], "location_id"), "New items, those planned by likeness first",
            "cold_start",
        ),
        "Engineered": (lives["engineered"], "Items that look engineered to order", "engineered_suggestion"),
        "Successors": (result["succession"], "Items whose demand counts for a successor", "succession"),
        "History": (
            result["history_change"].sort((pl.col("after") - pl.col("before")).abs(), descending=True),
            "Demand that estimates count otherwise than it is on record, the largest change first",
            "history_change",
        ),
        "Dependent demand": (
            result["dependent_demand"], "What the making of parents is expected to take", "dependent_demand",
        ),
        "Doubtful rows": (
            result["audit_row"].sort(stake, "code", "key", nulls_last=True),
            "Doubtful facts, most money first, with the repair suggested", "audit_row",
        ),
        "Readiness": (
            _named(result, ready.drop("category").sort(stake, "score", nulls_last=True), "location_id"),
            "Stocking points that need care or are left out, most money first", "readiness",
        ),
        "Repairs": (
            repair_list(result["repair"]), "Repairs laid over the facts, those that act first", "repair",
        ),
    }  # fmt: skip
    return {
        name: _block(frame, about, declared, "planning_point")
        for name, (frame, about, declared) in listed.items()
    }


def summary(result: PlanResult, sheets: dict[str, Block]) -> list[Block]:
    """Return the blocks of the first sheet: today and the plan, stock by class, what the workbook holds."""
    figures = result.before_after.rows(named=True)
    compared = [{"stock and rules": side, **{label("figure", row["figure"]): row[key] for row in figures}}
                for side, key in (("Today", "before"), ("Plan", "after"))]  # fmt: skip
    meanings = {label("figure", row["figure"]): (row["unit"], row["definition"]) for row in figures}
    contents = [
        {"sheet": name, "rows": block.frame.height, "of": block.n_all, "about": block.about}
        for name, block in sheets.items()
    ]
    return [
        Block(pl.DataFrame(compared), {"stock and rules": ("", ""), **meanings}, "Today and the plan", 2),
        _block(result.totals["abc"].select(CLASS_COLUMNS), "Stock by class", "inventory_health", "target"),
        Block(pl.DataFrame(contents), dict.fromkeys(contents[0], ("", "")), "Sheets", len(contents)),
    ]


def column_guide(blocks: Iterable[tuple[str, Block]]) -> pl.DataFrame:
    """Return the unit and meaning of every column in the workbook."""
    rows = [
        (sheet, column, unit, meaning)
        for sheet, block in blocks
        for column, (unit, meaning) in block.columns.items()
        if meaning
    ]
    return pl.DataFrame(rows, schema=["sheet", "column", "unit", "meaning"], orient="row")


def _width(frame: pl.DataFrame, name: str) -> int:
    """Return the width of a column in pixels: of its heading or its longest text so far, within bounds."""
    if name in PROSE:
        return PROSE_PIXELS
    texts = frame[name].head(500) if frame[name].dtype == pl.String else pl.Series([""])
    letters: int = max(NARROWEST, len(name) + 3, *texts.drop_nulls().str.len_chars())
    return PIXELS_PER_LETTER * min(letters, WIDEST)


def _style(name: str, dtype: pl.DataType, unit: str) -> dict[str, Any]:
    """Return how the cells of a column look; texts are at the top, beside wrapped sentences."""
    kind = FORMATS.get(unit) if dtype == pl.Float64 else None
    return {
        "num_format": kind or KINDS.get(dtype, "General"),
        "text_wrap": name in PROSE,
        "valign": "top",
    }


def _write(book: Workbook, page: Worksheet, block: Block, row: int = 0) -> None:
    """Write a block as a table; on a list sheet as a whole, else cell by cell."""
    frame, table_style = block.frame, "Table Style Light 1"
    styles = [
        book.add_format(_style(name, dtype, block.columns[name][0])) for name, dtype in frame.schema.items()
    ]
    heads = [{"header": name} for name in frame.columns]
    page.add_table(
        row, 0, row + max(frame.height, 1), frame.width - 1, {"columns": heads, "style": table_style}
    )
    if isinstance(page, ListSheet):
        page.put(frame, styles, 1)
        page.freeze_panes(1, 2 if frame.columns[0] == "item_id" else 0)
        for position, name in enumerate(frame.columns):
            page.set_column_pixels(position, position, _width(frame, name))
        return
    for position, (name, style) in enumerate(zip(frame.columns, styles, strict=True)):
        page.write_column(row + 1, position, frame[name], style)


def write_workbook(result: PlanResult, file: Path) -> None:
    """Write the workbook; texts stay texts, so a code that starts with '=' is never run as a formula."""
    sheets = lists(result)
    title = f"Plan {result.run_id}, known on {result.as_of}"
    write_blocks(file, title, view.headline(result), summary(result, sheets), sheets)


def write_blocks(file: Path, title: str, lead: str, first: list[Block], sheets: dict[str, Block]) -> None:
    """Write a workbook: a first sheet with title, lead and small blocks, a sheet a list, and the columns."""
    guide = column_guide([*(("Summary", block) for block in first), *sheets.items()])
    sheets = sheets | {"Columns": Block(guide, dict.fromkeys(guide.columns, ("", "")), "", guide.height)}
    with Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        page, bold = book.add_worksheet("Summary"), book.add_format({"bold": True})
        page.set_column_pixels(0, SUMMARY_COLUMNS, SUMMARY_PIXELS)
        page.write_string(0, 0, title, bold)
        page.write_string(1, 0, lead)
        row = FIRST_BLOCK
        for block in first:
            page.write_string(row, 0, block.about, bold)
            _write(book, page, block, row + 1)
            row += block.frame.height + GAP
        for name, block in sheets.items():
            _write(book, book.add_worksheet(name, worksheet_class=ListSheet), block)
