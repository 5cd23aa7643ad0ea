"""The pilot of a workspace: propose a fence, start, watch, judge and stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import __version__, ingest, pilot
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require
from plimsoll.domain.pilots import FENCE_TABLES, FenceResult, Pilot, PilotResult
from plimsoll.domain.tables import table
from plimsoll.integrations.paper import print_page
from plimsoll.pilot.week import KEY
from plimsoll.store import pilots
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import pilot_weeks as records
from plimsoll.workflows.facts import Facts, read_facts, rules_in_force
from plimsoll.workflows.settings import libraries

FENCE, KIND = "pilot_fence", "pilot"
YEAR = 52
Tables = dict[str, pl.DataFrame]


def propose_fence(
    folder: Path,
    choice: str,
    who: Person,
    *,
    at: datetime,
    named: Sequence[str] = (),
    size: int | None = None,
    as_of: date | None = None,
) -> FenceResult:
    """Propose a fence with its control group and say what it could see; a start freezes it.

    Parameters
    ----------
    folder : the workspace, with a plan
    choice : messy_spares, fast_a, or named for items of one's own
    who : who asks; needs the right to start a run
    at : moment of the command
    named : item ids, for the choice `named`
    size : items in the fence, over that of the settings
    as_of : day of knowledge; default: that of the import in force

    Raises
    ------
    InputError : no plan, too short a history, or too few items that are alike: with what would be feasible
    Forbidden : the role does not allow it
    """
    require(who, "start_run")
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
        made = _plans(workspace, read.as_of)
        params = read.settings.pilot
        if size is not None:
            least = min(params.least_size, size)
            params = pilot.PilotParams.read(params.model_dump() | {"size": size, "least_size": least}, KIND)
        end = records.monday(read.as_of + timedelta(days=1))
        first = _first_week(read, params, end)
        weeks = _weeks(workspace, read, made, first)
        if params.service_figure == "perfect_order_rate" and not weeks["orders"].sum():
            params = params.model_copy(update={"service_figure": "fill_rate"})
        about = _about(workspace, made[-1])
        items = pilot.item_measures(weeks, about, params, end=end)
        known = about["item_id"].unique().sort().to_list()
        seed = read.settings.plan.seed
        found = pilot.propose(items, choice, params, named=tuple(named), known=known, seed=seed)
        power = pilot.detectable(weeks, found.fence, params, end=end, seed=seed)
        said: list[Finding] = [*found.findings, *pilot.power_findings(power)]
        tables = {
            "pilot_fence": found.fence,
            "pilot_balance": found.balance,
            "pilot_power": power,
            "finding": findings_frame(said),
        }
        parameters: dict[str, Any] = read.settings.of_results() | rules_in_force(workspace)
        parameters |= {
            KIND: params.model_dump(mode="json"),
            "choice": choice,
            "named": list(named),
            "plans": [run.fingerprint for run in made],
            "currency": read.currency,
        }
        hashes = workspace.fact_hashes()
        manifest = Manifest(FENCE, __version__, read.as_of, seed, parameters, hashes, libraries())
        workspace.publish_run(FENCE, tables, manifest, at=at)
        return _fence(workspace, None)


def start(folder: Path, who: Person, *, at: datetime, first_day: date | None = None) -> PilotResult:
    """Start a pilot with the fence proposed last; fence, lengths and thresholds are fixed from then on.

    Parameters
    ----------
    folder : the workspace
    who : who starts it; needs the right to approve
    at : moment of the command
    first_day : a Monday after the data of the fence; default: the next one

    Raises
    ------
    InputError : no fence, another pilot that runs, or a first day that is no Monday or lies before the fence
    """
    require(who, "approve")
    with Workspace.open(folder) as workspace:
        fence = _fence(workspace, None)
        earliest = records.monday(fence.as_of + timedelta(days=7))
        day = first_day or max(earliest, records.monday(at.date() + timedelta(days=6)))
        if day.weekday() or day < earliest:
            what = f"A pilot cannot begin on {day}."
            why = "Weeks begin on Mondays, and who takes part was chosen by what was known before."
            raise InputError(what, why=why, remedy=f"Choose {earliest} or a later Monday.")
        pilots.start_pilot(workspace, fence.run_id, day, fence.params, author=who.username, at=at)
    return status(folder, who, at=at)


def stop(folder: Path, who: Person, *, reason: str, at: datetime) -> Pilot:
    """Stop the running pilot for a reason, before its verdict.

    Raises
    ------
    InputError : none is running, or the reason is missing
    """
    require(who, "approve")
    if not reason.strip():
        what = "The reason is missing."
        raise InputError(
            what, why="A pilot that was stopped teaches by why.", remedy="Give it with --reason."
        )
    with Workspace.open(folder) as workspace:
        running = _last(workspace)
        return pilots.end_pilot(workspace, running, "stopped", author=who.username, why=reason.strip(), at=at)


def status(folder: Path, who: Person, *, at: datetime, as_of: date | None = None) -> PilotResult:
    """Return where the last pilot stands by what is known on a day; nothing is published.

    Raises InputError where none was started.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _measured(workspace, at, as_of).result


