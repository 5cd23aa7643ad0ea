"""Files of every kind are read as texts, and a file that cannot be read says so."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from plimsoll.domain.errors import InputError
from plimsoll.integrations import read_source, sources, text


def one(tmp_path: Path, content: bytes, name: str = "sales.csv", encoding: str | None = None):
    (tmp_path / name).write_bytes(content)
    return read_source(tmp_path / name, encoding=encoding)[0]


def test_the_line_that_names_the_separator_is_no_header(tmp_path):
    found = one(tmp_path, b"sep=;\r\nname;n\r\nA;1,5\r\nB;2;x\r\n")
    assert found.frame.rows() == [("A", "1,5"), ("B", "2")]
    assert found.first_row == 3
    assert found.n_cells.to_list() == [2, 3]


def test_titles_above_the_columns_of_a_sheet_are_passed_over(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "stock.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Stock of today")
        sheet.write_row(2, 0, ["item", "site", "units"])
        sheet.write_row(3, 0, ["A", "W", 5])
    (found,) = read_source(tmp_path)
    assert found.frame.rows(named=True) == [{"item": "A", "site": "W", "units": "5"}]
    assert found.first_row == 4
    assert [finding.code for finding in found.findings] == ["title_rows"]
    assert found.findings[0].what.startswith(
        "2 rows above the column names of 'stock.xlsx:Sheet1' are titles"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found(tmp_path, separator):
    rows = [["Material", "Menge"], ["A 1", "1"], ["A 2", "2"]]
    raw = one(tmp_path, "\n".join(separator.join(row) for row in rows).encode())
    assert raw.frame.columns == ["Material", "Menge"]
    assert raw.frame.rows() == [("A 1", "1"), ("A 2", "2")]


def test_decimal_commas_do_not_win_over_semicolons(tmp_path):
    raw = one(tmp_path, b"a;b\n1,5;2,5\n3,5;4,5\n")
    assert raw.frame.rows() == [("1,5", "2,5"), ("3,5", "4,5")]


def test_nothing_is_interpreted(tmp_path):
    raw = one(tmp_path, b"id,day,qty\n00123,05/06/2024,1e3\n,NULL,007\n")
    assert raw.frame.rows() == [("00123", "05/06/2024", "1e3"), (None, "NULL", "007")]
    assert raw.first_row == 2


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname,qty\nM\xc3\xbcller,1\n",
        gzip.compress("name,qty\nMüller,1\n".encode()),
        b"name,qty\r\nM\xc3\xbcller,1\r\n",
        b"name,qty\rM\xc3\xbcller,1\r",
    ],
    ids=["byte order mark", "gzip", "windows lines", "old mac lines"],
)
def test_forms_of_utf8(tmp_path, content):
    assert one(tmp_path, content, "sales.csv.gz").frame.rows() == [("Müller", "1")]


def test_other_encoding_only_when_said(tmp_path):
    content = b"name,qty\n" + b"plain,1\n" * 50_000 + "Müller,2\n".encode("cp1252")
    with pytest.raises(
        InputError, match=r"'sales.csv' is not UTF-8: byte 400010 \(line 50002\).*encoding = "
    ):
        one(tmp_path, content)
    assert one(tmp_path, content, encoding="cp1252").frame["name"][-1] == "Müller"
    utf16 = "name,qty\nMüller,2\n".encode("utf-16")
    assert one(tmp_path, utf16, encoding="utf-16").frame.rows() == [("Müller", "2")]
    with pytest.raises(InputError, match=r"no text encoding 'cp1225'. Did you mean 'cp125"):
        read_source(tmp_path, encoding="cp1225")


def test_cells_of_ragged_rows_are_counted(tmp_path):
    raw = one(tmp_path, b'a,b,c\n1,2,3\n1,2,3,4\n1,2\n1,"2\n,",3\n\n1,2,3,\n')
    assert raw.n_cells.to_list() == [3, 4, 2, 3, 1, 3]
    assert raw.frame["b"].to_list() == ["2", "2", "2", "2\n,", None, "2"]


def test_cell_counts_do_not_depend_on_chunks(tmp_path, monkeypatch):
    content = b'a,b,c\r\n1,2,3\r\n1,2,3,4\r\n"x,\r\ny",2\r\n1,2,3,\r\n4,5'
    whole = one(tmp_path, content).n_cells.to_list()
    assert whole == [3, 4, 2, 3, 2]
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(text, "CHUNK_BYTES", size)
        assert one(tmp_path, content).n_cells.to_list() == whole


def test_inch_marks_are_plain_signs(tmp_path):
    raw = one(tmp_path, b'id;name\n1;1/2" bolt\n2;"quoted ""name"""\n3;3/4" nut\n')
    assert raw.frame["name"].to_list() == ['1/2" bolt', 'quoted "name"', '3/4" nut']
    assert [found.code for found in raw.findings] == ["stray_quotes"]


