"""The audit in the terminal, as data for JSON, as rows for CSV and as a section of the HTML report."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.text import Text

from plimsoll.domain.audited import AuditResult
from plimsoll.present.labels import LABELS
from plimsoll.present.numbers import count, money, percent, quantity
from plimsoll.present.terminal import SEVERITY_STYLE, say, show_findings, show_table

if TYPE_CHECKING:
    from rich.console import Console

QUARANTINE = "quarantine_"
TOP_GROUPS, TOP_ROWS = 12, 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the audit are wanted: of one check, of one item, and how many."""

    code: str | None = None
    item: str | None = None
    top: int = 20


def ranked(findings: pl.DataFrame) -> pl.DataFrame:
    """Return errors first, then findings with most money, then the gravest, then those with most rows."""
    order = {"error": 0, "warning": 1, "info": 2}
    return findings.sort(
        pl.col("severity") != "error",
        pl.col("money_at_risk").neg(),
        pl.col("severity").replace_strict(order, return_dtype=pl.Int64),
        pl.col("n_rows").neg(),
        "code",
        "table",
        nulls_last=True,
    )


def chosen(result: AuditResult, wanted: Wanted) -> pl.DataFrame:
    """Return the doubtful rows wanted, most money first; rows set aside at import are among them."""
    rows = pl.concat([result.rows, _set_aside(result.quarantine)], how="diagonal")
    if wanted.code is not None:
        rows = rows.filter(code=wanted.code)
    if wanted.item is not None:
        rows = rows.filter(item_id=wanted.item)
    return rows.sort(pl.col("money_at_risk").neg(), "code", "key", nulls_last=True)


def _set_aside(quarantine: pl.DataFrame) -> pl.DataFrame:
    return quarantine.select(
        code=pl.lit(QUARANTINE) + pl.col("reason"),
        table="table",
        key=pl.format("{} row {}", "source", "row"),
        severity=pl.lit("warning"),
        detail="detail",
    )


def repair_text(row: dict[str, Any]) -> str:
    """Return the suggested repair in words, or nothing.

    Examples
    --------
    >>> repair_text({"repair": "convert", "repair_column": "min_order_qty", "repair_value": 1 / 144})
    'divide min_order_qty by 144'
    >>> repair_text({"repair": "merge", "repair_to": "A-7"}), repair_text({"repair": None})
    ('merge with A-7', '')
    """
    kind, column, value = row.get("repair"), row.get("repair_column"), row.get("repair_value")
    if kind == "convert" and value:
        by_factor = f"multiply {column} by {quantity(value)}"
        return by_factor if value >= 1 else f"divide {column} by {quantity(1 / value)}"
    if kind in {"set", "cap"}:
        exact = f"{value:,.2f}".rstrip("0").rstrip(".")
        return f"{kind} {column} {'to' if kind == 'set' else 'at'} {exact}"
    if kind in {"merge", "transfer"}:
        return f"{kind} {'with' if kind == 'merge' else 'to'} {row.get('repair_to')}"
    return "leave the row out" if kind == "drop" else ""


def readiness_lines(result: AuditResult) -> list[tuple[str, str, str, str]]:
    """Return verdict, points, their share, and share of demand value; one line a verdict."""
    if result.totals["all"].is_empty():
        return []
    row = result.totals["all"].row(0, named=True)
    return [
        (words, f"{row[name]:,}", percent(row[f"share_{name}"]), percent(row[f"value_share_{name}"]))
        for name, words in LABELS["verdict"].items()
    ]


def readiness_sentence(result: AuditResult) -> str:
    """Return how much may be planned automatically, in one sentence."""
    if result.totals["all"].is_empty():
        return "No stocking point is known yet."
    row = result.totals["all"].row(0, named=True)
    value = row["value_share_automatic"]
    share = f"{percent(row['share_automatic'], 0)} of {count(row['n_points'], 'stocking point')}"
    worth = "" if value is None else f" with {percent(value, 0)} of the demand value"
    return f"{share}{worth} may be planned automatically."


def audit_data(result: AuditResult, wanted: Wanted) -> dict[str, Any]:
    """Return the audit as data: findings, readiness, and the rows wanted."""
    rows = chosen(result, wanted)
    ready = result.ready
    if wanted.item is not None:
        ready = ready.filter(item_id=wanted.item)
    data: dict[str, Any] = {
        "as_of": result.as_of.isoformat(),
        "run_id": result.run_id or None,
        "currency": result.currency,
        "findings": ranked(result.findings).to_dicts(),
        "quarantined": result.quarantine.group_by("table", "reason")
        .len("n_rows")
        .sort("table", "reason")
        .to_dicts(),
        "readiness": {name: frame.to_dicts() for name, frame in result.totals.items() if name != "item_id"},
        "n_rows": rows.height,
        "rows": rows.head(wanted.top).to_dicts(),
        "seconds": result.seconds,
    }
    if wanted.item is not None:
        data["points"] = ready.to_dicts()
    return data


def audit_csv(result: AuditResult, wanted: Wanted) -> str:
    """Return every row wanted as CSV text, whatever the number shown."""
    return chosen(result, wanted).write_csv()


