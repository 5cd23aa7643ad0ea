"""The games of the benchmark: the usual rules by hand, no leakage, and that a wrong promise is noticed."""

import os
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.domain.errors import InputError
from plimsoll.domain.progress import silent
from plimsoll.workflows.benchmarks import game, ours, peers, sweeps
from plimsoll.workflows.benchmarks.registry import BENCHMARKS, BenchmarkOptions, run_benchmark

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
RATE, LEAD = 1.5, 3


def drawn_game(n=60, periods=64, train=40, every=4, seed=3):
    rng = np.random.default_rng(seed)
    one = np.ones(n)
    return game.Game(
        "drawn", "week", date(2024, 1, 1), tuple(f"{i:03}" for i in range(n)),
        rng.poisson(RATE, (n, periods)).astype(float), np.full(n, LEAD), 0 * one,
        1.0 + np.arange(n) % 5, train, every,
    )  # fmt: skip


def epochs_of(played, rate):
    """Return epochs that take demand for Poisson with this rate."""
    n, cells = len(played.items), np.arange(60)
    laws = {"pmf_review": 1, "pmf_lead": LEAD, "pmf_protection": LEAD + 1}
    columns = {name: [stats.poisson.pmf(cells, rate * k).tolist()] * n for name, k in laws.items()}
    estimates = pl.DataFrame({"demand_class": ["smooth"] * n, "step_qty": np.ones(n), **columns})
    epoch = ours.Epoch(
        pl.DataFrame(), estimates, pl.DataFrame(), *(ours.Law.of(estimates, name) for name in laws)
    )
    return [epoch] * len(played.epochs)


def test_usual_estimates_of_steady_demand_by_hand():
    """Demand 4 in every period over 3 periods: 12, less Croston's bias of 5 %; no errors but that bias."""
    history, horizon = np.full((1, 50), 4.0), np.full(1, 3.0)
    for estimate in (peers.moments, peers.weighted_moments, peers.tsb):
        mean, variance = estimate(history, horizon)
        assert (mean[0], variance[0]) == (pytest.approx(12.0), pytest.approx(0.0, abs=1e-12))
    mean, variance = peers.croston_sba(history, horizon)
    assert (mean[0], variance[0]) == (pytest.approx(11.4), pytest.approx(3 * 0.2**2))
    levels = peers.bootstrap_quantile(history, horizon, np.array([[0.01], [0.5], [0.99]]), "hand")[:, 0]
    # jittered 1 + int(4 + 2 z): mean 4.5 and variance just above 4 a period
    assert levels[1] == pytest.approx(13.5, abs=1.0)
    assert levels[0] <= 7 < 20 <= levels[2]


def test_weighted_moments_are_unbiased():
    """Mean over 4,000 series of independent periods with variance 2; false alarm about 1 in 10,000."""
    history = np.random.default_rng(5).poisson(2.0, (4000, 60)).astype(float)
    mean, variance = peers.weighted_moments(history, np.ones(4000))
    for found in (mean, variance):
        assert abs(found.mean() - 2.0) < 3.9 * found.std() / np.sqrt(4000)


def test_quantiles_keep_the_moments():
    estimate = np.array([6.0, 6.0]), np.array([18.0, 3.0])
    shares = np.array([[0.5], [0.95]])
    wide, poisson = peers.negative_binomial_quantile(estimate, shares).T
    assert wide.tolist() == stats.nbinom.ppf([0.5, 0.95], 3.0, 1 / 3).tolist()
    assert poisson.tolist() == stats.poisson.ppf([0.5, 0.95], 6.0).tolist()
    assert peers.normal_quantile(estimate, shares)[1, 0] == pytest.approx(
        6.0 + 1.6449 * np.sqrt(18), abs=1e-3
    )


def test_dear_items_get_a_lower_share_of_cost():
    played = drawn_game()
    rule = next(rule for rule in peers.peers(played) if rule.name == "negative binomial by cost")
    (levels,) = rule.levels(played, (0.1,))
    mean = levels.up_to[0].reshape(-1, 5).mean(axis=0)
    assert (np.diff(mean) < 0).all()


def test_no_rule_reads_the_future():
    played = drawn_game(n=20, every=8)
    later = played.demand.copy()
    later[:, played.train + played.every :] *= 50.0
    other = replace(played, demand=later)
    for rule in peers.peers(played):
        goals = rule.goals[:2]
        for one, two in zip(rule.levels(played, goals), rule.levels(other, goals), strict=True):
            assert (one.up_to[:2] == two.up_to[:2]).all(), rule.name
    known = [ours.estimated(one) for one in (played, other)]
    levels = [ours.portfolio_levels(epochs[:2], 0.9, "units")[0] for epochs in known]
    for name in ("reorder", "up_to", "first"):
        assert (getattr(levels[0], name) == getattr(levels[1], name)).all()
    assert not known[0][2].estimates.equals(known[1][2].estimates)


