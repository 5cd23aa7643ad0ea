"""The mistakes of real data, planted in the demo company's files and written down one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Ints
from plimsoll.maths.rng import rng_for

Edit = Callable[[pl.DataFrame, Ints], tuple[pl.DataFrame, pl.DataFrame]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of mistake: where it is, in what share of the eligible rows, and how it is made.

    `edit` takes a file's frame and row numbers, and returns the new frame and the rows as they are now.
    """

    code: str
    file: str
    table: str
    share: float
    key: tuple[str, ...]
    edit: Edit
    eligible: pl.Expr | None = None
    least: int = 2


def _assign(column: str, value: pl.Expr) -> Edit:
    """Return the edit that gives a column another value; the value may read the row's other columns."""

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        new = frame[rows].with_columns(value.alias(column))
        old = frame[column].cast(new[column].dtype)
        return frame.with_columns(old.scatter(rows, new[column])), new

    return edit


def _append(**changes: pl.Expr) -> Edit:
    """Return the edit that books changed copies of rows once more."""

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        new = frame[rows].with_columns(**changes).cast(frame.schema)
        return pl.concat([frame, new]), new

    return edit


def _cycle(words: list[str]) -> pl.Expr:
    return pl.lit(pl.Series(words)).gather(pl.int_range(pl.len()) % len(words))


def _similar_description() -> Edit:
    """Return the edit that describes every second of the rows almost like the one before it."""
    column = "Material Description"

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        pairs = rows[: len(rows) // 2 * 2]
        model, copy = pairs[0::2], pairs[1::2]
        text = frame[column].gather(model).str.to_uppercase().str.replace(" MM ", "MM  ", literal=True)
        new = frame[copy].with_columns(text)
        return frame.with_columns(frame[column].scatter(copy, text)), new

    return edit


LINE = ("Material", "Delivering Site", "Sales Order", "Order Item")
LANE = ("Material", "Receiving Site", "Source")
ORDER = ("Material", "Receiving Site", "PO Number", "PO Item")
LINES_FILE, LANES_FILE = "sales_order_lines.parquet", "supplier_info_records.csv"
RECEIPTS_FILE, OPEN_FILE = "goods_receipts.parquet", "open_purchase_orders.csv"
DAY_FIRST = "%d.%m.%Y"


def _faults(as_of: date) -> tuple[Fault, ...]:
    """Return the mistakes in the order in which they are made.

    Mistakes in money sit where nobody looks: on a fast mover a cost a hundred times too high or a minimum
    in gross would have been found. The codes of an old system live on at one place only.
    """
    quantity, ordered = pl.col("Order Qty"), pl.col("PO Date")
    number = pl.col("Sales Order").str.slice(2)
    stale = {"Material": "OLD-" + pl.col("Material").str.head(6), "Sales Order": "SX" + number}
    back = {"Sales Order": "RE" + number} | {name: -pl.col(name) for name in ("Order Qty", "Delivered Qty")}
    return (
        Fault("negative_on_hand", "stock_on_hand.csv", "stock", 0.002, ("Material", "Site"),
              _assign("On Hand", -pl.col("On Hand") - 1)),
        Fault("missing_unit_cost", "material_master.csv", "items", 0.003, ("Material",),
              _assign("Standard Price", pl.lit(None, dtype=pl.Float64))),
        Fault("wrong_unit_cost", "material_master.csv", "items", 0.003, ("Material",),
              _assign("Standard Price", pl.col("Standard Price") * 100),
              eligible=(pl.col("Criticality") != "normal") & (pl.col("Standard Price") < 60)),
        Fault("similar_description", "material_master.csv", "items", 0.005, ("Material",),
              _similar_description(), least=4),
        Fault("lead_time_placeholder", LANES_FILE, "lanes", 0.002, LANE,
              _assign("Planned Delivery Days", pl.lit(999, dtype=pl.Int64))),
        Fault("missing_lead_time", LANES_FILE, "lanes", 0.005, LANE,
              _assign("Planned Delivery Days", pl.lit(None, dtype=pl.Int64))),
        Fault("moq_in_pieces", LANES_FILE, "lanes", 0.003, LANE,
              _assign("Minimum Order", pl.col("Minimum Order") * 144),
              eligible=pl.col("Minimum Order") * pl.col("Net Price") < 100),
        Fault("text_in_number", LANES_FILE, "lanes", 0.002, LANE,
              _assign("Minimum Order", _cycle(["n/a", "1 pallet", "tbd"]))),
        Fault("receipt_before_order", RECEIPTS_FILE, "receipts", 0.001, ORDER,
              _assign("PO Date", pl.col("Posting Date") + pl.duration(days=9)),
              eligible=pl.col("Posting Date") < as_of - timedelta(days=9)),
        Fault("long_overdue_order", OPEN_FILE, "open_orders", 0.005, ORDER,
              _assign("Due Date", pl.lit(as_of - timedelta(days=500)))),
        Fault("second_date_format", OPEN_FILE, "open_orders", 0.005, ORDER,
              _assign("PO Date", ordered.dt.strftime(DAY_FIRST)), eligible=ordered.dt.day() > 12),
        Fault("absurd_quantity", LINES_FILE, "demand", 0.000015, LINE, _assign("Order Qty", quantity * 1000)),
        Fault("unknown_item", LINES_FILE, "demand", 0.0005, LINE, _append(**stale),
              eligible=pl.col("Delivering Site") == "DC1"),
        Fault("returned_goods", LINES_FILE, "demand", 0.001, LINE, _append(**back)),
        Fault("duplicate_line", LINES_FILE, "demand", 0.0005, LINE, _append()),
    )  # fmt: skip


def plant(
    seed: int, sources: dict[str, pl.DataFrame], as_of: date
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the files with mistakes in them, and the list of mistakes.

    No row holds two of them. The list has one row a mistake: code, file, canonical table, item,
    place (null for items) and the row's key as text.
    """
    spoilt, found, used = dict(sources), [], {name: np.zeros(0, dtype=np.int64) for name in sources}
    for fault in _faults(as_of):
        frame = spoilt[fault.file]
        original = sources[fault.file].height
        able = np.ones(original, dtype=np.bool_)
        if fault.eligible is not None:
            able &= sources[fault.file].select(fault.eligible).to_series().fill_null(value=False).to_numpy()
        able[used[fault.file]] = False
        candidates = np.flatnonzero(able)
        count = min(max(fault.least, round(fault.share * original)), len(candidates))
        rows = rng_for(seed, "faults", fault.code).choice(candidates, count, replace=False)
        used[fault.file] = np.concatenate([used[fault.file], rows])
        spoilt[fault.file], now = fault.edit(frame, rows)
        found.append(_listed(fault, now))
    return spoilt, pl.concat(found)


def _listed(fault: Fault, rows: pl.DataFrame) -> pl.DataFrame:
    place = pl.col(fault.key[1]) if len(fault.key) > 1 else pl.lit(None, dtype=pl.String)
    return rows.select(
        pl.lit(fault.code).alias("code"),
        pl.lit(fault.file).alias("file"),
        pl.lit(fault.table).alias("table"),
        pl.col("Material").alias("item_id"),
        place.alias("location_id"),
        pl.concat_str(fault.key, separator=" @ ").alias("keys"),
    )
