"""What service economics hand to the doors."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

ECONOMICS_TABLES = ("economics_run", "cost_curve", "service_choice", "economic_point")


@dataclass(frozen=True, slots=True)
class EconomicsResult:
    """What service costs in stock: the curves, the targets chosen and the economic points, as tables by name.

    `as_of` is the day of the plan that it rests on.
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

    @property
    def run(self) -> dict[str, Any]:
        """The one row of table `economics_run`."""
        return self["economics_run"].row(0, named=True)

    def curve(self, curve: str, by: str = "company") -> pl.DataFrame:
        """Return the rows of one curve of table `cost_curve`, by segment and step."""
        return self["cost_curve"].filter(curve=curve, by=by).sort("segment", "step")

    def at(self, curve: str, segment: str = "company", by: str = "company") -> dict[str, Any]:
        """Return the one row of a curve that is a point; empty if there is none."""
        rows = self.curve(curve, by).filter(segment=segment)
        return rows.row(0, named=True) if rows.height else {}

    def as_data(self, by: str = "company") -> dict[str, Any]:
        """Return it as plain data for JSON: the curves of the company and of one grouping, and the points."""
        shown = self["cost_curve"].filter(pl.col("by").is_in(["company", by]))
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "seconds": self.seconds,
        } | {
            "economics_run": self.run,
            "cost_curve": shown.to_dicts(),
            "service_choice": self["service_choice"].to_dicts(),
            "economic_point": self["economic_point"].to_dicts(),
        }
