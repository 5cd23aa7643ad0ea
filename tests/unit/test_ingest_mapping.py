"""Mappings are read, checked against the source, written back, and say what is wrong with them."""

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.ingest import Mapping, find_mapping, mapping_text
from plimsoll.ingest.mapping import shipped_mappings

FULL = """
title = "All that a mapping can say"

[source]
decimal = ","
date_format = ["%d.%m.%Y", "%m/%d/%Y"]
encoding = "cp1252"
as_of = 2024-06-30
currency = "EUR"

[constants]
location_id = "W 1"

[[table]]
table = "demand"
from = "sales_*"
optional = true
filter = { Status = "open", "Order type" = { not_equals = ["X", "Y"] }, Date = { given = true } }
[table.columns]
date = "Date"
item_id = "Material"
quantity = { column = "Menge", multiply = 2, divide_by = "Preiseinheit", decimal = "." }
order_id = { row = true }
promised_date = { column = "due", date_format = "%Y%m%d" }

[[table]]
table = "items"
from = "parts"
distinct = true
latest_by = "Changed"
[table.columns]
item_id = "Material"
make_or_buy = { column = "Typ", values = { F = "buy", E = "make" } }
shelf_life_days = { column = "Life", unit = "months" }

[[table]]
table = "demand"
from = "wide"
columns = { item_id = "Material" }
wide = { columns = "^20", unit = "dozen" }
"""


def test_round_trip_through_text():
    mapping = Mapping.from_text(FULL)
    assert Mapping.from_text(mapping_text(mapping)) == mapping
    for name in shipped_mappings():
        shipped = find_mapping(name)
        assert Mapping.from_text(mapping_text(shipped)) == shipped


def sheet(**columns):
    return RawTable("sales", "sales.csv", pl.DataFrame(columns))


TABLE = '[[table]]\ntable = "demand"\nfrom = "sales"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[table]", r"The mapping 'mapping' is not valid TOML: .*line 1"),
        (
            TABLE + "colums = {}",
            r"unknown key 'colums' in \[\[table\]\] 1 \('demand' from 'sales'\). Did you mean 'columns'\?",
        ),
        (
            TABLE + "[table.columns]\nquantity = { colum = 'x' }",
            r"unknown key 'colum' in .*, columns, quantity. Did you mean 'column'\?",
        ),
        ("[sources]\n" + TABLE, r"unknown key 'sources' in the file. Did you mean 'source'\?"),
        ("[source]\ndecimals = '.'\n" + TABLE, r"unknown key 'decimals' .* Did you mean 'decimal'\?"),
        (
            "[source]\ndecimal = ';'\n" + TABLE,
            r"not usable at 'decimal' in \[source\]: it should be 'auto', '.' or ','",
        ),
        ("[[table]]\ntable = 'demand'\n", r"lacks 'from' in \[\[table\]\] 1"),
        ("[source]\ndate_format = 'dd.mm'\n" + TABLE, r"'dd.mm' is no date format"),
        (
            '[[table]]\ntable = "demands"\nfrom = "x"',
            r"table 'demands', which does not exist. Did you mean 'demand'",
        ),
        (TABLE + "[table.columns]\nquantty = 'x'", r"no column 'quantty'. Did you mean 'quantity'\?"),
        (
            TABLE + "[table.columns]\nquantity = { column = 'x', unit = 'dozn' }",
            r"Unit 'dozn' .* Did you mean 'dozen'",
        ),
        (
            TABLE + "[table.columns]\nquantity = { column = 'x', value = 1 }",
            r"give exactly one of column, value and row",
        ),
        (
            "[constants]\nlocation = 'x'\n" + TABLE,
            r"the constant 'location', which is a column of no table. Did you",
        ),
    ],
)
def test_mistakes_in_a_mapping_are_named(text, message):
    with pytest.raises(InputError, match=message):
        Mapping.from_text(text)


def test_missing_table_and_column_are_named_with_the_nearest():
    mapping = Mapping.from_text(TABLE + 'columns = { date = "Datum", item_id = "Material" }')
    with pytest.raises(InputError, match=r"fills 'demand' from 'sales', which .* Tables available: sale\."):
        mapping.missing([RawTable("sale", "sale.csv", pl.DataFrame({"x": [1]}))])
    message = (
        r"names column 'Material'; 'sales' lacks it. Did you mean 'Materiel'\? .*available: Datum, Materiel"
    )
    with pytest.raises(InputError, match=message):
        mapping.missing([sheet(Datum=["1"], Materiel=["A"])])


def test_unknown_mapping_is_answered_with_those_that_are_shipped(tmp_path):
    with pytest.raises(
        InputError,
        match=r"no mapping 'mann': .*Did you mean 'man'\? Give a file or one of: auto, carparts, man, scms",
    ):
        find_mapping("mann")
    (tmp_path / "m.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(InputError, match="is not UTF-8: byte 9"):
        find_mapping(tmp_path / "m.toml")
