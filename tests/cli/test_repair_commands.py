"""`plimsoll repair` as people and programs use it: every command, its JSON, its refusals."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.repair import repair_app
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import table
from plimsoll.store import Workspace

AS_OF = date(2026, 6, 30)
WHO = ("--author", "Ann", "--reason", "looked at it")


@pytest.fixture
def folder(tmp_path):
    days = [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)]
    lines = {"date": days, "item_id": ["A", "A", "B"], "location_id": "M", "quantity": [5.0, 900.0, 4.0]}
    facts = {
        "demand": table("demand").conform(pl.DataFrame(lines)),
        "items": table("items").conform(pl.DataFrame({"item_id": ["A", "B"], "unit_cost": [2.0, 4.0]})),
    }
    with Workspace.create(tmp_path / "shop") as workspace:
        manifest = Manifest("import", "0.1.0", AS_OF, 0, {}, {})
        workspace.publish_import(facts, manifest, at=datetime(2026, 7, 1, tzinfo=UTC))
    return tmp_path / "shop"


@pytest.fixture
def run(folder):
    """Run `plimsoll repair FOLDER …`; returns what it printed, or raises what it refused with."""

    def call(*words):
        answer = CliRunner(env={"COLUMNS": "110"}).invoke(repair_app, [str(folder), *map(str, words)])
        if isinstance(answer.exception, PlimsollError):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    return call


CAP = ("--kind", "cap", "--table", "demand", "--item", "A", "--column", "quantity", "--value", "50")


def test_a_repair_from_preview_to_withdrawal(run):
    assert "No repair is in force" in run("list")
    seen = run("preview", *CAP)
    assert "1 repair would act; nothing was recorded" in seen
    assert "1 row of demand read otherwise (3 before, 3 after)" in seen
    assert [line.split()[-1] for line in seen.splitlines() if line.startswith(("before", "after"))] == [
        "900",
        "50",
    ]
    assert "No repair is in force" in run("list")
    done = run(
        "add", *CAP, *WHO, "--where", "quantity > 100", "--from", "2026-01-01", "--until", "2026-02-01"
    )
    assert "1 repair is in force now" in done
    assert (
        "R1  cap quantity of demand at 50 where item_id = A and quantity > 100, dated 2026-01-01 to" in done
    )
    listed = run("list")
    assert "(Ann: looked at it)" in " ".join(listed.split())
    assert "-1,700" in listed
    gone = run("withdraw", "R1", "--author", "Ben", "--reason", "it was real")
    assert "R1 is withdrawn: cap quantity" in gone
    assert "1 withdrawn repair: --all shows it." in run("list")
    assert "by Ben: it was real" in " ".join(run("list", "--all").split())


def test_every_command_answers_in_json(run):
    data = json.loads(run("add", *CAP, *WHO, "--json"))
    assert data["recorded"]
    assert data["repairs"][0]["id"] == "R1"
    assert data["effects"][0]["n_rows"] == 1
    assert data["changes"]["demand"]["after"][0]["quantity"] == 50.0
    assert json.loads(run("preview", *CAP[:-1], "40", "--json"))["recorded"] is False
    assert json.loads(run("list", "--json"))["in_force"][0]["rule"].startswith("cap quantity of demand")
    gone = json.loads(run("withdraw", "1", *WHO, "--json"))
    assert gone["repairs"][0]["withdrawn_by"] == "Ann"
    log = json.loads(run("list", "--json"))
    assert (log["in_force"], len(log["withdrawn"])) == ([], 1)


def test_items_are_merged_and_histories_transferred(run):
    shown = run("add", "--kind", "merge", "--item", "B", "--to", "A", *WHO)
    assert "1 row of demand read otherwise" in shown
    assert "1 row of items read otherwise (2 before, 1 after)" in shown
    run("withdraw", "R1", *WHO)
    words = ("--kind", "transfer", "--item", "B", "--to", "A", "--value", "0.5", "--factor", "2")
    shown = run("add", *words, "--since", "2027-01-01", *WHO)
    assert "waiting: It is for plans from 2027-01-01." in " ".join(shown.split())


def test_suggestions_of_a_check(run, folder, monkeypatch):
    workflow = pytest.importorskip("plimsoll.workflows.audit")
    rows = [
        {"code": "cost_wrong", "table": "items", "key": item, "item_id": item, "severity": "warning",
         "detail": "?", "repair": "set", "repair_column": "unit_cost", "repair_value": 3.0}
        for item in ("A", "Q")
    ]  # fmt: skip
    found = table("audit_row").conform(pl.DataFrame(rows, schema_overrides=table("audit_row").schema))

    class Found:
        def __init__(self, *_, **__):
            self.rows = found

    monkeypatch.setattr(workflow, "audit_workspace", Found)
    assert "1 repair would act" in run("preview", "cost_wrong", "--item", "A")
    with pytest.raises(InputError, match="none was accepted"):
        run("accept", "cost_wrong", *WHO)
    shown = run("accept", "cost_wrong", "--all", *WHO)
    assert "1 repair is in force now" in shown
    assert "1 left out" in shown
    assert "Q: No imported row answers to it" in " ".join(shown.split())
    assert "No repair was put in force." in run("accept", "cost_wrong", "--all", *WHO)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("preview",), "needs one of them"),
        (("preview", "cost_wrong", *CAP), "needs one of them"),
        (("add", *CAP[:2], *WHO), "table to repair is missing"),
        (("add", *CAP[:-1], "many", *WHO), "'many' is not a number"),
        (("add", *CAP, "--author", "Ann", "--reason", " "), "The reason is missing"),
        (("add", "--kind", "drop", "--table", "demand", "--item", "Z", *WHO), "No row answers to it"),
        (("withdraw", "R7", *WHO), "has no repair R7"),
    ],
)
def test_refusals(run, words, match):
    with pytest.raises(PlimsollError, match=match):
        run(*words)


def test_help_is_instant_and_complete():
    group = typer.main.get_command(repair_app)
    assert set(group.commands) == {"list", "accept", "add", "preview", "withdraw"}
    for command in group.commands.values():
        assert command.help
        assert all(part.help for part in command.params)
        assert "--json" in {option for part in command.params for option in part.opts}
