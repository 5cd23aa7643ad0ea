"""Raw tables are read through a mapping; what cannot be used is set aside with its reason."""

import json
from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.ingest import IngestParams, Mapping, read

DEMAND = """
[constants]
location_id = "W1"
[[table]]
table = "demand"
from = "sales"
columns = { date = "Day", item_id = "Part", quantity = "Qty", order_id = "Order", line = "Line" }
"""


def sales(*rows: str, name: str = "sales", header: str = "Day,Part,Qty,Order,Line") -> RawTable:
    frame = pl.DataFrame(
        [row.split(",") for row in rows], schema=dict.fromkeys(header.split(","), pl.String), orient="row"
    )
    return RawTable(
        name, f"{name}.csv", frame.with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())
    )


def codes(result) -> set[str]:
    return {found.code for found in result.findings}


def test_good_rows_arrive_in_the_schema():
    result = read([sales("2024-01-05,A,3,7,1", "2024-01-04,B,1.5,8,1")], Mapping.from_text(DEMAND))
    demand = result.tables["demand"]
    assert demand.schema == table("demand").schema
    assert demand.select("date", "item_id", "location_id", "quantity", "order_id").rows() == [
        (date(2024, 1, 4), "B", "W1", 1.5, "8"),
        (date(2024, 1, 5), "A", "W1", 3.0, "7"),
    ]
    assert result.quarantine.is_empty()
    assert result.counts.rows() == [("demand", 2, 2, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        ("x,A,3,7,1", "not_a_date", "date (Day) = 'x'"),
        ("1969-12-31,A,3,7,1", "date_out_of_range", "date (Day) = '1969-12-31'"),
        ("2101-01-01,A,3,7,1", "date_out_of_range", "date (Day) = '2101-01-01'"),
        ("2024-01-05,,3,7,1", "missing_value", "item_id (Part) = ''"),
        ("2024-01-05,A,three,7,1", "not_a_number", "quantity (Qty) = 'three'"),
        ("2024-01-05,A,inf,7,1", "not_finite", "quantity (Qty) = 'inf'"),
        ("2024-01-05,A,2e12,7,1", "impossible_quantity", "quantity (Qty) = '2e12'"),
        ("2024-01-04,A,3,1,1", "duplicate_row", "key 2024-01-04 @ A @ W1 @ 1 @ 1"),
        ("2024-01-04,A,4,1,1", "duplicate_key", "key 2024-01-04 @ A @ W1 @ 1 @ 1"),
    ],
)
def test_bad_rows_are_set_aside_with_their_reason(row, reason, detail):
    raw = sales("2024-01-04,A,3,1,1", row)
    result = read([raw], Mapping.from_text(DEMAND))
    assert result.tables["demand"].height == 1
    where = {"table": "demand", "source": "sales.csv", "row": 3, "reason": reason, "detail": detail}
    row_as_it_was = result.quarantine.row(0, named=True)
    assert json.loads(row_as_it_was.pop("raw")) == dict(zip(raw.frame.columns, raw.frame.row(1), strict=True))
    assert row_as_it_was == where
    found = next(found for found in result.findings if found.code == f"quarantine_{reason}")
    assert (found.n_rows, found.keys) == (1, f"sales.csv row 3: {detail}")


@pytest.mark.parametrize(
    ("columns", "row", "reason"),
    [
        (
            'stock = { item_id = "Part", date = "Day", on_hand = "Qty", allocated = "Line" }',
            "-1",
            "below_minimum",
        ),
        ('stocking_points = { item_id = "Part", holding_rate = "Line" }', "500", "above_maximum"),
        (
            'availability = { item_id = "Part", date = "Day", in_stock = "Line" }',
            "maybe",
            "not_true_or_false",
        ),
        ('items = { item_id = "Part", criticality = "Line" }', "dire", "unknown_choice"),
    ],
)
def test_schema_limits_hold(columns, row, reason):
    name, cells = columns.split(" = ", 1)
    mapping = Mapping.from_text(f'[[table]]\ntable = "{name}"\nfrom = "sales"\ncolumns = {cells}')
    result = read([sales(f"2024-01-05,A,3,7,{row}", "2024-01-05,B,3,7,")], mapping)
    assert result.quarantine["reason"].to_list()[0] == reason


