"""The read model of pages and API, on a small planned company: what is shown, to whom, and when."""

import shutil
import threading
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import LineRef, Unknown
from plimsoll.domain.desk_lists import LISTS
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person, owner
from plimsoll.store import Workspace
from plimsoll.workflows import decide, desk_today
from plimsoll.workflows.attention import find_exceptions, work_exception
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.desk import Desk
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
ME = owner("me")
KIM = Person("kim", "Kim", "planner")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk") / "w"
    build_demo(folder, n_items=60, seed=3, at=AT)
    make_plan(folder, at=AT)
    find_exceptions(folder, at=AT)
    with Workspace.open(folder) as workspace:
        tables = {name: workspace.result(name) for name in ("line", "policy", "outlook", "inventory_health")}
        facts = workspace.facts(["demand"])
        kept = {name: workspace.result(name, kind="exceptions") for name in ("exception", "exception_part")}
    return folder, tables | facts | kept


@pytest.fixture
def desk(planned, tmp_path):
    """A desk on a copy of its own, and the copy's folder."""
    folder = tmp_path / "w"
    shutil.copytree(planned[0], folder)
    made = Desk(folder, clock=lambda: AT)
    yield made, folder
    Workspace.stop_serving(folder)


@pytest.fixture(scope="module")
def reader(planned):
    """A desk that no test writes to."""
    yield Desk(planned[0])
    Workspace.stop_serving(planned[0])


def everything(desk, name, who=ME, **params):
    return desk.table(name, desk.query(name, params), who).to_dicts()


def test_every_list_opens_and_sorts_by_every_column_it_has(reader):
    for name in LISTS:
        for column in reader.columns(name):
            if name == "audit":
                continue
            for way in (f"-{column}",):
                found = reader.listing(name, reader.query(name, {"sort": way, "size": "5"}), ME)
                assert len(found.rows) == min(5, found.total), (name, way)


def test_what_is_said_of_a_list_is_true_of_its_columns(reader):
    for name, spec in LISTS.items():
        if name == "audit":
            continue
        columns = reader.columns(name)
        said = {
            *spec.key,
            *(pair[0] for pair in spec.order),
            *spec.search,
            *spec.choices,
            *spec.sums,
            *spec.shown,
        }
        assert not said - set(columns), name
        for column in spec.choices:
            assert len(reader.choices(name, Query(), ME, column)) >= (
                reader.listing(name, Query(), ME).total > 0
            )


def test_lines_are_all_there_in_their_order_with_their_money(reader, planned):
    lines = planned[1]["line"]
    found = reader.listing("recommendations", Query(size=500), ME)
    assert [row["line_no"] for row in found.rows] == lines["line_no"].to_list()
    assert {row["status"] for row in found.rows} == {"proposed"}
    assert found.sums["value"] == pytest.approx(lines["value"].sum())
    assert found.sums["value_eff"] == pytest.approx(lines["value"].sum())


def test_items_have_the_columns_of_their_tables_side_by_side(reader, planned):
    points = everything(reader, "items")
    health = {(row["item_id"], row["location_id"]): row for row in planned[1]["inventory_health"].to_dicts()}
    policy = {(row["item_id"], row["location_id"]): row for row in planned[1]["policy"].to_dicts()}
    outlook = {(row["item_id"], row["location_id"]): row for row in planned[1]["outlook"].to_dicts()}
    assert len(points) == len(policy) > 100
    for row in points:
        key = row["item_id"], row["location_id"]
        assert row["health"] == health[key]["status"]
        assert row["order_status"] == outlook[key]["status"]
        assert row["order_up_to_qty"] == policy[key]["order_up_to_qty"]
    assert [row["money_at_risk"] for row in points] == sorted(
        (row["money_at_risk"] for row in points), reverse=True
    )


