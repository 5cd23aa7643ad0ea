"""A small company's exports with every fault at once: what is kept, set aside with a reason, refused."""

import gzip
import os
from datetime import date
from pathlib import Path

import pytest

from plimsoll.domain.errors import InputError
from plimsoll.ingest import Mapping, complete, read
from plimsoll.integrations import read_source

MAPPING = """
[source]
as_of = 2024-06-30

[[table]]
table = "items"
from = "Teile"
columns = { item_id = "Teil", description = "Name", unit_cost = "Kosten" }

[[table]]
table = "demand"
from = "Absatz*"
[table.columns]
date = "Tag"
item_id = "Teil"
location_id = "Werk"
order_id = "Auftrag"
line = "Pos"
quantity = "Menge"

[[table]]
table = "lanes"
from = "Teile"
[table.columns]
item_id = "Teil"
from_location_id = "Lieferant"
lead_time_days_set = { column = "Wochen", unit = "weeks" }

[[table]]
table = "stock"
from = "Bestand"
columns = { item_id = "Teil", location_id = "Werk", on_hand = "Menge" }
"""
PARTS = """Teil;Name;Kosten;Lieferant;Wochen
A-1;Welle 1/2" lang;1.250,50 €;ACME;6
B-2;"Rad; groß";0,75;ACME;n/a
C-3;Bolzen;billig;ACME;3
A-1;Welle;9,99;ACME;6
D-4;Feder;-1;ACME;600
"""
SALES = """Tag,Teil,Werk,Menge,Auftrag,Pos
2024-05-06,A-1,W1,10,100,1
13/05/2024,A-1,W1,12,101,1
06/05/2024,B-2,W1,5,102,1
20.05.2024,B-2,W1,-2,103,1
45432,Z-9,W1,1,104,1
2024-05-06,A-1,W1,10,100,1
2024-05-06,A-1,W1,11,100,1
31/31/2024,A-1,W1,1,105,1
2024-05-07,,W1,1,106,1
2024-05-07,A-1,W1,many,107,1
2024-05-07,A-1,W1,1,108
2024-05-07,A-1,W1,1,109,1,extra
1824-05-07,A-1,W1,1,110,1
,,,,,
2024-05-08,B-2,W1,3e12,111,1
2024-07-01,B-2,W1,4,112,1
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Teile.csv").write_text(PARTS, encoding="utf-8")
    (tmp_path / "Absatz_2024.csv.gz").write_bytes(gzip.compress(SALES.encode()))
    (tmp_path / "Bestand.csv").write_text("Teil,Werk,Menge\nA-1,W1,7\n")
    (tmp_path / "Notizen.docx").write_text("not a table")
    return tmp_path


def imported(folder: Path, mapping: str = MAPPING):
    return read(read_source(folder), Mapping.from_text(mapping))


def test_the_whole_outcome(folder):
    result = imported(folder)
    assert result.tables["items"].select("item_id", "unit_cost").rows() == [("A-1", 1250.5)]
    assert result.tables["demand"].select("date", "item_id", "quantity").rows() == [
        (date(2024, 5, 6), "A-1", 10.0),
        (date(2024, 5, 6), "B-2", 5.0),
        (date(2024, 5, 13), "A-1", 12.0),
        (date(2024, 5, 20), "B-2", -2.0),
        (date(2024, 5, 20), "Z-9", 1.0),
        (date(2024, 7, 1), "B-2", 4.0),
    ]
    assert result.quarantine.select("table", "row", "reason").rows() == [
        ("demand", 7, "duplicate_row"),
        ("demand", 8, "duplicate_key"),
        ("demand", 9, "not_a_date"),
        ("demand", 10, "missing_value"),
        ("demand", 11, "not_a_number"),
        ("demand", 12, "too_few_cells"),
        ("demand", 13, "too_many_cells"),
        ("demand", 14, "date_out_of_range"),
        ("demand", 16, "impossible_quantity"),
        ("items", 3, "too_many_cells"),
        ("items", 4, "not_a_number"),
        ("items", 5, "duplicate_key"),
        ("items", 6, "below_minimum"),
        ("lanes", 3, "too_many_cells"),
        ("lanes", 5, "duplicate_row"),
        ("lanes", 6, "above_maximum"),
    ]
    assert result.counts.select("table", "n_in", "n_kept", "n_quarantined", "n_blank").rows() == [
        ("items", 5, 1, 4, 0),
        ("demand", 16, 6, 9, 1),
        ("lanes", 5, 2, 3, 0),
        ("stock", 1, 1, 0, 0),
    ]
    said = {found.code: found.what for found in result.findings if found.table != "lanes"}
    assert said["ignored_files"] == "1 entry of the folder is no table (Notizen.docx)."
    assert said["stray_quotes"].startswith("'Teile.csv' has quotation marks that open no quoted text")
    assert said["date_order"] == "Dates of column 'Tag' for 'demand' were read day first: 1 value proves it."
    assert said["quarantine_duplicate_key"].startswith("1 row of 'demand' repeats the key of an earlier row")
    assert said["unknown_item"] == "4 rows of 'demand' name items that are not in 'items' (B-2, Z-9)."


def test_the_rest_of_the_company_can_be_planned(folder):
    done = complete(imported(folder).tables, as_of=date(2024, 6, 30))
    points = done.points.select(
        "item_id", "location_id", "from_location_id", "unit_cost_eff", "lead_time_days_set"
    )
    assert points.rows() == [
        ("A-1", "W1", "ACME", 1250.5, 42.0),
        ("B-2", "W1", "UNKNOWN", 0.0, None),
        ("C-3", "W1", "ACME", 0.0, 21.0),
        ("Z-9", "W1", "UNKNOWN", 0.0, None),
    ]
    assert done.tables["demand"].height == 5


def test_importing_again_gives_the_same(folder):
    first, second = imported(folder), imported(folder)
    assert first.quarantine.equals(second.quarantine)
    assert all(frame.equals(second.tables[name], null_equal=True) for name, frame in first.tables.items())
    assert first.findings == second.findings


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"weeks"',
            '"wekks"',
            r"Unit 'wekks' is not known .* Did you mean 'weeks'\? Known: days, day, d, working_days",
        ),
        (
            '"Kosten"',
            '"Costen"',
            r"of 'items' names column 'Costen'; 'Teile' lacks it. Did you mean 'Kosten'\?",
        ),
        ('"Bestand"', '"Bestnd"', r"from 'Bestnd', which the source does not have. Did you mean 'Bestand'\?"),
        ("quantity =", "quantty =", r"no column 'quantty'. Did you mean 'quantity'\?"),
        ('\nquantity = "Menge"', "", r"does not fill required 'quantity'. .*Units asked for"),
        ("as_of = 2024-06-30", "", r"does not fill required 'date'.*Set as_of = YYYY-MM-DD"),
    ],
    ids=[
        "unknown unit",
        "missing column",
        "missing table",
        "misspelt column",
        "unfilled column",
        "undated stock",
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(folder, old, new, message):
    assert old in MAPPING
    with pytest.raises(InputError, match=message):
        imported(folder, MAPPING.replace(old, new))


def test_files_that_cannot_be_read_are_refused(folder):
    (folder / "Teile.csv").write_text(PARTS, encoding="cp1252")
    with pytest.raises(
        InputError, match=r"'Teile.csv' is not UTF-8: byte \d+ \(line 2\).*encoding = .cp1252"
    ):
        imported(folder)
    (folder / "Teile.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"'Teile.csv' is empty"):
        imported(folder)
    (folder / "Teile.csv").write_text("Teil;Teil\n1;2\n")
    with pytest.raises(InputError, match=r"'Teile.csv' has the column 'Teil' more than once"):
        imported(folder)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything"
)
def test_a_locked_file_is_refused(folder):
    (folder / "Teile.csv").chmod(0)
    with pytest.raises(InputError, match=r"Teile.csv' cannot be opened: permission denied"):
        imported(folder)


def test_dates_that_could_be_either_are_refused(folder):
    (folder / "Absatz_2024.csv.gz").write_text("Tag,Teil,Werk,Menge,Auftrag,Pos\n01/02/2024,A-1,W1,1,1,1\n")
    with pytest.raises(
        InputError, match=r"day and month cannot be told apart: 01/02/2024.*months. Set date_format"
    ):
        imported(folder)
