"""Every oddity that the notes of the public data sets list is found by import or audit, with its count."""

import os
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from plimsoll.audit import AuditParams, Company, all_checks
from plimsoll.ingest import complete, find_mapping, known_at, read
from plimsoll.integrations import read_source

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[3] / "shared" / "data"))
WHOLE_MAN = date(2014, 11, 16)  # the last day that the notes on MAN speak of, its two cut weeks included
SUBJECTS = ("bom", "calendar", "demand", "extent", "orders", "receipts", "repeats", "units")

# data set, oddity as the notes have it, code of the finding or check, count of the notes
ODDITIES = (
    ("auto", "zeros", "demand_zero", 15_867),
    ("auto", "calendar unknown: every row is dated by assumption", "calendar_assumed", 72_000),
    ("auto", "pre-selected items", "extract_selected", 1),
    ("auto", "short history", "history_short", 1),
    ("auto", "low months 7 and 19", "period_low", 2),
    ("auto", "no negatives", "returned_goods", 0),
    ("auto", "no fractions", "demand_fractional", 0),
    ("auto", "no repeated series", "series_repeated", 0),
    ("carparts", "empty cells", "demand_blank", 6_122),
    ("carparts", "series that stop", "recording_stops", 165),
    ("carparts", "zeros among observed cells", "demand_zero", 97_398),
    ("carparts", "exactly one demand month", "item_asked_once", 30),
    ("carparts", "items without demand", "item_never_asked", 0),
    ("carparts", "series that repeat an earlier one", "series_repeated", 15),
    ("carparts", "total sales fall", "total_demand_falls", 1),
    ("carparts", "no negatives", "returned_goods", 0),
    ("carparts", "no fractions", "demand_fractional", 0),
    ("man", "rows of the cut week, after the day of knowledge", "after_as_of", 65),
    ("man", "first week without any demand, in days", "history_begins_late", 7),
    ("man", "shut-down-like weeks that hold rows", "calendar_hole", 4),
    ("man", "no demand at all", "item_never_asked", 1_510),
    ("man", "exactly one demand week", "item_asked_once", 299),
    ("man", "two demand weeks", "item_asked_twice", 142),
    ("man", "minimum of zero", "minimum_zero", 38),
    ("man", "fractional minimum", "minimum_fractional", 29),
    ("man", "rows equal in all but item_id", "items_alike", 172),
    ("man", "one demand of 49,980 units", "demand_dominates", 1),
    ("man", "item 1584", "item_dominates", 1),
    ("man", "no negatives", "returned_goods", 0),
    ("scms", "no order date", "receipt_undated", 5_732),
    ("scms", "order after delivery", "receipt_before_order", 5),
    ("scms", "order on the day of delivery", "receipt_same_day", 352),
    ("scms", "multi-delivery orders", "order_in_parts", 201),
    ("scms", "lines share shipments", "receipts_share_shipments", 1),
    ("scms", "no freight", "freight_missing", 4_126),
    ("scms", "no mode", "mode_missing", 360),
    ("scms", "piece price 0", "piece_price_zero", 103),
    ("scms", "pack price 0", "price_zero", 18),
    ("scms", "line value 0", "line_value_zero", 17),
    ("scms", "line value is quantity times pack price", "line_value_contradicts", 0),
    ("scms", "rows equal in all but po_line_id", "rows_alike", 4),
    ("scms", "promised after the last delivery", "promise_ahead", 5),
    ("scms", "mis-encoded site name", "letters_damaged", 1),
    ("vn2", "series that start out of stock", "begins_unobserved", 209),
    ("vn2", "sales before a stock-out", "stock_out_cuts_before", 1),
    ("vn2", "rows out of stock (10,517 in the data, given as shares)", "demand_censored", 10_517),
    ("vn2", "true zeros (30,097 in the data, given as a share)", "demand_zero", 30_097),
)  # fmt: skip


