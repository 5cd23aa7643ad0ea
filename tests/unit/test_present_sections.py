"""Suppliers, life cycles, history and audit of a plan: in report, workbook, terminal and explanation."""

import dataclasses
import re
from datetime import UTC, date, datetime
from html import unescape
from io import StringIO

import fastexcel
import polars as pl
import pytest
from rich.console import Console

from plimsoll.domain.tables import table
from plimsoll.present import history, terminal, view
from plimsoll.present.explanation import explained
from plimsoll.present.report import CHAPTERS, html_report, page_of
from plimsoll.present.supply import headlines
from plimsoll.present.workbook import lists, write_workbook
from plimsoll.workflows import review, supply_review
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 10, 31, tzinfo=UTC)
FIRST_TABLES = (
    "planning_point", "lead_time_estimate", "demand_estimate", "target", "policy", "recommendation",
    "outlook", "inventory_health", "finding",
)  # fmt: skip
NEW_SHEETS = {
    "Suppliers": "supplier_scorecard", "Open orders at risk": "arrival_risk", "Warnings": "obsolescence",
    "Last buys": "last_time_buy", "New items": "cold_start", "Successors": "succession",
    "History": "history_change", "Dependent demand": "dependent_demand", "Doubtful rows": "audit_row",
    "Readiness": "readiness", "Repairs": "repair", "Engineered": "engineered_suggestion",
}  # fmt: skip


def rows_of(name, *rows):
    return table(name).conform(pl.DataFrame(rows, schema_overrides=table(name).schema))


