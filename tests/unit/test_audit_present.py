"""The audit as people and programs see it: terminal, JSON, CSV and the section of the report."""

import io
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from plimsoll.domain.audited import AuditResult
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.tables import table
from plimsoll.present import audit as present
from plimsoll.workflows.audit import nothing_found, refuse_unknown

AWKWARD = "=SUM(A1)<script>alert(1)</script>[bold]"


def found(code, money, severity="warning", n=1):
    return Finding(
        code, severity, "lanes", n, "A @ DC1", f"{n} of {code}.", "It matters.", "Nothing.", "Mend it.", money
    )


@pytest.fixture
def result():
    rows = [
        {"code": "moq_out_of_line", "key": "A @ DC1 @ S", "item_id": "A", "money_at_risk": 900.0,
         "detail": "minimum order 2880", "repair": "convert", "repair_column": "min_order_qty",
         "repair_value": 1 / 144},
        {"code": "lead_time_missing", "key": f"{AWKWARD} @ DC1", "item_id": AWKWARD,
         "detail": "no lead time"},
    ]  # fmt: skip
    declared = {"table": "lanes", "location_id": "DC1", "severity": "warning"}
    ready = [
        {"item_id": item, "location_id": "DC1", "category": AWKWARD, "score": score, "verdict": verdict,
         "reasons": "", "why": f"{verdict}: because."}
        for item, score, verdict in (("A", 0.6, "care"), (AWKWARD, 1.0, "automatic"))
    ]  # fmt: skip
    names = ("automatic", "care", "left_out")
    shares = dict(zip(names, (0.5, 0.5, 0.0), strict=True))
    total = {"n_points": 2, "score": 0.8, "money_at_risk": 900.0} | dict(zip(names, (1, 1, 0), strict=True))
    total |= {f"share_{name}": share for name, share in shares.items()}
    total |= {f"value_share_{name}": share for name, share in shares.items()}
    quarantine = {"table": "lanes", "source": "lanes.csv", "row": 7, "reason": "not_a_number"}
    return AuditResult(
        workspace=Path("company"),
        as_of=date(2026, 10, 31),
        currency="EUR",
        run_id="",
        rows=table("audit_row").conform(pl.DataFrame([row | declared for row in rows])),
        findings=findings_frame(
            [found("lead_time_missing", None), found("moq_out_of_line", 900.0), found("hole", 5.0, "info")]
        ),
        quarantine=table("quarantine").conform(
            pl.DataFrame([quarantine | {"detail": "x = 'tbd'", "raw": "{}"}])
        ),
        ready=table("readiness").conform(pl.DataFrame(ready)),
        totals={
            "all": pl.DataFrame([{"group": "all"} | total]),
            "category": pl.DataFrame([{"category": AWKWARD} | total]),
            "item_id": pl.DataFrame([{"item_id": "A"} | total]),
        },
    )


def shown(result, **wanted):
    text = io.StringIO()
    console = Console(file=text, width=110, highlight=False)
    present.show_audit(result, present.Wanted(**wanted), console)
    return text.getvalue()


def test_summary_has_most_money_first_then_rows_set_aside_and_readiness(result):
    text = shown(result)
    assert text.index("moq_out_of_line") < text.index("hole") < text.index("lead_time_missing")
    assert "900 EUR" in text
    assert "not_a_number" in text
    assert "50 % of 2 stocking points with 50 % of the demand value may be planned automatically." in text
    assert "Next: plimsoll audit company --code moq_out_of_line" in text


def test_one_check_lists_its_rows_with_the_repair(result):
    text = shown(result, code="moq_out_of_line")
    assert "It matters." in text
    assert "A @ DC1 @ S  900 EUR" in text
    assert "minimum order 2880 → divide min_order_qty by 144" in text
    assert "lead_time" not in text


def test_rows_set_aside_are_a_check_too(result):
    assert "lanes.csv row 7" in shown(result, code="quarantine_not_a_number")


def test_one_item_has_its_points_and_rows(result):
    text = shown(result, item="A")
    assert "A at DC1  60 %" in text
    assert "care: because." in text
    assert "moq_out_of_line" in text


def test_errors_come_before_money(result):
    found = present.ranked(result.findings)
    graver = found["severity"] == "error"
    assert graver.to_list() == sorted(graver.to_list(), reverse=True)
    rest = found.filter(~graver)["money_at_risk"].drop_nulls().to_list()
    assert rest == sorted(rest, reverse=True)


@pytest.mark.parametrize(
    ("code", "item", "match"),
    [
        ("moq_out_of_lin", None, "Did you mean 'moq_out_of_line'"),
        ("negative_on_hand", None, "The check 'negative_on_hand' found nothing"),
        ("xxx", None, "These did: "),
        (None, "a", "Item 'a' is kept nowhere"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(result, code, item, match):
    with pytest.raises(InputError, match=match):
        refuse_unknown(result, code, item)


def test_what_another_check_tells_is_answered_with_that_check():
    with pytest.raises(InputError, match="Ask for returned_goods"):
        raise nothing_found("negative_demand", ["returned_goods"])
    assert "No check called" in nothing_found("negative_demand", ["hole"]).what


def test_data_is_json_and_csv_holds_every_row(result):
    data = present.audit_data(result, present.Wanted(top=1))
    assert json.loads(json.dumps(data, default=str))["n_rows"] == 3
    assert len(data["rows"]) == 1
    assert data["findings"][0]["code"] == "moq_out_of_line"
    assert len(present.audit_csv(result, present.Wanted(top=1)).splitlines()) == 4


def test_section_shows_worst_first_and_escapes_what_is_typed(result):
    html = present.html_section(result)
    assert html.index("moq_out_of_line") < html.index("lead_time_missing")
    assert "divide min_order_qty by 144" in html
    assert "<script>" not in html
    assert "hole" not in html  # a finding without rows stands among the findings


def test_nothing_found_is_said(result):
    empty = AuditResult(
        result.workspace, result.as_of, "", "plan-000001", result.rows.clear(), result.findings.clear(),
        result.quarantine.clear(), result.ready.clear(),
        {name: frame.clear() for name, frame in result.totals.items()},
    )  # fmt: skip
    assert "Nothing is wrong" in shown(empty)
    assert "Nothing, as far as" in present.html_section(empty)
    assert not empty.has_errors
