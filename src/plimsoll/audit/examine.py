"""Every check run over the company: rows, findings and readiness."""

from dataclasses import dataclass

import polars as pl

import plimsoll.audit.checks  # noqa: F401 - importing them declares them
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import Check, declared
from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding, numbered
from plimsoll.domain.tables import table

DONE = "Nothing was changed; the plan reads the data as they are."


@dataclass(frozen=True, slots=True)
class Audit:
    """Faulty facts row by row (`audit_row`), and one finding a check that found some."""

    rows: pl.DataFrame
    findings: list[Finding]


def all_checks() -> tuple[Check, ...]:
    """Return every check in the order of their codes."""
    return declared()


def examine(company: Company, params: AuditParams) -> Audit:
    """Run every registered check.

    Parameters
    ----------
    company : facts and results as known on a day
    params : options

    Returns
    -------
    Audit
        Rows sorted by key; findings with money first.
    """
    frames, findings = [table("audit_row").empty()], []
    for each in all_checks():
        rows = _declared(each, each.look(company, params))
        if rows.height:
            frames.append(rows)
            findings.append(_finding(each, rows))
    return Audit(table("audit_row").conform(pl.concat(frames)), findings)


def _declared(each: Check, rows: pl.DataFrame) -> pl.DataFrame:
    said = rows.with_columns(code=pl.lit(each.code), table=pl.lit(each.table), severity=pl.lit(each.severity))
    key = ["code", "table", "key"]
    return table("audit_row").conform(said.unique(key, keep="first", maintain_order=True))


def _finding(each: Check, rows: pl.DataFrame) -> Finding:
    worst = rows.sort("money_at_risk", "key", descending=[True, False], nulls_last=True)
    keys = first_keys(worst["key"].head(6))
    money = rows["money_at_risk"].drop_nulls()
    words = {"n": f"{rows.height:,}", "keys": keys}
    what, why, remedy = (
        numbered(text, rows.height).format(**words) for text in (each.what, each.why, each.remedy)
    )
    total = float(money.sum()) if len(money) else None
    return Finding(each.code, each.severity, each.table, rows.height, keys, what, why, DONE, remedy, total)  # type: ignore[arg-type]
