"""Simulated networks small enough to follow by hand, options that must be seen, and input that is refused."""

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.maths.kernels import network_simulation_state as column
from plimsoll.network.simulate import SimulationRun, simulate
from plimsoll.network.simulation_arrays import Disruption, opening_stock
from plimsoll.network.simulation_serial import simulate_serial
from plimsoll.network.simulation_sites import sites


def followed(network, demand, **options):
    """Run one replication with given demand, {stage: units by period}, and return its trace by stage."""
    periods = len(next(iter(demand.values())))
    asked = np.zeros((1, network.stages.height, periods))
    for name, units in demand.items():
        asked[0, network.names.index(name)] = units
    run = SimulationRun(periods=periods, warm_up=0, replications=1, demand=asked, traced=0, **options)
    return simulate(network, run)


def series(found, network, name, at):
    return found.site_trace[:, network.names.index(name), at].tolist()


def test_an_order_passes_up_in_its_period_and_comes_down_at_the_next():
    """Customers take 3 at t = 0; W ships 2 at once, its last unit leaves when supply has come at t = 2."""
    network = sites(
        {"stage": ["W", "A"], "up_to": [2, 3], "lead_time": [1, 0]},
        {"from_stage": ["W"], "to_stage": ["A"], "lead_time": [0]},
    )
    found = followed(network, {"A": [3, 0, 0, 0, 0]})
    assert series(found, network, "A", column.ON_HAND) == [0, 2, 2, 3, 3]
    assert series(found, network, "W", column.ON_HAND) == [0, 0, 2, 2, 2]
    assert series(found, network, "W", column.OWED_DOWN) == [1, 1, 0, 0, 0]
    assert series(found, network, "W", column.ORDERED) == [3, 0, 0, 0, 0]
    assert found.arcs["fill_rate"].to_list() == [pytest.approx(2 / 3)]
    assert found.stages["internal_fill"].to_list() == [pytest.approx(2 / 3), None]


def test_an_assembly_starts_whole_kits_only():
    """Two wheels and a frame make a bike; wheels come a period later than the frame, work takes one more."""
    network = sites(
        {"stage": ["wheel", "frame", "bike"], "up_to": [4, 2, 1], "lead_time": [0, 0, 1]},
        {"from_stage": ["wheel", "frame"], "to_stage": ["bike"] * 2, "quantity": [2, 1], "lead_time": [1, 0]},
    )
    found = followed(network, {"bike": [1, 0, 0, 0, 0, 0]})
    assert series(found, network, "bike", column.ON_HAND) == [0, 0, 0, 1, 1, 1]
    assert series(found, network, "wheel", column.ORDERED)[0] == 2
    arcs = dict(zip(found.arcs["from_stage"], found.arcs["waiting_mean"], strict=True))
    assert arcs == {"wheel": 0.0, "frame": pytest.approx(1 / 6)}  # the frame waits for the wheels at t = 1
    assert found.stages.filter(pl.col("stage") == "bike")["in_transit_mean"].to_list() == [None]


@pytest.mark.parametrize(
    ("rule", "priority", "got"),
    [
        ("first_come", [1, 1, 1], [3, 1, 0]),
        ("priority", [3, 2, 1], [0, 2, 2]),
        ("proportional", [1, 1, 1], [2, 1, 1]),
    ],
)
def test_scarce_stock_goes_by_the_rule(rule, priority, got):
    """Four units for claims of 3, 2 and 2; in proportion 12/7, 8/7 and 8/7: the largest remainder is A's."""
    network = sites(
        {
            "stage": ["W", "A", "B", "C"],
            "up_to": [4, 3, 2, 2],
            "allocation": [rule] * 4,
            "lead_time": [9, 0, 0, 0],
        },
        {"from_stage": ["W"] * 3, "to_stage": ["A", "B", "C"], "priority": priority},
    )
    found = followed(network, {"A": [3, 0], "B": [2, 0], "C": [2, 0]})
    assert found.line_trace[0, :3, column.SHIPPED].tolist() == got


