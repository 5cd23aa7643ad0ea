"""Rules over many rows at once, against one rule and one row at a time in plain Python."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.repairs import stated
from plimsoll.domain.tables import table
from plimsoll.ingest.repairs import repaired

AS_OF, FIRST = date(2026, 6, 30), date(2026, 1, 1)
ITEMS, PLACES = [f"I{n}" for n in range(8)], ["M", "N"]
TESTS = {
    "=": lambda cell, value: cell == value,
    "!=": lambda cell, value: cell != value,
    "<": lambda cell, value: cell is not None and cell < value,
    "<=": lambda cell, value: cell is not None and cell <= value,
    ">": lambda cell, value: cell is not None and cell > value,
    ">=": lambda cell, value: cell is not None and cell >= value,
}


def means(rule, row):
    asked = all(TESTS[each.comparison](row[each.column], each.value) for each in rule.match)
    started = rule.first_day is None or row["date"] >= rule.first_day
    return asked and started and (rule.last_day is None or row["date"] <= rule.last_day)


def disputed(own):
    """The rules of one row that want different things of one cell."""
    out = set()
    for column in {rule.column for rule in own}:
        cell = [rule for rule in own if rule.column == column and rule.kind in ("set", "convert")]
        asks = {(rule.kind, rule.value) for rule in cell}
        if len(cell) > 1 and (len(asks) > 1 or any(rule.kind == "convert" for rule in cell)):
            out |= {rule.id for rule in cell}
    return out


def changed(old, rule):
    """One cell under one rule."""
    if rule.kind == "set":
        return rule.value
    if old is None:
        return None
    return old * rule.value if rule.kind == "convert" else min(old, rule.value)


def plainly(rows, rules):
    """Each row in turn: which rules mean it, who is out for a contradiction, then set, convert, cap."""
    hit = [[rule for rule in rules if means(rule, row)] for row in rows]
    kept = [
        (dict(row), own) for row, own in zip(rows, hit, strict=True) if "drop" not in {r.kind for r in own}
    ]
    out = set().union(*(disputed(own) for _, own in kept))
    for row, own in kept:
        for kind in ("set", "convert", "cap"):
            for rule in own:
                if rule.kind == kind and rule.id not in out:
                    row[rule.column] = changed(row[rule.column], rule)
    return [row for row, _ in kept], out


def company(rng, n):
    """Demand with unknown quantities and repeated keys among the rows."""
    return table("demand").conform(
        pl.DataFrame(
            {
                "date": [FIRST + timedelta(days=int(day)) for day in rng.integers(0, 30, n)],
                "item_id": rng.choice(ITEMS, n),
                "location_id": rng.choice(PLACES, n),
                "quantity": [None if q % 11 == 0 else float(q) for q in rng.integers(-20, 200, n)],
                "unit_price": rng.integers(1, 9, n).astype(float),
            }
        )
    )


def rules_of(rng, n):
    rules = []
    for number in range(n):
        words = {"table": "demand", "author": "Ann", "reason": "test"}
        words["kind"] = str(rng.choice(["drop", "set", "convert", "cap"], p=[0.1, 0.4, 0.2, 0.3]))
        if rng.random() < 0.8:
            words["item"] = str(rng.choice(ITEMS))
        sign = str(rng.choice(list(TESTS)))
        words["where"] = [f"quantity {sign} {int(rng.integers(0, 200))}"]
        if rng.random() < 0.3:
            words["location"] = str(rng.choice(PLACES))
        if rng.random() < 0.5:
            words["first"] = FIRST + timedelta(days=int(rng.integers(0, 30)))
        if words["kind"] != "drop":
            words["column"] = str(rng.choice(["quantity", "unit_price"]))
            words["value"] = str(rng.integers(1, 6))
        rules.append(replace(stated(words), id=f"R{number}"))
    return rules


@pytest.mark.parametrize("seed", range(25))
def test_many_rules_at_once_are_one_after_the_other(seed):
    rng = np.random.default_rng(seed)
    demand, rules = company(rng, 120), rules_of(rng, 2 + seed)
    done = repaired({"demand": demand}, rules, as_of=AS_OF)
    expected, out = plainly(demand.rows(named=True), rules)
    assert done.tables["demand"].rows(named=True) == table("demand").conform(
        pl.DataFrame(expected, schema=demand.schema, orient="row")
    ).rows(named=True)
    assert set(done.effects.filter(status="refused")["repair_id"]) == out
