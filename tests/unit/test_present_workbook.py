"""The workbook, read back: texts stay texts, numbers stay numbers, columns are explained."""

import re
import time
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import fastexcel
import polars as pl
import pytest

from plimsoll.present.spreadsheet import rows_as_xml
from plimsoll.present.workbook import PROSE, lists, write_workbook

SHEETS = [
    "Summary",
    "Orders today",
    "Stranded cash",
    "At risk",
    "Policies",
    "Lead times",
    "Findings",
    "Set aside",
    "Columns",
]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def book(result, tmp_path_factory):
    file = tmp_path_factory.mktemp("book") / "plan.xlsx"
    write_workbook(result, file)
    return file


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - written by this test


def sheet(file, name, **options):
    return fastexcel.read_excel(str(file)).load_sheet(name, **options).to_polars()


def test_sheets(book):
    assert fastexcel.read_excel(str(book)).sheet_names == SHEETS


def test_rows_and_their_order_survive(book, result):
    orders = sheet(book, "Orders today")
    assert orders["item_id"].to_list() == ["P-100", "=SUM(A1)<script>alert(1)</script>[bold]", "P-100"]
    assert orders["money_at_risk"].to_list() == [1800.0, 440.0, 300.0]
    assert (
        orders["sentence"][0] == result["recommendation"].filter(pl.col("quantity") == 270)["sentence"].item()
    )
    assert orders["order_date"][0].date() == date(2026, 11, 21)
    assert sheet(book, "Stranded cash")["item_id"].to_list() == ["P-500", "S-300"]
    policies = sheet(book, "Policies")
    assert policies.height == 5
    row = policies.row(
        by_predicate=(pl.col("location_id") == "DC1") & (pl.col("item_id") == "P-100"), named=True
    )
    assert [
        row[name] for name in ("abc", "reorder_point_qty", "buffer_qty", "current_min", "mean_days_est")
    ] == [
        "A",
        310.0,
        120.0,
        150.0,
        31.0,
    ]
    assert row["lead_time_days_set"] == 20.0


def test_nothing_is_a_formula(book):
    with zipfile.ZipFile(book) as parts:
        pages = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(pages) == len(SHEETS)
        assert [name for name in pages if list(parsed(parts.read(name)).iter(f"{MAIN}f"))] == []


def test_summary_holds_headline_figures_classes_and_contents(book):
    cells = [
        str(cell)
        for row in sheet(book, "Summary", header_row=None).rows()
        for cell in row
        if cell is not None
    ]
    assert cells[0] == "Plan plan-000001, known on 2026-11-21"
    assert cells[1].startswith("4,700 EUR of the 6,250 EUR in stock")
    assert {"Today", "Plan", "Inventory value", "6250", "800", "cash_to_release", "Orders today"} <= {
        cell.removesuffix(".0") for cell in cells
    }


def test_every_column_is_explained(book, result):
    guide = sheet(book, "Columns")
    blocks = lists(result)
    for name, block in blocks.items():
        explained = guide.filter(pl.col("sheet") == name)
        assert explained["column"].to_list() == block.frame.columns
    assert guide["meaning"].null_count() == 0
    assert guide.filter(pl.col("column") == "Cover")["unit"].item() == "days"