def test_a_decision_shows_at_once_in_list_line_counts_and_log(desk):
    desk, folder = desk
    first = desk.listing("recommendations", Query(size=1), ME).rows[0]
    waiting = desk.waiting(ME)["recommendations"]
    decide.change(
        folder,
        LineRef(first["line_id"]),
        KIM,
        quantity=first["quantity"] * 2,
        reason="promotion",
        text="fair",
        at=AT,
    )
    row = desk.listing("recommendations", desk.query("recommendations", {"status": "changed"}), ME).rows
    assert [each["line_id"] for each in row] == [first["line_id"]]
    assert (row[0]["quantity_eff"], row[0]["quantity"], row[0]["version"]) == (
        first["quantity"] * 2,
        first["quantity"],
        1,
    )
    assert row[0]["value_eff"] == pytest.approx(2 * first["value"])
    assert desk.waiting(ME)["recommendations"] == waiting - 1
    view = desk.line(first["line_id"], ME)
    assert (view.line["status"], view.line["decided_by"], view.is_current) == ("changed", "kim", True)
    assert [event["actor"] for event in view.events] == ["kim"]
    assert desk.listing("decisions", Query(), ME).rows[0]["reason_code"] == "promotion"
    query = desk.query("audit", {"object_id": first["line_id"]})
    assert desk.listing("audit", query, ME).total == 1
    assert desk.export("audit", query, ME).decode().count(first["line_id"]) == 1


def test_only_what_changed_is_read_again(desk, monkeypatch):
    desk, folder = desk
    lines = [row["line_id"] for row in desk.listing("recommendations", Query(size=3), ME).rows]
    monkeypatch.setattr("plimsoll.workflows.desk.load", lambda *_: pytest.fail("the plan was read again"))
    for line in lines:
        decide.accept(folder, [LineRef(line)], ME, at=AT)
        assert desk.line(line, ME).line["status"] == "accepted"
    held = desk._work
    assert desk.listing("recommendations", Query(), ME).total > 3
    assert desk._work is held


def test_after_decisions_the_lists_are_what_a_desk_that_reads_all_of_it_anew_shows(desk):
    desk, folder = desk
    ids = [row["line_id"] for row in desk.listing("recommendations", Query(size=6), ME).rows]
    exceptions = desk.listing("exceptions", Query(), ME).rows
    before = desk._work.made
    decide.accept(folder, [LineRef(line) for line in ids[:3]], ME, at=AT)
    assert (
        desk.listing("recommendations", desk.query("recommendations", {"status": "accepted"}), ME).total == 3
    )
    decide.change(folder, LineRef(ids[3]), ME, quantity=7, reason="promotion", at=AT)
    assert desk.line_row(ids[3], ME)["quantity_eff"] == 7
    decide.reopen(folder, [LineRef(ids[0], 1)], ME, at=AT)
    decide.refuse(folder, [LineRef(ids[1], 1), LineRef(ids[5])], ME, reason="promotion", at=AT)
    assert [row["version"] for row in everything(desk, "decisions", line_id=ids[1])] == [2]
    shown = {name: everything(desk, name) for name in ("recommendations", "decisions", "exceptions")}
    assert desk._work.made is before  # nothing but lines changed
    fresh = Desk(folder, clock=lambda: AT)
    assert shown == {name: everything(fresh, name) for name in shown}
    work_exception(folder, exceptions[0]["exception_id"], ME, owner="kim", version=0, at=AT)
    assert everything(desk, "exceptions", exception_id=exceptions[0]["exception_id"])[0]["owner"] == "kim"


def test_lines_held_in_memory_are_those_of_the_file(desk):
    desk, folder = desk
    run = desk.head().run_id
    serving = Workspace.open(folder, serving=True)
    lines = serving._held[run, "line"]
    kinds = pl.Enum(lines["kind"].cast(pl.String).unique().sort())  # as in a plan of many lines
    serving.hold(run, {"line": lines.with_columns(pl.col("kind").cast(kinds))})
    wanted = (
        ["line_no", "kind", "item_id", "abc", "quantity", "due_date"],
        pl.col("line_no").is_in([3, 1, 9]),
    )
    held = serving.result_rows("line", run, *wanted)
    assert serving.has_result("line", run)
    assert not serving.has_result("line", "plan-000009")
    serving.hold(run, {})
    assert serving.has_result("line", run)
    assert not serving.has_result("no_such_table", run)
    stored = serving.result_rows("line", run, *wanted)
    assert held.equals(stored)
    assert held.schema == stored.schema


