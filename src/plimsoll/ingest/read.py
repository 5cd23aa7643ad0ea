"""Raw tables under the user's names read as canonical tables; no row is lost without being counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plimsoll.domain.errors import KEYS_SHOWN, first_keys
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.ingest.absurd import absurd
from plimsoll.ingest.checks import check_tables
from plimsoll.ingest.impressions import impressions
from plimsoll.ingest.mapping import Mapping, matching
from plimsoll.ingest.messages import finding, quarantine_finding
from plimsoll.ingest.params import IngestParams
from plimsoll.ingest.part import (
    DETAIL,
    LATEST,
    PLACE,
    REASON,
    ROW,
    Part,
    decimal_signs,
    not_observed,
    read_part,
)
from plimsoll.ingest.repeats import merged, repeated

PART = "(part)"
OWN = [PART, PLACE, LATEST]
COUNTS = ("n_in", "n_kept", "n_quarantined", "n_filtered", "n_merged", "n_blank")


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Canonical tables, what was set aside, what there is to say, and the count of every row.

    `counts` has a row for each table: n_in = n_kept + n_quarantined + n_filtered + n_merged +
    n_blank, where a cell under a period counts as a row. `quarantine` has a raw row once for each
    table, however many of its cells are bad. A table that has no rows, or of which every row is bad,
    is left out of `tables`, with an error finding; only of open orders may there be none. Demand
    that is blank or was misread is in `tables` as a row without quantity.
    """

    tables: dict[str, pl.DataFrame]
    quarantine: pl.DataFrame
    findings: list[Finding]
    counts: pl.DataFrame


def read(raws: Sequence[RawTable], mapping: Mapping, params: IngestParams | None = None) -> IngestResult:
    """Return the canonical tables that a mapping makes of raw tables.

    Rows that break their table's schema, repeat a row, or repeat a key with other values go to
    quarantine with a reason; the first of equal keys is kept. Demand without an order number may
    repeat: several order lines of a day cannot be told from copies.

    Errors: InputError for a missing table or column, a required column that nothing fills, and
    dates whose day and month cannot be told apart.

    Examples
    --------
    >>> frame = pl.DataFrame({"Day": ["2024-01-05", "2024-01-06"], "Part": ["A", "B"], "Qty": ["3", "x"]})
    >>> raw = RawTable("sales", "sales.csv", frame)
    >>> mapping = Mapping.from_text('''
    ... constants = { location_id = "MAIN" }
    ... [[table]]
    ... table = "demand"
    ... from = "sales"
    ... columns = { date = "Day", item_id = "Part", quantity = "Qty" }
    ... ''')
    >>> result = read([raw], mapping)
    >>> result.tables["demand"]["quantity"].to_list(), result.quarantine["detail"].to_list()
    ([3.0, None], ["quantity (Qty) = 'x'"])
    """
    params = params or IngestParams()
    mapping.missing(raws)
    signs, findings = decimal_signs(raws, mapping)
    findings += [*(found for raw in raws for found in raw.findings), *_unread(raws, mapping)]
    findings += impressions(raws, mapping)
    tables, quarantined, counts = {}, [], []
    for name in dict.fromkeys(part.table for part in mapping.tables):
        maps = [part for part in mapping.tables if part.table == name]
        pairs = [(part, raw) for part in maps for raw in matching(raws, part)]
        if not pairs:
            continue
        parts = [read_part(raw, part, mapping, params, decimal=signs[raw.name]) for part, raw in pairs]
        good, bad, gone = _sorted_out(name, parts, params)
        rows = _quarantine(name, parts, bad)
        count = (
            sum(part.n_in for part in parts), good.height, rows.height,
            sum(part.n_filtered for part in parts), gone.height, sum(part.n_blank for part in parts),
        )  # fmt: skip
        counts.append({"table": name, **dict(zip(COUNTS, count, strict=True))})
        findings += [found for part in parts for found in part.findings]
        findings += _count_findings(name, parts, rows, counts[-1])
        if gone.height:
            findings.append(
                finding(
                    "rows_merged",
                    name,
                    gone.height,
                    keys_of(gone.unique(key := _key(name, gone), maintain_order=True), key),
                )
            )
        quarantined.append(rows)
        if name == "demand" and good.height:
            good = pl.concat([good, not_observed(parts, bad, good)], how="diagonal")
        if good.height or (not rows.height and not _is_empty(name, counts[-1])):
            tables[name] = table(name).conform(good)
    findings += check_tables(tables, mapping.source.history_start)
    set_aside = _row_by_row(pl.concat([table("quarantine").empty(), *quarantined]))
    schema = {"table": pl.String, **dict.fromkeys(COUNTS, pl.Int64)}
    return IngestResult(tables, set_aside, findings, pl.DataFrame(counts, schema=schema))


