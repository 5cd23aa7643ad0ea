"""The working capital of a plan as workflows hand it to the doors."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

ACTIONS = ("transfer", "return", "discount", "scrap")
BLEED, STAYS = "bleed_off", "stays"
ROUTES = (BLEED, *ACTIONS, STAYS)
CAUSES = ("demand", "lead_time", "lot", "target", "network", "override", "data")  # why expected stock moves
CAPITAL_TABLES = ("stranded", "release", "provision", "stock_bridge")


@dataclass(frozen=True, slots=True)
class CapitalResult:
    """Stranded cash with its release, the provision for it, and the bridges of stock value.

    `tables` are those of `CAPITAL_TABLES`; `totals` the release by route and month; `plan_run` is the plan in
    force, `before_run` the earlier plan of the bridge between plans, empty without one.
    """

    workspace: Path
    run_id: str
    plan_run: str
    before_run: str
    as_of: date
    currency: str
    tables: dict[str, pl.DataFrame]
    totals: pl.DataFrame
    stock_is_known: bool = True
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name."""
        return self.tables[name]

    def sums(self) -> dict[str, float]:
        """Return the money columns of table `stranded` added up."""
        names = [name for name in self["stranded"].columns if "_value" in name or "cost" in name]
        return dict(self["stranded"].select(pl.col(names).sum()).row(0, named=True))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "plan_run": self.plan_run,
            "before_run": self.before_run or None,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "sums": self.sums(),
            "release_totals": _plain(self.totals),
            **{name: _plain(self[name]) for name in CAPITAL_TABLES},
            "seconds": self.seconds,
        }


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()