def test_ragged_rows_are_set_aside():
    raw = sales("2024-01-05,A,3,7,1", "2024-01-05,B,3,7,", "2024-01-05,C,3,7,1", ",,,,")
    raw = RawTable(raw.name, raw.source, raw.frame, n_cells=pl.Series([5, 3, 7, 1]))
    result = read([raw], Mapping.from_text(DEMAND))
    assert result.quarantine.select("row", "reason", "detail").rows() == [
        (3, "too_few_cells", "3 cells where the header has 5"),
        (4, "too_many_cells", "7 cells where the header has 5"),
    ]
    assert result.counts.rows() == [("demand", 4, 1, 2, 0, 0, 1)]


def test_rows_of_a_day_without_order_are_order_lines():
    raw = sales("2024-01-05,A,3,,", "2024-01-05,A,3,,", "2024-01-05,A,-1,,", "2024-01-06,A,2,,")
    result = read([raw], Mapping.from_text(DEMAND))
    assert result.tables["demand"].height == 4
    assert result.quarantine.is_empty()
    twins = next(found for found in result.findings if found.code == "several_demand_rows")
    returns = next(found for found in result.findings if found.code == "negative_demand")
    assert (twins.n_rows, returns.n_rows) == (3, 1)


def test_filter_and_merge_are_counted():
    mapping = Mapping.from_text("""
        [[table]]
        table = "items"
        from = "sales"
        distinct = true
        latest_by = "Day"
        filter = { Order = { not_equals = ["x"] }, Line = { given = true } }
        columns = { item_id = "Part", unit_cost = "Qty" }
    """)
    raw = sales(
        "2024-01-05,A,3,7,1",
        "2024-03-05,A,5,7,1",
        "2024-02-05,A,4,7,1",
        "2024-01-05,B,1,x,1",
        "2024-01-05,B,2,7,",
    )
    result = read([raw], mapping)
    assert result.tables["items"].select("item_id", "unit_cost").rows() == [("A", 5.0)]
    assert result.counts.rows() == [("items", 5, 1, 0, 2, 2, 0)]
    assert {"rows_filtered", "rows_merged"} <= codes(result)


def test_one_raw_table_fills_several_and_several_fill_one():
    mapping = Mapping.from_text("""
        [[table]]
        table = "items"
        from = "2*"
        columns = { item_id = "Part", unit_cost = { column = "Qty", divide_by = "Line" } }
        [[table]]
        table = "lanes"
        from = "2023"
        [table.columns]
        item_id = "Part"
        from_location_id = "Order"
        lead_time_days_set = { column = "Line", unit = "weeks" }
    """)
    raws = [
        sales("2023-01-05,A,6,ACME,2", name="2023"),
        sales("2024-01-05,B,6,ACME,0", "2024-01-05,A,9,ACME,2", name="2024"),
    ]
    result = read(raws, mapping)
    assert result.tables["items"].select("item_id", "unit_cost").rows() == [("A", 3.0), ("B", None)]
    assert result.quarantine.select("source", "row", "reason").rows() == [("2024.csv", 3, "duplicate_key")]
    assert result.tables["lanes"].select("to_location_id", "lead_time_days_set").rows() == [("MAIN", 14.0)]
    assert "location_assumed" in codes(result)


