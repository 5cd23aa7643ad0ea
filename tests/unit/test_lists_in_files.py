"""Lists in files: what Excel gets, and what comes back from people who edited it."""

import csv
import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
import xlsxwriter

from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person, owner
from plimsoll.integrations.batch_files import harmless
from plimsoll.store import Workspace
from plimsoll.workflows import decide
from plimsoll.workflows.desk import Desk
from plimsoll.workflows.lists_in_files import as_csv, as_workbook, decide_from_file, read_decisions

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 8, 12, tzinfo=UTC)
EVIL = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "|x", "%x", "plain", "'=1", "<script>", None]
LINES = pl.DataFrame(
    {
        "line_id": ["r-1-1", "r-1-2", "r-1-3"],
        "version": [0, 0, 2],
        "status": ["proposed", "proposed", "accepted"],
        "quantity_set": [None, None, None],
        "quantity_eff": [10.0, 1234.5, 7.0],
        "date_set": [None, None, None],
        "date_eff": [date(2026, 12, 1), date(2026, 12, 2), None],
        "decided_by": ["", "", "lee"],
        "decided_at": [None, None, NOW],
    },
    schema_overrides={
        "quantity_set": pl.Float64,
        "date_set": pl.Date,
        "decided_at": pl.Datetime("us", "UTC"),
    },
)


def edited(changes, name="list.csv", lines=LINES):
    """What comes back when a person changes cells: {line: {column: text}}."""
    rows = list(csv.DictReader(io.StringIO(as_csv(lines)[3:].decode())))
    for row in rows:
        row.setdefault("reason_code", "")
        row.setdefault("reason_text", "")
        row |= changes.get(row["line_id"], {})
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return read_decisions(out.getvalue().encode(), name, lines)


def test_texts_in_a_csv_are_no_formulas_and_numbers_are_numbers():
    frame = pl.DataFrame(
        {"t": EVIL, "n": [-1.5] * len(EVIL), "d": [date(2026, 1, 2)] * len(EVIL), "b": [True] * len(EVIL)}
    )
    rows = list(csv.reader(io.StringIO(as_csv(frame)[3:].decode(), newline="")))
    assert rows[0] == ["t", "n", "d", "b"]
    assert [row[0] for row in rows[1:]] == ["" if text is None else harmless(text) for text in EVIL]
    assert {tuple(row[1:]) for row in rows[1:]} == {("-1.5", "2026-01-02", "true")}


def test_texts_in_a_workbook_are_no_formulas_and_days_are_days():
    frame = pl.DataFrame({"t": EVIL[:4], "n": [1.5] * 4, "at": [NOW] * 4, "b": [True, False, None, True]})
    back = pl.read_excel(io.BytesIO(as_workbook(frame, "items")))
    assert back["t"].to_list() == EVIL[:4]
    assert back["n"].to_list() == [1.5] * 4
    assert back["at"].to_list() == ["2026-11-21T08:12:00Z"] * 4
    assert back["b"].to_list() == ["true", "false", None, "true"]
    with pytest.raises(InputError, match="too many for an Excel file"):
        as_workbook(pl.DataFrame({f"c{n}": pl.zeros(10_001, eager=True) for n in range(200)}), "items")


def test_a_list_that_nobody_edited_asks_for_nothing():
    found = edited({})
    assert (found.decisions.height, found.problems.height, found.n_rows, found.n_same) == (0, 0, 3, 3)


def test_each_edit_becomes_a_decision():
    found = edited(
        {
            "r-1-1": {"status": "Accepted"},
            "r-1-2": {
                "quantity_set": "1,500.00", "date_set": "2026-12-24", "reason_code": "too_little",
                "reason_text": "'=we know",
            },
            "r-1-3": {"status": "refused", "reason_code": "cash"},
        }
    )  # fmt: skip
    assert found.problems.height == 0
    assert found.decisions.select(
        "row", "line_id", "version", "action", "quantity", "date", "reason", "text"
    ).rows() == [
        (2, "r-1-1", 0, "accept", None, None, None, None),
        (3, "r-1-2", 0, "change", 1500.0, date(2026, 12, 24), "too_little", "=we know"),
        (4, "r-1-3", 2, "refuse", None, None, "cash", None),
    ]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"quantity_set": "many", "reason_code": "cash"}, "cannot be read"),
        ({"date_eff": "soon", "reason_code": "cash"}, "cannot be read"),
        ({"quantity_eff": "11"}, "needs a reason_code"),
        ({"status": "refused"}, "needs a reason_code"),
        ({"status": "refused", "reason_code": "because"}, "no such reason_code"),
        ({"status": "done"}, "Status can be accepted"),
        ({"status": "exported"}, "Status can be accepted"),
        ({"status": "changed", "reason_code": "cash"}, "are as they were"),
        ({"status": "accepted", "quantity_eff": "11"}, "quantity or date differ"),
        ({"status": "refused", "quantity_eff": "11", "reason_code": "cash"}, "also changed"),
        ({"line_id": "r-1-9", "status": "accepted"}, "no such line"),
        ({"line_id": "r-1-2"}, "more than once"),
        ({"line_id": ""}, "no line_id"),
    ],
)
def test_a_row_that_cannot_be_followed_is_told_with_its_number(cells, said):
    found = edited({"r-1-1": cells})
    assert found.problems["row"][0] == 2
    assert said in found.problems["why"][0]
    assert found.decisions.height == 0


