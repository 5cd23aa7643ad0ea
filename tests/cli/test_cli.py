"""The command line as people and programs use it: every command, its JSON, its errors and exit codes."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from plimsoll.cli import app as cli
from plimsoll.workflows.pipeline import RESULT_TABLES

MAIN = "from plimsoll.cli.app import main; main()"
HEAVY = ("polars", "numpy", "numba", "scipy", "sqlalchemy", "pydantic", "jinja2")


def plimsoll(*words, **environment):
    """Run one command line in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, words)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def run(capsys, monkeypatch):
    """Run one command line here; returns (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return call


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A small demo company, planned."""
    folder = tmp_path_factory.mktemp("company") / "demo"
    for words in (("demo", folder, "--items", "60"), ("plan", folder, "--report")):
        done = plimsoll(*words)
        assert done.returncode == 0, done.stderr
    return folder


def test_help_loads_nothing_heavy():
    probe = "import sys; import plimsoll.cli.app; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe.replace("{HEAVY}", repr(HEAVY))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_help_and_version(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("demo", "import", "plan", "recommend", "explain", "cash", "report"))
    assert run("--version")[1].startswith("plimsoll ")


def test_the_report_is_written(company):
    reports = sorted(file.suffix for file in (company / "reports").iterdir())
    assert reports == [".html", ".xlsx"]


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (("recommend",), {"run_id", "recommendations"}),
        (("cash", "--by", "supplier"), {"run_id", "by", "groups", "points"}),
        (("report",), {"files"}),
        (("plan",), {"run_id", "totals", "before_after", "findings", "seconds"}),
    ],
)
def test_every_command_speaks_json(run, company, words, keys):
    code, out, _ = run(words[0], company, *words[1:], "--json")
    assert code == 0
    assert keys <= set(json.loads(out))


def test_explain_names_the_four_questions(run, company):
    line = json.loads(run("recommend", company, "--kind", "transfer", "--json")[1])["recommendations"][0]
    point = line["item_id"], line["to_location_id"]
    code, out, _ = run("explain", company, *point)
    assert code == 0
    for question in ("what target, and why?", "How much buffer", "Where is it?", "How much is excess?"):
        assert question in out
    data = json.loads(run("explain", company, *point, "--json")[1])
    assert data["rows"]["recommendation"]["sentence"] == line["sentence"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("plan", "NOWHERE"), 3, "There is no directory"),
        (("cash", "COMPANY", "--by", "suplier"), 2, "Did you mean 'supplier'"),
        (("explain", "COMPANY", "NOTHING"), 2, "NOTHING"),
        (("import", "COMPANY", "NOWHERE"), 2, "does not exist"),
        (("import", "COMPANY", "COMPANY/erp", "--mapping", "mann"), 2, "Did you mean 'man'"),
        (("bench", "plam"), 2, "Did you mean 'plan'"),
        (("plan", "COMPANY", "--as-of", "1990-01-01"), 2, "No demand is known on 1990-01-01"),
    ],
)
def test_errors_say_what_and_what_to_do(run, company, tmp_path, words, code, says):
    places = {"NOWHERE": str(tmp_path / "nowhere"), "COMPANY": str(company)}
    told = [
        word.replace("COMPANY", places["COMPANY"]).replace("NOWHERE", places["NOWHERE"]) for word in words
    ]
    got, _, err = run(*told)
    assert got == code
    assert says in " ".join(err.split())
    assert "Traceback" not in err
    as_json = run(*told, "--json")
    assert json.loads(as_json[2])["what"]


@pytest.mark.parametrize("command", ["plan", "audit", "supply", "accuracy"])
def test_a_workspace_without_data_says_what_to_do(run, tmp_path, command):
    assert run("init", tmp_path / "w")[0] == 0
    code, _, err = run(command, tmp_path / "w")
    assert code == 2
    assert "holds no data yet." in " ".join(err.split())
    assert "plimsoll import" in " ".join(err.split())


