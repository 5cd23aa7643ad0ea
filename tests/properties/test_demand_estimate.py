"""The whole stage: leakage, order and threads, calibration, and columns that hang together."""

from datetime import date, timedelta

import numba
import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams, estimate
from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table

START = date(2024, 1, 1)
PMFS = ["pmf_review", "pmf_lead", "pmf_protection", "pmf_lead_constant", "pmf_protection_constant"]


def as_of(n_weeks):
    return START + timedelta(days=7 * n_weeks - 1)


def company(panel, days=((7.0, 14.0, 35.0),), chance=((0.25, 0.5, 0.25),), review=7.0, **columns):
    """Return demand lines, points and lead times of a panel (series, weeks)."""
    n = len(panel)
    at, week = np.nonzero(panel)
    points = pl.DataFrame({"item_id": [f"I{i:05d}" for i in range(n)]}).with_columns(
        location_id=pl.lit("DC"), from_location_id=pl.lit("Acme"), category=pl.lit("all"),
        launch_date=pl.lit(None, pl.Date), review_days_eff=pl.lit(review),
        unit_cost_eff=pl.lit(1.0), **columns,
    )  # fmt: skip
    lines = {"item_id": points["item_id"].gather(at), "quantity": panel[at, week].astype(float)}
    demand = pl.DataFrame(lines).with_columns(
        location_id=pl.lit("DC"), date=pl.lit(START) + pl.duration(days=pl.Series(7 * week)),
        order_id=pl.Series(np.arange(len(at))).cast(pl.String), line=pl.lit(None, pl.String),
    )  # fmt: skip
    lead_times = points.select(
        "item_id", pl.col("location_id").alias("to_location_id"), "from_location_id"
    ).with_columns(
        atom_days=pl.Series([list(days[i % len(days)]) for i in range(n)]),
        atom_probability=pl.Series([list(chance[i % len(chance)]) for i in range(n)]),
    )
    return table("demand").conform(demand), points, lead_times


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(1)
    n, weeks = 240, 104
    share = np.r_[np.ones(60), rng.uniform(0.1, 0.6, 120), np.full(40, 0.01), np.zeros(20)]
    mean = np.r_[rng.lognormal(4, 0.5, 60), rng.lognormal(1, 1, 180)]
    return (rng.random((n, weeks)) < share[:, None]) * (
        1 + rng.poisson(rng.gamma(2.0, mean[:, None] / 2, (n, weeks)))
    )


@pytest.fixture(scope="module")
def tables(panel):
    return company(panel)


@pytest.fixture(scope="module")
def result(tables):
    return estimate(*tables, DemandParams(), as_of=as_of(104), seed=1)


def same(left, right):
    return left.equals(right, null_equal=True)


def test_one_row_a_point_without_nan(result, tables):
    assert result.height == tables[1].height
    assert result.schema == table("demand_estimate").schema
    numbers = result.select(pl.col(pl.Float64))
    assert (
        numbers.select(pl.all().is_nan().any() | pl.all().is_infinite().any()).row(0)
        == (False,) * numbers.width
    )
    for name in PMFS:
        shares = result[name].list.explode()
        assert shares.is_finite().all()
        assert (shares >= 0).all()
        assert result[name].list.sum().to_numpy() == pytest.approx(1.0, abs=1e-9)
        assert result[name].list.len().max() <= DemandParams().lattice_cells


def test_columns_hang_together(result):
    scored = result["n_origins"] > 0
    assert (result["pinball_loss_reference"].is_not_null() == scored).all()
    same_method = result["method_used"] == result["method_wanted"]
    assert (result["fallback_reason"].is_null() == same_method).all()
    means = {
        name: np.array([np.arange(len(p)) @ np.array(p) for p in result[name]])
        * result["step_qty"].to_numpy()
        for name in PMFS
    }
    assert means["pmf_protection"] == pytest.approx(result["mean_protection_qty"].to_numpy())
    assert means["pmf_lead"] == pytest.approx(result["mean_lead_qty"].to_numpy())
    rate = result["mean_per_day_est"].to_numpy() * result["protection_days_mean"].to_numpy()
    assert rate == pytest.approx(result["mean_protection_qty"].to_numpy())
    assert result["protection_days_mean"].to_numpy() == pytest.approx(7 + 17.5)
    assert result["protection_days_sd"].to_numpy() == pytest.approx(10.5)
    counted = ~result["method_used"].is_in(["bootstrap", "normal", "seasonal"]).to_numpy()
    for other in ("pmf_lead_constant", "pmf_lead"):
        assert means[other][counted] == pytest.approx(
            17.5 / 24.5 * means["pmf_protection"][counted], rel=0.08
        )


