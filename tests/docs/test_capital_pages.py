"""The pages on cash and the first diagnosis: commands run, settings exist, words are those on the screen."""

import re
import shlex
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from plimsoll.cli.app import app
from plimsoll.domain.tables import table
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.maturity import CUTS, PROOFS
from plimsoll.present.labels import LABELS
from plimsoll.present.teardown import TITLES

TASKS = Path(__file__).parents[2] / "docs" / "tasks"
CASH = (TASKS / "free-the-cash.md").read_text(encoding="utf-8")
DIAGNOSIS = (TASKS / "first-diagnosis.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^plimsoll (.+demo-company(?!$).*|.+ demo-company)$", CASH + DIAGNOSIS, re.MULTILINE)


def test_commands_of_the_pages_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    assert run.invoke(app, ["demo", "demo-company", "--items", "50"]).exit_code == 0
    with Path("demo-company", "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    own = [line for line in COMMANDS if "erp-export" not in line]
    assert len(own) == 6
    for words in sorted(own, key=lambda line: not line.startswith("teardown")):  # which makes the plan
        done = run.invoke(app, shlex.split(words))
        assert done.exit_code == 0, done.output
        assert "stranded" in done.output
    assert Path("diagnosis.html").stat().st_size > 100_000


def test_settings_of_the_page_are_the_defaults():
    (block,) = re.findall(r"^```toml\n(.*?)^```$", CASH, re.MULTILINE | re.DOTALL)
    assert CapitalParams.read(tomllib.loads(block)["capital"], "capital") == CapitalParams()
    for name in re.findall(r"`((?:transfer|scrap|discount)_month)`", CASH):
        assert name in CapitalParams.model_fields


def test_every_rule_cause_and_dimension_is_explained():
    for code in table("stranded").column("why").choices[1:]:
        assert f"| {LABELS['release_rule'][code]} |" in CASH
    for name in table("stock_bridge").names:
        if name.startswith("by_"):
            words = LABELS["stock_cause"].get(name[3:], name[3:])
            assert f"| {words} |" in CASH
    for words in [*LABELS["maturity"].values(), *TITLES.values()]:
        assert f"| {words} |" in DIAGNOSIS
    for cut in CUTS:
        assert re.search(rf"\b{100 * cut:.0f}\b", DIAGNOSIS)
    for name in PROOFS:
        assert name in DIAGNOSIS
