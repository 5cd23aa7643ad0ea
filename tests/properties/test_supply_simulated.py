"""Lead-time estimates on simulated suppliers whose truth is known."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll import supply
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 21)
KEY = ["item_id", "to_location_id", "from_location_id"]


def company(truth, n_receipts, seed, cv=0.35):
    """Return (receipts, lanes): gamma lead times in whole days about the true means of a frame of lanes.

    Orders are placed on any day of two years and have long been received.
    """
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(truth.height), n_receipts)
    mean = truth["mean"].to_numpy()[which]
    days = rng.gamma(1 / cv**2, mean * cv**2).round().astype(int)
    placed = np.datetime64("2023-06-01") + rng.integers(0, 730, which.size)
    received = truth[which].select(
        pl.int_range(pl.len()).cast(pl.String).alias("order_id"),
        *KEY,
        pl.Series("ordered_date", placed),
        pl.Series("received_date", placed + days),
        pl.lit(1.0).alias("quantity"),
    )
    return table("receipts").conform(received), table("lanes").conform(truth.select(KEY))


def places(suppliers, lanes, items):
    s, d, i = (
        grid.ravel() for grid in np.meshgrid(*map(np.arange, (suppliers, lanes, items)), indexing="ij")
    )
    text = {"item_id": i, "to_location_id": d, "from_location_id": s}
    return pl.DataFrame({name: np.char.zfill(values.astype(str), 4) for name, values in text.items()})


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(1)
    truth = places(12, 3, 4).with_columns(pl.Series("mean", rng.uniform(5, 90, 144)))
    return company(truth, rng.integers(0, 40, 144), seed=2)


def test_plentiful_lanes_agree_with_the_truth():
    # 90 lanes, two z-scores each, Bonferroni at 1e-6 over all: |z| <= 5.75. The kurtosis of a gamma
    # is 3 + 6 cv^2; rounding to days adds 1/12 to the variance.
    cv, n = 0.35, 4000
    rng = np.random.default_rng(3)
    truth = places(30, 3, 1).with_columns(pl.Series("mean", rng.uniform(10, 90, 90)))
    found = supply.estimate(
        *company(truth, np.full(90, n), seed=4, cv=cv), supply.SupplyParams(), as_of=AS_OF
    )
    found = found.join(truth, on=KEY, maintain_order="left")
    sd = np.sqrt((cv * found["mean"].to_numpy()) ** 2 + 1 / 12)
    z_mean = (found["mean_days_est"].to_numpy() - found["mean"].to_numpy()) / (sd / np.sqrt(n))
    z_sd = (found["sd_days_est"].to_numpy() / sd - 1) / np.sqrt((2 + 6 * cv**2) / (4 * n))
    limit = stats.norm.isf(1e-6 / (2 * 180))
    assert np.abs(z_mean).max() < limit
    assert np.abs(z_sd).max() < limit
    assert found["weight_item"].min() > 0.95


def test_pooling_beats_every_single_level():
    # Paired differences of squared errors over 1,200 items: one-sided false alarm 1e-4 each at z = 3.7.
    rng = np.random.default_rng(5)
    truth = places(60, 4, 5)
    supplier = np.repeat(rng.uniform(20, 80, 60), 20)
    lane = np.repeat(rng.normal(0, 5, 240), 5)
    truth = truth.with_columns(pl.Series("mean", np.maximum(supplier + lane + rng.normal(0, 4, 1200), 2.0)))
    received, lanes = company(truth, rng.integers(1, 9, 1200), seed=6)
    found = supply.estimate(received, lanes, supply.SupplyParams(), as_of=AS_OF).join(
        truth, on=KEY, maintain_order="left"
    )
    lead = received.with_columns(
        (pl.col("received_date") - pl.col("ordered_date")).dt.total_days().alias("lead")
    )
    error = (found["mean_days_est"] - found["mean"]).to_numpy() ** 2
    for level in (KEY, KEY[1:], KEY[2:]):
        raw = found.join(lead.group_by(level).agg(pl.col("lead").mean()), on=level, maintain_order="left")
        gain = (raw["lead"] - raw["mean"]).to_numpy() ** 2 - error
        assert gain.mean() / (gain.std(ddof=1) / np.sqrt(gain.size)) > 3.7, level


def test_spread_estimates_are_not_biased_by_pooling():
    # True cv 0.35 everywhere, means known only through few receipts: the typical estimate stays near.
    rng = np.random.default_rng(15)
    truth = places(40, 3, 4).with_columns(pl.Series("mean", np.repeat(rng.uniform(20, 80, 40), 12)))
    found = supply.estimate(*company(truth, rng.integers(3, 20, 480), 16), supply.SupplyParams(), as_of=AS_OF)
    ratio = found["sd_days_est"] / found["mean_days_est"]
    assert 0.33 < ratio.median() < 0.37


def test_suppliers_whose_items_are_alike_do_not_pay_for_those_whose_items_differ():
    """Half the suppliers treat all items alike, those of the others differ by 30 %.

    Of the first, the variance is that within an item; of the second, it is more by what few receipts
    leave open about an item's mean, 15 % as simulated. 4,000 degrees of freedom each: the relative
    standard error is sqrt((2 + 6 cv^2) / 4000) = 2.6 %, four of them 10.4 % (false alarm 1e-4).
    """
    rng = np.random.default_rng(17)
    truth = places(20, 3, 30).with_columns((pl.col("from_location_id") >= "0010").alias("unlike"))
    mean = 40 * np.where(truth["unlike"], np.exp(rng.normal(0, 0.3, 1800)), 1.0)
    truth = truth.with_columns(pl.Series("mean", mean))
    found = supply.estimate(*company(truth, rng.integers(3, 9, 1800), 18), supply.SupplyParams(), as_of=AS_OF)
    within = (0.35 * pl.col("mean")) ** 2 + 1 / 12
    open_yet = (pl.col("mean_days_est") - pl.col("mean")) ** 2
    by = found.join(truth, on=KEY).group_by("unlike")
    ratio = by.agg(
        (pl.col("sd_days_est") ** 2).sum() / (within + pl.when("unlike").then(open_yet).otherwise(0)).sum()
    ).sort("unlike")
    assert ratio["sd_days_est"].to_list() == pytest.approx([1.0, 1.0], abs=0.104)


def test_atoms_carry_the_estimate(small):
    found = supply.estimate(*small, supply.SupplyParams(), as_of=AS_OF)
    spread = found.select(*KEY, "mean_days_est", "sd_days_est", "atom_days", "atom_probability").explode(
        "atom_days", "atom_probability"
    )
    share, days = pl.col("atom_probability"), pl.col("atom_days")
    checked = spread.group_by(KEY).agg(
        share.sum().alias("total"),
        (share * days).sum().alias("mean"),
        ((share * days**2).sum() - (share * days).sum() ** 2).sqrt().alias("sd"),
        pl.col("mean_days_est", "sd_days_est").first(),
        days.diff().min().alias("step"),
        days.min().alias("least"),
        pl.len().alias("n"),
    )
    np.testing.assert_allclose(checked["total"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(checked["mean"], checked["mean_days_est"], rtol=1e-9)
    np.testing.assert_allclose(checked["sd"], checked["sd_days_est"], rtol=1e-6)
    assert checked["least"].min() >= 0
    assert checked["step"].min() > 0
    assert checked["n"].max() <= 24
    weights = found.select(pl.sum_horizontal("weight_item", "weight_lane", "weight_supplier"))
    assert weights.max().item() <= 1 + 1e-12


def test_order_of_rows_changes_nothing(small):
    received, lanes = small
    first = supply.estimate(received, lanes, supply.SupplyParams(), as_of=AS_OF)
    shuffled = supply.estimate(
        received.sample(fraction=1.0, shuffle=True, seed=7),
        lanes.sample(fraction=1.0, shuffle=True, seed=8),
        supply.SupplyParams(),
        as_of=AS_OF,
    )
    assert first.equals(shuffled)
    for column in ("mean_days_est", "sd_days_est"):
        assert first[column].to_numpy().tobytes() == shuffled[column].to_numpy().tobytes()
    for column in ("atom_days", "atom_probability"):
        one, other = (frame[column].explode().to_numpy().tobytes() for frame in (first, shuffled))
        assert one == other


def test_what_was_not_known_changes_nothing(small):
    received, lanes = small
    future = received.with_columns(
        pl.lit(date(2026, 11, 22)).alias("received_date"),
        pl.col("from_location_id").str.replace("0003", "9999"),
        pl.col("order_id") + "F",
    )
    later = pl.concat([received, future])
    known = supply.estimate(received, lanes, supply.SupplyParams(), as_of=AS_OF)
    assert known.equals(supply.estimate(later, lanes, supply.SupplyParams(), as_of=AS_OF))
    assert not known.equals(supply.estimate(later, lanes, supply.SupplyParams(), as_of=date(2026, 11, 22)))


def test_inputs_are_not_written_to(small):
    before = [frame.clone() for frame in small]
    supply.estimate(*small, supply.SupplyParams(), as_of=AS_OF)
    assert all(frame.equals(copy) for frame, copy in zip(small, before, strict=True))
