"""A plan as a simulated world, promised against simulated, and one network against each place alone."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.network.check import by_echelon, check, check_rows
from plimsoll.network.compare import compare, rule_targets, savings
from plimsoll.network.equal_service import shifted, stock_value, unserved
from plimsoll.network.links import links
from plimsoll.network.simulation_measures import ratio
from plimsoll.network.world import blocks, coherent, world
from plimsoll.network.world_run import WorldRun, seen
from plimsoll.policy import PolicyParams
from plimsoll.policy import size as size_alone
from plimsoll.workflows.benchmarks.echelons import planned_family

KEY = ["item_id", "location_id"]
RUN = WorldRun(days=364, warm_up=112, replications=4, seed=2)


@pytest.fixture(scope="module")
def tables():
    return planned_family(8)


@pytest.fixture(scope="module")
def place(tables):
    return placed(tables)


def placed(tables, **given):
    names = ("planning_point", "demand_estimate", "target", "policy")
    points, estimates, target, policies = (tables[name] for name in names)
    tree = links(points, estimates, target, policies)
    return world(tree, points, estimates, tables["lead_time_estimate"], **given)


def test_customers_ask_what_the_places_below_do_not(tables, place):
    truth = tables["planning_point"].select(*KEY, own=pl.col("demand_last_year_qty") / 365.25)
    own = place.points.join(truth, on=KEY, how="left", maintain_order="left")["own"].to_numpy()
    np.testing.assert_allclose(place.mean, own, atol=1e-9)
    assert (place.unlike_means, place.unlike_variances) == (0, 0)
    assert place.level.max() < 0.01  # demand is known: nothing is left for its level
    assert (place.within[place.mean > 0] > 0).all()
    assert (place.source < np.arange(len(place.source))).all()
    assert (place.root[place.source[place.source >= 0]] == place.root[place.source >= 0]).all()


def test_demand_booked_ahead_shortens_the_lead_time(tables):
    estimates = tables["demand_estimate"]
    booked = estimates.with_columns(
        mean_protection_qty=pl.col("mean_protection_qty") - 2.0 * pl.col("mean_per_day_est")
    )
    before = placed(tables)
    after = placed(tables | {"demand_estimate": booked})
    np.testing.assert_allclose(after.lead_days, np.maximum(before.lead_days - 2.0, 0.0), atol=1e-9)


def test_echelons_take_their_names(tables):
    names = dict.fromkeys(tables["planning_point"]["location_id"], "branch")
    assert set(placed(tables, kinds=names).points["echelon"]) == {"branch"}
    first = pl.col("item_id") == "N000"
    kind = pl.when(first).then(pl.lit("purchase")).otherwise("supply_kind")
    apart = tables | {"planning_point": tables["planning_point"].with_columns(supply_kind=kind)}
    other = tables["planning_point"].filter(first).select(KEY)
    found = placed(apart, others=other, kinds=names)
    assert set(found.points["echelon"]) == {"branch", "not connected"}
    assert (found.points.filter(first)["echelon"] == "not connected").all()
    assert "depth 0" in set(placed(apart, others=other).points["echelon"])


def test_whole_trees_stay_in_one_block(place):
    cuts = blocks(place.root, 5)
    assert cuts[0].start == 0
    assert cuts[-1].stop == len(place.root)
    for one, following in pairwise(cuts):
        assert one.stop == following.start
        assert place.root[one.stop - 1] != place.root[following.start]


def test_levels_are_scaled_to_the_spread_of_the_whole(tables):
    """Two thirds of the variation of a source's claimants cancel when the source is well known."""
    place = placed(tables)
    rng = np.random.default_rng(1)
    feeds, n = place.feeds, len(place.mean)
    loose = replace(place, level=np.where(place.mean > 0, 0.2, 0.0), total_level=np.where(feeds, 0.01, 0.2))
    level = rng.gamma(5.0, 0.2, (4000, n))
    found = coherent(loose, level)
    total = found * place.mean
    for row in range(n - 1, 0, -1):
        if place.source[row] >= 0:
            total[:, place.source[row]] += total[:, row]
    spread = total.std(axis=0) / total.mean(axis=0)
    assert spread[place.source < 0].max() < 0.105  # 0.1, and 3 % of noise
    single = np.bincount(place.source[place.source >= 0], minlength=n) == 0
    assert found[:, single].mean() == pytest.approx(1.0, abs=0.05)
    untouched = replace(loose, total_level=np.where(feeds, 9.0, 0.2))
    np.testing.assert_allclose(coherent(untouched, level), level, rtol=1e-12)


def test_the_table_adds_up_to_its_echelons(tables, place):
    found = check(tables, run=RUN)
    assert found.points.schema == table("network_check").schema
    rows = check_rows(place, tables["policy"], seen(place, tables["policy"], RUN), RUN)
    together = table("network_check").conform(rows)
    assert together.equals(found.points)
    own = pl.col("own_qty_per_day")
    for echelon, feeds, points, promised, simulated in found.echelons.select(
        "echelon", "feeds", "points", "fill_own_est", "fill_own_sim"
    ).iter_rows():
        part = found.points.filter((pl.col("echelon") == echelon) & (pl.col("feeds") == feeds))
        assert part.height == points
        if promised is None:
            assert part[own.meta.output_name()].sum() == 0
            continue
        asks = part.filter(own > 0)
        for name, figure in (("fill_rate_est", promised), ("fill_rate_own_sim", simulated)):
            assert (asks[name] * asks["own_qty_per_day"]).sum() / asks[
                "own_qty_per_day"
            ].sum() == pytest.approx(figure)
    assert found.points["fill_rate_own_sim"].null_count() == (found.points["own_qty_per_day"] == 0).sum()