def test_a_new_plan_is_read_in_the_background_and_then_shown(desk):
    desk, folder = desk
    old = desk.head().run_id
    line = desk.listing("recommendations", Query(size=1), ME).rows[0]["line_id"]
    make_plan(folder, as_of=desk.head().as_of - timedelta(days=7), at=AT + timedelta(hours=1))
    desk.refresh()
    head = desk.head()
    assert (head.run_id, head.refreshing) == ("plan-000002", False)
    assert old == "plan-000001"
    assert "since the plan" in desk.listing("exceptions", Query(), ME).missing
    before = desk.line(line, ME)
    assert (before.line["status"], before.is_current) == ("expired", False)


def test_while_a_new_plan_is_read_the_one_before_is_shown(desk, monkeypatch):
    desk, folder = desk
    shown = desk.listing("recommendations", Query(), ME).total
    go, real = threading.Event(), __import__("plimsoll.workflows.desk", fromlist=["load"]).load

    def slow(*given):
        go.wait(20)
        return real(*given)

    monkeypatch.setattr("plimsoll.workflows.desk.load", slow)
    find_exceptions_again(folder)
    assert desk.head().refreshing
    assert desk.listing("recommendations", Query(), ME).total == shown
    go.set()
    desk.refresh()
    assert not desk.head().refreshing


def find_exceptions_again(folder):
    """Publish the exceptions once more under another seed, so that it is another run."""
    from plimsoll.domain.manifest import Manifest

    with Workspace.open(folder) as workspace:
        run = workspace.latest_run("exceptions")
        tables = {name: workspace.result(name, run.id) for name in run.tables}
        manifest = Manifest(
            "exceptions", "0.0.1", run.as_of, 99, run.manifest["parameters"], run.manifest["inputs"], {}
        )
        workspace.publish_run("exceptions", tables, manifest, at=AT + timedelta(hours=2))


def test_threads_that_read_while_others_write_see_whole_lists(desk):
    desk, folder = desk
    total = desk.listing("recommendations", Query(), ME).total
    lines = desk.table("recommendations", Query(), ME, ["line_id"])["line_id"].to_list()[:12]
    wrong = []

    def read():
        for way in ("-value", "status", "-quantity_eff", "item_id") * 6:
            found = desk.listing(
                "recommendations", desk.query("recommendations", {"sort": way, "size": "500"}), ME
            )
            if found.total != total or len({row["line_id"] for row in found.rows}) != total:
                wrong.append(way)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for each in readers:
        each.start()
    for line in lines:
        decide.accept(folder, [LineRef(line)], ME, at=AT)
    for each in readers:
        each.join()
    assert not wrong
    assert (
        desk.listing("recommendations", desk.query("recommendations", {"status": "accepted"}), ME).total == 12
    )


def test_a_person_sees_the_rows_in_scope_and_no_others(reader):
    places = sorted({row["location_id"] for row in everything(reader, "items")})
    categories = sorted({row["category"] for row in everything(reader, "items") if row["category"]})
    lee = Person("lee", "Lee", "planner", (places[0],), (categories[0], categories[1]))
    for name, place in (
        ("items", "location_id"),
        ("recommendations", "to_location_id"),
        ("network", "location_id"),
    ):
        expected = [
            row for row in everything(reader, name)
            if row[place] == places[0] and row["category"] in categories[:2]
        ]  # fmt: skip
        assert everything(reader, name, lee) == expected
    hidden = next(row for row in everything(reader, "items") if row["location_id"] != places[0])
    with pytest.raises(Unknown) as refused:
        reader.item(hidden["item_id"], hidden["location_id"], lee)
    with pytest.raises(Unknown) as unknown:
        reader.item("no such", hidden["location_id"], lee)
    said = [str(error.value).replace(hidden["item_id"], "no such") for error in (refused, unknown)]
    assert "no item 'no such'" in said[0]
    assert "no item 'no such'" in said[1]
    line = next(row for row in everything(reader, "recommendations") if row["to_location_id"] != places[0])
    with pytest.raises(Unknown, match="no line"):
        reader.line(line["line_id"], lee)
    assert {row["actor"] for row in reader.listing("audit", Query(), lee).rows} <= {"lee"}


