"""The demo company's tables as its ERP exports them: its own file names, headers and codes."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.examples.catalogue import CATEGORIES, MATERIALS
from plimsoll.examples.demand import Lines, Shipments
from plimsoll.examples.shape import (
    FIRST_BRANCH,
    FIRST_SUPPLIER,
    N_BRANCHES,
    N_DCS,
    N_SUPPLIERS,
    NEVER,
    PLANT,
    Bools,
    Items,
    Points,
    Span,
)
from plimsoll.examples.stock import Stock
from plimsoll.examples.supply import HOLDING_RATE, REGIONS, Lanes, Orders, Sources, kinds_of_supply
from plimsoll.maths.ragged import Ints
from plimsoll.maths.rng import rng_for

EPOCH = date(1970, 1, 1)
ORDER_TYPES = ("NB", "UB", "PR")  # purchase, transfer, production
CRITICALITIES = ("low", "normal", "high", "vital")
SEGMENTS = ("OEM", "Contractor", "Distributor", "Service")
# What speed costs: by air instead of by sea or truck, dearer from afar; days as typed.
EXPRESS_SHARE, EXPRESS_FEE, EXPRESS_FEE_PER_DAY = 0.3, 60.0, 6.0
# What suppliers ask of an order: least value by region; a container's load in goods, and its freight.
LEAST_ORDER, HAS_LEAST, HAS_DAY = (500.0, 1500.0, 5000.0), 0.7, 0.1
CONTAINER_LOAD, CONTAINER_FREIGHT = 60_000.0, 3_600.0
SALES_REGIONS = ("North", "Central", "South")


@dataclass(frozen=True, slots=True)
class Names:
    """Codes of items, places and customers, by number."""

    item: pl.Series
    place: pl.Series
    point_item: pl.Series
    point_place: pl.Series
    point_source: pl.Series


def words(values: tuple[str, ...], number: Ints) -> pl.Series:
    """Return the word of each number."""
    return pl.Series(values).gather(number)


def days(span: Span, day: Ints, known: Bools | None = None) -> pl.Series:
    """Return days since the first Monday as dates, null where not known."""
    dates = pl.Series((day + (span.start - EPOCH).days).astype(np.int32)).cast(pl.Date)
    if known is None:
        return dates
    return pl.select(pl.when(pl.Series(known)).then(dates)).to_series()


def name_all(items: Items, points: Points) -> Names:
    """Return the codes."""
    number = pl.Series(np.arange(items.n)).cast(pl.String).str.zfill(5)
    item = words(tuple(c.prefix + "-" for c in CATEGORIES), items.category) + number
    dcs = [f"DC{n + 1}" for n in range(N_DCS)]
    branches = [f"BR{n + 1:02d}" for n in range(N_BRANCHES)]
    vendors = [f"V{10_001 + 7 * n}" for n in range(N_SUPPLIERS)]
    place = pl.Series(["PL1", *dcs, *branches, *vendors])
    return Names(
        item, place, item.gather(points.item), place.gather(points.place), place.gather(points.source)
    )


def material_master(seed: int, items: Items, names: Names, span: Span) -> pl.DataFrame:
    """Return the item master; launches and announced ends are known, silent declines are not."""
    rng = rng_for(seed, "descriptions")
    families = tuple(family for category in CATEGORIES for family in category.families)
    size = pl.Series(rng.choice([8, 10, 15, 20, 25, 32, 40, 50, 65, 80, 100], items.n)).cast(pl.String)
    series = pl.Series(np.arange(items.n) + 1000).cast(pl.String)
    perishable = np.array([category.perishable for category in CATEGORIES])[items.category]
    keeps = np.where(perishable, rng.choice([24, 36, 60], items.n), 0)
    material = words(MATERIALS, rng.integers(0, len(MATERIALS), items.n))
    family = words(families, items.category * 4 + items.family)
    return pl.DataFrame(
        {
            "Material": names.item,
            "Material Description": family + " " + size + " mm " + material + ", series " + series,
            "Material Group": words(tuple(c.name for c in CATEGORIES), items.category),
            "Product Family": family,
            "Base UoM": pl.repeat("EA", items.n, eager=True),
            "Standard Price": items.cost,
            "List Price": items.price,
            "Criticality": words(CRITICALITIES, items.criticality),
            "Procurement": words(("F", "E"), items.made.astype(np.int64)),
            "Shelf Life": pl.select(pl.when(pl.Series(keeps > 0)).then(pl.Series(keeps))).to_series(),
            "Available From": days(span, items.launch_week * 7, items.launch_week > 0),
            "Discontinued On": days(span, items.end_week * 7 + 6, items.end_week < NEVER),
        }
    )


def sites(names: Names) -> pl.DataFrame:
    """Return our own places."""
    place = np.arange(FIRST_SUPPLIER)
    kind = np.where(place == PLANT, 0, np.where(place < FIRST_BRANCH, 1, 2))
    region = np.where(place == PLANT, 1, (place - 1) % N_DCS)
    return pl.DataFrame(
        {
            "Site": names.place.head(FIRST_SUPPLIER),
            "Site Type": words(("PL", "DC", "BR"), kind),
            "Sales Region": words(SALES_REGIONS, region),
        }
    )


def vendors(names: Names, sources: Sources) -> pl.DataFrame:
    """Return the suppliers."""
    code = names.place.tail(N_SUPPLIERS)
    return pl.DataFrame(
        {
            "Vendor": code,
            "Vendor Name": "Supplier " + code.str.slice(1) + " Ltd",
            "Origin": words(REGIONS, sources.region[1:]),
        }
    )


def vendor_terms(seed: int, names: Names, sources: Sources) -> pl.DataFrame:
    """Return what suppliers ask of an order: a least value, container loads from afar, a day of the week."""
    rng = rng_for(seed, "vendor terms")
    region = sources.region[1:]
    least = np.array(LEAST_ORDER)[region] * rng.choice([1.0, 2.0, 4.0], N_SUPPLIERS, p=[0.5, 0.35, 0.15])
    has_least, is_far = rng.random(N_SUPPLIERS) < HAS_LEAST, region == REGIONS.index("asia")
    day, has_day = rng.integers(1, 6, N_SUPPLIERS), rng.random(N_SUPPLIERS) < HAS_DAY
    rows = pl.DataFrame(
        {
            "Vendor": names.place.tail(N_SUPPLIERS),
            "Minimum Order Value": least,
            "Container Load": np.where(is_far, CONTAINER_LOAD, 0.0),
            "Container Freight": np.where(is_far, CONTAINER_FREIGHT, 0.0),
            "Order Day": day,
        }
    )
    shown = {"Minimum Order Value": has_least, "Container Load": is_far, "Container Freight": is_far}
    known = shown | {"Order Day": has_day}
    said = rows.with_columns(
        pl.when(pl.Series(flags)).then(pl.col(name)).alias(name) for name, flags in known.items()
    )
    return said.filter(pl.any_horizontal(pl.col(list(known)).is_not_null()))


def customers(customers_per_place: int) -> pl.DataFrame:
    """Return the customers of the DCs and branches."""
    n = (FIRST_SUPPLIER - 1) * customers_per_place
    number = np.arange(n)
    return pl.DataFrame(
        {
            "Customer": _customer(number),
            "Segment": words(SEGMENTS, number % len(SEGMENTS)),
            "Delivery Priority": np.where(number % customers_per_place == 0, 1, 2),
        }
    )


def _customer(number: Ints) -> pl.Series:
    return "C" + pl.Series(number + 20_000).cast(pl.String)


def _numbered(prefix: str, number: Ints) -> pl.Series:
    return prefix + pl.Series(number).cast(pl.String).str.zfill(7)


def demand_files(
    seed: int, lines: Lines, shipments: Shipments, items: Items, points: Points, names: Names, span: Span,
    customers_per_place: int,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return customers' order lines and, apart, what production took at the plant."""
    place = points.place[lines.point]
    discount = rng_for(seed, "discounts").choice(
        [0.0, 0.05, 0.10, 0.15], len(lines.day), p=[0.4, 0.3, 0.2, 0.1]
    )
    frame = pl.DataFrame(
        {
            "Sales Order": _numbered("SO", lines.order),
            "Order Item": pl.Series(lines.line * 10).cast(pl.String),
            "Order Date": days(span, lines.day),
            "Material": names.point_item.gather(lines.point),
            "Delivering Site": names.point_place.gather(lines.point),
            "Sold-To": _customer((place - 1) * customers_per_place + lines.customer),
            "Order Qty": lines.quantity,
            "Net Value per Unit": np.round(items.price[points.item][lines.point] * (1 - discount), 2),
            "Promised Date": days(span, shipments.promised_day),
            "Goods Issue Date": days(span, shipments.shipped_day, shipments.shipped_day <= span.n_days),
            "Delivered Qty": shipments.shipped,
        }
    )
    at_plant = pl.Series(place == PLANT)
    issues = frame.filter(at_plant).select(
        pl.col("Sales Order").str.replace("SO", "WO").alias("Production Order"),
        pl.col("Order Item").alias("Reservation"),
        pl.col("Order Date").alias("Issue Date"),
        pl.col("Material").alias("Component"),
        pl.col("Delivering Site").alias("Plant"),
        pl.col("Order Qty").alias("Issued Qty"),
    )
    return {"sales_order_lines.parquet": frame.filter(~at_plant), "production_issues.parquet": issues}


