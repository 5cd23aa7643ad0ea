"""The shadow place by place, reports where something is missing, and a pilot simulated on a small scale."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.pilots import FenceResult, Pilot, PilotResult
from plimsoll.integrations import paper
from plimsoll.pilot import LINE, ORDER, PilotParams, gaps
from plimsoll.present import pilot as view
from plimsoll.present.pilot_files import html_page
from plimsoll.present.pilot_terminal import item_ids
from plimsoll.workflows.benchmarks import pilot as bench
from plimsoll.workflows.benchmarks.pilot_company import PilotCompany

DAY = date(2026, 3, 2)


def frame(rows, schema):
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_each_gap_by_hand():
    lines = [
        (DAY, "same", 100.0), (DAY + timedelta(days=1), "same", 120.0), (DAY, "more", 100.0),
        (DAY, "less", 100.0), (DAY, "later", 100.0), (DAY + timedelta(days=9), "earlier", 100.0),
        (DAY, "idle", 100.0),
    ]  # fmt: skip
    orders = [
        (DAY + timedelta(days=2), "same", 95.0), (DAY, "more", 60.0), (DAY + timedelta(days=3), "more", 60.0),
        (DAY, "less", 80.0), (DAY + timedelta(days=5), "later", 100.0), (DAY, "earlier", 100.0),
        (DAY, "besides", 7.0),
    ]  # fmt: skip
    found = gaps(
        frame([(day, item, "A", qty, 2.0, f"{item} is short") for day, item, qty in lines], LINE),
        frame([(day, item, "A", qty) for day, item, qty in orders], ORDER),
        pl.DataFrame(
            {
                "item_id": ["same", "more", "less", "later", "earlier", "idle", "besides"],
                "location_id": "A",
                "unit_cost": 2.0,
                "reorder_point_qty": 10.0,
                "position_qty": 42.0,
            }
        ),
    )
    rows = {row["item_id"]: row for row in found.to_dicts()}
    expected = {
        "same": ("same", -10.0), "more": ("more", 40.0), "less": ("less", -40.0), "later": ("later", 0.0),
        "earlier": ("earlier", 0.0), "idle": ("not_ordered", -200.0), "besides": ("not_recommended", 14.0),
    }  # fmt: skip
    assert {item: (row["gap"], row["gap_value"]) for item, row in rows.items()} == expected
    assert rows["same"]["n_days"] == 2
    assert rows["same"]["recommended_qty"] == 100.0
    assert rows["idle"]["why"] == "idle is short"
    assert "at 42, above the reorder point of 10" in rows["besides"]["why"]


def bare_result(tmp_path):
    params = PilotParams().model_dump(mode="json")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    one = Pilot("P1", "pilot_fence-000001", DAY, params, "stopped", at, "kim", at, "kim", "<b>no</b> trucks")
    fence = FenceResult(tmp_path, one.fence_run, DAY, "EUR", "named", params, {})
    return PilotResult(tmp_path, "", DAY, "EUR", one, "stopped", "running", "", None, 0, fence)


def test_a_report_without_figures_says_so_and_runs_nothing(tmp_path):
    text = html_page(bare_result(tmp_path))
    assert "Stopped by a person" in text
    assert "<b>no</b>" not in text
    assert "&lt;b&gt;no&lt;/b&gt; trucks" in text
    assert "Nothing was recommended or ordered" in text
    assert view.charts(bare_result(tmp_path)) == []


def test_phases_follow_each_other_without_a_gap():
    params = PilotParams().model_dump(mode="json")
    one = Pilot("P1", "run", DAY, params, "running", datetime(2026, 3, 1, tzinfo=UTC), "kim")
    assert (one.last_day - one.first_day).days + 1 == 91
    assert one.sent_from == DAY + timedelta(weeks=4)
    days = [one.phase(DAY + timedelta(days=k)) for k in (-1, 0, 13, 14, 27, 28, 83, 84, 90, 91)]
    assert days == [
        "waiting", "audit", "audit", "shadow", "shadow", "recommend", "recommend", "measure", "measure",
        "over",
    ]  # fmt: skip


def test_without_a_browser_no_page_is_printed(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "which", lambda name: None)
    assert not paper.print_page(tmp_path / "page.html", tmp_path / "page.pdf")
    monkeypatch.setattr(paper, "which", lambda name: "/bin/false")
    assert not paper.print_page(tmp_path / "page.html", tmp_path / "page.pdf")


def test_a_list_of_items_is_read_once_each_and_refused_when_it_cannot_be(tmp_path):
    file = tmp_path / "items.txt"
    file.write_text("\ufeffA-1\n\n A-2 \nA-1\n", encoding="utf-8")
    assert item_ids(file) == ("A-1", "A-2")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        item_ids(file)


def small_company(n=160):
    """Items at one place whose planners hold three times what the plan would."""
    rng = np.random.default_rng(1)
    rate, line = rng.uniform(0.5, 2.0, n), np.full(n, 3.0)
    week = 7 * rate * line
    plan = np.column_stack([np.ceil(5 * week), np.ceil(5 * week + week)])
    points = pl.DataFrame(
        {
            "item_id": [f"I{k:03}" for k in range(n)],
            "location_id": "A",
            "description": "thing",
            "abc": "B",
            "demand_class": "lumpy",
            "annual_value": 52 * week,
            "lead_days": 14.0,
            "astray": week,
            "on_hand_value": 0.0,
            "unit_cost": 1.0,
            "unit_price": 2.0,
            "expedite_cost": 100.0,
        }
    )
    whole = np.ones(n)
    return PilotCompany(
        seed=1, as_of=date(2026, 2, 28), points=points, rate=rate, line_qty=line, amplitude=0 * rate,
        peak_week=0 * rate, lead_mean=14 * whole, lead_sd=3 * whole, minimum=0 * whole, multiple=whole,
        old=plan + 8 * np.ceil(week)[:, None], plan=plan,
    )  # fmt: skip


def test_simulated_pilots_end_as_they_should():
    params = PilotParams(size=80, least_size=40, resamples=400)
    company = small_company()
    good = bench.trial(company, bench.EFFECT, 1, params)
    assert good.verdict.verdict == "go"
    assert good.n_pairs >= 40
    assert bench.trial(company, bench.NOTHING, 1, params).verdict.verdict != "go"
    ignored = bench.trial(company, bench.STUBBORN, 1, params)
    assert ignored.verdict.verdict == "stop"
    assert ignored.overridden > 0.9
    again = bench.trial(company, bench.EFFECT, 1, params)
    assert again.effects.equals(good.effects)
    # Whoever was right all along is not overridden: planners that are all wise, and advice that is theirs.
    same = replace(company, old=company.plan)
    assert bench.trial(same, bench.EFFECT, 1, params).overridden < 0.15