def test_period_columns_become_rows():
    periods = {"2024-W01": ["1", None], "2024-W02": ["x", "0"], "W03 2024": [None, "2"]}
    raw = RawTable("wide", "wide.csv", pl.DataFrame({"Part": ["A", "B"], **periods}))
    mapping = Mapping.from_text("""
        [constants]
        location_id = "W1"
        [[table]]
        table = "demand"
        from = "wide"
        columns = { item_id = "Part" }
        wide = { columns = "auto", multiply = 10 }
    """)
    result = read([raw], mapping)
    assert result.tables["demand"].select("date", "item_id", "quantity").rows() == [
        (date(2024, 1, 1), "A", 10.0),
        (date(2024, 1, 1), "B", None),
        (date(2024, 1, 8), "A", None),
        (date(2024, 1, 8), "B", 0.0),
        (date(2024, 1, 15), "A", None),
        (date(2024, 1, 15), "B", 20.0),
    ], "blank or misread is not known, and not none"
    assert result.counts.rows() == [("demand", 6, 3, 1, 0, 0, 2)]
    raw_row = {"Part": "A", "2024-W01": "1", "2024-W02": "x", "W03 2024": None}
    assert json.loads(result.quarantine["raw"][0]) == raw_row
    assert result.quarantine["detail"].to_list() == ["quantity (2024-01-08) = 'x'"]


@pytest.mark.parametrize("columns", ['"^[WQ]"', '["2024-W01", "Part"]'])
def test_columns_that_are_no_periods_are_refused(columns):
    raw = RawTable("wide", "wide.csv", pl.DataFrame({"Part": ["A"], "2024-W01": ["1"], "Q1 total": ["x"]}))
    text = '[[table]]\ntable = "demand"\nfrom = "wide"\ncolumns = { item_id = "Part" }\n'
    text += f"wide = {{ columns = {columns} }}"
    with pytest.raises(
        InputError, match=r"1 columns of 'wide' are not understood as periods: (Q1 total|Part)"
    ):
        read([raw], Mapping.from_text(text))


def test_order_of_day_and_month_is_proven_said_or_refused():
    proven = sales("13/02/2024,A,3,7,1", "01/02/2024,A,3,8,1")
    result = read([proven], Mapping.from_text(DEMAND))
    assert result.tables["demand"]["date"].to_list() == [date(2024, 2, 1), date(2024, 2, 13)]
    assert "date_order" in codes(result)
    unproven = sales("01/02/2024,A,3,8,1")
    with pytest.raises(
        InputError, match=r"Column 'Day' of 'sales' .* cannot be told apart: 01/02/2024.*Set date_format"
    ):
        read([unproven], Mapping.from_text(DEMAND))
    said = '[source]\ndate_format = "%m/%d/%Y"\n' + DEMAND
    assert read([unproven], Mapping.from_text(said)).tables["demand"]["date"].to_list() == [date(2024, 1, 2)]


def test_decimal_comma_is_found_and_doubt_is_said():
    raw = RawTable(
        "s", "s.csv", pl.DataFrame({"d": ["2024-01-05"] * 2, "i": ["A", "B"], "q": ["1.234", "0,5"]})
    )
    text = '[[table]]\ntable = "demand"\nfrom = "s"\ncolumns = { date = "d", item_id = "i", quantity = "q" }'
    assert read([raw], Mapping.from_text(text)).tables["demand"]["quantity"].to_list() == [1234.0, 0.5]
    doubtful = RawTable("s", "s.csv", raw.frame.head(1))
    result = read([doubtful], Mapping.from_text(text))
    assert result.tables["demand"]["quantity"].to_list() == [1.234]
    assert "decimal_assumed" in codes(result)


def test_required_columns_that_nothing_fills_are_refused():
    text = '[[table]]\ntable = "demand"\nfrom = "sales"\ncolumns = { date = "Day", item_id = "Part" }'
    with pytest.raises(
        InputError, match=r"'demand' from 'sales' does not fill required 'quantity'. .*Add quantity ="
    ):
        read([sales("2024-01-05,A,3,7,1")], Mapping.from_text(text))
    stock = '[[table]]\ntable = "stock"\nfrom = "sales"\ncolumns = { item_id = "Part", on_hand = "Qty" }'
    with pytest.raises(InputError, match=r"required 'date'.*Set as_of = YYYY-MM-DD, the day of the count"):
        read([sales("2024-01-05,A,3,7,1")], Mapping.from_text(stock))
    dated = read([sales("2024-01-05,A,3,7,1")], Mapping.from_text("[source]\nas_of = 2024-02-01\n" + stock))
    assert dated.tables["stock"]["date"].to_list() == [date(2024, 2, 1)]


