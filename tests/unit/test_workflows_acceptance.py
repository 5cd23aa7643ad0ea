"""Acceptance by rule: what fits, why it is told, and how it is stopped."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import LineRef
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.store import Workspace, audit_log
from plimsoll.store.decisions import states
from plimsoll.workflows import acceptance, decide

AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
ON = "[accept]\nenabled = true\nmax_value = 100.0\nmin_confidence = 'B'\nclasses = ['B', 'C']\n"
ANN = Person("ann", "Ann", "planner")
# What each line has that the rule does not allow; line 1 fits, line 2 is at every limit.
ODD = {
    1: {},
    2: {"quantity": 20.0, "confidence": "B", "abc": "C"},
    3: {"quantity": 20.1},
    4: {"confidence": "C"},
    5: {"confidence": "-"},
    6: {"abc": "A"},
    7: {"abc": None},
    8: {"kind": "cancel"},
    9: {"readiness": "care"},
    10: {"readiness": None},
    11: {"item_id": "NEW"},
    12: {"item_id": "JUMPED"},
    13: {"reason_codes": "below_reorder_point economic_lot below_minimum"},
    14: {"reason_codes": "below_reorder_point waits_for_minimum"},
}


@pytest.fixture
def shop(tmp_path, published, line, company):
    """A shop with two plans: between them the level of JUMPED went up by a half, and NEW came."""
    folder = tmp_path / "shop"
    Workspace.create(folder, ON).close()
    items = [f"P-{number}" for number in ODD]
    before = company(*({"item": item, "at": "DC1"} for item in [*items, "JUMPED"]))["policy"]
    higher = {"s": 55.0, "lot_qty": 20.0}
    now = company(*({"item": item} for item in [*items, "NEW"]), {"item": "JUMPED", **higher})["policy"]
    published(folder, 1, seed=1, further={"policy": before})
    published(folder, [line(number, **odd) for number, odd in ODD.items()], seed=2, further={"policy": now})
    return folder


def decided(folder):
    with Workspace.open(folder) as workspace:
        assert audit_log.verify(workspace).broken == ""
        return states(workspace)


def test_only_what_fits_is_accepted_and_each_line_says_why(shop):
    answer = acceptance.accept_by_rule(shop, at=AT)
    assert answer == acceptance.Accepted(2, 150.0)
    frame = decided(shop)
    assert frame.select("line_id", "status", "decided_by", "reason_code").rows() == [
        ("plan-000002-1", "accepted", "plimsoll", "rule"),
        ("plan-000002-2", "accepted", "plimsoll", "rule"),
    ]
    assert frame["reason_text"][1] == (
        "Class C, worth 100 of at most 100, confidence B of at least B, level changed by 0 % of at most 30 %."
    )
    assert acceptance.accept_by_rule(shop, at=AT).n_lines == 0


def test_what_a_person_has_touched_is_left_alone(shop):
    decide.refuse(shop, [LineRef("plan-000002-1")], ANN, reason="cash", at=AT)
    decide.accept(shop, [LineRef("plan-000002-2")], ANN, at=AT)
    decide.reopen(shop, [LineRef("plan-000002-2", 1)], ANN, at=AT)
    assert acceptance.accept_by_rule(shop, at=AT).n_lines == 0


def test_off_unless_switched_on(tmp_path, published):
    published(tmp_path / "shop", 3)
    assert acceptance.accept_by_rule(tmp_path / "shop", at=AT).stopped == "not switched on"
    assert decided(tmp_path / "shop").is_empty()


def test_the_switch_stops_it_at_once_and_an_admin_starts_it_again(shop):
    with pytest.raises(Forbidden):
        acceptance.stop_automatic(shop, Person("vic", "Vic", "viewer"), reason="odd", at=AT)
    with pytest.raises(InputError, match="The reason is missing"):
        acceptance.stop_automatic(shop, ANN, reason=" ", at=AT)
    acceptance.stop_automatic(shop, ANN, reason="Acme's prices are wrong", at=AT)
    assert acceptance.accept_by_rule(shop, at=AT).stopped == "stopped by a person"
    assert decided(shop).is_empty()
    with pytest.raises(Forbidden):
        acceptance.start_automatic(shop, ANN, reason="mended", at=AT)
    acceptance.start_automatic(shop, owner("me"), reason="mended", at=AT + timedelta(hours=1))
    assert acceptance.accept_by_rule(shop, at=AT + timedelta(hours=1)).n_lines == 2


def test_a_stop_takes_effect_between_two_transactions(shop, monkeypatch):
    (shop / "plimsoll.toml").write_text(f"{ON}lines_at_once = 1\n")
    accept = acceptance.accept_for_rule

    def accept_then_somebody_stops(folder, lines, *, at):
        done = accept(folder, lines, at=at)
        acceptance.stop_automatic(folder, ANN, reason="stop", at=at)
        return done

    monkeypatch.setattr(acceptance, "accept_for_rule", accept_then_somebody_stops)
    assert acceptance.accept_by_rule(shop, at=AT) == acceptance.Accepted(1, 50.0, "stopped by a person")
    assert decided(shop).filter(pl.col("status") == "accepted").height == 1


def test_without_a_plan_before_nothing_is_stable(tmp_path, published, company):
    Workspace.create(tmp_path / "shop", ON).close()
    published(tmp_path / "shop", 1, further={"policy": company({"item": "P-1"})["policy"]})
    assert acceptance.accept_by_rule(tmp_path / "shop", at=AT) == acceptance.Accepted()
