"""What the workflow of life cycles hands to the doors, as a frozen value."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import polars as pl

from plimsoll.domain.results import PlanResult

SECTIONS = {
    "warnings": "obsolescence",
    "new": "cold_start",
    "ending": "last_time_buy",
    "engineered": "engineered_suggestion",
}

FINDINGS = (
    "supersession_loop",
    "successor_unknown",
    "successor_impossible",  # what the audit says in the place of the two
    "analog_unknown",
    "engineered_unflagged",
)


@dataclass(frozen=True, slots=True)
class LifecycleResult:
    """Warnings, new items, endings and suggestions by table name, who follows whom, and findings."""

    as_of: date
    currency: str
    tables: dict[str, pl.DataFrame]
    heirs: pl.DataFrame
    findings: pl.DataFrame

    @classmethod
    def of(cls, plan: PlanResult) -> Self:
        """Return the life cycles that a plan was published with."""
        return cls(
            plan.as_of,
            plan.currency,
            {name: plan[name] for name in SECTIONS.values()},
            plan["succession"],
            plan["finding"].filter(pl.col("code").is_in(FINDINGS)),
        )

    def ranked(self) -> dict[str, pl.DataFrame]:
        """Return the tables by section, most money first, of new items those planned by likeness first.

        Points without a warning are left out.
        """
        endings, suggested = self.tables["last_time_buy"], self.tables["engineered_suggestion"]
        at_stake = pl.col("writeoff_value") + pl.col("order_writeoff_value")
        due, money = pl.col("status") == "due", pl.col("buy_value") + pl.col("writeoff_value")
        warned = self.tables["obsolescence"].filter(pl.col("grade") != "none")
        by_money = {
            "warnings": warned.sort(-at_stake, -pl.col("no_demand_probability"), maintain_order=True),
            "new": self.tables["cold_start"].sort(~pl.col("applied"), "age_days", maintain_order=True),
            "ending": endings.sort(~due, -money, maintain_order=True),
            "engineered": suggested.sort(-pl.col("on_hand_value"), maintain_order=True),
        }
        return {name: by_money[name] for name in SECTIONS}

    def as_data(self, sections: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the sections wanted (all if none is named) as plain data for JSON, most money first."""
        ranked = self.ranked()
        return {
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            **{name: ranked[name].to_dicts() for name in sections or ranked},
            "successors": self.heirs.to_dicts(),
            "findings": self.findings.to_dicts(),
        }
