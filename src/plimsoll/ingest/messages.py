"""What the import says, as data: a registry of findings and of reasons for quarantine."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from plimsoll.domain.findings import Finding, numbered


@cache
def _messages() -> dict[str, dict[str, dict[str, Any]]]:
    text = files("plimsoll.ingest").joinpath("words", "messages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def finding_codes() -> tuple[str, ...]:
    """Return the codes of all findings of the import, those of quarantine reasons included."""
    reasons = (f"quarantine_{code}" for code in quarantine_reasons())
    return tuple(sorted([*_messages()["finding"], *reasons]))


@cache
def quarantine_reasons() -> dict[str, str]:
    """Return the sentence of every reason for quarantine.

    Examples
    --------
    >>> quarantine_reasons()["not_a_date"]
    'Rows have a text where a date is needed.'
    """
    messages = _messages()["quarantine"].items()
    return {code: numbered(f"Rows {message['is']}.", 2) for code, message in messages}


def finding(
    code: str, table: str, n: int, keys: str = "", *, money: float | None = None, **words: object
) -> Finding:
    """Return the finding of that code with its sentences filled in.

    Examples
    --------
    >>> finding("negative_demand", "demand", 1200, "A-1 @ MAIN, …").what
    '1,200 demand rows are negative (A-1 @ MAIN, …).'
    >>> finding("negative_demand", "demand", 1, "A-1 @ MAIN").what
    '1 demand row is negative (A-1 @ MAIN).'
    """
    message = _messages()["finding"][code]
    what, why, done, remedy = (
        numbered(message[part], n).format(n=f"{n:,}", keys=keys, table=table, **words)
        for part in ("what", "why", "done", "remedy")
    )
    return Finding(code, message["severity"], table, n, keys, what, why, done, remedy, money)


def quarantine_finding(reason: str, table: str, n: int, keys: str) -> Finding:
    """Return the finding that counts the rows quarantined for one reason."""
    message = _messages()["quarantine"][reason]
    return Finding(
        code=f"quarantine_{reason}",
        severity="warning",
        table=table,
        n_rows=n,
        keys=keys,
        what=numbered(f"{n:,} row<|s> of '{table}' {message['is']} ({{}}).", n).format(keys),
        why=numbered("<It does|They do> not count in the plan.", n),
        done=numbered("<It was|They were> put into quarantine with column, value and raw row.", n),
        remedy=message["remedy"],
    )
