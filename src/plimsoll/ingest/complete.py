"""The least company that can be planned: places, points and lanes implied by the data, values in force."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest.knowledge import last_known_day
from plimsoll.ingest.messages import finding
from plimsoll.ingest.params import IngestParams
from plimsoll.ingest.spread import spread

Tables = dict[str, pl.DataFrame]
POINT = ["item_id", "location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
STOCKING = ("plant", "dc", "branch")
KNOWN_FROM = {
    "demand": "date",
    "stock": "date",
    "availability": "date",
    "receipts": "received_date",
    "open_orders": "ordered_date",
}
YEAR = timedelta(days=365)
STALE = timedelta(days=45)  # longer than a month of monthly data


@dataclass(frozen=True, slots=True)
class Completed:
    """Planning points, every lane, all canonical tables as known at `as_of`, and what was added."""

    points: pl.DataFrame
    lanes: pl.DataFrame
    tables: Tables
    findings: list[Finding]


def known_at(tables: Tables, as_of: date) -> Tables:
    """Return every canonical table as it was known at the end of a day; a missing one comes empty.

    Demand, stock, availability and receipts count from their own day, open orders from the day they
    were placed (an order without one counts). Shipments after the day are not known yet. Masters
    and events carry no day of knowledge and are taken as they are.

    Examples
    --------
    >>> row = {"date": date(2024, 1, 5), "item_id": "A", "location_id": "M", "quantity": 1.0}
    >>> known_at({"demand": pl.DataFrame(row)}, date(2024, 1, 4))["demand"].height
    0
    """
    known = {}
    for name in input_tables():
        frame = tables.get(name, table(name).empty())
        known[name] = frame if frame.schema == table(name).schema else table(name).conform(frame)
    for name, column in KNOWN_FROM.items():
        known[name] = known[name].filter(pl.col(column).is_null() | (pl.col(column) <= as_of))
    shipped = pl.col("shipped_date") <= as_of
    known["demand"] = known["demand"].with_columns(
        pl.when(pl.col("shipped_date").is_null() | shipped).then(column).alias(column)
        for column in ("shipped_date", "shipped_quantity")
    )
    return known


def complete(tables: Tables, params: IngestParams | None = None, *, as_of: date) -> Completed:
    """Return the company that the data imply, with one effective value for every setting of a point.

    A stocking point is listed, or implied by demand, stock, a lane, a receipt or an open order at a
    place that is neither supplier nor customer. Its lane in force has the lowest priority number,
    then a known lead time, then most receipts; without any lane it comes from the unknown supplier,
    or from the plant itself where the item is made there.

    Parameters
    ----------
    tables : canonical tables; missing ones are empty
    params : defaults for what the data leave open
    as_of : day of knowledge; nothing dated later has any influence

    Examples
    --------
    >>> row = {"date": date(2024, 1, 5), "item_id": "A", "location_id": "M", "quantity": 1.0}
    >>> done = complete({"demand": pl.DataFrame(row)}, as_of=date(2024, 2, 1))
    >>> done.points.select("item_id", "from_location_id", "review_days_eff").row(0)
    ('A', 'UNKNOWN', 7.0)
    """
    params = params or IngestParams()
    known = known_at(tables, as_of)
    findings = [*_later_rows(tables, known, as_of), *_stale(known, as_of)]
    known, found = spread(known, params)
    known |= _observed(known)
    findings += found
    known["locations"], added = _locations(known)
    if added.height:
        findings.append(finding("locations_added", "locations", added.height, _first(added, ["location_id"])))
    known["stocking_points"], added = _points(known)
    if added.height:
        findings.append(finding("points_added", "stocking_points", added.height, _first(added, POINT)))
    known["items"], added = _items(known)
    if added.height:
        findings.append(finding("items_added", "items", added.height, _first(added, ["item_id"])))
    lanes, found = _lanes(known, params)
    known["lanes"] = lanes
    points = _effective(known, params, as_of)
    findings += [*found, *_costless(points, known["demand"], as_of)]
    return Completed(points, lanes, known, findings)


def _first(rows: pl.DataFrame, key: list[str]) -> str:
    """Return the first keys in their own order: rows that data imply come in the order of the data."""
    return keys_of(rows.sort(key), key)


def _later_rows(tables: Tables, known: Tables, as_of: date) -> list[Finding]:
    later = {name: _told(tables[name]) - _told(known[name]) for name in KNOWN_FROM if name in tables}
    return [finding("after_as_of", name, n, as_of=as_of) for name, n in later.items() if n]


def _told(rows: pl.DataFrame) -> int:
    """Return the number of rows; demand of unknown quantity tells nothing."""
    return rows.height - (rows["quantity"].null_count() if "quantity" in rows.columns else 0)


def _stale(known: Tables, as_of: date) -> list[Finding]:
    """Return the findings about demand and stock that end long before the day of knowledge."""
    found = []
    for name, code in (("demand", "demand_ends_early"), ("stock", "stock_is_old")):
        last = last_known_day({name: known[name]}, as_of)
        if last is not None and last + STALE < as_of:
            found.append(finding(code, name, (as_of - last).days, last=last, as_of=as_of))
    return found


def _observed(known: Tables) -> Tables:
    """Return demand without rows of unknown quantity, and their periods as not observed."""
    demand = known["demand"]
    blank = demand.filter(pl.col("quantity").is_null())
    if blank.is_empty():
        return {}
    unseen = blank.select("date", *POINT, in_stock=pl.lit(value=False)).unique(maintain_order=True)
    seen = known["availability"].join(unseen, on=["date", *POINT], how="anti", maintain_order="left")
    return {
        "demand": demand.filter(pl.col("quantity").is_not_null()),
        "availability": table("availability").conform(pl.concat([seen, unseen])),
    }


def _own(locations: pl.DataFrame) -> pl.Series:
    """Return the places that keep stock: all but suppliers and customers."""
    kind = pl.col("kind")
    return locations.filter(kind.is_null() | kind.is_in(STOCKING))["location_id"]


def _named(known: Tables, columns: list[str], names: list[str]) -> pl.DataFrame:
    """Return the distinct values of columns in several tables, under the given names."""
    sources = ("stocking_points", "demand", "stock", "lanes", "receipts", "open_orders")
    frames = [
        known[source].select(pl.col(columns).name.keep()).rename(dict(zip(columns, names, strict=True)))
        for source in sources
        if set(columns) <= set(known[source].columns)
    ]
    return pl.concat(frames).unique(maintain_order=True)


def _locations(known: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return locations with those added that receive or ask for goods, or send them."""
    listed = known["locations"]
    places = [_named(known, [column], ["location_id"]) for column in ("location_id", "to_location_id")]
    senders = _named(known, ["from_location_id"], ["location_id"]).drop_nulls()
    own = pl.concat(places).unique(maintain_order=True)
    outside = senders.join(own, on="location_id", how="anti", maintain_order="left")
    outside = outside.with_columns(kind=pl.lit("supplier"))
    new = pl.concat([own, outside], how="diagonal").join(
        listed, on="location_id", how="anti", maintain_order="left"
    )
    table_of = table("locations")
    return table_of.conform(pl.concat([listed, new], how="diagonal")), new


