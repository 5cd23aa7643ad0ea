"""What a plan rests on, as text: lead-time evidence, demand methods, fallbacks, findings, rows set aside."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.results import PlanResult
from plimsoll.domain.tables import table
from plimsoll.present.labels import label, source
from plimsoll.present.numbers import DASH, count, days, percent
from plimsoll.present.view import TOP_GROUPS

DEMAND_CLASSES = table("demand_estimate").column("demand_class").choices
EVIDENCE = table("lead_time_estimate").column("method_used").choices
# tables whose figures may rest on a fallback -> what they are called; reasons of lead times vary row by row
FALLBACKS = {"demand_estimate": "demand", "target": "target", "policy": "buffer"}
TOP_FALLBACKS, TOP_FINDINGS = 8, 12


@dataclass(frozen=True, slots=True)
class LeadTime:
    """One supplier's typed lead time beside what receipts show."""

    supplier: str
    lanes: str
    receipts: str
    typed: str
    measured: str
    difference: str


@dataclass(frozen=True, slots=True)
class MethodUse:
    """How many stocking points a demand method serves, in all and by class of demand."""

    method: str
    points: str
    share: str
    by_class: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fallback:
    """One reason why something other than the wanted method was used, and how often."""

    subject: str
    reason: str
    points: str


def lead_times(result: PlanResult, top: int = TOP_GROUPS) -> list[LeadTime]:
    """Return the suppliers whose typed lead time is furthest from the receipts."""
    return [
        LeadTime(
            supplier=source(row["from_location_id"]),
            lanes=f"{row['n_lanes']:,}",
            receipts=f"{row['n_receipts']:,}",
            typed=days(row["typed_days_mean"]),
            measured=days(row["mean_days"], row["sd_days"]),
            difference=f"{row['difference_days']:+.0f} days",
        )
        for row in result.totals["lead_time"].head(top).to_dicts()
    ]


def evidence(result: PlanResult) -> str:
    """Return in one sentence what the lead times of all lanes rest on."""
    frame = result["lead_time_estimate"]
    counted = {row["method_used"]: row["len"] for row in frame.group_by("method_used").len().to_dicts()}
    parts = [f"{label('evidence', code)} ({counted[code]:,})" for code in EVIDENCE if code in counted]
    return f"The lead times of {count(frame.height, 'lane')} rest on {', '.join(parts)}." if parts else ""


def methods(result: PlanResult) -> list[MethodUse]:
    """Return the demand methods in use, the most used first."""
    counted = result.totals["method"]
    in_all = counted["n_points"].sum()
    by = [
        pl.col("n_points").filter(pl.col("demand_class") == name).sum().alias(name) for name in DEMAND_CLASSES
    ]
    grouped = counted.group_by("method_used").agg(pl.col("n_points").sum(), *by)
    return [
        MethodUse(
            method=label("method", row["method_used"]),
            points=f"{row['n_points']:,}",
            share=percent(row["n_points"] / in_all, 0),
            by_class=tuple(f"{row[name]:,}" if row[name] else DASH for name in DEMAND_CLASSES),
        )
        for row in grouped.sort([-pl.col("n_points"), "method_used"]).to_dicts()
    ]


def fallbacks(result: PlanResult, top: int = TOP_FALLBACKS) -> list[Fallback]:
    """Return why other than the wanted methods were used, the most frequent reason first."""
    reasons = pl.concat(
        result[name].select(pl.lit(subject).alias("subject"), "fallback_reason")
        for name, subject in FALLBACKS.items()
    )
    counted = reasons.drop_nulls().group_by("subject", "fallback_reason").len()
    ranked = counted.sort([-pl.col("len").cast(pl.Int64), "subject", "fallback_reason"]).head(top)
    return [Fallback(subject, label("reason", reason), f"{n:,}") for subject, reason, n in ranked.rows()]


def findings(result: PlanResult) -> list[dict[str, Any]]:
    """Return the findings of a plan, the gravest first and the most money first within a severity."""
    return gravest(result["finding"])


def beyond_audit(result: PlanResult) -> list[dict[str, Any]]:
    """Return the findings that the report's section on the audit does not tell already."""
    told = result["audit_row"]["code"].unique()
    return gravest(result["finding"].filter(~pl.col("code").is_in(told.implode())))


def gravest(findings: pl.DataFrame) -> list[dict[str, Any]]:
    """Return findings, the gravest first; within a severity most money first, then most rows."""
    ranks = reversed(table("finding").column("severity").choices)
    rank = pl.col("severity").replace_strict({name: n for n, name in enumerate(ranks)}, return_dtype=pl.Int64)
    by = [rank, -pl.col("money_at_risk"), -pl.col("n_rows")]
    return findings.sort(by, nulls_last=True, maintain_order=True).to_dicts()


def quarantine(result: PlanResult) -> str:
    """Return how many rows were set aside, by table."""
    total = sum(result.quarantined.values())
    if not total:
        return "No row was set aside at import."
    parts = ", ".join(f"{name} {n:,}" for name, n in sorted(result.quarantined.items()) if n)
    return f"{count(total, 'row')} set aside at import with the reason kept: {parts}."
