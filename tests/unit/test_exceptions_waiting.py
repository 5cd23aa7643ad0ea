"""What waiting loses, by hand and by demand drawn day by day."""

import numpy as np
import polars as pl
import pytest

from plimsoll.exceptions.evidence import State
from plimsoll.exceptions.waiting import NEVER, lost_by_waiting

COMING = {
    "row": pl.UInt32,
    "from_location_id": pl.String,
    "day": pl.Float64,
    "quantity": pl.Float64,
    "is_overdue": pl.Boolean,
}


def state(coming=(), **point):
    """One point that asks for 10 a day at a price of 2, with help in 7 days and the next review after 7."""
    values = {"on_hand": 100.0, "rate": 10.0, "held": True, "help_days": 7.0, "review_days": 7.0}
    values |= {"ratio": 0.0, "doubt": 0.0, "price": 2.0} | point
    points = pl.DataFrame({name: [value] for name, value in values.items()})
    orders = pl.DataFrame(list(coming), schema=COMING, orient="row")
    return State(points, pl.Series([[1.0]]), np.ones(1), orders)


def lost(at, **case):
    values = {"row": 0, "stock": None, "later": None, "extra": None, "origin": None, "on_time": False} | case
    types = {"stock": pl.Float64, "later": pl.Float64, "extra": pl.Float64, "origin": pl.String}
    frame = pl.DataFrame({name: [value] for name, value in values.items()}, schema_overrides=types)
    return lost_by_waiting(at, frame)[0]


@pytest.mark.parametrize(
    ("on_hand", "days_short"),
    [(140.0, 0.0), (100.0, 4.0), (70.0, 7.0), (0.0, 7.0), (-50.0, 7.0)],
)
def test_steady_demand_is_lost_on_days_without_stock_between_help_today_and_later(on_hand, days_short):
    """Help asked for today comes on day 7, that of the next review on day 14; 10 a day at 2 each."""
    assert lost(state(on_hand=on_hand)) == pytest.approx(days_short * 10 * 2, abs=1e-2)


def test_an_order_ends_what_is_short_on_its_day():
    """Stock lasts to day 8. What comes on day 11 first serves the 30 units owed by then."""
    at = state([(0, "S", 11.0, 30.0, False)], on_hand=80.0)
    assert lost(at) == pytest.approx(6 * 10 * 2, abs=1e-2)
    enough = state([(0, "S", 11.0, 60.0, False)], on_hand=80.0)
    assert lost(enough) == pytest.approx(3 * 10 * 2, abs=1e-2)


def test_only_what_comes_from_the_late_source_comes_later():
    at = state([(0, "S", 3.0, 50.0, True), (0, "T", 5.0, 40.0, False)], on_hand=50.0)
    assert lost(at) == pytest.approx(0.0, abs=1e-2)
    assert lost(at, origin="S", later=NEVER) == pytest.approx(5 * 10 * 2, abs=1e-2)
    assert lost(at, origin="T", later=6.0) == pytest.approx(1 * 10 * 2, abs=1e-2)
    assert lost(at, origin="U", later=NEVER) == pytest.approx(0.0, abs=1e-2)


def test_without_a_delay_what_is_overdue_is_there_at_once():
    at = state([(0, "S", 12.0, 60.0, True), (0, "S", 20.0, 60.0, False)], on_hand=80.0)
    assert lost(at) == pytest.approx(4 * 10 * 2, abs=1e-2)
    assert lost(at, origin="S", on_time=True) == pytest.approx(0.0, abs=1e-2)


def test_more_demand_and_a_wrong_count_empty_the_shelf_sooner():
    assert lost(state(), extra=10.0) == pytest.approx(7 * 20 * 2, abs=1e-2)
    assert lost(state(), stock=-20.0) == pytest.approx(6 * 10 * 2, abs=1e-2)
    assert lost(state(), stock=20.0) == pytest.approx(2 * 10 * 2, abs=1e-2)


def test_what_is_not_stocked_has_no_demand_to_lose():
    assert lost(state(on_hand=-50.0, held=False)) == 0.0


def test_a_point_reviewed_all_the_time_waits_a_day():
    assert lost(state(on_hand=0.0, review_days=0.0)) == pytest.approx(1 * 10 * 2, abs=1e-2)


def test_uncertain_demand_is_lost_as_in_paths_drawn_day_by_day():
    """Paths: a gamma level of mean 1 for each, and gamma days of that level; unmet demand counted by day."""
    ratio, doubt, rng = 6.0, 0.1, np.random.default_rng(5)
    at = state([(0, "S", 10.0, 45.0, False)], on_hand=75.0, ratio=ratio, doubt=doubt)
    fine, paths = 20, 20_000  # parts of a day
    level = rng.gamma(1 / doubt, doubt, paths)
    days = np.arange(14 * fine) / fine
    asked = rng.gamma(10.0 / fine * level[:, None] / ratio, ratio, (paths, len(days)))
    net = 75.0 + 45.0 * (days >= 10.0) - asked.cumsum(axis=1)
    unmet = np.clip(-net, 0.0, asked)
    simulated = 2.0 * unmet[:, days >= 7.0].sum(axis=1)
    error = simulated.std() / np.sqrt(paths)
    assert simulated.mean() > 20 * error
    # Two gammas are no gamma: the law has the moments of the paths, not all of their shape.
    assert lost(at) == pytest.approx(simulated.mean(), rel=0.05)