def test_folder_gives_tables_and_names_the_rest(tmp_path):
    (tmp_path / "README.md").write_text("hello")
    (tmp_path / "old").mkdir()
    (tmp_path / "~$lock.xlsx").write_text("x")
    (tmp_path / "b.csv").write_text("x\n1\n")
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "a.parquet")
    tables = read_source(tmp_path)
    assert [(raw.name, raw.source) for raw in tables] == [("a", "a.parquet"), ("b", "b.csv")]
    assert tables[0].frame.schema == {"n": pl.Int64}
    found = tables[0].findings[0]
    assert (found.code, found.n_rows, found.keys) == ("ignored_files", 2, "README.md, old")


def test_sheets_of_a_workbook_are_tables(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "erp.xlsx")
    day = book.add_format({"num_format": "dd.mm.yyyy"})
    sheet = book.add_worksheet("Items")
    sheet.write_row(0, 0, ["Material", "Preis", "Datum"])
    sheet.write_row(1, 0, ["00123", 1.25])
    sheet.write_datetime(1, 2, datetime(2024, 1, 5, tzinfo=UTC).replace(tzinfo=None), day)
    sheet.write_row(2, 0, [4711, 100])
    book.add_worksheet("Empty")
    book.add_worksheet("Stock").write_row(0, 0, ["Material"])
    book.close()
    items, stock = read_source(tmp_path / "erp.xlsx")
    assert items.frame.rows() == [("00123", "1.25", "2024-01-05 00:00:00"), ("4711", "100", None)]
    assert (stock.name, stock.source, stock.frame.shape) == ("Stock", "erp.xlsx:Stock", (0, 1))
    assert {raw.name for raw in read_source(tmp_path)} == {"erp.Items", "erp.Stock"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"'a.csv' is empty. An export probably failed"),
        ("a.csv", b" \n\n", r"'a.csv' is empty"),
        ("a.csv", b"x,y,x\n1,2,3\n", r"'a.csv' has the column 'x' more than once"),
        ("a.csv", b"x\x00y\n", r"'a.csv' is not a text file"),
        (
            "a.csv.gz",
            gzip.compress(b"x\n" + b"1\n" * 9999, mtime=0)[:-30],
            r"'a.csv.gz' is cut off or damaged",
        ),
        ("a.csv.gz", b"\x1f\x8bnonsense that is no gzip", r"'a.csv.gz' is cut off or damaged"),
        ("a.xlsx", b"hello", r"'a.xlsx' cannot be read as a workbook"),
        ("a.parquet", b"hello", r"'a.parquet' cannot be read as Parquet"),
        ("a.pdf", b"hello", r"'a.pdf' is not a kind of file that Plimsoll reads. Give one of .csv"),
    ],
)
def test_unreadable_files_say_so(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_source(tmp_path / name)


def test_header_alone_is_a_table_without_rows(tmp_path):
    assert one(tmp_path, b"x,y\n").frame.shape == (0, 2)


def test_missing_empty_and_locked_sources(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"nowhere' does not exist. Check the path"):
        read_source(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"There is no table in .* Give a folder or file"):
        read_source(tmp_path)
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x\n1\n", mtime=0))
    with pytest.raises(
        InputError, match=r"Two tables are called 'a': a.csv, a.csv.gz. Rows would count twice"
    ):
        read_source(tmp_path)

    def locked(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", locked)
    with pytest.raises(InputError, match=r"a.csv' cannot be opened: permission denied. Close it"):
        read_source(tmp_path / "a.csv")


def test_source_beyond_memory_is_refused_before_reading(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"x\n" + b"1\n" * 5_000)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x\n" + b"1\n" * 5_000, mtime=0))
    pl.DataFrame({"n": [1] * 1_000}).write_parquet(tmp_path / "c.parquet")
    monkeypatch.setattr(sources, "available_bytes", lambda: 10 * 29_100)
    assert len(read_source(tmp_path)) == 3
    monkeypatch.setattr(sources, "available_bytes", lambda: 10 * 28_900)
    with pytest.raises(
        InputError, match=r"holds 0.0 GB of text, which needs about .* of memory; .* are available"
    ):
        read_source(tmp_path)


def test_available_memory_is_known_here():
    assert sources.available_bytes() is None or sources.available_bytes() > 1 << 20


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_limit_bytes", lambda group: 5_000)
    assert sources.available_bytes() == 5_000
    monkeypatch.undo()
    (tmp_path / "memory.max").write_text("9000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert sources._limit_bytes(tmp_path) == 7_000
    (tmp_path / "memory.max").write_text("max\n")
    assert sources._limit_bytes(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name;n\nMüller;2\n".encode("utf-16"), r'not UTF-8 but UTF-16.*encoding = "utf-16"'),
        (bytes(range(256)), "is not a text file: it holds zero bytes"),
    ],
)
def test_what_is_not_utf8_is_named_as_what_it_is(tmp_path, content, says):
    with pytest.raises(InputError, match=says):
        one(tmp_path, content)