CHANGES = rows_of(
    "history_change",
    *(
        {
            "item_id": "P-100", "location_id": "DC1", "date": date(2026, month, 2), "kind": kind,
            "reason": reason, "before": before, "after": after, "refused": refused,
        }
        for month, kind, reason, before, after, refused in (
            (3, "outlier", "spike", 900.0, 40.0, False),
            (4, "censored", "sold_out", 4.0, 9.0, False),
            (5, "censored", "sold_out", 0.0, 20.0, False),
            (6, "censored", "sold_out", 0.0, 5000.0, True),
        )
    ),
)  # fmt: skip
WEEKS = rows_of(
    "dependent_demand",
    *(
        {
            "item_id": item, "location_id": "DC1", "start": date(2026, 11, day), "period_days": 7.0,
            "mean_qty": mean, "sd_qty": 1.0, "method_used": "exact", "parents": "Q-1:0.75;Q-2:0.25",
        }
        for item, mean in (("S-300", 2.0), ("P-100", 30.0))
        for day in (22, 29)
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections") / "company"
    build_demo(folder, n_items=150, seed=7, at=AT)
    make_plan(folder, at=AT)
    return folder


@pytest.fixture(scope="module")
def plan(folder):
    return review.load_plan(folder)


@pytest.fixture(scope="module")
def text(plan):
    page = html_report(plan)
    visible = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>|\s+", " ", visible))


def test_every_chapter_is_listed_once_and_stands_where_its_link_leads(plan):
    page = html_report(plan)
    there = {
        name: title for name, title in CHAPTERS.items() if name not in ("proof", "calibration", "network")
    }
    assert re.findall(r'<a href="#([\w-]+)">', page) == list(there)
    places = [page.index(f' id="{name}"') for name in there]
    assert places == sorted(places)
    assert all(page.count(f' id="{name}"') == 1 for name in there)
    titled = [page.count(f"<h2>{title}</h2>") for title in there.values()]
    assert set(titled) == {1}


def test_the_new_chapters_hold_what_the_tables_hold(plan, text):
    assert not re.search(r"\b(None|nan|NaN|null|inf)\b", text)
    worst = plan["obsolescence"].sort("writeoff_value", descending=True)["item_id"][0]
    titles = ("Open orders at risk", "What may never be asked for again?", "errors, then most money")
    for words in (*titles, worst):
        assert words in text
    ready = plan["readiness"]
    share = (ready["verdict"] == "automatic").mean()
    assert f"{100 * share:.0f} % of {ready.height} stocking points" in text
    assert "supply-cost" in page_of(plan).options


def test_lists_say_how_many_there_are(plan, text):
    warned = plan["obsolescence"].filter(pl.col("grade") != "none").height
    assert f"8 of {warned} lines shown; the workbook lists all." in text
    assert f"12 of {plan['arrival_risk'].height:,} lines" in text


def test_a_finding_is_told_once(plan):
    told = {row["code"] for row in page_of(plan).findings}
    assert told
    assert told & set(plan["audit_row"]["code"]) == set()


def test_a_plan_of_an_earlier_version_still_opens(plan, folder, monkeypatch):
    totals = {name: frame for name, frame in plan.totals.items() if not name.startswith("readiness")}
    tables = {name: plan[name] for name in FIRST_TABLES}
    old = dataclasses.replace(plan, tables=tables, totals=totals, parameters={})
    assert {"suppliers", "lives", "audit"} & set(page_of(old).contents) == set()
    assert view.readiness(old) == ""
    assert set(NEW_SHEETS) & set(lists(old)) == set()
    monkeypatch.setattr(review, "RESULT_TABLES", (*review.RESULT_TABLES, "alarm"))
    assert review.load_plan(folder)["alarm"].is_empty()


def test_sheets_are_there_where_there_are_rows(plan, tmp_path):
    write_workbook(plan, tmp_path / "plan.xlsx")
    names = fastexcel.read_excel(str(tmp_path / "plan.xlsx")).sheet_names
    blocks = lists(plan)
    for sheet, name in NEW_SHEETS.items():
        if plan[name].is_empty():
            assert sheet not in names
        else:
            assert sheet in names
            assert blocks[sheet].frame.height > 0
    assert blocks["Doubtful rows"].frame.height == plan["audit_row"].height
    assert (blocks["Open orders at risk"].frame["action"] != "leave").all()


def test_what_was_put_right_is_summed_by_reason_and_what_was_refused_is_left_out():
    hidden, single = history.changes(CHANGES)
    assert (hidden.reason, hidden.rows, hidden.points, hidden.before, hidden.after) == (
        "sold out", 2, 1, "4", "29",
    )  # fmt: skip
    assert hidden.example == "P-100 at DC1, 2026-05-02: 0 on record, 20 counted"
    assert single.example == "P-100 at DC1, 2026-03-02: 900 on record, 40 counted"
    assert history.changes(CHANGES.clear()) == []


def test_components_come_by_money_with_their_parents(planned):
    made = planned(tables={"dependent_demand": WEEKS, "history_change": CHANGES})
    found = history.components(made)
    assert found.sentence == (
        "2 components at a place: the making of parents is expected to take units worth 640 EUR in the "
        "coming 2 weeks."
    )
    assert [line.item for line in found.lines] == ["P-100", "S-300"]
    assert (found.lines[0].quantity, found.lines[0].value) == ("60 pcs", "600 EUR")
    assert found.lines[0].parents == "Q-1 (75 %), Q-2 (25 %)"
    assert "Demand that empty shelves hid" in html_report(made)
    assert history.components(planned()).lines == []


def test_explain_tells_life_cycle_doubts_and_readiness(plan, folder):
    def said(frame):
        row = frame.row(0, named=True)
        answer = review.explain_point(folder, row["item_id"], row["location_id"])
        return " ".join(sentence for part in explained(answer).values() for sentence in part), row

    ending, row = said(plan["last_time_buy"])
    assert row["sentence"] in ending
    new, row = said(plan["cold_start"])
    assert f"New: {row['sentence']}" in new
    over, row = said(plan["obsolescence"].filter(pl.col("grade") == "over"))
    assert f"Warning, may be over. {row['sentence']}" in over
    doubted = plan["audit_row"].drop_nulls(["item_id", "location_id", "money_at_risk"]).join(
        plan["planning_point"], on=["item_id", "location_id"], how="semi"
    )  # fmt: skip
    doubt, row = said(doubted.filter(severity="warning").sort(-pl.col("money_at_risk")))
    assert row["detail"].rstrip(".") in doubt
    assert re.search(r"Readiness \d+ %\.", doubt)
    sound, _ = said(plan["readiness"].filter(score=1.0))
    assert "nothing is in doubt" in sound


def test_explain_tells_what_was_put_right_and_what_production_takes(plan, folder):
    row = plan["planning_point"].row(0, named=True)
    answer = review.explain_point(folder, row["item_id"], row["location_id"])
    more = {"history_change": CHANGES.to_dicts(), "dependent_demand": WEEKS.head(2).to_dicts()}
    score = (answer.rows.get("supplier_scorecard") or {}) | {
        "from_location_id": "Acme", "change_date": date(2026, 3, 1), "change_days": 9.0,
    }  # fmt: skip
    told = dataclasses.replace(answer, lists=more, rows=answer.rows | {"supplier_scorecard": score})
    text = " ".join(explained(told)["How much buffer, and why?"])
    assert "Demand that empty shelves hid (sold out) in 2 periods: 4 on record count as 29." in text
    assert "Making Q-1 (75 %), Q-2 (25 %) is expected to take 60 in the coming 2 weeks." in text
    assert "Acme takes 9 days longer since 2026-03-01." in text


def test_every_point_can_be_explained(plan, folder):
    sample = plan["planning_point"].sort("item_id", "location_id").gather_every(80)
    for item, at in sample.select("item_id", "location_id").rows():
        answer = review.explain_point(folder, item, at)
        assert all(sentences for sentences in explained(answer).values())


def test_the_plan_says_what_may_be_planned_and_what_is_at_stake(plan):
    page = StringIO()
    terminal.show_plan(plan, Console(file=page, width=100, highlight=False), [])
    text = " ".join(page.getvalue().split())
    assert " ".join(view.readiness(plan).split()) in text
    assert "lists them all." in text
    shown = re.findall(r"^(?:error|warning|info)\s", page.getvalue(), re.MULTILINE)
    assert len(shown) == terminal.BRIEF_SHOWN


def test_suppliers_are_those_of_the_plan_in_force(plan, folder, monkeypatch):
    monkeypatch.setattr(supply_review, "supplier_tables", None)
    shown = supply_review.review_supply(folder, at=AT)
    lanes = supply_review.review_supply(folder, "lane", at=AT)
    assert shown.arrivals.equals(plan["arrival_risk"])
    assert pl.concat([shown.scorecard, lanes.scorecard]).height == plan["supplier_scorecard"].height
    assert shown.missing == ()
    assert page_of(plan).supply.sentences[0].split(" (")[0] in " ".join(headlines(shown))
