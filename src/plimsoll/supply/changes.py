"""Steps of suppliers' lead times as findings, from the finished estimate."""

import polars as pl

from plimsoll.domain.findings import Finding, Message, keys_of

CHANGED = Message(
    "lead_time_changed",
    "info",
    "receipts",
    "The lead times of {n} supplier<|s> changed in a step ({keys}).",
    "Older receipts say little about the lead time of an order placed today.",
    "Orders placed before the change are left out of the lead-time estimate.",
    "Ask the supplier; set change_keep in [supply] to let older receipts count.",
)


def changed_lead_times(lead_times: pl.DataFrame) -> list[Finding]:
    """Return one finding for the suppliers whose lead times changed in a step, the largest first.

    Parameters
    ----------
    lead_times : table `lead_time_estimate`

    Examples
    --------
    >>> from datetime import date
    >>> row = {"from_location_id": "Acme", "change_date": date(2026, 3, 12), "change_days": 19.8}
    >>> changed_lead_times(pl.DataFrame([row, row]))[0].what
    'The lead times of 1 supplier changed in a step (Acme @ 2026-03-12 @ +20 days).'
    """
    size = pl.col("change_days").round().cast(pl.Int64)
    sign = pl.when(size > 0).then(pl.lit("+")).otherwise(pl.lit(""))
    rows = (
        lead_times.filter(pl.col("change_date").is_not_null())
        .unique("from_location_id", keep="first", maintain_order=True)
        .sort(-pl.col("change_days").abs(), "from_location_id")
        .with_columns(pl.col("change_date").dt.to_string("%Y-%m-%d"), step=pl.format("{}{} days", sign, size))
    )
    if rows.is_empty():
        return []
    keys = keys_of(rows, ["from_location_id", "change_date", "step"])
    return [CHANGED.finding(rows.height, keys)]
