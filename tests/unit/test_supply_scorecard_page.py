"""Suppliers and open orders as words: for the report and the terminal."""

from dataclasses import replace
from datetime import date
from html import unescape
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from plimsoll.domain.supply_result import SupplyResult
from plimsoll.domain.tables import table
from plimsoll.present.numbers import count
from plimsoll.present.pages import glue
from plimsoll.present.supply import REASONS, headlines, notes, open_orders, suppliers, supply_section

AS_OF = date(2026, 11, 21)


def frame(name, *rows):
    """The declared table from rows that leave required figures out: they are 0, and flags false."""
    zero = {pl.Float64(): 0.0, pl.Int64(): 0, pl.Boolean(): False}
    empty = {
        column.name: zero[column.dtype]
        for column in table(name).columns
        if column.null == "required" and column.dtype in zero
    }
    values = [empty | row for row in rows]
    return table(name).conform(pl.DataFrame(values, schema=table(name).schema, orient="row"))


def supplier(name, **given):
    return {"from_location_id": name, "supply_kind": "purchase", "judged_by": "promise"} | given


ACME = supplier(
    "Acme <b>", rank=1, n_deliveries=40, lead_days_mean=41.0, lead_days_sd=9.0, promised_days_mean=30.0,
    promised_actual_days_mean=41.0, kept_share=0.25, kept_low=0.1, kept_high=0.4, buffer_value=5000.0,
    buffer_lead_time_value=2000.0, buffer_assumed_value=0.0, one_day_less_value=200.0, n_pairs=50,
    crossed_share=0.1, crossover_value=90.0, lateness_days_p90=20.0, spend_value=1e5,
)  # fmt: skip
MOVED = supplier(
    "Beta", rank=2, judged_by="spread", n_deliveries=30, n_promised=30, exact_share=0.9,
    promises_replanned=True, buffer_lead_time_value=500.0, buffer_assumed_value=0.0, lateness_days_p90=0.0,
)  # fmt: skip
NEW = supplier(
    "Gamma", judged_by="nothing", n_deliveries=2, buffer_lead_time_value=100.0, buffer_assumed_value=100.0
)
LATE = {
    "order_id": "P1", "line": "10", "item_id": "A", "to_location_id": "DC", "from_location_id": "Acme <b>",
    "due_date": date(2026, 11, 1), "quantity": 5.0, "order_value": 500.0, "elapsed_days": 60.0,
    "overdue_days": 20.0, "needed_date": date(2026, 12, 1), "arrives_by_needed_probability": 0.4,
    "arrival_median_date": date(2026, 12, 5), "arrival_95_date": date(2027, 1, 5), "longer_share": 0.2,
    "expected_shortage_value": 70.0, "action": "chase", "action_reason": "needed_before_it_comes",
}  # fmt: skip


FINE = {"order_id": "P2", "action": "leave", "action_reason": "in_time"}


@pytest.fixture
def result():
    return SupplyResult(
        workspace=Path("company"),
        run_id="plan-000001",
        as_of=AS_OF,
        currency="EUR",
        scorecard=frame("supplier_scorecard", ACME, MOVED, NEW),
        arrivals=frame(
            "arrival_risk", LATE, LATE | {"order_id": "P2", "action": "leave", "action_reason": "in_time"}
        ),
        window_days=730,
        least_deliveries=8,
    )


def test_first_sentences_are_money(result):
    assert headlines(result) == [
        "2,600 EUR (52 % of the safety buffer) is held only because lead times vary, 100 EUR of it by an "
        "assumed spread where no receipts tell; one day less spread on every lane would free 200 EUR.",
        "Acme <b> promises 30 days and takes 41 days on average, is on time with 25 % of its deliveries and "
        "costs most: 2,000 EUR of buffer for its variability.",
        "2 open order lines worth 1,000 EUR, 2 of them overdue: 1 to chase.",
        "Lateness of open orders is expected to cost 140 EUR of sales, at price.",
        "3 sources made 72 deliveries in 730 days; 2 made enough to be judged.",
    ]


