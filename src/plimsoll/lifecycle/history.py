"""Months counted back from the day of knowledge: the clock of life cycles."""

from datetime import date

import polars as pl

from plimsoll.demand.panel import Panel, bucket_of, period_panel
from plimsoll.demand.params import DemandParams

KEY = ["item_id", "location_id"]


def monthly_panel(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
    availability: pl.DataFrame | None = None,
) -> Panel:
    """Return the demand of each point by months, the last of which ends on `as_of`.

    Dated demand is moved by the days from `as_of` to the end of its month, so that no day that is
    known is left out and no month is half full. Demand that comes as totals of months stays where it is.

    Parameters
    ----------
    demand : table `demand`
    points : columns item_id, location_id, launch_date, sorted by key
    params : the period of the data
    as_of : day of knowledge
    availability : table `availability`; months with a period out of stock are not observed

    Examples
    --------
    >>> rows = {"date": [date(2026, 1, 15), date(2026, 2, 14)], "item_id": "A", "location_id": "M",
    ...     "quantity": [1.0, 2.0]}
    >>> unknown = pl.Series([None], dtype=pl.Date)
    >>> points = pl.DataFrame({"item_id": "A", "location_id": "M", "launch_date": unknown})
    >>> monthly_panel(pl.DataFrame(rows), points, DemandParams(), as_of=date(2026, 2, 14)).values.tolist()
    [1.0, 2.0]
    """
    known = demand.filter(pl.col("date") <= as_of)
    if bucket_of(known, params) == "month":
        return period_panel(known, points, "month", as_of=as_of, availability=availability)
    end = pl.Series([as_of]).dt.month_end().item()
    moved = f"{(end - as_of).days}d"
    known = known.with_columns(pl.col("date").dt.offset_by(moved))
    begun = points.select(*KEY, pl.col("launch_date").dt.offset_by(moved))
    seen = None
    if availability is not None:
        seen = availability.with_columns(pl.col("date").dt.offset_by(moved))
    return period_panel(known, begun, "month", as_of=end, availability=seen)