def verdict(folder: Path, who: Person, *, at: datetime, as_of: date | None = None) -> PilotResult:
    """Judge the last pilot by the rule fixed at its start, and put the verdict in force.

    A verdict other than `running` ends a pilot that runs; it can be drawn again from the same data.

    Raises InputError where none was started.
    """
    require(who, "start_run")
    with Workspace.open(folder) as workspace:
        done = _measured(workspace, at, as_of)
        manifest = Manifest(
            KIND, __version__, done.result.as_of, done.seed, done.parameters, workspace.fact_hashes(),
            libraries(),
        )  # fmt: skip
        run_id = workspace.publish_run(KIND, done.result.tables, manifest, at=at)
        one = done.result.pilot
        if one.status == "running" and done.result.verdict in ("go", "extend", "stop"):
            why = f"{done.result.verdict}: {done.result.sentence}"
            one = pilots.end_pilot(workspace, one, "ended", author=who.username, why=why, at=at)
    result = done.result
    return PilotResult(
        result.workspace, run_id, result.as_of, result.currency, one, result.phase, result.verdict,
        result.sentence, result.more_weeks, result.n_weeks, result.fence, result.tables,
    )  # fmt: skip


def load_fence(folder: Path, who: Person) -> FenceResult:
    """Return the fence proposed last; InputError where there is none."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _fence(workspace, None)


def printed(page: Path) -> Path | None:
    """Print a report to PDF beside it and return the file; None where no browser of this machine can."""
    file = page.with_suffix(".pdf")
    return file if print_page(page, file) else None


@dataclass(frozen=True, slots=True)
class _Measured:
    """A pilot measured, with what a manifest tells of it."""

    result: PilotResult
    parameters: dict[str, Any]
    seed: int


def _measured(workspace: Workspace, at: datetime, as_of: date | None) -> _Measured:
    """Return the last pilot with all its tables, from the facts in force."""
    one = _last(workspace)
    read = read_facts(workspace, at=at, as_of=as_of)
    fence = _fence(workspace, one.fence_run)
    params = pilot.PilotParams.read(one.params, KIND)
    made = _plans(workspace, read.as_of)
    sent, seed = one.sent_from, read.settings.plan.seed
    known = records.monday(read.as_of + timedelta(days=1))
    n_weeks = max(min((known - sent).days // 7, params.treated_weeks), 0)
    first = sent - timedelta(weeks=max(params.baseline_weeks, YEAR))
    weeks = _weeks(workspace, read, made, first)
    weeks = weeks.join(fence["pilot_fence"].select("item_id"), on="item_id", how="semi")
    tables = _watched(workspace, read, one, fence, made)
    tables["pilot_override"] = pilot.overriding(tables["pilot_decision"], params)
    tables["pilot_look"] = pilot.service_looks(
        weeks, fence["pilot_fence"], params, start=sent, n_weeks=n_weeks
    )
    tables["pilot_effect"] = (
        pilot.all_effects(weeks, fence["pilot_fence"], params, start=sent, n_weeks=n_weeks, seed=seed)
        if n_weeks
        else table("pilot_effect").empty()
    )
    found = pilot.judged(
        tables["pilot_effect"], tables["pilot_look"], tables["pilot_override"], params, n_weeks=n_weeks
    )
    tables["pilot_check"] = found.checks
    shown = weeks.filter(pl.col("period") >= sent - timedelta(weeks=params.baseline_weeks))
    tables["pilot_week"] = pilot.by_week(shown, fence["pilot_fence"])
    result = PilotResult(
        workspace=workspace.path,
        run_id="",
        as_of=read.as_of,
        currency=read.currency,
        pilot=one,
        phase=one.phase(as_of or max(at.date(), read.as_of)) if one.status == "running" else one.status,
        verdict=found.verdict,
        sentence=found.sentence,
        more_weeks=found.more_weeks,
        n_weeks=n_weeks,
        fence=fence,
        tables=tables,
    )
    told = read.settings.of_results() | rules_in_force(workspace)
    told |= {
        "started": one.as_data(),
        "plans": [run.fingerprint for run in made],
        "decisions": records.digest(tables["pilot_decision"]),
    }
    return _Measured(result, told, seed)


def _watched(
    workspace: Workspace, read: Facts, one: Pilot, fence: FenceResult, made: list[RunRecord]
) -> Tables:
    """Return pilot_gap of the shadow weeks, and pilot_decision since recommendations are sent."""
    items = fence["pilot_fence"].filter(role="fence")["item_id"]
    last = made[-1]
    costs = workspace.result_rows("planning_point", last.id, [*KEY, "unit_cost_eff"])
    levels = workspace.result_rows("policy", last.id, [*KEY, "reorder_point_qty"])
    stands = workspace.result_rows("outlook", last.id, [*KEY, "position_qty"])
    points = (
        costs.rename({"unit_cost_eff": "unit_cost"})
        .join(levels, on=KEY, how="left")
        .join(stands, on=KEY, how="left")
    )

    def compared(first: date, until: date) -> pl.DataFrame:
        during = [run for run in made if first <= run.as_of <= until]
        lines = records.recommended(workspace, during, items)
        return pilot.gaps(lines, records.ordered(read.tables, items, made, first, until), points)

    sent = one.sent_from
    shadow = sent - timedelta(weeks=one.params["shadow_weeks"])
    gap = compared(shadow, min(sent - timedelta(days=1), read.as_of))
    besides = compared(sent, min(one.last_day, read.as_of))
    return {
        "pilot_gap": gap,
        "pilot_decision": records.decided(workspace, items, besides, first=sent, last=one.last_day),
    }


def _last(workspace: Workspace) -> Pilot:
    one = pilots.last_pilot(workspace)
    if one is None:
        what = f"No pilot was started in '{workspace.path}' yet."
        remedy = "Propose a fence with `plimsoll pilot fence`, then `plimsoll pilot start`."
        raise InputError(what, remedy=remedy)
    return one


def _plans(workspace: Workspace, as_of: date) -> list[RunRecord]:
    """Return the plans known on a day, the oldest first; refuse where there is none."""
    made = [run for run in records.plans(workspace) if run.as_of <= as_of]
    if not made:
        what = f"The workspace '{workspace.path}' has no plan of {as_of} or before."
        why = "Items are chosen and matched by what a plan knows of them."
        raise InputError(what, why=why, remedy=f"Run `plimsoll plan {workspace.path}` first.")
    return made


def _fence(workspace: Workspace, run_id: str | None) -> FenceResult:
    """Return the fence of a run, or the one proposed last."""
    run = workspace.run(run_id) if run_id else workspace.latest_run(FENCE)
    if run is None:
        what = f"No fence was proposed in '{workspace.path}' yet."
        raise InputError(what, remedy=f"Run `plimsoll pilot fence {workspace.path}`.")
    told = run.manifest["parameters"]
    return FenceResult(
        workspace=workspace.path,
        run_id=run.id,
        as_of=run.as_of,
        currency=str(told["currency"]),
        choice=str(told["choice"]),
        params=told[KIND],
        tables={name: workspace.result(name, run.id) for name in FENCE_TABLES},
    )


def _first_week(read: Facts, params: pilot.PilotParams, end: date) -> date:
    """Return the Monday from which history is read; refuse one too short for a baseline."""
    begun = read.tables["demand"].filter(pl.col("date") <= read.as_of)["date"].min()
    whole = (end - records.monday(begun)).days // 7 if isinstance(begun, date) else 0
    if whole < params.baseline_weeks:
        what = (
            f"The history has {whole} whole weeks up to {read.as_of}; a pilot wants {params.baseline_weeks}."
        )
        why = "Without a baseline nobody can tell what the pilot changed from what was so before."
        least = pilot.PilotParams.model_fields["baseline_weeks"].metadata[0].ge
        remedy = (
            f"Set [pilot] baseline_weeks to {whole}, or import a longer history."
            if whole >= least
            else f"Import at least {least} weeks of demand."
        )
        raise InputError(what, why=why, remedy=remedy)
    span = max(params.history_weeks, params.baseline_weeks + params.treated_weeks)
    return end - timedelta(weeks=min(span, whole))


def _weeks(workspace: Workspace, read: Facts, made: list[RunRecord], first: date) -> pl.DataFrame:
    points = ingest.complete(read.tables, read.settings.ingest, as_of=read.as_of).points
    money = points.select(*KEY, unit_cost="unit_cost_eff", unit_price="unit_price_eff")
    stock = records.counts(workspace, read.tables["stock"], made)
    carry = read.settings.kpi.carry_days
    return records.point_weeks(read.tables, stock, money, first=first, as_of=read.as_of, carry_days=carry)


def _about(workspace: Workspace, run: RunRecord) -> pl.DataFrame:
    """Return what a plan knows of the points that it plans, for `pilot.item_measures`."""
    points = workspace.result("planning_point", run.id).filter("planned")
    lanes = workspace.result("lead_time_estimate", run.id).select(
        "item_id", "from_location_id", location_id="to_location_id", lead_days="mean_days_est"
    )
    health = workspace.result("inventory_health", run.id).select(
        *KEY, "on_hand_value", astray=pl.col("cash_to_release") + pl.col("exposure_value")
    )
    demand = workspace.result("demand_estimate", run.id).select(*KEY, "demand_class")
    target = workspace.result("target", run.id).select(*KEY, "abc", "annual_value")
    return (
        points.select(*KEY, "from_location_id", "description")
        .join(target, on=KEY)
        .join(demand, on=KEY)
        .join(lanes, on=[*KEY, "from_location_id"], how="left")
        .join(health, on=KEY, how="left")
        .with_columns(pl.col("astray", "on_hand_value").fill_null(0.0))
    )
