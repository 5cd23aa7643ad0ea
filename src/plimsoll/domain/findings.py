"""What a check found, as data: one shape for every finding of every stage."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.tables import table


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: what (with count and first keys), why it matters, what was done, what to do."""

    code: str
    severity: Literal["info", "warning", "error"]
    table: str
    n_rows: int
    keys: str
    what: str
    why: str
    done: str
    remedy: str
    money_at_risk: float | None = None


def numbered(text: str, n: int) -> str:
    """Return a text with the right one of each pair `<singular|plural>` for a count.

    Examples
    --------
    >>> numbered("1 row<|s> of 'demand' <lacks|lack> a date", 1), numbered("2 row<|s> <is|are> bad", 2)
    ("1 row of 'demand' lacks a date", '2 rows are bad')
    """
    return re.sub(r"<([^<|>]*)\|([^<|>]*)>", r"\1" if n == 1 else r"\2", text)


@dataclass(frozen=True, slots=True)
class Message:
    """The words of a finding, with `<one|several>` forms; figures are filled in when it is found.

    Examples
    --------
    >>> odd = Message("odd", "info", "items", "{n} item<|s> <is|are> odd ({keys}).", "Why.", "Done.", "Do.")
    >>> odd.finding(2, "A, B").what
    '2 items are odd (A, B).'
    """

    code: str
    severity: Literal["info", "warning", "error"]
    table: str
    what: str
    why: str
    done: str
    remedy: str

    def finding(self, n: int, keys: str = "", *, money: float | None = None, **words: object) -> Finding:
        """Return the finding about n rows; `words` fill further names in the texts."""
        what, why, done, remedy = (
            numbered(text, n).format(n=f"{n:,}", keys=keys, **words)
            for text in (self.what, self.why, self.done, self.remedy)
        )
        return Finding(self.code, self.severity, self.table, n, keys, what, why, done, remedy, money)


def keys_of(rows: pl.DataFrame, key: Sequence[str]) -> str:
    """Return the first five keys of the rows as text: `A-1 @ DC1, A-2 @ DC1, …`."""
    shown = rows.select(key).head(6).rows()
    return first_keys(" @ ".join("?" if part is None else str(part) for part in row) for row in shown)


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Return the findings as the table `finding`."""
    rows = [asdict(finding) for finding in findings]
    return pl.DataFrame(rows, schema=table("finding").schema, orient="row").sort("code", "table")
