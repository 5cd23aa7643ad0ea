"""Lines of history to periods, and demand passed up the network."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams, pass_upstream
from plimsoll.demand.panel import bucket_of, months_from, period_panel
from plimsoll.domain.tables import table

MONDAY = date(2026, 1, 5)
SUNDAY = date(2026, 2, 1)  # ends the fourth week from MONDAY


def lines(*rows):
    schema = {"date": pl.Date, "item_id": pl.String, "location_id": pl.String, "quantity": pl.Float64}
    nothing = {"order_id": pl.lit(None, pl.String), "line": pl.lit(None, pl.String)}
    return table("demand").conform(pl.DataFrame(list(rows), schema, orient="row").with_columns(**nothing))


def points(*rows):
    schema = {"item_id": pl.String, "location_id": pl.String, "launch_date": pl.Date}
    return pl.DataFrame(list(rows), schema, orient="row").sort("item_id", "location_id")


def histories(panel):
    return [panel.values[a:b].tolist() for a, b in zip(panel.bounds[:-1], panel.bounds[1:], strict=True)]


def test_periods_are_complete_and_zeros_inside_are_observed():
    demand = lines(
        (date(2026, 1, 7), "A", "X", 2.0),
        (date(2026, 1, 11), "A", "X", 3.0),
        (date(2026, 1, 28), "A", "X", 1.0),
        (date(2026, 2, 2), "A", "X", 99.0),
        (date(2026, 1, 7), "Z", "X", 7.0),
    )
    panel = period_panel(demand, points(("A", "X", None), ("B", "X", None)), "week", as_of=date(2026, 2, 5))
    assert (panel.start, panel.n_calendar) == (MONDAY, 4)
    assert histories(panel) == [[5.0, 0.0, 0.0, 1.0], [0.0] * 4]


def test_a_launch_shortens_history_unless_demand_came_before():
    demand = lines((MONDAY, "A", "X", 1.0), (date(2026, 1, 14), "D", "X", 4.0))
    launched = points(
        ("B", "X", date(2026, 1, 12)),  # a Monday: its week counts
        ("C", "X", date(2026, 1, 13)),  # a Tuesday: the week after is the first
        ("D", "X", date(2026, 1, 26)),  # launch date after the first demand
        ("E", "X", date(2027, 1, 1)),
        ("F", "X", date(2020, 1, 1)),
    )
    lengths = np.diff(period_panel(demand, launched, "week", as_of=SUNDAY).bounds)
    assert lengths.tolist() == [3, 2, 3, 0, 4]


def test_returns_are_netted_and_floored():
    demand = lines(
        (MONDAY, "A", "X", 5.0),
        (MONDAY, "A", "X", -2.0),
        (date(2026, 1, 12), "A", "X", -4.0),
        (SUNDAY, "A", "X", 1.0),
    )
    panel = period_panel(demand, points(("A", "X", None)), "week", as_of=SUNDAY)
    assert histories(panel) == [[3.0, 0.0, 0.0, 1.0]]
    assert panel.n_floored == 1


def test_out_of_stock_is_not_observed():
    demand = lines((MONDAY, "A", "X", 5.0), (SUNDAY, "A", "X", 1.0))
    flags = pl.DataFrame(
        {
            "date": [date(2026, 1, 14), MONDAY, date(2030, 1, 1)],
            "item_id": ["A"] * 3,
            "location_id": ["X"] * 3,
            "in_stock": [False, True, False],
        }
    )
    panel = period_panel(demand, points(("A", "X", None)), "week", as_of=SUNDAY, availability=flags)
    assert np.isnan(panel.values).tolist() == [False, True, False, False]


def test_months():
    demand = lines((date(2026, 1, 1), "A", "X", 1.5), (date(2026, 3, 1), "A", "X", 2.5))
    assert bucket_of(demand, DemandParams()) == "month"
    assert bucket_of(demand.with_columns(pl.col("date").dt.offset_by("1d")), DemandParams()) == "week"
    assert bucket_of(demand, DemandParams(bucket="week")) == "week"
    panel = period_panel(demand, points(("A", "X", None)), "month", as_of=date(2026, 4, 29))
    assert histories(panel) == [[1.5, 0.0, 2.5]]
    assert months_from(date(2026, 11, 1), "month", 3).tolist() == [10, 11, 0]


def test_no_demand_at_all():
    panel = period_panel(lines(), points(("A", "X", None)), "week", as_of=SUNDAY)
    assert histories(panel) == [[]]


def network(*rows):
    return pl.DataFrame(rows, ["item_id", "location_id", "from_location_id"], orient="row")


def test_demand_is_passed_up_level_by_level():
    demand = lines(
        (MONDAY, "A", "branch1", 2.0),
        (MONDAY, "A", "branch2", 3.0),
        (MONDAY, "A", "dc", 10.0),
        (SUNDAY, "A", "branch1", 0.1),
        (MONDAY, "B", "branch1", 50.0),
    )
    edges = network(
        ("A", "branch1", "dc"), ("A", "branch2", "dc"), ("A", "dc", "plant"), ("A", "plant", "Acme"),
        ("B", "branch1", "dc"),  # B is not kept at the dc
    )  # fmt: skip
    totals = {
        (item, at, day): quantity
        for item, at, day, quantity in pass_upstream(demand, edges)
        .group_by("item_id", "location_id", "date")
        .agg(pl.col("quantity").sum())
        .iter_rows()
    }
    assert totals == {
        ("A", "branch1", MONDAY): 2.0,
        ("A", "branch2", MONDAY): 3.0,
        ("A", "branch1", SUNDAY): 0.1,
        ("A", "dc", MONDAY): 15.0,
        ("A", "dc", SUNDAY): 0.1,
        ("A", "plant", MONDAY): 15.0,
        ("A", "plant", SUNDAY): 0.1,
        ("B", "branch1", MONDAY): 50.0,
    }


def test_own_lines_are_kept_as_they_are():
    demand = lines((MONDAY, "A", "branch", 2.0)).with_columns(order_id=pl.lit("SO-1"))
    passed = pass_upstream(demand, network(("A", "branch", "dc"), ("A", "dc", "Acme")))
    assert passed.columns == demand.columns
    assert passed.filter(pl.col("location_id") == "branch").equals(demand)
    assert passed.filter(pl.col("location_id") == "dc")["order_id"].to_list() == [None]


def test_what_is_made_where_it_is_kept_adds_nothing():
    demand = lines((MONDAY, "A", "plant", 2.0))
    assert pass_upstream(demand, network(("A", "plant", "plant"))).equals(demand)


@pytest.mark.parametrize("circle", [["a", "b"], ["a", "b", "c", "d"]])
def test_nothing_is_passed_into_a_circle(circle):
    sources = [*circle[1:], circle[0]]
    edges = network(
        ("A", "tail", circle[0]),
        *(("A", at, source) for at, source in zip(circle, sources, strict=True)),
        ("B", "a", "b"),
        ("B", "b", "S"),
    )
    asked = lines((MONDAY, "A", "tail", 1.0), (MONDAY, "A", circle[0], 2.0), (MONDAY, "B", "a", 4.0))
    passed = pass_upstream(asked, edges).group_by("item_id", "location_id").agg(pl.col("quantity").sum())
    assert sorted(passed.rows()) == sorted(
        [("A", "tail", 1.0), ("A", circle[0], 2.0), ("B", "a", 4.0), ("B", "b", 4.0)]
    )
