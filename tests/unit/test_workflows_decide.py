"""Deciding on lines: who may, what changes, what is refused and how it is told; on both databases."""

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import Decided, LineRef, Stale, Unknown
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import SYSTEM, Forbidden, Person, owner
from plimsoll.store import Workspace, audit_log
from plimsoll.store.decisions import last_seq, states
from plimsoll.workflows import decide

AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
ANN, KIM = Person("ann", "Ann", "planner"), Person("kim", "Kim", "planner")
BOSS, VIEWER = Person("boss", "The boss", "approver"), Person("vic", "Vic", "viewer")
LIMITED = "[approval]\nplanner_limit = 100.0\napprover_limit = 1000.0\n"


@pytest.fixture
def shop(tmp_path, database, published):
    """Ten lines of 50 each, within every limit."""
    published(tmp_path / "shop", 10)
    return tmp_path / "shop"


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, published):
    """Three lines that no test may decide on."""
    folder = tmp_path_factory.mktemp("untouched") / "shop"
    published(folder, 3)
    return folder


def ref(number, version=0, run="plan-000001"):
    return LineRef(f"{run}-{number}", version)


def state(folder, number, run="plan-000001"):
    with Workspace.open(folder) as workspace:
        found = states(workspace).filter(pl.col("line_id") == f"{run}-{number}")
        return found.row(0, named=True) if found.height else None


def events(folder, **wanted):
    with Workspace.open(folder) as workspace:
        assert audit_log.verify(workspace).broken == ""
        return audit_log.page(workspace, object_type="line", **wanted)[0].reverse().to_dicts()


