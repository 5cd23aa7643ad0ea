"""The rule of the verdict, the rails, and what a pilot can see."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.pilot import PilotParams, judged, overriding
from plimsoll.pilot.verdict import EXTEND, GO, RUNNING, STOP

PARAMS = PilotParams()
MONDAY = date(2026, 3, 2)


def effects(stock=(-0.08, -0.12, -0.04), service=(-0.002, -0.01, 0.006)):
    rows = []
    for figure, (effect, low, high), scale in (
        ("inventory_value", stock, "ratio"),
        ("perfect_order_rate", service, "difference"),
    ):
        rows.append(
            {
                "figure": figure, "against": "baseline", "unit": "money", "scale": scale, "effect": effect,
                "se": 0.02, "low_90": low, "high_90": high, "low_95": low, "high_95": high, "n_pairs": 9,
                "definition": "",
            }
        )  # fmt: skip
    return table("pilot_effect").conform(pl.DataFrame(rows))


def looks(crossed=False):
    row = {
        "look": 1, "week": MONDAY, "effect": -0.03, "se": 0.01, "z": 2.0, "boundary": 2.2,
        "information": 0.1, "is_crossed": crossed,
    }  # fmt: skip
    return table("pilot_look").conform(pl.DataFrame([row]))


def decided(*rates, n=100):
    rows = [
        {
            "week": MONDAY + timedelta(weeks=k), "item_id": f"{k}/{j}", "location_id": "A",
            "status": "changed" if j < rate * n else "accepted", "reason_code": "cash",
        }
        for k, rate in enumerate(rates)
        for j in range(n)
    ]  # fmt: skip
    schema = {
        "week": pl.Date, "item_id": pl.String, "location_id": pl.String, "status": pl.String,
        "reason_code": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def verdict(*, weeks=PARAMS.treated_weeks, crossed=False, rates=(0.1, 0.1, 0.1), **given):
    return judged(
        effects(**given), looks(crossed), overriding(decided(*rates), PARAMS), PARAMS, n_weeks=weeks
    )


def test_go_needs_a_proven_fall_and_service_within_the_margin():
    found = verdict()
    assert found.verdict == GO
    assert "−8.0 % (−12.0 % to −4.0 %)" in found.sentence
    assert found.checks["is_passed"].to_list() == [True] * 5
    assert verdict(stock=(-0.08, -0.17, 0.001)).verdict == EXTEND
    assert verdict(service=(-0.002, -0.026, 0.022)).verdict == EXTEND


def test_stop_where_even_a_worthwhile_fall_is_ruled_out():
    found = verdict(stock=(0.0, -0.02, 0.02))
    assert found.verdict == STOP
    assert "3 % or more is ruled out" in found.sentence


def test_stop_where_service_is_proven_worse_whatever_inventory_does():
    found = verdict(service=(-0.04, -0.05, -0.03))
    assert found.verdict == STOP
    assert "Service is worse" in found.sentence


def test_rails_stop_a_pilot_at_any_week_and_nothing_else_does():
    assert verdict(weeks=3).verdict == RUNNING
    assert verdict(weeks=3, service=(-0.04, -0.05, -0.03)).verdict == RUNNING
    assert verdict(weeks=3, crossed=True).verdict == STOP
    stopped = verdict(weeks=3, rates=(0.9, 0.9, 0.9))
    assert stopped.verdict == STOP
    assert "90 %" not in verdict(weeks=3).sentence
    assert "3 weeks in a row" in stopped.sentence


def test_an_extension_says_how_many_weeks_would_show_what_was_seen():
    found = verdict(stock=(-0.03, -0.07, 0.01))
    # (2.80 x 0.02 / ln(1 / 0.97))^2 = 3.385 times the 9 weeks
    assert found.verdict == EXTEND
    assert found.more_weeks == 22
    assert verdict(stock=(0.01, -0.04, 0.06)).more_weeks is None


def test_what_is_not_known_is_neither_go_nor_stop():
    none = (None, None, None)
    found = judged(
        effects(stock=none, service=none), looks(), overriding(decided(), PARAMS), PARAMS, n_weeks=9
    )
    assert found.verdict == EXTEND
    assert found.checks.filter(pl.col("is_passed").is_null())["check"].to_list() == [
        "inventory", "overrides", "service", "worth",
    ]  # fmt: skip


def test_overriding_by_week_by_hand():
    found = overriding(decided(0.9, 0.9, 0.1, 0.9, 0.9, 0.9), PARAMS)
    assert found["rate"].to_list() == pytest.approx([0.9, 0.9, 0.1, 0.9, 0.9, 0.9])
    assert found["is_crossed"].to_list() == [False] * 5 + [True]
    few = overriding(decided(0.9, 0.9, 0.9, n=10), PARAMS)
    assert not few["is_crossed"].any()  # fewer than the least decisions of a week say nothing


def test_a_recommendation_refused_again_counts_once():
    rows = [
        (MONDAY, "refused"), (MONDAY + timedelta(weeks=1), "refused"),
        (MONDAY + timedelta(weeks=5), "refused"),
        (MONDAY + timedelta(weeks=12), "refused"), (MONDAY + timedelta(weeks=12), "added"),
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["week", "status"], orient="row").with_columns(
        item_id=pl.lit("I"), location_id=pl.lit("A"), reason_code=pl.lit("")
    )
    found = overriding(frame, PARAMS)
    assert found["week"].to_list() == [MONDAY, MONDAY + timedelta(weeks=12)]
    assert found["overridden"].to_list() == [1, 2]
    assert found["without_reason"].to_list() == [1, 2]
