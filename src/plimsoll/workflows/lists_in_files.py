"""Lists as files that people edit in Excel, and back: what they changed, to be looked over first."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path, PurePath

import polars as pl

from plimsoll.domain.decisions import NEEDS_REASON, REASONS, Decided, LineRef
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.people import Person
from plimsoll.ingest.dates import read_dates
from plimsoll.ingest.numbers import decimal_sign, read_numbers
from plimsoll.integrations.batch_files import FORMULA, as_xlsx
from plimsoll.integrations.sources import read_source
from plimsoll.workflows import decide

BOM = b"\xef\xbb\xbf"  # without it Excel takes UTF-8 for the letters of the machine
MOST_CELLS, MOST_ROWS, MOST_BYTES = 2_000_000, 200_000, 20_000_000
ENDINGS = (".csv", ".xlsx")
READ_BACK = ("line_id", "version")
EDITED = ("status", "quantity_set", "quantity_eff", "date_set", "date_eff", "reason_code", "reason_text")
# status that a person may write -> what is then done
ACTIONS = {"accepted": "accept", "changed": "change", "refused": "refuse", "proposed": "reopen"}
DONE = pl.Schema(
    {
        "row": pl.Int64(),
        "line_id": pl.String(),
        "version": pl.Int64(),
        "action": pl.String(),
        "quantity": pl.Float64(),
        "date": pl.Date(),
        "reason": pl.String(),
        "text": pl.String(),
    }
)
ASKED_OF_LINES = (*READ_BACK, *EDITED[:5], "decided_by", "decided_at")
NAMED = {"reason_code": "reason", "reason_text": "text"}
CLOSE = 1e-6  # share by which a quantity may differ after a way through Excel


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a file asks for, before anything is done.

    `decisions` has a row for each thing to do. Of recommendations: row of the file, line_id, version, action
    (accept, change, refuse, reopen), quantity and date (null as they are), reason and text; of overrides see
    `overrides_in_files`. `problems` has row, the key of the list and why nothing will be done there. `n_rows`
    counts the rows read, `n_same` those that change nothing.
    """

    decisions: pl.DataFrame
    problems: pl.DataFrame
    n_rows: int
    n_same: int


def as_csv(frame: pl.DataFrame) -> bytes:
    r"""Return a list as CSV that Excel opens as it is meant: UTF-8, ISO dates, plain numbers.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Examples
    --------
    >>> as_csv(pl.DataFrame({"a": ["=1+1", None], "n": [-2.5, 3.0]}))[3:]
    b"a,n\r\n'=1+1,-2.5\r\n,3.0\r\n"
    """
    plain = _without_moments(frame)
    words = [name for name, dtype in plain.schema.items() if dtype == pl.String]
    texts = plain.with_columns(_harmless(pl.col(name)).alias(name) for name in words)
    return BOM + texts.write_csv(line_terminator="\r\n").encode()


def as_workbook(frame: pl.DataFrame, name: str, made_at: datetime | None = None) -> bytes:
    """Return a list as an Excel workbook of one sheet, texts as texts, numbers as numbers.

    Raises InputError for a list that is too long to be written quickly.
    """
    if frame.height * frame.width > MOST_CELLS:
        what = f"The list has {frame.height:,} rows and {frame.width} columns, too many for an Excel file."
        raise InputError(what, remedy="Filter it, choose fewer columns, or take CSV.")
    created = made_at or datetime.combine(datetime(2000, 1, 1, tzinfo=UTC), time(), UTC)
    return as_xlsx(_without_moments(frame), {"batch_id": name, "created_at": created})


def read_decisions(content: bytes, name: str, lines: pl.DataFrame) -> Proposed:
    """Return the decisions that an edited list of recommendations asks for.

    Rows are matched by `line_id` and `version`; a difference from what is in force asks for a decision: in
    `status` (accepted, changed, refused, proposed), in `quantity_set` or `quantity_eff`, in `date_set` or
    `date_eff`. A change or refusal needs a `reason_code`. Other columns are not read.

    Parameters
    ----------
    content, name : the file; its name tells whether it is CSV or Excel
    lines : the lines that the person may decide on, with their states

    Raises
    ------
    InputError
        For a file that cannot be read, is too long, or lacks line_id or version.
    """
    raw = edited_table(content, name, READ_BACK)
    typed = _typed(raw)
    known = lines.select(
        "line_id",
        pl.col("version").alias("version_now"),
        pl.col("status").cast(pl.String).alias("status_now"),
        "decided_by",
        "decided_at",
        *(pl.col(column).alias(f"{column}_now") for column in EDITED[1:5]),
    )
    rows = typed.join(known, on="line_id", how="left", maintain_order="left")
    asked = rows.with_columns(quantity=_edited("quantity"), date=_edited("date"))
    asked = asked.with_columns(action=_action()).with_columns(why=_problem())
    is_problem, differs = pl.col("why") != "", pl.col("action") != ""
    return Proposed(
        asked.filter(~is_problem, differs).rename(NAMED).select(list(DONE)).cast(DONE),
        asked.filter(is_problem).select("row", "line_id", "why"),
        raw.height,
        asked.filter(~is_problem, ~differs).height,
    )