def test_steps_are_whole_where_demand_is(result):
    step = result["step_qty"].to_numpy()
    assert (step >= 1).all()
    assert (step == np.rint(step)).all()


def test_never_demanded_is_not_zero_for_ever(result):
    none = result.filter(pl.col("demand_class") == "none")
    assert none.height > 0
    assert set(none["method_used"]) == {"pooled_rate"}
    assert set(none["fallback_reason"]) == {"no_demand"}
    assert none["adi"].null_count() == none.height
    assert ((none["mean_per_day_est"] > 0) & (none["mean_per_day_est"] < 0.05)).all()


def test_nothing_after_as_of_is_read(tables):
    demand, points, lead_times = tables
    later = demand.with_columns(quantity=pl.when(pl.col("date") > as_of(80)).then(1e6).otherwise("quantity"))
    runs = [
        estimate(lines, points, lead_times, DemandParams(), as_of=as_of(80), seed=1)
        for lines in (demand, later)
    ]
    assert same(*runs)
    monthly = demand.filter(pl.col("date") == START)  # what follows is not on the first of a month
    before = estimate(monthly, points, lead_times, DemandParams(), as_of=as_of(80), seed=1)
    assert before["period_days"][0] > 30
    later_only = later.filter((pl.col("date") == START) | (pl.col("date") > as_of(80)))
    assert same(before, estimate(later_only, points, lead_times, DemandParams(), as_of=as_of(80), seed=1))
    assert not same(runs[0], estimate(later, points, lead_times, DemandParams(), as_of=as_of(81), seed=1))


def test_order_of_rows_changes_nothing(tables, result):
    demand, points, lead_times = tables
    fractions = demand.with_columns(pl.col("quantity") / 7)
    mixed = [frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in (fractions, points, lead_times)]
    parts = pl.concat([mixed[0].slice(0, 100), mixed[0].slice(100, 7), mixed[0].slice(107)], rechunk=False)
    plain = estimate(fractions, points, lead_times, DemandParams(), as_of=as_of(104), seed=1)
    assert same(plain, estimate(parts, *mixed[1:], DemandParams(), as_of=as_of(104), seed=1))


def test_lines_of_a_week_add_up_to_the_same(tables, result):
    demand, points, lead_times = tables
    halves = pl.concat([demand.with_columns(pl.col("quantity") / 2)] * 2)
    assert same(result, estimate(halves, points, lead_times, DemandParams(), as_of=as_of(104), seed=1))


def test_threads_change_nothing(tables, result):
    threads = numba.get_num_threads()
    try:
        for n in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(n)
            assert same(result, estimate(*tables, DemandParams(), as_of=as_of(104), seed=1))
    finally:
        numba.set_num_threads(threads)


def test_inputs_are_left_alone(tables):
    before = [frame.clone() for frame in tables]
    estimate(*tables, DemandParams(), as_of=as_of(104), seed=1)
    assert all(same(*pair) for pair in zip(before, tables, strict=True))


BOOTSTRAP = DemandParams(contenders=("bootstrap",), learned="off", season_active_min=2.0)


def test_draws_follow_the_key_not_the_neighbours(panel):
    """With nothing but the bootstrap, a series alone has the distribution that it has in company."""
    demand, points, lead_times = company(panel[60:180])
    together, other = (
        estimate(demand, points, lead_times, BOOTSTRAP, as_of=as_of(104), seed=seed)[50:51] for seed in (1, 2)
    )
    alone = estimate(demand, points[50:51], lead_times, BOOTSTRAP, as_of=as_of(104), seed=1)
    assert together["method_used"].item() == "bootstrap"
    assert same(alone.select(PMFS), together.select(PMFS))
    assert not same(other.select(PMFS), together.select(PMFS))


def test_two_series_with_the_same_history_do_not_share_draws():
    twins = company(np.tile([0, 3, 0, 0, 5, 0, 2, 7], (2, 13)))
    one, two = estimate(*twins, BOOTSTRAP, as_of=as_of(104), seed=1)["pmf_protection"].to_list()
    assert one != two


def test_scale_of_units_is_kept(tables):
    """Three times the quantity: three times every figure in units; classes and methods stay."""
    demand, points, lead_times = tables
    plain, triple = (
        estimate(
            demand.with_columns(pl.col("quantity") * f),
            points,
            lead_times,
            DemandParams(),
            as_of=as_of(104),
            seed=1,
        )
        for f in (1.0, 3.0)
    )
    many = (plain["n_demand_periods"] >= 5).to_numpy()  # fewer sizes do not tell the unit
    assert (plain["method_used"] == triple["method_used"]).to_numpy()[many].mean() > 0.98
    alike = many & (plain["method_used"] == triple["method_used"]).to_numpy()
    for name in ("mean_protection_qty", "sd_protection_qty", "step_qty"):
        assert 3 * plain[name].to_numpy()[alike] == pytest.approx(triple[name].to_numpy()[alike], rel=1e-6)