def _points(known: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return stocking points with those added that the data imply at places of our own."""
    own = _own(known["locations"])
    implied = pl.concat([_named(known, POINT, POINT), _named(known, LANE[:2], POINT), _senders(known, own)])
    listed = known["stocking_points"].unique(POINT, keep="first", maintain_order=True)
    new = implied.filter(pl.col("location_id").is_in(own.implode())).unique(maintain_order=True)
    new = new.join(listed, on=POINT, how="anti", maintain_order="left")
    return table("stocking_points").conform(pl.concat([listed, new], how="diagonal")), new


def _senders(known: Tables, own: pl.Series) -> pl.DataFrame:
    """Return the points at our own places that send goods to other places: they keep the item too."""
    sends = known["lanes"].filter(
        pl.col("from_location_id").is_in(own.implode())
        & (pl.col("from_location_id") != pl.col("to_location_id"))
    )
    return sends.select("item_id", location_id="from_location_id")


def _items(known: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    listed = known["items"].unique("item_id", keep="first", maintain_order=True)
    named = [_named(known, ["item_id"], ["item_id"])]
    named += [known["bom"].select(item_id=column) for column in ("parent_item_id", "component_item_id")]
    new = pl.concat(named).unique(maintain_order=True)
    new = new.join(listed, on="item_id", how="anti", maintain_order="left")
    return table("items").conform(pl.concat([listed, new], how="diagonal")), new


def _lanes(known: Tables, params: IngestParams) -> tuple[pl.DataFrame, list[Finding]]:
    """Return every lane: listed, seen in receipts, or by default for points without any."""
    listed = known["lanes"].unique(LANE, keep="first", maintain_order=True)
    own = _own(known["locations"]).implode()
    seen = known["receipts"].select(LANE).unique(maintain_order=True)
    seen = seen.filter(pl.col("to_location_id").is_in(own))
    seen = seen.join(listed, on=LANE, how="anti", maintain_order="left")
    points = known["stocking_points"].select("item_id", to_location_id="location_id")
    have = pl.concat([listed.select(LANE), seen])
    bare = points.join(have, on=LANE[:2], how="anti", maintain_order="left")
    made = bare.join(
        known["items"].select("item_id", "make_or_buy"), on="item_id", how="left", maintain_order="left"
    )
    made = made.join(
        known["locations"].select("kind", to_location_id="location_id").unique("to_location_id"),
        on="to_location_id", how="left", maintain_order="left",
    )  # fmt: skip
    here = ((pl.col("make_or_buy") == "make") & (pl.col("kind") == "plant")).fill_null(value=False)
    source = pl.when(here).then("to_location_id").otherwise(pl.lit(params.unknown_supplier))
    default = made.select("item_id", "to_location_id", source.alias("from_location_id"))
    findings = []
    if seen.height:
        findings.append(finding("lanes_from_receipts", "lanes", seen.height, _first(seen, LANE)))
    if default.height:
        keys = _first(default, LANE[:2])
        findings.append(
            finding("lanes_unknown", "lanes", default.height, keys, supplier=params.unknown_supplier)
        )
    return table("lanes").conform(pl.concat([listed, seen, default], how="diagonal")), findings


def _in_force(known: Tables) -> pl.DataFrame:
    """Return each point's lane in force: lowest priority number, known lead time, most receipts, name."""
    seen = known["receipts"].group_by(LANE).agg(
        pl.len().alias("n_receipts"), pl.col("ordered_date").is_not_null().any().alias("timed")
    )  # fmt: skip
    ranked = known["lanes"].join(seen, on=LANE, how="left", maintain_order="left")
    timed = pl.col("lead_time_days_set").is_not_null() | pl.col("timed").fill_null(value=False)
    receipts = pl.col("n_receipts").fill_null(0).cast(pl.Int64)
    best_first = ranked.sort("priority", ~timed, -receipts, "from_location_id", nulls_last=True)
    return best_first.unique(LANE[:2], keep="first", maintain_order=True)


def _effective(known: Tables, params: IngestParams, as_of: date) -> pl.DataFrame:
    """Return the table `planning_point`: the only place where given values and defaults are merged."""
    lanes = (
        _in_force(known)
        .drop("n_receipts", "timed")
        .rename({"to_location_id": "location_id", "unit_cost": "lane_cost"})
    )
    rows = (
        known["stocking_points"]
        .join(known["items"], on="item_id", how="left", maintain_order="left")
        .join(lanes, on=POINT, how="left", maintain_order="left")
        .join(_last_year(known["demand"], as_of), on=POINT, how="left", maintain_order="left")
    )
    own = _own(known["locations"]).implode()
    cost = pl.coalesce("lane_cost", "unit_cost", pl.lit(0.0))
    reason = (
        pl.when(pl.col("do_not_stock").fill_null(value=False))
        .then(pl.lit("do_not_stock"))
        .when(pl.col("make_to") == "engineer")
        .then(pl.lit("engineered"))
        .when(pl.col("end_date") <= as_of)
        .then(pl.lit("ended"))
    )
    kind = (
        pl.when(pl.col("from_location_id") == pl.col("location_id"))
        .then(pl.lit("production"))
        .when(pl.col("from_location_id").is_in(own))
        .then(pl.lit("transfer"))
        .otherwise(pl.lit("purchase"))
    )
    points = rows.with_columns(
        supply_kind=kind,
        unit_cost_eff=cost,
        unit_price_eff=pl.coalesce(pl.col("unit_price"), cost),
        review_days_eff=pl.col("review_days").fill_null(params.review_days),
        holding_rate_eff=pl.col("holding_rate").fill_null(params.holding_rate),
        unmet_demand_eff=pl.col("unmet_demand").fill_null(params.unmet_demand),
        min_order_qty_eff=pl.col("min_order_qty").fill_null(0.0),
        order_multiple_eff=pl.col("order_multiple").fill_null(0.0),
        order_cost_eff=pl.col("order_cost").fill_null(params.order_cost),
        criticality_eff=pl.col("criticality").fill_null("normal"),
        demand_last_year_qty=pl.col("demand_last_year_qty").fill_null(0.0),
        planned=reason.is_null(),
        left_out_reason=reason,
        **dict.fromkeys(
            ("reorder_point_set", "order_up_to_set", "lot_qty_set"), pl.lit(None, dtype=pl.Float64)
        ),
    )
    declared = table("planning_point")
    return declared.conform(points.select(declared.names))


def _last_year(demand: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return what customers asked for at each point in the last year, scaled up from a shorter history."""
    first = demand["date"].min()
    days = min((as_of - first).days + 1, YEAR.days) if isinstance(first, date) else YEAR.days
    # Whole millionths add up to the same figure in any order of rows.
    micro = (pl.col("quantity") * 1e6).round().cast(pl.Int64).sum()
    return (
        demand.filter(pl.col("date") > as_of - YEAR)
        .group_by(POINT)
        .agg((micro / 1e6 * (YEAR.days / days)).clip(0.0).alias("demand_last_year_qty"))
    )


def _costless(points: pl.DataFrame, demand: pl.DataFrame, as_of: date) -> list[Finding]:
    bare = points.filter(pl.col("unit_cost_eff") == 0)
    if bare.is_empty():
        return []
    lately = demand.filter(pl.col("date") > as_of - YEAR).join(bare.select(POINT), on=POINT, how="semi")
    units = f"{lately['quantity'].sum():,.0f}"
    return [finding("cost_unknown", "planning_point", bare.height, keys_of(bare, POINT), units=units)]