def _looked_at(name, as_of=None):
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"data set '{name}' is not here: set PLIMSOLL_DATA to the folder that holds it")
    mapping = find_mapping(name)
    day = as_of or mapping.source.as_of
    result = read(read_source(folder), mapping)
    done = complete(result.tables, as_of=day)
    company = Company(day, known_at(result.tables, day), done.tables)
    checks = [each for each in all_checks() if each.look.__module__.split(".")[-1] in SUBJECTS]
    rows = {each.code: each.look(company, AuditParams()) for each in checks}
    return {found.code: found for found in (*result.findings, *done.findings)}, rows


@pytest.fixture(scope="module")
def seen():
    """Each data set read and looked at once."""
    known = {}

    def look(name, as_of=None):
        if (name, as_of) not in known:
            known[name, as_of] = _looked_at(name, as_of)
        return known[name, as_of]

    return look


def _facts(rows):
    """How many facts the rows of a check stand for."""
    return rows["n_facts"].sum() if "n_facts" in rows.columns else rows.height


def _details(seen, name, code, as_of=None):
    rows = seen(name, as_of)[1][code]
    return dict(rows.select("key", "detail").iter_rows())


@pytest.mark.parametrize(("name", "oddity", "code", "count"), ODDITIES)
def test_oddity_is_reported_with_its_count(seen, name, oddity, code, count):
    findings, rows = seen(name)
    found = findings[code].n_rows if code in findings else _facts(rows[code]) if code in rows else 0
    assert found == count, oddity


def test_auto_zeros_and_months(seen):
    assert seen("auto")[0]["demand_zero"].keys == "22.0%"
    assert list(_details(seen, "auto", "extract_selected")) == [
        "every item has demand in 12 to 23 of 24 periods"
    ]
    low = _details(seen, "auto", "period_low")
    # January 2000 is month 1 by assumption: July 2000 is month 7, July 2001 month 19.
    assert {key: re.match(r"[\d,]+", text)[0] for key, text in low.items()} == {
        "2000-07-01": "10,188",
        "2001-07-01": "9,098",
    }
    assert all("year before or after" in text for text in low.values())
    assert "calendar is assumed" in seen("auto")[0]["calendar_assumed"].done


def test_carparts_months_in_which_recording_stops(seen):
    months = pl.Series(_details(seen, "carparts", "recording_stops").values()).str.slice(-10, 7)
    assert dict(months.value_counts().iter_rows()) == {"1998-12": 7, "1999-01": 3, "1999-02": 155}
    ((ends, told),) = _details(seen, "carparts", "total_demand_falls").items()
    assert ends == "1,789 units in the first month, 935 in the last"
    assert "0 items were first recorded after the first year" in told
    assert seen("carparts")[0]["demand_zero"].keys == "74.8%"


def test_man_weeks(seen):
    # 2012-W15, 2012-W30, 2013-W01 and 2014-W01 with the items that have demand; 2012-W01 has no row at all.
    holes = _details(seen, "man", "calendar_hole")
    assert {key: int(text.split()[0]) for key, text in holes.items()} == {
        "2012-04-09": 19,
        "2012-07-23": 46,
        "2012-12-31": 11,
        "2013-12-30": 3,
    }


def test_man_with_the_weeks_that_were_cut(seen):
    # Left out by the mapping's day of knowledge; planned as of the end of the calendar, the audit finds both.
    cut = _details(seen, "man", "extract_cut_at_end", WHOLE_MAN)
    assert {key: int(text.split()[0]) for key, text in cut.items()} == {"2014-11-03": 65, "2014-11-10": 0}
    fractions = seen("man", WHOLE_MAN)[1]["demand_fractional"]
    # As of the mapping's day nine of these rows are not known yet.
    assert (fractions.height, fractions["item_id"].n_unique()) == (4_142, 1_125)
    assert seen("man")[1]["demand_fractional"].height == 4_133
    assert _details(seen, "man", "item_dominates", WHOLE_MAN) == {"1584": "12.8 % of all units"}


