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
    assert propose(raws) == mapping
    return read(raws, mapping), mapping.source.as_of


def test_shipped_mappings_are_these():
    assert shipped_mappings() == ("man", "scms")


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
