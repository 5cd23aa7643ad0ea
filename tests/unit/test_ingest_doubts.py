"""A mapping against the data: contradictions are refused or told, and the rest goes on."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.ingest import Mapping, propose, read

DEMAND = """
constants = { location_id = "MAIN" }
[[table]]
table = "demand"
from = "sales"
columns = { date = "Day", item_id = "Part", quantity = "Qty" }
"""
LANES = """
constants = { to_location_id = "MAIN" }
[[table]]
table = "lanes"
from = "vendors"
[table.columns]
item_id = "Part"
from_location_id = "Vendor"
"""


def raw(name, **columns):
    return RawTable(name, f"{name}.csv", pl.DataFrame(columns))


def told(raws, mapping):
    result = read(raws, Mapping.from_text(mapping))
    return result, {found.code: found for found in result.findings}


def vendors(days, header="LT"):
    n = len(days)
    return raw("vendors", Part=[f"P{at}" for at in range(n)], Vendor=["V"] * n, **{header: days})


def test_numbered_periods_get_days_and_say_so():
    mapping = DEMAND.replace('"Day"', '{ column = "Day", counts = "months", first_day = 2000-11-01 }')
    result, findings = told([raw("sales", Day=["1", "3", "x"], Part=["A"] * 3, Qty=["1", "2", "3"])], mapping)
    assert result.tables["demand"]["date"].to_list() == [date(2000, 11, 1), date(2001, 1, 1)]
    assert result.quarantine["reason"].to_list() == ["not_a_date"]
    assert findings["calendar_assumed"].what == (
        "Column 'Day' for 'demand' counts months and tells no calendar; "
        "that 1 begins on 2000-11-01 is assumed."
    )


@pytest.mark.parametrize(
    ("counts", "second"),
    [("days", date(2024, 1, 2)), ("weeks", date(2024, 1, 8)), ("months", date(2024, 2, 1))],
)
def test_every_kind_of_number(counts, second):
    mapping = DEMAND.replace('"Day"', f'{{ column = "Day", counts = "{counts}", first_day = 2024-01-01 }}')
    result, _ = told([raw("sales", Day=[1.0, 2.0], Part=["A", "B"], Qty=[1, 2])], mapping)
    assert result.tables["demand"]["date"].to_list() == [date(2024, 1, 1), second]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('{ column = "Day", counts = "months" }', "give counts and first_day together"),
        ('{ column = "Day", counts = "moons", first_day = 2000-01-01 }', "counts"),
    ],
)
def test_half_a_count_is_refused(cell, message):
    with pytest.raises(InputError, match=message):
        Mapping.from_text(DEMAND.replace('"Day"', cell))


def test_a_count_of_what_is_no_date_is_refused():
    text = DEMAND.replace('"Qty"', '{ column = "Qty", counts = "days", first_day = 2000-01-01 }')
    with pytest.raises(InputError, match="counts days in 'quantity', which is no date"):
        Mapping.from_text(text)


def test_a_column_filled_twice_is_refused():
    text = DEMAND.replace('item_id = "Part", ', 'item_id = "Part", ') + 'wide = { columns = "auto" }\n'
    with pytest.raises(InputError, match="fills 'date' of 'demand' twice"):
        Mapping.from_text(text)
    with pytest.raises(InputError, match="fills 'demand' from 'sales' twice in the same way"):
        Mapping.from_text(DEMAND + DEMAND.split("\n", 2)[2])
    with pytest.raises(InputError, match="not valid TOML"):
        Mapping.from_text(DEMAND.replace('quantity = "Qty"', 'quantity = "Qty", quantity = "Day"'))


def test_dates_that_prove_another_order_than_stated_are_set_aside():
    days = ["05/27/2024", "05/28/2024", "03/04/2024", "2024-06-01"]
    sales = raw("sales", Day=days, Part=list("ABCD"), Qty=["1"] * 4)
    mapping = '[source]\ndate_format = "%d/%m/%Y"\n' + DEMAND.replace(
        'constants = { location_id = "MAIN" }', '[constants]\nlocation_id = "MAIN"'
    )
    result, findings = told([sales], mapping)
    assert result.tables["demand"]["date"].to_list() == [date(2024, 6, 1)]
    assert result.quarantine["reason"].to_list() == ["date_order_contradicted"] * 3
    assert "another order of day and month than date_format says" in (
        findings["quarantine_date_order_contradicted"].what
    )
    right, _ = told([sales], mapping.replace("%d/%m", "%m/%d"))
    assert right.quarantine.is_empty()


def test_a_few_wrong_dates_do_not_condemn_the_column():
    days = ["27/05/2024", "28/05/2024", "05/29/2024", "03/04/2024"]
    mapping = DEMAND.replace('"Day"', '{ column = "Day", date_format = "%d/%m/%Y" }')
    result, _ = told([raw("sales", Day=days, Part=list("ABCD"), Qty=["1"] * 4)], mapping)
    assert result.tables["demand"].height == 3
    assert result.quarantine["reason"].to_list() == ["not_a_date"]


def test_text_mapped_to_quantity_is_told_and_other_tables_go_on():
    sales = raw("sales", Day=["2024-01-01"] * 3, Part=["A", "B", "C"], Qty=["bolt", "nut", "pump"])
    result, findings = told([sales, vendors(["3", "4"])], DEMAND + LANES.split("\n", 2)[2])
    assert findings["nothing_left"].severity == "error"
    assert set(result.tables) == {"lanes"}


def test_an_optional_column_that_does_not_fit_is_left_out_and_its_rows_are_kept():
    mapping = LANES + 'lead_time_days_set = "Vendor"\n'
    result, findings = told([vendors(["3"] * 5)], mapping)
    assert result.quarantine.is_empty()
    assert result.tables["lanes"]["lead_time_days_set"].null_count() == 5
    assert findings["column_unfit"].severity == "error"
    assert findings["column_unfit"].what == (
        "Column 'Vendor' does not fit lead_time_days_set of 'lanes': 5 of 5 values are bad, such as 'V'."
    )


def test_a_few_bad_values_of_an_optional_column_set_their_rows_aside():
    result, findings = told([vendors(["3", "x", "4"])], LANES + 'lead_time_days_set = "LT"\n')
    assert result.quarantine["reason"].to_list() == ["not_a_number"]
    assert "column_unfit" not in findings


@pytest.mark.parametrize(
    ("header", "unit", "days", "code"),
    [
        ("LT (days)", "weeks", ["14"] * 3, "unit_contradicts_header"),
        ("LT weeks", None, ["2"] * 3, "unit_contradicts_header"),
        ("LT", "weeks", ["60", "90", "70"], "unit_doubtful"),
        ("LT", "weeks", ["6", "9", "7"], None),
        ("LT (weeks)", "weeks", ["6", "9", "7"], None),
        ("LT (days)", None, ["60", "90", "70"], None),
    ],
)
def test_units_that_header_or_values_contradict(header, unit, days, code):
    said = f'{{ column = "{header}", unit = "{unit}" }}' if unit else f'"{header}"'
    result, findings = told([vendors(days, header)], LANES + f"lead_time_days_set = {said}\n")
    assert {name for name in findings if name.startswith("unit_")} == ({code} if code else set())
    assert result.tables["lanes"].height == 3


def test_codes_written_as_numbers_are_one_item():
    sales = raw("sales", Day=["2024-01-01"] * 3, Part=["10001.0", "10001", "A.0"], Qty=["1", "2", "3"])
    result, findings = told([sales], DEMAND)
    assert result.tables["demand"]["item_id"].unique().sort().to_list() == ["10001", "A.0"]
    assert findings["codes_with_point"].n_rows == 1
    versions = raw("sales", Day=["2024-01-01"] * 2, Part=["10.0", "10.1"], Qty=["1", "2"])
    assert told([versions], DEMAND)[0].tables["demand"]["item_id"].to_list() == ["10.0", "10.1"]


def test_history_that_begins_elsewhere_than_stated():
    sales = raw("sales", Day=["2024-01-15", "2024-01-22"], Part=["A", "A"], Qty=["1", "2"])
    body = DEMAND.replace('constants = { location_id = "MAIN" }', '[constants]\nlocation_id = "MAIN"')
    late = told([sales], "[source]\nhistory_start = 2024-01-01\n" + body)[1]
    assert late["history_begins_late"].n_rows == 14
    early = told([sales], "[source]\nhistory_start = 2024-01-20\n" + body)[1]
    assert early["history_begins_early"].n_rows == 1
    assert not {"history_begins_late", "history_begins_early"} & set(told([sales], DEMAND)[1])


def test_zeros_seen_and_zeros_out_of_stock():
    sales = raw(
        "sales", Day=["2024-01-01", "2024-01-08", "2024-01-15"], Part=["A"] * 3, Qty=["0", "0", "4"],
        There=["1", "0", "1"],
    )  # fmt: skip
    mapping = DEMAND + (
        '[[table]]\ntable = "availability"\nfrom = "sales"\n'
        'columns = { date = "Day", item_id = "Part", in_stock = "There" }\n'
    )
    findings = told([sales], mapping)[1]
    assert (findings["demand_zero"].n_rows, findings["demand_zero"].keys) == (1, "50.0%")
    assert (findings["demand_censored"].n_rows, findings["demand_censored"].keys) == (1, "2024: 33.3 %")


def test_damaged_letters_and_rows_alike():
    sales = raw(
        "sales", Day=["2024-01-01"] * 3, Part=["A", "A", "B"], Qty=["1", "1", "2"], No=["1", "2", "3"],
        Note=["GrÃ¸nland", "GrÃ¸nland", "Grün – gut"],
    )  # fmt: skip
    mapping = DEMAND.replace('quantity = "Qty"', 'quantity = "Qty", order_id = "No"')
    findings = told([sales], mapping)[1]
    assert (findings["letters_damaged"].n_rows, findings["rows_alike"].n_rows) == (2, 1)
    assert findings["rows_alike"].keys == "2"


@pytest.mark.parametrize("header", ["Kosten", "Kosten/Stk", "Kosten je Stück"])
def test_costs_are_proposed(header):
    items = RawTable("items", "items.csv", pl.DataFrame({"Material": ["A", "B"], header: ["1,5", "2,5"]}))
    (part,) = propose([items]).tables
    assert part.columns["unit_cost"].column == header


def test_new_columns_are_proposed():
    receipts = RawTable(
        "receipts", "receipts.csv",
        pl.DataFrame({
            "PO": ["1"], "Material": ["A"], "Site": ["W"], "Vendor": ["V"], "Receipt date": ["2024-01-05"],
            "Qty": ["3"], "Transport mode": ["air"], "Shipment": ["S1"], "Comment": ["late"],
        }),
    )  # fmt: skip
    columns = propose([receipts]).tables[0].columns
    assert {name: columns[name].column for name in ("mode", "shipment_id", "note")} == {
        "mode": "Transport mode", "shipment_id": "Shipment", "note": "Comment",
    }  # fmt: skip


def test_dates_in_two_formats_are_counted_and_named():
    days = ["2024-01-05"] * 8 + ["27.01.2024", "28.01.2024", "28.01.2024"]
    sales = raw("sales", Day=days, Part=[f"P{at}" for at in range(11)], Qty=["1"] * 11)
    found = {each.code: each for each in read([sales], Mapping.from_text(DEMAND)).findings}
    mixed = found["date_formats_mixed"]
    assert (mixed.table, mixed.n_rows, mixed.keys) == ("demand", 3, "27.01.2024, 28.01.2024")


@pytest.mark.parametrize(
    "day", ["2024-01-05", "20240105", "27.01.2024", "27/01/2024", "January 2024", "2024-W05"]
)
def test_one_format_is_nothing_to_tell(day):
    sales = raw("sales", Day=[day, day], Part=["A", "B"], Qty=["1", "2"])
    codes = {each.code for each in read([sales], Mapping.from_text(DEMAND)).findings}
    assert "date_formats_mixed" not in codes
