"""Money shared out among causes: each unit of shortage once, by a plain sum beside the formula."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.exceptions import KINDS, PRIOR_WEIGHT, WORDS
from plimsoll.domain.reasons import names_in
from plimsoll.exceptions.evidence import State
from plimsoll.exceptions.find import probabilities
from plimsoll.exceptions.shortages import Causes, shared_out

PMF = [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]  # of 0, 10, ... 50 units
STEP, PRICE = 10.0, 7.0
OVERDUE = {"item_id": pl.String, "location_id": pl.String, "late": pl.Float64}
OVERDUE |= {"from_location_id": pl.String, "first_due": pl.Date}


def plain_loss(position):
    return PRICE * sum(share * max(k * STEP - position, 0.0) for k, share in enumerate(PMF))


def state(positions):
    n = len(positions)
    points = pl.DataFrame(
        {
            "item_id": [f"I{k}" for k in range(n)],
            "location_id": ["DC1"] * n,
            "price": [PRICE] * n,
            "held": [True] * n,
            "position": positions,
            "at_risk": [plain_loss(each) for each in positions],
        }
    )
    return State(points, pl.Series([PMF] * n), np.full(n, STEP))


def blame(*rows):
    names = ["cause", "subject", "item_id", "location_id", "with_qty", "without_qty"]
    return Causes([], [pl.DataFrame(rows, schema=names, orient="row")])


def shares(causes, found, overdue=()):
    late = pl.DataFrame(list(overdue), schema=OVERDUE, orient="row")
    return shared_out(causes, found, late)


def test_what_a_cause_explains_and_the_rest_add_up():
    """A supplier takes 20 of 35 units: 15 are left, and the loss there is that of both parts."""
    rows = shares(blame(("supplier_stopped", "S", "I0", "DC1", 15.0, 35.0)), state([35.0]))
    money = dict(rows.select("cause", "money").iter_rows())
    assert money["stockout"] == pytest.approx(plain_loss(35.0))
    assert money["supplier_stopped"] == pytest.approx(plain_loss(15.0) - plain_loss(35.0))


def test_a_count_too_low_feigns_a_shortage():
    rows = shares(blame(("count", "I0 @ DC1", "I0", "DC1", 5.0, 45.0)), state([5.0]))
    money = dict(rows.select("cause", "money").iter_rows())
    assert money["stockout"] == pytest.approx(plain_loss(45.0))
    assert sum(money.values()) == pytest.approx(plain_loss(5.0))


def test_a_point_belongs_to_the_cause_that_explains_most():
    both = blame(
        ("supplier_stopped", "S", "I0", "DC1", 15.0, 35.0), ("customer_more", "C", "I0", "DC1", 30.0, 35.0)
    )
    rows = shares(both, state([35.0]))
    assert set(rows["cause"]) == {"supplier_stopped", "stockout"}
    assert rows["money"].sum() == pytest.approx(plain_loss(15.0))


def test_without_causes_the_money_is_that_of_the_plan():
    found = state([0.0, 20.0, 60.0])
    rows = shares(Causes([], []), found)
    assert rows["money"].sum() == pytest.approx(found.points["at_risk"].sum())
    assert rows["item_id"].to_list() == ["I0", "I1"]


def test_overdue_orders_are_told_by_their_source():
    overdue = [("I0", "DC1", 500.0, "S", date(2026, 10, 1)), ("I1", "DC1", 1.0, "S", date(2026, 10, 1))]
    rows = shares(Causes([], []), state([30.0, 0.0]), overdue)
    told = {
        item: (cause, subject) for item, cause, subject in rows.select("item_id", "cause", "subject").rows()
    }
    assert told == {"I0": ("overdue_orders", "S"), "I1": ("stockout", "I1")}
    assert rows.filter(item_id="I0")["money"].item() == 500.0


def test_probability_moves_from_the_house_value_to_the_record():
    closed = pl.DataFrame({"kind": ["excess"], "n_closed_right": [1], "n_closed_wrong": [19]})
    house, learnt = probabilities(None), probabilities(closed)
    assert dict(house.iter_rows()) == {kind: each.prior for kind, each in KINDS.items()}
    expected = (PRIOR_WEIGHT * KINDS["excess"].prior + 1) / (PRIOR_WEIGHT + 20)
    assert dict(learnt.iter_rows())["excess"] == pytest.approx(expected)
    assert dict(learnt.iter_rows())["stockout"] == KINDS["stockout"].prior


def test_every_cause_has_a_known_kind_and_no_name_in_braces_is_misspelt():
    known = {
        "subject",
        "since",
        "expected",
        "came",
        "odds",
        "money",
        "points",
        "n_points",
        "places",
        "orders",
    }
    known |= {"factor", "longer", "origin", "place", "item", "items", "n_items", "lasting", "lines", "units"}
    known |= {"value", "usual", "before", "after", "direction", "cause", "note", "words"}
    for words in WORDS.values():
        assert words.kind in KINDS
        for text in (words.title, words.seen, words.action):
            assert set(names_in(text)) <= known
