"""What workflows hand to the doors about repairs: as frozen values."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.repairs import Repair


@dataclass(frozen=True, slots=True)
class TableChange:
    """What repairs change in a table: how many rows go and come, and the first of both."""

    n_before: int
    n_after: int
    gone: int
    new: int
    before: pl.DataFrame
    after: pl.DataFrame


@dataclass(frozen=True, slots=True)
class RepairOutcome:
    """What was asked for and what became of it.

    `effects` is the table `repair` for the rules asked for; `changes` what they change, by table;
    `left_out` names rules or suggestions that cannot be applied, with the reason.
    """

    workspace: Path
    as_of: date
    is_recorded: bool
    rules: list[Repair]
    effects: pl.DataFrame
    changes: dict[str, TableChange]
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return the outcome as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "as_of": self.as_of.isoformat(),
            "recorded": self.is_recorded,
            "repairs": [rule.as_data() for rule in self.rules],
            "effects": self.effects.to_dicts(),
            "changes": {
                name: {
                    "rows_before": change.n_before,
                    "rows_after": change.n_after,
                    "rows_gone": change.gone,
                    "rows_new": change.new,
                    "before": change.before.to_dicts(),
                    "after": change.after.to_dicts(),
                }
                for name, change in self.changes.items()
            },
            "left_out": [{"what": what, "why": why} for what, why in self.left_out],
        }


@dataclass(frozen=True, slots=True)
class RepairLog:
    """The repairs of a workspace: those in force with their effect today, and those withdrawn."""

    workspace: Path
    as_of: date
    effects: pl.DataFrame
    withdrawn: list[Repair]

    def as_data(self) -> dict[str, Any]:
        """Return the log as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "as_of": self.as_of.isoformat(),
            "in_force": self.effects.to_dicts(),
            "withdrawn": [rule.as_data() for rule in self.withdrawn],
        }
