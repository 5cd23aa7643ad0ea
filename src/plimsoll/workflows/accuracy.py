"""Check the forecasts of a workspace: made again at past moments, scored by group, alarms raised."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import demand, ingest, signals, supply
from plimsoll.domain.errors import InputError, SettingError, did_you_mean
from plimsoll.domain.progress import Progress, silent
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import read_facts

STEPS = ("Company and lead times", "Forecasts made again", "Accuracy and alarms")
BY = ("category", "location", "item", "class", "segment")


@dataclass(frozen=True, slots=True)
class AccuracyResult:
    """Tables `accuracy` (all levels) and `alarm`, the level asked for, and how they were made."""

    as_of: date
    by: str
    currency: str
    accuracy: pl.DataFrame
    alarm: pl.DataFrame
    origins: tuple[date, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the level asked for, the whole, and the alarms as plain data for JSON."""
        shown = self.accuracy.filter(pl.col("level").is_in(["all", self.by]))
        return {
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "currency": self.currency,
            "origins": [day.isoformat() for day in self.origins],
            "accuracy": _plain(shown),
            "alarms": _plain(self.alarm),
        }


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()


def check_forecasts(
    folder: Path,
    by: str = "category",
    *,
    at: datetime,
    as_of: date | None = None,
    progress: Progress = silent,
) -> AccuracyResult:
    """Return accuracy and alarms of the data in force of a workspace; nothing is published.

    Parameters
    ----------
    folder : the workspace
    by : level shown
    at : moment of the command, which decides what settings are in force
    as_of : day of knowledge; default: that of the import in force
    progress : told at the start of each step

    Raises
    ------
    SettingError : a level that does not exist
    InputError : no data, or a history too short to forecast any of it again
    """
    if by not in BY:
        what = f"Accuracy cannot be grouped by '{by}'."
        raise SettingError(what, remedy=did_you_mean(by, BY) or f"Use {', '.join(BY)}.")
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
    day, settings, currency = read.as_of, read.settings, read.currency
    progress(STEPS[0], 0, len(STEPS))
    done = ingest.complete(read.tables, settings.ingest, as_of=day)
    known, points = done.tables, done.points
    lead_times = supply.estimate(known["receipts"], done.lanes, settings.supply, as_of=day)
    total = demand.pass_upstream(known["demand"], points)
    options: Any = {"as_of": day, "availability": known["availability"]}
    progress(STEPS[1], 1, len(STEPS))
    again = signals.hindcast(
        total,
        points,
        lead_times,
        settings.signals,
        settings.demand,
        seed=settings.plan.seed,
        **options,
    )
    if not again.height:
        what = f"No forecast could be made again: the history up to {day} is too short."
        remedy = "Import a longer history, or lower [signals] history_days or origins."
        raise InputError(what, remedy=remedy)
    progress(STEPS[2], 2, len(STEPS))
    table = signals.accuracy(again, points, demand=total, customers=known["customers"])
    raised = signals.alarms(total, points, settings.signals, settings.demand, hindcasts=again, **options)
    origins = tuple(again["origin"].unique().sort())
    return AccuracyResult(day, by, currency, table, raised, origins)