def test_first_come_serves_the_older_claim_first_and_customers_before_orders():
    network = sites(
        {"stage": ["W", "A", "B"], "up_to": [0, 5, 5], "lead_time": [1, 0, 0]},
        {"from_stage": ["W", "W"], "to_stage": ["A", "B"], "lead_time": [0, 0]},
    )
    demand = {"A": [0, 2, 0, 0, 0], "B": [2, 0, 0, 0, 0], "W": [0, 1, 0, 0, 0]}
    found = followed(network, demand)
    assert found.line_trace[:, :2, column.SHIPPED].tolist() == [[0, 0], [0, 0], [0, 2], [2, 0], [0, 0]]
    assert series(found, network, "W", column.PAID_BACK) == [0, 0, 0, 1, 0]


def test_an_order_in_one_piece_waits_and_keeps_what_is_there():
    stages = {"stage": ["W", "A"], "up_to": [2, 3], "lead_time": [2, 0], "is_complete": [True, False]}
    network = sites(stages, {"from_stage": ["W"], "to_stage": ["A"]})
    found = followed(network, {"A": [3, 0, 0, 0, 0], "W": [0, 1, 0, 0, 0]})
    assert found.line_trace[:, 0, column.SHIPPED].tolist() == [0, 0, 0, 3, 0]
    assert series(found, network, "W", column.SERVED) == [0, 0, 0, 0, 0]  # the two there are kept for A
    assert series(found, network, "W", column.PAID_BACK) == [0, 0, 0, 1, 0]


def test_disruptions_hold_back_and_surges_swell():
    network = sites({"stage": ["P"], "up_to": [5], "demand": ["table"], "demand_pmf": [[0.0, 1.0]]})
    trouble = (Disruption("no_supply", "P", 2, 4), Disruption("surge", "P", 7, 7, factor=2.6))
    run = SimulationRun(periods=9, warm_up=0, replications=1, disruptions=trouble, traced=0)
    found = simulate(network, run)
    assert series(found, network, "P", column.RECEIVED) == [0, 1, 1, 0, 0, 0, 4, 1, 3]
    assert series(found, network, "P", column.DEMAND) == [1, 1, 1, 1, 1, 1, 1, 3, 1]


def test_echelon_and_installation_base_stock_are_the_same_in_a_serial_system():
    stages = pl.DataFrame({
        "stage": ["3", "2", "1"], "up_to": [6.0, 4.0, 5.0], "lead_time": [1, 0, 0],
        "demand": ["none", "none", "poisson"], "demand_mean": [0.0, 0.0, 1.5],
    })  # fmt: skip
    arcs = {"from_stage": ["3", "2"], "to_stage": ["2", "1"], "lead_time": [1, 0]}
    echelon = stages.with_columns(pl.col("up_to").cum_sum(reverse=True), is_echelon=pl.lit(True))
    run = SimulationRun(periods=200, warm_up=10, replications=5)
    assert opening_stock(sites(echelon, arcs)).tolist() == [6, 4, 5]
    assert simulate(sites(echelon, arcs), run).stages.equals(simulate(sites(stages, arcs), run).stages)


def test_cost_counts_stock_transit_and_backlog():
    stages = {
        "stage": ["W", "A"], "up_to": [4, 2], "holding_cost": [1.0, 3.0], "backorder_cost": [0.0, 10.0],
    }  # fmt: skip
    network = sites(stages, {"from_stage": ["W"], "to_stage": ["A"], "lead_time": [1]})
    found = followed(network, {"A": [3, 0, 0]})
    # W holds 1, 4, 4 units at 1; 3 are on the road at the end of t = 0 and 1; A owes 1 twice, then holds 2
    assert found.cost_mean == pytest.approx((1 + 4 + 4 + 3 + 3 + 10 + 10 + 2 * 3) / 3)


