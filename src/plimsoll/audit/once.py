"""One fault told once: where a check and a stage tell of the same rows, the check tells both."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from plimsoll.audit.examine import DONE, SEVERITIES
from plimsoll.audit.registry import Check, declared

Row = dict[str, Any]


def told_once(findings: pl.DataFrame) -> pl.DataFrame:
    """Return findings without those of other stages of which a check that fired tells the same rows.

    A check names what it stands in for: of what it `covers` nothing stays, of what it is `part_of` only a
    finding of more rows than its own. Of both it takes over what was really done, in place of its general
    sentence, and the severity where that is graver. Where no check fires, nothing is left out.

    Parameters
    ----------
    findings : table `finding`, of import, plan and audit together

    Examples
    --------
    >>> from plimsoll.domain.findings import Finding, findings_frame
    >>> said = ("stock_negative", "warning", "stock", 2, "", "", "", "Their stock was taken as 0.", "")
    >>> found = ("negative_on_hand", "warning", "stock", 2, "", "", "", DONE, "")
    >>> both = findings_frame([Finding(*said), Finding(*found)])
    >>> told_once(both).select("code", "done").rows()
    [('negative_on_hand', 'Their stock was taken as 0.')]
    """
    rows, gone = findings.to_dicts(), set()
    at = {row["code"]: number for number, row in enumerate(rows) if row["done"] == DONE}
    for check in declared():
        if check.code not in at:
            continue
        mine = rows[at[check.code]]
        same = list(_same(check, rows, mine))
        # The largest of each code speaks for it: import and plan may both tell of one.
        told = {
            rows[number]["code"]: rows[number] for number in sorted(same, key=lambda n: rows[n]["n_rows"])
        }
        if told:
            mine["done"] = " ".join(dict.fromkeys(row["done"] for row in told.values()))
            mine["severity"] = min(
                (mine["severity"], *(row["severity"] for row in told.values())), key=_grave
            )
        gone |= {
            n for n in same if rows[n]["code"] not in check.part_of or rows[n]["n_rows"] <= mine["n_rows"]
        }
    kept = [row for number, row in enumerate(rows) if number not in gone]
    return pl.DataFrame(kept, schema=findings.schema)


def _same(check: Check, rows: list[Row], mine: Row) -> Iterator[int]:
    for number, row in enumerate(rows):
        if row["code"] in (*check.covers, *check.part_of) or (row["code"] == check.code and row is not mine):
            yield number


def _grave(severity: str) -> int:
    return SEVERITIES.index(severity)