def test_values_of_the_wrong_kind_are_refused():
    text = '[[table]]\ntable = "items"\nfrom = "sales"\n[table.columns]\nitem_id = "Part"\n'
    text += 'make_or_buy = { value = "rent" }'
    with pytest.raises(InputError, match=r"gives 'rent' to 'make_or_buy' .*Allowed: make, buy"):
        read([sales("2024-01-05,A,3,7,1")], Mapping.from_text(text))


def test_table_of_bad_rows_only_is_left_out_with_an_error():
    result = read([sales("x,A,3,7,1", "y,A,3,8,1")], Mapping.from_text(DEMAND))
    assert result.tables == {}
    assert result.quarantine.height == 2
    last = next(found for found in result.findings if found.code == "nothing_left")
    assert (last.severity, last.keys) == ("error", "not_a_date")


def test_table_without_rows_is_an_error_and_replaces_nothing():
    result = read([sales()], Mapping.from_text(DEMAND))
    assert "demand" not in result.tables
    assert {found.code: found.severity for found in result.findings}["no_rows"] == "error"


def test_there_may_be_no_open_orders():
    raw = RawTable("po", "po.csv", pl.DataFrame(schema={"no": pl.String, "part": pl.String, "n": pl.String}))
    mapping = Mapping.from_text("""
        [[table]]
        table = "open_orders"
        from = "po"
        columns = { order_id = "no", item_id = "part", quantity = "n", to_location_id = { value = "W" } }
    """)
    result = read([raw], mapping)
    assert result.tables["open_orders"].is_empty()
    assert "none_open" in codes(result)
    assert "no_rows" not in codes(result)


def test_absurd_demand_is_set_aside_with_what_is_usual():
    rows = [f"2024-01-{day:02},A,10,{day},1" for day in range(1, 9)] + [
        "2024-01-09,A,2500,9,1",
        "2024-01-09,B,5,9,2",
        "2024-01-10,B,90000,9,3",
    ]
    result = read([sales(*rows)], Mapping.from_text(DEMAND))
    assert result.quarantine.select("row", "reason", "detail").rows() == [
        (10, "absurd_quantity", "quantity = 2500.0 where 10.0 is usual")
    ]
    assert "quarantine_absurd_quantity" in codes(result)
    assert result.tables["demand"].height == 10, "B has too few rows to have a usual size"
    leading_up = read([sales(*rows, "2024-01-11,A,600,9,1")], Mapping.from_text(DEMAND))
    assert leading_up.quarantine.is_empty(), "large orders belong to an item when they lead up to each other"
    calm = read([sales(*rows)], Mapping.from_text(DEMAND), IngestParams(absurd_factor=1e5))
    assert calm.quarantine.is_empty()


def test_receipts_before_their_order_and_row_numbers_for_orders():
    mapping = Mapping.from_text("""
        [[table]]
        table = "receipts"
        from = "sales"
        [table.columns]
        order_id = { row = true }
        item_id = "Part"
        ordered_date = "Order"
        received_date = "Day"
        quantity = "Qty"
    """)
    result = read([sales("2024-01-05,A,3,2024-01-01,1", "2024-01-05,B,3,2024-01-09,1")], mapping)
    assert result.tables["receipts"]["order_id"].to_list() == ["sales-2", "sales-3"]
    assert "supplier_unknown" in codes(result)


