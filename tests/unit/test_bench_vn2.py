"""The VN2 game: its clock against a plain twin, what a rule is shown, and what ours scores."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.integrations import read_source
from plimsoll.workflows.benchmarks import vn2
from plimsoll.workflows.settings import Settings

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
START = date(2022, 1, 3)


def _game(units):
    return vn2.Game(START, np.asarray(units, dtype=float), {})


def _plain(game, first, rule):
    """One series at a time, with a list of open orders by the week in which they arrive."""
    here, coming = vn2.opening(game, first)
    stock = list(here)
    arrivals = [{1: coming[i, 0], 2: coming[i, 1]} for i in range(len(stock))]
    cost = 0.0
    for week in range(1, vn2.WEEKS + 1):
        if week <= vn2.ORDERS:
            shown = np.array([[due.get(week, 0.0), due.get(week + 1, 0.0)] for due in arrivals])
            for i, quantity in enumerate(rule(first + week - 1, np.array(stock), shown)):
                arrivals[i][week + 2] = quantity
        for i in range(len(stock)):
            stock[i] += arrivals[i].get(week, 0.0)
            wanted = game.units[i, first + week - 1]
            if np.isnan(wanted):
                continue
            lost = max(wanted - stock[i], 0.0)
            stock[i] = max(stock[i] - wanted, 0.0)
            if week > vn2.LEAD:
                cost += 0.2 * stock[i] + 1.0 * lost
    return cost


def test_the_game_is_that_of_a_plain_twin():
    rng = np.random.default_rng(5)
    units = rng.poisson(rng.gamma(1.0, 3.0, (12, 1)), (12, 80)).astype(float)
    units[rng.random(units.shape) < 0.05] = np.nan
    game = _game(units)
    drawn = rng.poisson(3.0, (200, 12)).astype(float)
    for rule in (lambda t, here, coming: drawn[t], lambda *known: vn2.organiser(game, *known)):
        held, lost = vn2.played(game, 60, rule)
        assert held + lost == pytest.approx(_plain(game, 60, rule))


def test_an_order_serves_the_third_week_after_it():
    game = _game(np.zeros((1, 20)))
    first = 10
    held, _ = vn2.played(game, first, lambda t, *_: np.array([5.0 if t == first else 0.0]))
    assert held == pytest.approx(0.2 * 5 * 6)  # there in weeks 3 to 8
    held, _ = vn2.played(game, first, lambda t, *_: np.array([5.0 if t == first + 5 else 0.0]))
    assert held == pytest.approx(0.2 * 5)  # the sixth order arrives in week 8


@pytest.mark.parametrize("rule", [vn2.organiser, vn2.flat_cover, vn2.newsvendor])
def test_peers_know_nothing_later(rule):
    rng = np.random.default_rng(6)
    units = rng.poisson(3.0, (6, 80)).astype(float)
    other = units.copy()
    other[:, 60:] = 99.0
    state = np.ones(6), np.ones((6, 2))
    assert rule(_game(units), 60, *state).tolist() == rule(_game(other), 60, *state).tolist()


def test_a_season_of_all_series_is_taken_out_and_put_back():
    week = np.array([(START + timedelta(days=7 * t)).isocalendar().week for t in range(110)])
    factor = np.where(week == 20, 3.0, 1.0)
    game = _game(np.array([[2.0], [5.0]]) * factor)
    ahead = vn2.seasonal_average(game, 104, 4)
    assert ahead == pytest.approx(np.array([[2.0], [5.0]]) * factor[104:108], rel=1e-9)


@pytest.fixture(scope="module")
def facts():
    if not (DATA / "vn2").is_dir():
        pytest.skip("data set 'vn2' is not here: set PLIMSOLL_DATA to the folder that holds it")
    return ingest.read(read_source(DATA / "vn2"), ingest.find_mapping("vn2")).tables


def test_every_window_ends_within_what_is_known(facts):
    game = vn2.game_of(facts)
    weeks = [game.week(day) for day in vn2.WINDOWS]
    assert all(week + vn2.WEEKS <= game.units.shape[1] for week in weeks)
    assert all(
        game.end_before(week) + timedelta(days=1) == day for week, day in zip(weeks, vn2.WINDOWS, strict=True)
    )


def test_our_orders_cost_less_than_the_organisers(facts):
    """A third of the shops in one window, by methods of single series; the benchmark plays all."""
    some = facts["locations"].filter(pl.col("location_id").hash(0) % 3 == 0)["location_id"].to_list()
    part = {
        name: frame.filter(pl.col("location_id").is_in(some))
        if name in ("demand", "availability", "stocking_points")
        else frame
        for name, frame in facts.items()
    }
    part["lanes"] = facts["lanes"].filter(pl.col("to_location_id").is_in(some))
    settings = Settings()
    alone = settings.model_copy(update={"demand": settings.demand.model_copy(update={"learned": "off"})})
    costs = vn2.compared(vn2.game_of(part), (date(2022, 8, 29),), alone, lambda *_: None)
    cost = dict(costs.select("rule", "cost").iter_rows())
    assert cost["look ahead"] < cost["order up to"] < cost["normal newsvendor"]
    assert cost["look ahead"] < 0.93 * cost["organiser"]