def test_zero_lead_time_and_long_ones(panel):
    days, chance = ([0.0], [100.0, 700.0], [3.5]), ([1.0], [0.9, 0.1], [1.0])
    tables = company(panel[:90], days, chance, review=0.0)
    result = estimate(*tables, DemandParams(), as_of=as_of(104), seed=1)
    none = result[::3]
    assert none["pmf_protection"].to_list() == [[1.0]] * none.height
    assert (none["mean_protection_qty"] == 0).all()
    assert (none["mean_per_day_est"] > 0).all()
    assert result["pmf_review"].list.len().to_list() == [1] * result.height
    half = result[2::3]
    assert half["pmf_lead"].list.first().to_numpy().min() >= 0.5
    long = result[1::3]
    assert (long["mean_protection_qty"].to_numpy() > 0).all()
    assert long["pmf_lead"].list.len().max() <= 512


def test_stock_outs_do_not_count_as_no_demand(panel):
    demand, points, lead_times = company(panel[:30])
    outs = demand.filter(pl.col("date") >= START + timedelta(days=7 * 60)).select(
        "date", "item_id", "location_id"
    )
    lost = demand.join(outs, on=["date", "item_id", "location_id"], how="anti")
    flags = outs.with_columns(in_stock=pl.lit(False))
    blind = estimate(lost, points, lead_times, DemandParams(), as_of=as_of(104), seed=1)
    aware = estimate(lost, points, lead_times, DemandParams(), as_of=as_of(104), seed=1, availability=flags)
    truth = panel[:30].mean(axis=1) / 7
    error = [np.abs(run["mean_per_day_est"].to_numpy() - truth).mean() for run in (blind, aware)]
    assert error[1] < 0.5 * error[0]
    assert (aware["n_periods"] <= 104).all()


def test_a_point_without_lead_time_is_named(tables):
    demand, points, lead_times = tables
    with pytest.raises(InputError, match="1 stocking points have no lead time \\(I00003 @ DC\\)"):
        estimate(
            demand,
            points,
            lead_times.filter(pl.col("item_id") != "I00003"),
            DemandParams(),
            as_of=as_of(104),
            seed=1,
        )


def test_no_points_and_no_demand():
    demand, points, lead_times = company(np.zeros((2, 104)))
    assert estimate(demand, points[:0], lead_times, DemandParams(), as_of=as_of(104), seed=1).height == 0
    empty = estimate(demand, points, lead_times, DemandParams(), as_of=as_of(104), seed=1)
    assert empty["n_periods"].to_list() == [0, 0]
    assert (empty["mean_per_day_est"] > 0).all()


@pytest.mark.parametrize(("r", "mean"), [(0.25, 1.5), (1.0, 3.0), (2.0, 8.0)])
def test_calibration_of_the_95_percent_quantile(r, mean):
    """Coverage of fresh draws of interval demand, 2,000 iid series of 104 weeks.

    Randomised so that the target is 0.95 exactly. Estimation from 104 weeks and choosing among methods
    may cost up to 0.02; chance costs sqrt(.95 x .05 / 2000) = 0.0049, so a tolerance of 0.02 + 4 x 0.0049
    is crossed by chance alone in less than 1 of 30,000 runs.
    """
    rng = np.random.default_rng(int(100 * mean))
    draw = lambda shape: rng.negative_binomial(r, r / (r + mean), shape)  # noqa: E731
    tables = company(draw((2_000, 104)), days=[[21.0]], chance=[[1.0]])
    result = estimate(*tables, DemandParams(), as_of=as_of(104), seed=1)
    fresh = draw((2_000, 4)).sum(axis=1)
    cells = np.rint(fresh / result["step_qty"].to_numpy()).astype(int)
    pmf = [np.array(p) for p in result["pmf_protection"]]
    below = np.array([p[:k].sum() for p, k in zip(pmf, cells, strict=True)])
    here = np.array([p[k] if k < len(p) else 0.0 for p, k in zip(pmf, cells, strict=True)])
    coverage = (below + rng.random(2_000) * here <= 0.95).mean()
    assert coverage == pytest.approx(0.95, abs=0.02 + 4 * 0.0049)