def test_one_replication_has_no_error(tables, place):
    run = WorldRun(days=56, warm_up=28, replications=1)
    found = seen(place, tables["policy"], run)
    rows = check_rows(place, tables["policy"], found, run)
    assert rows["fill_rate_all_error"].null_count() == rows.height
    assert by_echelon(rows, found).height > 0
    assert np.isnan(ratio(np.zeros((2, 1)), np.zeros((2, 1))).estimate).all()


def test_stock_is_promised_for_the_ends_of_days(tables, place):
    """A plan that counts weekly promises what is left before the next receipt; days hold half a week more."""
    weekly = placed(
        tables | {"demand_estimate": tables["demand_estimate"].with_columns(period_days=pl.lit(7.0))}
    )
    found = seen(place, tables["policy"], RUN)
    daily = check_rows(place, tables["policy"], found, RUN)
    more = check_rows(weekly, tables["policy"], found, RUN)["on_hand_est"] - daily["on_hand_est"]
    days = np.minimum(place.points["review_days_eff"].to_numpy(), 7.0) - 1.0
    rate = place.points["mean_per_day_est"].to_numpy()
    np.testing.assert_allclose(more, daily["fill_rate_est"] * rate * days / 2, atol=1e-9)


def test_places_alone_reach_the_service_asked_for(tables, place):
    """What is asked for is what half of the shortage would be: the factor falls below 1, stock rises."""
    points, estimates, target = (tables[name] for name in ("planning_point", "demand_estimate", "target"))
    rows = [
        place.points.select(KEY).join(frame, on=KEY, how="left", maintain_order="left")
        for frame in (points, estimates, target)
    ]

    def resize(factor):
        aim = rows[2].with_columns(
            target_service_eff=1.0 - (1.0 - pl.col("target_service_eff")) * pl.Series(factor)
        )
        return size_alone(rows[0], rows[1], aim, PolicyParams(), tables["lead_time_estimate"])

    group = np.zeros(len(place.mean), dtype=np.int64)
    before = seen(place, resize(np.ones(len(group))), RUN)
    wanted = unserved(place, before, group) / 2
    found = shifted(place, resize, wanted, group, RUN)
    assert found.factor[0] < 0.9
    assert found.unserved[0] == pytest.approx(wanted[0], rel=0.1)
    assert found.value[0] > stock_value(place, before, group)[0]
    same = shifted(place, resize, 2 * wanted, group, RUN)
    assert same.factor[0] == 1.0
    assert same.value[0] == pytest.approx(stock_value(place, before, group)[0])


def test_the_comparison_keeps_service_equal_and_adds_up(tables):
    found = compare(tables, PolicyParams(), run=RUN)
    assert found.echelons.schema == table("network_comparison").schema
    every = found.echelons.filter(pl.col("echelon") == "all")
    parts = found.echelons.filter(pl.col("echelon") != "all")
    for name in ("on_hand_alone_value", "on_hand_network_value", "difference_value", "n_points"):
        assert parts[name].sum() == pytest.approx(every[name].item())
    short = [1.0 - every[f"fill_{name}_sim"].item() for name in ("alone", "network")]
    assert short[0] == pytest.approx(short[1], rel=0.1)
    assert found.networks["on_hand_network_value"].sum() == pytest.approx(
        every["on_hand_network_value"].item()
    )
    change = found.items.drop("item_id", "on_hand_alone_value", "on_hand_network_value", "moved_value")
    both = found.items["on_hand_network_value"] - found.items["on_hand_alone_value"]
    np.testing.assert_allclose(change.sum_horizontal(), both, atol=1e-9)
    each = compare(tables, PolicyParams(), run=RUN, each=True)
    assert each.networks.height == len(each.factor)
    for row in each.networks.iter_rows(named=True):
        assert row["fill_alone_sim"] == pytest.approx(row["fill_network_sim"], abs=0.02)


def test_targets_are_those_before_the_network(tables):
    target = tables["target"]
    chosen = target.with_columns(
        target_kind_eff=pl.when(pl.int_range(pl.len()) < 3)
        .then(pl.lit("cycle"))
        .otherwise("target_kind_eff"),
        target_service_eff=pl.when(pl.int_range(pl.len()) < 3).then(0.4).otherwise("target_service_eff"),
        target_source=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("network")).otherwise("target_source"),
    )
    assert rule_targets(chosen).equals(target)
    assert rule_targets(target).equals(target)


def test_savings_of_known_networks():
    networks = pl.DataFrame(
        {
            "on_hand_alone_value": [100.0, 100.0, 200.0],
            "on_hand_network_value": [80.0, 110.0, 150.0],
            "saving_share": [0.2, -0.1, 0.25],
        }
    )
    found = dict(savings(networks).iter_rows())
    assert found["all"] == pytest.approx(0.15)
    assert found["quantile 50%"] == pytest.approx(0.2)
    assert found["share of networks that hold less"] == pytest.approx(2 / 3)
    assert found["all, low"] < 0.15 < found["all, high"]
