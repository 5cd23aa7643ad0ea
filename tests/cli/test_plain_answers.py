"""What a newcomer meets when asking for what is not there: an answer with the way on, and no false claim."""

import io
import re
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest
from rich.console import Console

from plimsoll.cli.app import main
from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.lifecycle_result import SECTIONS
from plimsoll.domain.repair_results import TableChange
from plimsoll.domain.repairs import Condition, Repair
from plimsoll.domain.tables import table
from plimsoll.present import repairs as present
from plimsoll.present.audit import ranked
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.audit import audit_workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.lifecycle import life_cycles
from plimsoll.workflows.onboard import import_source
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.supply_review import review_supply

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("answers") / "demo"
    build_demo(path, n_items=60, seed=3, at=AT)
    make_plan(path, at=AT)
    return path


@pytest.fixture
def ask(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        return left.value.code, shown.out, " ".join(shown.err.split())

    return call


@pytest.fixture
def of_an_earlier_version(folder, monkeypatch):
    """The same plan, as though it had been made before these tables existed."""
    newer = {*SECTIONS.values(), "supplier_scorecard", "arrival_risk"}
    latest = Workspace.latest_run

    def without(self, kind):
        run = latest(self, kind)
        for name in newer & set(run.tables):
            run.tables.pop(name)
        return run

    monkeypatch.setattr(Workspace, "latest_run", without)


def test_an_unknown_item_is_refused_with_and_without_json(ask, folder):
    for words in ((), ("--json",), ("--code", "negative_on_hand")):
        code, out, err = ask("audit", folder, "--item", "NOPE", *words)
        assert (code, out) == (2, "")
        assert "Item 'NOPE' is kept nowhere" in err


def test_a_covered_code_names_the_check_that_tells(ask, folder):
    code, _, err = ask("audit", folder, "--code", "negative_demand")
    assert code == 2
    assert "Ask for returned_goods." in err
    assert "Ask for returned_goods." in ask("repair", folder, "preview", "negative_demand", "--all")[2]


def test_errors_are_the_first_lines_of_the_audit(folder):
    assert ranked(audit_workspace(folder, at=AT).findings)["severity"][0] == "error"


def test_money_in_sentences_is_short(folder):
    details = audit_workspace(folder, at=AT).rows.filter(code="lead_time_contradicted")["detail"]
    assert details.str.contains("short of|too much").any()
    assert not details.str.contains(r"(short of|too much|about) \d{5,}").any()


def test_a_file_that_cannot_be_written_names_the_path(ask, folder, tmp_path):
    code, _, err = ask("audit", folder, "--csv", tmp_path / "none" / "a.csv")
    assert code == 3
    assert "Check the path." in err
    assert "Free space" not in err


def test_a_blank_author_is_refused_once(ask, folder):
    words = ("accept", "moq_out_of_line", "--all", "--author", " ", "--reason", "x")
    code, out, err = ask("repair", folder, *words)
    assert (code, out) == (2, "")
    assert err.count("The author is missing.") == 1


def test_a_division_is_said_as_one():
    where = (Condition("item_id", "=", "A"),)
    rule = Repair("convert", "lanes", where, "Ann", "gross", "min_order_qty", 1 / 144)
    assert str(rule) == "divide min_order_qty of lanes by 144 where item_id = A"


def test_a_change_of_many_columns_fits_a_narrow_terminal():
    day = date(2026, 11, 3)
    rows = pl.DataFrame(
        {"date": [day], "item_id": ["COO-00408"], "location_id": ["DC3"], "order_id": ["RE0000141"],
         "line": ["90"], "customer_id": ["C20010"], "promised_date": [day], "shipped_date": [day],
         "quantity": [-6.0], "shipped_quantity": [-6.0], "unit_price": [47.31]}
    )  # fmt: skip
    before = table("demand").conform(rows)
    text = io.StringIO()
    change = TableChange(1, 0, 1, 0, before, before.clear())
    present._show_change("demand", change, Console(file=text, width=80))
    assert re.search(r"2026-11-03 +COO-00408 +DC3 .*-6", text.getvalue())


@pytest.mark.usefixtures("of_an_earlier_version")
def test_a_plan_of_an_earlier_version_claims_nothing_about_life_cycles(folder):
    with pytest.raises(WorkspaceError, match=r"earlier version.*plimsoll plan"):
        life_cycles(folder)
    result = review_supply(folder, at=AT)
    assert "plan-000001 was made by an earlier version" in result.missing[0]


def test_a_loop_of_successors_is_no_item_to_transfer_to(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    heirs = {"A": "B", "B": "A", "C": "C", "D": "Z", "E": "F", "F": ""}
    items = [f"{item},Thing {item},5,{heir},2027-01-01" for item, heir in heirs.items()]
    heads = "item_id,description,unit_cost,superseded_by,launch_date"
    (source / "items.csv").write_text("\n".join([heads, *items]))
    days = [f"2026-{month:02}-0{day}" for month in range(1, 7) for day in range(1, 9)]
    lines = [f"{day},{item},W,2" for day in days for item in "ABCDEF"]
    (source / "demand.csv").write_text("\n".join(["date,item_id,location_id,quantity", *lines]))
    stock = [f"2026-06-30,{item},W,9" for item in "ABCDEF"]
    (source / "stock.csv").write_text("\n".join(["date,item_id,location_id,on_hand", *stock]))
    path = tmp_path / "ws"
    Workspace.create(path).close()
    import_source(path, source, mapping=None, at=AT)
    rows = audit_workspace(path, at=AT).rows.filter(code="superseded_item")
    suggested = rows.drop_nulls("repair")
    assert rows["item_id"].to_list() == ["A", "B", "C", "D", "E"]
    assert suggested.select("item_id", "repair_to").rows() == [("E", "F")]
    make_plan(path, at=AT)
    assert "successor_impossible" in life_cycles(path).findings["code"]
