"""Every mistake planted in the demo company is found, row by row, and clean items are left in peace.

A clean item is one in no row of the truth's faults; nothing else is taken off. `plimsoll bench audit`
prints the same figures for more and larger companies.
"""

import polars as pl
import pytest

from plimsoll.audit import all_checks
from plimsoll.ingest.messages import finding_codes
from plimsoll.workflows.benchmarks import audit as bench

SEEDS = ((300, 1), (400, 2), (500, 3), (600, 4))
LANE = ["item_id", "to_location_id", "from_location_id"]


@pytest.fixture(scope="module", params=SEEDS, ids=str)
def case(request):
    return bench.audited(*request.param)


def test_every_planted_fault_is_found(case):
    faults = bench.planted(case)
    assert faults.filter(~pl.col("found")).select("code", "keys").rows() == []
    assert set(faults["code"]) <= set(bench.CHECKS) | set(bench.REASONS) | set(bench.COUNTED)


def test_a_mistake_that_nobody_names_is_missed(case):
    """The score itself: without the rows of a check its mistakes are missed, and only those."""
    rows = case.found.rows.filter(pl.col("code") != "lead_time_contradicted")
    blind = bench.Audited(case.company, case.read, type(case.found)(rows, []), 0.0)
    missed = bench.planted(blind).filter(~pl.col("found"))
    assert set(missed["code"]) == {"stale_lead_time"}
    assert missed.height == case.company.truth["faults"].filter(code="stale_lead_time").height > 20


def test_checks_and_reasons_exist():
    codes = {check.code for check in all_checks()}
    assert {code for checks in bench.CHECKS.values() for code in checks} <= codes
    assert {f"quarantine_{reason}" for reason in bench.REASONS.values()} <= set(finding_codes())
    assert set(bench.COUNTED.values()) <= set(finding_codes())


def test_dates_in_a_second_format_are_read_right_and_said(case):
    planted = case.company.truth["faults"].filter(code="second_date_format")
    wanted = case.company.sources["open_purchase_orders.csv"].filter(pl.col("PO Date").str.contains(r"\."))
    assert wanted.height == planted.height
    wanted = wanted.select(order_id="PO Number", day=pl.col("PO Date").str.to_date("%d.%m.%Y"))
    orders = case.read.tables["open_orders"].join(wanted, on="order_id")
    assert orders.height == planted.height
    assert (orders["ordered_date"] == orders["day"]).all()
    said = [found for found in case.read.findings if found.code == "date_formats_mixed"]
    assert [(found.table, found.n_rows) for found in said] == [("open_orders", planted.height)]


def test_clean_items_are_left_in_peace(case):
    clean, flagged = bench.clean_items(case), bench.disturbed(case)
    assert len(clean) > 0.4 * case.company.sources["material_master.csv"].height
    by_code = flagged.group_by("code").agg(pl.col("item_id").n_unique()).rows()
    assert flagged["item_id"].n_unique() <= 0.02 * len(clean), (len(clean), by_code)


def test_contradicted_lead_times_are_wrong_in_truth(case):
    """Of those flagged, nine in ten are off by a fifth in truth or by three days."""
    truth = case.company.truth["lanes"].with_columns(
        key=pl.concat_str(LANE, separator=" @ "), off=(pl.col("mean_days") - pl.col("typed_days")).abs()
    )
    flagged = case.found.rows.filter(code="lead_time_contradicted")["key"]
    wrong = (pl.col("off") > 0.2 * pl.col("typed_days")) & (pl.col("off") > 3)
    assert truth.filter(pl.col("key").is_in(flagged.implode())).select(wrong.mean()).item() > 0.9
