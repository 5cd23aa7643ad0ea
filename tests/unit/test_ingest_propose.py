"""A mapping is proposed from headers in four languages and from what the values look like."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest import Mapping, mapping_text, propose, read
from plimsoll.ingest.vocabulary import words


def raw(name: str, **columns: str) -> RawTable:
    frame = pl.DataFrame({header.replace("__", " "): [value] for header, value in columns.items()})
    return RawTable(name, f"{name}.csv", frame)


GERMAN = raw(
    "Auftraege_2024",
    Auftragsnummer="7",
    Pos="10",
    Materialnummer="A",
    Werk="W1",
    Wunschdatum="13.01.2024",
    Auftragsmenge="5",
)
ENGLISH = raw("Sales Orders", OrderNo="7", SKU="A", Warehouse="W1", Order__Date="2024-01-13", Qty="5")
FRENCH = raw("ventes", Code__Article="A", Dépôt="W1", Date="13/01/2024", Quantité="5")
DUTCH = raw("verkopen", Artikelcode="A", Magazijn="W1", Datum="13-01-2024", Aantal="5")


@pytest.mark.parametrize("source", [GERMAN, ENGLISH, FRENCH, DUTCH], ids=lambda source: source.name)
def test_demand_in_four_languages(source):
    mapping = propose([source])
    (part,) = mapping.tables
    filled = {name: cell.column for name, cell in part.columns.items()}
    assert part.table == "demand"
    assert {"date", "item_id", "location_id", "quantity"} <= set(filled)
    assert read([source], mapping).tables["demand"].select("item_id", "location_id", "quantity").rows() == [
        ("A", "W1", 5.0)
    ]


def test_item_master_also_fills_lanes_and_points():
    master = raw(
        "Materialstamm",
        Materialnummer="A",
        Standardpreis="1,25",
        Planlieferzeit__Wochen="2",
        Lieferant="ACME",
        Meldebestand="5",
        Colour="red",
    )
    mapping = propose([master])
    tables = read([master], mapping).tables
    assert set(tables) == {"items", "lanes", "stocking_points"}
    assert tables["items"]["unit_cost"].to_list() == [1.25]
    assert tables["lanes"].select("from_location_id", "lead_time_days_set").rows() == [("ACME", 14.0)]
    assert tables["stocking_points"]["current_min"].to_list() == [5.0]
    unused = [note.header for note in mapping.notes if not note.table]
    assert unused == ["Colour"]
    text = mapping_text(mapping)
    assert "# 95% sure" in text
    assert "# Not used from 'Materialstamm': Colour" in text
    assert Mapping.from_text(text).model_dump() == mapping.model_dump()


def test_receipts_stock_and_open_orders_are_told_apart():
    sources = [
        ENGLISH,
        raw(
            "Wareneingang",
            Bestellnummer="1",
            Material="A",
            Werk="W1",
            Lieferant="V",
            Bestelldatum="01.01.2024",
            Wareneingangsdatum="13.01.2024",
            Menge="5",
        ),
        raw("Bestand", Material="A", Werk="W1", Bestand="12"),
        raw("open_pos", PO="1", Material="A", Plant="W1", Vendor="V", ETA="2024-02-01", Open__Qty="4"),
        raw("Stückliste", Baugruppe="A", Komponente="B", Menge="2"),
    ]
    mapping = propose(sources)
    assert [part.table for part in mapping.tables] == ["demand", "receipts", "stock", "open_orders", "bom"]
    result = read(sources, mapping)
    assert result.quarantine.is_empty()
    assert result.tables["stock"]["date"].to_list() == result.tables["receipts"]["received_date"].to_list()


def test_wide_periods_and_availability():
    wide = raw("history", Part="A", **{"2024-W01": "1", "2024-W02": "2", "2024-W03": "0"})
    mapping = propose([wide])
    assert mapping.tables[0].wide is not None
    assert read([wide], mapping).tables["demand"]["quantity"].to_list() == [1.0, 2.0, 0.0]
    flags = raw("history", product="A", store="1", week="2024-01-01", units="3", in_stock="1")
    assert [part.table for part in propose([flags]).tables] == ["demand", "availability"]


def test_values_must_fit_the_column():
    assert "date" not in propose([raw("items", item="A", cost="2.5", launch__date="soon")]).tables[0].columns
    mapping = propose([raw("items", item="A", cost="cheap", price="3")])
    assert "unit_cost" not in mapping.tables[0].columns
    assert "unit_price" in mapping.tables[0].columns


def test_a_master_with_one_row_for_each_place_gives_items_once():
    frame = pl.DataFrame(
        {"Material": ["A", "A"], "Werk": ["1", "2"], "Bezeichnung": ["x", "x"], "Meldebestand": ["5", "6"]}
    )
    master = RawTable("marc", "marc.csv", frame)
    result = read([master], propose([master]))
    assert result.tables["items"].height == 1
    assert result.tables["stocking_points"].select("location_id", "current_min").rows() == [
        ("1", 5.0),
        ("2", 6.0),
    ]
    assert result.quarantine.is_empty()


def test_nothing_recognised_is_refused():
    with pytest.raises(InputError, match=r"No table is recognised in colours. Write a mapping"):
        propose([raw("colours", hue="red", tint="pale")])


def test_words_are_of_columns_and_tables_that_exist():
    known = {column for name in input_tables() for column in table(name).names}
    assert set(words("columns")["column"]) == known
    assert set(words("tables")["table"]) == set(input_tables())


def table_of(name: str, text: str) -> RawTable:
    """Lines of cells divided by spaces; a dash is blank."""
    header, *lines = (line.split() for line in text.strip().splitlines())
    cells = {
        column: [None if line[at] == "-" else line[at] for line in lines] for at, column in enumerate(header)
    }
    return RawTable(name, f"{name}.csv", pl.DataFrame(cells, schema=dict.fromkeys(header, pl.String)))


def test_undated_stock_is_of_the_last_day_of_the_last_period():
    sales = table_of("sales", "item 2026-W39 2026-W40 2026-W41 2026-W42\nA 1 1 2 -\nB 3 0 1 -")
    stock = raw("stock", item="A", on__hand="5")
    assert propose([sales, stock]).source.as_of == date(2026, 10, 11), "nothing is known of W42"
    assert propose([sales, stock], today=date(2026, 10, 8)).source.as_of == date(2026, 10, 8)
    months = table_of("sales", "item month quantity\nA 2026-01 1\nA 2026-02 1\nA 2026-03 1")
    assert propose([months, stock]).source.as_of == date(2026, 3, 31)


@pytest.mark.parametrize(("blank", "cell"), [("zero", "3"), ("unknown", "0")])
def test_blank_cells_mean_nothing_asked_for_only_where_no_zero_is_written(blank, cell):
    sales = table_of("sales", f"item 2026-W40 2026-W41 2026-W42\nA 1 - 2\nB {cell} 1 -")
    mapping = propose([sales])
    assert mapping.tables[0].wide.blank == blank
    assert Mapping.from_text(mapping_text(mapping)).tables == mapping.tables
    quantities = read([sales], mapping).tables["demand"]["quantity"]
    assert quantities.null_count() == (2 if blank == "unknown" else 0)


def test_a_few_repeated_keys_are_faults_of_a_master():
    lines = "\n".join(f"P{n} {n + 1}" for n in range(20))
    result = read([few := table_of("parts", f"part cost\n{lines}\nP3 99")], propose([few]))
    assert result.quarantine.select("row", "reason").rows() == [(22, "duplicate_key")]


def test_a_column_of_that_name_is_taken_when_half_of_it_can_be_read():
    half = table_of("parts", "part cost\nA 1\nB free\nC 2\nD n.a.\nE x")
    assert propose([half]).tables[0].columns["unit_cost"].column == "cost"
    none = table_of("parts", "part name cost\nA x cheap\nB y dear")
    text = mapping_text(propose([none]))
    assert "Not used from 'parts': cost (values do not fit unit_cost)" in text


def test_a_table_called_like_ours_that_lacks_a_column_is_named():
    sales = raw("sales", item="A", month__index="1", quantity="2")
    parts = raw("parts", item="A", cost="1")
    mapping = propose([sales, parts])
    assert [part.table for part in mapping.tables] == ["items"]
    assert "'sales' is called like 'demand', but lacks a column for date" in mapping_text(mapping)
    found = {finding.code: finding for finding in read([sales, parts], mapping).findings}
    assert found["table_not_recognised"].severity == "error"


def test_a_mapping_without_tables_is_kept_in_the_proposal():
    given = Mapping.from_text('[source]\ncurrency = "EUR"\n[constants]\nlocation_id = "W1"')
    mapping = propose([ENGLISH], given)
    assert (mapping.source.currency, mapping.constants) == ("EUR", {"location_id": "W1"})
    assert mapping.tables == propose([ENGLISH]).tables
