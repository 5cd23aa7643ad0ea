"""A replay in words: what is said at equal service, what stands side by side, and what cannot be told."""

from datetime import date
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from plimsoll.domain.replay_result import ReplayResult
from plimsoll.domain.tables import table
from plimsoll.present.replay import heads_of, lines, parts, promises, proof_section, sentences, terms
from plimsoll.present.replay_terminal import show_replay
from plimsoll.present.report import CHAPTERS, html_report

RUN = {
    "start": date(2025, 10, 26), "counted_from": date(2026, 1, 25), "end": date(2026, 10, 25),
    "bucket": "week", "periods": 52, "every": 13, "n_points": 300, "rules": "ours|current",
    "after": "same_service", "before": "current", "lead_times": "actual", "stock_at_start": "recorded",
    "n_counted": 0,
}  # fmt: skip
STOCK = {"recorded": 9e6, "current": 6e6, "same_service": 4.5e6, "same_stock": 6e6, "ours": 8e6}
FILL = {"recorded": 0.86, "current": 0.93, "same_service": 0.93, "same_stock": 0.965, "ours": 0.99}
SPENT = {"recorded": None, "current": 150e3, "same_service": 180e3, "same_stock": 90e3, "ours": 30e3}


def _figures():
    rows = []
    for figure, unit, values in (
        ("inventory_value", "money", STOCK), ("fill_rate", "share", FILL),
        ("expedite_spend", "money per year", SPENT), ("unit_service", "share", FILL),
    ):  # fmt: skip
        for rule, value in values.items():
            low, high = (None, None) if value is None else (0.9 * value, 1.1 * value)
            promised = 0.97 if (figure, rule) == ("unit_service", "same_stock") else None
            rows.append((figure, rule, unit, value, low, high, promised))
        rows.append((figure, "difference", unit, -1.5e6 if unit == "money" else 0.001, -2e6, -1e6, None))
    names = ["figure", "rule", "unit", "value", "low_90", "high_90", "promised"]
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    return table("replay_figure").conform(frame.with_columns(n_points=300, definition=pl.lit("As counted.")))


def _result(**given):
    goals = pl.DataFrame({"goal": [0.8, 0.95], "inventory_value": [3e6, 6.5e6], "fill_rate": [0.85, 0.97]})
    match = pl.DataFrame(
        {
            "match": ["same_service", "same_stock"], "goal": [0.92, 0.95], "before": [6e6, 0.93],
            "after": [4.5e6, 0.965], "change": [-0.25, 0.035], "low_90": [-0.3, 0.01],
            "high_90": [-0.2, 0.06],
        }
    )  # fmt: skip
    weeks = pl.DataFrame({"date": [date(2025, 10, 26), date(2026, 10, 25)]})
    periods = pl.concat(
        weeks.with_columns(
            rule=pl.lit(rule), counted=pl.Series([False, True]), stock_value=pl.lit(STOCK[rule])
        )
        for rule in ("ours", "current", "same_service")
    )
    zero = [column.name for column in table("replay_period").columns if column.name not in periods.columns]
    difference = {
        "by": ["abc", "part"], "group": ["A", "lots"], "n_points": [200, 300], "inventory_before": [4e6, 2e6],
        "inventory_after": [3e6, 2e6], "inventory_change": [-1e6, 0.0], "fill_rate_before": [0.9, None],
        "fill_rate_after": [0.95, None],
    }  # fmt: skip
    frames = {
        "replay_run": pl.DataFrame([RUN | given.pop("run", {})]),
        "replay_goal": goals,
        "replay_match": match,
        "replay_period": periods.with_columns(pl.lit(0.0).alias(name) for name in zero),
        "replay_difference": pl.DataFrame(difference),
    } | given
    tables = {name: table(name).conform(frame) for name, frame in frames.items()}
    return ReplayResult.of(Path("acme"), "replay-000001", "USD", tables | {"replay_figure": _figures()})


