"""Every single-location row of the textbook file, each expected figure within the row's tolerance.

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
from plimsoll.maths import disruptions, lots, price_breaks
from plimsoll.maths import newsvendor as nv
from plimsoll.maths import periodic_review as pr
from plimsoll.maths.loss import discrete_loss, normal_loss

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("PLIMSOLL_DATA", ROOT.parent / "shared" / "data")) / "oracles" / "textbook.csv"
MULTI_ECHELON = {"serial_ssm_normal", "serial_ssm_poisson", "gsm_tree", "simulation_serial"}
SINGLE_ROWS = 18  # rows of the file that this test must reach


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
}


def _rows():
    if not FILE.exists():
        reason = pytest.mark.skip(reason=f"no textbook file at {FILE}; set PLIMSOLL_DATA")
        return [pytest.param(None, marks=reason, id="textbook.csv")]
    with FILE.open(encoding="utf-8", newline="") as lines:
        return [pytest.param(row, id=row["id"]) for row in csv.DictReader(lines)]


@pytest.mark.parametrize("row", _rows())
def test_row_is_reproduced(row):
    if row["model"] in MULTI_ECHELON:
        pytest.skip("multi-echelon: not built yet")
    found = MODELS[row["model"]](**json.loads(row["inputs"]))
    for field, expected in json.loads(row["expected"]).items():
        np.testing.assert_allclose(found[field], expected, rtol=float(row["rel_tol"]), err_msg=field)


@pytest.mark.skipif(not FILE.exists(), reason=f"no textbook file at {FILE}; set PLIMSOLL_DATA")
def test_every_single_location_row_is_reached():
    models = [row.values[0]["model"] for row in _rows()]
    assert sum(model not in MULTI_ECHELON for model in models) == SINGLE_ROWS
    assert set(models) == set(MODELS) | MULTI_ECHELON