def test_laws_are_read_at_and_between_their_steps():
    frame = pl.DataFrame({"law": [[0.5, 0.25, 0.25], [1.0]], "step_qty": [0.5, 1.0]})
    law = ours.Law.of(frame, "law")
    level = np.array([[-0.5, 0.0, 0.5, 0.9, 1.0, 9.0]] * 2)
    assert law.at(level).tolist() == [[0.0, 0.5, 0.75, 0.75, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize("of_lines", [False, True])
def test_levels_are_the_least_that_keep_a_share(of_lines):
    played = drawn_game(n=3)
    epochs = epochs_of(played, RATE)
    target = ours.quantile_levels(epochs, 0.95, of_lines=of_lines).up_to[0]
    at, below = (epochs[0].service((target - less)[:, None], of_lines=of_lines) for less in (0.0, 1.0))
    assert (at >= 0.95).all()
    assert (below < 0.95).all()
    none, lead = stats.poisson.pmf(0, RATE), stats.poisson.cdf(target[0], LEAD * RATE)
    whole = stats.poisson.cdf(target[0], (LEAD + 1) * RATE)
    assert at[0, 0] == pytest.approx((whole - none * lead) / (1 - none) if of_lines else whole)


def test_a_true_promise_is_kept_and_a_wrong_one_noticed():
    """Gaps of 8 kinds with errors over 400 items: at 4.5 errors a false alarm in 1 of 15,000 runs."""
    played = drawn_game(n=400, periods=100, seed=8)
    for rate, is_true in ((RATE, True), (0.8 * RATE, False)):
        tables = sweeps.calibration(played, epochs_of(played, rate), ())
        gaps = tables[sweeps.CALIBRATION].filter(pl.col("rule") == sweeps.OURS)
        for goal in ("80%", "90%", "95%", "98%"):
            within = gaps[goal].abs() < 4.5 * gaps["error"]
            assert within.all() if is_true else not within.any()
        short = list(tables.values())[-1]["beyond chance %"]
        assert (short.abs() < 6.0).all() if is_true else (short > 10.0).all()


def test_ratio_of_a_rule_to_itself_is_one():
    played = drawn_game()
    rule = peers.peers(played)[1]
    swept = sweeps.sweep(played, rule.name, rule.goals, rule.levels(played, rule.goals))
    tables = sweeps.frontier(played, {"units": [swept, replace(swept, name=sweeps.OURS)]})
    against = tables["Against the best peer"]
    for name in ("ratio", "low", "high"):
        assert against[name].to_list() == pytest.approx([1.0] * len(sweeps.FILLS))
    promises = tables["Promises of the portfolio"]
    assert (promises["low"] <= promises["achieved"]).all()
    assert (promises["achieved"] <= promises["high"]).all()


def test_a_fill_out_of_reach_is_unknown():
    inventory, fill = np.array([0.0, 10.0, 20.0]), np.array([0.2, 0.9, 0.97])
    assert np.isnan(sweeps.inventory_at(inventory, fill, 0.98))
    assert np.isnan(sweeps.inventory_at(inventory, fill, 0.5))
    assert sweeps.inventory_at(inventory, fill, 0.97) == pytest.approx(20.0)


def test_every_table_of_a_game():
    played = drawn_game(n=12, every=12)
    tables = sweeps.compared(played)
    rules = [rule.name for rule in peers.peers(played)]
    assert tables["Inventory"]["rule"].to_list() == [*rules, sweeps.OURS] * 2
    promises = tables["Promises of the portfolio"].filter(pl.col("metric") == "value")
    assert promises["goal"].to_list() == list(sweeps.GOALS)
    assert promises["promised"].to_list() == pytest.approx(sweeps.GOALS, abs=0.02)
    assert promises["inventory"].is_sorted()
    assert [name for name, frame in tables.items() if frame.is_empty()] == []


@pytest.mark.parametrize(
    ("name", "shape", "replayed", "leads"),
    [
        ("man", (1541, 148), 58, {7, 16}),
        ("carparts", (2481, 51), 18, {1, 2, 3}),
        ("auto", (3000, 24), 10, {1, 2, 3}),
    ],
)
def test_games_of_the_data_sets(monkeypatch, name, shape, replayed, leads):
    if not (DATA / name).is_dir():
        pytest.skip(f"data set '{name}' is not here: set PLIMSOLL_DATA to the folder that holds it")
    seen = []
    module = import_module(f"plimsoll.workflows.benchmarks.{name}")
    monkeypatch.setattr(module, "compared", lambda played, progress: seen.append(played) or {})
    outcome = run_benchmark(name, BenchmarkOptions((), 104, DATA), silent)
    assert outcome.name in BENCHMARKS
    assert seen[0].demand.shape == shape
    assert seen[0].replayed.shape[1] == replayed
    assert set(seen[0].lead) == leads
    assert list(seen[0].items) == sorted(seen[0].items)
    days = {"man": date(2013, 9, 22), "carparts": date(2000, 9, 30), "auto": date(2001, 2, 28)}
    assert seen[0].day_before(seen[0].train) == days[name]
    assert outcome.command == f"plimsoll bench {name}"


def test_few_items_are_spread_over_the_data_set(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        run_benchmark("auto", BenchmarkOptions((), 104, tmp_path), silent)
    if not (DATA / "auto").is_dir():
        pytest.skip("data set 'auto' is not here: set PLIMSOLL_DATA to the folder that holds it")
    assert len(game.monthly_game(BenchmarkOptions((40,), 104, DATA), "auto", 14).items) == 40
