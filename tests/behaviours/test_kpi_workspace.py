"""Key figures of a workspace: drawn, kept, seen in part, and the same as those of a replay."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from plimsoll.cli.app import app
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.kpis import FOUR, KPIS
from plimsoll.domain.people import Person
from plimsoll.measure.kpis import Evidence, kpis
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.kpi import Asked, load_kpis, measure_kpis
from plimsoll.workflows.replay import replay_workspace

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
SUNDAY = date(2026, 11, 1)
POINT = ["item_id", "location_id"]
ALL = Person("kim", "Kim", "viewer")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("kpi") / "company"
    build_demo(path, n_items=50, seed=7, at=AT)
    with (path / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n[kpi]\nperiod = "week"\nperiods = 60\n')
        file.write("[kpi.targets]\nfill_rate = 0.95\n")
    return path


@pytest.fixture(scope="module")
def drawn(folder):
    return measure_kpis(folder, at=AT, as_of=SUNDAY)


@pytest.fixture(scope="module")
def replayed(folder, drawn):
    del drawn  # first: a folder without a replay is asked for one below
    with pytest.raises(InputError, match="No replay tells of key figures yet"):
        measure_kpis(folder, Asked(source="replay"), at=AT, as_of=SUNDAY)
    given = {"every": 26, "goals": (0.85, 0.97), "resamples": 100}
    return replay_workspace(folder, (), given, at=AT, as_of=SUNDAY)


def of_run(folder, kind, name):
    with Workspace.open(folder) as workspace:
        return workspace.result(name, kind=kind)


def test_the_records_and_a_replay_say_the_same_of_the_same_days(folder, drawn, replayed):
    first = replayed.counted_from + timedelta(days=1)
    asked = Asked(first=first, last=replayed.end)
    result = measure_kpis(folder, asked, at=AT, as_of=SUNDAY)
    assert (result.first, result.last) == (first, replayed.end), "weeks on both sides"
    kept = replayed["ledger"].select(POINT).unique()
    ledger = of_run(folder, "kpi", "kpi_ledger").join(kept, on=POINT, how="semi")
    weeks = pl.DataFrame({"period": pl.date_range(first, replayed.end, "1w", eager=True), "days": 7.0})
    found = dict(kpis(Evidence(ledger, weeks)).select("kpi", "value").iter_rows())
    for name in FOUR:
        told = replayed.figure(name, "recorded")["value"]
        assert found[name] == (None if told is None else pytest.approx(told, rel=1e-9)), name
    assert None not in (found["inventory_value"], found["fill_rate"], found["turns"])
    assert drawn.value("fill_rate") != found["fill_rate"], "other days, other figures"


def test_the_ledger_of_a_replay_says_what_its_figures_say(folder, drawn, replayed):
    del drawn
    result = measure_kpis(folder, Asked(source="replay"), at=AT, as_of=SUNDAY)
    rules = {"replay ours": "ours", "replay current": "current", "replay same_service": "same_service"}
    assert set(rules) <= set(result.sources)
    for source, rule in rules.items():
        for name in (*FOUR, "line_fill_rate"):
            told = replayed.figure(name, rule)["value"]
            assert result.value(name, source=source) == pytest.approx(told, rel=1e-5), (rule, name)
    one = measure_kpis(folder, Asked(source="ours", by="location"), at=AT, as_of=SUNDAY)
    assert one.figures["source"].unique().to_list() == ["replay ours"]
    stock = one.figures.filter(kpi="inventory_value")["value"].sum()
    assert stock == pytest.approx(result.value("inventory_value", source="replay ours"))
    with pytest.raises(SettingError, match="no source 'our'") as unknown:
        measure_kpis(folder, Asked(source="our"), at=AT, as_of=SUNDAY)
    assert "ours" in unknown.value.remedy


def test_the_same_records_give_the_same_run(folder, drawn):
    again = measure_kpis(folder, at=AT + timedelta(hours=1), as_of=SUNDAY)
    assert again.run_id == drawn.run_id
    assert again.figures.equals(drawn.figures)
    loaded = load_kpis(folder, ALL)
    assert loaded is not None
    assert loaded.figures.equals(drawn.figures)
    assert loaded.trend.equals(drawn.trend)


def test_a_target_of_the_settings_stands_beside_the_figure(drawn):
    assert drawn.figures.filter(kpi="fill_rate")["target"].item() == 0.95
    assert drawn.figures["target"].count() == 1


def test_a_person_sees_the_figures_of_what_is_in_scope(folder, drawn):
    points = of_run(folder, "kpi", "kpi_point")
    place = points["location_id"].sort()[0]
    here = Person("lee", "Lee", "viewer", locations=(place,))
    seen = load_kpis(folder, here)
    whole = load_kpis(folder, ALL, Asked(by="location"))
    assert seen is not None
    assert whole is not None
    for name in ("inventory_value", "fill_rate", "otif"):
        assert seen.value(name) == whole.value(name, place) != drawn.value(name), name
    assert seen.value("time_to_replan") is None


def test_days_outside_the_ledger_are_refused(folder, drawn):
    del drawn
    with pytest.raises(InputError, match="No day from 2020-01-01 to 2020-02-01 is in the ledger"):
        load_kpis(folder, ALL, Asked(first=date(2020, 1, 1), last=date(2020, 2, 1)))
    some = load_kpis(folder, ALL, Asked(first=date(2026, 6, 3), last=date(2026, 6, 9)))
    assert some is not None
    assert (some.first, some.last) == (date(2026, 6, 1), date(2026, 6, 14)), "widened to whole weeks"


def test_rows_behind_a_figure(folder, drawn):
    del drawn
    asked = Asked(rows_of="fill_rate", size=3)
    found = load_kpis(folder, ALL, asked)
    assert found is not None
    assert found.rows is not None
    assert (found.rows.height, found.n_rows > 3) == (3, True)
    short = (found.rows["asked_value"] - found.rows["served_value"]).to_list()
    assert short == sorted(short, reverse=True)
    with pytest.raises(InputError, match="not drawn from rows"):
        load_kpis(folder, ALL, Asked(rows_of="wape"))


def test_nothing_imported_is_said(tmp_path):
    Workspace.create(tmp_path / "empty").close()
    with pytest.raises(InputError, match="holds no data yet"):
        measure_kpis(tmp_path / "empty", at=AT)
    assert load_kpis(tmp_path / "empty", ALL) is None


def test_the_command(folder, drawn):
    del drawn
    run = CliRunner()
    whole = run.invoke(app, ["kpi", str(folder)])
    assert whole.exit_code == 0, whole.output
    assert [each.label for each in KPIS.values() if each.label not in whole.output] == []
    assert "It needs expedited and freight_cost in table receipts." in " ".join(whole.output.split())
    assert "95.0 % ✗" in whole.output
    data = json.loads(run.invoke(app, ["kpi", str(folder), "--json", "--by", "segment"]).output)
    assert {row["kpi"] for row in data["figures"]} == {
        "fill_rate", "line_fill_rate", "otif", "perfect_order_rate", "wape", "bias",
    }  # fmt: skip
    assert data["definitions"]["turns"]["formula"] == KPIS["turns"].formula
    periods = run.invoke(app, ["kpi", str(folder), "--by", "period", "--from", "2026-10-01"]).output
    assert "2026-09-28" in periods
    assert "2026-09-21" not in periods
    rows = run.invoke(app, ["kpi", str(folder), "--rows", "otif", "--top", "2"]).output
    assert "2 of" in rows
    groups = run.invoke(app, ["kpi", str(folder), "--by", "location", "--top", "2"]).output
    assert "more groups" in groups
