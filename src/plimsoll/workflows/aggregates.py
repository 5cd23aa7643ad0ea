"""The aggregates that every view of a plan shows, made once from its tables."""

import polars as pl

from plimsoll import measure

KEY = ["item_id", "location_id"]
# name on the screens -> columns that stock in money is grouped by
CASH_GROUPS: dict[str, list[str]] = {
    "class": ["abc", "xyz"],
    "abc": ["abc"],
    "xyz": ["xyz"],
    "location": ["location_id"],
    "supplier": ["from_location_id"],
    "category": ["category"],
    "status": ["status"],
}


def aggregates(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return totals by name: stock in money by each group and over all, buffer, lead times and methods."""
    health, points, target = tables["inventory_health"], tables["planning_point"], tables["target"]
    groups = {"all": [], **CASH_GROUPS}
    totals = {name: measure.totals(health, points, target, by) for name, by in groups.items()}
    return totals | {
        "buffer": measure.buffer_totals(tables["policy"], points, target),
        "lead_time": measure.lead_time_totals(tables["lead_time_estimate"]),
        "method": measure.method_totals(tables["demand_estimate"]),
    }
