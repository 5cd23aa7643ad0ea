"""Every check run over the company: rows, findings and readiness."""

from dataclasses import dataclass

import polars as pl

import plimsoll.audit.checks  # noqa: F401 - importing them declares them
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import Check, declared
from plimsoll.audit.rows import FACTS
from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding, numbered
from plimsoll.domain.tables import table

DONE = "Nothing was changed in the data."


SEVERITIES = ("error", "warning", "info")  # the worst first


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
        Rows sorted by key; findings by severity, then with most money first. A row may be less grave than
        its check says (column `severity` of what `look` returns); a finding is as grave as its worst row.
    """
    frames, findings = [table("audit_row").empty()], []
    for each in all_checks():
        looked = each.look(company, params)
        rows = _declared(each, looked)
        if rows.height:
            frames.append(rows)
            n_facts = int(looked[FACTS].sum()) if FACTS in looked.columns else rows.height
            findings.append(_finding(each, rows, n_facts))
    findings.sort(key=lambda each: (SEVERITIES.index(each.severity), -(each.money_at_risk or 0.0), each.code))
    return Audit(table("audit_row").conform(pl.concat(frames)), findings)


def _declared(each: Check, rows: pl.DataFrame) -> pl.DataFrame:
    own = pl.col("severity") if "severity" in rows.columns else pl.lit(each.severity)
    said = rows.drop(FACTS, strict=False).with_columns(
        code=pl.lit(each.code), table=pl.lit(each.table), severity=own
    )
    key = ["code", "table", "key"]
    return table("audit_row").conform(said.unique(key, keep="first", maintain_order=True))


def _finding(each: Check, rows: pl.DataFrame, n_facts: int) -> Finding:
    worst = rows.sort("money_at_risk", "key", descending=[True, False], nulls_last=True)
    keys = first_keys(worst["key"].head(6))
    money = rows["money_at_risk"].drop_nulls()
    words = {"n": f"{n_facts:,}", "keys": keys}
    what, why, remedy = (
        numbered(text, n_facts).format(**words) for text in (each.what, each.why, each.remedy)
    )
    total = float(money.sum()) if len(money) else None
    severity = min(rows["severity"].unique().to_list(), key=SEVERITIES.index)
    return Finding(each.code, severity, each.table, n_facts, keys, what, why, DONE, remedy, total)
