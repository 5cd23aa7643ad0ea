"""The list of overrides as an edited file: what it asks to set, replace and withdraw, and doing it."""

from datetime import datetime
from pathlib import Path

import polars as pl

from plimsoll.domain.decisions import Decided
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.overrides import SCOPE, Override
from plimsoll.domain.people import Person, require
from plimsoll.workflows.lists_in_files import CLOSE, Proposed, cells_of, edited_table
from plimsoll.workflows.overrides import overrides, set_overrides, withdraw_override

MOST_ASKED = 1_000  # each is held against the whole plan
NEEDED = ("override_id", "kind", "field", "value", "reason_code")
FIXED = ("kind", "field", *SCOPE)  # another of these is another override
DAYS = ("start", "end", "expires_at")
TEXTS = ("value_text", "reason_code", "reason_text")
READ = (*NEEDED[:3], "value", *SCOPE, *DAYS, *TEXTS, "status", "withdrawn_why")
ASKED = pl.Schema(
    {"row": pl.Int64(), "override_id": pl.String(), "action": pl.String()}
    | dict.fromkeys((*FIXED, "value"), pl.String())
    | dict.fromkeys(DAYS, pl.Date())
    | dict.fromkeys(("reason_code", "reason_text"), pl.String())
)
SET, REPLACE, WITHDRAW = "set", "replace", "withdraw"


def read_overrides(folder: Path, content: bytes, name: str, who: Person, *, at: datetime) -> Proposed:
    """Return what an edited list of overrides asks for; nothing is done.

    A row without `override_id` asks for a new one. In a row with one, another value, day or reason asks to
    put a new override in its place, and `withdrawn` in `status`, with why in `withdrawn_why`, to take it out
    of force. Kind, field and scope of a known one stay. Rows that are missing change nothing.

    Parameters
    ----------
    content, name : the file; its name tells whether it is CSV or Excel

    Returns
    -------
    Decisions with row, override_id ("" for a new one), action (set, replace, withdraw), kind, field, value as
    a text, scope, start, end, expires_at, reason_code, reason_text.

    Raises
    ------
    InputError : a file that cannot be read or asks for more than `MOST_ASKED` changes; no plan yet
    """
    require(who, "override")
    raw = edited_table(content, name, NEEDED)
    given = _read(raw)
    known = overrides(folder, who, at=at, every=True)
    rows = _beside(given, known, set(raw.columns))
    asked = rows.with_columns(action=_action()).with_columns(why=_problem())
    asked = asked.with_columns(
        reason_text=pl.when(pl.col("action") == WITHDRAW)
        .then(pl.col("withdrawn_why"))
        .otherwise(pl.col("reason_text"))
    )
    differs = pl.col("action") != ""
    wanted = asked.filter(pl.col("why") == "", differs).select(list(ASKED)).cast(ASKED)
    if wanted.height > MOST_ASKED:
        what = f"The file asks for {wanted.height:,} changes; {MOST_ASKED:,} can be made at once."
        raise InputError(what, done="Nothing was changed.", remedy="Split it.")
    new = wanted.filter(pl.col("action") != WITHDRAW)
    tried = set_overrides(folder, [_override(row) for row in new.to_dicts()], who, at=at, is_trial=True)
    wrong = _twice(new, known) | {
        row: str(found)
        for row, found in zip(new["row"], tried, strict=True)
        if isinstance(found, PlimsollError)
    }
    problems = asked.filter(pl.col("why") != "").select("row", "override_id", "why").rows()
    problems += [(row, wanted.filter(row=row)["override_id"][0], why) for row, why in wrong.items()]
    shape = {"row": pl.Int64, "override_id": pl.String, "why": pl.String}
    return Proposed(
        wanted.filter(~pl.col("row").is_in(list(wrong))),
        pl.DataFrame(problems, schema=shape, orient="row").sort("row"),
        raw.height,
        asked.filter(pl.col("why") == "", ~differs).height,
    )


def set_from_file(folder: Path, asked: pl.DataFrame, who: Person, *, at: datetime) -> Decided:
    """Do what a file asks for, as of `read_overrides`; what cannot be done is told row by row.

    What is done is named by the override's id, what is not by its id or else its row.
    """
    require(who, "override")
    done: list[str] = []
    refused: dict[str, str] = {}
    new = asked.filter(pl.col("action") != WITHDRAW).to_dicts()
    made = set_overrides(folder, [_override(row) for row in new], who, at=at)
    for row, found in zip(new, made, strict=True):
        if isinstance(found, PlimsollError):
            refused[row["override_id"] or f"row {row['row']}"] = str(found)
        else:
            done.append(found.override.id)
    for row in asked.filter(action=WITHDRAW).to_dicts():
        try:
            withdraw_override(folder, row["override_id"], who, at=at, reason=row["reason_text"] or "")
        except PlimsollError as error:
            refused[row["override_id"]] = str(error)
        else:
            done.append(row["override_id"])
    return Decided(done, refused_because=refused)


def _read(raw: pl.DataFrame) -> pl.DataFrame:
    """Return the file's columns; `value` as written, since some values are words."""
    given = cells_of(raw, READ, days=DAYS)
    numbers = cells_of(raw, ("value",), numbers=("value",))
    lower = pl.col("kind", "field", "reason_code", "status").str.to_lowercase().str.replace_all(" ", "_")
    return given.with_columns(lower, number=numbers["value"])


