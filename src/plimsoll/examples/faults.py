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


def _assign(**values: pl.Expr) -> Edit:
    """Return the edit that gives columns other values, which may read the row's other columns."""

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        new = frame[rows].with_columns(**values)
        old = {name: frame[name].cast(new[name].dtype) for name in values}
        return frame.with_columns(old[name].scatter(rows, new[name]) for name in values), new

    return edit


def _reverse(one: str, other: str) -> Edit:
    """Return the edit that books rows once more with two columns swapped; the rows of both ways are wrong."""

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        new = frame[rows].with_columns(pl.col(other).alias(one), pl.col(one).alias(other))
        return pl.concat([frame, new]), pl.concat([frame[rows], new])

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
    """Return the edit that describes every second of the rows almost like the one before it.

    Both are at fault: nobody can see which of two was there first.
    """
    column = "Material Description"

    def edit(frame: pl.DataFrame, rows: Ints) -> tuple[pl.DataFrame, pl.DataFrame]:
        pairs = rows[: len(rows) // 2 * 2]
        model, copy = pairs[0::2], pairs[1::2]
        text = frame[column].gather(model).str.to_uppercase().str.replace(" MM ", "MM  ", literal=True)
        new = frame[copy].with_columns(text)
        return frame.with_columns(frame[column].scatter(copy, text)), pl.concat([frame[model], new])

    return edit


LINE = ("Material", "Delivering Site", "Sales Order", "Order Item")
LANE = ("Material", "Receiving Site", "Source")
ORDER = ("Material", "Receiving Site", "PO Number", "PO Item")
POINT = ("Material", "Site")
ITEMS_FILE, STOCK_FILE, POINTS_FILE = "material_master.csv", "stock_on_hand.csv", "site_planning.csv"
LINES_FILE, LANES_FILE, BOM_FILE = (
    "sales_order_lines.parquet", "supplier_info_records.csv", "bill_of_materials.csv",
)  # fmt: skip
RECEIPTS_FILE, OPEN_FILE = "goods_receipts.parquet", "open_purchase_orders.csv"
DAY_FIRST = "%d.%m.%Y"
# Columns that tell something in the rows at fault only.
QUIET_COLUMNS = ((ITEMS_FILE, "Follow-Up Material", None), (LANES_FILE, "Currency", "USD"))


def _faults(as_of: date, sources: dict[str, pl.DataFrame]) -> tuple[Fault, ...]:
    """Return the mistakes in the order in which they are made.

    Mistakes in money sit where nobody looks: on a fast mover a cost a hundred times too high or a minimum
    in gross would have been found. The codes of an old system live on at one place only.
    """
    quantity, ordered = pl.col("Order Qty"), pl.col("PO Date")
    number = pl.col("Sales Order").str.slice(2)
    stale = {"Material": "OLD-" + pl.col("Material").str.head(6), "Sales Order": "SX" + number}
    back = {"Sales Order": "RE" + number} | {name: -pl.col(name) for name in ("Order Qty", "Delivered Qty")}
    unwatched = pl.col("Criticality") != "normal"
    return (
        Fault("negative_on_hand", STOCK_FILE, "stock", 0.002, POINT,
              _assign(**{"On Hand": -pl.col("On Hand") - 1})),
        Fault("missing_unit_cost", ITEMS_FILE, "items", 0.003, ("Material",),
              _assign(**{"Standard Price": pl.lit(None, dtype=pl.Float64)})),
        Fault("wrong_unit_cost", ITEMS_FILE, "items", 0.003, ("Material",),
              _assign(**{"Standard Price": pl.col("Standard Price") * 100}),
              eligible=unwatched & (pl.col("Standard Price") < 60)),
        Fault("similar_description", ITEMS_FILE, "items", 0.005, ("Material",),
              _similar_description(), least=4),
        Fault("lead_time_placeholder", LANES_FILE, "lanes", 0.002, LANE,
              _assign(**{"Planned Delivery Days": pl.lit(999, dtype=pl.Int64)})),
        Fault("missing_lead_time", LANES_FILE, "lanes", 0.005, LANE,
              _assign(**{"Planned Delivery Days": pl.lit(None, dtype=pl.Int64)})),
        Fault("moq_in_pieces", LANES_FILE, "lanes", 0.003, LANE,
              _assign(**{"Minimum Order": pl.col("Minimum Order") * 144}),
              eligible=pl.col("Minimum Order") * pl.col("Net Price") < 100),
        Fault("text_in_number", LANES_FILE, "lanes", 0.002, LANE,
              _assign(**{"Minimum Order": _cycle(["n/a", "1 pallet", "tbd"])})),
        Fault("receipt_before_order", RECEIPTS_FILE, "receipts", 0.001, ORDER,
              _assign(**{"PO Date": pl.col("Posting Date") + pl.duration(days=9)}),
              eligible=pl.col("Posting Date") < as_of - timedelta(days=9)),
        Fault("long_overdue_order", OPEN_FILE, "open_orders", 0.005, ORDER,
              _assign(**{"Due Date": pl.lit(as_of - timedelta(days=500))})),
        Fault("second_date_format", OPEN_FILE, "open_orders", 0.005, ORDER,
              _assign(**{"PO Date": ordered.dt.strftime(DAY_FIRST)}), eligible=ordered.dt.day() > 12),
        Fault("absurd_quantity", LINES_FILE, "demand", 0.000015, LINE,
              _assign(**{"Order Qty": quantity * 1000})),
        Fault("unknown_item", LINES_FILE, "demand", 0.0005, LINE, _append(**stale),
              eligible=pl.col("Delivering Site") == "DC1"),
        Fault("returned_goods", LINES_FILE, "demand", 0.001, LINE, _append(**back)),
        Fault("duplicate_line", LINES_FILE, "demand", 0.0005, LINE, _append()),
        *_later_faults(as_of, sources, unwatched),
    )  # fmt: skip


def _later_faults(as_of: date, sources: dict[str, pl.DataFrame], unwatched: pl.Expr) -> tuple[Fault, ...]:
    """Return the mistakes in prices, lives, counts, levels, currencies and bills of material."""
    stocked, sold = _kept_and_sold(sources, as_of - timedelta(days=60))
    level, price = pl.col("Reorder Point"), pl.col("Net Price")
    line = ("Assembly", "Component")
    return (
        Fault("price_below_cost", ITEMS_FILE, "items", 0.002, ("Material",),
              _assign(**{"List Price": (pl.col("Standard Price") * 0.7).round(2)}),
              eligible=unwatched & (pl.col("Standard Price") > 1)),
        Fault("superseded_item", ITEMS_FILE, "items", 0.002, ("Material",),
              _assign(**{"Follow-Up Material": _successor(sources[ITEMS_FILE])}),
              eligible=(pl.col("Discontinued On") <= as_of) & pl.col("Material").is_in(stocked.implode())),
        Fault("sold_after_end", ITEMS_FILE, "items", 0.002, ("Material",),
              _assign(**{"Discontinued On": pl.lit(as_of - timedelta(days=100))}),
              eligible=unwatched & pl.col("Material").is_in(sold.implode())),
        Fault("stale_count", STOCK_FILE, "stock", 0.002, POINT,
              _assign(**{"Count Date": pl.lit(as_of - timedelta(days=200))}), eligible=pl.col("On Hand") > 0),
        Fault("reversed_min_max", POINTS_FILE, "stocking_points", 0.001, POINT,
              _assign(**{"Maximum Stock": level // 2}), eligible=level.is_between(4, 400)),
        Fault("foreign_currency", LANES_FILE, "lanes", 0.003, LANE,
              _assign(**{"Currency": pl.lit("EUR"), "Net Price": (price * 0.92).round(2)}),
              eligible=price.is_not_null()),
        Fault("bom_cycle", BOM_FILE, "bom", 0.0005, line, _reverse(*line), least=1),
        Fault("bom_missing_component", BOM_FILE, "bom", 0.002, line,
              _assign(Component="X-" + pl.col("Component")), least=1),
        Fault("bom_quantity_outlier", BOM_FILE, "bom", 0.002, line,
              _assign(**{"Quantity Per": pl.col("Quantity Per") * 500}), least=1),
    )  # fmt: skip


def _kept_and_sold(sources: dict[str, pl.DataFrame], since: date) -> tuple[pl.Series, pl.Series]:
    """Return the items in stock, and those sold since a day."""
    stocked = sources[STOCK_FILE].filter(pl.col("On Hand") > 0)["Material"].unique(maintain_order=True)
    lately = sources[LINES_FILE].filter(pl.col("Order Date") > since)
    return stocked, lately["Material"].unique(maintain_order=True)


def _successor(items: pl.DataFrame) -> pl.Expr:
    """Return the first item of the same group that nobody has discontinued."""
    lasting = items.filter(pl.col("Discontinued On").is_null()).unique(
        "Material Group", keep="first", maintain_order=True
    )
    return pl.col("Material Group").replace_strict(
        lasting["Material Group"], lasting["Material"], default=None, return_dtype=pl.String
    )


def plant(
    seed: int, sources: dict[str, pl.DataFrame], as_of: date, standing: pl.DataFrame
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the files with mistakes in them, and the list of mistakes.

    No row holds two of them, nor one beside a `standing` mistake. The list has one row a mistake: code,
    file, canonical table, item, place (null for items) and the row's key as text.
    """
    spoilt, found, used = dict(sources), [], {name: np.zeros(0, dtype=np.int64) for name in sources}
    for file, key in ((LANES_FILE, LANE), (STOCK_FILE, POINT)):
        keys = sources[file].select(pl.concat_str(key, separator=" @ ")).to_series()
        used[file] = keys.is_in(standing.filter(file=file)["keys"].implode()).arg_true().to_numpy()
    for file, column, value in QUIET_COLUMNS:
        spoilt[file] = spoilt[file].with_columns(pl.lit(value, dtype=pl.String).alias(column))
    for fault in _faults(as_of, sources):
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
    placed = fault.table not in {"items", "bom"}
    return rows.select(
        pl.lit(fault.code).alias("code"),
        pl.lit(fault.file).alias("file"),
        pl.lit(fault.table).alias("table"),
        pl.col(fault.key[0]).alias("item_id"),
        (pl.col(fault.key[1]) if placed else pl.lit(None, dtype=pl.String)).alias("location_id"),
        pl.concat_str(fault.key, separator=" @ ").alias("keys"),
    )