def test_level_moves_the_mean_of_every_law():
    kinds = ["poisson", "negative_binomial", "normal", "table"]
    network = sites({
        "stage": kinds, "demand": kinds, "demand_mean": [4.0] * 4, "demand_sd": [2.0, 3.0, 1.0, None],
        "demand_pmf": [[0.0, 0.0, 1.0]] * 4, "demand_step": [2.0] * 4, "rule": ["none"] * 4,
    })  # fmt: skip
    level = np.repeat([[0.5], [1.5]], 4, axis=1)
    run = SimulationRun(periods=4000, warm_up=0, replications=2, level=level)
    by_run = dict(
        zip(network.names, (simulate(network, run).sums.site[:, :, column.DEMAND] / 4000).T, strict=True)
    )
    for name in kinds:  # sd of a mean of 4,000 is at most 0.07; 5 of them: false-alarm rate below 1e-6
        assert by_run[name] == pytest.approx([2.0, 6.0], abs=0.35), name


TWO = {"stage": ["W", "A"], "up_to": [4, 2]}


@pytest.mark.parametrize(
    ("stages", "arcs", "message"),
    [
        ({"stage": ["A", "A"]}, None, "more than once: A"),
        (TWO, {"from_stage": ["W"], "to_stage": ["X"]}, "do not exist: X"),
        (TWO, {"from_stage": ["W", "A"], "to_stage": ["A", "W"]}, "cycle: .*W -> A|cycle: .*A -> W"),
        (TWO, {"from_stage": ["W", "W"], "to_stage": ["A", "A"]}, "W -> A"),
        (TWO, {"from_stage": ["W"], "to_stage": ["A"], "lead_time": [-1]}, "below 0: W -> A"),
        (TWO, {"from_stage": ["W"], "to_stage": ["A"], "quantity": [0.0]}, "quantities not above 0: W -> A"),
        (TWO | {"lead_time": [0, -2]}, None, "below 0: A"),
        (TWO | {"rule": ["base_stock", "min_max"]}, None, "unknown: A"),
        (TWO | {"rule": ["s_nQ", "base_stock"]}, None, "Reorder points are missing.*W"),
        (TWO | {"demand": ["none", "table"]}, None, "Demand probabilities are missing.*A"),
        (TWO | {"demand": ["none", "table"], "demand_pmf": [None, [0.5, 0.4]]}, None, "do not sum to 1: A"),
        (
            TWO | {"demand": ["none", "normal"], "demand_mean": [0, 5]},
            None,
            "deviations of demand are missing: A",
        ),
        (TWO | {"demand": ["none", "poisson"], "demand_mean": [0, float("nan")]}, None, "not finite: A"),
        (TWO | {"allocation": ["priority"] * 2, "is_complete": [True, False]}, None, "in one piece.*W"),
        (TWO | {"colour": [1, 2]}, None, "mean nothing here: colour"),
        ({"stage": []}, None, "no stage"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_its_names(stages, arcs, message):
    with pytest.raises(InputError, match=message):
        sites(stages, arcs)


@pytest.mark.parametrize(
    "options",
    [
        {"replications": 0}, {"periods": 10, "warm_up": 10}, {"seed": -1},
        {"confidence": 1.0}, {"traced": 2000},
        {"level": np.ones((3, 1))}, {"demand": np.full((1, 1, 1000), np.nan), "replications": 1},
    ],
)  # fmt: skip
def test_runs_that_cannot_be_made_are_refused(options):
    with pytest.raises(SettingError, match="cannot be run"):
        simulate(sites({"stage": ["A"]}), SimulationRun(**options))


def test_disruptions_of_what_is_not_there_are_refused():
    network = sites({"stage": ["A"]})
    for one in (
        Disruption("surge", "B", 0, 1),
        Disruption("no_supply", "A", 3, 1),
        Disruption("no_shipment", "A", 0, 1),
    ):
        with pytest.raises(InputError):
            simulate(network, SimulationRun(periods=5, warm_up=0, replications=1, disruptions=(one,)))
    with pytest.raises(SettingError, match="too large"):
        simulate(sites({"stage": ["A"], "demand": ["poisson"], "demand_mean": [1e7]}))
    with pytest.raises(SettingError, match="lead times of at least 1"):
        simulate_serial([1, 1], [1, 0], 9, 5, 1, [5, 5])
