"""The past that people look at against the road that estimates take: lines passed upstream, then a panel."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import pass_upstream
from plimsoll.demand.panel import period_panel
from plimsoll.demand.past import MOST_PERIODS, past_demand
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 18)  # a Wednesday: the week under way does not count


def company(rng, bucket):
    """Items with branches, a hub, a plant above it, and a circle that passes nothing on."""
    above = {"B1": "DC", "B2": "DC", "DC": "PL", "PL": "Acme", "X": "Y", "Y": "X"}
    rows = [
        (item, place, source, date(2026, int(rng.integers(1, 10)), 15) if rng.random() < 0.3 else None)
        for item in ("A", "B", "C")
        for place, source in above.items()
        if rng.random() < 0.85
    ]
    names = ["item_id", "location_id", "from_location_id", "launch_date"]
    points = pl.DataFrame(rows, schema_overrides={"launch_date": pl.Date}, schema=names, orient="row")
    days = rng.integers(0, 600 if bucket == "month" else 400, 500)
    dates = [AS_OF + timedelta(days=20) - timedelta(days=int(day)) for day in days]
    lines = pl.DataFrame(
        {
            "date": [day.replace(day=1) for day in dates] if bucket == "month" else dates,
            "item_id": rng.choice(["A", "B", "C", "other"], 500),
            "location_id": rng.choice(["B1", "B2", "DC", "X"], 500),
            "quantity": rng.integers(-2, 9, 500).astype(float),
            "order_id": [f"O{number}" for number in range(500)],
        }
    )
    holes = pl.DataFrame({"date": dates[:40], "item_id": ["A"] * 40, "location_id": ["B1"] * 40})
    holes = holes.unique().with_columns(in_stock=pl.Series(rng.random(holes.unique().height) < 0.5))
    return (
        points.sort("item_id", "location_id"),
        table("demand").conform(lines),
        table("availability").conform(holes),
    )


@pytest.mark.parametrize("bucket", ["week", "month"])
@pytest.mark.parametrize("seed", range(5))
def test_each_point_has_the_demand_that_its_estimate_is_made_of(bucket, seed):
    points, lines, holes = company(np.random.default_rng(seed), bucket)
    known = lines.filter(pl.col("date") <= AS_OF)
    panel = period_panel(pass_upstream(known, points), points, bucket, as_of=AS_OF, availability=holes)
    past = past_demand(lines, points, bucket, as_of=AS_OF, availability=holes)
    assert past.values.shape[1] == MOST_PERIODS[bucket]
    asked = 0
    for point in range(points.height):
        expected = panel.values[panel.bounds[point] : panel.bounds[point + 1]]
        starts, found = past.of(point)
        assert len(starts) == len(found)
        known_from = np.flatnonzero(~(expected == 0))  # an observed zero before the first demand is no news
        wanted = expected[known_from[0] :] if len(known_from) else expected[:0]
        assert found[len(found) - len(wanted) :].tolist() == pytest.approx(wanted.tolist(), nan_ok=True)
        assert not np.nansum(found[: len(found) - len(wanted)])
        asked += len(wanted)
    assert asked > 100


def test_only_the_last_periods_are_told():
    points = pl.DataFrame(
        {"item_id": ["A"], "location_id": ["L"], "from_location_id": ["S"], "launch_date": [None]},
        schema_overrides={"launch_date": pl.Date},
    )
    days = [date(2020, 1, 6), date(2026, 11, 9), date(2026, 11, 16)]
    lines = pl.DataFrame({"date": days, "item_id": "A", "location_id": "L", "quantity": [9.0, 4.0, 7.0]})
    starts, values = past_demand(lines, points, "week", as_of=AS_OF).of(0)
    assert (starts[-1], values[-1], float(values.sum())) == (date(2026, 11, 9), 4.0, 4.0)