def test_man_masters(seen):
    pieces = pl.Series(_details(seen, "man", "minimum_fractional").values())
    assert int(pieces.str.ends_with("= 1 piece").sum()) == 18
    assert pieces.str.contains("416.66.* = 1,250 pieces").any()
    asked = pl.Series(_details(seen, "man", "items_alike").values())
    assert int(asked.str.ends_with("same demand").sum()) == 4
    typed = _details(seen, "man", "one_value_for_all")
    assert typed == {
        "lanes.lead_time_days_set": "112 (3,063 rows) and 49 (388 rows)",
        "lanes.order_cost": "5 (3,451 rows)",
        "stocking_points.holding_rate": "0.2 (3,451 rows)",
    }
    assert _details(seen, "man", "demand_dominates") == {
        "2012-06-04 @ 1027 @ PLANT @ ? @ ?": "49,980 units, 3.7 % of all"
    }
    assert set(_details(seen, "man", "table_missing")) == {
        "stock", "receipts", "open_orders", "bom", "customers",
    }  # fmt: skip


def _counts(seen, code, pattern):
    rows = seen("scms")[1][code].select(text=pl.col("detail").str.extract(pattern), n=_n_facts(seen, code))
    return dict(rows.group_by("text").agg(pl.col("n").sum()).iter_rows())


def _n_facts(seen, code):
    return pl.col("n_facts") if "n_facts" in seen("scms")[1][code].columns else pl.lit(1)


def test_scms_reasons(seen):
    assert _counts(seen, "receipt_undated", r"no order date in [\d,]+ receipts?: (.*)") == {
        "N/A - From RDC": 5_404, "Date Not Captured": 328,
    }  # fmt: skip
    assert _counts(seen, "freight_missing", r"no freight in [\d,]+ receipts?: (.*)") == {
        "See # (ID#:#)": 2_445, "Freight Included in Commodity Cost": 1_442, "Invoiced Separately": 239,
    }  # fmt: skip
    assert _counts(seen, "piece_price_zero", r"^(only rounding|a unit has no price)") == {
        "only rounding": 85, "a unit has no price": 18,
    }  # fmt: skip
    same_day = _counts(seen, "receipt_same_day", r"from (PHARMACY DIRECT|S\. BUYS WHOLESALER|JSI)")
    assert same_day == {"PHARMACY DIRECT": 174, "S. BUYS WHOLESALER": 160, "JSI": 18}


def test_scms_dates(seen):
    before = pl.Series(list(_details(seen, "scms", "receipt_before_order"))).str.split(" @ ").list.get(1)
    assert sorted(before, key=int) == ["4190", "4432", "13148", "25539", "52710"]
    years = _details(seen, "scms", "lead_time_by_year")
    mean = {year: int(re.search(r"\d+", years[year])[0]) for year in ("2009", "2011", "2014")}
    assert mean == {"2009": 69, "2011": 147, "2014": 85}
    assert max(int(text.rsplit(" ", 1)[1]) for text in years.values()) == 616
    assert list(_details(seen, "scms", "receipts_share_shipments")) == ["10324 lines in 7030 shipments"]


def test_scms_promises_that_equal_deliveries(seen):
    shares = {
        key: tuple(map(int, re.findall(r"\d+", text)[:2]))
        for key, text in _details(seen, "scms", "promise_rewritten").items()
    }
    met, n = shares.pop("SCMS from RDC")
    assert (n, round(100 * met / n, 1)) == (5_404, 38.3)
    direct = [sum(part) for part in zip(*shares.values(), strict=True)]
    assert (direct[1], round(100 * direct[0] / direct[1], 1)) == (4_920, 86.5)


def test_scms_names(seen):
    alike = _details(seen, "scms", "supplier_names_alike")
    assert sum("stray spaces" in text for text in alike.values()) == 1
    assert len(alike) >= 8


def test_vn2_shares(seen):
    findings = seen("vn2")[0]
    assert findings["demand_zero"].keys == "36.0%"
    years = dict(part.split(": ") for part in findings["demand_censored"].keys.split(", "))
    assert {year: round(float(share.split()[0])) for year, share in years.items()} == {
        "2021": 26, "2022": 12, "2023": 2, "2024": 1,
    }  # fmt: skip
    assert list(_details(seen, "vn2", "stock_out_cuts_before")) == ["sales 1.7 times the usual"]
