"""Suppliers' orders built line by line, order by order, in plain Python, against the tables."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.replenish import ReplenishParams, recommend, supplier_orders

AS_OF = date(2026, 11, 21)  # a Saturday
PARAMS = ReplenishParams(pull_days=60.0)
YEAR = 365.25


def world(company, seed):
    """Some 60 points at three suppliers and two places: about half order today."""
    rng = np.random.default_rng(seed)
    points = [
        {
            "item": f"I{n:02}",
            "at": str(rng.choice(["DC1", "DC2"])),
            "source": str(rng.choice(["Acme", "Beta", "Gamma"])),
            "stock": (float(rng.integers(5, 75)), 0.0, 0.0),
            "unit_cost_eff": float(rng.integers(1, 40)),
            "order_multiple_eff": float(rng.choice([0, 5])),
            "min_order_qty_eff": float(rng.choice([0, 10])),
            "lot_qty": float(rng.integers(10, 60)),
        }
        for n in range(60)
    ]
    terms = [
        {"from_location_id": "Acme", "min_order_value": float(rng.integers(500, 6000))},
        {
            "from_location_id": "Acme", "to_location_id": "DC2", "container_capacity": 4000.0,
            "container_measure": "value", "container_cost": float(rng.choice([30, 400])),
        },
        {
            "from_location_id": "Beta", "min_order_value": float(rng.integers(500, 6000)),
            "container_capacity": 700.0, "container_measure": "units",
        },
    ]  # fmt: skip
    tables = company(*points)
    today = recommend(
        **{name: frame for name, frame in tables.items() if name != "target"}, params=PARAMS, as_of=AS_OF
    )
    known = {
        "recommendation": today.recommendation,
        "outlook": today.outlook,
        "planning_point": tables["points"],
        "policy": tables["policy"],
        "lead_time_estimate": tables["lead_times"],
        "move": today.move,
        "items": table("items").empty(),
    }
    return known, table("supplier_terms").conform(
        pl.DataFrame(terms, schema_overrides={"to_location_id": pl.String})
    )


def up_to(quantity, multiple):
    size = multiple or 1.0
    return math.ceil(quantity / size - 1e-9) * size


def later_lines(known, source, place):
    points = {row["item_id"]: row for row in known["planning_point"].to_dicts()}
    levels = {row["item_id"]: row for row in known["policy"].to_dicts()}
    found = []
    for row in known["outlook"].to_dicts():
        point = points[row["item_id"]]
        mine = (point["from_location_id"], point["location_id"]) == (source, place)
        if not mine or row["status"] != "later" or row["order_by_date"] is None:
            continue
        level, least = levels[row["item_id"]], point["min_order_qty_eff"]
        multiple, days = point["order_multiple_eff"], (row["order_by_date"] - AS_OF).days
        asked = level["order_up_to_qty"] - row["position_qty"]
        lot = max(level["order_up_to_qty"] - level["reorder_point_qty"], 1.0)
        found.append(
            {
                "item": row["item_id"],
                "units": up_to(max(asked, least), multiple) if asked > 0 else 0.0,
                "then": up_to(max(lot, least), multiple) * point["unit_cost_eff"],
                "cost": point["unit_cost_eff"],
                "days": days,
                "each": point["unit_cost_eff"] * point["holding_rate_eff"] / YEAR * days,
                "multiple": multiple or 1.0,
                "least": least,
            }
        )
    return found


def plain(known, terms, source, place):
    """Return the lines ordered early as {item: (units, what for)}, and the day to wait for or None."""
    own = [t for t in terms if (t["from_location_id"], t["to_location_id"]) == (source, place)]
    term = (own or [t for t in terms if (t["from_location_id"], t["to_location_id"]) == (source, None)])[0]
    today = known["recommendation"].filter(from_location_id=source, to_location_id=place).to_dicts()
    lines = later_lines(known, source, place)
    soon = [line for line in lines if line["units"] > 0 and line["days"] <= PARAMS.pull_days]
    value = sum(row["value"] for row in today)
    early, missing = {}, max((term["min_order_value"] or 0.0) - value, 0.0)
    if missing > 0:
        early, wait = to_minimum(today, lines, soon, missing)
        if not early:
            return {}, wait
    if term["container_capacity"]:
        early |= fill_up(term, today, soon, early)
    return early, None


def to_minimum(today, lines, soon, missing):
    taken, reached = [], 0.0
    for line in sorted(soon, key=lambda one: (one["each"] / one["cost"], one["item"])):
        if reached < missing - 1e-9:
            taken.append(line)
            reached += line["units"] * line["cost"]
    dates, total = [], 0.0
    for line in sorted(lines, key=lambda one: (one["days"], one["item"])):
        total += line["then"]
        dates += [line["days"]] if total >= missing else []
    if not dates:
        return {}, "never"
    holding = sum(line["units"] * line["each"] for line in taken)
    risk = sum(row["money_at_risk"] for row in today) / 7.0
    if reached < missing or holding > risk * dates[0]:
        return {}, AS_OF + timedelta(days=dates[0])
    return {line["item"]: (line["units"], "minimum") for line in taken}, None


def fill_up(term, today, soon, early):
    by_value = term["container_measure"] == "value"
    size, freight = term["container_capacity"], term["container_cost"]
    for line in soon:
        line["one"] = line["cost"] if by_value else 1.0
    filled = sum(row["value"] if by_value else row["quantity"] for row in today)
    filled += sum(line["units"] * line["one"] for line in soon if line["item"] in early)
    room = math.ceil(filled / size - 1e-9) * size - filled
    most = (1 - PARAMS.container_full_share) * size
    if room <= most:
        return {}
    rest = [line for line in soon if line["item"] not in early]
    if freight is not None:
        rest = [line for line in rest if freight * line["one"] / size > line["each"]]
    fill, left, upto = {}, room, 0.0
    for line in sorted(rest, key=lambda one: (one["each"] / one["one"], one["item"])):
        start, upto, units = upto, upto + line["units"] * line["one"], line["units"]
        if upto > room + 1e-9:
            units = math.floor((room - start) / line["one"] / line["multiple"] + 1e-9) * line["multiple"]
            units = units if room > start and units >= line["least"] else 0.0
        if units > 0:
            fill[line["item"]] = (units, "container")
            left -= units * line["one"]
    return fill if freight is not None or left <= most + 1e-9 else {}


@pytest.mark.parametrize("seed", range(12))
def test_the_same_lines_are_ordered_early(company, seed):
    known, terms = world(company, seed)
    built = supplier_orders(known, terms, PARAMS, as_of=AS_OF)
    has_terms = known["recommendation"].filter(pl.col("from_location_id") != "Gamma")
    orders = has_terms.select("from_location_id", "to_location_id").unique().sort(pl.all()).rows()
    assert built.order.select("from_location_id", "to_location_id").rows() == orders
    for source, place in orders:
        early, waits = plain(known, terms.to_dicts(), source, place)
        row = built.order.row(by_predicate=_is(source, place), named=True)
        mine = built.pulled.filter(_is(source, place))
        found = {
            item: (units, code.removeprefix("pulled_for_"))
            for item, units, code in mine.select("item_id", "quantity", "reason_codes").rows()
        }
        assert found == {item: (pytest.approx(units), kind) for item, (units, kind) in early.items()}
        assert row["is_waiting"] == (waits is not None)
        assert row["order_date"] == {None: AS_OF, "never": None}.get(waits, waits)
        assert row["value"] == pytest.approx(row["needed_value"] + mine["value"].sum())


def _is(source, place):
    return (pl.col("from_location_id") == source) & (pl.col("to_location_id") == place)


def test_the_worlds_show_every_way_it_can_end(company):
    ends = set()
    for seed in range(12):
        known, terms = world(company, seed)
        built = supplier_orders(known, terms, PARAMS, as_of=AS_OF)
        ends |= set(built.order["status"]) | set(built.pulled["reason_codes"])
    assert {"pulled_forward", "below_minimum", "partly_filled", "as_needed"} <= ends
    assert {"pulled_for_minimum", "pulled_for_container"} <= ends