def test_columns_are_wide_enough_and_in_the_format_of_their_unit(book, result):
    with zipfile.ZipFile(book) as parts:
        page = parsed(parts.read("xl/worksheets/sheet2.xml"))
        styles = parsed(parts.read("xl/styles.xml"))
    widths = {
        n: float(col.get("width"))
        for col in page.iter(f"{MAIN}col")
        for n in range(int(col.get("min")), int(col.get("max")) + 1)
    }
    codes = {fmt.get("numFmtId"): fmt.get("formatCode") for fmt in styles.iter(f"{MAIN}numFmt")}
    codes |= {"3": "#,##0", "4": "#,##0.00", "0": "General"}
    cell_styles = styles.find(f"{MAIN}cellXfs").findall(f"{MAIN}xf")
    columns = lists(result)["Orders today"].frame.columns
    row = page.find(f"{MAIN}sheetData").findall(f"{MAIN}row")[1]
    style = {
        columns[ord(cell.get("r")[0]) - ord("A")]: cell_styles[int(cell.get("s"))]
        for cell in row
        if cell.get("r")[1] == "2"
    }
    code = {name: codes[xf.get("numFmtId")] for name, xf in style.items()}
    assert (code["quantity"], code["money_at_risk"], code["unit_cost"], code["stockout_probability"]) == (
        "#,##0.0",
        "#,##0",
        "#,##0.00",
        "0.0%",
    )
    assert code["due_date"] == "yyyy-mm-dd"
    for n, name in enumerate(columns, 1):
        wrapped = style[name].find(f"{MAIN}alignment").get("wrapText") == "1" if name in style else False
        assert wrapped == (name in PROSE)
        assert widths[n] >= (50 if name in PROSE else len(name))


def test_odd_texts_make_sound_cells():
    odd = ["a & b <c>", "line\nbreak", "bell\x07", " spaces ", "_x0041_", "ж Ω 漢", "", None, "x" * 40_000]
    frame = pl.DataFrame({"text": odd, "flag": [True, False, None] * 3})
    read = parsed(f"<all>{rows_as_xml(frame, [0, 0], 1)}</all>")
    texts = ["".join(cell.itertext()) for cell in read.iter("c") if cell.get("t") == "inlineStr"]
    assert texts == [
        "a & b <c>", "line\nbreak", "bell ", " spaces ", "_x005F_x0041_", "ж Ω 漢", "", "x" * 32_767,
    ]  # fmt: skip
    flags = [cell.get("r") + cell[0].text for cell in read.iter("c") if cell.get("t") == "b"]
    assert flags == ["B21", "B30", "B51", "B60", "B81", "B90"]


def test_numbers_and_days_are_exact_and_infinity_is_left_out(tmp_path):
    frame = pl.DataFrame(
        {
            "float": [0.1 + 0.2, 1e-300, -1e22, float("inf"), None],
            "whole": [2**53, -1, 0, None, 5],
            "day": [date(2026, 11, 21), date(1999, 12, 31), date(1901, 1, 1), None, None],
        }
    )
    read = parsed(f"<all>{rows_as_xml(frame, [0, 0, 0], 1)}</all>")
    cells = {cell.get("r"): cell[0].text for cell in read.iter("c")}
    assert [float(cells[f"A{n}"]) for n in (2, 3, 4)] == frame["float"].to_list()[:3]
    assert {"A5", "A6", "B5", "C5", "C6"} & set(cells) == set()
    assert int(cells["B2"]) == 2**53
    assert [int(cells[f"C{n}"]) for n in (2, 3, 4)] == [46347, 36525, 367]


def test_an_empty_plan_still_makes_a_workbook(bare, tmp_path):
    write_workbook(bare, tmp_path / "bare.xlsx")
    assert fastexcel.read_excel(str(tmp_path / "bare.xlsx")).sheet_names == SHEETS
    assert sheet(tmp_path / "bare.xlsx", "Orders today").height <= 1


def test_twenty_five_thousand_stocking_points_take_seconds(result, planned, tmp_path):
    # About 2 s of one core; in processor time, so that a busy machine does not fail it.
    times = 5_000

    def grown(frame):
        name = pl.col("item_id") + pl.int_range(pl.len()).cast(pl.String)
        return pl.concat([frame] * times).with_columns(item_id=name)

    tables = {name: frame if name == "finding" else grown(frame) for name, frame in result.tables.items()}
    large = planned(tables=tables)
    start = time.process_time()
    write_workbook(large, tmp_path / "large.xlsx")
    assert time.process_time() - start < 8.0
    assert sheet(tmp_path / "large.xlsx", "Policies").height == 25_000


def test_sheet_names_and_headings_fit_excel(result):
    for name, block in lists(result).items():
        assert len(name) <= 31
        assert not re.search(r"[\[\]:*?/\\]", name)
        assert len(set(map(str.lower, block.frame.columns))) == block.frame.width
