"""Whose demand a stocking point serves: the share of customers with priority."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.targets.params import Floors

KEY = ["item_id", "location_id"]


def with_priority(
    points: pl.DataFrame, facts: Mapping[str, pl.DataFrame], floors: Floors, *, as_of: date
) -> pl.DataFrame:
    """Return the points with `priority_share`, the share of a year's demand by customers with priority.

    Parameters
    ----------
    points : table `planning_point`
    facts : tables `demand` and `customers`
    floors : which customers have priority; without a floor for them the points come back as they are
    as_of : day of knowledge

    Edge cases: no demand in the year, or none by named customers: unknown. Demand without a customer, and
    that of customers without a priority, is nobody's with priority. Returns do not count.

    Examples
    --------
    >>> points = pl.DataFrame({"item_id": ["A"], "location_id": ["DC"]})
    >>> asked = {"date": [date(2026, 1, 5)] * 2, "item_id": ["A"] * 2, "location_id": ["DC"] * 2}
    >>> demand = pl.DataFrame(asked | {"quantity": [3.0, 1.0], "customer_id": ["C1", "C2"]})
    >>> customers = pl.DataFrame({"customer_id": ["C1", "C2"], "priority": [1, 2]})
    >>> facts = {"demand": demand, "customers": customers}
    >>> with_priority(points, facts, Floors(priority=0.95), as_of=date(2026, 2, 1))["priority_share"].item()
    0.75
    """
    if floors.priority is None:
        return points
    since = as_of - timedelta(days=round(DAYS_PER_YEAR))
    first = facts["customers"].filter(pl.col("priority") <= floors.priority_at_most)
    theirs = pl.col("customer_id").is_in(first["customer_id"].implode()).fill_null(value=False)
    shares = (
        facts["demand"]
        .filter(pl.col("date").is_between(since, as_of, closed="right"), pl.col("quantity") > 0)
        .group_by(KEY)
        .agg(priority_share=pl.col("quantity").filter(theirs).sum() / pl.col("quantity").sum())
    )
    return points.join(shares, on=KEY, how="left", maintain_order="left", validate="m:1")
