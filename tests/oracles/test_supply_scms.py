"""Lead times of real purchase orders: every lane with evidence gets a distribution within its data."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.tables import table

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "scms" / "purchase_orders.csv"
AS_OF = date(2015, 12, 31)


@pytest.fixture(scope="module")
def scms():
    if not FILE.exists():
        pytest.skip(f"real purchase orders are not there: {FILE}")
    rows = pl.read_csv(FILE, infer_schema_length=None, try_parse_dates=True).select(
        pl.col("po_number").alias("order_id"),
        pl.col("po_line_id").cast(pl.String).alias("line"),
        pl.col("item_description").alias("item_id"),
        pl.col("country").alias("to_location_id"),
        pl.col("vendor").alias("from_location_id"),
        pl.col("po_sent_date").alias("ordered_date"),
        pl.col("delivered_date").alias("received_date"),
        pl.col("quantity").cast(pl.Float64),
    )
    received = table("receipts").conform(rows)
    lanes = table("lanes").conform(rows.select("item_id", "to_location_id", "from_location_id").unique())
    return received, lanes, supply.estimate(received, lanes, supply.SupplyParams(), as_of=AS_OF)


def test_every_lane_has_a_distribution_within_its_suppliers_data(scms):
    received, lanes, found = scms
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    hull = (
        received.with_columns(lead.alias("lead"))
        .filter(pl.col("lead") >= 0)
        .group_by("from_location_id")
        .agg(pl.col("lead").min().alias("least"), pl.col("lead").max().alias("most"))
    )
    assert found.height == lanes.height
    measured = found.join(hull, on="from_location_id", how="left")
    evidence = measured.filter(pl.col("least").is_not_null())
    assert evidence["n_receipts_supplier"].min() >= 1
    within = pl.col("mean_days_est").round(9).is_between("least", "most")
    assert evidence.filter(~within).is_empty()
    assert set(measured.filter(pl.col("least").is_null())["method_used"]) == {"default"}
    assert evidence["atom_days"].list.len().min() >= 1
    assert found["atom_days"].list.min().min() >= 0


def test_busy_lanes_reproduce_their_own_mean(scms):
    # Real items differ, and items with few receipts lean on the lane: the mean over a lane's items
    # by receipts must stay within two standard errors of the plain mean of its deliveries.
    received, _, found = scms
    lane = ["to_location_id", "from_location_id"]
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days().alias("lead")
    plain = (
        received.with_columns(lead)
        .filter(pl.col("lead") >= 0)
        .group_by("order_id", *lane, "received_date")
        .agg(pl.col("lead").mean())
        .group_by(lane)
        .agg(pl.col("lead").mean(), (pl.col("lead").std() / pl.len().sqrt()).alias("error"), pl.len())
        .filter(pl.col("len") >= 30)
    )
    receipts = pl.col("n_receipts_item")
    pooled = found.group_by(lane).agg((receipts * pl.col("mean_days_est")).sum() / receipts.sum())
    gap = plain.join(pooled, on=lane).select((pl.col("n_receipts_item") - pl.col("lead")) / pl.col("error"))
    assert gap.height == 18
    assert gap.to_series().abs().max() < 2


def test_dated_before_the_order_are_reported(scms):
    received, _, _ = scms
    found = {f.code: f.n_rows for f in supply.unusable_receipts(received, supply.SupplyParams(), as_of=AS_OF)}
    assert found == {"lead_time_undated": 5732, "lead_time_negative": 5}
