"""What a replay hands to the doors."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.tables import table

REPLAY_TABLES = (
    "replay_run",
    "replay_figure",
    "replay_match",
    "replay_goal",
    "replay_difference",
    "replay_period",
    "ledger",
    "replay_left_out",
    "finding",
)


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A replay in force: when, which rules, and its tables by name.

    `rules` come in order; `after` is compared with `before` (None with one rule): the plan at the service
    of that rule where goals were replayed, else the first rule. `start` is the day before the first
    replayed period, `counted_from` the last day of the warm-up (the start without one); `n_counted` the
    points whose stock at the start is on record.
    """

    workspace: Path
    run_id: str
    currency: str
    rules: tuple[str, ...]
    after: str
    before: str | None
    start: date
    counted_from: date
    end: date
    bucket: str
    periods: int
    every: int
    n_points: int
    lead_times: str
    stock_at_start: str
    n_counted: int
    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        workspace: Path,
        run_id: str,
        currency: str,
        tables: dict[str, pl.DataFrame],
        seconds: dict[str, float] | None = None,
    ) -> "ReplayResult":
        """Return the result that the tables of a run tell."""
        run = tables["replay_run"].row(0, named=True)
        run["rules"] = tuple(run["rules"].split("|"))
        return cls(
            workspace=workspace, run_id=run_id, currency=currency, tables=tables, seconds=seconds or {}, **run
        )

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name, empty where the replay has none."""
        return self.tables[name] if name in self.tables else table(name).empty()

    @property
    def left_out(self) -> int:
        """Stocking points that were not replayed."""
        return self["replay_left_out"].select("item_id", "location_id").n_unique()

    def figure(self, name: str, rule: str) -> dict[str, Any]:
        """Return the row of one figure and rule; empty if there is none."""
        rows = self["replay_figure"].filter(figure=name, rule=rule)
        return rows.row(0, named=True) if rows.height else {}

    def as_data(self) -> dict[str, Any]:
        """Return the replay as plain data for JSON: all but the ledger, which is stored with the run."""
        shown = [name for name in REPLAY_TABLES if name not in ("replay_run", "ledger", "replay_left_out")]
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "currency": self.currency,
            "rules": list(self.rules),
            "after": self.after,
            "before": self.before,
            "start": self.start.isoformat(),
            "counted_from": self.counted_from.isoformat(),
            "end": self.end.isoformat(),
            "bucket": self.bucket,
            "periods": self.periods,
            "every": self.every,
            "n_points": self.n_points,
            "lead_times": self.lead_times,
            "stock_at_start": self.stock_at_start,
            "n_counted": self.n_counted,
            "left_out": self.left_out,
            "seconds": self.seconds,
        } | {
            name: self[name].with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()
            for name in shown
        }
