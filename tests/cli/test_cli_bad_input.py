"""Odd and broken sources at the command line: what is said, what is set aside, and what stays as it was."""

import errno
import json
import sys
from pathlib import Path

import pytest
from xlsxwriter.exceptions import FileCreateError

from plimsoll.cli import app as cli

WEEKS = [f"2026-{month:02}-{day:02}" for month in range(1, 11) for day in (5, 12, 19, 26)]


def sales(*extra, items="AB"):
    rows = [f"{day},{item},W,{(n + len(item)) % 4}" for n, day in enumerate(WEEKS) for item in items]
    return "\n".join(["date,item,location,quantity", *rows, *extra]) + "\n"


COSTS = "item,unit cost\nA,5\nB,6\n"
STOCK = "item,location,on hand,date\nA,W,4,2026-10-26\nB,W,90,2026-10-26\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run one command line in an empty folder; returns (exit code, stdout, stderr) with plain spaces."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = (" ".join(text.split()) for text in capsys.readouterr())
        return left.value.code or 0, out, err

    return call


@pytest.fixture
def imported(run, tmp_path):
    """Write files into a source, import it into the workspace `w`, and return what was said."""
    run("init", "w")

    def call(*options, **files):
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        for old in source.iterdir():
            old.unlink()
        for name, content in files.items():
            (source / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return run("import", "w", source, *options)

    return call


def test_one_row_is_said_in_the_singular(imported):
    code, out, _ = imported(sales=sales("2026-10-27,A,W,many"), items=COSTS, stock=STOCK)
    assert code == 0
    assert (
        "1 row of 'demand' has a text where a number is needed (sales.csv row 82: quantity = 'many')." in out
    )
    assert "It does not count in the plan. It was put into quarantine" in out


def test_totals_at_the_end_are_no_items(imported):
    code, out, _ = imported(sales=sales(), items=COSTS + "Grand total,11\nSumme:,11\n", stock=STOCK)
    assert code == 0
    assert "items 2 2" in out
    assert "2 rows of 'items' are totals, not rows of data" in out


def test_a_mistyped_year_does_not_move_the_day_of_knowledge(imported, run):
    code, out, _ = imported(sales=sales("2095-01-01,A,W,5"), items=COSTS, stock=STOCK)
    assert code == 0
    assert "1 day in 'demand' lies in the future" in out
    assert "Data known on 2026-10-26, in force" in out
    assert "1 row of 'demand' is dated after 2026-10-26" in run("plan", "w")[1]


def test_a_table_without_its_columns_is_an_error_not_silence(imported):
    code, out, _ = imported(sales="date,item,location\n2026-01-05,A,W\n", items=COSTS)
    assert code == 1
    assert "called like our table 'demand', but no column was recognised as quantity" in out
    assert "Data that tell of no day" in out


def test_a_table_called_like_ours_is_taken_for_no_other(imported):
    code, _, err = imported(demand="item_id,month_index,quantity\n1,1,2\n1,2,3\n")
    assert code == 2
    assert "none of its columns (item_id, month_index, quantity) was recognised as date" in err


def test_an_export_without_rows_replaces_nothing(imported, run):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    code, out, _ = imported(sales="date,item,location,quantity\n", items=COSTS, stock=STOCK)
    assert code == 1
    assert "Table 'demand' has no rows: sales.csv." in out
    assert run("plan", "w")[0] == 0


def test_a_part_of_the_source_may_be_imported_alone(imported, run):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    code, out, _ = imported(stock=STOCK.replace("90", "91"), memo="text\nhello\n")
    assert code == 0
    assert "The source lacks 2 tables that the mapping names (items, demand)." in out
    assert "1 table of the source is named nowhere in the mapping (memo)." in out
    assert run("plan", "w")[0] == 0


def test_a_source_that_shares_nothing_with_the_mapping_is_refused(imported):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    code, _, err = imported(other="item,on hand\nA,1\n")
    assert code == 2
    assert "which the source does not have" in err
    assert "give a mapping of its own with --mapping" in err


def test_encoding_alone_is_a_mapping(imported, tmp_path):
    latin = "item,description,unit cost\nA,Müller,5\nB,Groß,6\n".encode("latin-1")
    code, _, err = imported(sales=sales(), items=latin)
    assert code == 2
    assert "'items.csv' is not UTF-8: byte 30 (line 2)" in err
    assert "give that with --mapping" in err
    (tmp_path / "how.toml").write_text('[source]\nencoding = "latin-1"\n')
    code, out, _ = imported("--mapping", "how.toml", sales=sales(), items=latin)
    assert code == 0
    assert 'encoding = "latin-1"' in out
    assert "items 2 0" in out


def test_a_refused_import_says_where_the_proposed_mapping_is(imported, tmp_path):
    code, _, err = imported(sales="date,item,quantity\n3/4/2026,A,1\n5/6/2026,A,2\n", items=COSTS)
    assert code == 2
    assert "day and month cannot be told apart" in err
    assert "Nothing was imported; the proposed mapping was saved" in err
    assert (tmp_path / "w" / "mapping.toml").exists()


def test_without_stock_nothing_is_said_to_be_nothing(imported, run):
    imported(sales=sales(), items=COSTS)
    code, out, _ = run("plan", "w", "--report")
    assert code == 0
    assert "No stock is recorded, so what is held, stranded or short is not known." in out
    assert "Today, if nothing is in stock: 2 orders worth" in out
    assert "Stock by class" not in out
    data = json.loads(run("plan", "w", "--json")[1])
    assert data["stock_is_known"] is False
    before = {row["figure"]: row["before"] for row in data["before_after"]}
    assert before["inventory_value"] is before["turns"] is before["coming_fill_rate"] is None
    assert "No stock is recorded" in run("cash", "w")[1]
    told = run("explain", "w", "A")[1]
    assert "W: no stock recorded, 0 taken" in told
    assert "Not known: no stock is recorded here." in told


def test_stock_that_was_counted_later_is_not_known_earlier(imported, run):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    assert "No stock is recorded" in run("plan", "w", "--as-of", "2026-06-30")[1]
    assert "No stock is recorded" not in run("plan", "w")[1]


def test_without_costs_money_is_not_said_to_be_nothing(imported, run):
    imported(sales=sales(), items="item,description\nA,x\nB,y\n", stock=STOCK)
    code, out, _ = run("plan", "w")
    assert code == 0
    assert "No unit cost is known, so nothing here has a value in money" in out
    assert "of unknown cost" in out
    assert "at risk –, order –" in out


def test_less_than_a_week_of_history_is_no_plan(imported, run):
    imported(sales="date,item,location,quantity\n2026-10-20,A,W,5\n2026-10-22,B,W,1\n", items=COSTS)
    code, _, err = run("plan", "w")
    assert code == 2
    assert "The demand known on 2026-10-22 does not fill a single week" in err
    imported(sales="date,item,location,quantity\n2026-10-20,A,W,5\n2026-10-25,B,W,1\n", items=COSTS)
    assert run("plan", "w")[0] == 0


def test_a_plan_long_after_the_data_says_so(imported, run):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    out = run("plan", "w", "--as-of", "2027-06-30")[1]
    assert "The last demand known is of 2026-10-26, 247 days before 2027-06-30." in out
    assert "The last count of stock is of 2026-10-26, 247 days before 2027-06-30." in out


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            b"[demand]\nhalf_life = 3\n",
            "no setting 'half_life' in section [demand]. To do Did you mean",
        ),
        (
            b"[ingest]\nholding_rate = 20\n",
            "should be less than or equal to 5. To do It means: Holding rate",
        ),
        (b'[ingest]\nunmet_demand = "loost"\n', "it should be one of backlog, lost."),
        (b"[targets]\nabc_cuts = [0.9, 0.8]\n", "two rising numbers from 0 to 1 are needed"),
    ],
)
def test_settings_that_cannot_be_used_are_explained(run, tmp_path, settings, says):
    run("init", "w")
    (tmp_path / "w" / "plimsoll.toml").write_bytes(settings)
    code, _, err = run("plan", "w")
    assert code == 2
    assert says in err


