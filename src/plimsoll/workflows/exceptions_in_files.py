"""The list of exceptions as an edited file: whose they are, until when they wait, and how they ended."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.decisions import Decided
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.exceptions import OUTCOMES
from plimsoll.domain.people import Person, require
from plimsoll.workflows.attention import Work, work_exception
from plimsoll.workflows.lists_in_files import Proposed, cells_of, edited_table

MOST_ASKED = 1_000
NEEDED = ("exception_id", "version")
DAYS = ("due", "snoozed_until")
EDITED = ("status", "owner", *DAYS, "outcome", "text")
NOW = ("version", *EDITED, "changed_by", "changed_at")
ASKED_OF_EXCEPTIONS = ("exception_id", *NOW)
ASKED = pl.Schema(
    {"row": pl.Int64(), "exception_id": pl.String(), "version": pl.Int64(), "action": pl.String()}
    | dict.fromkeys(("owner", "outcome", "text"), pl.String())
    | dict.fromkeys(DAYS, pl.Date())
)
KEEP, SNOOZE, CLOSE, REOPEN = "keep", "snooze", "close", "reopen"


def read_exceptions(content: bytes, name: str, known: pl.DataFrame) -> Proposed:
    """Return what an edited list of exceptions asks for; nothing is done.

    A row is matched by `exception_id` and `version`. Another `owner`, `due` or `text` is kept with it; a
    later `snoozed_until` puts it off; `closed` in `status`, with an `outcome`, ends it, and `open` opens it
    again. An emptied owner is nobody; an emptied day or text stays as it was.

    Parameters
    ----------
    content, name : the file; its name tells whether it is CSV or Excel
    known : the exceptions that the person may work on, with `ASKED_OF_EXCEPTIONS`

    Returns
    -------
    Decisions with row, exception_id, version, action (keep, snooze, close, reopen), and what changes: owner
    ("" for nobody), outcome, text, due, snoozed_until; unknown where it stays.
    """
    raw = edited_table(content, name, NEEDED)
    given = cells_of(raw, (*NEEDED, *EDITED), numbers=("version",), days=DAYS)
    now = known.select("exception_id", *(pl.col(column).alias(f"{column}_now") for column in NOW))
    rows = given.join(
        now.with_columns(pl.col("exception_id").cast(pl.String)), on="exception_id", how="left",
        maintain_order="left",
    )  # fmt: skip
    owner = pl.col("owner").fill_null("") if "owner" in raw.columns else pl.col("owner_now").fill_null("")
    asked = rows.with_columns(
        pl.col("status").str.to_lowercase(),
        pl.col("outcome").str.to_lowercase().str.replace_all(" ", "_"),
        pl.when(owner != pl.col("owner_now").fill_null("")).then(owner).alias("owner"),
        *(
            pl.when(pl.col(column).ne_missing(pl.col(f"{column}_now"))).then(pl.col(column)).alias(column)
            for column in (*DAYS, "text")
        ),
    )
    asked = asked.with_columns(action=_action()).with_columns(why=_problem())
    is_problem, differs = pl.col("why") != "", pl.col("action") != ""
    wanted = asked.filter(~is_problem, differs).select(list(ASKED)).cast(ASKED)
    if wanted.height > MOST_ASKED:
        what = f"The file asks for {wanted.height:,} changes; {MOST_ASKED:,} can be made at once."
        raise InputError(what, done="Nothing was changed.", remedy="Split it.")
    return Proposed(
        wanted,
        asked.filter(is_problem).select("row", "exception_id", "why"),
        raw.height,
        asked.filter(~is_problem, ~differs).height,
    )


def work_from_file(folder: Path, asked: pl.DataFrame, who: Person, *, at: datetime) -> Decided:
    """Do what a file asks for, as of `read_exceptions`; what cannot be is told one by one."""
    require(who, "work_exception")
    done: list[str] = []
    refused: dict[str, str] = {}
    for row in asked.to_dicts():
        try:
            work_exception(folder, row["exception_id"], who, version=row["version"], at=at, **_work(row))
        except PlimsollError as error:
            refused[row["exception_id"]] = str(error)
        else:
            done.append(row["exception_id"])
    return Decided(done, refused_because=refused)


def _work(row: dict[str, Any]) -> Work:
    done: Work = {"owner": row["owner"], "due": row["due"], "text": row["text"]}
    if row["action"] == CLOSE:
        done["closed"] = row["outcome"]
    if row["action"] == SNOOZE:
        done["snooze_until"] = row["snoozed_until"]
    if row["action"] == REOPEN:
        done["reopen"] = True
    return done


def _action() -> pl.Expr:
    moved = pl.col("status").is_not_null() & pl.col("status").ne_missing(pl.col("status_now").cast(pl.String))
    wanted = pl.col("status").replace({"closed": CLOSE, "open": REOPEN, "snoozed": SNOOZE})
    kept = pl.any_horizontal(pl.col("owner", "due", "text").is_not_null())
    return (
        pl.when(moved)
        .then(wanted)
        .when(pl.col("snoozed_until").is_not_null())
        .then(pl.lit(SNOOZE))
        .when(kept)
        .then(pl.lit(KEEP))
        .otherwise(pl.lit(""))
    )


def _problem() -> pl.Expr:
    """Return why a row cannot be followed, "" where it can; days are judged when it is done."""
    action, asked = pl.col("action"), pl.col("action") != ""
    changed = pl.format(
        "{} changed it on {}; download the list again.",
        "changed_by_now",
        pl.col("changed_at_now").dt.strftime("%Y-%m-%d %H:%M"),
    )
    unknown = "There is no such exception today among those that you may work on."
    faults: list[tuple[pl.Expr, pl.Expr | str]] = [
        (pl.col("exception_id").is_null(), "The row has no exception_id."),
        (pl.col("exception_id").is_duplicated(), "The exception stands in the file more than once."),
        (pl.col("version_now").is_null(), unknown),
        (pl.any_horizontal(pl.col(r"^.*_bad$")), "A day cannot be read; write it as 2026-11-30."),
        (asked & pl.col("version").ne_missing(pl.col("version_now").cast(pl.Float64)), changed),
        (
            asked & ~action.is_in([KEEP, SNOOZE, CLOSE, REOPEN]),
            "Status can be open, snoozed or closed.",
        ),
        (
            (action == CLOSE) & ~pl.col("outcome").is_in(list(OUTCOMES)).fill_null(value=False),
            f"Say in outcome how it ended: {', '.join(OUTCOMES)}.",
        ),
        ((action == SNOOZE) & pl.col("snoozed_until").is_null(), "Say in snoozed_until how long it waits."),
    ]
    found = pl.lit("")
    for fault, words in reversed(faults):
        said = pl.lit(words) if isinstance(words, str) else words
        found = pl.when(fault.fill_null(value=False)).then(said).otherwise(found)
    return found