def lane_files(
    seed: int, items: Items, points: Points, lanes: Lanes, names: Names
) -> dict[str, pl.DataFrame]:
    """Return purchasing and production info records and the transfer lanes."""
    bought = ~items.made[points.item]
    typed = lanes.typed_days
    price = items.cost[points.item] * rng_for(seed, "net prices").uniform(0.97, 1.03, points.n)
    frame = pl.DataFrame(
        {
            "Material": names.point_item,
            "Receiving Site": names.point_place,
            "Source": names.point_source,
            "Planned Delivery Days": typed.astype(np.int64),
            "Minimum Order": lanes.moq,
            "Rounding Value": lanes.multiple,
            "Ordering Cost": lanes.order_cost,
            "Net Price": np.round(price, 2),
            "Express Days": np.ceil(EXPRESS_SHARE * typed).astype(np.int64),
            "Express Surcharge": EXPRESS_FEE + EXPRESS_FEE_PER_DAY * typed,
        }
    ).with_columns(
        pl.when(pl.Series(bought)).then(name).alias(name)
        for name in ("Net Price", "Express Days", "Express Surcharge")
    )
    transfer = pl.Series(points.transferred)
    moves = frame.filter(transfer).select(
        "Material",
        pl.col("Receiving Site").alias("To Site"),
        pl.col("Source").alias("From Site"),
        pl.col("Planned Delivery Days").alias("Transit Days"),
        "Rounding Value",
        pl.col("Ordering Cost").alias("Handling Cost"),
    )
    return {"supplier_info_records.csv": frame.filter(~transfer), "transfer_lanes.csv": moves}


