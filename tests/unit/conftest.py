"""What tests of presentation share: a whole plan made of a few points."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.results import PlanResult
from plimsoll.domain.tables import table
from plimsoll.measure import MeasureParams, before_after, inventory_health
from plimsoll.replenish import ReplenishParams, recommend
from plimsoll.workflows.aggregates import aggregates

AS_OF = date(2026, 11, 21)
STALE = Finding(
    "open_order_overdue", "warning", "open_orders", 3, "PO-1, PO-2, PO-3",
    "3 open orders are past their due date.", "They are counted as still to come.", "Nothing was changed.",
    "Ask the suppliers.", 12_345.0,
)  # fmt: skip
NOTHING = {"policy": "none", "rate": 0.0, "protection": {0: 1.0}}
POINTS = (
    {
        "item": "P-100", "source": "Acme", "category": "pumps", "description": "Feed pump", "unit": "pcs",
        "mean_days_est": 31.0, "sd_days_est": 11.0, "lead_time_days_set": 20.0, "rate": 5.0, "s": 310.0,
        "protection": {120: 0.25, 200: 0.50, 240: 0.25}, "step_qty": 20.0, "buffer_demand_qty": 50.0,
        "buffer_lead_time_qty": 70.0, "current_min": 150.0, "current_max": 250.0, "stock": (100.0, 0.0, 0.0),
    },
    {
        "item": "P-100", "at": "BR1", "source": "DC1", "kind": "transfer", "policy": "base_stock",
        "lot_qty": 0.0, "target_kind_eff": "fill", "target_service_eff": 0.95, "s": 45.0, "abc": "B",
        "xyz": "Y", "stock": (5.0, 0.0, 0.0),
    },
    {"item": "S-300", **NOTHING, "abc": "C", "xyz": "Z", "stock": (20.0, 0.0, 0.0)},
    {"item": "P-500", "rate": 1.0, "s": 30.0, "abc": "C", "stock": (500.0, 0.0, 0.0)},
    {
        "item": "=SUM(A1)<script>alert(1)</script>[bold]", "source": "Smith & Sons", "abc": "B",
        "stock": (0.0, 0.0, 2.0),
    },
)  # fmt: skip


def set_aside(n):
    """Rows of demand set aside at import."""
    return pl.DataFrame({"row": range(2, n + 2)}).with_columns(
        table=pl.lit("demand"),
        source=pl.lit("sales.csv"),
        reason=pl.lit("not_a_number"),
        detail=pl.lit("quantity = 'x'"),
        raw=pl.lit("{}"),
    )


@pytest.fixture(scope="session")
def planned(company):
    """A function that makes a whole plan of a few points, and of findings."""

    def make(points=POINTS, findings=(STALE,), **changes):
        given = company(*points)
        target = given.pop("target")
        today = recommend(**given, params=ReplenishParams(), as_of=AS_OF)
        facts = given["points"], given["demand_estimate"], given["policy"]
        tables = {
            "planning_point": given["points"],
            "lead_time_estimate": given["lead_times"],
            "demand_estimate": given["demand_estimate"],
            "target": target,
            "policy": given["policy"],
            "recommendation": today.recommendation,
            "outlook": today.outlook,
            "inventory_health": inventory_health(*facts, today.outlook, MeasureParams()),
            "finding": findings_frame(findings),
        }
        tables |= changes.pop("tables", {})
        figures = before_after(
            tables["inventory_health"], tables["policy"], tables["planning_point"], tables["demand_estimate"]
        )
        fields = {
            "workspace": Path("company"),
            "run_id": "plan-000001",
            "as_of": AS_OF,
            "seed": 1,
            "version": "0.1.0",
            "currency": "EUR",
            "tables": tables,
            "totals": aggregates(tables),
            "before_after": figures,
            "quarantine": table("quarantine").conform(set_aside(12)),
            "seconds": {"Demand": 1.25, "Targets": 0.5},
        }
        return PlanResult(**(fields | changes))

    return make


@pytest.fixture(scope="session")
def result(planned):
    """The plan of a small company with awkward names."""
    return planned()


@pytest.fixture(scope="session")
def bare(planned):
    """A plan without orders, findings, stock, typed lead times, figures to compare or rows set aside."""
    points = ({**NOTHING, "lead": {0: 1.0}},)
    unknown = pl.lit(None, dtype=pl.Float64)
    figures = planned(points, ()).before_after.with_columns(before=unknown, after=unknown)
    nothing = table("quarantine").empty()
    return planned(points, (), before_after=figures, quarantine=nothing, currency="", seconds={})
