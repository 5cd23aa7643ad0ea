"""What holds for the segments and targets of any company."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from plimsoll import targets


@pytest.fixture(scope="module", params=["company", "location"])
def case(request, company):
    rng = np.random.default_rng(11)
    rates = np.round(rng.lognormal(0, 2, 300), 1) * (rng.random(300) > 0.1)  # rounding makes ties
    tables = company(
        *(
            {
                "item": f"I{n % 100:03d}",
                "at": f"L{n // 100}",
                "rate": float(rate),
                "unit_cost_eff": float(cost),
                "criticality_eff": str(criticality),
                "shortage_cost": None if n % 3 else 25.0,
                "target_service_set": 0.97 if n % 17 == 0 else None,
            }
            for n, (rate, cost, criticality) in enumerate(
                zip(
                    rates,
                    rng.integers(0, 50, 300),
                    rng.choice(["low", "normal", "high", "vital"], 300),
                    strict=True,
                )
            )
        )
    )
    params = targets.TargetParams(
        abc_scope=request.param, kinds=targets.TargetParams().kinds.model_copy(update={"AX": "economic"})
    )
    return tables["points"], tables["demand_estimate"], params


def test_classes_partition_the_points_in_falling_value(case):
    points, demand, params = case
    found = targets.assign(points, demand, params)
    assert found.height == points.height
    for part in found.partition_by("location_id") if params.abc_scope == "location" else [found]:
        ranked = part.sort("annual_value", "item_id", "location_id", descending=[True, False, False])
        assert ranked["value_share_cum"].is_sorted()
        assert ranked["value_share_cum"].last() == 1.0
        assert ranked["abc"].is_sorted()
        total = ranked["annual_value"].sum()
        for best, cut in zip(("A", "AB"), params.abc_cuts, strict=True):
            kept = ranked.filter(pl.col("abc").is_in(list(best)))["annual_value"]
            assert kept.sum() >= (cut - 1e-9) * total
            assert kept.sum() - kept.last() < cut * total


def test_order_of_rows_changes_nothing(case):
    points, demand, params = case
    mixed = [frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in (points, demand)]
    assert targets.assign(points, demand, params).equals(targets.assign(*mixed, params))


@pytest.mark.parametrize("rate", [0.001, 0.87, 1e6])
def test_currency_changes_nothing_but_the_money(case, rate):
    points, demand, params = case
    scaled = points.with_columns(pl.col("unit_cost_eff", "shortage_cost") * rate)
    one, other = (targets.assign(frame, demand, params) for frame in (points, scaled))
    same = pl.exclude("annual_value", "value_share_cum", "target_service_opt", "target_service_eff")
    assert one.select(same).equals(other.select(same))
    np.testing.assert_allclose(other["annual_value"], one["annual_value"] * rate, rtol=1e-11)
    for column in ("value_share_cum", "target_service_opt", "target_service_eff"):
        np.testing.assert_allclose(other[column], one[column], rtol=1e-9)


def test_more_critical_is_never_served_worse(case):
    points, demand, params = case
    served = [
        targets.assign(points.with_columns(pl.lit(level).alias("criticality_eff")), demand, params)
        for level in ("low", "normal", "high", "vital")
    ]
    for less, more in pairwise(served):
        assert (less["target_service_eff"] <= more["target_service_eff"]).all()


def test_inputs_are_not_written_to(case):
    points, demand, params = case
    before = points.clone(), demand.clone()
    targets.assign(points, demand, params)
    assert points.equals(before[0])
    assert demand.equals(before[1])
