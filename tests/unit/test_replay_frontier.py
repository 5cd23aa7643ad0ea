"""Goals held against a rule: met at its service and its stock, mixed between two goals, paired by item."""

import numpy as np
import polars as pl
import pytest

from plimsoll import replay
from plimsoll.domain.tables import table
from plimsoll.maths.rng import rng_for
from plimsoll.replay.frontier import SAME_SERVICE, SAME_STOCK

PARAMS = replay.ReplayParams(resamples=300)
N = 60
DEMAND, COST = rng_for(3, "demand").gamma(2.0, 50.0, N), rng_for(3, "cost").gamma(2.0, 5.0, N)
ZERO = [
    column.name
    for column in table("ledger").columns
    if column.null == "required" and column.dtype == pl.Float64()
]


def _ledger(rule, fill, stock):
    """Every point serves a share of its demand and holds so much, on average over the items."""
    return table("ledger").conform(
        pl.DataFrame({"item_id": [f"I{k:02d}" for k in range(N)], "location_id": ["M"] * N}).with_columns(
            [pl.lit(0.0).alias(name) for name in ZERO]
        ).with_columns(
            rule=pl.lit(rule),
            abc=pl.lit("A"),
            periods=pl.lit(52.0),
            demand_qty=pl.Series(DEMAND),
            served_qty=pl.Series(DEMAND * fill),
            on_hand_mean_qty=pl.Series(np.full(N, 1.0) * stock),
            unit_cost=pl.Series(COST),
            unit_price=pl.Series(COST * 2),
            customer_share=pl.lit(1.0),
            cycle_service_est=pl.lit(fill),
        )
    )  # fmt: skip


GOALS = {goal: _ledger(f"goal {goal}", goal, stock) for goal, stock in ((0.8, 4.0), (0.9, 6.0), (0.98, 11.0))}


def _found(fill, stock, ledgers=GOALS):
    return replay.frontier(ledgers, _ledger("current", fill, stock), "week", PARAMS, seed=1)


def test_the_rule_is_met_at_its_service_and_at_its_stock():
    found = _found(0.85, 8.0)
    service, stock = (
        found.match.filter(match=name).row(0, named=True) for name in (SAME_SERVICE, SAME_STOCK)
    )
    assert service["goal"] == pytest.approx(0.85)
    assert service["change"] == pytest.approx(5.0 / 8.0 - 1)
    assert service["before"] == pytest.approx(8.0 * COST.sum())
    assert stock["after"] == pytest.approx(0.9 + 0.08 * 2 / 5)
    assert stock["change"] == pytest.approx(0.9 + 0.08 * 2 / 5 - 0.85)
    assert found.mixes[SAME_SERVICE].weight == pytest.approx(0.5)
    assert found.goals["fill_rate"].to_list() == pytest.approx([0.8, 0.9, 0.98])


def test_what_is_alike_in_every_item_is_certain():
    row = _found(0.85, 8.0).match.row(0, named=True)
    assert row["low_95"] == pytest.approx(row["high_95"]) == pytest.approx(row["change"])


def test_what_rests_on_few_items_is_uncertain_and_covers_the_truth():
    lucky = _ledger("current", 0.85, np.where(np.arange(N) < 6, 40.0, 4.0))
    row = replay.frontier(GOALS, lucky, "week", PARAMS, seed=1).match.row(0, named=True)
    assert row["low_90"] < row["change"] < row["high_90"]
    assert row["high_90"] - row["low_90"] > 0.1
    assert row["low_95"] <= row["low_90"]


@pytest.mark.parametrize(
    ("fill", "stock", "matches"),
    [(0.7, 5.0, [SAME_STOCK]), (0.99, 30.0, []), (0.95, 3.0, [SAME_SERVICE])],
)
def test_beyond_the_goals_nothing_is_said(fill, stock, matches):
    found = _found(fill, stock)
    assert found.match["match"].to_list() == matches == list(found.mixes)


def test_one_goal_is_no_curve():
    assert _found(0.9, 6.0, {0.9: GOALS[0.9]}).mixes == {}


def test_a_mixture_has_the_sums_between_and_serves_just_as_much():
    mix = _found(0.87, 8.0).mixes[SAME_SERVICE]
    mixed = replay.between(
        GOALS[mix.lower], GOALS[mix.upper], mix.weight, SAME_SERVICE, ["item_id", "location_id"]
    )
    assert replay.fill_rate(mixed) == pytest.approx(0.87)
    assert mixed["rule"].unique().to_list() == [SAME_SERVICE]
    assert mixed.schema == table("ledger").schema
    assert mixed["cycle_service_est"][0] == pytest.approx(0.87)


def test_without_customers_there_is_no_fill_rate():
    assert replay.fill_rate(GOALS[0.9].with_columns(customer_share=pl.lit(0.0))) is None


def test_goals_go_around_what_was_served():
    goals = replay.goals_around(0.93)
    assert len(goals) == 5
    assert list(goals) == sorted(goals)
    assert goals[0] < 0.93 < goals[-1] < 1
    assert replay.goals_around(1.0) == (0.9995,)
