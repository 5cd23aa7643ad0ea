"""Numbers of a pilot on two roads: by formula and by simulation, by hand and by the program."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.pilot import PilotParams, all_effects, detectable, service_looks
from plimsoll.pilot.effect import FIGURES, drawn_sums, effect_of, linear_se
from plimsoll.pilot.guard import boundaries, information, spent
from plimsoll.pilot.week import SUMS, Stretch, paired_sums

START = date(2026, 3, 2)
PARAMS = PilotParams()


# Published: Jennison & Turnbull 2000, table 7.x, and R gsDesign 3.6: sfLDOF and sfLDPocock, one-sided 0.025.
@pytest.mark.parametrize(
    ("spending", "known"),
    [
        ("obrien_fleming", (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
        ("pocock", (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
    ],
)
def test_boundaries_are_those_of_the_tables(spending, known):
    assert boundaries((0.2, 0.4, 0.6, 0.8, 1.0), 0.025, spending) == pytest.approx(known, abs=2e-3)


@pytest.mark.parametrize("spending", ["pocock", "obrien_fleming"])
def test_all_looks_together_keep_the_false_alarms_of_one(spending):
    shares = np.array(information(9, 9, 13))
    limits = np.array(boundaries(tuple(shares), 0.05, spending))
    rng = np.random.default_rng(8)
    n = 100_000
    # Weeks of noise less a baseline that they share, as the watch sees them.
    base = rng.normal(size=n) / np.sqrt(13)
    weeks = np.cumsum(rng.normal(size=(n, 9)), axis=1) / np.arange(1, 10)
    z = (weeks - base[:, None]) / np.sqrt(1 / np.arange(1, 10) + 1 / 13)
    crossed = (z > limits).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / n))
    assert spent(shares[3], 0.05, spending) == pytest.approx(
        (z[:, :4] > limits[:4]).any(axis=1).mean(), abs=0.003
    )


def fence_of(pairs):
    rows = [(k + 1, role, f"{role}{k}") for k in range(pairs) for role in ("fence", "control")]
    return pl.DataFrame(rows, schema=["pair", "role", "item_id"], orient="row")


def ten_lines():
    """Two pairs, one place, two weeks before and one after: (item, week, stock, asked, served, cogs)."""
    rows = [
        ("fence0", -2, 100, 10, 9, 8), ("fence0", -1, 120, 10, 9, 8), ("fence0", 0, 66, 20, 18, 16),
        ("control0", -2, 50, 10, 8, 6), ("control0", 0, 60, 10, 10, 6),
        ("fence1", -1, 80, 0, 0, 0), ("fence1", 0, 80, 10, 10, 9),
        ("control1", -2, 40, 10, 10, 6), ("control1", -1, 40, 0, 0, 0), ("control1", 0, 40, 10, 8, 6),
    ]  # fmt: skip
    return pl.DataFrame(
        [
            {
                "period": START + timedelta(weeks=week), "item_id": item, "location_id": "A",
                "stock_value_days": 7.0 * stock, "stock_days": 7.0, "asked_value": float(asked),
                "served_value": float(served), "cogs": float(cogs), "expedite_cost": 0.0,
                "orders": None, "perfect_orders": None,
            }
            for item, week, stock, asked, served, cogs in rows
        ],
        schema_overrides={"orders": pl.Float64, "perfect_orders": pl.Float64},
    )  # fmt: skip


def test_difference_in_differences_of_ten_lines_by_hand():
    then, now = Stretch(START - timedelta(weeks=2), 2, 2), Stretch(START, 1, 1)
    total = paired_sums(ten_lines(), fence_of(2), now, then).sum(axis=0)
    # Stock: fence 66 + 80 now, 110 + 80 then; control 60 + 40 now, 50 + 40 then.
    assert float(effect_of(total, FIGURES["inventory_value"])) == pytest.approx(
        np.log(146 / 190) - np.log(100 / 90)
    )
    # Fill rate: fence 28 / 30 now, 18 / 20 then; control 18 / 20 now, 18 / 20 then.
    assert float(effect_of(total, FIGURES["fill_rate"])) == pytest.approx(28 / 30 - 0.9)
    # Turns: fence 25 a week on 146 now, 8 a week on 190 then; control 12 on 100 and 6 on 90.
    assert float(effect_of(total, FIGURES["turns"])) == pytest.approx(
        np.log(25 / 146) - np.log(8 / 190) - np.log(12 / 100) + np.log(6 / 90)
    )


def test_a_point_whose_stock_is_unknown_then_does_not_count_now():
    weeks = ten_lines().with_columns(
        stock_value_days=pl.when((pl.col("item_id") != "fence1") | (pl.col("period") >= START)).then(
            "stock_value_days"
        )
    )
    then, now = Stretch(START - timedelta(weeks=2), 2, 2), Stretch(START, 1, 1)
    sums = paired_sums(weeks, fence_of(2), now, then)
    assert sums[1, 0, :, SUMS.index("stock")].tolist() == [0.0, 0.0]
    assert sums[1, 0, 0, SUMS.index("cogs")] == 9.0


def drawn_company(rng, pairs=150, weeks=40, effect=0.0, hurt=0.0):
    """Items with levels of their own, noise that lasts, and an effect on stock and service from week 0."""
    level = rng.lognormal(3, 0.5, (pairs, 2, 1))
    wobble = np.zeros((pairs, 2, weeks))
    for k in range(1, weeks):
        wobble[..., k] = 0.8 * wobble[..., k - 1] + rng.normal(0, 0.15, (pairs, 2))
    season = 1 + 0.3 * np.sin(np.arange(weeks) / 8)
    stock = level * np.exp(wobble) * season
    treated = np.arange(weeks) >= weeks - PARAMS.treated_weeks
    stock[:, 0, treated] *= 1 + effect
    orders = rng.poisson(5, (pairs, 2, weeks)).astype(float)
    lost = np.full((pairs, 2, weeks), 0.05)
    lost[:, 0, treated] += hurt
    perfect = rng.binomial(orders.astype(int), 1 - lost).astype(float)
    roles = np.array(["fence", "control"])
    at = np.indices(stock.shape).reshape(3, -1)
    money = orders * level
    return pl.DataFrame(
        {
            "period": np.datetime64(START) + 7 * (at[2] - weeks + PARAMS.treated_weeks),
            "item_id": np.char.add(roles[at[1]], at[0].astype(str)),
            "location_id": "A",
            "stock_value_days": 7 * stock.ravel(),
            "stock_days": 7.0,
            "asked_value": money.ravel(),
            "served_value": (perfect * level).ravel(),
            "cogs": money.ravel(),
            "expedite_cost": 0.0,
            "orders": orders.ravel(),
            "perfect_orders": perfect.ravel(),
        }
    ).with_columns(pl.col("period").cast(pl.Date))


def test_linear_and_resampled_standard_errors_agree():
    weeks = drawn_company(np.random.default_rng(5))
    now, then = Stretch(START, 9, 4), Stretch(START - timedelta(weeks=13), 13, 13)
    sums = paired_sums(weeks, fence_of(150), now, then)
    drawn = drawn_sums(sums, 4000, 1)
    for name in ("inventory_value", "fill_rate", "turns", "perfect_order_rate"):
        _, se = linear_se(sums, FIGURES[name])
        assert effect_of(drawn, FIGURES[name]).std() == pytest.approx(se, rel=0.06), name


def test_intervals_cover_the_truth_and_swaps_keep_their_level():
    covered, rejected, n = 0, 0, 40
    for seed in range(n):
        weeks = drawn_company(np.random.default_rng(100 + seed), effect=-0.05)
        found = all_effects(
            weeks, fence_of(150), PilotParams(resamples=400), start=START, n_weeks=9, seed=seed
        )
        row = found.row(by_predicate=pl.col("figure") == "inventory_value", named=True)
        covered += row["low_95"] <= -0.05 <= row["high_95"]
        none = found.row(by_predicate=pl.col("figure") == "perfect_order_rate", named=True)
        rejected += none["p_value"] <= 0.05
    assert stats.binom.sf(n - covered - 1, n, 0.05) > 0.001
    assert stats.binom.sf(rejected - 1, n, 0.05) > 0.001


def test_the_effect_named_by_the_power_is_seen_as_often_as_promised():
    quiet = drawn_company(np.random.default_rng(1), weeks=60)
    found = detectable(quiet, fence_of(150), PARAMS, end=START, seed=1)
    row = found.row(by_predicate=pl.col("figure") == "inventory_value", named=True)
    assert row["n_splits"] == 3
    seen, n = 0, 40
    for seed in range(n):
        weeks = drawn_company(np.random.default_rng(300 + seed), effect=-row["detectable"])
        sums = paired_sums(
            weeks, fence_of(150), Stretch(START, 9, 4), Stretch(START - timedelta(weeks=13), 13, 13)
        )
        effect, se = linear_se(sums, FIGURES["inventory_value"])
        seen += effect < -1.96 * se
    # 80 of 100, give or take chance and the estimate of the power itself
    assert 0.62 * n <= seen <= 0.95 * n


def test_a_harmful_pilot_is_stopped_and_a_harmless_one_is_not():
    harmless = drawn_company(np.random.default_rng(7))
    calm = service_looks(harmless, fence_of(150), PARAMS, start=START, n_weeks=9)
    assert calm.height == 9
    assert not calm["is_crossed"].any()
    harmed = drawn_company(np.random.default_rng(7), hurt=0.08)
    found = service_looks(harmed, fence_of(150), PARAMS, start=START, n_weeks=9)
    assert found["is_crossed"].any()
    assert service_looks(harmed, fence_of(150), PARAMS, start=START, n_weeks=2).height == 2
