"""Check the forecasts of a workspace: made again at past moments, scored, promises held against what came."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import __version__, demand, ingest, signals, supply
from plimsoll.demand.panel import KEY
from plimsoll.domain.errors import InputError, SettingError, did_you_mean
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import Facts, read_facts, rules_in_force
from plimsoll.workflows.settings import libraries

KIND = "accuracy"
STEPS = ("Company and lead times", "Forecasts made again", "Accuracy and alarms", "Promises and trust")
TABLES = ("accuracy", "alarm", "calibration", "trust")
OF_PLAN = ("planning_point", "target", "readiness")
FRESH = timedelta(days=92)  # an older check says little of the forecasts of today
BY = ("category", "location", "item", "class", "segment")


@dataclass(frozen=True, slots=True)
class AccuracyResult:
    """Tables `accuracy` (all levels), `alarm`, `calibration`, `trust`, and how they were made.

    `by` is the level asked for; `plan_id` names the plan that lent its targets and audit, empty without one.
    """

    run_id: str
    plan_id: str
    as_of: date
    by: str
    currency: str
    accuracy: pl.DataFrame
    alarm: pl.DataFrame
    calibration: pl.DataFrame
    trust: pl.DataFrame
    origins: tuple[date, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the level asked for, the whole, alarms, promises and grades counted as data for JSON."""
        shown = self.accuracy.filter(pl.col("level").is_in(["all", self.by]))
        return {
            "run_id": self.run_id,
            "plan_id": self.plan_id or None,
            "as_of": self.as_of.isoformat(),
            "by": self.by,
            "currency": self.currency,
            "origins": [day.isoformat() for day in self.origins],
            "accuracy": _plain(shown),
            "alarms": _plain(self.alarm),
            "calibration": _plain(self.calibration),
            "trust": dict(self.trust.group_by("grade").len().sort("grade").iter_rows()),
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
    """Check the forecasts of the data in force of a workspace, and put the result in force.

    A plan of the same data on the same day lends its targets and its audit; without one, promises are held
    against what came at the usual levels only, and grades leave the audit out.

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
        plan_id, lent = _of_plan(workspace, read.as_of)
        done = _checked(read, lent, progress)
        parameters = read.settings.of_results() | rules_in_force(workspace)
        parameters |= {"plan": workspace.run(plan_id).fingerprint if plan_id else None}
        seed, hashes = read.settings.plan.seed, workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, read.as_of, seed, parameters, hashes, libraries())
        run_id = workspace.publish_run(KIND, {name: done[name] for name in TABLES}, manifest, at=at)
    origins = tuple(done["accuracy"]["origin"].drop_nulls().unique().sort())
    return AccuracyResult(
        run_id=run_id,
        plan_id=plan_id,
        as_of=read.as_of,
        by=by,
        currency=read.currency,
        accuracy=done["accuracy"],
        alarm=done["alarm"],
        calibration=done["calibration"],
        trust=done["trust"],
        origins=origins,
    )


def grades_known(workspace: Workspace, day: date) -> tuple[dict[str, Any], pl.DataFrame | None]:
    """Return the parameter of a manifest that names the grades known on a day, and table `trust` with them.

    They are those of the check of the latest day that is not after this one, nor more than a quarter before;
    without one there is neither. They are named by what they say, so that the same check made again changes
    no plan.
    """
    checks = [run for run in workspace.runs() if run.kind == KIND and "trust" in run.tables]
    known = [run for run in checks if timedelta(0) <= day - run.as_of <= FRESH]
    if not known:
        return {}, None
    last = max(known, key=lambda run: (run.as_of, run.created_at))
    trust = workspace.result("trust", last.id)
    digest = hashlib.sha256(trust.write_csv().encode()).hexdigest()
    return {"trust": {"as_of": last.as_of.isoformat(), "sha256": digest}}, trust


def _of_plan(workspace: Workspace, day: date) -> tuple[str, dict[str, pl.DataFrame]]:
    """Return the plan in force and what it lends, if it was made of the same facts on the same day."""
    run = workspace.latest_run("plan")
    if run is None or run.as_of != day or run.manifest["inputs"] != workspace.fact_hashes():
        return "", {}
    return run.id, {name: workspace.result(name, run.id) for name in OF_PLAN if name in run.tables}


def _checked(read: Facts, lent: dict[str, pl.DataFrame], progress: Progress) -> dict[str, pl.DataFrame]:
    """Return the tables of a check of the forecasts."""
    day, settings = read.as_of, read.settings
    progress(STEPS[0], 0, len(STEPS))
    done = ingest.complete(read.tables, settings.ingest, as_of=day)
    known, points = done.tables, done.points
    lead_times = supply.estimate(known["receipts"], done.lanes, settings.supply, as_of=day)
    total = demand.pass_upstream(known["demand"], points)
    options: Any = {"as_of": day, "availability": known["availability"]}
    progress(STEPS[1], 1, len(STEPS))
    target = lent.get("target")
    aimed = points
    if target is not None:
        aims = target.select(*KEY, "target_service_eff")
        aimed = points.join(aims, on=KEY, how="left", maintain_order="left")
    again = signals.hindcast(
        total, aimed, lead_times, settings.signals, settings.demand, seed=settings.plan.seed, **options
    )
    if not again.height:
        what = f"No forecast could be made again: the history up to {day} is too short."
        remedy = "Import a longer history, or lower [signals] history_days or origins."
        raise InputError(what, remedy=remedy)
    progress(STEPS[2], 2, len(STEPS))
    table = signals.accuracy(again, points, target=target, demand=total, customers=known["customers"])
    raised = signals.alarms(total, points, settings.signals, settings.demand, hindcasts=again, **options)
    progress(STEPS[3], 3, len(STEPS))
    promises = signals.calibration(again, points, settings.signals, target=target)
    grades = signals.trust(promises, again, points, raised, settings.signals, readiness=lent.get("readiness"))
    return {"accuracy": table, "alarm": raised, "calibration": promises, "trust": grades}