def test_exceptions_in_a_limited_scope_have_the_money_of_their_parts_in_it(reader, planned):
    parts = planned[1]["exception_part"]
    place = parts.group_by("location_id").len().sort("len", "location_id")["location_id"][-1]
    lee = Person("lee", "Lee", "planner", (place,))
    seen = parts.filter(location_id=place)
    expected = dict(seen.group_by("exception_id").agg(pl.col("money_lost").sum()).iter_rows())
    found = everything(reader, "exceptions", lee)
    assert {row["exception_id"]: row["money_lost"] for row in found} == pytest.approx(expected)
    assert len(found) < len(everything(reader, "exceptions"))
    today = reader.today(lee, AT)
    assert {part["location_id"] for rows in today.parts.values() for part in rows} <= {place}


def test_exceptions_show_how_they_are_worked(desk):
    desk, folder = desk
    one, other, third = (row["exception_id"] for row in desk.listing("exceptions", Query(size=3), ME).rows)
    day = desk.head().as_of
    work_exception(folder, one, KIM, version=0, at=AT, owner="kim", due=date(2026, 12, 1))
    work_exception(folder, other, KIM, version=0, at=AT, snooze_until=date(2026, 12, 24))
    work_exception(folder, third, KIM, version=0, at=AT, closed="acted", text="Called them.")
    rows = {row["exception_id"]: row for row in everything(desk, "exceptions")}
    assert (rows[one]["status"], rows[one]["owner"], rows[one]["version"]) == ("open", "kim", 1)
    assert (rows[other]["status"], rows[third]["status"]) == ("snoozed", "closed")
    assert day < date(2026, 12, 24)
    shown = [row["exception_id"] for row in desk.today(ME, AT).exceptions]
    assert one in shown
    assert not {other, third} & set(shown)
    assert len(shown) <= 20


def test_today_counts_what_its_links_lead_to(reader):
    view = reader.today(ME, AT)
    for count in view.counts:
        found = reader.listing(count.listing, reader.query(count.listing, pairs(count.query)), ME)
        assert found.total == count.n, count
    assert view.money_at_risk == pytest.approx(
        sum(row["money_at_risk"] for row in everything(reader, "items"))
    )
    assert view.age_days == (AT.date() - view.head.as_of).days
    assert 0 < view.readiness <= 1


def test_changes_outside_the_company_are_told_below_the_first(reader, monkeypatch):
    """Of the kinds of `NEWS`, those not among the first; here what the company has stands for them."""
    rows = everything(reader, "exceptions", status="open")
    kinds = tuple({row["kind"] for row in rows[3:6]})
    monkeypatch.setattr(desk_today, "NEWS", kinds)
    monkeypatch.setattr(desk_today, "TWENTY", 3)
    view = reader.today(ME, AT)
    assert [row["rank"] for row in view.exceptions] == [row["rank"] for row in rows[:3]]
    below = [row["exception_id"] for row in rows[3:] if row["kind"] in kinds]
    assert below
    assert [row["exception_id"] for row in view.news] == below[:5]


def pairs(query):
    from urllib.parse import parse_qsl

    return parse_qsl(query.removeprefix("?"))


def test_an_item_has_its_history_week_by_week(reader, planned):
    """Own demand of a place that feeds no other is the demand lines summed by week."""
    fed = {row["from_location_id"] for row in everything(reader, "items")}
    row = next(
        each for each in everything(reader, "items", sort="-annual_value") if each["location_id"] not in fed
    )
    view = reader.item(row["item_id"], row["location_id"], ME)
    lines = planned[1]["demand"].filter(item_id=row["item_id"], location_id=row["location_id"])
    known = dict(zip(view.history.starts, view.history.quantity, strict=True))
    assert len(known) > 20
    for start, quantity in known.items():
        days = pl.col("date").is_between(start, start + timedelta(days=6))
        assert quantity == pytest.approx(max(lines.filter(days)["quantity"].sum(), 0.0), rel=1e-6)


