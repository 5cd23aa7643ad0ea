"""A fault that a check and a stage both tell of is told once, with what was really done."""

import pytest

from plimsoll.audit import all_checks, told_once
from plimsoll.audit.examine import DONE
from plimsoll.domain.findings import Finding, findings_frame

KEPT = "They were kept."


def told(*findings):
    rows = [
        Finding(code, severity, "demand", n, "A", code, "", done, "") for code, severity, n, done in findings
    ]
    return told_once(findings_frame(rows)).select("code", "severity", "n_rows", "done").rows()


def test_the_check_tells_what_was_done_and_the_other_goes():
    both = told(("negative_demand", "info", 7, KEPT), ("returned_goods", "warning", 7, DONE))
    assert both == [("returned_goods", "warning", 7, KEPT)]


def test_without_the_check_nothing_is_left_out():
    alone = told(("negative_demand", "info", 7, KEPT), ("date_order", "info", 1, "Read."))
    assert [row[0] for row in alone] == ["date_order", "negative_demand"]


def test_one_code_from_two_stages():
    both = told(("bom_cycle", "error", 2, "They are left out."), ("bom_cycle", "error", 4, DONE))
    assert both == [("bom_cycle", "error", 4, "They are left out.")]


@pytest.mark.parametrize(("n", "stays"), [(2, False), (3, True)])
def test_a_finding_of_more_rows_stays_and_says_what_was_done(n, stays):
    rows = told(("open_order_overdue", "warning", n, KEPT), ("long_overdue_order", "warning", 2, DONE))
    assert ("long_overdue_order", "warning", 2, KEPT) in rows
    assert (len(rows) == 2) == stays


def test_two_checks_share_a_finding_and_one_takes_several():
    rows = told(
        ("unknown_item", "warning", 3, "The rows were kept."),
        ("unknown_item", "warning", 1, "The row was kept."),
        ("cost_unknown", "warning", 9, "Planned at 0."),
        ("item_not_in_master", "warning", 2, DONE), ("cost_missing", "info", 1, DONE),
    )  # fmt: skip
    assert rows == [
        ("cost_missing", "warning", 1, "Planned at 0."),
        ("item_not_in_master", "warning", 2, "The rows were kept. Planned at 0."),
    ]


def test_telling_twice_changes_nothing():
    said = {"stock_negative": "Taken as 0.", "negative_on_hand": DONE, "after_as_of": "Left."}
    rows = [Finding(code, "warning", "t", 1, "A", "", "", done, "") for code, done in said.items()]
    once = told_once(findings_frame(rows))
    assert once.height == 2
    assert once.schema == findings_frame(rows).schema
    assert told_once(once).equals(once)


def test_what_is_covered_is_not_itself_a_check_of_another_kind():
    codes = {check.code for check in all_checks()}
    covered = {code for check in all_checks() for code in (*check.covers, *check.part_of)}
    assert not covered & codes
