"""What decisions were worth, held against a walk through the days of one decision at a time."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.learning import DECISION, POINT, LearningParams, outcomes
from plimsoll.learning.evidence import chance_of_direction, chance_of_more, ends, sums_by
from plimsoll.maths.rng import rng_for

START = date(2026, 1, 5)
AS_OF = START + timedelta(days=150)
PARAMS = LearningParams()
ITEMS, PLACES = ("A", "B", "C"), ("DC", "BR")


def day(n):
    return START + timedelta(days=int(n))


def facts_at_random(rng):
    keys = [(item, place) for item in ITEMS for place in PLACES]
    demand = [
        {"date": day(t), "item_id": item, "location_id": place, "quantity": float(rng.integers(-1, 6))}
        for item, place in keys
        for t in range(160)
        if rng.random() < 0.5
    ]
    orders = []
    for n in range(60):
        item, place = keys[rng.integers(len(keys))]
        placed = int(rng.integers(0, 150))
        source = "DC" if place == "BR" else "ACME"
        orders.append((f"P{n}", item, place, source, placed, placed + int(rng.integers(2, 40)), 10.0))
    receipts = [
        {"order_id": no, "line": "1", "item_id": item, "to_location_id": to, "from_location_id": source,
         "ordered_date": day(placed), "received_date": day(came + part), "quantity": units * share,
         "expedited": bool(n % 7 == 0)}
        for n, (no, item, to, source, placed, came, units) in enumerate(orders)
        for part, share in ((0, (0.3, 0.6)[n % 2]), (3, (0.7, 0.4)[n % 2]))
    ]  # fmt: skip
    still = [
        {"order_id": f"O{n}", "line": None, "item_id": ITEMS[n % 3], "to_location_id": "DC",
         "from_location_id": "ACME", "ordered_date": day(140), "quantity": 5.0}
        for n in range(3)
    ]  # fmt: skip
    tables = {"demand": demand, "receipts": receipts, "open_orders": still}
    return {name: table(name).conform(_frame(rows, table(name).schema)) for name, rows in tables.items()}


def _frame(rows, schema):
    full = [{name: row.get(name) for name in schema} for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def decisions_at_random(rng, n=80):
    rows, points = [], []
    kinds = ["purchase", "purchase", "transfer", "production", "expedite", "postpone", "cancel", "return"]
    for no in range(1, n + 1):
        kind = kinds[rng.integers(len(kinds))]
        start, status = int(rng.integers(5, 140)), ("accepted", "changed", "refused")[rng.integers(3)]
        item, place = ITEMS[rng.integers(3)], "BR" if kind == "transfer" else PLACES[rng.integers(2)]
        due, open_order = start + int(rng.integers(2, 30)), kind in ("expedite", "postpone", "cancel")
        changed = status == "changed"
        rows.append({
            "run_id": f"plan-{no}", "line_no": 1, "as_of": day(start), "order_date": day(start), "kind": kind,
            "item_id": item, "to_location_id": place, "from_location_id": "DC" if place == "BR" else "ACME",
            "quantity": float(rng.integers(1, 30)), "due_date": None if kind == "cancel" else day(due),
            "due_date_now": day(due + 9) if open_order else None, "cost": float(rng.integers(0, 20)),
            "status": status, "reason_code": "other", "author": "kim",
            "quantity_set": float(rng.integers(0, 40)) if changed and not open_order else None,
            "due_date_set": day(due + 4) if changed and kind != "cancel" and no % 2 else None,
            "order_id": f"P{rng.integers(60)}" if open_order or rng.random() < 0.2 else None,
            "order_line": None,
        })  # fmt: skip
        points.append({
            "run_id": f"plan-{no}", "item_id": item, "location_id": place, "category": "c", "abc": "A",
            "unit_cost": float(rng.integers(1, 9)), "unit_price": float(rng.integers(1, 15)),
            "holding_rate": 0.25, "shortage_cost": 7.5 if rng.random() < 0.3 else None,
            "unmet_demand": "lost" if rng.random() < 0.5 else "backlog", "order_cost": 12.0,
            "review_days": float(rng.choice([0.0, 7.0, 14.0])), "lead_days": float(due - start),
            "on_hand_qty": float(rng.integers(0, 40)), "backlog_qty": float(rng.integers(0, 3)),
            "counted_date": day(start), "lot_qty": float(rng.integers(0, 30)),
            "reorder_point_qty": float(rng.integers(0, 50)),
            "expected_protection_qty": float(rng.integers(0, 60)), "buffer_qty": 5.0, "target_service": 0.95,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=DECISION), pl.DataFrame(points, schema=POINT)


def orders_by_name(facts):
    known = {}
    for name in ("receipts", "open_orders"):
        for row in facts[name].iter_rows(named=True):
            came = row.get("received_date")
            if (came or row["ordered_date"]) > AS_OF:
                continue
            key = (
                row["order_id"],
                row["line"],
                row["item_id"],
                row["to_location_id"],
                row["from_location_id"],
            )
            known.setdefault(key, {"placed": row["ordered_date"], "parts": []})
            known[key]["parts"].append((came or date.max, row["quantity"]))
    for order in known.values():
        total, upto = sum(units for _, units in order["parts"]), 0.0
        order["total"], order["arrived"] = total, None
        for came, units in sorted(order["parts"]):
            upto += units
            if upto >= total / 2 and order["arrived"] is None:
                order["arrived"] = None if came == date.max else came
    return known


def decided_on(row):
    """Return units on the decided and on the proposed road."""
    if row["kind"] == "cancel":
        return (row["quantity"] if row["status"] == "refused" else 0.0), 0.0
    if row["kind"] in ("expedite", "postpone"):
        return row["quantity"], row["quantity"]
    if row["status"] == "refused":
        return 0.0, row["quantity"]
    asked = row["quantity_set"]
    return (row["quantity"] if asked is None else asked), row["quantity"]


def matched(rows, known):
    """Return the order of each decision: named, else the best pair first."""
    own, taken = {}, set()
    for row in rows:
        for key in sorted(known, key=str):
            if row["order_id"] == key[0] and key[2:4] == (row["item_id"], row["to_location_id"]):
                own[row["run_id"]] = key
                taken.add(key)
    pairs = []
    for row in rows:
        lane = (row["item_id"], row["to_location_id"], row["from_location_id"])
        if (
            row["run_id"] in own
            or row["kind"] in ("expedite", "postpone", "cancel")
            or not decided_on(row)[0]
        ):
            continue
        for key, order in known.items():
            gap = (order["placed"] - row["as_of"]).days
            if key[2:] == lane and 0 <= gap <= PARAMS.match_days and key not in taken:
                pairs.append((gap, abs(order["total"] - decided_on(row)[0]), row["run_id"], key))
    names = sorted(row["run_id"] for row in rows)
    for _, _, name, key in sorted(pairs, key=lambda one: (*one[:2], names.index(one[2]), str(one[3]))):
        if name not in own and key not in taken:
            own[name] = key
            taken.add(key)
    return own


def arrivals(row, order, facts):
    """Return the days of arrival as decided and as proposed."""
    on_open = row["kind"] in ("expedite", "postpone", "cancel")
    stands = row["due_date_set"] or row["due_date"]
    if on_open and row["status"] == "refused":
        stands = row["due_date_now"]
    shift = (stands - row["due_date"]).days if stands and row["due_date"] else 0
    if order and order["arrived"]:
        proposed = order["arrived"] - timedelta(days=shift)
    else:
        near = None if on_open else lead_time_near(row, facts["receipts"])
        expected = row["due_date"] or row["due_date_now"]
        proposed = expected if near is None else row["as_of"] + timedelta(days=near)
    least = row["as_of"] + timedelta(days=1)
    return max(proposed + timedelta(days=shift), least), max(proposed, least)


def lead_time_near(row, receipts):
    days = {}
    for came in receipts.iter_rows(named=True):
        lane = all(came[name] == row[name] for name in ("item_id", "to_location_id", "from_location_id"))
        if lane and came["received_date"] <= AS_OF and not came["expedited"]:
            days.setdefault(came["ordered_date"], []).append(
                (came["received_date"] - came["ordered_date"]).days
            )
    close = [(abs((placed - row["as_of"]).days), placed) for placed in days]
    close = [one for one in close if one[0] <= PARAMS.lane_days]
    if not close:
        return None
    least = min(gap for gap, _ in close)
    tied = [float(np.round(np.mean(days[placed]))) for gap, placed in close if gap == least]
    return tied if len(tied) > 1 else tied[0]


def walk(row, point, arrives, units, facts, own, end):
    """Return units short, unit-days, and by what the next review finds more than the reorder point."""
    here = (row["item_id"], row["to_location_id"])
    held, owed, short, unit_days = point["on_hand_qty"], point["backlog_qty"], 0.0, 0.0
    sign = -1.0 if row["kind"] == "return" else 1.0
    since = 0.0
    for n in range(1, (end - row["as_of"]).days + 1):
        today = row["as_of"] + timedelta(days=n)
        came = sum(
            each["quantity"]
            for each in facts["receipts"].filter(received_date=today).iter_rows(named=True)
            if (each["item_id"], each["to_location_id"]) == here
            and own != (each["order_id"], each["line"], *here, each["from_location_id"])
        )
        held = max(held + came + (sign * units if arrives == today else 0.0), 0.0)
        paid = min(owed, held)
        held, owed = held - paid, owed - paid
        asked = max(asked_on(today, here, facts), 0.0)
        since += asked if n > max(int(np.ceil(point["review_days"])), 1) else 0.0
        served = min(held, asked)
        held -= served
        short += asked - served
        owed += 0.0 if point["unmet_demand"] == "lost" else asked - served
        unit_days += held
    return short, unit_days, held - owed + since - point["reorder_point_qty"]


def asked_on(today, here, facts):
    total = facts["demand"].filter(item_id=here[0], location_id=here[1], date=today)["quantity"].sum()
    for name, known in (("receipts", "received_date"), ("open_orders", "ordered_date")):
        rows = facts[name].filter(item_id=here[0], from_location_id=here[1], ordered_date=today)
        total += rows.filter(pl.col(known) <= AS_OF)["quantity"].sum()
    return total


def cycle_by_steps(above, rate, lot, steps=100_000):
    """Return unit-days and orders until the next order against the average, by small steps of time."""
    lasts = min(above / rate, PARAMS.tail_days) if rate > 0 else PARAMS.tail_days * (above > 0)
    middle = (np.arange(steps) + 0.5) * lasts / steps
    level = above - rate * middle - (lot / 2 if rate > 0 else 0.0)
    return level.mean() * lasts, (-rate * lasts / lot if lot > 0 else 0.0)


def plain_value(row, point, facts, known, own):
    order = known.get(own.get(row["run_id"]))
    arrives = arrivals(row, order, facts)
    review = max(int(np.ceil(point["review_days"])), 1)
    end = max(arrives) + timedelta(days=review - 1)
    kept = row["kind"] == "cancel" and row["status"] != "refused"
    if (order and order["arrived"] is None and not kept) or end > AS_OF:
        return None
    units = decided_on(row)
    roads = [walk(row, point, arrives[k], units[k], facts, own.get(row["run_id"]), end) for k in (0, 1)]
    margin = point["unit_price"] - point["unit_cost"]
    unit_short = point["shortage_cost"] or (margin if margin > 0 else point["unit_cost"])
    held = 0.0 if row["kind"] == "transfer" else point["unit_cost"] * point["holding_rate"] / 365.25
    rate = point["expected_protection_qty"] / max(point["lead_days"] + point["review_days"], 1.0)
    lot = max(point["lot_qty"], rate * point["review_days"])
    costs = []
    for k in (0, 1):
        short, unit_days, above = roads[k]
        rest, orders = cycle_by_steps(max(above, 0.0), rate, lot)
        is_open = row["kind"] in ("expedite", "postpone", "cancel")
        does = (k == 1 or row["status"] != "refused") if is_open else units[k] > 0
        placed = units[k] > 0 and row["kind"] in ("purchase", "transfer", "production")
        costs.append(
            unit_short * short + held * (unit_days + rest) + point["order_cost"] * (placed + orders)
            + row["cost"] * does
        )  # fmt: skip
    return costs[1] - costs[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_value_added_is_that_of_a_walk_through_the_days(seed):
    rng = rng_for(seed, "learning plain")
    facts = facts_at_random(rng)
    decisions, points = decisions_at_random(rng)
    found = outcomes(decisions, points, facts, PARAMS, as_of=AS_OF)
    known = orders_by_name(facts)
    rows = decisions.sort("run_id").to_dicts()
    own = matched(rows, known)
    by_run = {point["run_id"]: point for point in points.to_dicts()}
    counted = 0
    for row, got in zip(rows, found.iter_rows(named=True), strict=True):
        if isinstance(lead_time_near(row, facts["receipts"]), list):
            continue  # two orders equally near: either may stand in
        wanted = plain_value(row, by_run[row["run_id"]], facts, known, own)
        assert (got["state"] == "counted") == (wanted is not None), row
        if wanted is not None:
            counted += 1
            assert got["value_added"] == pytest.approx(wanted, abs=1e-4), row
    assert counted > 40
    kept = found.filter(state="counted", action="accepted")
    assert kept.height > 5
    assert (kept["value_added"] == 0).all()
    assert found.filter(pl.col("state") == "counted", pl.col("value_added") != 0).height > 20


@pytest.mark.parametrize("days", [60, 110])
def test_nothing_that_happened_later_is_read(days):
    rng = rng_for(4, "learning plain")
    facts, (decisions, points) = facts_at_random(rng), decisions_at_random(rng)
    as_of = day(days)
    happened = {"demand": "date", "receipts": "received_date", "open_orders": "ordered_date"}
    then = {name: facts[name].filter(pl.col(at) <= as_of) for name, at in happened.items()}
    found = outcomes(decisions, points, facts, PARAMS, as_of=as_of)
    assert found.equals(outcomes(decisions, points, then, PARAMS, as_of=as_of))
    assert 0 < found.filter(state="counted").height < found.height
    assert found["as_of"].max() < as_of
    # An order that is still to come leaves its decision open, and what is judged has passed.
    assert found.filter(state="counted")["end_date"].max() <= as_of


def test_totals_of_periods_count_as_if_spread_over_their_days():
    rng = rng_for(5, "learning plain")
    facts, (decisions, points) = facts_at_random(rng), decisions_at_random(rng)
    weeks = [
        {"date": day(7 * week), "item_id": item, "location_id": place, "quantity": float(rng.integers(0, 20))}
        for item in ITEMS
        for place in PLACES
        for week in range(21)
    ]
    days = [row | {"date": row["date"] + timedelta(days=n), "quantity": row["quantity"] / 7}
            for row in weeks for n in range(7)]  # fmt: skip
    found, spread = (
        outcomes(decisions, points, facts | {"demand": table("demand").conform(pl.DataFrame(rows))}, PARAMS,
                 as_of=day(146))
        for rows in (weeks, days)
    )  # fmt: skip
    assert found.select("state", "end_date").equals(spread.select("state", "end_date"))
    close = (found["value_added"] - spread["value_added"]).abs().max()
    assert close < 1e-3  # units are summed in millionths
    assert (found["value_added"] != 0).sum() > 10
    # On a Wednesday the week under way is not known whole.
    later = outcomes(
        decisions, points, facts | {"demand": table("demand").conform(pl.DataFrame(weeks))}, PARAMS,
        as_of=day(149),
    )  # fmt: skip
    assert later.filter(state="counted")["end_date"].max() <= day(146)


def test_what_cannot_be_judged_is_said():
    rng = rng_for(6, "learning plain")
    facts, (decisions, points) = facts_at_random(rng), decisions_at_random(rng)
    found = outcomes(decisions, points, facts, PARAMS, as_of=AS_OF)
    counted = found.filter(state="counted")["run_id"].to_list()
    stock, cost, demand = counted[:3]
    gone = points.with_columns(
        counted_date=pl.when(run_id=stock).then(None).otherwise("counted_date"),
        unit_cost=pl.when(run_id=cost).then(0.0).otherwise("unit_cost"),
    )
    row = found.row(by_predicate=pl.col("run_id") == demand, named=True)
    unseen = {"date": row["end_date"], "item_id": row["item_id"], "location_id": row["to_location_id"]}
    holes = pl.concat([facts["demand"], pl.DataFrame([unseen])], how="diagonal")
    told = outcomes(decisions, gone, facts | {"demand": holes}, PARAMS, as_of=AS_OF)
    why = dict(told.select("run_id", "state_why").iter_rows())
    assert [why[stock], why[cost], why[demand]] == ["stock_unknown", "cost_unknown", "demand_unobserved"]
    assert told.filter(state="unknown")["value_added"].null_count() == told.filter(state="unknown").height


def test_the_next_plan_is_the_next_review():
    rng = rng_for(7, "learning plain")
    facts, (decisions, points) = facts_at_random(rng), decisions_at_random(rng)
    alone = outcomes(decisions, points, facts, PARAMS, as_of=AS_OF)
    plans = [day(n) for n in range(0, 150, 3)]
    often = outcomes(decisions, points, facts, PARAMS, as_of=AS_OF, plans=plans)
    shorter = (alone["end_date"] - often["end_date"]).dt.total_days()
    review = points.sort("run_id")["review_days"]
    until = pl.Series([3 - (one - START).days % 3 for one in alone["as_of"]])
    assert shorter.to_list() == [max(max(r, 1) - u, 0) for r, u in zip(review, until, strict=True)]


def test_the_error_of_a_sum_is_that_of_resampled_items():
    rng = rng_for(1, "learning blocks")
    item = np.repeat(np.arange(60), rng.integers(1, 6, 60))
    value = rng.normal(0, 1, 60)[item] + rng.normal(3, 1, len(item))
    rows = pl.DataFrame({"g": "x", "item": item, "value": value})
    told = sums_by(rows, ["g"], "item", "value").row(0, named=True)
    parts, sizes = np.bincount(item, value), np.bincount(item)
    drawn = rng.integers(0, 60, (4000, 60))
    # The sum of as many rows again: the mean of drawn items, times the rows.
    sums = parts[drawn].sum(axis=1) / sizes[drawn].sum(axis=1) * len(item)
    assert told["total"] == pytest.approx(value.sum())
    assert told["error"] == pytest.approx(sums.std(), rel=0.06)
    low, high = ends(*(pl.Series([told[name]]) for name in ("total", "error", "blocks")), 0.95)
    assert low[0] < value.sum() < high[0]


def test_intervals_of_sums_cover_as_often_as_they_say():
    rng = rng_for(2, "learning cover")
    worlds, items = 400, 12
    of_item = rng.normal(0.0, 1.0, (worlds, items, 1)) + rng.normal(0.0, 1.0, (worlds, items, 3))
    rows = pl.DataFrame(
        {
            "world": np.repeat(np.arange(worlds), items * 3),
            "item": np.tile(np.repeat(np.arange(items), 3), worlds),
            "value": of_item.ravel(),
        }
    )
    sums = sums_by(rows, ["world"], "item", "value")
    low, high = ends(sums["total"], sums["error"], sums["blocks"], 0.9)
    assert 0.86 < float(((low < 0) & (high > 0)).mean()) < 0.94
    chances = chance_of_more(sums["total"], sums["error"], sums["blocks"])
    assert 0.02 < float((chances < 0.05).mean()) < 0.08


def test_the_sign_test_counts_the_ways_to_be_so_lopsided():
    for up, down in [(8, 0), (7, 1), (9, 3), (0, 12), (5, 5)]:
        n, most = up + down, max(up, down)
        ways = sum(1 for mask in range(2**n) if max(mask.bit_count(), n - mask.bit_count()) >= most)
        assert chance_of_direction(np.array([up]), np.array([down]))[0] == pytest.approx(ways / 2**n)
