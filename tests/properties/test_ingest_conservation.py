"""No row is lost: each is kept, set aside with a reason, filtered, merged or blank, and all are counted."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.domain.raw import RawTable
from plimsoll.ingest import Mapping, read

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)
DAYS = [None, "2024-01-05", "2024-01-06", "5.1.2024", "1.1.1900", "2024-02-30", "soon"]
ITEMS = [None, "A", "B", " A "]
SIZES = [None, "1", "2.5", "-3", "0", "x", "inf", "1e13", "1,5"]
ORDERS = [None, "1", "2"]
ROW = st.tuples(*(st.sampled_from(each) for each in (DAYS, ITEMS, SIZES, ORDERS, ORDERS)))
NAMES = ["Day", "Part", "Qty", "Order", "Line"]
COLUMNS = '{ date = "Day", item_id = "Part", quantity = "Qty", order_id = "Order", line = "Line" }'
TEXT = f"""
source = {{ decimal = "." }}
constants = {{ location_id = "W" }}
[[table]]
table = "demand"
from = "sales*"
columns = {COLUMNS}
"""
READ_DAYS = {"2024-01-05": date(2024, 1, 5), "2024-01-06": date(2024, 1, 6), "5.1.2024": date(2024, 1, 5)}
READ_SIZES = {"1": 1.0, "2.5": 2.5, "-3": -3.0, "0": 0.0}
COSTS = (None, "1", "2.5", "0", "1e13")


def raw(name, rows):
    return RawTable(
        name, f"{name}.csv", pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    )


def plain_twin(rows):
    """Return (kept, number of bad rows, number of blank rows) by one look at each row."""
    kept, keys, bad, blank = [], set(), 0, 0
    for day, item, size, order, line in rows:
        if not any((day, item, size, order, line)):
            blank += 1
            continue
        key = (READ_DAYS.get(day), (item or "").strip(), order, line)
        if key[0] is None or not key[1] or size not in READ_SIZES or (order and line and key in keys):
            bad += 1
            continue
        keys.add(key)
        kept.append((key[0], key[1], READ_SIZES[size], order, line))
    return kept, bad, blank


@QUICK
@given(st.lists(ROW, max_size=30), st.lists(ROW, max_size=10))
def test_every_row_of_two_files_is_kept_set_aside_or_blank(first, second):
    result = read([raw("sales1", first), raw("sales2", second)], Mapping.from_text(TEXT))
    kept, bad, blank = plain_twin(first + second)
    assert result.counts.rows() == [("demand", len(first + second), len(kept), bad, 0, 0, blank)]
    assert result.quarantine.height == bad
    assert result.quarantine.select("source", "row").is_unique().all()
    if kept:
        # Demand without an order number that was misread stays as a row without quantity: not observed.
        known = result.tables["demand"].drop_nulls("quantity")
        got = known.select("date", "item_id", "quantity", "order_id", "line").rows()
        order = lambda row: tuple(str(part) for part in row)  # noqa: E731
        assert sorted(got, key=order) == sorted(kept, key=order)


@QUICK
@given(st.lists(ROW, max_size=30), st.lists(st.sampled_from(SIZES), min_size=30, max_size=30))
def test_filtered_merged_and_wide_rows_add_up(rows, cells):
    mapping = Mapping.from_text("""
        source = { decimal = "." }
        constants = { location_id = "W" }
        [[table]]
        table = "items"
        from = "sales"
        distinct = true
        filter = { Line = { not_equals = ["2"] } }
        columns = { item_id = "Part", unit_cost = "Qty" }
        [[table]]
        table = "demand"
        from = "wide"
        columns = { item_id = "Part" }
        wide = {}
    """)
    wide = pl.DataFrame(
        {"Part": ["A", None] * 5, "2024-W01": cells[:10], "2024-W02": cells[10:20], "2024-W03": cells[20:]}
    )
    result = read([raw("sales", rows), RawTable("wide", "wide.csv", wide)], mapping)
    counts = result.counts.with_columns(pl.sum_horizontal(pl.exclude("table", "n_in")).alias("sum"))
    assert counts["n_in"].to_list() == counts["sum"].to_list()
    items, demand = counts.rows(named=True)
    assert items["n_in"] == len(rows)
    assert items["n_filtered"] == sum(row[4] == "2" for row in rows)
    known = [row[1].strip() for row in rows if row[4] != "2" and row[1] and row[2] in COSTS]
    assert items["n_kept"] == len(set(known))
    assert items["n_merged"] == len(known) - len(set(known))
    assert demand["n_in"] == 30
    assert demand["n_kept"] == sum(
        size in READ_SIZES for size, item in zip(cells, wide["Part"].to_list() * 3, strict=True) if item
    )
