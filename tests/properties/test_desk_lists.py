"""The desk's lists against a plain road: Python over rows."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.domain.desk_lists import ListSpec
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.workflows.desk_lists import ShownList, compact, searchable

SPEC = ListSpec(
    key=("id",), order=(("value", True),), search=("id", "words"), choices=("abc",), sums=("value",), shown=()
)
EVERYBODY = Person("kim", "Kim", "planner")
N = 150


def made(seed):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "id": [f"P-{number:03d}" for number in rng.permutation(N)],
            "abc": rng.choice(["A", "B", "C"], N),
            "location_id": rng.choice(["DC1", "DC2", "DC3"], N),
            "category": rng.choice(["pumps", "valves"], N),
            "value": np.round(rng.gamma(1.0, 4.0, N)),
            "words": rng.choice(["Feed pump", "VALVE 8 mm", "gasket"], N),
        }
    )
    holes = pl.Series(rng.random(N) < 0.1)
    return frame.with_columns(
        pl.when(holes).then(None).otherwise(pl.col(name)).alias(name) for name in ("abc", "value", "category")
    )


def plainly(frame, query, who):
    """What the list should be, row by row."""
    rows = frame.to_dicts()
    for name, allowed in (("location_id", who.locations), ("category", who.categories)):
        rows = [row for row in rows if allowed is None or row[name] in allowed]
    if query.text:
        rows = [row for row in rows if query.text.lower() in f"{row['id']}\n{row['words']}".lower()]
    for asked in query.conditions:
        if asked.operator == "ge":
            rows = [
                row for row in rows if row[asked.column] is not None and row[asked.column] >= asked.values[0]
            ]
        else:
            rows = [row for row in rows if row[asked.column] in asked.values]
    rows.sort(key=lambda row: row["id"])
    for name, falls in reversed(
        [*query.sort, *(pair for pair in SPEC.order if pair[0] not in dict(query.sort))]
    ):
        known = [row for row in rows if row[name] is not None]
        known.sort(key=lambda row, name=name: row[name], reverse=False)
        if falls:  # stable both ways: rows of equal rank stay in the order they had
            known = [
                row
                for value in sorted({row[name] for row in known}, reverse=True)
                for row in known
                if row[name] == value
            ]
        rows = known + [row for row in rows if row[name] is None]
    return rows


QUERIES = st.builds(
    lambda abc, least, text, sort, page, size: Query.read(
        {"abc": abc, "value__ge": least, "q": text, "sort": sort, "page": str(page), "size": str(size)},
        made(0).schema,
    ),
    st.sampled_from(["", "A", "A,C", "Z"]),
    st.sampled_from(["", "0", "4", "99"]),
    st.sampled_from(["", "pump", "P-01", "mm", "nothing"]),
    st.sampled_from(["", "-value", "value", "abc", "-abc,value", "words,-id", "-id"]),
    st.integers(1, 4),
    st.sampled_from([7, 50]),
)
SCOPES = st.sampled_from(
    [
        EVERYBODY,
        Person("a", "A", "viewer", ("DC1", "DC9")),
        Person("b", "B", "viewer", None, ("pumps",)),
        Person("c", "C", "viewer", ("DC2", "DC3"), ("valves",)),
        Person("d", "D", "viewer", (), None),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 5), QUERIES, SCOPES)
def test_a_page_is_that_of_a_plain_road(seed, query, who):
    frame = made(seed)
    shown = ShownList(searchable(compact(frame), SPEC.search), SPEC)
    expected = plainly(frame, query, who)
    found = shown.page(query, who)
    again = shown.page(query, who)  # from what was kept
    assert found.rows == again.rows == expected[query.offset : query.offset + query.size]
    assert found.total == len(expected)
    assert found.sums["value"] == sum(row["value"] or 0.0 for row in expected)
    assert shown.table(query, who).to_dicts() == expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), QUERIES, SCOPES)
def test_choices_count_what_each_would_give(seed, query, who):
    frame = made(seed)
    shown = ShownList(searchable(compact(frame), SPEC.search), SPEC)
    others = tuple(asked for asked in query.conditions if asked.column != "abc")
    expected: dict[str | None, int] = {}
    for row in plainly(frame, Query(others, query.text), who):
        expected[row["abc"]] = expected.get(row["abc"], 0) + 1
    assert {each.value: each.n for each in shown.choices(query, who, "abc")} == expected


def test_orders_are_kept_over_a_change_of_other_columns_only():
    frame = compact(made(1)).with_columns(status=pl.lit("proposed"))
    first = ShownList(frame, SPEC, stable=frozenset(made(1).columns))
    changed = frame.with_columns(
        status=pl.when(pl.col("abc").cast(pl.String) == "A").then(pl.lit("accepted")).otherwise("status")
    )
    second = ShownList(changed, SPEC, orders=first.orders, stable=frozenset(made(1).columns))
    by_value, by_status = (Query(sort=((name, True),)) for name in ("value", "status"))
    first.page(by_value, EVERYBODY)
    first.page(by_status, EVERYBODY)
    assert second.page(by_value, EVERYBODY).rows == ShownList(changed, SPEC).page(by_value, EVERYBODY).rows
    assert second.page(by_status, EVERYBODY).rows[0]["status"] == "proposed"
    assert second.page(Query(sort=(("status", False),)), EVERYBODY).rows[0]["status"] == "accepted"