def test_a_bad_period_total_is_not_observed_but_a_bad_order_line_is_only_lost():
    columns = {"date": ["2024-01-01", "2024-01-08"], "part": ["A", "A"], "n": ["5", "x"]}
    text = DEMAND_TOTALS = """
        constants = { location_id = "W1" }
        [[table]]
        table = "demand"
        from = "sales"
        columns = { date = "date", item_id = "part", quantity = "n" }
    """
    totals = read([RawTable("sales", "s.csv", pl.DataFrame(columns))], Mapping.from_text(text))
    assert totals.tables["demand"]["quantity"].to_list() == [5.0, None]
    assert totals.counts.rows() == [("demand", 2, 1, 1, 0, 0, 0)]
    lines = pl.DataFrame(columns | {"no": ["1", "2"]})
    with_order = DEMAND_TOTALS.replace('quantity = "n"', 'quantity = "n", order_id = "no"')
    result = read([RawTable("sales", "s.csv", lines)], Mapping.from_text(with_order))
    assert result.tables["demand"]["quantity"].to_list() == [5.0]


def test_an_order_line_without_quantity_is_set_aside():
    frame = pl.DataFrame({"date": ["2024-01-01"] * 2, "part": ["A", "B"], "n": ["5", None], "no": ["1", "2"]})
    mapping = Mapping.from_text("""
        constants = { location_id = "W1" }
        [[table]]
        table = "demand"
        from = "sales"
        columns = { date = "date", item_id = "part", quantity = "n", order_id = "no" }
    """)
    result = read([RawTable("sales", "s.csv", frame)], mapping)
    assert result.quarantine["reason"].to_list() == ["missing_value"]
    assert result.tables["demand"].height == 1


def test_tables_absent_from_the_source_are_passed_over_only_if_they_are_held_whole():
    mapping = Mapping.from_text("".join(
        f'[[table]]\ntable = "{name}"\nfrom = "{source}"\ncolumns = {{ item_id = "part" }}\n'
        for name, source in (("items", "parts"), ("stock", "count"), ("stock", "other_count"))
    ))  # fmt: skip
    parts, count, other = (
        RawTable(name, f"{name}.csv", pl.DataFrame({"part": ["A"]}))
        for name in ("parts", "count", "other_count")
    )
    rest, findings = mapping.without_absent([parts], {"items", "stock"})
    assert [part.table for part in rest.tables] == ["items"]
    assert "lacks 1 table that the mapping names (stock)" in findings[0].what
    for raws, held in (
        ([parts], {"items"}),
        ([parts, count], {"items", "stock"}),
        ([parts, count, other], ()),
    ):
        assert mapping.without_absent(raws, held) == (mapping, [])


def test_suppliers_terms_are_for_every_place_unless_they_name_one():
    mapping = """
[[table]]
table = "supplier_terms"
from = "terms"
[table.columns]
from_location_id = "Vendor"
min_order_value = "Least"
container_capacity = "Load"
order_weekday = "Day"
[[table]]
table = "lanes"
from = "lanes"
columns = { item_id = "Part", to_location_id = "To", from_location_id = "Vendor" }
"""
    raws = [
        sales(
            "Acme,500,,2",
            "Beta,,40,",
            "Acne,100,,",
            "Gamma,9,,8",
            name="terms",
            header="Vendor,Least,Load,Day",
        ),
        sales("A,W1,Acme", "A,W1,Beta", name="lanes", header="Part,To,Vendor"),
    ]
    result = read(raws, Mapping.from_text(mapping))
    terms = result.tables["supplier_terms"]
    said = terms.select("from_location_id", "to_location_id", "min_order_value", "order_weekday").rows()
    assert said == [("Acme", None, 500.0, 2), ("Acne", None, 100.0, None), ("Beta", None, None, None)]
    assert result.quarantine["reason"].to_list() == ["above_maximum"]  # there is no eighth day
    found = {one.code: one.keys for one in result.findings}
    assert found["terms_unused"] == "Acne"
    assert found["container_not_measured"] == "Beta"
    assert "location_assumed" not in found