def show_audit(result: AuditResult, wanted: Wanted, console: "Console") -> None:
    """Print the summary by check, or the rows of one check or item."""
    if wanted.code is None and wanted.item is None:
        _show_summary(result, wanted.top, console)
        return
    rows = chosen(result, wanted)
    if wanted.code is not None:
        show_findings(ranked(result.findings.filter(code=wanted.code)).to_dicts(), console)
    if wanted.item is not None:
        _show_item(result, wanted.item, console)
    _show_rows(rows, wanted, result.currency, console)


def _show_summary(result: AuditResult, top: int, console: "Console") -> None:
    basis = f"with the results of {result.run_id}" if result.run_id else "before a plan of these data"
    say(console, f"Audit of what is known on {result.as_of}, {basis}", "bold")
    say(console, readiness_sentence(result))
    found = ranked(result.findings)
    lines = [
        (row["code"], row["severity"], f"{row['n_rows']:,}", money(row["money_at_risk"], result.currency))
        for row in found.head(top).to_dicts()
    ]
    if lines:
        show_table(
            console, "\nWhat is wrong: errors, then most money", ["check", ""], ["rows", "at stake"], lines
        )
        if found.height > top:
            say(console, f"… and {count(found.height - top, 'more finding')}; --top shows more.")
    else:
        say(console, "Nothing is wrong, as far as the checks can see.")
    aside = result.quarantine.group_by("table", "reason").len("n").sort("table", "reason")
    if aside.height:
        show_table(console, "\nSet aside at import", ["table", "reason"], ["rows"],
              [(table, reason, f"{n:,}") for table, reason, n in aside.rows()])  # fmt: skip
    show_table(console, "\nReadiness", [""], ["points", "share", "of demand value"], readiness_lines(result))
    worst = result.totals["category"].head(TOP_ROWS).drop_nulls("category")
    if worst.height:
        names = ", ".join(
            f"{name} ({percent(score, 0)})" for name, score in worst.select("category", "score").rows()
        )
        say(console, f"Least ready groups: {names}.")
    if lines:
        code = lines[0][0]
        say(console, f"Next: plimsoll audit {result.workspace} --code {code}", "dim")


def _show_item(result: AuditResult, item: str, console: "Console") -> None:
    points = result.ready.filter(item_id=item)
    if points.is_empty():
        say(console, f"{item} is kept nowhere.")
    for row in points.to_dicts():
        say(
            console,
            Text.assemble((f"{item} at {row['location_id']}", "bold"), f"  {percent(row['score'], 0)}"),
        )
        say(console, row["why"], indent=2)


def _show_rows(rows: pl.DataFrame, wanted: Wanted, currency: str, console: "Console") -> None:
    shown = rows.head(wanted.top).to_dicts()
    if not shown:
        say(console, "No rows: the import named its first keys only, or the finding is of the whole table.")
        return
    n = f"{len(shown)} of {rows.height:,}" if rows.height > len(shown) else f"{rows.height:,}"
    say(console, f"\nRows, most money first: {n}", "bold")
    for row in shown:
        stake = f"  {money(row['money_at_risk'], currency)}" if row["money_at_risk"] is not None else ""
        style = SEVERITY_STYLE[row["severity"]]
        head = Text.assemble((row["severity"], style), "  ", (row["key"], "bold"), stake)
        if wanted.code is None:
            head.append(f"  {row['code']}", style="dim")
        say(console, head, indent=1)
        repair = repair_text(row)
        say(console, row["detail"] + (f" → {repair}" if repair else ""), "dim", indent=3)
    if rows.height > len(shown):
        say(console, "--csv FILE writes them all.", "dim")


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check in the report: its finding, and its rows with most money."""

    finding: dict[str, Any]
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Section:
    """All that the template of the report's section may use."""

    sentence: str
    verdicts: list[tuple[str, str, str, str]]
    groups: list[dict[str, Any]]
    checks: list[CheckLine]
    n_more: int
    currency: str


def section_of(result: AuditResult) -> Section:
    """Return what the report says of the audit: readiness, and the checks with most money."""
    found = ranked(result.findings.filter(pl.col("code").is_in(result.rows["code"].unique().implode())))
    shown = found.head(TOP_GROUPS).to_dicts()
    worst = result.rows.sort(pl.col("money_at_risk").neg(), "key", nulls_last=True)
    rows = {
        str(code): [row | {"repair_text": repair_text(row)} for row in part.to_dicts()]
        for (code,), part in worst.group_by("code", maintain_order=True).head(TOP_ROWS).group_by("code")
    }
    return Section(
        sentence=readiness_sentence(result),
        verdicts=readiness_lines(result),
        groups=result.totals["category"].drop_nulls("category").head(TOP_GROUPS).to_dicts(),
        checks=[CheckLine(row, rows.get(row["code"], [])) for row in shown],
        n_more=found.height - len(shown),
        currency=result.currency,
    )


@cache
def _template() -> str:
    return files("plimsoll.present").joinpath("templates", "audit.html.j2").read_text(encoding="utf-8")


def html_section(result: AuditResult) -> str:
    """Return the section of the HTML report, to be put into the page as it is."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": count, "money": money, "percent": percent}
    return environment.from_string(_template()).render(audit=section_of(result))