def test_a_line_that_somebody_changed_meanwhile_is_left_alone():
    found = edited({"r-1-3": {"version": "1", "status": "refused", "reason_code": "cash"}})
    assert found.problems["why"].to_list() == ["lee changed it on 2026-11-21 08:12; download the list again."]
    assert edited({"r-1-3": {"version": "1"}}).problems.height == 0


def test_numbers_with_a_decimal_comma_and_other_rows_order_are_understood():
    text = "version;line_id;quantity_set;reason_code\r\n0;r-1-2;1.500,25;space\r\n0;r-1-1;;\r\n"
    found = read_decisions(text.encode(), "list.csv", LINES)
    assert found.decisions.select("line_id", "quantity").rows() == [("r-1-2", 1500.25)]


def test_an_edited_workbook_is_read(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "x.xlsx") as book:
        sheet, day = book.add_worksheet("anything"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["line_id", "version", "quantity_set", "date_set", "reason_code"])
        sheet.write_row(1, 0, ["r-1-1", 0, 12.5])
        sheet.write_datetime(1, 3, date(2026, 12, 24), day)
        sheet.write_string(1, 4, "cash")
    found = read_decisions((tmp_path / "x.xlsx").read_bytes(), "C:\\lists\\x.XLSX", LINES)
    assert found.decisions.select("action", "quantity", "date").row(0) == ("change", 12.5, date(2026, 12, 24))


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"a,b\n1,2\n", "list.csv", "no columns line_id and version"),
        (b"PK\x03\x04 no workbook", "list.xlsx", "cannot be read"),
        (b"\x00\xff\xfe\x00", "list.csv", ""),
        (b"", "list.csv", "cannot be read"),
        (b"x", "list.exe", "neither CSV nor Excel"),
        (b"x" * 20_000_001, "list.csv", "20 MB"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused(content, name, said):
    with pytest.raises(InputError) as error:
        read_decisions(content, name, LINES)
    assert said in str(error.value)
    assert "list.csv" not in str(error.value)  # our own copy is nobody's business


def test_a_downloaded_list_comes_back_as_decisions(tmp_path, published, line):
    folder = tmp_path / "w"
    published(
        folder, [line(n, quantity=float(n), to_location_id="DC1" if n < 5 else "DC2") for n in range(1, 7)]
    )
    desk, kim = Desk(folder), Person("kim", "Kim", "planner", ("DC1",))
    rows = list(csv.DictReader(io.StringIO(desk.export("recommendations", Query(), kim)[3:].decode())))
    assert len(rows) == 4
    rows[0] |= {"status": "accepted"}
    rows[1] |= {"quantity_set": "20", "reason_code": "space"}
    rows[2] |= {"status": "refused", "reason_code": "cash", "reason_text": "Not this week."}
    rows.append(rows[3] | {"line_id": "plan-000001-5", "status": "accepted"})
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    found = desk.decisions_in(out.getvalue().encode(), "list.csv", kim)
    assert found.problems.rows() == [
        (6, "plan-000001-5", "There is no such line among those that you may decide on.")
    ]
    done = decide_from_file(folder, found.decisions, kim, at=AT)
    assert sorted(done.done) == ["plan-000001-1", "plan-000001-2", "plan-000001-3"]
    states = desk.table(
        "recommendations", Query(), owner("me"), ["status", "quantity_eff", "reason_code"]
    ).rows()
    assert states[:4] == [
        ("accepted", 1.0, ""),
        ("changed", 20.0, "space"),
        ("refused", 3.0, "cash"),
        ("proposed", 4.0, ""),
    ]
    decide.reopen(folder, [ref(desk, "plan-000001-1")], kim, at=AT)
    again = decide_from_file(folder, found.decisions.filter(line_id="plan-000001-1"), kim, at=AT)
    assert "plan-000001-1" in again.refused_because
    Workspace.stop_serving(folder)


def ref(desk, line_id):
    from plimsoll.domain.decisions import LineRef

    return LineRef(line_id, desk.line(line_id, owner("me")).line["version"])
