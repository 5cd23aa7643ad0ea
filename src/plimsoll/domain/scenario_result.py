"""What scenarios and stress tests hand to the doors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.scenarios import Scenario
from plimsoll.domain.tables import table

BASE = "base"
SCENARIO_TABLES = ("scenario_figure", "scenario_action", "finding")
STRESS_TABLES = ("stress_disruption", "stress_item")


@dataclass(frozen=True, slots=True)
class Saved:
    """A scenario that is kept, and its last run, if there is one.

    `plan_id` : the plan that it was laid over; `is_stale` : whether another plan is in force since.
    """

    scenario: Scenario
    run_id: str = ""
    plan_id: str = ""
    is_stale: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        run = {"run_id": self.run_id or None, "plan_id": self.plan_id or None, "is_stale": self.is_stale}
        return self.scenario.as_data() | run


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """Runs of one or more scenarios laid over one plan, case by case beside the base.

    `cases` : names of the cases in order, the base first
    """

    workspace: Path
    run_ids: tuple[str, ...]
    plan_id: str
    as_of: date
    currency: str
    scenarios: tuple[Scenario, ...]
    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name, empty where there is none."""
        return self.tables[name] if name in self.tables else table(name).empty()

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases in order, the base first."""
        return tuple(self["scenario_figure"]["case"].unique(maintain_order=True))

    def figure(self, name: str, case: str) -> float | None:
        """Return one figure of one case; None where it is not known."""
        rows = self["scenario_figure"].filter(figure=name, case=case)
        return rows["value"][0] if rows.height else None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "runs": list(self.run_ids),
            "plan": self.plan_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "scenarios": [scenario.as_data() for scenario in self.scenarios],
            **{name: self[name].to_dicts() for name in SCENARIO_TABLES},
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class StressResult:
    """A stress test: what each disruption does, the largest expected loss first.

    `assumptions` : the options that decided it, by name
    """

    workspace: Path
    run_id: str
    plan_id: str
    as_of: date
    currency: str
    tables: dict[str, pl.DataFrame]
    assumptions: Mapping[str, Any]
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name, empty where there is none."""
        return self.tables[name] if name in self.tables else table(name).empty()

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON: all but the items, which are stored with the run."""
        return {
            "run": self.run_id,
            "plan": self.plan_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "assumptions": dict(self.assumptions),
            "stress_disruption": self["stress_disruption"].to_dicts(),
            "seconds": self.seconds,
        }
