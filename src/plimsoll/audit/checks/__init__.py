"""The checks by subject; importing a module here declares its checks."""

from plimsoll.audit.checks import (
    bom,
    calendar,
    demand,
    extent,
    items,
    lanes,
    lead_times,
    orders,
    points,
    prices,
    receipts,
    repeats,
    stock,
    units,
)

__all__ = [
    "bom",
    "calendar",
    "demand",
    "extent",
    "items",
    "lanes",
    "lead_times",
    "orders",
    "points",
    "prices",
    "receipts",
    "repeats",
    "stock",
    "units",
]
