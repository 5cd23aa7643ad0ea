"""What the audit hands to the doors: doubtful facts, findings, rows set aside and readiness."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self

import polars as pl

from plimsoll.domain.results import PlanResult


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The audit of a workspace on a day of knowledge, as frozen values.

    `run_id` is the plan whose results were used, empty where there was none on that day. `findings` holds
    those of import, completion and audit (table `finding`); `rows` is `audit_row`, `ready` is `readiness`,
    and `totals` holds readiness over `all` points, by `category` and by `item_id`.
    """

    workspace: Path
    as_of: date
    currency: str
    run_id: str
    rows: pl.DataFrame
    findings: pl.DataFrame
    quarantine: pl.DataFrame
    ready: pl.DataFrame
    totals: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: PlanResult) -> Self:
        """Return the audit that a plan was published with."""
        unknown = {"all": pl.DataFrame(), "category": pl.DataFrame(schema={"category": pl.String})}
        return cls(
            workspace=plan.workspace,
            as_of=plan.as_of,
            currency=plan.currency,
            run_id=plan.run_id,
            rows=plan["audit_row"],
            findings=plan["finding"],
            quarantine=plan.quarantine,
            ready=plan["readiness"],
            totals={name: plan.totals.get(f"readiness_{name}", frame) for name, frame in unknown.items()},
        )

    @property
    def has_errors(self) -> bool:
        """Whether anything found is an error, so that it may not be planned."""
        return "error" in self.findings["severity"]
