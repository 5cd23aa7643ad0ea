"""What learning from decisions hands to the doors."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

LEARNING_TABLES = ("outcome", "outcome_total", "suggestion")


@dataclass(frozen=True, slots=True)
class LearningResult:
    """What decisions were worth as known on a day, and what they teach; its tables by name.

    `outcome` is one row a decision, `outcome_total` one a group, `suggestion` one a habit.
    """

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name."""
        return self.tables[name]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON: totals and suggestions; outcomes are stored with the run."""
        iso = pl.selectors.date().dt.to_string("iso")
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "n_decisions": self["outcome"].height,
            "seconds": self.seconds,
        } | {name: self[name].with_columns(iso).to_dicts() for name in LEARNING_TABLES[1:]}
