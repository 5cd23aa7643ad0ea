"""Questions of lists: read from URLs, refused when they make no sense, applied to frames."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import MOST_SIZE, Condition, Listing, Query, apply, ordering

FRAME = pl.DataFrame(
    {
        "id": ["P-1", "P-2", "P-3", "P-4", "P-5"],
        "abc": ["A", "B", "A", None, "C"],
        "value": [10.0, 30.0, 30.0, None, 5.0],
        "n": [1, 2, 3, 4, 5],
        "due": [date(2026, 11, day) for day in (1, 2, 3, 4, 5)],
        "at": [datetime(2026, 11, day, 8, tzinfo=UTC) for day in (1, 2, 3, 4, 5)],
        "pulled": [True, False, None, False, True],
        "words": ["Feed PUMP, 8 mm", "valve (8)", "a.c", "50 % off", "straße"],
        "law": [[1.0]] * 5,
    }
).with_columns(at=pl.col("at").cast(pl.Datetime("us", "UTC")))
AS_ENUM = FRAME.with_columns(pl.col("abc").cast(pl.Enum(["A", "B", "C"])))


def ids(params, frame=FRAME, **options):
    query = Query.read(params, frame.schema)
    return [row["id"] for row in apply(frame, query, **options).rows]


@pytest.mark.parametrize("frame", [FRAME, AS_ENUM], ids=["texts", "enumeration"])
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"abc": "A"}, ["P-1", "P-3"]),
        ({"abc": "A,C"}, ["P-1", "P-3", "P-5"]),
        ({"abc": "Z"}, []),
        ({"abc__ne": "A,Z"}, ["P-2", "P-4", "P-5"]),
        ({"abc__null": "true"}, ["P-4"]),
        ({"abc__contains": "b,c"}, ["P-2", "P-5"]),
        ({"value__ge": "10"}, ["P-1", "P-2", "P-3"]),
        ({"value__gt": "10", "value__lt": "31"}, ["P-2", "P-3"]),
        ({"value": "30"}, ["P-2", "P-3"]),
        ({"value__ne": "30"}, ["P-1", "P-4", "P-5"]),
        ({"n": "2,2.5"}, ["P-2"]),
        ({"n__le": "1.5"}, ["P-1"]),
        ({"due__le": "2026-11-02"}, ["P-1", "P-2"]),
        ({"at__ge": "2026-11-04T08:00:00Z"}, ["P-4", "P-5"]),
        ({"at__lt": "2026-11-02"}, ["P-1"]),
        ({"pulled": "true"}, ["P-1", "P-5"]),
        ({"pulled__ne": "yes"}, ["P-2", "P-3", "P-4"]),
        ({"q": "pump, 8"}, ["P-1"]),
        ({"q": "a.c"}, ["P-3"]),
        ({"q": "(8"}, ["P-2"]),
        ({"q": "STRASSE"}, []),
        ({"q": "%"}, ["P-4"]),
        ({"abc": "", "q": "  "}, ["P-1", "P-2", "P-3", "P-4", "P-5"]),
        ({"sort": "-value"}, ["P-2", "P-3", "P-1", "P-5", "P-4"]),
        ({"sort": "value"}, ["P-5", "P-1", "P-2", "P-3", "P-4"]),
        ({"sort": "abc,-value"}, ["P-3", "P-1", "P-2", "P-5", "P-4"]),
        ({"sort": "-n", "size": "2", "page": "2"}, ["P-3", "P-2"]),
        ({"page": "9"}, []),
    ],
)  # fmt: skip
def test_a_question_gives_the_rows_it_asks_for(frame, params, expected):
    assert ids(params, frame) == expected


def test_the_key_decides_between_rows_of_equal_rank_in_either_direction():
    backwards = FRAME.reverse()
    assert ids({"sort": "-value"}, backwards, key=["id"])[:2] == ["P-2", "P-3"]
    assert ids({"sort": "value"}, backwards, key=["id"])[2:4] == ["P-2", "P-3"]
    assert ids({"sort": "-value"}, backwards)[:2] == ["P-3", "P-2"]


def test_sums_and_total_are_of_the_whole_selection_and_not_of_the_page():
    found = apply(FRAME, Query.read({"abc": "A", "size": "1"}, FRAME.schema), sums=["value", "n"])
    assert (len(found.rows), found.total, found.sums, found.n_pages) == (1, 2, {"value": 40.0, "n": 4}, 2)
    assert (found.first, found.last) == (1, 1)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"valeu": "1"}, "Did you mean 'value'?"),
        ({"value__gee": "1"}, "Did you mean 'ge'?"),
        ({"law": "1"}, "no column 'law'"),
        ({"abc__ge": "A"}, "'abc' holds text"),
        ({"value__contains": "1"}, "is for text"),
        ({"value": "ten"}, "takes a number"),
        ({"value": "nan"}, "takes a number"),
        ({"value": "1e999"}, "takes a number"),
        ({"value": "1٣"}, "takes a number"),
        ({"due": "2026-02-30"}, "takes a date"),
        ({"due": "20261101"}, "takes a date"),
        ({"at": "yesterday"}, "moment"),
        ({"pulled": "maybe"}, "true or false"),
        ({"abc__null": "x"}, "true or false"),
        ({"page": "0"}, "whole number from 1"),
        ({"page": "-1"}, "whole number from 1"),
        ({"page": "1e3"}, "whole number from 1"),
        ({"size": str(MOST_SIZE + 1)}, "to 500"),
        ({"sort": "valeu"}, "cannot be sorted by 'valeu'"),
        ({"sort": "a,b,c,d,e"}, "at once"),
        ({"q": "x" * 201}, "201 letters"),
        ({"abc": ",".join(map(str, range(501)))}, "501 values"),
        ([("value__ge", "1"), ("value__ge", "2")], "can be asked once"),
        ({f"n__{'x' * 9}{number}": "1" for number in range(3)}, "no operator"),
        ({"1=1; DROP TABLE run; --": "x"}, "no column"),
    ],
)
def test_nonsense_is_refused_with_what_would_do(params, said):
    with pytest.raises(InputError) as error:
        Query.read(params, FRAME.schema)
    assert said in str(error.value)


def test_too_many_conditions_are_refused():
    many = {f"c{number}": pl.String() for number in range(50)}
    with pytest.raises(InputError, match="50 conditions"):
        Query.read(dict.fromkeys(many, "x"), many)


def test_a_column_named_like_an_operator_is_still_a_column():
    columns = {"a__ge": pl.Float64(), "a": pl.Float64()}
    assert Query.read({"a__ge": "1"}, columns).conditions == (Condition("a__ge", "", (1.0,)),)
    assert Query.read({"a__ge__ge": "1"}, columns).conditions == (Condition("a__ge", "ge", (1.0,)),)


def test_parameters_of_others_are_left_alone():
    assert Query.read({"open": "P-1", "q": "x"}, FRAME.schema, ignored=["open"]) == Query(text="x")
    with pytest.raises(InputError):
        Query.read({"open": "P-1"}, FRAME.schema)


def test_links_change_one_thing_and_keep_the_rest():
    query = Query.read({"abc": "A,B", "q": "pump", "sort": "-value", "page": "3", "size": "10"}, FRAME.schema)
    assert query.url() == "?abc=A,B&q=pump&sort=-value&page=3&size=10"
    assert query.url(page=4) == "?abc=A,B&q=pump&sort=-value&page=4&size=10"
    assert query.url(abc="C") == "?abc=C&q=pump&sort=-value&size=10"
    assert query.url(abc=None, q="") == "?sort=-value&size=10"
    assert query.url(n__ge=2.0, abc=["x,y", "z"]) == "?n__ge=2&abc=x%5C,y,z&q=pump&sort=-value&size=10"
    assert (query.asked("abc"), query.asked("n__ge"), query.is_filtered) == ("A,B", "", True)
    assert [Query(sort=sort).sorted_by("n") for sort in ((), (("n", True),), (("n", False),))] == [
        "-n",
        "n",
        "",
    ]


def test_pages_of_one_selection_have_one_selection():
    one, other = (Query.read({"abc": "A", "sort": way, "page": "2"}, FRAME.schema) for way in ("n", "-value"))
    assert one.selection() == other.selection() != Query()


def test_an_empty_page_has_no_first_row():
    assert (Listing([], 0, 1, 50).first, Listing([], 0, 1, 50).last, Listing([], 0, 1, 50).n_pages) == (
        0,
        0,
        1,
    )


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(str.strip).filter(bool)
VALUES = {
    "abc": st.lists(TEXT, min_size=1, max_size=3, unique=True).map(tuple),
    "value": st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3, unique=True
    ).map(tuple),
    "due": st.lists(st.dates(), min_size=1, max_size=3, unique=True).map(tuple),
    "pulled": st.booleans().map(lambda value: (value,)),
}


@given(st.data())
def test_a_question_survives_its_way_through_a_url(data):
    columns = data.draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True))
    conditions = tuple(Condition(name, "", data.draw(VALUES[name])) for name in columns)
    sort = data.draw(st.sampled_from([(), (("n", True),), (("abc", False), ("n", True))]))
    query = Query(
        conditions, data.draw(st.one_of(st.just(""), TEXT)), sort, data.draw(st.integers(1, 999)), 20
    )
    assert Query.read(parse_qsl(query.url()[1:]), FRAME.schema) == query


@given(
    st.dictionaries(
        st.text(max_size=12) | st.sampled_from(["abc", "value__ge", "due", "q", "sort", "page"]),
        st.text(max_size=12),
    )
)
def test_whatever_is_typed_is_answered_or_refused(params):
    try:
        query = Query.read(params, FRAME.schema)
    except InputError:
        return
    apply(FRAME, query, sums=["value"])


def test_rows_of_equal_rank_stay_in_order_in_long_lists_too():
    ranks = np.random.default_rng(0).integers(0, 5, 50_000)
    found = ordering(pl.DataFrame({"rank": ranks}), (("rank", True),))
    assert (found.to_numpy() == np.argsort(-ranks, kind="stable")).all()
