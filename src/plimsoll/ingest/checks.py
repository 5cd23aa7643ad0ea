"""What canonical tables say about themselves: returns, zeros, repetitions, references, wrong times."""

from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.ingest.messages import finding
from plimsoll.ingest.repeats import sharing

Tables = dict[str, pl.DataFrame]
POINT = ("item_id", "location_id")
SENDERS = ("lanes", "receipts", "open_orders")
ITEM_TABLES = ("bom", "demand", "events", "lanes", "open_orders", "receipts", "stock", "stocking_points")


def check_tables(tables: Tables, history_start: date | None = None) -> list[Finding]:
    """Return the findings about tables that were read; nothing is changed."""
    found = [*_references(tables)]
    if "supplier_terms" in tables:
        found += _terms(tables)
    if "demand" in tables:
        found += _demand(tables["demand"], tables.get("items"))
        found += _zeros(tables["demand"], tables.get("availability", table("availability").empty()))
        found += _beginning(tables["demand"], history_start)
    return found


def _zeros(demand: pl.DataFrame, availability: pl.DataFrame) -> list[Finding]:
    """Return the findings about demand of 0: seen, or not to be seen for want of stock."""
    known = demand.filter(pl.col("quantity").is_not_null())
    if not (known["quantity"] == 0).any():
        return []
    out = availability.filter(~pl.col("in_stock")).select("date", *POINT).unique()
    seen, found = known.join(out, on=["date", *POINT], how="anti"), []
    n = seen.filter(pl.col("quantity") == 0).height
    if n:
        found.append(finding("demand_zero", "demand", n, f"{n / seen.height:.1%}"))
    hidden = known.join(out, on=["date", *POINT], how="semi").filter(pl.col("quantity") == 0)
    if hidden.height:
        year = pl.col("date").dt.year().alias("year")
        share = (
            known.group_by(year)
            .len()
            .join(hidden.group_by(year).agg(pl.len().alias("hidden")), on="year", how="left")
            .sort("year")
            .select(
                pl.format("{}: {} %", "year", (100 * pl.col("hidden").fill_null(0) / pl.col("len")).round(1))
            )
        )
        found.append(finding("demand_censored", "demand", hidden.height, ", ".join(share.to_series())))
    return found


def _beginning(demand: pl.DataFrame, start: date | None) -> list[Finding]:
    """Return the findings that history begins later or earlier than the mapping says."""
    first = demand["date"].min()
    if start is None or not isinstance(first, date) or first == start:
        return []
    if first > start:
        return [finding("history_begins_late", "demand", (first - start).days, str(first), start=start)]
    early = demand.filter(pl.col("date") < start)
    return [
        finding("history_begins_early", "demand", early.height, keys_of(early, ["date", *POINT]), start=start)
    ]


def _demand(demand: pl.DataFrame, items: pl.DataFrame | None) -> list[Finding]:
    found = []
    negative = demand.filter(pl.col("quantity") < 0)
    if negative.height:
        money = _money(negative, items)
        found.append(
            finding("negative_demand", "demand", negative.height, keys_of(negative, POINT), money=money)
        )
    loose = demand.filter(pl.col("order_id").is_null()).select("date", *POINT)
    twins = sharing(loose, loose.columns)
    if twins.height:
        found.append(finding("several_demand_rows", "demand", twins.height, keys_of(twins, ["date", *POINT])))
    return found


def _references(tables: Tables) -> list[Finding]:
    found = []
    if "items" in tables:
        for name in ITEM_TABLES:
            column = "component_item_id" if name == "bom" else "item_id"
            found += _unknown(tables, name, column, "items", "item_id")
    if "locations" in tables:
        for name in ITEM_TABLES:
            for column in ("location_id", "to_location_id"):
                if name in tables and column in tables[name].columns:
                    found += _unknown(tables, name, column, "locations", "location_id")
    return found


def _terms(tables: Tables) -> list[Finding]:
    """Return the findings about suppliers' terms that can have no effect."""
    terms, key = tables["supplier_terms"], "from_location_id"
    senders = [tables[name][key] for name in SENDERS if name in tables]
    known = pl.concat(senders).drop_nulls() if senders else terms[key].clear()
    strange = terms.filter(~pl.col(key).is_in(known.implode())) if len(known) else terms.clear()
    measured = pl.col("container_measure").is_not_null()
    bare = terms.filter((pl.col("container_capacity") > 0) & ~measured)
    codes = (("terms_unused", strange), ("container_not_measured", bare))
    return [
        finding(code, "supplier_terms", rows.height, keys_of(rows, [key]))
        for code, rows in codes
        if rows.height
    ]


def _unknown(tables: Tables, name: str, column: str, master: str, key: str) -> list[Finding]:
    if name not in tables:
        return []
    strange = tables[name].filter(~pl.col(column).is_in(tables[master][key].implode()))
    if strange.is_empty():
        return []
    keys = keys_of(strange.select(column).unique(maintain_order=True), [column])
    return [finding(f"unknown_{key.removesuffix('_id')}", name, strange.height, keys)]


def _money(rows: pl.DataFrame, items: pl.DataFrame | None) -> float | None:
    """Return the rows' quantities at item cost, or null where no cost is known."""
    if items is None:
        return None
    costs = items.select("item_id", "unit_cost").unique("item_id")
    value = rows.join(costs, on="item_id").select(pl.col("quantity").abs() * pl.col("unit_cost"))
    known = value.to_series().drop_nulls()
    return float(known.sum()) if len(known) else None