def order_files(
    orders: Orders, points: Points, lanes: Lanes, names: Names, span: Span
) -> dict[str, pl.DataFrame]:
    """Return what was received up to `as_of` and what is still open; the ERP asks for the typed lead time."""
    due = orders.ordered_day + lanes.typed_days[orders.point].astype(np.int64)
    first_open, second_open = orders.arrival_day > span.n_days, orders.second_day > span.n_days
    second_open &= orders.second_quantity > 0
    common = pl.DataFrame(
        {
            "PO Number": _numbered("45", np.arange(len(orders.point))),
            "PO Item": pl.repeat("10", len(orders.point), eager=True),
            "Order Type": words(ORDER_TYPES, kinds_of_supply(points)[orders.point]),
            "Material": names.point_item.gather(orders.point),
            "Receiving Site": names.point_place.gather(orders.point),
            "Source": names.point_source.gather(orders.point),
            "PO Date": days(span, orders.ordered_day),
            "Due Date": days(span, due),
        }
    )
    parts = [
        common.with_columns(
            days(span, day).alias("Posting Date"), pl.Series("Received Qty", quantity)
        ).filter(pl.Series((day <= span.n_days) & (quantity > 0)))
        for day, quantity in (
            (orders.arrival_day, orders.quantity),
            (orders.second_day, orders.second_quantity),
        )
    ]
    left = np.where(first_open, orders.quantity, 0) + np.where(second_open, orders.second_quantity, 0)
    return {
        "goods_receipts.parquet": pl.concat(parts)
        .drop("Order Type")
        .rename({"Due Date": "Confirmed Date"})
        .sort("Posting Date", "PO Number"),
        "open_purchase_orders.csv": common.with_columns(pl.Series("Open Qty", left)).filter(
            pl.Series(left > 0)
        ),
    }


def stock_files(
    stock: Stock, lines: Lines, shipments: Shipments, points: Points, names: Names, span: Span
) -> dict[str, pl.DataFrame]:
    """Return the count at `as_of` and the planning levels of each site."""
    waiting = np.where(shipments.shipped_day > span.n_days, lines.quantity, 0)
    reserved = np.bincount(lines.point, waiting, minlength=points.n).astype(np.int64)
    owed = np.bincount(lines.point, shipments.owed, minlength=points.n).astype(np.int64)
    key = {"Material": names.point_item, "Site": names.point_place}
    return {
        "stock_on_hand.csv": pl.DataFrame(
            {
                **key,
                "Count Date": pl.repeat(span.as_of, points.n, eager=True),
                "On Hand": stock.on_hand + reserved,
                "Reserved": reserved,
                "Backorder": owed,
            }
        ),
        "site_planning.csv": pl.DataFrame(
            {
                **key,
                "Review Cycle": np.full(points.n, 1),
                "Carrying Cost %": np.full(points.n, 100 * HOLDING_RATE),
                "Safety Stock": stock.current_safety_stock,
                "Reorder Point": stock.current_min,
                "Maximum Stock": stock.current_max,
            }
        ),
    }


def bill_of_materials(bom: tuple[Ints, Ints, Ints], names: Names) -> pl.DataFrame:
    """Return which components each made item needs."""
    parent, component, quantity = bom
    return pl.DataFrame(
        {
            "Assembly": names.item.gather(parent),
            "Component": names.item.gather(component),
            "Quantity Per": quantity,
        }
    )
