"""Typed against measured lead times, and methods of demand, counted by hand."""

import polars as pl
import pytest

from plimsoll.measure import lead_time_totals, method_totals


def test_lead_times_by_supplier_with_the_largest_difference_first():
    lanes = pl.DataFrame(
        [
            ("Acme", 30.0, 38.0, 10.0, 40),
            ("Acme", 20.0, 30.0, 6.0, 40),
            ("Brown", 10.0, 9.0, 1.0, 7),
            ("Brown", None, 80.0, 1.0, 7),
            ("Clark", 5.0, 90.0, 9.0, 0),
        ],
        schema=[
            "from_location_id",
            "lead_time_days_set",
            "mean_days_est",
            "sd_days_est",
            "n_receipts_supplier",
        ],
        orient="row",
    )
    assert lead_time_totals(lanes).rows() == [
        ("Acme", 2, 40, 25.0, 34.0, 8.0, 9.0),
        ("Brown", 1, 7, 10.0, 9.0, 1.0, -1.0),
    ]


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_methods_are_counted_with_the_most_used_first(shift):
    rows = [("tsb", "lumpy", "tsb", None), ("ses", "smooth", "seasonal", "x"), ("tsb", "lumpy", "tsb", None)]
    names = ["method_used", "demand_class", "method_wanted", "fallback_reason"]
    frame = pl.DataFrame(rows[shift:] + rows[:shift], schema=names, orient="row")
    assert method_totals(frame).rows() == [
        ("tsb", "lumpy", "tsb", None, 2),
        ("ses", "smooth", "seasonal", "x", 1),
    ]
