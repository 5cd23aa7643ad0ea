"""Scripted planners in a world whose truth is known: what each was worth, and what is suggested."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.learning import DECISION, POINT, LearningParams, outcomes, sentences, suggestions, totals
from plimsoll.maths.rng import rng_for

MONDAY = date(2025, 1, 5)
REVIEW, BELIEVED, TRULY = 7, 14, {"ACME": 24, "BETA": 14}
ITEMS, WEEKS, COST, RATE = 12, 40, 10.0, 0.25
HELD = COST * RATE / 365.25  # money a unit and day
SHORT = 19 * HELD * REVIEW  # at which 95 % service is the best for the true lead time
PARAMS = LearningParams()


@dataclass
class World:
    """What came of a planner: days' costs of each item, and the facts and records left behind."""

    cost: np.ndarray
    facts: dict
    decisions: pl.DataFrame
    points: pl.DataFrame
    as_of: date


def supplier(item):
    return "ACME" if item % 2 else "BETA"


def live(seed, decide, author="kim"):
    """Run weekly orders up to a level sized for the believed lead time; `decide` alters quantities."""
    rng = rng_for(seed, "planners")
    mean = rng.uniform(2.0, 6.0, ITEMS)
    days = WEEKS * REVIEW + 60
    demand = rng.poisson(np.tile(mean[:, None], days + 1))
    mood = rng_for(seed, "mood", author)
    span = BELIEVED + REVIEW - 1
    level = np.ceil(mean * span + 1.645 * np.sqrt(mean * span))
    on_hand, backlog, position = level - np.round(mean * BELIEVED), np.zeros(ITEMS), level.copy()
    coming = np.zeros((ITEMS, days + 60))
    for item in range(ITEMS):  # what was ordered in the two weeks before
        coming[item, 1 : BELIEVED + 1] = mean[item]
    on_hand = level - coming.sum(axis=1)
    rows, points, receipts, orders, cost = [], [], [], [], np.zeros((ITEMS, days + 1))
    for item in range(ITEMS):
        before = range(1, BELIEVED + 1)
        receipts.extend(_receipt(f"S{item}-{t}", item, -1, t, coming[item, t]) for t in before)
    for t in range(days + 1):
        if t:
            there = on_hand + coming[:, t]
            paid = np.minimum(backlog, there)
            served = np.minimum(there - paid, demand[:, t])
            missed = demand[:, t] - served
            on_hand, backlog = there - paid - served, backlog - paid + missed
            position = position - demand[:, t]
            cost[:, t] = HELD * on_hand + SHORT * missed
        if t % REVIEW or t > WEEKS * REVIEW:
            continue
        for item in range(ITEMS):
            proposed = max(level[item] - position[item], 0.0)
            if not proposed:
                continue
            decided = float(np.round(decide(supplier(item), proposed, mood)))
            takes = TRULY[supplier(item)]
            rows.append(_line(t, item, proposed, decided, author))
            points.append(_point(t, item, mean[item], level[item], on_hand[item], backlog[item]))
            if decided:
                coming[item, t + takes] += decided
                position[item] += decided
                orders.append(_receipt(f"P{t}-{item}", item, t, t + takes, decided))
    asked = [
        {"date": day(t), "item_id": f"I{item}", "location_id": "DC", "quantity": float(demand[item, t])}
        for item in range(ITEMS)
        for t in range(1, days + 1)
    ]
    facts = {
        "demand": table("demand").conform(pl.DataFrame(asked)),
        "receipts": table("receipts").conform(pl.DataFrame(receipts + orders)),
        "open_orders": table("open_orders").empty(),
    }
    as_of = day(days)
    return World(cost, facts, pl.DataFrame(rows, schema=DECISION), pl.DataFrame(points, schema=POINT), as_of)


def day(t):
    return MONDAY + timedelta(days=int(t))


def _receipt(name, item, placed, came, units):
    return {
        "order_id": name, "line": "1", "item_id": f"I{item}", "to_location_id": "DC",
        "from_location_id": supplier(item), "ordered_date": day(placed), "received_date": day(came),
        "quantity": float(units),
    }  # fmt: skip


def _line(t, item, proposed, decided, author):
    return {
        "run_id": f"plan-{t:03d}", "line_no": item + 1, "as_of": day(t), "order_date": day(t),
        "kind": "purchase", "item_id": f"I{item}", "to_location_id": "DC", "from_location_id": supplier(item),
        "quantity": float(proposed), "due_date": day(t + BELIEVED), "due_date_now": None, "cost": 0.0,
        "status": "exported" if decided else "refused", "quantity_set": decided, "due_date_set": None,
        "reason_code": "supplier_news", "author": author, "order_id": None, "order_line": None,
    }  # fmt: skip


