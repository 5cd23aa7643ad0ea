"""What workflows hand to the doors: results of imports, plans and benchmarks, as frozen values."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.tables import table

UNDATED = date(1970, 1, 1)  # the day of knowledge of facts that tell of no day


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did: rows kept and quarantined per table, findings, and the mapping it used."""

    workspace: Path
    source: str
    is_new: bool
    as_of: date
    rows: dict[str, int]
    quarantined: dict[str, int]
    findings: pl.DataFrame
    mapping_name: str
    mapping_file: Path | None = None
    mapping_text: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the outcome as plain data for JSON."""
        return {
            "workspace": str(self.workspace),
            "source": self.source,
            "is_new": self.is_new,
            "as_of": self.as_of.isoformat(),
            "rows": self.rows,
            "quarantined": self.quarantined,
            "mapping": self.mapping_name,
            "mapping_file": str(self.mapping_file) if self.mapping_file else None,
            "findings": self.findings.to_dicts(),
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan in force: its run, its tables by name, its aggregates, and how long each stage took.

    `parameters` are the options it was made with; a table that an older plan lacks reads as empty.
    """

    workspace: Path
    run_id: str
    as_of: date
    seed: int
    version: str
    currency: str
    tables: dict[str, pl.DataFrame]
    totals: dict[str, pl.DataFrame]
    before_after: pl.DataFrame
    quarantine: pl.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def quarantined(self) -> dict[str, int]:
        """Rows set aside at import, by table."""
        return dict(self.quarantine.group_by("table").len().sort("table").iter_rows())

    @property
    def stock_is_known(self) -> bool:
        """Whether any stock is recorded; without any, what is held or short is not known, and not 0."""
        return bool(self.tables["outlook"]["counted_date"].is_not_null().any())

    @property
    def cost_is_known(self) -> bool:
        """Whether any stocking point has a unit cost; without any, money is not known, and not 0."""
        return bool((self.tables["planning_point"]["unit_cost_eff"] > 0).any())

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one result table by name, empty where the plan has none."""
        return self.tables[name] if name in self.tables else table(name).empty()


@dataclass(frozen=True, slots=True)
class BenchmarkOutcome:
    """A benchmark's figures: one table for people and programs, with the machine and versions named."""

    name: str
    title: str
    command: str
    machine: dict[str, str]
    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the outcome as plain data for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "command": self.command,
            "machine": self.machine,
            "tables": {name: frame.to_dicts() for name, frame in self.tables.items()},
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class CashResult:
    """Stranded cash by one grouping, and the stocking points that hold most of it."""

    run_id: str
    by: str
    currency: str
    groups: pl.DataFrame
    points: pl.DataFrame
    stock_is_known: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that explains one stocking point: the four questions, and the rows they come from.

    `rows` holds the one row of the point by table; `lists` the rows of tables that may have several.
    """

    run_id: str
    item_id: str
    location_id: str
    currency: str
    questions: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
