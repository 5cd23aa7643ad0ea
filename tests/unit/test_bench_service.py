"""The service benchmark: its scenarios, its simulator, and that it would notice a wrong promise."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.domain.progress import silent
from plimsoll.policy import PolicyParams
from plimsoll.workflows.benchmarks import service
from plimsoll.workflows.benchmarks.registry import BENCHMARKS, BenchmarkOptions, run_benchmark
from plimsoll.workflows.benchmarks.simulation import PERIODS, REPLICATIONS, Rules, simulate

DRAWN_UP = service.scenarios(1, 5)


@pytest.fixture(scope="module")
def gaps():
    return service.compare(DRAWN_UP, PolicyParams(), silent)


def test_scenarios_are_of_their_class():
    """ADI 1.32 and CV2 0.49 part the classes (Syntetos, Boylan & Croston 2005)."""
    assert len(DRAWN_UP) == service.CELLS
    for one in DRAWN_UP:
        cells = np.arange(len(one.demand))
        happens = 1 - one.demand[0]
        mean = one.demand @ cells / happens
        cv2 = (one.demand @ cells**2 / happens - mean**2) / mean**2
        named = {(False, False): "smooth", (False, True): "erratic", (True, False): "intermittent"}
        assert named.get((1 / happens > 1.32, cv2 > 0.49), "lumpy") == one.row["class"]
        assert one.demand.sum() == pytest.approx(1.0)
        assert service.lead_time_of(one.arrival).sum() == pytest.approx(1.0)


def test_simulation_by_hand():
    """Demand 2 a week, lead time 1 week, review every week: an order is there in the week after next.

    Backlog, S = 3: after demand net stock is 3 - 2 x 2 = -1, so 1 of 2 is served and no cycle is good.
    Lost, S = 3: orders of 2 and 1 by turns; of 4 units in two weeks 3 are sold, every other cycle is good.
    Backlog, S = 5: 1 is left every week.
    """
    shape = (PERIODS, 3, REPLICATIONS)
    one = np.ones((3, 1), dtype=np.int64)
    rules = Rules(np.array([[2], [2], [4]]), one, one, one < 0, np.array([[False], [True], [False]]))
    found = simulate(rules, np.full(shape, 2), np.ones(shape, dtype=np.int64))
    assert found["fill_rate"][0] == pytest.approx([0.5, 0.75, 1.0])
    assert found["cycle_service"][0] == pytest.approx([0.0, 0.5, 1.0])
    assert found["on_hand_mean"][0] == pytest.approx([0.0, 0.0, 1.0])
    assert (found["fill_rate"][1] == 0.0).all()


def test_every_promise_agrees_and_a_wrong_one_is_noticed(gaps):
    """Bonferroni over all scenarios and both services: false alarm 1 in 1000."""
    z = stats.norm.isf(1e-3 / (2 * 2 * gaps.height))
    for name in service.SERVICES:
        held = gaps.filter(pl.col("method_used") != "approximate")
        gap, error = held[f"{name}_gap"].abs(), held[f"{name}_gap_error"]
        assert (gap <= z * error + service.UNSEEN).all()
    assert set(gaps["method_used"]) <= {"exact", "simulated", "approximate"}
    assert (gaps["method_used"] == "approximate").mean() < 0.05
    without = service.compare(DRAWN_UP[1::2], PolicyParams(lost_sales_periods=0), silent)
    assert (without["fill_rate_gap"].abs() > z * without["fill_rate_gap_error"]).any()


def test_tables_count_every_scenario(monkeypatch, tmp_path):
    monkeypatch.setattr(service, "DEFAULT_PER_CELL", 1)
    outcome = run_benchmark("service", BenchmarkOptions((), 104, tmp_path), silent)
    assert outcome.name in BENCHMARKS
    for name in service.TITLES.values():
        assert outcome.tables[name]["scenarios"].sum() == service.CELLS
        assert outcome.tables[name]["within error %"].is_between(0, 100).all()
        assert outcome.tables[name].height == 18