def _point(t, item, mean, level, on_hand, backlog):
    return {
        "run_id": f"plan-{t:03d}", "item_id": f"I{item}", "location_id": "DC", "category": f"C{item % 3}",
        "abc": "A", "unit_cost": COST, "unit_price": 20.0, "holding_rate": RATE, "shortage_cost": SHORT,
        "unmet_demand": "backlog", "order_cost": 0.0, "review_days": float(REVIEW),
        "lead_days": float(BELIEVED), "on_hand_qty": float(on_hand), "backlog_qty": float(backlog),
        "counted_date": day(t), "reorder_point_qty": float(level), "lot_qty": 1.0,
        "expected_protection_qty": float(mean * (BELIEVED + REVIEW)),
        "buffer_qty": float(level - mean * (BELIEVED + REVIEW - 1)), "target_service": 0.95,
    }  # fmt: skip


def knows_acme(source, proposed, rng):
    return proposed * (1.6 if source == "ACME" else 1.0)


def fears_all(source, proposed, rng):
    return proposed * 1.3


def at_random(source, proposed, rng):
    return proposed * rng.choice([0.7, 1.3])


def accepts(source, proposed, rng):
    return proposed


def judged(world):
    found = outcomes(world.decisions, world.points, world.facts, PARAMS, as_of=world.as_of)
    return found, totals(found, PARAMS), suggestions(found, PARAMS, sentences("EUR"))


@pytest.mark.parametrize(("decide", "sign"), [(knows_acme, 1), (fears_all, -1)])
@pytest.mark.parametrize("seed", [1, 2])
def test_value_added_is_what_going_without_the_planner_would_have_cost_more(decide, sign, seed):
    # What the plan believes of BETA is true, so that fear gains nothing there.
    with_planner, without = live(seed, decide), live(seed, accepts)
    found, _, _ = judged(with_planner)
    source = "ACME" if sign > 0 else "BETA"
    mine = found.filter(from_location_id=source)
    assert (mine["state"] == "counted").all()
    items = [item for item in range(ITEMS) if supplier(item) == source]
    # From the first order's arrival to the last day before a next order could have come.
    first, last = TRULY[source], WEEKS * REVIEW + TRULY[source] + REVIEW - 1
    saved = (without.cost - with_planner.cost)[items, first : last + 1].sum()
    value = mine["value_added"].sum()
    assert np.sign(value) == sign
    assert value == pytest.approx(saved, rel=1e-6)


def test_who_knows_is_told_of_and_who_fears_is_not():
    _, told, knows = judged(live(3, knows_acme))
    assert told.row(by_predicate=pl.col("group") == "ACME", named=True)["verdict"] == "helped"
    assert knows["verdict"].to_list()[0] == "suggest"
    first = knows.row(0, named=True)
    assert (first["scope_kind"], first["subject"], first["parameter"]) == ("supplier", "ACME", "lead_time")
    assert (first["value_from"], first["value_to"]) == (14.0, 24.0)
    assert first["sentence"].startswith("kim raised")
    assert first["sentence"].endswith("lead time 14 → 24 days?")
    _, told, fears = judged(live(4, fears_all))
    beta = fears.filter(subject="BETA")
    assert beta["verdict"].to_list() == ["has_cost"]
    assert "the recommendations did better" in beta["sentence"][0]
    assert told.row(by_predicate=pl.col("group") == "BETA", named=True)["verdict"] == "cost"


def test_chance_is_seldom_taken_for_knowledge():
    worlds, alarms = 20, {"fears": 0, "random": 0}
    for seed in range(100, 100 + worlds):
        for name, decide in (("fears", fears_all), ("random", at_random)):
            found, _, _ = judged(live(seed, decide, author=name))
            # Where the plan is right, nothing is to be learnt: only BETA's orders.
            beta = suggestions(found.filter(from_location_id="BETA"), PARAMS, sentences(""))
            alarms[name] += int((beta["verdict"] == "suggest").any())
    assert alarms["random"] <= 1
    assert alarms["fears"] <= 1


def test_what_a_person_who_knows_does_is_found_in_every_world_with_the_right_lead_time():
    for seed in range(200, 210):
        _, _, found = judged(live(seed, knows_acme))
        told = found.filter(verdict="suggest", subject="ACME", parameter="lead_time")
        assert told.select("value_from", "value_to").rows() == [(BELIEVED, TRULY["ACME"])]


def test_the_rule_itself_teaches_nothing():
    world = live(5, knows_acme, author="plimsoll")
    assert judged(world)[2].is_empty()