def test_a_typo_in_the_settings_is_answered(run, company, tmp_path):
    folder = tmp_path / "w"
    assert run("init", folder)[0] == 0
    (folder / "plimsoll.toml").write_text("[targets]\nabc_cut = [0.8, 0.9]\n")
    code, _, err = run("import", folder, company / "erp", "--mapping", company / "erp" / "mapping.toml")
    assert code == 2
    assert "Did you mean 'abc_cuts'" in " ".join(err.split())


def test_first_import_proposes_a_mapping_and_saves_it(run, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    rows = "\n".join(f"2026-{m:02}-{d:02},A{m % 3},{d}" for m in range(1, 10) for d in (3, 11, 19))
    (source / "sales.csv").write_text(f"Order Date,Material,Quantity\n{rows}\n")
    costs = "".join(f"A{n},part {n},{n or 'four'}\n" for n in range(12))
    (source / "stock.csv").write_text("Material,Quantity on hand\nA0,5\nA1,7\nA2,1\n")
    (source / "parts.csv").write_text("Material,Description,Standard cost\n" + costs)
    assert run("init", tmp_path / "w")[0] == 0
    code, out, err = run("import", tmp_path / "w", source)
    assert code == 0, err
    assert (tmp_path / "w" / "mapping.toml").exists()
    assert "% sure" in out
    assert run("import", tmp_path / "w", source)[1].count("already in force") == 1
    code, out, err = run("plan", tmp_path / "w", "--json")
    assert code == 0, err
    assert json.loads(out)["quarantined"] == {"items": 1}


def test_a_table_that_cannot_be_used_at_all_fails_the_command(run, company, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "stock.csv").write_text("Site,Material,Count Date,On Hand\nBR01,X,2026-10-01,lots\n")
    mapping = tmp_path / "stock.toml"
    mapping.write_text(
        '[[table]]\ntable = "stock"\nfrom = "stock"\n[table.columns]\n'
        'item_id = "Material"\nlocation_id = "Site"\ndate = "Count Date"\non_hand = "On Hand"\n'
    )
    company = shutil.copytree(company, tmp_path / "copy")
    before = json.loads(run("plan", company, "--json")[1])["n_recommendations"]
    code, out, _ = run("import", company, source, "--mapping", mapping)
    assert code == 1
    assert "1 row of 'stock' has a text where a number is needed" in " ".join(out.split())
    assert json.loads(run("plan", company, "--json")[1])["n_recommendations"] == before


def test_importing_again_changes_nothing(run, company):
    words = ("import", company, company / "erp", "--mapping", company / "erp" / "mapping.toml", "--json")
    assert json.loads(run(*words)[1])["is_new"] is False


def _plan_bytes(folder, **environment):
    done = plimsoll("plan", folder, "--json", **environment)
    assert done.returncode == 0, done.stderr
    run_folder = folder / "runs" / json.loads(done.stdout)["run_id"]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in run_folder.glob("*.parquet")}


def test_same_inputs_give_the_same_bytes_for_any_number_of_threads(tmp_path):
    found = []
    for threads in ("1", "2"):
        folder = tmp_path / threads
        assert plimsoll("demo", folder, "--items", "120").returncode == 0
        found.append(_plan_bytes(folder, NUMBA_NUM_THREADS=threads, POLARS_MAX_THREADS=threads))
    assert found[0] == found[1]
    assert {name.removesuffix(".parquet") for name in found[0]} == set(RESULT_TABLES)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX systems")
def test_stopping_leaves_the_last_plan_in_force(company):
    before = sorted(path.name for path in (company / "runs").iterdir())
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "plan", str(company), "--seed", "99"],
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the plan was finished before it could be stopped")
    assert process.returncode == 130
    assert "Stopped at your request" in err
    assert sorted(path.name for path in (company / "runs").iterdir()) == before


def test_bench_names_its_benchmarks_and_the_machine(run):
    listed = json.loads(run("bench", "list", "--json")[1])
    assert {row["name"] for row in listed["tables"]["benchmarks"]} >= {"plan", "man"}


def test_bench_plan_runs_small():
    done = plimsoll("bench", "plan", "--points", "50", "--periods", "60", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["machine"]["polars"]
    assert any(row["stage"] == "Total" for row in data["tables"]["Seconds by stage"])