def test_notes_say_what_limits_the_figures(result):
    moved, few, crossed = notes(result)
    assert moved.startswith(
        "1 source has promises that equal the delivery to the day in 90 % of cases (Beta)"
    )
    assert few == "1 source has fewer than 8 deliveries and gets no rank (Gamma)."
    assert crossed.startswith("In 10.0 % of 50 pairs of consecutive orders the later one came first.")
    assert notes(replace(result, missing=("Nothing is known.",)))[0] == "Nothing is known."


def test_lines_leave_open_what_a_supplier_is_not_judged_by(result):
    acme, beta, gamma = suppliers(result, 9)
    assert (acme.on_time, acme.late_by, acme.takes) == ("25 % (10–40)", "+20", "41 ± 9")
    assert (beta.on_time, beta.late_by, beta.note) == ("–", "–", "promises moved")
    assert (gamma.name, gamma.note) == ("Gamma", "too few to judge")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"trend_long_days": 5.0, "trend_long_error_days": 2.0}, "–"),  # within chance
        ({"trend_long_days": 7.0, "trend_long_error_days": 2.0}, "+7 ± 2 days lately"),
        ({"change_date": date(2026, 3, 1), "change_days": -12.0}, "-12 days since 2026-03-01"),
    ],
)
def test_trend_is_shown_beyond_chance_only(result, given, shown):
    card = frame("supplier_scorecard", ACME | given)
    assert suppliers(replace(result, scorecard=card), 1)[0].trend == shown


def test_orders_say_what_to_do_and_why(result):
    late, fine = open_orders(result, 9)
    assert (late.by_due, late.action, late.at_risk) == ("passed", "chase", "70")
    assert late.sentence == "Needed by 2026-12-01, there by then with 40 %: ask for an earlier day."
    assert fine.sentence == "There by 2026-12-01 with 40 %."
    out = frame("arrival_risk", LATE | {"needed_date": AS_OF, "arrives_by_needed_probability": 0.0})
    assert open_orders(replace(result, arrivals=out), 1)[0].sentence.startswith("Stock is out")


@pytest.mark.parametrize("reason", sorted(set(REASONS) - {"out_of_stock"}))
@pytest.mark.parametrize("known", [True, False])
def test_every_reason_has_a_whole_sentence(result, reason, known):
    row = LATE | {"action_reason": reason}
    if not known and reason not in ("needed_before_it_comes", "speed_pays", "late_and_stock_lasts"):
        row |= {"needed_date": None, "arrives_by_needed_probability": None, "arrives_by_due_probability": 0.5}
    sentence = open_orders(replace(result, arrivals=frame("arrival_risk", row)), 1)[0].sentence
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "–" not in sentence


def test_without_a_plan_nothing_is_said_of_money(result):
    unknown = pl.lit(None, dtype=pl.Float64)
    card = result.scorecard.with_columns(
        *(unknown.alias(name) for name in result.scorecard.columns if name.endswith("_value"))
    )
    section = supply_section(replace(result, scorecard=card, arrivals=result.arrivals.clear()))
    assert section.chart == {}
    assert section.sentences == ["3 sources made 72 deliveries in 730 days; 2 made enough to be judged."]


def test_nothing_at_all_is_shown_as_nothing(result):
    bare = replace(result, scorecard=result.scorecard.clear(), arrivals=result.arrivals.clear())
    section = supply_section(bare)
    assert (section.suppliers, section.orders, section.notes) == ([], [], [])


def test_the_section_of_the_report_escapes_names_and_draws_the_chart(result):
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": count, "glue": glue}
    text = files("plimsoll.present").joinpath("templates", "supply.html.j2").read_text(encoding="utf-8")
    drawing = "{% macro drawing(chart) %}<i>{{ chart.words }}</i>{% endmacro %}"
    section = supply_section(result)
    page = environment.from_string(f"{text}{drawing}{{{{ supply_section(supply, drawing) }}}}").render(
        supply=section
    )
    assert "<b>" not in page.replace("</b>", "")
    assert "Acme <b>" in unescape(page)
    assert section.chart["words"] in unescape(page)
    assert page.count("<tr>") == 2 + 3 + 2 * 2
