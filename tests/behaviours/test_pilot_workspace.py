"""A pilot of a workspace from its fence to its verdict, report and log, on a company counted every week."""

import json
from datetime import UTC, date, datetime, timedelta

import fastexcel
import numpy as np
import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.pilot import pilot_app
from plimsoll.domain.decisions import LineRef, line_id
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.present.pilot_files import html_page, write_pilot
from plimsoll.store import audit_log
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import decide, outbox, pilot
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.pilot_hold import held_items
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
THEN = date(2026, 7, 26)  # a Sunday: the fence is chosen by what was known then
SENT = date(2026, 8, 24)  # after two weeks of audit and two of shadow
KIM = owner("kim")
ROLES = {"fence": 0.7, "control": 1.0}


def counted_weekly(path, fence=None):
    """Publish counts of every week; from SENT on those of the fence are lower by three tenths."""
    with Workspace.open(path) as workspace:
        known = workspace.import_in_force()
        held = workspace.facts(["stock"])["stock"].unique(["item_id", "location_id"], keep="last")
        weeks = [known.as_of - timedelta(days=known.as_of.weekday() + 7 * k) for k in range(80)]
        rng = np.random.default_rng(5)
        rows = held.drop("date").join(pl.DataFrame({"date": weeks}), how="cross").sort("item_id", "date")
        rows = rows.with_columns(pl.col("on_hand") * pl.Series(rng.uniform(0.95, 1.05, rows.height)))
        if fence is not None:
            inside = fence.filter(role="fence")["item_id"]
            treated = pl.col("item_id").is_in(inside.implode()) & (pl.col("date") >= SENT)
            rows = rows.with_columns(
                pl.when(treated).then(0.7 * pl.col("on_hand")).otherwise("on_hand").alias("on_hand")
            )
        parts = {"parameters": known.manifest["parameters"], "inputs": {"stock": f"{fence is None}"}}
        manifest = Manifest("import", known.manifest["version"], known.as_of, 1, **parts)
        tables = workspace.facts() | {"stock": rows.select(held.columns)}
        workspace.publish_import(tables, manifest, at=AT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pilot") / "company"
    build_demo(path, n_items=120, seed=7, at=AT)
    with (path / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n[pilot]\nresamples = 400\noverride_least = 2\n')
    counted_weekly(path)
    make_plan(path, as_of=THEN, at=AT)
    return path


@pytest.fixture(scope="module")
def fence(folder):
    return pilot.propose_fence(folder, "messy_spares", KIM, at=AT, size=25, as_of=THEN)


@pytest.fixture(scope="module")
def running(folder, fence):
    with pytest.raises(InputError, match="No pilot was started"):
        pilot.status(folder, KIM, at=AT)
    with pytest.raises(InputError, match="cannot begin on 2026-07-28"):
        pilot.start(folder, KIM, at=AT, first_day=date(2026, 7, 28))
    begun = pilot.start(folder, KIM, at=AT, first_day=THEN + timedelta(days=1))
    counted_weekly(folder, fence["pilot_fence"])
    make_plan(folder, as_of=date(2026, 8, 12), at=AT)
    plan = make_plan(folder, as_of=date(2026, 8, 30), at=AT)
    inside = fence["pilot_fence"].filter(role="fence")["item_id"]
    lines = plan["line"].filter(pl.col("item_id").is_in(inside.implode()))
    refs = [LineRef(line_id(plan.run_id, number), 0) for number in lines["line_no"]]
    then = datetime(2026, 9, 1, 9, tzinfo=UTC)
    decide.accept(folder, refs[:3], KIM, at=then)
    decide.refuse(folder, refs[3:4], KIM, reason="too_much", text="enough", at=then)
    return begun, len(refs[:4])


def test_a_fence_is_explained_and_alike(fence):
    rows = fence["pilot_fence"]
    assert rows.height == 2 * fence.n_pairs == rows["item_id"].n_unique()
    pairs = rows.pivot("role", index="pair", values="abc")
    assert (pairs["fence"] == pairs["control"]).all()
    power = {row["figure"]: row for row in fence["pilot_power"].to_dicts()}
    assert 0 < power["inventory_value"]["detectable"] < 0.1  # counts here hardly move
    assert power["inventory_value"]["effect_before"] == pytest.approx(0.0, abs=0.02)


def test_the_effect_is_that_of_the_counts_by_hand(folder, fence, running):
    result = pilot.status(folder, KIM, at=AT)
    assert (result.phase, result.n_weeks) == ("over", 9)
    row = result.effect("inventory_value")
    with Workspace.open(folder) as workspace:
        stock = workspace.facts(["stock"])["stock"]
        costs = workspace.result("planning_point").select("item_id", "location_id", "unit_cost_eff")
    money = stock.join(costs, on=["item_id", "location_id"]).join(fence["pilot_fence"], on="item_id")
    money = money.with_columns(worth=pl.col("on_hand") * pl.col("unit_cost_eff"))

    def mean(role, first, weeks):
        inside = money.filter(
            pl.col("role") == role,
            pl.col("date").is_between(first, first + timedelta(weeks=weeks) - timedelta(days=1)),
        )
        return inside.group_by("date").agg(pl.col("worth").sum())["worth"].mean()

    last, before = SENT + timedelta(weeks=5), SENT - timedelta(weeks=26)
    expected = (mean("fence", last, 4) / mean("fence", before, 26)) / (
        mean("control", last, 4) / mean("control", before, 26)
    )
    assert row["effect"] == pytest.approx(expected - 1, abs=1e-9)
    assert row["effect"] == pytest.approx(-0.3, abs=0.02)
    assert result["pilot_check"].filter(check="inventory")["is_passed"].item()


def test_decisions_and_the_shadow_are_on_record(folder, running):
    result = pilot.status(folder, KIM, at=AT)
    _, decided = running
    made = result["pilot_decision"].filter(pl.col("status") != "added")
    assert made.height == decided
    assert made.filter(status="refused")["reason_code"].to_list() == ["too_much"]
    gap = result["pilot_gap"]
    assert gap.height > 0
    assert gap.filter(gap="not_ordered")["why"].str.len_chars().min() > 20


def test_nothing_is_sent_in_shadow_weeks_nor_ever_of_the_control_group(folder, fence, running):
    at = datetime(2026, 8, 13, 9, tzinfo=UTC)
    with Workspace.open(folder) as workspace:
        assert set(held_items(workspace, at.date())) == set(fence["pilot_fence"]["item_id"])
        control = fence["pilot_fence"].filter(role="control")["item_id"]
        assert held_items(workspace, date(2026, 9, 2)) == control.to_list()
        assert held_items(workspace, date(2026, 10, 26)) == []
    assert outbox.export(folder, KIM, formats=["csv"], at=at) is None
    sent = outbox.export(folder, KIM, formats=["csv"], at=datetime(2026, 9, 2, 9, tzinfo=UTC))
    assert sent.n_lines == 3


def test_the_rule_is_fixed_at_the_start(folder, running):
    text = (folder / "plimsoll.toml").read_text(encoding="utf-8")
    (folder / "plimsoll.toml").write_text(
        text.replace("resamples = 400", "resamples = 400\nservice_margin = 0.5"), encoding="utf-8"
    )
    try:
        result = pilot.status(folder, KIM, at=AT)
        assert result.pilot.params["service_margin"] == 0.025
        assert result["pilot_check"].filter(check="service")["limit"].item() == -0.025
    finally:
        (folder / "plimsoll.toml").write_text(text, encoding="utf-8")


def test_only_an_approver_starts_and_only_one_runs(folder, running):
    with pytest.raises(Forbidden):
        pilot.start(folder, Person("lee", "Lee", "planner"), at=AT)
    with pytest.raises(InputError, match="Pilot P1 is running"):
        pilot.start(folder, KIM, at=AT, first_day=date(2026, 8, 3))


def test_earlier_days_know_less(folder, running):
    early = pilot.status(folder, KIM, at=AT, as_of=date(2026, 9, 13))
    assert (early.phase, early.n_weeks, early.verdict) == ("recommend", 3, "running")
    assert early["pilot_look"].height == 3
    assert pilot.status(folder, KIM, at=AT, as_of=date(2026, 8, 10)).phase == "shadow"


def test_the_report_says_it_in_html_and_numbers(folder, running, tmp_path):
    result = pilot.status(folder, KIM, at=AT)
    page, book = write_pilot(result, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert result.sentence.split(".")[0] in text.replace("\u00a0", " ")
    assert "Without the pilot, season and market moved" in text
    assert text == html_page(result)
    assert "<script src" not in text
    sheets = fastexcel.read_excel(str(book)).sheet_names
    assert {"Effects", "Rule", "Weeks", "Decisions", "Shadow", "Fence"} <= set(sheets)
    effects = fastexcel.read_excel(str(book)).load_sheet("Effects").to_polars()
    found = effects.filter(pl.col("figure") == "inventory_value", pl.col("against") == "baseline")
    assert found["effect"].item() == pytest.approx(result.effect("inventory_value")["effect"])


def test_a_verdict_ends_the_pilot_and_is_in_the_log(folder, running):
    result = pilot.verdict(folder, KIM, at=AT)
    assert result.run_id
    assert result.pilot.status == "ended"
    with Workspace.open(folder) as workspace:
        events, _ = audit_log.page(workspace, object_type="pilot")
        assert audit_log.verify(workspace).broken == ""
    assert events["action"].to_list() == ["end_pilot", "start_pilot"]
    assert json.loads(events["new"][1])["params"]["service_margin"] == 0.025
    with pytest.raises(InputError, match="not running"):
        pilot.stop(folder, KIM, reason="late", at=AT)


def test_commands_speak_and_answer_bad_input(folder, running, tmp_path):
    app = typer.Typer()
    app.add_typer(pilot_app, name="pilot")

    def told(*words):
        return CliRunner().invoke(app, ["pilot", *words], env={"COLUMNS": "160"})

    shown = told("status", str(folder), "--as-of", "2026-10-31")
    assert shown.exit_code == 0, shown.output
    assert "Inventory value" in shown.output
    data = json.loads(told("status", str(folder), "--json").output)
    assert data["n_weeks"] == 9
    assert "places" in told("shadow", str(folder)).output
    nothing = tmp_path / "none.txt"
    nothing.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="names 0 items"):
        raise told("fence", str(folder), "--items", str(nothing)).exception
    bare = tmp_path / "bare"
    init_workspace(bare)
    with pytest.raises(InputError, match="holds no data yet"):
        raise told("fence", str(bare)).exception


def test_too_short_a_history_says_what_would_do(folder):
    with pytest.raises(InputError, match="no plan of 2024-12-15"):
        pilot.propose_fence(folder, "messy_spares", KIM, at=AT, as_of=date(2024, 12, 15))
    make_plan(folder, as_of=date(2024, 12, 15), at=AT)
    with pytest.raises(InputError, match="a pilot wants 26") as told:
        pilot.propose_fence(folder, "messy_spares", KIM, at=AT, as_of=date(2024, 12, 15))
    assert "baseline_weeks to" in told.value.remedy
