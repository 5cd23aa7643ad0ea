"""The terminal: lines that people look for, at the widths that people have, and the same as data."""

import dataclasses
import json
from datetime import date
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from plimsoll.domain.results import BenchmarkOutcome, CashResult, Explanation, ImportOutcome
from plimsoll.measure import four_questions
from plimsoll.present import benchmark, terminal

ODD = "=SUM(A1)<script>alert(1)</script>[bold]"


def printed(show, *args, width=100):
    page = StringIO()
    show(*args, Console(file=page, width=width, highlight=False))
    return page.getvalue()


def plan_lines(result, width=100, files=()):
    text = printed(lambda console: terminal.show_plan(result, console, list(files)), width=width)
    return [line.rstrip() for line in text.splitlines()]


def test_plan_says_money_classes_orders_findings(result):
    lines = plan_lines(result, files=[Path("reports/plan-000001.html")])
    expected = [
        "Plan plan-000001, known on 2026-11-21",
        "Inventory value     6,250 EUR  800 EUR         -87 %",
        "C           2  5,200      500   3,150  1,350   200       4,700",
        "C  1  5,000  98.0 %        0  –  –  1  200  98.0 %",
        "Today's orders, most money at risk first",
        " P-100 Feed pump at DC1: at risk 1,800 EUR, order 2,700 EUR, due 2026-12-22",
        f"warning  3 open orders are past their due date.{'12.3 k EUR':>53}",
        "12 rows set aside at import with the reason kept: demand 12.",
        "Written: reports/plan-000001.html",
        "Seconds: demand 1.2, targets 0.5.",
    ]
    assert [line for line in expected if line not in lines] == []


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_names_are_kept(result, width):
    lines = plan_lines(result, width)
    assert max(map(len, lines)) <= min(width, terminal.READABLE)
    assert ODD in "".join(line.strip() for line in lines)


def test_a_plan_without_anything_still_reads_well(bare):
    text = "\n".join(plan_lines(bare, 80))
    assert "Nothing to order today" in text
    assert "No row was set aside" in text
    assert not {"None", "nan", "NaN"} & set(text.replace(",", " ").split())


def test_stranded_cash(result):
    points = result["inventory_health"].filter(pl.col("cash_to_release") > 0)
    named = pl.concat_str(pl.lit("[red]"), "from_location_id").alias("from_location_id")
    groups = result.totals["supplier"].with_columns(named)
    cash = CashResult(result.run_id, "supplier", "EUR", groups, points)
    lines = [line.rstrip() for line in printed(terminal.show_cash, cash, 5, width=120).splitlines()]
    assert lines[1].split()[:3] == ["source", "points", "stock"]
    assert lines[2].split()[0] == "[red]Acme"
    assert any(line.startswith("P-500  DC1") and line.endswith("500 days") for line in lines)
    assert [row["item_id"] for row in terminal.cash_data(cash, 1)["points"]] == ["P-500"]


@pytest.fixture(scope="module")
def answer(result):
    def make(item, at):
        names = {
            "points": "planning_point",
            "target": "target",
            "policy": "policy",
            "health": "inventory_health",
        }
        tables = {name: result[of] for name, of in names.items()}
        questions = four_questions(item, at, **tables, outlook=result["outlook"])
        here = (pl.col("item_id") == item) & (pl.col("location_id") == at)
        arriving = (pl.col("item_id") == item) & (pl.col("to_location_id") == at)
        found = {
            name: frame.filter(arriving if "to_location_id" in frame.columns else here).drop(
                pl.selectors.list()
            )
            for name, frame in result.tables.items()
            if name != "finding"
        }
        rows = {name: frame.row(0, named=True) for name, frame in found.items() if frame.height}
        return Explanation(result.run_id, item, at, "EUR", dataclasses.asdict(questions), rows)

    return make


def test_explanation_answers_the_questions(answer):
    text = " ".join(printed(terminal.show_explanation, answer("P-100", "DC1")).split())
    for words in (
        "P-100 at DC1: what target, and why?",
        "98.0 % cycle service, set by the rule of its class: class AX",
        "Lead time 31 ± 11 days, from the item's own receipts; the item master says 20 days.",
        "Buffer 120 worth 1,200 EUR: 50 as demand varies, 70 as the lead time varies",
        "BR1: 5 on hand, 0 on order, 0 owed; short.",
        "None of the 1,000 EUR here. The stock lasts 20 days.",
        "Order 270 from Acme",
    ):
        assert words in text, words


def test_explanation_of_dead_stock_without_lead_time_or_estimate(answer):
    dead = answer("S-300", "DC1")
    rows = {
        name: row for name, row in dead.rows.items() if name not in ("lead_time_estimate", "demand_estimate")
    }
    text = " ".join(printed(terminal.show_explanation, dataclasses.replace(dead, rows=rows)).split())
    assert "Of 200 EUR here, 200 EUR can be released" in text
    assert "There is no demand for it." in text
    assert "Nothing to order now." in text


def test_import_lists_rows_and_rows_set_aside(result):
    outcome = ImportOutcome(
        Path("company"), "erp [2026]", False, date(2026, 11, 21), {"items": 1200}, {"demand": 3},
        result["finding"], "own", Path("mapping.toml"), "[demand]\nitem_id = 'ITEM'",
    )  # fmt: skip
    text = printed(terminal.show_import, outcome, width=80)
    assert "Imported from erp [2026]" in text
    assert "[demand]\n" in text
    assert [line.split() for line in text.splitlines() if line.startswith(("items", "demand "))] == [
        ["demand", "0", "3"],
        ["items", "1,200", "0"],
    ]
    assert "unchanged: the same data are already in force" in text.replace("\n", " ")


def test_everything_is_json_without_nan(result, bare, answer):
    points = result["inventory_health"]
    for data in (
        terminal.plan_data(result),
        terminal.plan_data(bare),
        terminal.cash_data(CashResult("r", "abc", "", result.totals["abc"], points), 3),
        terminal.explanation_data(answer("P-500", "DC1")),
    ):
        assert json.loads(json.dumps(data, default=str, allow_nan=False))


def test_reasons_in_json_are_data(result):
    first, *_ = terminal.plan_data(result)["recommendations"]
    assert first["drivers"]["buffer_lead_time_qty"] == 70.0
    assert "master_lead_time_stale" in first["reason_codes"]
    assert terminal.plan_data(result)["n_recommendations"] == 3


def test_benchmark_on_screen_and_as_a_page(tmp_path):
    frame = pl.DataFrame({"stage": ["a|b", "[red]"], "seconds": [0.1234, 12_345.6], "points": [10_000, None]})
    outcome = BenchmarkOutcome(
        "plan", "Plan", "plimsoll bench plan", {"cores": "2"}, {"Stages": frame}, ("Note",)
    )
    assert "[red]" in printed(benchmark.show, outcome)
    text = benchmark.write(outcome, tmp_path / "docs").read_text(encoding="utf-8")
    assert "| stage | seconds | points |\n| --- | --: | --: |\n| a\\|b | 0.123 | 10,000 |\n" in text
    assert "| [red] | 12,346 | – |\n" in text
    assert text.endswith("Machine: cores 2.\n")