def _is_empty(name: str, count: dict[str, object]) -> bool:
    """Return whether a table has no rows where that can only be a failure."""
    return count["n_in"] == count["n_blank"] and name != "open_orders"


def _unread(raws: Sequence[RawTable], mapping: Mapping) -> list[Finding]:
    """Return the findings about raw tables that no map reads."""
    read = {raw.name for part in mapping.tables for raw in matching(raws, part)}
    unread = [raw.name for raw in raws if raw.name not in read]
    lacking = {note.from_: note for note in mapping.notes if note.from_ in unread and not note.header}
    found = [
        finding("table_not_recognised", note.table, 0, note.from_, missing=note.column)
        for note in lacking.values()
    ]
    others = [name for name in unread if name not in lacking]
    if others:
        found.append(finding("tables_unused", "source", len(others), first_keys(others)))
    return found


def _key(name: str, rows: pl.DataFrame) -> list[str]:
    return [column for column in table(name).key if column in rows.columns]


def _sorted_out(
    name: str, parts: list[Part], params: IngestParams
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return good rows without bookkeeping, and with it bad rows and those merged into others."""

    def together(frames: list[pl.DataFrame]) -> pl.DataFrame:
        numbered = (frame.with_columns(pl.lit(at, pl.UInt16).alias(PART)) for at, frame in enumerate(frames))
        return pl.concat(numbered, how="diagonal_relaxed")

    good, bad = together([part.good for part in parts]), together([part.bad for part in parts])
    gone = good.clear()
    merge = [number for number, part in enumerate(parts) if part.map.distinct]
    if merge:
        wanted = pl.col(PART).is_in(merge)
        once, gone = merged(good.filter(wanted), _key(name, good))
        good = pl.concat([good.filter(~wanted), once])
    again = repeated(good, table(name), OWN)
    good = _without(good, again)
    beyond = absurd(good, params) if name == "demand" else good.clear()
    good = _without(good, beyond)
    return good.drop(OWN, strict=False), pl.concat([bad, again, beyond], how="diagonal_relaxed"), gone


def _without(rows: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    if taken.is_empty():
        return rows
    return rows.join(taken.select(PART, PLACE), on=[PART, PLACE], how="anti", maintain_order="left")


def _quarantine(name: str, parts: list[Part], bad: pl.DataFrame) -> pl.DataFrame:
    """Return bad rows with table, source and row number, and the raw row in JSON."""
    frames = [table("quarantine").empty()]
    for number, part in enumerate(parts):
        mine = bad.filter(pl.col(PART) == number)
        rows = part.source[ROW].gather(mine[PLACE])
        raw = part.raw.frame[(rows - part.raw.first_row).to_list()]
        frames.append(
            mine.select(
                pl.lit(name).alias("table"),
                pl.lit(part.raw.source).alias("source"),
                rows.alias("row"),
                pl.col(REASON).alias("reason"),
                pl.col(DETAIL).alias("detail"),
                raw.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("raw"),
            )
        )
    return pl.concat(frames)


def _row_by_row(quarantined: pl.DataFrame) -> pl.DataFrame:
    """Return each raw row once for each table, with its first reason and the details of all bad cells."""
    detail = pl.col("detail").unique(maintain_order=True)
    shown = detail.head(KEYS_SHOWN).str.join("; ")
    more = pl.when(detail.len() > KEYS_SHOWN).then(pl.lit("; …")).otherwise(pl.lit(""))
    key = ["table", "source", "row"]
    once = quarantined.group_by(key, maintain_order=True).agg(
        pl.col("reason").first(), (shown + more).alias("detail"), pl.col("raw").first()
    )
    return table("quarantine").conform(once)


def _count_findings(
    name: str, parts: list[Part], rows: pl.DataFrame, count: dict[str, object]
) -> list[Finding]:
    found = []
    for reason, group in rows.group_by("reason", maintain_order=True):
        shown = group.head(6).select(pl.format("{} row {}: {}", "source", "row", "detail")).to_series()
        found.append(quarantine_finding(str(reason[0]), name, group.height, first_keys(shown)))
    if count["n_filtered"]:
        found.append(finding("rows_filtered", name, int(str(count["n_filtered"]))))
    if count["n_in"] == count["n_blank"]:
        sources = first_keys(part.raw.source for part in parts)
        code = "no_rows" if _is_empty(name, count) else "none_open"
        found.append(finding(code, name, 0, sources))
    if rows.height and not count["n_kept"]:
        found.append(
            finding("nothing_left", name, rows.height, first_keys(rows["reason"].unique(maintain_order=True)))
        )
    return found
