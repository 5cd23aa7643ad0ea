"""Money shared out among causes: each day without stock once, counted by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.exceptions import KINDS, PRIOR_WEIGHT, WORDS
from plimsoll.domain.reasons import names_in
from plimsoll.exceptions.evidence import Evidence, State
from plimsoll.exceptions.find import probabilities
from plimsoll.exceptions.shortages import CAUSE, Causes, _with_sources, orders_overdue, shared_out
from plimsoll.exceptions.waiting import NEVER

# 10 a day at a price of 7; help comes in 7 days, or 7 days later: of 100 units, 4 days are short.
A_DAY, HELP = 10 * 7.0, 7.0
COMING = {"row": pl.UInt32, "from_location_id": pl.String, "day": pl.Float64}
COMING |= {"quantity": pl.Float64, "is_overdue": pl.Boolean}


def plain(stock):
    """Return the days from 7 to 14 on which steady demand finds nothing, in money."""
    return A_DAY * min(max(2 * HELP - max(stock, 0.0) / 10, 0.0), HELP)


def state(stocks, coming=(), places=None, waiting=None, at_risk=None):
    n = len(stocks)
    points = pl.DataFrame(
        {
            "item_id": [f"I{k}" for k in range(n)] if places is None else ["I0"] * n,
            "location_id": places or ["DC1"] * n,
            "from_location_id": ["S"] + ["DC1"] * (n - 1),
            "price": [7.0] * n,
            "held": [True] * n,
            "on_hand": stocks,
            "position": [0.0] * n,
            "at_risk": at_risk or [7.0] * n,
            "waiting": waiting or [0.0] * n,
            "rate": [10.0] * n,
            "help_days": [HELP] * n,
            "review_days": [HELP] * n,
            "ratio": [0.0] * n,
            "doubt": [0.0] * n,
        }
    )
    # One unit short by the law: `at_risk` of 7 counts all of it.
    return State(
        points,
        pl.Series([[0.0, 1.0]] * n),
        np.ones(n),
        pl.DataFrame(list(coming), schema=COMING, orient="row"),
    )


def blame(*rows):
    each = [{"item_id": "I0", "location_id": "DC1"} | row for row in rows]
    return Causes([], [pl.DataFrame(each)])


def money(rows):
    """Return what is more than rounding, by cause, item and place."""
    told = rows.filter(pl.col("money") > 0.05).select("cause", "item_id", "location_id", "money")
    return {(cause, item, place): paid for cause, item, place, paid in told.iter_rows()}


def near(value):
    return pytest.approx(value, abs=0.05)


def test_what_a_cause_explains_and_the_rest_add_up():
    """A stopped supplier keeps 30 of 130 units: 4 days are short instead of 1, and that is both parts."""
    found = state([100.0], [(0, "S", 2.0, 30.0, False)])
    stopped = {"cause": "supplier_stopped", "subject": "S", "origin": "S", "later_with": NEVER}
    paid = money(shared_out(blame(stopped), found))
    assert paid["stockout", "I0", "DC1"] == near(plain(130.0))
    assert paid["supplier_stopped", "I0", "DC1"] == near(plain(100.0) - plain(130.0))
    assert sum(paid.values()) == near(4 * A_DAY)


def test_a_count_too_low_feigns_a_shortage():
    counted = {"cause": "count", "subject": "I0 @ DC1", "stock_with": 0.0, "stock_without": 20.0}
    paid = money(shared_out(blame(counted), state([100.0])))
    assert paid["count", "I0", "DC1"] == near(plain(100.0) - plain(120.0))
    assert sum(paid.values()) == near(plain(100.0))


def test_of_more_demand_what_forecasts_hold_is_explained_too():
    """Of 8 a day more the forecast of 10 holds half: 14 are asked for, where it was 6."""
    customer = {"cause": "customer_more", "subject": "C", "extra_with": 4.0, "extra_without": -4.0}
    paid = money(shared_out(blame(customer), state([90.0])))
    # At 14 a day, 90 units last 6 days: all of the 7 days are short; at 6 a day they last 15.
    assert paid == {("customer_more", "I0", "DC1"): near(7 * 14 * 7.0)}


def test_a_point_belongs_to_the_cause_that_explains_most():
    both = blame(
        {"cause": "count", "subject": "I0 @ DC1", "stock_with": -10.0, "stock_without": 0.0},
        {"cause": "customer_more", "subject": "C", "extra_with": 10.0, "extra_without": 0.0},
    )
    paid = money(shared_out(both, state([100.0])))
    assert set(paid) == {("customer_more", "I0", "DC1"), ("stockout", "I0", "DC1")}
    assert sum(paid.values()) == near(7 * 20 * 7.0)


def test_a_place_that_waits_for_ours_belongs_to_the_cause_there():
    """The DC would have 30 more to send by its right count: half of what its two branches wait for."""
    counted = {"cause": "count", "subject": "I0 @ DC1", "stock_with": 0.0, "stock_without": 30.0}
    waits = state(
        [200.0, 90.0, 110.0, 120.0], places=["DC1", "B1", "B2", "B3"], waiting=[0.0, 20.0, 40.0, 0.0]
    )
    paid = money(shared_out(blame(counted), waits))
    assert paid == {
        ("count", "I0", "B1"): near(plain(90.0) / 2),
        ("stockout", "I0", "B1"): near(plain(90.0) / 2),
        ("count", "I0", "B2"): near(plain(110.0) / 2),
        ("stockout", "I0", "B2"): near(plain(110.0) / 2),
        ("stockout", "I0", "B3"): near(plain(120.0)),
    }


def test_what_the_plan_does_not_count_at_a_place_that_feeds_others_is_not_lost():
    paid = money(shared_out(Causes([], []), state([100.0, 0.0], at_risk=[3.5, 7.0])))
    assert paid == {
        ("stockout", "I0", "DC1"): near(plain(100.0) / 2),
        ("stockout", "I1", "DC1"): near(plain(0.0)),
    }


def test_overdue_orders_are_told_by_their_source_unless_that_is_late_itself():
    overdue = pl.DataFrame(
        {
            "item_id": ["I0", "I1"],
            "to_location_id": ["DC1", "DC1"],
            "from_location_id": ["S", "T"],
            "overdue_days": [3.0, 3.0],
            "due_date": [date(2026, 10, 1)] * 2,
        }
    )
    evidence = Evidence(date(2026, 10, 4), {}, {"arrival_risk": overdue})
    late = pl.DataFrame([{"cause": "supplier_slow", "subject": "T", "origin": "T"}], schema=CAUSE)
    causes = orders_overdue(evidence, late)
    assert causes.blame["subject"].to_list() == ["S"]
    # Its 30 units come on day 14 and would be there: 4 days are short instead of 1.
    rows = shared_out(causes, state([100.0], [(0, "S", 14.0, 30.0, True)]))
    assert money(rows)["overdue_orders", "I0", "DC1"] == near(plain(100.0) - plain(130.0))
    assert rows.filter(cause="overdue_orders")["first_due"].item() == date(2026, 10, 1)


def test_what_is_asked_for_more_at_a_branch_draws_on_all_that_feed_it():
    rows = pl.DataFrame(
        {
            "cause": "customer_more",
            "subject": "C",
            "item_id": "I0",
            "location_id": place,
            "extra_per_day": more,
        }
        for place, more in (("B1", 3.0), ("B2", 2.0), ("DC1", 1.0))
    )
    edges = pl.DataFrame(
        {"item_id": ["I0"] * 3, "location_id": ["B1", "B2", "DC1"], "from_location_id": ["DC1", "DC1", "PL"]}
    )
    drawn = _with_sources(rows, edges).select("location_id", "extra_per_day")
    assert dict(drawn.iter_rows()) == {"B1": 3.0, "B2": 2.0, "DC1": 6.0, "PL": 6.0}


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
    known |= {"factor", "longer", "origin", "place", "item", "items", "n_items", "lasting", "today", "units"}
    known |= {"whole", "review", "value", "usual", "before", "after", "direction", "cause", "note", "words"}
    for words in WORDS.values():
        assert words.kind in KINDS
        for text in (words.title, words.seen, words.action):
            assert set(names_in(text)) <= known
