"""Today's lines in the terminal and as data: in their order, of the kinds asked for, with their reasons."""

from datetime import date
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from plimsoll.domain.errors import SettingError
from plimsoll.domain.tables import table
from plimsoll.present.lines import lines_data, show_lines

ODD = "[bold]=1+1<b>"


@pytest.fixture
def plan(planned, line):
    change = {"due_date": date(2026, 12, 1), "due_date_now": date(2026, 12, 24)}
    rows = [
        line(2, kind="expedite", order_id="PO-1", sentence="Expedite PO-1.", readiness="care", **change),
        line(1, quantity=12_345.0, unit_cost=1.0, sentence="Order 12,345 from ACME."),
        line(3, kind="cancel", description=ODD, due_date=None, unit_cost=0.0, from_location_id=None),
    ]
    frame = pl.DataFrame(rows, schema_overrides=table("line").schema, infer_schema_length=None)
    return planned(tables={"line": table("line").conform(frame)})


def printed(plan, kinds=(), top=20, width=120):
    page = StringIO()
    show_lines(plan, kinds, top, Console(file=page, width=width, highlight=False))
    return page.getvalue().splitlines()


def test_lines_stand_in_columns_with_their_reasons_below(plan):
    title, *rows = [text.rstrip() for text in printed(plan)]
    assert title == "Today's lines, what matters most first"
    assert rows == [
        "             item  at   from    quantity       worth  at risk  due                          grade",
        "1  Buy       P-1   DC1  ACME  12,345 pcs  12.3 k EUR    7 EUR  2026-12-05                   A",
        "   Pump 1. Order 12,345 from ACME.",
        "2  Expedite  P-2   DC1  ACME      10 pcs      50 EUR    7 EUR  2026-12-01 (now 2026-12-24)  A",
        "   Pump 2. Expedite PO-1. Its data need care: see what `plimsoll audit --item` says.",
        "3  Cancel    P-3   DC1  –         10 pcs           –        –  –                            A",
        f"   {ODD}. Made up.",
    ]


def test_kinds_and_top_choose_and_all_of_the_kinds_are_counted(plan):
    data = lines_data(plan, ["purchase", "cancel"], 1)
    assert (data["n"], [row["line_id"] for row in data["recommendations"]]) == (2, ["plan-000001-1"])
    assert data["recommendations"][0]["reason_codes"] == ["below_reorder_point"]
    assert printed(plan, ["expedite", "cancel"], 1)[0] == "Today's lines, what matters most first, 1 of 2"
    assert printed(plan, ["return", "transfer"]) == [
        "Nothing is proposed for today of kind return, transfer."
    ]


def test_a_kind_that_does_not_exist_is_told_with_the_nearest(plan):
    with pytest.raises(SettingError, match="no line of kind 'cancle'") as told:
        lines_data(plan, ["purchase", "cancle"], 1)
    assert "cancel" in told.value.remedy
