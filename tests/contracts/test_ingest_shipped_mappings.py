"""The shipped mappings load the data sets that they are made for, as they are."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from plimsoll.ingest import complete, find_mapping, propose, read
from plimsoll.ingest.mapping import shipped_mappings
from plimsoll.integrations import read_source

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def loaded(name):
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"data set '{name}' is not here: set PLIMSOLL_DATA to the folder that holds it")
    raws, mapping = read_source(folder), find_mapping(name)
    if name != "auto":  # its three headers could be anybody's: it must be asked for by name
        assert propose(raws) == mapping
    return read(raws, mapping), mapping.source.as_of


def test_shipped_mappings_are_these():
    assert shipped_mappings() == ("auto", "carparts", "man", "scms", "vn2")


def test_man():
    result, as_of = loaded("man")
    rows = {name: frame.height for name, frame in result.tables.items()}
    assert rows == {
        "demand": 37_200,
        "items": 3_451,
        "lanes": 3_451,
        "stocking_points": 3_451,
        "locations": 1,
    }
    assert result.quarantine.is_empty()
    done = complete(result.tables, as_of=as_of)
    assert as_of == date(2014, 11, 2)
    assert done.points.height == 3_451
    assert done.points["planned"].all()
    assert done.tables["demand"]["date"].max() == date(2014, 10, 27)
    assert (as_of - date(2012, 1, 2)).days + 1 == 148 * 7
    point = done.points.row(by_predicate=pl.col("item_id") == "1", named=True)
    assert point["unit_cost_eff"] == 1.873685
    assert (point["lead_time_days_set"], point["from_location_id"]) == (49.0, "nl")
    assert (point["min_order_qty_eff"], point["order_cost_eff"], point["holding_rate_eff"]) == (
        10.0,
        5.0,
        0.2,
    )
    assert done.points["from_location_id"].value_counts().sort("count").rows() == [
        ("nl", 388),
        ("asia", 3_063),
    ]


def test_scms():
    result, as_of = loaded("scms")
    tables = result.tables
    assert result.quarantine.is_empty()
    assert {name: frame.height for name, frame in tables.items()} == {
        "receipts": 10_324, "demand": 10_324, "items": 184, "locations": 116,
    }  # fmt: skip
    assert tables["receipts"]["ordered_date"].null_count() == 5_732
    done = complete(tables, as_of=as_of)
    assert as_of == tables["demand"]["date"].max()
    assert done.points.height == tables["demand"].select("item_id", "location_id").n_unique()
    assert done.points["supply_kind"].unique().to_list() == ["purchase"]


def test_auto():
    result, as_of = loaded("auto")
    rows = {name: frame.height for name, frame in result.tables.items()}
    assert rows == {"demand": 72_000, "items": 3_000, "locations": 1}
    assert result.quarantine.is_empty()
    assert result.tables["demand"]["date"].dt.day().unique().to_list() == [1]
    assert (result.tables["demand"]["date"].min(), result.tables["demand"]["date"].max()) == (
        date(2000, 1, 1),
        date(2001, 12, 1),
    )
    assert as_of == date(2001, 12, 31)
    assert complete(result.tables, as_of=as_of).points.height == 3_000


def test_carparts():
    result, as_of = loaded("carparts")
    rows = {name: frame.height for name, frame in result.tables.items()}
    assert rows == {"demand": 136_374, "items": 2_674, "locations": 1}
    assert result.quarantine.is_empty()
    done = complete(result.tables, as_of=as_of)
    assert done.tables["demand"].height == 130_252
    assert (~done.tables["availability"]["in_stock"]).sum() == 6_122


def test_vn2():
    result, as_of = loaded("vn2")
    rows = {name: frame.height for name, frame in result.tables.items()}
    assert result.quarantine.is_empty()
    assert rows == {
        "demand": 94_043, "availability": 94_043, "items": 297, "locations": 68, "stocking_points": 599,
        "lanes": 599, "stock": 599, "open_orders": 423,
    }  # fmt: skip
    raw = {table.name: table.frame for table in read_source(DATA / "vn2")}
    arriving = raw["initial_state"].select(
        pl.col("arriving_next_week", "arriving_in_two_weeks").cast(pl.Int64).sum()
    )
    due = result.tables["open_orders"].group_by("due_date").agg(pl.col("quantity").sum()).sort("due_date")
    assert due["quantity"].sum() == arriving.sum_horizontal().item()
    assert set(due["due_date"]) <= {date(2024, 4, 15), date(2024, 4, 22)}
    done = complete(result.tables, as_of=as_of)
    assert (done.points.height, done.points["unmet_demand_eff"].unique().to_list()) == (599, ["lost"])
    assert done.points["lead_time_days_set"].unique().to_list() == [14.0]
