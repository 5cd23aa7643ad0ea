"""Steps, fading and seasons of simulated lead times: how often found, how often imagined."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.supply import SupplyParams
from plimsoll.supply.drift import last_changes
from plimsoll.supply.recency import half_life
from plimsoll.supply.season import month_factors

START, AS_OF = date(2022, 1, 1), date(2026, 6, 30)
CV = 0.35


def orders(seed, suppliers, each, mean, every_days=14):
    """Return orders of suppliers, one each fortnight; `mean` is a function of the day."""
    rng = np.random.default_rng(seed)
    supplier = np.repeat(np.arange(suppliers), each)
    day = np.tile(np.arange(each) * every_days, suppliers) + rng.integers(0, every_days, supplier.size)
    expected = mean(supplier, day)
    lead = np.maximum(rng.gamma(1 / CV**2, expected * CV**2).round(), 0.0)
    placed = np.datetime64(START) + day
    return pl.DataFrame(
        {
            "order_id": np.arange(supplier.size).astype(str),
            "supplier": supplier,
            "ordered_date": placed,
            "received_date": placed + lead.astype(int),
            "lead_days": lead,
            "value": lead,
            "ratio": lead / 40.0,
            "scale": np.full(supplier.size, 40.0),
        }
    )


def steady(supplier, day):
    return np.full(supplier.size, 40.0)


def test_steps_are_rarely_imagined():
    """2,000 steady suppliers at 1 % each: 20 expected, 41 in one of 100,000 draws; 3 are found."""
    each = SupplyParams().model_copy(update={"change_false_alarm": 20.0, "change_min_share": 0.0})
    assert last_changes(orders(1, 2000, 40, steady), each, as_of=AS_OF).height <= 20


def found_after(before, after, days):
    """Return the share of 60 suppliers whose step from 40 days is found, and the steps."""
    step = before * 14
    given = orders(2, 60, before + after, lambda s, day: np.where(day < step, 40.0, days))
    found = last_changes(given, SupplyParams(), as_of=AS_OF)
    off = (found["change_date"] - (START + timedelta(days=step))).dt.total_days().abs()
    return found.height / 60, (off <= 6 * 14).mean(), found["change_days"].mean()


def test_a_step_is_found_with_its_date_and_size():
    """Twice as long, 40 orders before and 40 after: always found, date within 6 orders, size within 10 %."""
    power, near, size = found_after(40, 40, 80.0)
    assert power == 1
    assert near >= 0.95
    assert abs(size / 40 - 1) < 0.1


def test_a_step_is_found_after_sixteen_orders():
    """Twice as long after 60 orders: found after 16 in 9 of 10 suppliers, after 12 in half of them.

    Half as long again, it takes 40 before and after to be found in half of them.
    """
    assert found_after(60, 16, 80.0)[0] >= 0.85
    assert found_after(60, 12, 80.0)[0] >= 0.5
    assert found_after(40, 40, 60.0)[0] >= 0.5


def test_what_is_too_young_to_be_known_makes_no_step():
    """Of the last orders only the short have arrived: no sign of shorter lead times."""
    end = START + timedelta(days=40 * 14)
    known = orders(4, 500, 40, steady).filter(pl.col("received_date") <= end)
    found = last_changes(known, SupplyParams(change_false_alarm=0.05), as_of=end)
    assert found.height <= 2  # 0.05 expected


def test_steps_too_small_to_matter_are_passed_over():
    tiny = orders(5, 5, 110, lambda s, day: np.where(day < 770, 40.0, 43.0))
    many = pl.concat([tiny.with_columns(pl.col("value") / 20 + 38)])
    assert last_changes(many, SupplyParams(), as_of=AS_OF).is_empty()


def test_evidence_does_not_fade_where_lead_times_are_steady():
    """30 steady companies at 1 %: two or more in 4 of 100 draws, three in 3 of 1,000."""
    lives = [
        half_life(orders(100 + seed, 10, 110, steady), SupplyParams(), as_of=AS_OF) for seed in range(30)
    ]
    assert sum(life is not None for life in lives) <= 2


def test_evidence_fades_where_lead_times_wander():
    def wander(supplier, day):
        rng = np.random.default_rng(7)
        walk = 40 * np.exp(np.cumsum(rng.normal(0, 0.09, 130)) - 0.2)
        return walk[day // 14]

    life = half_life(orders(6, 20, 110, wander), SupplyParams(), as_of=AS_OF)
    assert life is not None
    assert life <= 730


def test_seasons_are_rarely_imagined():
    """200 companies of one supplier at 1 % each: 2 expected, 9 in one of 4,000 draws (Poisson)."""
    found = orders(8, 200, 240, steady, every_days=6)
    alone = [
        month_factors(
            found.filter(supplier=s).with_columns(supplier=pl.lit(0)), 1, SupplyParams(), as_of=AS_OF
        )
        for s in range(200)
    ]
    assert sum((factors != 1.0).any() for factors in alone) <= 9


def test_a_season_is_found_and_shrunk():
    """Orders of January and February take 30 % longer, as do all suppliers' together."""

    def winter(supplier, day):
        month = (np.datetime64(START) + day).astype("datetime64[M]").astype(int) % 12
        return np.where(month < 2, 52.0, 40.0)

    factors = month_factors(orders(9, 5, 240, winter, every_days=6), 5, SupplyParams(), as_of=AS_OF)
    # In units of 40, months are 1.3 or 1 and 1.05 on average. All suppliers together have 25 orders a
    # month in three years: a standard error of 0.35 / sqrt(75) = 0.04, three of them 0.12.
    assert np.abs(factors[-1, :2] - 1.25).max() < 0.12
    assert np.abs(factors[-1, 2:] - 0.95).max() < 0.12
    assert (factors[:, :2] > 1.0).all()


def test_a_wave_is_no_season():
    """A year and a half up, then down: every month differs, but not in the same way every year."""
    found = orders(10, 20, 240, lambda s, day: 40 + 15 * np.sin(2 * np.pi * day / 820), every_days=6)
    assert (month_factors(found, 20, SupplyParams(), as_of=AS_OF) == 1.0).mean() > 0.9