def test_a_byte_order_mark_is_no_error(imported, run, tmp_path):
    (tmp_path / "w" / "plimsoll.toml").write_bytes("\ufeff[ingest]\r\nreview_days = 14\r\n".encode())
    assert imported(sales="\ufeff" + sales(), items=COSTS, stock=STOCK)[0] == 0
    mapping = tmp_path / "w" / "mapping.toml"
    mapping.write_text("\ufeff" + mapping.read_text(), encoding="utf-8")
    assert imported(sales=sales(), items=COSTS, stock=STOCK)[0] == 0
    assert run("plan", "w")[0] == 0


def test_names_with_spaces_quotes_and_leading_zeros_stay_as_they_are(imported, run):
    names = ["00123", 'Ä 1, 2"x" / [b]', "a b"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    imported(sales=sales(items=quoted), items="item,unit cost\n" + "".join(f"{name},5\n" for name in quoted))
    assert run("plan", "w", "--report")[0] == 0
    for name in names:
        assert f"{name} at W: what target" in run("explain", "w", name)[1]
    code, _, err = run("explain", "w", "123")
    assert code == 2
    assert "There is no item 123 in the plan. To do Did you mean '00123'?" in err


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_half_of_the_demo_company(run, tmp_path, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if path.suffix == ".parquet" and "erp" in path.parent.name:
            raise FULL
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run("demo", "d", "--items", 50)
    assert code == 3
    assert "could not write the export of the demo company" in err
    assert "Free some space" in err
    assert not list((tmp_path / "d").glob("*erp*"))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plimsoll", "demo", "d", "--items", "50"])
    cli.app(standalone_mode=False)
    assert (tmp_path / "d" / "erp" / "mapping.toml").exists()


@pytest.mark.parametrize("error", [FULL, FileCreateError(FULL)], ids=["page", "workbook"])
def test_a_full_disk_leaves_no_half_report(imported, run, tmp_path, monkeypatch, error):
    imported(sales=sales(), items=COSTS, stock=STOCK)
    assert run("plan", "w")[0] == 0

    def full(*_):
        raise error

    monkeypatch.setattr("plimsoll.present.files.write_workbook", full)
    code, _, err = run("report", "w")
    assert code == 3
    assert "No space left on device (w/reports)" in err
    assert not list((tmp_path / "w" / "reports").iterdir())


def test_without_a_folder_for_compiled_sums_the_way_out_is_told(run, monkeypatch):
    def locked(*_, **__):
        message = "cannot cache function 'divisor': no locator available for file 'x.py'"
        raise RuntimeError(message)

    monkeypatch.setattr("plimsoll.workflows.workspace.init_workspace", locked)
    code, _, err = run("init", "w")
    assert code == 3
    assert "Set NUMBA_CACHE_DIR to a folder that may be written" in err
