"""New items: analogs named and proposed, hand-over by evidence, and better guesses on simulated launches."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import demand, lifecycle, supply
from plimsoll.domain.tables import table
from plimsoll.lifecycle.launch_curve import launch_curves

AS_OF = date(2026, 10, 31)
FIRST = AS_OF - timedelta(days=104 * 7)
PARAMS, DEMAND = lifecycle.LifecycleParams(), demand.DemandParams()
KEY = ["item_id", "location_id"]
LEVELS = np.array([[10.0, 1.2], [60.0, 0.5], [300.0, 0.15], [2000.0, 0.04]])  # cost; order lines a day
SIZES = {"pumps": 3.0, "seals": 8.0}


def market(seed, age_days, n=160, n_new=48):
    """Items whose rate follows their cost, the last of them launched `age_days` ago; and their true rates."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % len(LEVELS)
    group = np.where(np.arange(n) // 4 % 2, "pumps", "seals")
    rate = LEVELS[kind, 1] * np.exp(rng.normal(0, 0.4, n))
    size = np.array([SIZES[one] for one in group])
    new = np.arange(n) >= n - n_new
    n_days = (AS_OF - FIRST).days
    begins = np.where(new, n_days - age_days, 0)
    lines = rng.poisson(rate[:, None] * (np.arange(n_days) >= begins[:, None]))
    item, day = np.nonzero(lines)
    units = lines[item, day] + rng.poisson((size[item] - 1) * lines[item, day])
    names = np.array([f"I{i:03}" for i in range(n)])
    start = np.datetime64(FIRST) + 1
    sold = table("demand").conform(
        pl.DataFrame(
            {
                "date": start + day, "item_id": names[item], "location_id": "M",
                "quantity": units.astype(float), "order_id": np.arange(len(item)).astype(str),
            }
        )
    )  # fmt: skip
    launch = [AS_OF - timedelta(days=age_days) if one else None for one in new]
    cost = LEVELS[kind, 0] * np.exp(rng.normal(0, 0.2, n))
    items = table("items").conform(
        pl.DataFrame({"item_id": names, "category": group, "unit_cost": cost, "launch_date": launch})
    )
    truth = pl.DataFrame({"item_id": names, "truth": rate * size, "is_new": new})
    return sold, items, truth


def planned(sold, items):
    from plimsoll import ingest

    lanes = table("lanes").conform(
        items.select("item_id", to_location_id=pl.lit("M"), from_location_id=pl.lit("Acme"),
                     lead_time_days_set=pl.lit(14.0))
    )  # fmt: skip
    done = ingest.complete({"demand": sold, "items": items, "lanes": lanes}, as_of=AS_OF)
    lead_times = supply.estimate(done.tables["receipts"], done.lanes, supply.SupplyParams(), as_of=AS_OF)
    own = demand.estimate(sold, done.points, lead_times, DEMAND, as_of=AS_OF, seed=1)
    new = lifecycle.cold_start(sold, done.points, lead_times, own, done.tables, PARAMS, DEMAND, as_of=AS_OF)
    return done.points, own, new


@pytest.mark.parametrize("age_days", [7, 28, 60])
def test_new_items_are_guessed_better_than_by_own_data_or_category(age_days):
    """Mean absolute error of the rate over three companies of 48 new items each, seeds fixed."""
    errors = {"own": 0.0, "category": 0.0, "analogs": 0.0}
    for seed in (1, 2, 3):
        sold, items, truth = market(seed, age_days)
        points, own, new = planned(sold, items)
        rate = {"own": own, "analogs": new.estimates}
        joined = points.select(*KEY, "category").join(truth, on="item_id")
        for name, frame in rate.items():
            joined = joined.join(frame.select(*KEY, pl.col("mean_per_day_est").alias(name)), on=KEY)
        old = joined.filter(~pl.col("is_new")).group_by("category").agg(category_mean=pl.col("own").mean())
        fresh = joined.filter("is_new").join(old, on="category").rename({"category_mean": "mean"})
        for name, column in (("own", "own"), ("category", "mean"), ("analogs", "analogs")):
            errors[name] += float((fresh[column] - fresh["truth"]).abs().mean())
    assert errors["analogs"] < errors["own"]
    assert errors["analogs"] < errors["category"]


def test_own_data_take_over_as_they_come():
    weights = []
    for age_days in (1, 14, 60, 240):
        sold, items, _ = market(4, age_days, n=60, n_new=16)
        weights.append(planned(sold, items)[2].table["own_weight"].mean())
    assert weights == sorted(weights)
    assert weights[0] < 0.3
    assert weights[-1] > 0.8


def test_an_analog_named_by_a_person_goes_before_all_others_and_an_unknown_one_is_a_finding():
    sold, items, _ = market(5, 7, n=60, n_new=4)
    named = {"I056": "I000", "I057": "NONE", "I058": "I058"}
    items = items.with_columns(analog_item_id=pl.col("item_id").replace_strict(named, default=None))
    _, _, new = planned(sold, items)
    row = {one["item_id"]: one for one in new.table.to_dicts()}
    assert (row["I056"]["source"], row["I056"]["analog_item_id"], row["I056"]["confidence"]) == (
        "given",
        "I000",
        1.0,
    )
    assert {row[item]["source"] for item in ("I057", "I058", "I059")} == {"proposed"}
    assert [one.code for one in new.findings] == ["analog_unknown"]
    assert new.findings[0].keys == "I057 @ NONE, I058 @ I058"


def test_the_launch_curve_is_learned_and_without_evidence_is_none():
    rng = np.random.default_rng(8)
    ramp = [0.2, 0.4, 0.6, 0.8, 0.9, 1.0] + [1.0] * 6
    launch = AS_OF - timedelta(days=366)
    rows = [
        {"date": launch + timedelta(days=d), "item_id": f"N{i}", "location_id": "M", "quantity": float(q)}
        for i in range(40)
        for d in range(365)
        if (q := rng.poisson(2 * ramp[min(int(d / 30.4375), 11)]))
    ]
    rows.append({"date": FIRST, "item_id": "OLD", "location_id": "M", "quantity": 1.0})
    points = pl.DataFrame({"item_id": [f"N{i}" for i in range(40)], "location_id": "M", "category": "pumps",
                           "launch_date": launch})  # fmt: skip
    curve = launch_curves(pl.DataFrame(rows), points, PARAMS, as_of=AS_OF).filter(
        pl.col("category") == "pumps"
    )
    drawn = [(40 * share + 8 * (40 * share + 8) / 48) / 48 for share in ramp[:6]]
    # A share is told by 40 launches of 60 units a month: its error is 0.02, and three of them are allowed.
    assert curve["factor"].to_list() == pytest.approx(drawn, abs=0.06)
    none = launch_curves(pl.DataFrame(rows), points.head(0), PARAMS, as_of=AS_OF)
    assert set(none["factor"]) == {1.0}
