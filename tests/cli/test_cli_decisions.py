"""`plimsoll approve`, `export` and `doctor`: what they print, write and return."""

import json

import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.approve import approve
from plimsoll.cli.doctor import doctor
from plimsoll.cli.export import export
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError

app = typer.Typer()
for command in (approve, export, doctor):
    app.command()(command)


@pytest.fixture
def shop(tmp_path, published, line, monkeypatch):
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    published(tmp_path / "shop", [line(1), line(2), line(3, quantity=90.0)])
    return str(tmp_path / "shop")


def run(*words, code=0):
    answer = CliRunner().invoke(app, words, catch_exceptions=False)
    assert answer.exit_code == code, answer.output
    return answer.output


def test_from_the_plan_out_of_the_door(shop):
    assert "Nothing waits" in run("export", shop)
    assert "1 lines accepted" in run("approve", shop, "plan-000001-2")
    assert "1 lines accepted" in run("approve", shop, "--all", "--max-value", "100")
    assert "1 lines refused" in run("approve", shop, "--all", "--refuse", "cash")
    told = json.loads(run("export", shop, "--format", "csv", "--json"))
    assert [(batch["n_lines"], batch["value"], batch["owed"]) for batch in told["batches"]] == [
        (2, 100.0, {})
    ]
    assert "Nothing waits" in run("export", shop, "--pending")
    assert "sound  log" in run("doctor", shop)


def test_what_cannot_be_done_is_said(shop):
    with pytest.raises(InputError, match="either lines by name or all"):
        run("approve", shop)
    with pytest.raises(Unknown, match="plan-000001-7"):
        run("approve", shop, "plan-000001-7")
    with pytest.raises(InputError, match="Did you mean 'cash'"):
        run("approve", shop, "--all", "--refuse", "cahs")
    with pytest.raises(InputError, match="No line was chosen"):
        run("approve", shop, "--all", "--submitted")


def test_what_is_still_owed_has_an_exit_code_of_its_own(shop, tmp_path):
    run("approve", shop, "--all")
    (tmp_path / "shop/exports").write_text("in the way")
    assert "not delivered yet" in run("export", shop, "--format", "csv", code=6)
    assert "WRONG  deliveries" in run("doctor", shop, code=7)
    (tmp_path / "shop/exports").unlink()
    assert "batch-000001.csv" in run("export", shop, "--pending").replace("\n", "")
    assert json.loads(run("doctor", shop, "--json"))["is_sound"]