def decide_from_file(folder: Path, decisions: pl.DataFrame, who: Person, *, at: datetime) -> Decided:
    """Do what a file asks for, as of `read_decisions`; what cannot be done is told line by line."""
    done: list[str] = []
    submitted: list[str] = []
    refused: dict[str, str] = {}
    warnings: dict[str, str] = {}
    for (action, reason, text), some in decisions.group_by("action", "reason", "text", maintain_order=True):
        for refs in _groups(some, one_by_one=action == "change"):
            because = {"reason": str(reason or ""), "text": str(text or "")}
            try:
                one = refs.row(0, named=True)
                if action == "change":
                    ref = LineRef(one["line_id"], one["version"])
                    made = decide.change(
                        folder, ref, who, quantity=one["quantity"], date=one["date"], at=at, **because
                    )
                else:
                    several = [LineRef(*row) for row in refs.select(READ_BACK).iter_rows()]
                    made = DOING[str(action)](folder, several, who, at=at, **because)  # type: ignore[operator]
            except PlimsollError as error:
                refused |= dict.fromkeys(refs["line_id"], str(error))
                continue
            done += made.done
            submitted += made.submitted
            refused |= made.refused_because
            warnings |= made.warnings
    return Decided(done, submitted, refused, warnings)


DOING = {"accept": decide.accept, "refuse": decide.refuse, "reopen": decide.reopen}


def _groups(rows: pl.DataFrame, *, one_by_one: bool) -> list[pl.DataFrame]:
    return list(rows.iter_slices(1)) if one_by_one else [rows]


def edited_table(content: bytes, name: str, needed: Sequence[str]) -> pl.DataFrame:
    """Return the one table of an edited file that has the columns needed.

    Raises InputError for a file that cannot be read, is too long, or lacks such a column.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in ENDINGS:
        what = f"'{PurePath(name).name[:80]}' is neither CSV nor Excel."
        raise InputError(what, remedy="Upload the list as it was downloaded, edited and saved.")
    if len(content) > MOST_BYTES:
        what = f"The file has {len(content) / 1e6:,.0f} MB; {MOST_BYTES / 1e6:,.0f} MB can be read."
        raise InputError(what, remedy="Keep only the rows you changed.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"list{ending}")
        file.write_bytes(content)
        try:
            tables = read_source(file)
        except InputError as error:  # its text names our temporary file, which says nothing to anybody
            what = "The file cannot be read as a table."
            raise InputError(
                what, remedy="Save it as CSV in UTF-8 or as .xlsx, with its header row."
            ) from error
    found = next((each.frame for each in tables if set(needed) <= set(each.frame.columns)), None)
    if found is None:
        what = f"The file has no columns {', '.join(needed[:-1])} and {needed[-1]}."
        raise InputError(what, why="They tell what a row is about.", remedy="Keep the header row as it was.")
    if found.height > MOST_ROWS:
        what = f"The file has {found.height:,} rows; {MOST_ROWS:,} can be read at once."
        raise InputError(what, remedy="Keep only the rows you changed.")
    return found


def cells_of(
    raw: pl.DataFrame, columns: Sequence[str], *, numbers: Sequence[str] = (), days: Sequence[str] = ()
) -> pl.DataFrame:
    """Return columns of an edited table, read as what they are, and the row of the file.

    Blanks around texts are taken away, and the apostrophe that kept a text from being a formula; a column
    that the table lacks is unknown throughout. `…_bad` tells where a number or day could not be read.
    """
    texts = raw.select(
        pl.col(name).cast(pl.String).str.strip_chars().replace("", None) if name in raw.columns
        else pl.lit(None, pl.String).alias(name)
        for name in columns
    )  # fmt: skip
    written = [texts[name] for name in numbers]
    decimal, _ = decimal_sign(written)
    read = {each.name: read_numbers(each, decimal)["value"].alias(each.name) for each in written}
    read |= {name: read_dates(texts[name]).values.alias(name) for name in days}
    bad = {f"{name}_bad": texts[name].is_not_null() & column.is_null() for name, column in read.items()}
    words = [name for name in columns if name not in read]
    return texts.with_columns(pl.col(words).str.replace(r"^'", "")).with_columns(
        **read, **bad, row=pl.int_range(2, pl.len() + 2)
    )


def _typed(raw: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that count, read as what they are."""
    numbers, days = ("version", "quantity_set", "quantity_eff"), ("date_set", "date_eff")
    return cells_of(raw, (*READ_BACK, *EDITED), numbers=numbers, days=days).with_columns(
        pl.col("status").str.to_lowercase(),
        pl.col("reason_code").str.to_lowercase().str.replace_all(" ", "_"),
    )


