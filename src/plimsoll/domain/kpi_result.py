"""The key figures that workflows hand to the doors."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.kpis import ACTUAL, KPIS

KPI_TABLES = ("kpi", "kpi_ledger", "kpi_order", "kpi_point")


@dataclass(frozen=True, slots=True)
class KpiResult:
    """The key figures in force: the ledger behind them, and the figures asked for.

    `first` and `last` are the days asked for, both counted; `figures` the table `kpi` of them, split by
    `by`, and `trend` the same period by period, without a split. `sources` are the ledgers there are: the
    records, and the rules of the replay in force. `rows` are the rows behind one figure, if asked for.
    """

    workspace: Path
    run_id: str
    as_of: date
    currency: str
    by: str
    source: str
    first: date
    last: date
    figures: pl.DataFrame
    trend: pl.DataFrame
    sources: tuple[str, ...] = (ACTUAL,)
    rows: pl.DataFrame | None = None
    rows_of: str = ""
    n_rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def value(self, name: str, group: str = "company", source: str = "") -> float | None:
        """Return one figure of a group, None where the data do not tell."""
        found = self.figures.filter(kpi=name, group=group, source=source or self.source)["value"]
        return None if found.is_empty() else found.item()

    def as_data(self) -> dict[str, Any]:
        """Return the figures with their definitions as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "by": self.by,
            "source": self.source,
            "sources": list(self.sources),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "figures": _plain(self.figures),
            "trend": _plain(self.trend),
            "definitions": {
                name: {
                    "label": each.label,
                    "unit": each.unit,
                    "better": each.better,
                    "formula": each.formula,
                    "origin": each.origin,
                    "needs": each.needs,
                }
                for name, each in KPIS.items()
            },
            "rows": None if self.rows is None else _plain(self.rows),
            "rows_of": self.rows_of or None,
            "n_rows": self.n_rows,
            "seconds": self.seconds,
        }


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()
