"""The demo company's files load through its mapping, and no fault makes the import fail."""

import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.examples.company import generate, write
from plimsoll.ingest.mapping import Mapping
from plimsoll.ingest.params import IngestParams
from plimsoll.integrations import read_source


@pytest.fixture(scope="module")
def company():
    return generate(200)


@pytest.fixture(scope="module")
def raws(company, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write(company, folder)
    return read_source(folder)


@pytest.fixture(scope="module")
def result(company, raws):
    return ingest.read(raws, Mapping.from_text(company.mapping), IngestParams())


def test_mapping_names_every_file_and_only_those(company, raws):
    mapping = Mapping.from_text(company.mapping)
    assert {part.from_ for part in mapping.tables} == {name.rsplit(".", 1)[0] for name in company.sources}
    mapping.missing(raws)
    assert mapping.source.as_of == company.as_of


def test_rows_are_read_or_quarantined(company, result):
    rows = {name: frame.height for name, frame in company.sources.items()}
    files = {
        "items": ("material_master.csv",),
        "locations": ("sites.csv", "vendors.csv"),
        "lanes": ("supplier_info_records.csv", "transfer_lanes.csv"),
        "demand": ("sales_order_lines.parquet", "production_issues.parquet"),
        "receipts": ("goods_receipts.parquet",),
        "stock": ("stock_on_hand.csv",),
        "open_orders": ("open_purchase_orders.csv",),
        "stocking_points": ("site_planning.csv",),
        "bom": ("bill_of_materials.csv",),
        "customers": ("customers.csv",),
    }
    assert set(files) <= set(result.tables)
    quarantined = dict(result.quarantine.group_by("table").len().rows())
    for name, sources in files.items():
        total = sum(rows[source] for source in sources)
        read = result.tables[name].height
        assert total - quarantined.get(name, 0) == read, name
        assert read > 0.98 * total, name


def test_codes_and_units_arrive_as_canonical_ones(company, result):
    tables = result.tables
    assert set(tables["items"]["make_or_buy"]) == {"make", "buy"}
    assert set(tables["locations"]["kind"]) == {"plant", "dc", "branch", "supplier"}
    assert set(tables["stocking_points"]["review_days"]) == {7.0}
    assert tables["stocking_points"]["holding_rate"].to_numpy() == pytest.approx(0.22)
    assert 700 < tables["items"]["shelf_life_days"].drop_nulls().min() < 760
    assert set(tables["open_orders"]["kind"]) == {"purchase", "transfer", "production"}


def test_dates_in_the_second_format_are_understood(company, result):
    late = company.truth["faults"].filter(code="second_date_format")["keys"].str.split(" @ ").list[2]
    orders = result.tables["open_orders"].filter(pl.col("order_id").is_in(late.implode()))
    assert orders.height == len(late)
    assert orders["ordered_date"].null_count() == 0
    assert (orders["ordered_date"] < company.as_of).all()


def test_true_quantities_survive_the_import(company, result):
    sold = company.sources["sales_order_lines.parquet"]["Order Qty"].sum()
    used = company.sources["production_issues.parquet"]["Issued Qty"].sum()
    assert result.tables["demand"]["quantity"].sum() <= sold + used


def test_completing_adds_nothing_but_the_unknown_items(company, result):
    done = ingest.complete(result.tables, IngestParams(), as_of=company.as_of)
    truth = company.truth["lanes"].rename({"to_location_id": "location_id"})
    added = done.points.join(truth, on=["item_id", "location_id"], how="anti")
    assert added["item_id"].str.starts_with("OLD-").all()
    both = done.points.join(truth, on=["item_id", "location_id"], suffix="_true", validate="1:1")
    assert both.height == truth.height
    # A lane whose row was quarantined comes back from its receipts, if it has any.
    lost = result.quarantine.filter(pl.col("table") == "lanes").height
    assert (both["from_location_id"] != both["from_location_id_true"]).sum() <= lost
    here = pl.col("from_location_id") == pl.col("location_id")
    vendor = pl.col("from_location_id").str.starts_with("V")
    kind = pl.when(here).then(pl.lit("production")).when(vendor).then(pl.lit("purchase"))
    expected = truth.select("item_id", "location_id", expected=kind.otherwise(pl.lit("transfer")))
    both = both.filter(pl.col("from_location_id") != "UNKNOWN").join(expected, on=["item_id", "location_id"])
    assert (both["supply_kind"] == both["expected"]).all()