def test_an_item_shows_stock_ahead_without_and_with_todays_lines(reader):
    line = next(
        row for row in everything(reader, "recommendations", kind="purchase")
        if (row["due_date"] - row["order_date"]).days < 80
    )  # fmt: skip
    view = reader.item(line["item_id"], line["to_location_id"], ME)
    at_end = view.stock_with_orders.mean[-1] - view.stock.mean[-1]
    expected = 0.0
    for row in view.lists["lines"]:
        if row["kind"] in ("purchase", "transfer", "production", "return", "transshipment"):
            expected += row["quantity"] if row["to_location_id"] == view.location_id else -row["quantity"]
        elif row["kind"] == "cancel":
            expected -= row["quantity"]
    assert at_end == pytest.approx(expected)
    for fan in (view.forecast, view.stock, view.stock_with_orders):
        assert len(fan.dates) == 13
        assert all(low <= high for low, high in zip(fan.low, fan.high, strict=True))
    assert view.stock.mean[0] > view.stock.mean[-1] or view.lists["arrival_risk"]
    assert sum(step.qty for step in view.level_steps) == pytest.approx(view.level_qty)
    assert sum(step.qty for step in view.order_steps) == pytest.approx(view.order_qty)
    assert view.order_qty == pytest.approx(line["quantity"])


def test_every_item_opens(reader):
    for row in everything(reader, "items"):
        view = reader.item(row["item_id"], row["location_id"], ME)
        assert view.point["item_id"] == row["item_id"]
        taken = sum(each.n for each in view.lead_time_days)
        dated = [
            each for each in view.lists["receipts"]
            if each["from_location_id"] == row["from_location_id"] and each["ordered_date"]
            and each["received_date"] >= each["ordered_date"]
        ]  # fmt: skip
        assert taken == len(dated)


def test_the_search_box_finds_what_is_named(reader):
    row = everything(reader, "items")[0]
    exact = reader.search(row["item_id"], ME)
    assert {each.key[0] for each in exact} == {row["item_id"]}
    some = reader.search(row["description"].split()[0].upper(), ME)
    assert row["description"].split()[0].lower() in some[0].words.lower()
    assert reader.search("no such thing at all", ME) == ()
    line = everything(reader, "recommendations")[0]["line_id"]
    assert reader.search(line, ME)[0].key == (line,)
    supplier = everything(reader, "suppliers")[0]["from_location_id"]
    assert ("supplier", supplier) in {(each.kind, each.name) for each in reader.search(supplier, ME)}


def test_unknown_lists_lines_and_questions_of_the_log_are_refused(reader):
    with pytest.raises(Unknown, match="Did you mean 'items'"):
        reader.listing("itmes", Query(), ME)
    for name in ("plan-000009-1", "plan-000001-99999", "x", "plan-000001-", "-1", "exceptions-000001-1"):
        with pytest.raises(Unknown):
            reader.line(name, ME)
    with pytest.raises(InputError, match="one value"):
        reader.listing("audit", reader.query("audit", {"actor": "a,b"}), ME)
    with pytest.raises(InputError, match="at__ge"):
        reader.listing("audit", reader.query("audit", {"at": "2026-01-01"}), ME)
    with pytest.raises(InputError, match="no column"):
        reader.query("audit", {"hash": "0"})


def test_without_a_plan_lists_are_empty_and_say_why(tmp_path):
    Workspace.create(tmp_path / "w").close()
    desk = Desk(tmp_path / "w")
    assert (desk.head().run_id, desk.head().as_of) == ("", None)
    for name in LISTS:
        found = desk.listing(name, Query(), ME)
        assert found.rows == []
    assert "no plan yet" in desk.listing("items", Query(), ME).missing
    assert desk.today(ME, AT).exceptions_missing
    with pytest.raises(Unknown, match="no plan"):
        desk.item("A", "B", ME)
    Workspace.stop_serving(tmp_path / "w")


def test_a_plan_without_lines_says_so(tmp_path, published, line):
    """A plan of an earlier version has no lines; a plan with lines alone is shown all the same."""
    published(tmp_path / "w", [line(number, quantity=float(number)) for number in range(1, 4)])
    desk = Desk(tmp_path / "w")
    assert [row["quantity"] for row in desk.listing("recommendations", Query(), ME).rows] == [1.0, 2.0, 3.0]
    assert desk.listing("items", Query(), ME).total == 0
    assert "since the plan" in desk.listing("exceptions", Query(), ME).missing
    Workspace.stop_serving(tmp_path / "w")
