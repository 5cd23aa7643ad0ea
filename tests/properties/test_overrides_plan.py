"""Values set by people in a whole plan: exact where they say, nothing elsewhere; waterfalls add up."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from plimsoll import ingest, lifecycle
from plimsoll.domain.overridden import overrides_frame
from plimsoll.domain.overrides import Override, checked
from plimsoll.domain.progress import silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.waterfall import LEVEL_STEPS, ORDER_STEPS
from plimsoll.examples.company import generate
from plimsoll.measure import level_waterfall, order_waterfall
from plimsoll.policy import alternatives
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

AT = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = Settings()
POINT = ["item_id", "location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
EXACT = 1e-9


@pytest.fixture(scope="module")
def company():
    made = generate(60, 3)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in made.sources.items()]
    return made.as_of, ingest.read(raws, ingest.Mapping.from_text(made.mapping), SETTINGS.ingest).tables


@pytest.fixture(scope="module")
def plan(company):
    as_of, facts = company

    def run(*overrides):
        told = [
            checked(Override(**given, reason_code="cash", author="kim", id=f"O{n}", created_at=AT), at=AT)
            for n, given in enumerate(overrides, start=1)
        ]
        frame = overrides_frame(told, at=AT) if told else None
        return run_stages(facts, SETTINGS, as_of=as_of, seed=1, progress=silent, overrides=frame).tables

    return run


@pytest.fixture(scope="module")
def base(plan):
    return plan()


@pytest.fixture(scope="module")
def held(base):
    """Points that hold stock, with what their policy rests on; the busiest first."""
    named = base["planning_point"].select(*POINT, "supply_kind", "from_location_id", "category")
    rates = base["demand_estimate"].select(*POINT, "mean_per_day_est", "step_qty")
    joined = base["policy"].join(named, on=POINT).join(rates, on=POINT)
    return joined.filter(pl.col("policy") != "none").sort("mean_per_day_est", descending=True)


@pytest.fixture(scope="module")
def many(plan, held):
    """A plan with every kind of override at once."""
    places = [dict(zip(POINT, row, strict=True)) for row in held.select(POINT).head(8).rows()]
    levels = held.head(8)["reorder_point_qty"].to_list()
    return plan(
        {"kind": "target", "field": "service", "value": 0.995, **places[0]},
        {"kind": "lead_time", "field": "days", "value": 40, "item_id": places[1]["item_id"]},
        {"kind": "policy", "field": "reorder_point", "value": 1.3 * levels[2] + 0.5, **places[2]},
        {"kind": "policy", "field": "order_up_to", "value": 3 * levels[3] + 7, **places[3]},
        {"kind": "policy", "field": "reorder_point", "value": 5, **places[4]},
        {"kind": "policy", "field": "order_up_to", "value": 2 * levels[4] + 40, **places[4]},
        {"kind": "forecast", "field": "factor", "value": 1.7, "location_id": places[5]["location_id"]},
        {"kind": "policy", "field": "do_not_stock", "value": "yes", **places[6]},
        {"kind": "policy", "field": "lot", "value": 33, "item_id": places[7]["item_id"]},
        {"kind": "policy", "field": "review_days", "value": 14, "item_id": places[7]["item_id"]},
        {"kind": "policy", "field": "min_order", "value": 90, "item_id": places[0]["item_id"]},
    )


def at(table, **key):
    (row,) = table.filter(**key).to_dicts()
    return row


@pytest.mark.parametrize("which", ["base", "many"])
def test_waterfalls_add_up_to_the_last_unit(request, which):
    tables = request.getfixturevalue(which)
    policy = lifecycle.limit_orders(tables["policy"], tables["last_time_buy"], tables["obsolescence"])
    level = level_waterfall(policy, tables["demand_estimate"])
    total = level.select(pl.sum_horizontal(list(LEVEL_STEPS))).to_series()
    assert (total - level["total_qty"]).abs().max() < EXACT
    in_force = policy.select(
        pl.min_horizontal("order_up_to_qty", pl.coalesce("position_limit_qty", "order_up_to_qty"))
    ).to_series()
    assert (level["total_qty"] - in_force).abs().max() == 0.0
    order = order_waterfall(policy, tables["outlook"], tables["recommendation"])
    steps = order.select(pl.sum_horizontal(list(ORDER_STEPS))).to_series()
    assert (steps - order["total_qty"]).abs().max() < EXACT
    assert order["total_qty"].sum() == tables["recommendation"]["quantity"].sum() > 0
    # what is left over for rounding is no more than one pack
    packs = order.join(policy.select(*POINT, "order_multiple"), on=POINT)
    pack = pl.max_horizontal("order_multiple", pl.lit(1.0))
    assert packs.filter((pl.col("multiple") < -EXACT) | (pl.col("multiple") >= pack)).is_empty()
    assert order.height == tables["outlook"].height


def test_parts_of_the_buffer_add_up_with_levels_set(many):
    policy = many["policy"]
    parts = [name for name in policy.columns if name.startswith("buffer_") and name != "buffer_qty"]
    assert len(parts) == 5
    assert (policy.select(pl.sum_horizontal(parts)).to_series() - policy["buffer_qty"]).abs().max() < EXACT
    assert policy.filter(pl.col("buffer_override_qty") != 0).height == 3


def test_each_effect_says_what_is_in_the_tables(base, many):
    effects = many["override_effect"]
    assert set(effects["override_id"]) == {f"O{n}" for n in range(1, 12)}
    assert base["override_effect"].is_empty()
    (service,) = effects.filter(override_id="O1").to_dicts()
    key = {name: service[name] for name in POINT}
    target = at(many["target"], **key)
    assert (service["value_opt"], service["value_eff"]) == (target["target_service_opt"], 0.995)
    assert (target["target_source"], target["target_service_set"]) == ("person", 0.995)
    lanes = effects.filter(override_id="O2")
    assert lanes["value_eff"].unique().to_list() == [40.0]
    measured = base["lead_time_estimate"].filter(item_id=lanes["item_id"][0]).sort("to_location_id")
    assert lanes.sort("location_id")["value_opt"].to_list() == measured["mean_days_est"].to_list()
    (stopped,) = effects.filter(override_id="O8").to_dicts()
    assert (stopped["text_opt"], stopped["text_eff"]) == ("false", "true")
    assert (
        at(many["policy"], item_id=stopped["item_id"], location_id=stopped["location_id"])["policy"] == "none"
    )
    # two days of reviews, the minimum, and the lot, wherever they are asked for
    for number, column, value in ((10, "review_days", 14.0), (11, "min_order_qty", 90.0)):
        rows = effects.filter(override_id=f"O{number}")
        assert rows["value_eff"].unique().to_list() == [value]
        policy = many["policy"].join(rows, on=POINT).filter(pl.col("policy") != "none")
        assert policy[column].unique().to_list() == [value]


def test_levels_set_are_in_force_and_the_computed_ones_stand_beside_them(many, held):
    keys = held.select(POINT).head(5).rows()
    low, high, both = (
        at(many["policy"], item_id=item, location_id=place) for item, place in (keys[2], keys[3], keys[4])
    )
    computed = held.row(2, named=True)["reorder_point_qty"]
    assert low["reorder_point_qty"] == low["reorder_point_set_qty"] == 1.3 * computed + 0.5
    assert high["order_up_to_qty"] == high["order_up_to_set_qty"]
    assert both["reorder_point_qty"] == 5.0
    assert both["order_up_to_qty"] - both["reorder_point_qty"] == pytest.approx(both["lot_qty"])
    pack = both["order_multiple"] if both["policy"] == "s_nQ" else 1.0
    assert 0.0 <= both["order_up_to_qty"] - both["order_up_to_set_qty"] < pack
    for row in (low, high, both):
        assert row["policy_reason"] == "level_set"
        assert row["reorder_point_opt_qty"] != row["reorder_point_qty"]
        unit = many["planning_point"].filter(item_id=row["item_id"], location_id=row["location_id"])
        assert row["on_hand_mean_value"] == pytest.approx(row["on_hand_mean_qty"] * unit["unit_cost_eff"][0])
    assert both["fill_rate_est"] < held.row(4, named=True)["fill_rate_est"]  # far below what was computed


def test_items_in_no_scope_are_as_before(base, plan, held):
    """Forecasts and lead times aside: these move classes, and what all series tell of each other.

    Of policies connected places are left out: their service is chosen together, to a tolerance over all.
    """
    places = [dict(zip(POINT, row, strict=True)) for row in held.select(POINT).head(4).rows()]
    found = plan(
        {"kind": "target", "field": "service", "value": 0.995, **places[0]},
        {"kind": "policy", "field": "order_up_to", "value": 999, **places[2]},
        {"kind": "policy", "field": "lot", "value": 33, **places[3]},
    )
    for name in ("demand_estimate", "lead_time_estimate"):
        assert_frame_equal(base[name], found[name])
    touched = found["override_effect"].select("item_id").unique()
    rest = pl.concat([touched, base["network_service"].select("item_id").unique()]).unique()
    for name in ("policy", "target", "recommendation"):
        before, after = (tables[name].join(rest, on="item_id", how="anti") for tables in (base, found))
        assert before.height > 2
        assert_frame_equal(before, after)


def test_what_is_set_as_it_was_computed_changes_nothing(plan, base, held):
    """Levels, lead times and forecasts set to the computed values come to the same service and orders."""
    by_lane = base["lead_time_estimate"].join(
        held.head(3).rename({"location_id": "to_location_id"}), on=LANE, how="semi"
    )
    same = [
        {"kind": "lead_time", "field": "days", "value": row["mean_days_est"], **_scope(row)}
        for row in by_lane.to_dicts()
    ]
    for row in held.head(12).to_dicts():
        here = {name: row[name] for name in POINT}
        same.append({"kind": "policy", "field": "reorder_point", "value": row["reorder_point_qty"], **here})
        same.append({"kind": "policy", "field": "order_up_to", "value": row["order_up_to_qty"], **here})
    same.append({"kind": "forecast", "field": "factor", "value": 1.0})
    again = plan(*same)
    columns = [*POINT, "policy", "reorder_point_qty", "order_up_to_qty", "lot_qty"]
    assert_frame_equal(base["policy"].select(columns), again["policy"].select(columns), abs_tol=EXACT)
    figures = ["cycle_service_est", "fill_rate_est", "on_hand_mean_qty", "buffer_qty", "orders_per_year_est"]
    figures.append("buffer_override_qty")
    alone = again["policy"].join(base["network_service"], on=POINT, how="anti").select(*POINT, *figures)
    before = alone.select(POINT).join(base["policy"], on=POINT, how="left").select(*POINT, *figures)
    assert alone.height > 5
    assert_frame_equal(before, alone, abs_tol=1e-9)
    orders = [
        tables["recommendation"].select("item_id", "to_location_id", "quantity") for tables in (base, again)
    ]
    assert_frame_equal(*orders)


def _scope(lane):
    return {
        "item_id": lane["item_id"],
        "location_id": lane["to_location_id"],
        "from_location_id": lane["from_location_id"],
    }


def test_a_lead_time_keeps_the_shape_of_its_law(base, plan, held):
    row = held.row(1, named=True)
    days = 2.5 * at(base["lead_time_estimate"], **_lane(row))["mean_days_est"]
    scope = {"item_id": row["item_id"], "location_id": row["location_id"]}
    found = plan({"kind": "lead_time", "field": "days", "value": days, **scope})
    before, after = (at(tables["lead_time_estimate"], **_lane(row)) for tables in (base, found))
    atoms, shares = np.array(after["atom_days"]), np.array(after["atom_probability"])
    assert atoms @ shares == pytest.approx(days) == after["mean_days_est"] == after["mean_days_set"]
    assert np.sqrt((atoms - days) ** 2 @ shares) == pytest.approx(after["sd_days_est"], rel=1e-6)
    assert after["sd_days_est"] / days == pytest.approx(before["sd_days_est"] / before["mean_days_est"])
    assert after["mean_days_opt"] == before["mean_days_est"]
    demand = at(found["demand_estimate"], **scope)
    review = at(found["planning_point"], **scope)["review_days_eff"]
    assert demand["protection_days_mean"] == pytest.approx(days + review)
    assert at(found["policy"], **scope)["order_up_to_qty"] > at(base["policy"], **scope)["order_up_to_qty"]


def _lane(row):
    return {
        "item_id": row["item_id"],
        "to_location_id": row["location_id"],
        "from_location_id": row["from_location_id"],
    }


def test_a_forecast_multiplies_the_law_and_reaches_the_places_above(base, plan, held):
    fed = held.filter(pl.col("supply_kind") == "transfer")
    row = fed.row(0, named=True)
    scope = {"item_id": row["item_id"], "location_id": row["location_id"]}
    found = plan({"kind": "forecast", "field": "factor", "value": 1.6, **scope})
    before, after = (at(tables["demand_estimate"], **scope) for tables in (base, found))
    assert after["mean_per_day_est"] == pytest.approx(1.6 * before["mean_per_day_est"])
    assert after["mean_per_day_opt"] == before["mean_per_day_est"]
    for law, mean in (("pmf_protection", "mean_protection_qty"), ("pmf_lead", "mean_lead_qty")):
        pmf = np.array(after[law])
        stated_mean = pmf @ np.arange(len(pmf)) * after["step_qty"]
        assert stated_mean == pytest.approx(1.6 * before[mean], rel=2e-3)
        assert pmf.sum() == pytest.approx(1.0)
    assert after["set_protection_qty"] == pytest.approx(0.6 * before["mean_protection_qty"], rel=2e-3)
    gained = after["mean_per_day_est"] - before["mean_per_day_est"]
    above = scope | {"location_id": row["from_location_id"]}
    source_before, source_after = (at(tables["demand_estimate"], **above) for tables in (base, found))
    assert source_after["mean_per_day_est"] - source_before["mean_per_day_est"] == pytest.approx(gained)
    assert source_after["mean_per_day_set"] is None
    # a forecast at the source is the source's own, whatever is expected below
    both = plan(
        {"kind": "forecast", "field": "factor", "value": 1.6, **scope},
        {"kind": "forecast", "field": "per_week", "value": 7 * source_before["mean_per_day_est"], **above},
    )
    assert at(both["demand_estimate"], **above)["mean_per_day_est"] == pytest.approx(
        source_before["mean_per_day_est"]
    )


def test_a_forecast_of_some_days_counts_for_the_share_of_the_interval(base, plan, held, company):
    as_of, _ = company
    row = held.row(0, named=True)
    scope = {"item_id": row["item_id"], "location_id": row["location_id"]}
    before = at(base["demand_estimate"], **scope)
    whole = before["protection_days_mean"]
    n = int(whole // 2)
    end = as_of.fromordinal(as_of.toordinal() + n)
    found = plan({"kind": "forecast", "field": "factor", "value": 3.0, "end": end, **scope})
    after = at(found["demand_estimate"], **scope)
    expected = before["mean_protection_qty"] * (1.0 + 2.0 * n / whole)
    assert after["mean_protection_qty"] == pytest.approx(expected, rel=2e-3)
    later = as_of.fromordinal(as_of.toordinal() + int(whole) + 400)
    unmoved = plan({"kind": "forecast", "field": "factor", "value": 3.0, "start": later, **scope})
    assert at(unmoved["demand_estimate"], **scope)["pmf_protection"] == before["pmf_protection"]


def test_an_alternative_is_what_the_plan_makes_of_that_target(base, plan, held):
    """Two roads to what another service costs: asked at the point, and set in a plan."""
    alone = held.join(base["network_service"], on=POINT, how="anti").head(6)
    names = ("planning_point", "demand_estimate", "target")
    rows = [base[name].join(alone.select(POINT), on=POINT, how="semi") for name in names]
    asked = alternatives(*rows, base["lead_time_estimate"], SETTINGS.policy, (0.9, 0.99))
    for service in (0.9, 0.99):
        keys = [dict(zip(POINT, key, strict=True)) for key in alone.select(POINT).rows()]
        found = plan(*({"kind": "target", "field": "service", "value": service, **key} for key in keys))
        planned = found["policy"].join(alone.select(POINT), on=POINT, how="semi").sort(POINT)
        mine = asked.filter(target_service=service).sort(POINT)
        for column in ("order_up_to_qty", "reorder_point_qty", "on_hand_mean_qty", "fill_rate_est"):
            assert mine[column].to_list() == planned[column].to_list()
    rising = asked.sort(*POINT, "target_service").group_by(POINT, maintain_order=True)
    assert rising.agg(pl.col("holding_cost_year").diff().last() >= 0)["holding_cost_year"].all()
