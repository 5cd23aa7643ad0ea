"""Demand put beside an estimate: against plain convolution, closed forms and simulation."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.demand import DemandParams, with_dated, with_rates
from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import demand_compose as kernels

AS_OF = date(2026, 11, 22)
KEY = ["item_id", "location_id"]
PMFS = ("pmf_review", "pmf_lead", "pmf_protection", "pmf_lead_constant", "pmf_protection_constant")
DAYS, CHANCE, REVIEW = [10.0, 30.0], [0.5, 0.5], 7.0
RATE = 0.4
PARAMS = DemandParams()


def of(name, rows):
    """The declared table with these values, whatever else it requires made up."""
    made_up = {pl.Float64: 0.0, pl.Int64: 0, pl.String: "x", pl.Boolean: True, pl.List(pl.Float64): [1.0]}
    filled = [
        {column.name: row.get(column.name, made_up.get(column.dtype) if column.null == "required" else None)
         for column in table(name).columns}
        for row in rows
    ]  # fmt: skip
    return table(name).conform(pl.DataFrame(filled, schema=table(name).schema, orient="row"))


def poisson(mean):
    return stats.poisson.pmf(np.arange(120), mean)


def company(n=2, days=DAYS, chance=CHANCE, review=REVIEW):
    """Points whose demand is Poisson with RATE a day over five intervals."""
    mean = float(np.dot(days, chance))
    pmfs = (
        poisson(RATE * review), sum(p * poisson(RATE * t) for p, t in zip(chance, days, strict=True)),
        sum(p * poisson(RATE * (t + review)) for p, t in zip(chance, days, strict=True)),
        poisson(RATE * mean), poisson(RATE * (mean + review)),
    )  # fmt: skip
    keys = [{"item_id": f"I{i}", "location_id": "DC"} for i in range(n)]
    estimates = of(
        "demand_estimate",
        [
            key
            | dict(zip(PMFS, (list(p) for p in pmfs), strict=True))
            | {"step_qty": 1.0, "mean_per_day_est": RATE, "demand_class": "smooth"}
            | {"mean_protection_qty": RATE * (mean + review), "protection_days_mean": mean + review}
            for key in keys
        ],
    )
    points = of(
        "planning_point",
        [key | {"from_location_id": "S", "review_days_eff": review, "supply_kind": "purchase",
                "unmet_demand_eff": "backlog", "criticality_eff": "normal"} for key in keys],
    )  # fmt: skip
    lanes = of(
        "lead_time_estimate",
        [{"item_id": key["item_id"], "to_location_id": "DC", "from_location_id": "S", "atom_days": days,
          "atom_probability": chance, "method_used": "lane", "method_wanted": "lane"} for key in keys],
    )  # fmt: skip
    return estimates, points, lanes


def rates(mean, variance, doubt=0.0, item="I0", **more):
    row = {"item_id": [item], "location_id": ["DC"], "mean_per_day": [mean], "variance_per_day": [variance]}
    return pl.DataFrame(row | {"rate_variance": [doubt]} | {name: [v] for name, v in more.items()})


def lumps(*rows):
    schema = {"item_id": pl.String, "location_id": pl.String, "date": pl.Date, "quantity": pl.Float64}
    schema |= {"quantity_sd": pl.Float64, "probability": pl.Float64}
    given = [("I0", "DC", AS_OF + timedelta(days=day), *rest) for day, *rest in rows]
    return pl.DataFrame(given, schema, orient="row")


def law(result, name="pmf_protection", row=0):
    pmf = np.array(result[name][row])
    return np.arange(len(pmf)) * result["step_qty"][row], pmf


def moments(x, p):
    return x @ p, x**2 @ p - (x @ p) ** 2


def test_plain_convolution():
    """With a constant interval the sum of two Poissons is Poisson."""
    made = company(1, [14.0], [1.0])
    result = with_rates(*made, rates(0.9, 0.9), PARAMS, mode="add")
    for name, days in zip(PMFS, (7, 14, 21, 14, 21), strict=True):
        x, p = law(result, name)
        assert p == pytest.approx(stats.poisson.pmf(x, 1.3 * days), abs=1e-8)


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_moments_over_random_intervals(mode):
    """By hand: E[T] and Var[T] of lead 10 or 30 days, review 7; both rates share the interval."""
    m, v, doubt = 0.7, 2.0, 0.01
    result = with_rates(*company(), rates(m, v, doubt), PARAMS, mode=mode)
    b = RATE if mode == "add" else 0.0
    for name, days, spread in zip(PMFS, (7, 20, 27, 20, 27), (0, 100, 100, 0, 0), strict=True):
        mean, variance = moments(*law(result, name))
        assert mean == pytest.approx((m + b) * days, rel=1e-6)
        expected = v * days + doubt * (days**2 + spread) + b * days + (m + b) ** 2 * spread
        assert variance == pytest.approx(expected, rel=1e-3)
    assert result["mean_per_day_est"][0] == pytest.approx(m + b, rel=1e-6)
    assert result["mean_lead_qty"][0] == pytest.approx(20 * (m + b), rel=1e-6)
    assert result["sd_protection_qty"][0] == pytest.approx(moments(*law(result))[1] ** 0.5, rel=1e-9)


def test_quantiles_against_simulation():
    """Lead times of a gamma; the standard error of a simulated 95 % quantile is 0.15 units here.

    Two moments do not fix a law: half a unit of the 37 is allowed beside four standard errors.
    """
    rng = np.random.default_rng(4)
    lead = np.sort(rng.gamma(9.0, 2.0, 24))
    made = company(1, lead.tolist(), [1 / 24] * 24)
    result = with_rates(*made, rates(0.5, 1.5), PARAMS, mode="add")
    days = rng.choice(lead, 200_000) + REVIEW
    own = rng.poisson(RATE * days)
    r = 0.5 * days / (1.5 / 0.5 - 1)
    total = own + rng.poisson(rng.gamma(r, (1.5 / 0.5 - 1)))
    x, p = law(result)
    assert moments(x, p)[0] == pytest.approx(total.mean(), rel=0.005)
    assert moments(x, p)[1] == pytest.approx(total.var(), rel=0.03)
    for level in (0.5, 0.8, 0.95, 0.99):
        assert x[np.searchsorted(np.cumsum(p), level)] == pytest.approx(np.quantile(total, level), abs=1.1)


def test_wide_demand_gets_a_coarser_step_and_keeps_its_mean():
    result = with_rates(*company(), rates(900.0, 40_000.0), PARAMS, mode="add")
    assert result["step_qty"][0] > 1
    assert result["pmf_protection"].list.len().max() <= PARAMS.lattice_cells
    mean, variance = moments(*law(result))
    assert mean == pytest.approx(900.4 * 27, rel=1e-5)
    assert variance == pytest.approx(40_000 * 27 + RATE * 27 + 900.4**2 * 100, rel=0.02)


def test_what_is_added_in_pieces_to_packs_is_not_blurred():
    estimates, points, lanes = company()
    packs = estimates.with_columns(step_qty=pl.lit(4.0))
    result = with_dated(packs, points, lanes, lumps((1, 5.0, None, None)), PARAMS, as_of=AS_OF)
    _, p = law(result)
    assert result["step_qty"][0] == 1.0
    given = np.array(packs["pmf_protection"][0])
    assert p[5::4] == pytest.approx(given[: len(p[5::4])], abs=1e-8)
    assert p[5::4].sum() == pytest.approx(1.0)


def test_small_units_in_place():
    result = with_rates(*company(), rates(0.004, 1e-5, unit_qty=0.001), PARAMS, mode="replace")
    mean, variance = moments(*law(result))
    assert result["step_qty"][0] == pytest.approx(0.001)
    assert (mean, variance) == (pytest.approx(0.108, rel=1e-6), pytest.approx(1e-5 * 27 + 0.0016, rel=0.01))


def test_only_the_rows_named_change():
    made = company(3)
    before = made[0].clone()
    both = pl.concat([rates(0.1, 0.1, item="I1"), rates(0.2, 0.3, item="I1"), rates(9.0, 9.0, item="ghost")])
    result = with_rates(*made, both, PARAMS, mode="add")
    assert result.schema == made[0].schema
    assert result[[0, 2]].equals(before[[0, 2]])
    assert made[0].equals(before)
    assert result.equals(with_rates(*made, both[::-1], PARAMS, mode="add"))
    once = with_rates(*made, rates(0.3, 0.4, item="I1"), PARAMS, mode="add")
    assert result["mean_protection_qty"][1] == pytest.approx(once["mean_protection_qty"][1])
    assert with_rates(*made, both[2:], PARAMS, mode="add").equals(before)
    assert with_dated(*made, lumps(), PARAMS, as_of=AS_OF).equals(before)


def test_a_negative_rate_is_refused_by_name():
    with pytest.raises(InputError, match=r"1 rates are negative or no numbers \(I0 @ DC\)"):
        with_rates(*company(), rates(-1.0, 1.0), PARAMS, mode="add")
    with pytest.raises(InputError, match="no numbers"):
        with_rates(*company(), rates(float("nan"), 1.0), PARAMS, mode="add")


def test_a_lump_counts_where_the_interval_reaches_it():
    """Day 20: not the review of 7 days, the lead time of 30 days but not of 10, the constant one of 20."""
    result = with_dated(*company(), lumps((20, 50.0, None, None)), PARAMS, as_of=AS_OF)
    plain = company()[0]
    for name, share in zip(PMFS, (0.0, 0.5, 0.5, 1.0, 1.0), strict=True):
        x, p = law(result, name)
        base = np.zeros(len(p) + 200)
        base[: len(plain[name][0])] = plain[name][0]
        expected = (1 - share) * base + share * np.r_[np.zeros(50), base[:-50]]
        assert p == pytest.approx(expected[: len(p)], abs=1e-8), name
        assert x[1] == 1.0
    assert result["mean_protection_qty"][0] == pytest.approx(RATE * 27 + 25)
    assert result["mean_per_day_est"][0] == pytest.approx(RATE + 50 / 365.25)


def test_lumps_share_the_interval_and_have_chance_and_spread_of_their_own():
    """Against simulation of the interval, of what happens, and of the quantities (400,000 draws).

    Standard errors: mean 0.04 of 54, variance 0.4 % at most; tolerances are five of them.
    """
    known = lumps((12, 20.0, 4.0, 0.5), (25, 30.0, None, 0.8), (400, 1e5, 1.0, 1.0), (-3, 1e5, None, None))
    result = with_dated(*company(), known, PARAMS, as_of=AS_OF)
    rng = np.random.default_rng(5)
    n = 400_000
    lead = rng.choice(DAYS, n)
    own = rng.poisson(RATE * rng.permutation(lead + REVIEW))  # the base runs over an interval of its own
    first = (rng.random(n) < 0.5) * rng.binomial(100, 0.2, n)  # mean 20, variance 16
    second = (rng.random(n) < 0.8) * 30.0
    total = own + first * (lead + REVIEW >= 12) + second * (lead + REVIEW >= 25)
    x, p = law(result)
    mean, variance = moments(x, p)
    assert mean == pytest.approx(total.mean(), abs=0.2)
    assert variance == pytest.approx(total.var(), rel=0.02)
    steps = np.cumsum(p)
    for at in (10, 25, 40, 55, 70):
        assert steps[at] == pytest.approx((total <= at).mean(), abs=0.004)


def test_kernels_and_their_plain_twins_agree():
    rng = np.random.default_rng(6)
    base = rng.dirichlet(np.ones(20), (3, 5))
    lengths = np.full((3, 5), 20)
    mean, variance = rng.uniform(0, 300, (3, 5)), rng.uniform(100, 9000, (3, 5))
    bounds, quantity, sd = np.array([0, 2, 2, 5]), rng.uniform(0, 90, 5), np.array([0, 9.0, 3.0, 0, 20.0])
    chance = rng.random(5)
    reached = -np.sort(-rng.random((5, 5)), axis=0)
    pairs = []
    for add, given in (
        (kernels.add_rates, (mean, variance)),
        (kernels.add_lumps, (bounds, quantity, sd, chance, reached)),
    ):
        for run in (add, add.py_func):
            pmf, steps = np.zeros((3, 5, 64)), np.zeros(3)
            run(base, lengths, np.array([1.0, 2.0, 0.5]), *given, pmf, steps)
            pairs.append((pmf, steps))
    for (pmf, steps), (plain, plain_steps) in (pairs[:2], pairs[2:]):
        assert pmf == pytest.approx(plain, abs=1e-12)
        assert (steps == plain_steps).all()
        assert pmf.sum(axis=2) == pytest.approx(1.0, abs=1e-6)
