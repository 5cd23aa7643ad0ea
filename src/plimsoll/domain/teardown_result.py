"""The first diagnosis of a company as workflows hand it to the doors."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from plimsoll.domain.capital_result import CapitalResult
from plimsoll.domain.results import PlanResult

TEARDOWN_TABLES = ("teardown_segment", "teardown_extreme", "maturity")


@dataclass(frozen=True, slots=True)
class TeardownResult:
    """Segments, extremes and maturity of a company, with the plan and the capital that they rest on."""

    run_id: str
    plan: PlanResult
    capital: CapitalResult
    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name."""
        return self.tables[name]

    def score(self) -> float:
        """Return the maturity of planning: the mean of its six levels, 0 to 4."""
        return float(self["maturity"].select(pl.col("level").mean()).item())

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        capital = self.capital.as_data()
        return {
            "workspace": str(self.capital.workspace),
            "run_id": self.run_id,
            "plan_run": self.plan.run_id,
            "capital_run": self.capital.run_id,
            "as_of": self.plan.as_of.isoformat(),
            "currency": self.plan.currency,
            "score": self.score(),
            **{name: self[name].to_dicts() for name in TEARDOWN_TABLES},
            "sums": capital["sums"],
            "release_totals": capital["release_totals"],
            "seconds": self.seconds,
        }
