"""Best targets against single ones: the comparison by hand, and that each rule gets targets of its own."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.policy import size
from plimsoll.targets import TargetParams, assign
from plimsoll.workflows.benchmarks import frontier, ours, sweeps, targets
from plimsoll.workflows.benchmarks.game import Game, play

GOALS = (0.6, 0.8, 0.9, 0.97, 0.99)


@pytest.fixture(scope="module")
def played():
    """A game of 40 items of very different cost and pace, and what is known on its days."""
    rng = np.random.default_rng(4)
    pace = rng.choice([0.1, 1.0, 8.0], 40)[:, None]
    one = np.ones(40)
    game = Game(
        "drawn", "week", date(2024, 1, 1), tuple(f"{i:03}" for i in range(40)),
        rng.poisson(pace, (40, 120)).astype(float), np.full(40, 3), 0 * one, rng.lognormal(2, 1.5, 40),
        60, 60,
    )  # fmt: skip
    return game, ours.estimated(game)


def _less(best, single, asked):
    plays = frontier._Plays("made up", "units", best, [single], asked, np.ones(len(asked)))
    return frontier.compared(plays)


def test_a_rule_against_itself_and_against_one_that_holds_twice_as_much():
    rng = np.random.default_rng(1)
    asked, share = rng.uniform(1, 9, 30), np.array(GOALS)
    value = np.outer(share / (1 - share), rng.uniform(1, 5, 30))
    best = sweeps.Sweep("best", GOALS, value, np.outer(share, asked))
    same = _less(best, sweeps.Sweep("fill rate", GOALS, value, best.served), asked)
    assert same["less %"].to_list() == pytest.approx([0.0] * 5, abs=1e-9)
    twice = _less(best, sweeps.Sweep("fill rate", GOALS, 2 * value, best.served), asked)
    assert twice["less %"].to_list() == pytest.approx([50.0] * 5)
    assert twice["low"].to_list() == pytest.approx([50.0] * 5)
    beyond = _less(best, sweeps.Sweep("fill rate", (0.5,), value[:1], 0.5 * best.served[:1]), asked)
    assert beyond["less %"].to_list() == [None]


def test_one_target_for_all_is_what_sizing_makes_of_it(played):
    game, epochs = played
    epoch, fills = epochs[0], []
    for service in (0.8, 0.95):
        levels = ours.uniform_levels(epochs, "fill", service)
        target = assign(epoch.points, epoch.estimates, TargetParams()).with_columns(
            target_kind_eff=pl.lit("fill"), target_service_eff=pl.lit(service)
        )
        sized = size(epoch.points, epoch.estimates, target, ours.SETTINGS.policy, epoch.lead_times)
        sized = sized.sort("item_id", "location_id")
        held = sized.filter(pl.col("policy") != "none")
        assert (held["fill_rate_est"] >= service - 1e-9).all()
        np.testing.assert_array_equal(levels.up_to[0], sized["order_up_to_qty"])
        fills.append(play(game, levels).served.sum() / game.replayed.sum())
    assert fills[0] < fills[1]


def test_the_best_targets_hold_less_at_equal_service(played):
    """Items of very different cost: the gap is far wider than its interval."""
    game, epochs = played
    best = sweeps.ours(game, epochs, "units", goals=(0.5, *GOALS, 0.998))
    levels = [ours.uniform_levels(epochs, "fill", service) for service in (0.85, 0.95)]
    single = sweeps.sweep(game, "fill rate", (0.85, 0.95), levels)
    found = _less(best, single, game.replayed.sum(axis=1))
    assert (found["less %"] > 10.0).all()
    assert (found["low"] > 0.0).all()


def test_economics_of_a_company_of_any_size():
    told = targets.measure_once(200, 60)
    assert told["Points with an economic level"] > 150
    assert told["Gap to the bound, millionths"] < 2000
    assert told["Less stock than one target, %"] > 0
    assert {"Curves", "Choose targets", "Economic points"} <= set(told)
