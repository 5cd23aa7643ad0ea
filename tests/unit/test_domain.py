"""The ground floor: schemas, calendar, findings, errors, parameters."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.calendar import last_complete_start, period_index, period_start, periods_between
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.findings import Finding, findings_frame, keys_of
from plimsoll.domain.params import Params
from plimsoll.domain.tables import input_tables, table, table_names


@pytest.mark.parametrize("name", table_names())
def test_every_column_is_declared_in_full(name):
    spec = table(name)
    assert spec.key, f"{name} has no key"
    assert len(set(spec.names)) == len(spec.names)
    for column in spec.columns:
        assert column.description, column.name
        assert column.null in {"required", "unknown"}, column.name
        assert column.status in {"input", "result"}, column.name
        assert not column.name.endswith("_days") or column.unit.endswith("days"), column.name


def test_the_thirteen_canonical_tables_are_there():
    assert len(input_tables()) == 13


def test_conform_orders_casts_and_fills():
    frame = pl.DataFrame({"location_id": ["B", "A"], "kind": ["dc", None]})
    out = table("locations").conform(frame)
    assert out.rows() == [("A", None, None), ("B", "dc", None)]


def test_conform_refuses_what_is_not_declared():
    with pytest.raises(InputError, match=r"undeclared columns: knd.*Did you mean 'kind'"):
        table("locations").conform(pl.DataFrame({"location_id": ["A"], "knd": ["dc"]}))


def test_conform_refuses_nulls_in_required_columns():
    with pytest.raises(InputError, match="nulls in required columns: location_id"):
        table("locations").conform(pl.DataFrame({"location_id": [None]}, schema={"location_id": pl.String}))


def test_conform_refuses_a_repeated_key():
    with pytest.raises(InputError, match=r"2 rows share a key \(A\)"):
        table("locations").conform(pl.DataFrame({"location_id": ["A", "A"]}))


def test_rows_with_an_unknown_part_of_the_key_are_not_repeats():
    rows = pl.DataFrame({"date": [date(2026, 1, 5)] * 2, "item_id": "I", "location_id": "L", "quantity": 1.0})
    assert table("demand").conform(rows).height == 2


def test_only_complete_periods_are_history():
    sunday, saturday = date(2026, 11, 22), date(2026, 11, 21)
    assert last_complete_start(sunday, "week") == date(2026, 11, 16)
    assert last_complete_start(saturday, "week") == date(2026, 11, 9)
    assert last_complete_start(date(2026, 11, 30), "month") == date(2026, 11, 1)
    assert last_complete_start(date(2026, 11, 29), "month") == date(2026, 10, 1)


@pytest.mark.parametrize("bucket", ["week", "month"])
def test_period_index_agrees_with_periods_between(bucket):
    start = period_start(date(2024, 1, 31), bucket)
    days = pl.Series("day", [date(2024, 2, 1), date(2025, 3, 3), date(2026, 12, 31)])
    got = pl.DataFrame({"day": days}).select(period_index(pl.col("day"), start, bucket)).to_series().to_list()
    want = [periods_between(start, period_start(day, bucket), bucket) - 1 for day in days]
    assert got == want


def test_findings_name_the_first_five_keys():
    rows = pl.DataFrame({"item_id": list("ABCDEFG"), "location_id": "DC1"})
    assert keys_of(rows, ["item_id", "location_id"]) == "A @ DC1, B @ DC1, C @ DC1, D @ DC1, E @ DC1, …"
    finding = Finding("code", "info", "items", 7, "A", "what", "why", "done", "remedy")
    assert findings_frame([finding]).height == 1
    assert findings_frame([]).schema == table("finding").schema


def test_parameters_answer_typos_and_ranges():
    class Example(Params):
        review_days: float = 7

    with pytest.raises(SettingError, match="Did you mean 'review_days'"):
        Example.read({"review_day": 3}, "example")
    with pytest.raises(SettingError, match=r"\[example\] review_days = 'often'"):
        Example.read({"review_days": "often"}, "example")
