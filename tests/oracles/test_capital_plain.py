"""Release and provision of the demo company against plain loops over points and months, written apart."""

from calendar import monthrange
from collections import defaultdict
from datetime import UTC, datetime

import pytest

from plimsoll.workflows.capital import measure_capital
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("capital") / "demo"
    build_demo(folder, n_items=60, seed=5, at=AT)
    with (folder / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    return make_plan(folder, at=AT), measure_capital(folder, at=AT)


def rows_of(frame):
    return {(row["item_id"], row["location_id"]): row for row in frame.to_dicts()}


def later(day, months):
    """The same day so many months on, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def test_release_month_by_month(both):
    plan, capital = both
    costs, rates = rows_of(plan["planning_point"]), rows_of(plan["demand_estimate"])
    lives, health = rows_of(plan["obsolescence"]), rows_of(plan["inventory_health"])
    stranded = rows_of(capital["stranded"])
    days = [(later(plan.as_of, n) - plan.as_of).days for n in range(13)]
    wanted = defaultdict(float)
    for key, row in health.items():
        if row["cash_to_release"] <= 0:
            assert stranded[key]["route"] == "none"
            continue
        cost, life = costs[key]["unit_cost_eff"], lives[key]
        rate = rates[key]["mean_per_day_est"]
        if life["grade"] != "none":
            rate = min(rate, life["mean_per_day_survival"])
        acted = stranded[key]["action_qty"]
        units = row["on_hand_value"] / cost - row["healthy_value"] / cost - acted
        for month in range(1, 13):
            went = min(units, rate * days[month]) - min(units, rate * days[month - 1])
            wanted["bleed_off", month] += went * cost
        wanted["stays", None] += max(units - rate * days[12], 0.0) * cost
        route = stranded[key]["route"]
        if acted > 0:
            month = {"transfer": 1, "return": 2, "discount": 6, "scrap": 3}[route]
            wanted[route, month] += acted * cost
    found = {(row["route"], row["month"]): row["value"] for row in capital.totals.to_dicts()}
    assert found == {key: pytest.approx(value) for key, value in wanted.items() if value > 1e-9}
    stranded_cash = sum(row["cash_to_release"] for row in health.values())
    assert sum(found.values()) == pytest.approx(stranded_cash) == pytest.approx(1e-9 + sum(wanted.values()))
    assert len({route for route, _ in found}) >= 5, "the demo company tries nearly every route"


def test_money_of_actions(both):
    plan, capital = both
    moves = defaultdict(lambda: [0.0, 0.0])
    for row in plan["move"].to_dicts():
        moved = moves[row["item_id"], row["from_location_id"]]
        moved[0], moved[1] = moved[0] + row["quantity"], moved[1] + row["cost"]
    stranded, lives = rows_of(capital["stranded"]), rows_of(plan["obsolescence"])
    tried = set()
    for row in capital["release"].filter(route="bleed_off").to_dicts():
        assert row["lost"] == 0
    for row in capital["release"].to_dicts():
        key, route = (row["item_id"], row["location_id"]), row["route"]
        why, life = stranded[key]["why"], lives[key]
        if route in ("bleed_off", "stays") or why == "cheaper_than_keeping":
            continue
        if why == "move_today":
            brings = row["value"] - moves[key][1] * row["quantity"] / moves[key][0]
        elif route == "scrap":
            brings = 0.02 * row["value"]
        else:  # the life cycle's own figure of what the action saves
            brings = life["action_value"] * row["quantity"] / life["action_qty"]
        assert row["freed"] == pytest.approx(brings), key
        assert row["lost"] == pytest.approx(row["value"] - brings, abs=1e-6), key
        tried.add(route)
    assert len(tried) >= 3


def test_provision_unit_by_unit_today(both):
    plan, capital = both
    lives = rows_of(plan["obsolescence"])
    total = 0.0
    for key, row in rows_of(capital["stranded"]).items():
        if row["stranded_value"] <= 0:
            assert row["provision_value"] == 0
            continue
        age = lives[key]["months_since_demand"]
        age = lives[key]["months_seen"] if age is None else age
        by_age = 0.0 if age < 6 else 0.25 if age < 12 else 0.5 if age < 24 else 1.0
        units, rate, slices = row["stranded_qty"], row["rate_per_day"], 2000
        by_cover = 0.0
        for n in range(slices):  # the middle of each slice of the stock: when does it leave?
            months = (n + 0.5) * units / slices / rate / (365.25 / 12) if rate > 0 else 1e9
            by_cover += (
                0.0 if months < 12 else 0.25 if months < 24 else 0.5 if months < 36 else 1.0
            ) / slices
        wanted = row["stranded_value"] * max(by_age, by_cover)
        assert row["provision_value"] == pytest.approx(wanted, rel=2e-3, abs=row["stranded_value"] * 1e-3)
        total += row["provision_value"]
    today = capital["provision"].filter(month=0)
    assert today["provision_value"].sum() == pytest.approx(total)
    assert today["stranded_value"].sum() == pytest.approx(capital.sums()["stranded_value"])


def test_working_capital_at_risk_is_that_of_the_key_figure(both):
    plan, capital = both
    points, spread = rows_of(plan["planning_point"]), {}
    for row in plan["lead_time_estimate"].to_dicts():
        spread[row["item_id"], row["to_location_id"], row["from_location_id"]] = (
            row["sd_days_est"] / row["mean_days_est"]
        )
    classes = rows_of(plan["target"])
    exposed = 0.0
    for key, row in rows_of(plan["inventory_health"]).items():
        lane = (*key, points[key]["from_location_id"])
        if classes[key]["xyz"] == "Z" or spread.get(lane, 0.0) > 0.5:
            exposed += row["on_hand_value"]
    assert capital.sums()["at_risk_value"] == pytest.approx(exposed)
