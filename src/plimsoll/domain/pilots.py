"""A pilot: its phases by date, and what workflows hand to the doors about it."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.tables import table

# Phase -> what happens in it.
PHASES = {
    "audit": "data are put right; nothing is recommended",
    "shadow": "recommendations are made every day and compared with what planners do; nothing is sent",
    "recommend": "planners decide on recommendations for the fence; every change and refusal has a reason",
    "measure": "planners go on, and the figures are closed",
}
FENCE_TABLES = ("pilot_fence", "pilot_balance", "pilot_power", "finding")
PILOT_TABLES = (
    "pilot_effect", "pilot_check", "pilot_look", "pilot_override", "pilot_decision", "pilot_week",
    "pilot_gap",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase with its first and last day."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Pilot:
    """A pilot that was started: its fence, its first day (a Monday), and the rule fixed then.

    `params` are options of the section [pilot] as frozen; `status` is running, stopped (by a person) or ended
    (by its verdict).
    """

    id: str
    fence_run: str
    first_day: date
    params: dict[str, Any]
    status: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""

    @property
    def phases(self) -> list[Phase]:
        """The phases in order; one of no weeks is left out.

        Examples
        --------
        >>> lengths = {"audit_weeks": 1, "shadow_weeks": 2, "recommend_weeks": 4, "measure_weeks": 0}
        >>> at = datetime(2026, 1, 5)
        >>> pilot = Pilot("P1", "run", date(2026, 1, 5), lengths, "running", at, "kim")
        >>> [(phase.name, str(phase.last)) for phase in pilot.phases]
        [('audit', '2026-01-11'), ('shadow', '2026-01-25'), ('recommend', '2026-02-22')]
        """
        found, day = [], self.first_day
        for name in PHASES:
            after = day + timedelta(weeks=self.params[f"{name}_weeks"])
            if after > day:
                found.append(Phase(name, day, after - timedelta(days=1)))
            day = after
        return found

    @property
    def sent_from(self) -> date:
        """The first day on which recommendations are sent."""
        weeks = self.params["audit_weeks"] + self.params["shadow_weeks"]
        return self.first_day + timedelta(weeks=weeks)

    @property
    def last_day(self) -> date:
        """The last day of the last phase."""
        return self.phases[-1].last

    def phase(self, day: date) -> str:
        """Return the phase of a day: its name, `waiting` before the first and `over` after the last."""
        if day < self.first_day:
            return "waiting"
        return next((phase.name for phase in self.phases if day <= phase.last), "over")

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "id": self.id,
            "fence_run": self.fence_run,
            "first_day": self.first_day.isoformat(),
            "status": self.status,
            "started_at": self.started_at.isoformat(),
            "started_by": self.started_by,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "ended_by": self.ended_by,
            "ended_why": self.ended_why,
            "phases": [
                {"phase": each.name, "first": each.first.isoformat(), "last": each.last.isoformat()}
                for each in self.phases
            ],
            "params": self.params,
        }


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()


@dataclass(frozen=True, slots=True)
class FenceResult:
    """A fence as proposed: who takes part, how alike the groups are, and what could be seen."""

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    choice: str
    params: dict[str, Any]
    tables: dict[str, pl.DataFrame]

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one table by name."""
        return self.tables[name] if name in self.tables else table(name).empty()

    @property
    def n_pairs(self) -> int:
        """Items in the fence, and as many in the control group."""
        return self["pilot_fence"].height // 2

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "choice": self.choice,
            "n_pairs": self.n_pairs,
            "params": self.params,
        } | {name: _plain(self[name]) for name in FENCE_TABLES}


@dataclass(frozen=True, slots=True)
class PilotResult:
    """Where a pilot stands: its phase, the verdict by the rule, and the tables it rests on.

    `n_weeks`: whole weeks of recommendations that the data tell of; `run_id` is empty where nothing was
    published.
    """

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    pilot: Pilot
    phase: str
    verdict: str
    sentence: str
    more_weeks: int | None
    n_weeks: int
    fence: FenceResult
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one table by name, empty where there is none."""
        return self.tables[name] if name in self.tables else table(name).empty()

    def effect(self, figure: str, against: str = "baseline") -> dict[str, Any]:
        """Return the row of one figure; empty if there is none."""
        rows = self["pilot_effect"].filter(figure=figure, against=against)
        return rows.row(0, named=True) if rows.height else {}

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "pilot": self.pilot.as_data(),
            "phase": self.phase,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "more_weeks": self.more_weeks,
            "n_weeks": self.n_weeks,
            "n_pairs": self.fence.n_pairs,
        } | {name: _plain(self[name]) for name in PILOT_TABLES}