def _beside(given: pl.DataFrame, known: pl.DataFrame, columns: set[str]) -> pl.DataFrame:
    """Return the rows of the file, each beside the override it names; what the file lacks is as it was."""
    names = [*FIXED, "value", *DAYS, *TEXTS, "status"]
    now = known.select("override_id", *(pl.col(name).alias(f"{name}_now") for name in names))
    rows = given.join(now, on="override_id", how="left", maintain_order="left")
    lacks = [name for name in names if name not in columns and name != "value"]
    texts = {name: pl.col(name).fill_null("") for name in ("override_id", *TEXTS)}
    return (
        rows.with_columns(pl.coalesce(f"{name}_now", name).alias(name) for name in lacks)
        .with_columns(**texts)
        .with_columns(pl.col(f"{name}_now").fill_null("") for name in TEXTS)
        .with_columns(value=_value(), is_known=pl.col("kind_now").is_not_null())
        .with_columns(other_value=_other_value())
    )


def _value() -> pl.Expr:
    """Return the value that a row asks for, as a text: words of `value_text`, or else what `value` says."""
    told, written = pl.col("value_text"), pl.col("value").fill_null("")
    number = pl.coalesce(pl.col("number").cast(pl.String), written)
    is_word = pl.col("field").is_in(["kind", "do_not_stock"]).fill_null(value=False)
    is_other_word = told != pl.col("value_text_now")
    is_other_number = pl.col("number").is_not_null() & pl.col("number").ne_missing(pl.col("value_now"))
    words = pl.when((told != "") & (is_other_word | ~is_other_number)).then(told).otherwise(written)
    yes_no = words.replace({"1.0": "true", "1": "true", "0.0": "false", "0": "false"})
    return pl.when(is_word).then(yes_no.str.to_lowercase()).otherwise(number)


def _other_value() -> pl.Expr:
    now = pl.col("value_now")
    is_close = ((pl.col("number") - now).abs() <= CLOSE * now.abs()).fill_null(value=False)
    is_word = pl.col("value_text_now") != ""
    return pl.when(is_word).then(pl.col("value") != pl.col("value_text_now")).otherwise(~is_close)


def _action() -> pl.Expr:
    edited = [
        pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in (*DAYS, "reason_code", "reason_text")
    ]
    is_blank = pl.all_horizontal(pl.col("kind", "field").is_null()) & (pl.col("value") == "")
    withdrawn = (pl.col("status") == "withdrawn") & (pl.col("status_now") != "withdrawn")
    return (
        pl.when(pl.col("override_id") == "")
        .then(pl.when(is_blank).then(pl.lit("")).otherwise(pl.lit(SET)))
        .when(withdrawn.fill_null(value=False))
        .then(pl.lit(WITHDRAW))
        .when(pl.col("other_value") | pl.any_horizontal(edited) | ~pl.col("is_known"))
        .then(pl.lit(REPLACE))
        .otherwise(pl.lit(""))
    )


def _problem() -> pl.Expr:
    """Return why a row cannot be followed, "" where it can; what the values mean is judged when it is set."""
    old, has_id = pl.col("is_known"), pl.col("override_id") != ""
    is_new, ends = pl.col("action") == SET, pl.col("action") == WITHDRAW
    moved = [pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in FIXED]
    is_status = pl.col("status").is_not_null() & pl.col("status").ne_missing(pl.col("status_now"))
    is_over = pl.col("status_now") != "in_force"
    same = pl.struct("action", *FIXED, *DAYS)
    stays = "Kind, field and scope of an override stay: withdraw it, and add a row without override_id."
    faults: list[tuple[pl.Expr, str]] = [
        (has_id & ~old, "There is no such override, or none that you may see."),
        (has_id & pl.col("override_id").is_duplicated(), "It stands in the file more than once."),
        (pl.any_horizontal(pl.col(r"^.*_bad$")), "A day cannot be read; write it as 2026-11-30."),
        (old & pl.any_horizontal(moved), stays),
        (
            old & (pl.col("action") != "") & is_over,
            "It is no longer in force: add a row without override_id.",
        ),
        (old & is_status & ~ends, "Status can only be changed to withdrawn."),
        (ends & pl.col("withdrawn_why").is_null(), "Say in withdrawn_why why it is withdrawn."),
        (
            is_new & pl.any_horizontal(pl.col("kind", "field").is_null()),
            "A new override needs kind, field, value and reason_code.",
        ),
        (is_new & same.is_duplicated(), "Another row of the file sets the same for the same scope."),
    ]
    found = pl.lit("")
    for fault, words in reversed(faults):
        found = pl.when(fault.fill_null(value=False)).then(pl.lit(words)).otherwise(found)
    return found


def _twice(new: pl.DataFrame, known: pl.DataFrame) -> dict[int, str]:
    """Return the rows that would set anew what is in force already, as a file that is read twice would."""
    same = (*FIXED, *DAYS)
    standing = {
        (*row[1:-2], str(row[-2] if row[-1] is None else row[-1])): row[0]
        for row in known.filter(status="in_force")
        .select("override_id", *same, "value", "value_text")
        .iter_rows()
    }
    rows = new.filter(action=SET).select("row", *same, "value").iter_rows()
    return {row[0]: f"{standing[row[1:]]} sets the same already." for row in rows if row[1:] in standing}


def _override(row: dict[str, object]) -> Override:
    """Return the override that a row asks for; its id is that whose place it takes."""
    given = {name: row[name] for name in (*FIXED, *DAYS)}
    texts = {name: row[name] or "" for name in ("value", "reason_code", "reason_text")}
    return Override(**given, **texts, id=row["override_id"] or "")  # type: ignore[arg-type]
