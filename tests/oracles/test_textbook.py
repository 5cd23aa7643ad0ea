"""Every row of the textbook file, each expected figure within the row's tolerance.

The file is read where it is present (PLIMSOLL_DATA, or ../shared/data beside the repository); the same key
figures stand, checked by hand, in the doctests and the unit tests, which need no file.
"""

import csv
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from plimsoll.maths import continuous_review as cr
from plimsoll.maths import disruptions, lots, price_breaks, serial
from plimsoll.maths import newsvendor as nv
from plimsoll.maths import periodic_review as pr
from plimsoll.maths.loss import discrete_loss, normal_loss
from plimsoll.network.bounds import NormalBound
from plimsoll.network.placement_trees import Stages, place_trees
from plimsoll.network.simulation_serial import simulate_serial

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("PLIMSOLL_DATA", ROOT.parent / "shared" / "data")) / "oracles" / "textbook.csv"
ROWS = 24  # of the file, all of which this test must reach


def _eoq(*, fixed_cost, holding_cost, demand_rate):
    args = (fixed_cost, holding_cost, demand_rate)
    return asdict(lots.eoq(*args)) | {"cost_rate_at_Q250": lots.eoq_cost(250, *args)}


def _all_units(*, fixed_cost, holding_rate, demand_rate, breakpoints, unit_costs):
    breaks = price_breaks.PriceBreaks.of(breakpoints, unit_costs)
    lot = price_breaks.all_units_lot(fixed_cost, holding_rate, demand_rate, breaks)
    return {name: value[0] for name, value in asdict(lot).items()}


def _newsvendor_normal(*, overage_cost, underage_cost, mean, sd):
    at_40 = nv.expected_cost(overage_cost, underage_cost, normal_loss(40, mean, sd))
    return asdict(nv.newsvendor_normal(overage_cost, underage_cost, mean, sd)) | {"cost_at_S40": at_40}


def _newsvendor_discrete(*, overage_cost, underage_cost, pmf):
    values, weights = [float(value) for value in pmf], list(pmf.values())
    at_3 = nv.expected_cost(overage_cost, underage_cost, discrete_loss(3, values, weights))
    best = nv.newsvendor_discrete(overage_cost, underage_cost, values, weights)
    return asdict(best) | {"cost_at_S3": at_3}


def _base_stock_poisson(**inputs):
    best = pr.base_stock_poisson(**inputs)
    return {"base_stock": best.base_stock, "cost": best.cost_per_period}


def _rq_exact(**inputs):
    return asdict(cr.rq_normal_exact(**inputs)) | {
        "cost_at_r126_8_Q328_5": cr.rq_normal_cost(126.8, 328.5, **inputs),
        "cost_at_r100_Q250": cr.rq_normal_cost(100, 250, **inputs),
    }


def _rq_poisson(**inputs):
    return asdict(cr.rq_poisson_exact(**inputs)) | {"cost_at_r8_Q12": cr.rq_poisson_cost(8, 12, **inputs)}


def _eoq_disruptions(**inputs):
    near = asdict(lots.eoq_with_disruptions(**inputs, approximate=True))
    return asdict(lots.eoq_with_disruptions(**inputs)) | {f"{name}_approx": x for name, x in near.items()}


def _base_stock_disruptions(**inputs):
    costs = {
        f"cost_at_S{s}": disruptions.base_stock_with_disruptions_cost(s, **inputs) for s in (2000, 12000)
    }
    return asdict(disruptions.base_stock_with_disruptions(**inputs)) | costs


def _serial(solve):
    return lambda *, order, **inputs: asdict(solve(**inputs))


def _placed_tree(*, z, nodes, edges):
    """Return cost and service times; variance adds up from the customers, cost is h z sd sqrt(x)."""
    place = {node["id"]: k for k, node in enumerate(nodes)}
    arcs = [(place[i], place[j]) for i, j in edges]
    variance = np.array([node.get("sd", 0.0) ** 2 for node in nodes])
    for _ in nodes:  # long enough for the longest path
        passed = [node.get("sd", 0.0) ** 2 for node in nodes]
        for i, j in arcs:
            passed[i] += variance[j]
        variance = np.array(passed)
    trees = Stages.of(
        arcs,
        [node["T"] for node in nodes],
        inbound=[node.get("si", 0.0) for node in nodes],
        latest=[node.get("so", np.inf) for node in nodes],
    )
    bound = NormalBound(np.array([node["h"] for node in nodes]), z, np.sqrt(variance), np.zeros(len(nodes)))
    placed = place_trees(trees, bound)
    times = {str(node["id"]): float(s) for node, s in zip(nodes, placed.service, strict=True)}
    return {"total_cost": float(placed.cost.sum()), "service_times": times}