def _edited(what: str) -> pl.Expr:
    """Return the value that a row asks for where it differs from what is in force, else null."""
    differs = {name: _differs(f"{what}_{name}") for name in ("set", "eff")}
    return (
        pl.when(differs["set"])
        .then(pl.col(f"{what}_set"))
        .when(differs["eff"])
        .then(pl.col(f"{what}_eff"))
        .otherwise(None)
    )


def _differs(name: str) -> pl.Expr:
    given, now = pl.col(name), pl.col(f"{name}_now")
    if name.startswith("date"):
        return given.is_not_null() & given.ne_missing(now)
    is_close = ((given - now).abs() <= CLOSE * now.abs()).fill_null(value=False)
    return given.is_not_null() & ~is_close


def _action() -> pl.Expr:
    """Return what a row asks for: a code of `ACTIONS`, the status where it is no such, "" for nothing."""
    is_other = pl.col("quantity").is_not_null() | pl.col("date").is_not_null()
    wanted = pl.col("status").replace_strict(ACTIONS, default=pl.col("status"), return_dtype=pl.String)
    moved = pl.col("status").is_not_null() & (pl.col("status") != pl.col("status_now").fill_null(""))
    return pl.when(moved).then(wanted).when(is_other).then(pl.lit("change")).otherwise(pl.lit(""))


def _problem() -> pl.Expr:
    """Return why a row cannot be followed, "" where it can."""
    action, is_other = pl.col("action"), pl.col("quantity").is_not_null() | pl.col("date").is_not_null()
    is_asked = action != ""
    changed = pl.format(
        "{} changed it on {}; download the list again.",
        "decided_by",
        pl.col("decided_at").dt.strftime("%Y-%m-%d %H:%M"),
    )
    bad = pl.any_horizontal(pl.col(r"^(quantity|date)_.*_bad$"))
    needs = action.is_in([ACTIONS[status] for status in sorted(NEEDS_REASON)])
    faults: list[tuple[pl.Expr, pl.Expr | str]] = [
        (pl.col("line_id").is_null(), "The row has no line_id."),
        (pl.col("line_id").is_duplicated(), "The line stands in the file more than once."),
        (pl.col("version_now").is_null(), "There is no such line among those that you may decide on."),
        (bad, "The quantity or the date cannot be read."),
        (is_asked & pl.col("version").ne_missing(pl.col("version_now").cast(pl.Float64)), changed),
        (is_asked & ~action.is_in(list(ACTIONS.values())), f"Status can be {', '.join(ACTIONS)}."),
        (action.is_in(["refuse", "reopen"]) & is_other, "It is refused or taken back, and also changed."),
        ((action == "change") & ~is_other, "It is to be changed, but quantity and date are as they were."),
        ((action == "accept") & is_other, "It is to be accepted as it is, but quantity or date differ."),
        (needs & pl.col("reason_code").is_null(), f"It needs a reason_code: {', '.join(REASONS)}."),
        (
            is_asked & pl.col("reason_code").is_not_null() & ~pl.col("reason_code").is_in(list(REASONS)),
            f"There is no such reason_code. Use {', '.join(REASONS)}.",
        ),
    ]  # fmt: skip
    found = pl.lit("")
    for fault, words in reversed(faults):
        said = pl.lit(words) if isinstance(words, str) else words
        found = pl.when(fault.fill_null(value=False)).then(said).otherwise(found)
    return found


def _harmless(text: pl.Expr) -> pl.Expr:
    """Return texts that no spreadsheet takes for a formula; see `integrations.batch_files.harmless`."""
    start = text.str.strip_chars_start(" ")
    is_formula = start.str.slice(0, 1).is_in(list(FORMULA))
    return pl.when(is_formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def _without_moments(frame: pl.DataFrame) -> pl.DataFrame:
    """Return moments as ISO texts in UTC and yes or no as true or false, for files that have neither."""
    return frame.with_columns(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.col(pl.Boolean).cast(pl.String)
    )
