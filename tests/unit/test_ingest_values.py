"""Texts become numbers, dates and truths, in the habits of several countries."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table
from plimsoll.ingest.coerce import coerce
from plimsoll.ingest.dates import read_dates
from plimsoll.ingest.mapping import Cell
from plimsoll.ingest.numbers import decimal_sign, read_numbers
from plimsoll.ingest.vocabulary import unit_factor, words

DAY = date(2024, 1, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("1-", -1),
        ("(1)", -1),
        ("+7", 7),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("1,234.5", 1234.5),
        ("1,234,567", 1234567),
        ("1 234.5", 1234.5),
        ("1\u00a0234", 1234),
        ("1'234.50", 1234.5),
        ("€ 5.00", 5),
        ("5.00 EUR", 5),
        ("-$3", -3),
        ("20%", 0.2),
        ("5 %", 0.05),
        ("abc", None),
        ("1.2.3", None),
        ("1,2", None),
        ("12,34", None),
        ("--1", None),
        ("1-2", None),
        ("(1", None),
        ("1 2", None),
        ("0x1", None),
        ("1 kg", None),
    ],
)
def test_numbers_with_a_point(text, value):
    assert read_numbers(pl.Series([text, "x"]), ".", money=True, share=True)["value"][0] == pytest.approx(
        value
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,5", 1.5),
        ("1.234,5", 1234.5),
        ("1.234", 1234),
        ("0,25-", -0.25),
        ("1 234,5", 1234.5),
        ("1.5", None),
    ],
)
def test_numbers_with_a_comma(text, value):
    assert read_numbers(pl.Series([text]), ",")["value"][0] == pytest.approx(value)


def test_currency_and_percent_only_where_they_belong():
    assert read_numbers(pl.Series(["€ 5", "20%", "inf"]), ".")["value"].to_list() == [
        None,
        None,
        float("inf"),
    ]


@pytest.mark.parametrize(
    ("columns", "sign", "unsure"),
    [
        ([["1,5", "2"]], ",", []),
        ([["1.234", "2.000"], ["0,5"]], ",", []),
        ([["1,234", "2,000"], ["0.5"]], ".", []),
        ([["1.234.567"]], ",", []),
        ([["1234.567"]], ".", []),
        ([["1,234", "5"]], ".", ["1,234"]),
        ([["1", "2"]], ".", []),
    ],
)
def test_decimal_sign_by_evidence(columns, sign, unsure):
    assert decimal_sign(pl.Series(column) for column in columns) == (sign, unsure)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05",
        "2024-1-5",
        "2024/01/05",
        "20240105",
        "5.1.2024",
        "05.01.24",
        "45296",
        "45296.0",
        "5 Jan 2024",
        "05-Jan-24",
        "Jan 5, 2024",
        "5. Januar 2024",
        "5 janvier 2024",
        "2024-01-05 00:00:00",
        "2024-01-05T12:30:00Z",
    ],
)
def test_days(text):
    assert read_dates(pl.Series([text])).values.to_list() == [DAY]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-W05", date(2024, 1, 29)),
        ("2024W05", date(2024, 1, 29)),
        ("W05 2024", date(2024, 1, 29)),
        ("KW05/2024", date(2024, 1, 29)),
        ("week 5 2024", date(2024, 1, 29)),
        ("2024-01", date(2024, 1, 1)),
        ("01/2024", date(2024, 1, 1)),
        ("Jan 2024", date(2024, 1, 1)),
        ("Mär-24", date(2024, 3, 1)),
        ("2024M03", date(2024, 3, 1)),
        ("202403", date(2024, 3, 1)),
        ("maart 2024", date(2024, 3, 1)),
    ],
)
def test_weeks_and_months_are_their_first_days(text, day):
    assert read_dates(pl.Series([text])).values.to_list() == [day]


@pytest.mark.parametrize(
    "text", ["abc", "2024-13-01", "31.02.2024", "2024-02-30", "1", "2021-W53", "12345678", "9999-12-31"]
)
def test_no_days(text):
    assert read_dates(pl.Series([text])).values.to_list() == [None]


def test_every_iso_week_monday():
    mondays = [date(2015, 1, 5) + timedelta(weeks=week) for week in range(600)]
    texts = [f"{day.isocalendar().year}-W{day.isocalendar().week:02d}" for day in mondays]
    assert read_dates(pl.Series(texts)).values.to_list() == mondays


def test_day_or_month_first_by_evidence_of_the_column():
    """Two shapes in one column, one of them without evidence of its own, as spreadsheets make them."""
    read = read_dates(pl.Series(["8/27/2014", "10-09-2014", "2014-12-31"]))
    assert read.values.to_list() == [date(2014, 8, 27), date(2014, 10, 9), date(2014, 12, 31)]
    assert (read.order, read.n_evidence) == ("month", 1)
    read = read_dates(pl.Series(["27/8/2014", "10/9/2014"]))
    assert read.values.to_list() == [date(2014, 8, 27), date(2014, 9, 10)]


def test_day_and_month_without_or_with_contrary_evidence_are_undecided():
    assert read_dates(pl.Series(["10/09/2014", "2014-01-01"])).undecided == ("10/09/2014",)
    assert read_dates(pl.Series(["13/01/2014", "01/13/2014"])).undecided == ("13/01/2014", "01/13/2014")
    assert read_dates(pl.Series(["05/05/2014"])).values.to_list() == [date(2014, 5, 5)]


def test_one_wrong_date_in_hundreds_does_not_undo_the_order():
    days = [
        f"{day}/{month}/{year}" for day in range(13, 29) for month in range(1, 13) for year in (2023, 2024)
    ]
    read = read_dates(pl.Series([*days, "01/31/2024", "01/02/2024"]))
    assert read.order == "day"
    assert read.values[-2:].to_list() == [None, date(2024, 2, 1)]


def test_given_formats_decide_and_iso_stays():
    texts = pl.Series(["01/02/2024", "2024-02-03", "04.05.2024"])
    assert read_dates(texts, ("%m/%d/%Y",)).values.to_list() == [date(2024, 1, 2), date(2024, 2, 3), None]


def column(text: str, column_name: str, cell: Cell, table_name: str = "items"):
    declared = table(table_name).column(column_name)
    return coerce(pl.Series([text]), declared, cell, decimal=".", formats="auto")


@pytest.mark.parametrize(
    ("text", "column_name", "table_name", "unit", "value"),
    [
        ("7", "lead_time_days_set", "lanes", "weeks", 49),
        ("2", "lead_time_days_set", "lanes", "months", 60.875),
        ("1", "shelf_life_days", "items", "years", 365.25),
        ("22", "holding_rate", "stocking_points", "percent", 0.22),
        ("22%", "holding_rate", "stocking_points", "percent", 0.22),
        ("22%", "holding_rate", "stocking_points", None, 0.22),
        ("2", "min_order_qty", "lanes", "dozen", 24),
        ("250", "unit_cost", "items", "per hundred", 2.5),
    ],
)
def test_units(text, column_name, table_name, unit, value):
    read = column(text, column_name, Cell(column="x", unit=unit), table_name)
    assert read.values[0] == pytest.approx(value)


def test_unknown_unit_is_answered_with_the_nearest():
    with pytest.raises(
        InputError, match=r"Unit 'wekks' is not known for column 'lead_time_days_set'.*'weeks'\?"
    ):
        unit_factor("wekks", table("lanes").column("lead_time_days_set"))
    with pytest.raises(InputError, match="Unit 'weeks' is not known for column 'min_order_qty'"):
        unit_factor("weeks", table("lanes").column("min_order_qty"))


@pytest.mark.parametrize(
    ("text", "truth"), [("Ja", True), ("nein", False), ("vrai", True), ("0", False), ("X", True)]
)
def test_truths(text, truth):
    read = column(text, "in_stock", Cell(column="x"), "availability")
    assert read.values.to_list() == [truth]


def test_words_for_unknown_are_no_failure_and_other_words_are():
    for text in ("n/a", "NULL", "-", "k.A."):
        read = column(text, "unit_cost", Cell(column="x"))
        assert (read.values[0], read.failed[0]) == (None, False)
    assert column("maybe", "unit_cost", Cell(column="x")).failed[0]
    assert not column("31.12.9999", "end_date", Cell(column="x")).failed[0]


def test_words_are_translated_and_choices_are_checked():
    cell = Cell(column="x", values={"F": "buy", "E": "make"})
    assert column("F", "make_or_buy", cell).values[0] == "buy"
    assert column("MAKE", "make_or_buy", cell).values[0] == "make"
    assert column("Z", "make_or_buy", cell).failed[0]


def test_typed_columns_keep_their_meaning():
    def typed(values, name, table_name="items"):
        return coerce(
            pl.Series(values), table(table_name).column(name), Cell(column="x"), decimal=",", formats="auto"
        ).values.to_list()

    assert typed([1.0, 12.0], "item_id") == ["1", "12"]
    assert typed([1.5, float("nan")], "unit_cost") == [1.5, None]
    assert typed([DAY], "launch_date") == [DAY]
    assert typed([True], "in_stock", "availability") == [True]
    assert typed([2.0, 2.5], "priority", "lanes") == [2, None]


def test_word_lists_have_no_word_twice():
    assert words("months")["word"].is_unique().all()
    assert words("meanings")["word"].is_unique().all()
    assert words("units").select("dimension", "unit").is_unique().all()