def test_it_is_said_what_equal_service_costs_and_what_equal_stock_serves():
    service, stock, own = sentences(_result())
    assert service == (
        "At the service that your min and max gave (93.0 % of what customers asked for), Plimsoll would have "
        "held 4.50 M USD instead of 6.00 M USD: -25 % (90 % interval -30 % to -20 %). Besides: expediting a "
        "year 180 k USD instead of 150 k USD."
    )
    assert stock == (
        "With the stock that your min and max held, Plimsoll would have served 96.5 % instead of 93.0 %: "
        "+3.5 points (90 % interval +1.0 to +6.0 points)."
    )
    assert own.endswith("Plimsoll would have held 8.00 M USD and served 99.0 %.")


def test_a_rule_that_no_goal_meets_is_told():
    said = sentences(_result(replay_match=table("replay_match").empty(), run={"after": "ours"}))
    assert said[0].startswith("No goal that was replayed met your min and max at the same service")


def test_what_stands_side_by_side():
    result = _result()
    heads = heads_of(result)
    assert heads[:3] == ["your records", "your min and max", "Plimsoll, same service"]
    assert heads[-1] == "difference, same service"
    stock, spent = lines(result, {"inventory_value": "Stock", "expedite_spend": "Spent"})
    assert (stock.cells[0].value, stock.cells[0].interval) == ("9.00 M USD", "8.10 M to 9.90 M")
    assert stock.cells[-1].value == "-1.50 M USD"
    assert (spent.cells[0].value, spent.cells[0].interval) == ("–", ""), "unknown is not 0"
    assert len(stock.cells) == len(heads)


def test_promises_and_parts():
    (promise,) = promises(_result())
    assert (promise.rule, promise.promised, promise.came) == ("Plimsoll, same stock", "97.0 %", "96.5 %")
    lots, best = parts(_result())
    assert (lots.label, lots.fill_before, best.label, best.change) == (
        "lots: half the mean order", "–", "class A", "-1.00 M USD",
    )  # fmt: skip


def test_the_rules_of_the_replay_are_told():
    text = " ".join(terms(_result()))
    for part in ("told only what was known", "every 13 weeks", "No stock was counted", "from 2026-01-25 on",
                 "chosen afterwards"):  # fmt: skip
        assert part in text, part
    counted = " ".join(terms(_result(run={"n_counted": 300, "counted_from": RUN["start"]})))
    assert "All began with the stock" in counted
    assert "Counted from" not in counted


@pytest.mark.parametrize("run", [{}, {"rules": "current", "after": "current", "before": None}])
def test_the_section_and_the_terminal_show_whatever_there_is(run):
    empty = {} if not run else {name: table(name).empty() for name in ("replay_match", "replay_goal")}
    result = _result(run=run, **empty)
    section = proof_section(result)
    assert [chart["id"] for chart in section.charts] == ["proof-curve", "proof-stock"][bool(run) :]
    assert all(len(line.cells) == len(section.columns) for line in section.lines)
    out = StringIO()
    show_replay(result, Console(file=out, width=140))
    assert "What you did, and what would have been" in out.getvalue()


def test_charts_hold_what_the_tables_say():
    curve, over_time = proof_section(_result()).charts
    assert curve["option"]["series"][0]["data"] == [[3.0, 85.0], [6.5, 97.0]]
    assert {one["name"]: one["data"] for one in curve["option"]["series"][1:]} == {
        "Plimsoll, its own targets": [[8.0, 99.0]], "your min and max": [[6.0, 93.0]],
    }  # fmt: skip
    assert over_time["option"]["xAxis"]["data"] == ["2025-10-26", "2026-10-25"]
    assert over_time["option"]["series"][0]["markArea"]["data"] == [
        [{"xAxis": "2025-10-26"}, {"xAxis": "2026-01-25"}]
    ]


def test_the_report_proves_the_plan_where_it_was_replayed(result):
    bare, proven = html_report(result), html_report(result, _result())
    for word in (
        "proof-curve",
        "proof-stock",
        CHAPTERS["proof"],
        "At the service that your min and max gave",
    ):
        assert word not in bare
        assert word in proven, word
    assert proven.count("<section") == proven.count("</section>") == bare.count("<section") + 1
    assert proven.count("<table") == proven.count("</table>") == bare.count("<table") + 3