def test_accepting_makes_a_row_and_an_event_each(shop):
    assert decide.accept(shop, [ref(1), ref(3)], ANN, at=AT) == Decided(["plan-000001-1", "plan-000001-3"])
    found = state(shop, 3)
    wanted = {
        "status": "accepted", "version": 1, "quantity": 10.0, "quantity_set": None, "decided_by": "ann",
        "decided_at": AT, "item_id": "P-3", "value": 50.0, "due_date": date(2026, 12, 5), "category": "pumps",
        "confidence": "A", "batch_id": None, "as_of": date(2026, 11, 21), "reason_code": "",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert state(shop, 2) is None
    told = events(shop)
    assert [(event["action"], event["object_id"], event["actor"]) for event in told] == [
        ("accept", "plan-000001-1", "ann"),
        ("accept", "plan-000001-3", "ann"),
    ]
    assert json.loads(told[1]["old"]) == {"status": "proposed", "quantity": 10.0, "date": "2026-12-05"}
    assert json.loads(told[1]["new"]) == {"status": "accepted", "quantity": 10.0, "date": "2026-12-05"}


def test_states_since_an_event(shop):
    decide.accept(shop, [ref(1)], ANN, at=AT)
    with Workspace.open(shop) as workspace:
        seen = last_seq(workspace)
        assert states(workspace, seen).is_empty()
    decide.accept(shop, [ref(2)], ANN, at=AT)
    with Workspace.open(shop) as workspace:
        assert states(workspace, seen)["line_id"].to_list() == ["plan-000001-2"]
        assert states(workspace)["line_id"].to_list() == ["plan-000001-1", "plan-000001-2"]
        assert last_seq(workspace) == seen + 1


def test_a_change_keeps_both_values_and_the_reason(shop):
    words = " Big\x00 order "
    decide.change(shop, ref(1), ANN, quantity=40, reason="customer_news", text=words, at=AT)
    decide.change(shop, ref(1, 1), ANN, date=date(2026, 12, 1), reason="space", at=AT)
    found = state(shop, 1)
    assert (found["status"], found["version"], found["quantity"], found["quantity_set"]) == (
        "changed",
        2,
        10,
        40,
    )
    assert (found["date_set"], found["due_date"]) == (date(2026, 12, 1), date(2026, 12, 5))
    assert (found["reason_code"], found["reason_text"]) == ("space", "")
    first, second = (json.loads(event["new"]) for event in events(shop))
    assert first == {
        "status": "changed", "quantity": 40.0, "date": "2026-12-05", "reason": "customer_news",
        "text": "Big order",
    }  # fmt: skip
    assert second == {"status": "changed", "quantity": 40.0, "date": "2026-12-01", "reason": "space"}


def test_a_decision_is_taken_back_and_made_again(shop):
    decide.refuse(shop, [ref(1)], ANN, reason="cash", at=AT)
    decide.reopen(shop, [ref(1, 1)], KIM, at=AT)
    assert (state(shop, 1)["status"], state(shop, 1)["version"]) == ("proposed", 2)
    decide.accept(shop, [ref(1, 2)], KIM, at=AT)
    assert [event["action"] for event in events(shop)] == ["refuse", "reopen", "accept"]


def test_the_second_is_told_who_was_first(shop):
    decide.change(shop, ref(1), KIM, quantity=40, reason="price", at=AT)
    before = state(shop, 1)
    told = r"kim changed this to 40 on 2026-11-21 09:12 UTC; nothing was overwritten"
    with pytest.raises(Stale, match=told):
        decide.accept(shop, [ref(1)], ANN, at=AT + timedelta(minutes=1))
    assert state(shop, 1) == before
    both = decide.accept(shop, [ref(1), ref(2)], ANN, at=AT)
    assert both.done == ["plan-000001-2"]
    assert list(both.refused_because) == ["plan-000001-1"]
    with pytest.raises(Stale, match="Nobody has decided on this yet"):
        decide.accept(shop, [ref(3, 5)], ANN, at=AT)


@pytest.mark.parametrize("first", ["accept", "refuse", "change"])
def test_a_decision_sent_twice_counts_once(shop, first):
    given = {"accept": {}, "refuse": {"reason": "cash"}, "change": {"quantity": 3, "reason": "cash"}}[first]
    line = ref(1) if first == "change" else [ref(1)]
    getattr(decide, first)(shop, line, ANN, at=AT, **given)
    with pytest.raises(Stale):
        getattr(decide, first)(shop, line, ANN, at=AT, **given)
    assert len(events(shop)) == 1
    if first == "accept":
        with pytest.raises(InputError, match="It is accepted already"):
            decide.accept(shop, [ref(1, 1)], ANN, at=AT)


def test_above_the_limit_waits_for_somebody_with_a_higher_one(tmp_path, database, published, line):
    Workspace.create(tmp_path / "shop", LIMITED).close()
    shop = tmp_path / "shop"
    published(shop, [line(1, quantity=20.0), line(2, quantity=21.0), line(3, quantity=300.0)])
    answer = decide.accept(shop, [ref(1), ref(2), ref(3)], ANN, at=AT)
    assert (answer.done, answer.submitted) == (["plan-000001-1"], ["plan-000001-2", "plan-000001-3"])
    with pytest.raises(InputError, match="It waits for an approver"):
        decide.accept(shop, [ref(2, 1)], ANN, at=AT)
    with pytest.raises(Forbidden):
        decide.approve(shop, [ref(2, 1)], ANN, at=AT)
    approved = decide.approve(shop, [ref(2, 1), ref(3, 1)], BOSS, text="fine", at=AT)
    assert approved.done == ["plan-000001-2"]
    assert approved.refused_because == {"plan-000001-3": "It is worth 1,500, above your limit of 1,000."}
    found = state(shop, 2)
    assert (found["status"], found["decided_by"], found["approved_by"]) == ("accepted", "ann", "boss")
    assert json.loads(events(shop, action="approve")[0]["new"])["remark"] == "fine"
    with pytest.raises(InputError, match="nothing waits for approval"):
        decide.approve(shop, [ref(1, 1)], BOSS, at=AT)
    rich = Person("lee", "Lee", "planner", approval_limit=5000.0)
    assert decide.accept(shop, [ref(3, 1)], rich, at=AT).done == ["plan-000001-3"]


def test_a_change_that_lifts_an_accepted_line_above_the_limit_is_submitted(tmp_path, published, database):
    Workspace.create(tmp_path / "shop", LIMITED).close()
    published(tmp_path / "shop", 1)
    decide.accept(tmp_path / "shop", [ref(1)], ANN, at=AT)
    lifted = decide.change(tmp_path / "shop", ref(1, 1), ANN, quantity=21, reason="too_little", at=AT)
    assert (lifted.done, lifted.submitted) == ([], ["plan-000001-1"])
    again = decide.change(tmp_path / "shop", ref(1, 2), ANN, quantity=20, reason="too_much", at=AT)
    assert (again.done, state(tmp_path / "shop", 1)["status"]) == (["plan-000001-1"], "changed")


def test_what_is_out_of_scope_is_as_unknown_as_what_is_not_there(shop):
    elsewhere = Person("eve", "Eve", "planner", locations=("DC2",))
    other = Person("eve", "Eve", "planner", categories=("valves",))
    said = set()
    for who, number in ((elsewhere, 1), (other, 1), (ANN, 11), (ANN, 999_999_999)):
        with pytest.raises(Unknown) as caught:
            decide.accept(shop, [ref(number)], who, at=AT)
        said.add(caught.value.what.partition(": ")[2])
    assert len(said) == 1
    with pytest.raises(Unknown):
        decide.accept(shop, [ref(1, run="plan-000009")], ANN, at=AT)
    here = Person("eve", "Eve", "planner", locations=("DC1",), categories=("pumps",))
    assert decide.accept(shop, [ref(1)], here, at=AT).done


def test_who_only_looks_decides_nothing(untouched):
    for act in (
        lambda: decide.accept(untouched, [ref(1)], VIEWER, at=AT),
        lambda: decide.change(untouched, ref(1), VIEWER, quantity=1, reason="cash", at=AT),
        lambda: decide.refuse(untouched, [ref(1)], VIEWER, reason="cash", at=AT),
        lambda: decide.reopen(untouched, [ref(1)], VIEWER, at=AT),
    ):
        with pytest.raises(Forbidden):
            act()
    assert events(untouched) == []


@pytest.mark.parametrize(
    ("name", "given", "match"),
    [
        ("change", {"quantity": -1, "reason": "cash"}, "not a quantity"),
        ("change", {"quantity": 0, "reason": "cash"}, "to order nothing, refuse the line"),
        ("change", {"quantity": float("nan"), "reason": "cash"}, "not a quantity"),
        ("change", {"quantity": float("inf"), "reason": "cash"}, "not a quantity"),
        ("change", {"date": date(2026, 11, 20), "reason": "cash"}, "not a day on which this can arrive"),
        ("change", {"date": date(2126, 11, 20), "reason": "cash"}, "not a day on which this can arrive"),
        ("change", {"reason": "cash"}, "Neither a quantity nor a date"),
        ("change", {"quantity": 1, "reason": ""}, "The reason is missing"),
        ("refuse", {"reason": ""}, "The reason is missing"),
        ("refuse", {"reason": "cahs"}, "Did you mean 'cash'"),
        ("refuse", {"reason": "rule"}, "There is no reason 'rule'"),
        ("refuse", {"reason": "other", "text": "\x00 "}, "needs a word of explanation"),
        ("refuse", {"reason": "cash", "text": "x" * 2001}, "2,001 characters"),
    ],
)
def test_what_cannot_be_meant_is_refused(untouched, name, given, match):
    line = ref(1) if name == "change" else [ref(1)]
    with pytest.raises(InputError, match=match):
        getattr(decide, name)(untouched, line, ANN, at=AT, **given)
    assert events(untouched) == []


@pytest.mark.parametrize(
    "name", ["", "x", "plan-000001", "plan-000001-", "plan-000001--1", "plan-000001-1'; DROP TABLE run; --",
             "plan-000001-1 ", "plan-000001-99999999999999999999", "../plan-000001-1", "plan-000001-\u0661"],
)  # fmt: skip
def test_ids_that_are_none(untouched, name):
    with pytest.raises(Unknown):
        decide.accept(untouched, [LineRef(name)], ANN, at=AT)
    with pytest.raises(InputError, match="No line was chosen"):
        decide.accept(untouched, [], ANN, at=AT)


def test_a_newer_plan_takes_the_undecided_with_it(shop, published):
    decide.accept(shop, [ref(1), ref(2)], ANN, at=AT)
    decide.refuse(shop, [ref(3)], ANN, reason="cash", at=AT)
    decide.reopen(shop, [ref(2, 1)], ANN, at=AT)
    published(shop, 3, seed=2)
    assert state(shop, 2)["status"] == "expired"
    assert state(shop, 1)["status"] == "accepted"
    for number, version in ((4, 0), (2, 2), (3, 1)):
        with pytest.raises(InputError, match="A newer plan took its place"):
            decide.accept(shop, [ref(number, version)], ANN, at=AT)
    assert decide.reopen(shop, [ref(1, 1)], ANN, at=AT).done, "an acceptance not yet sent can be taken back"
    assert state(shop, 1)["status"] == "expired"
    assert decide.accept(shop, [ref(1, run="plan-000002")], ANN, at=AT).done
    published(shop, 10, seed=1)
    assert state(shop, 2)["status"] == "proposed", "the first plan is in force again"


def test_orders_that_are_open_change_by_date_alone(tmp_path, published, line, database):
    acted = {"order_id": "PO-1", "order_line": "1", "due_date_now": date(2026, 12, 24)}
    published(
        tmp_path / "shop", [line(1, kind="expedite", **acted), line(2, kind="cancel", due_date=None, **acted)]
    )
    shop = tmp_path / "shop"
    with pytest.raises(InputError, match="cannot be changed by a line that would expedite it"):
        decide.change(shop, ref(1), ANN, quantity=5, reason="cash", at=AT)
    with pytest.raises(InputError, match="A cancelled order has no date"):
        decide.change(shop, ref(2), ANN, date=date(2026, 12, 1), reason="cash", at=AT)
    decide.change(shop, ref(1), ANN, date=date(2026, 12, 1), reason="cash", at=AT)
    assert state(shop, 1)["date_set"] == date(2026, 12, 1)


def test_a_quantity_off_the_lot_is_taken_with_a_warning(tmp_path, published, line, company, database):
    points = company({"item": "P-1", "min_order_qty_eff": 6.0, "order_multiple_eff": 4.0})["points"]
    published(tmp_path / "shop", [line(1)], further={"planning_point": points})
    shop, tried = (
        tmp_path / "shop",
        ((12, None), (10, "no multiple of 4"), (4, "below the minimum order of 6")),
    )
    for version, (quantity, warning) in enumerate(tried):
        answer = decide.change(shop, ref(1, version), ANN, quantity=quantity, reason="space", at=AT)
        assert (warning or "") in answer.warnings.get("plan-000001-1", "")
        assert bool(answer.warnings) == (warning is not None)


def test_only_the_program_decides_by_rule(shop):
    lines = pl.DataFrame({"line_id": ["plan-000001-1"], "version": [0], "text": ["It fits."]})
    decide.accept_for_rule(shop, lines, at=AT)
    found = state(shop, 1)
    assert (found["decided_by"], found["reason_code"], found["reason_text"]) == (
        SYSTEM.username,
        "rule",
        "It fits.",
    )


def test_the_owner_has_no_limit(tmp_path, published, line, database):
    Workspace.create(tmp_path / "shop", LIMITED).close()
    published(tmp_path / "shop", [line(1, quantity=1e9)])
    assert decide.accept(tmp_path / "shop", [ref(1)], owner("me"), at=AT).done


def test_thousands_of_lines_go_in_one_transaction(tmp_path, published, database):
    n = 3000
    published(tmp_path / "shop", n)
    lines = pl.DataFrame(
        {"line_id": [f"plan-000001-{number}" for number in range(1, n + 1)], "version": [0] * n}
    )
    decide.accept(tmp_path / "shop", [ref(7)], KIM, at=AT)
    answer = decide.accept_all(tmp_path / "shop", lines, ANN, at=AT)
    assert len(answer.done) == n - 1
    assert list(answer.refused_because) == ["plan-000001-7"]
    with Workspace.open(tmp_path / "shop") as workspace:
        assert audit_log.verify(workspace).broken == ""
        assert audit_log.last_seq(workspace) == n + 1, "an event a line, and the publication"
        frame = states(workspace)
    assert frame.group_by("status").len().rows() == [("accepted", n)]