MODELS = {
    "eoq": _eoq,
    "eoq_backorders": lambda **inputs: asdict(lots.eoq_backorders(**inputs)),
    "eoq_all_units_discount": _all_units,
    "dynamic_lot_sizing": lambda **inputs: asdict(lots.dynamic_lot_sizing(**inputs)),
    "joint_replenishment_heuristic": lambda **inputs: asdict(lots.joint_replenishment(**inputs)),
    "newsvendor_normal": _newsvendor_normal,
    "base_stock_normal": lambda **inputs: asdict(pr.base_stock_normal(**inputs)),
    "newsvendor_normal_profit": lambda **inputs: asdict(nv.newsvendor_normal_profit(**inputs)),
    "base_stock_poisson": _base_stock_poisson,
    "newsvendor_discrete": _newsvendor_discrete,
    "sS_poisson_exact": lambda **inputs: asdict(pr.sS_poisson(**inputs)),
    "sS_power_approximation": lambda **inputs: asdict(pr.sS_power_approximation(**inputs)),
    "rQ_normal_exact": _rq_exact,
    "rQ_normal_EIL": lambda **inputs: asdict(cr.rq_normal_eil(**inputs)),
    "rQ_poisson_exact": _rq_poisson,
    "eoq_with_disruptions": _eoq_disruptions,
    "base_stock_with_disruptions": _base_stock_disruptions,
    "serial_ssm_normal": _serial(serial.serial_normal),
    "serial_ssm_poisson": _serial(serial.serial_poisson),
    "gsm_tree": _placed_tree,
    "simulation_serial": simulate_serial,
}


def _rows():
    if not FILE.exists():
        reason = pytest.mark.skip(reason=f"no textbook file at {FILE}; set PLIMSOLL_DATA")
        return [pytest.param(None, marks=reason, id="textbook.csv")]
    with FILE.open(encoding="utf-8", newline="") as lines:
        return [pytest.param(row, id=row["id"]) for row in csv.DictReader(lines)]


@pytest.mark.parametrize("row", _rows())
def test_row_is_reproduced(row):
    found = MODELS[row["model"]](**json.loads(row["inputs"]))
    for field, expected in json.loads(row["expected"]).items():
        if isinstance(expected, dict):
            assert found[field] == expected
        else:
            np.testing.assert_allclose(found[field], expected, rtol=float(row["rel_tol"]), err_msg=field)


@pytest.mark.skipif(not FILE.exists(), reason=f"no textbook file at {FILE}; set PLIMSOLL_DATA")
def test_every_row_is_reached():
    models = [row.values[0]["model"] for row in _rows()]
    assert len(models) == ROWS
    assert set(models) == set(MODELS)


# Snyder & Shen 2019, example 6.5, from the book
EXAMPLE_6_5 = {
    "z": 1,
    "nodes": [
        {"id": 1, "T": 2, "h": 1, "si": 1},
        {"id": 2, "T": 1, "h": 3, "sd": 1, "so": 0},
        {"id": 3, "T": 1, "h": 2},
        {"id": 4, "T": 1, "h": 3, "sd": 1, "so": 1},
    ],
    "edges": [[1, 3], [3, 2], [3, 4]],
}


def test_example_of_the_book():
    found = _placed_tree(**EXAMPLE_6_5)
    # by hand: stage 1 holds for 3 at sd sqrt 2, stage 3 for 1, stage 2 for 1, stage 4 nothing
    by_hand = np.sqrt(2) * np.sqrt(3) + 2 * np.sqrt(2) + 3
    np.testing.assert_allclose(found["total_cost"], by_hand, rtol=1e-12)
    assert found["service_times"] == {"1": 0, "2": 0, "3": 0, "4": 1}
