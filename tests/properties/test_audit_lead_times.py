"""A typed lead time that is right is left in peace however few its receipts; one that is far off is found.

Simulated suppliers whose items differ by a lognormal factor and whose lead times are gamma. By the normal
law a check at three standard errors raises 0.3 % false alarms at most; lead times are skewed, and it has to
be off by two fifths too: 1 % is asserted, of 4,000 lanes with two standard errors of 0.3 %.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.audit import AuditParams, Company
from plimsoll.audit.checks.lead_times import lead_time_contradicted
from plimsoll.domain.tables import input_tables, table
from plimsoll.maths.rng import rng_for
from plimsoll.supply import SupplyParams, estimate

AS_OF = date(2026, 10, 31)
SUPPLIERS, ITEMS = 20, 200
LANE = ["item_id", "to_location_id", "from_location_id"]


@pytest.fixture(scope="module")
def world():
    """Lanes with their true mean, and receipts: 1 to 12 an item."""
    rng = rng_for(1, "audited lead times")
    n = SUPPLIERS * ITEMS
    supplier = np.repeat(np.arange(SUPPLIERS), ITEMS)
    mean = rng.uniform(8, 90, SUPPLIERS)[supplier] * np.exp(rng.normal(0, 0.25, n))
    cv = rng.uniform(0.1, 0.5, SUPPLIERS)[supplier]
    orders = rng.integers(1, 13, n)
    lane = np.repeat(np.arange(n), orders)
    days = np.maximum(np.rint(rng.standard_gamma(1 / cv[lane] ** 2) * cv[lane] ** 2 * mean[lane]), 1)
    came = [AS_OF - timedelta(days=int(back)) for back in rng.integers(0, 600, len(lane))]
    lanes = pl.DataFrame(
        {
            "item_id": [f"I{at:04}" for at in range(n)],
            "to_location_id": "DC",
            "from_location_id": [f"S{at:02}" for at in supplier],
            "true": mean,
            "cv": cv,
            "orders": orders,
        }
    )
    receipts = lanes[lane].select(
        *LANE,
        order_id=pl.format("O{}", pl.int_range(pl.len())),
        received_date=pl.Series(came),
        ordered_date=pl.Series(came) - pl.Series(days) * pl.duration(days=1),
        quantity=1.0,
    )
    return lanes, table("receipts").conform(receipts)


def flagged(world, factor):
    """Keys of the items whose typed lead time, the truth times a factor, is called contradicted."""
    lanes, receipts = world
    typed = lanes.select(*LANE, lead_time_days_set=pl.col("true") * factor)
    typed = table("lanes").conform(typed)
    estimates = estimate(receipts, typed, SupplyParams(), as_of=AS_OF)
    known = {name: table(name).empty() for name in input_tables()} | {"lanes": typed, "receipts": receipts}
    company = Company(AS_OF, known, known, {"lead_time_estimate": estimates})
    return lead_time_contradicted(company, AuditParams())["item_id"]


def test_right_lead_times_are_left_in_peace(world):
    assert len(flagged(world, 1.0)) < 0.01 * world[0].height


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_lead_times_far_off_are_found_where_receipts_show_it(world, factor):
    far = (pl.col("true") * abs(factor - 1) > 10) & (
        abs(factor - 1) * pl.col("orders").sqrt() > 8 * max(factor, 1.0) * pl.col("cv")
    )
    shown = world[0].filter(far)
    assert shown.height > 200
    assert shown["item_id"].is_in(flagged(world, factor).implode()).mean() > 0.995
