"""Key figures of a workspace: the ledger drawn from the records, and figures drawn from the ledger."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__, ingest
from plimsoll.demand.panel import bucket_of
from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import EVERY, Bucket
from plimsoll.domain.decisions import BY_RULE
from plimsoll.domain.errors import InputError, SettingError, did_you_mean
from plimsoll.domain.kpi_result import KPI_TABLES, KpiResult
from plimsoll.domain.kpis import ACTUAL, BY, REPLAY, kpi, split_column
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.tables import table
from plimsoll.learning import DECIDED
from plimsoll.measure.kpi_days import Days
from plimsoll.measure.kpi_ledger import (
    decision_rows,
    finished,
    ledger_rows,
    order_rows,
    plan_rows,
    policy_rows,
)
from plimsoll.measure.kpi_params import KpiParams
from plimsoll.measure.kpis import BEHIND, Evidence, drill_down, kpis
from plimsoll.store import decisions, glance
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import read_facts, rules_in_force
from plimsoll.workflows.settings import libraries

KIND = "kpi"
Tables = dict[str, pl.DataFrame]
POINT = ["item_id", "location_id"]
YEAR = {"month": 12, "week": 52}  # whole periods that figures are of unless a person asks otherwise
OF_PLAN = {
    "planning_point": (*POINT, "from_location_id", "category", "unit_cost_eff"),
    "inventory_health": (*POINT, "on_hand_value", "cash_to_release"),
    "outlook": (*POINT, "counted_date"),
    "target": (*POINT, "abc", "xyz"),
    "lead_time_estimate": ("item_id", "to_location_id", "from_location_id", "mean_days_est", "sd_days_est"),
    "policy": (*POINT, "policy", "reorder_point_qty", "order_up_to_qty", "buffer_qty"),
    "demand_estimate": (*POINT, "mean_per_day_est"),
}
OF_CHECK = ("accuracy", "calibration")
ROWS = 50  # rows shown behind a figure


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the key figures is asked for.

    Parameters
    ----------
    by : what figures are split by, of `domain.kpis.BY`
    source : actual; replay for every rule of the replay in force, or "replay RULE" for one
    first, last : days, widened to whole periods; default: the last year and the days since
    rows_of : the figure whose rows are wanted; empty for none
    size : most rows of it; None for all
    """

    by: str = "company"
    source: str = ACTUAL
    first: date | None = None
    last: date | None = None
    rows_of: str = ""
    size: int | None = ROWS


def measure_kpis(
    folder: Path, asked: Asked | None = None, *, at: datetime, as_of: date | None = None
) -> KpiResult:
    """Draw the ledger from the records, put it in force, and return the figures asked for.

    Parameters
    ----------
    folder : the workspace
    asked : what of the figures; default: the company's, of the records
    at : moment of the command
    as_of : day of knowledge; default: that of the import in force

    Raises
    ------
    InputError : nothing was imported, no day is known, or there is no replay to tell of
    SettingError : a split or a source that does not exist
    """
    asked = asked or Asked()
    split_column(asked.by)
    started = perf_counter()
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
        params, known = read.settings.kpi, read.tables
        days = _days(known, read.as_of, params, read.settings.demand)
        points = ingest.complete(read.tables, read.settings.ingest, as_of=read.as_of).points
        plans = _last_plans(workspace, days)
        evidence = _drawn(workspace, known, points, plans, days, params)
        loaded = perf_counter()
        tables = {
            "kpi": _published(evidence, params),
            "kpi_ledger": evidence.ledger,
            "kpi_order": evidence.orders,
            "kpi_point": evidence.points,
        }
        check = workspace.latest_run("accuracy")
        parameters = read.settings.of_results() | rules_in_force(workspace)
        parameters |= {
            "plans": [run.fingerprint for run in plans],
            "accuracy": check.fingerprint if check else None,
            "people": _digest(evidence),
            "first": days.first.isoformat(),
            "bucket": days.bucket,
            "currency": read.currency,
        }
        seed, hashes = read.settings.plan.seed, workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, read.as_of, seed, parameters, hashes, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
        seconds = {"Draw": loaded - started, "Publish": perf_counter() - loaded}
        return _answered(workspace, workspace.run(run_id), evidence, asked, seconds)


def load_kpis(folder: Path, who: Person, asked: Asked | None = None) -> KpiResult | None:
    """Return the figures asked for, of the points in a person's scope; None where no ledger was drawn yet.

    What cannot be told of a part, the check of the forecasts and the time to replan, is left out for a
    person who does not see all.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            return None
        asked, days = asked or Asked(), _days_of(run)
        sees_all = who.locations is None and who.categories is None
        if sees_all and asked == Asked(by=asked.by, size=asked.size) and asked.by != "item":
            # What was stored with the run needs no ledger.
            bare = Evidence(table("kpi_ledger").empty(), days.frame())
            return _answered(workspace, run, bare, asked, {}, stored=workspace.result("kpi", run.id))
        tables = {name: workspace.result(name, run.id) for name in KPI_TABLES[1:]}
        evidence = Evidence(
            ledger=tables["kpi_ledger"],
            periods=days.frame(),
            points=tables["kpi_point"],
            orders=tables["kpi_order"],
            replans=_replans(workspace, days),
            **_checked(workspace),
        )
        return _answered(workspace, run, evidence if sees_all else _in_scope(evidence, who), asked, {})


def _in_scope(evidence: Evidence, who: Person) -> Evidence:
    """Return the evidence of the points in a person's scope."""
    points = scoped(evidence.points, who)
    ledger, orders = (
        frame.join(points, on=POINT, how="semi", maintain_order="left")
        for frame in (evidence.ledger, evidence.orders)
    )
    return Evidence(ledger, evidence.periods, points, orders)


def _days(known: Mapping[str, pl.DataFrame], as_of: date, params: KpiParams, demand: DemandParams) -> Days:
    """Return the days of the ledger: from the first record, at most so many periods back."""
    of_records = (("demand", "date"), ("stock", "date"), ("receipts", "received_date"))
    firsts = [known[name].select(day=column).filter(pl.col("day") <= as_of) for name, column in of_records]
    earliest = pl.concat(firsts)["day"].min()
    if not isinstance(earliest, date):
        what = f"Nothing is known on {as_of}: no demand, no stock and no receipt."
        raise InputError(what, remedy="Import one of them, or choose a later --as-of.")
    every = EVERY[params.period]
    back = pl.Series([as_of]).dt.truncate(every).dt.offset_by(f"-{params.periods - 1}{every[1:]}")[0]
    return Days(max(earliest, back), as_of, params.period, grace=bucket_of(known["demand"], demand))


def _days_of(run: RunRecord) -> Days:
    """Return the days of a ledger that was published."""
    told = run.manifest["parameters"]
    return Days(date.fromisoformat(told["first"]), run.as_of, told["bucket"])


def _last_plans(workspace: Workspace, days: Days) -> list[RunRecord]:
    """Return the last plan of each period, the oldest first; plans that lack a table are passed over."""
    last: dict[date, RunRecord] = {}
    every = EVERY[days.bucket]
    plans = [run for run in workspace.runs() if run.kind == "plan" and OF_PLAN.keys() <= run.tables.keys()]
    for run in sorted(plans, key=lambda run: (run.as_of, run.created_at)):
        if days.first <= run.as_of <= days.last:
            last[pl.Series([run.as_of]).dt.truncate(every)[0]] = run
    return list(last.values())


def _drawn(
    workspace: Workspace,
    facts: Tables,
    points: pl.DataFrame,
    plans: list[RunRecord],
    days: Days,
    params: KpiParams,
) -> Evidence:
    """Return the ledger and what goes with it."""
    known = points.select(
        *POINT,
        unit_cost="unit_cost_eff",
        unit_price="unit_price_eff",
        holding_rate="holding_rate_eff",
    )
    parts = [
        ledger_rows(facts, known, days, params.carry_days),
        decision_rows(_decided(workspace, days), days.bucket),
    ]
    about, of_point = [points], [*POINT, "from_location_id", "category"]
    every, before, classes = EVERY[days.bucket], None, table("target").empty()
    for run in plans:
        plan = {name: workspace.result_rows(name, run.id, columns) for name, columns in OF_PLAN.items()}
        period, classes = pl.Series([run.as_of]).dt.truncate(every)[0], plan["target"]
        parts.append(plan_rows(plan, period, params))
        if before is not None:
            parts.append(policy_rows(plan["policy"], before, period, params.policy_change_share))
        before = plan["policy"]
        about.insert(1, plan["planning_point"])
    # A plan also has points of items that take over from others.
    told = pl.concat([frame.select(of_point) for frame in about]).unique(POINT, keep="first")
    return Evidence(
        ledger=finished(parts, ACTUAL),
        periods=days.frame(),
        points=table("kpi_point").conform(
            told.join(classes.select(*POINT, "abc", "xyz"), on=POINT, how="left")
        ),
        orders=order_rows(facts["demand"], facts["customers"], known, days),
        replans=_replans(workspace, days),
        **_checked(workspace),
    )


def _decided(workspace: Workspace, days: Days) -> pl.DataFrame:
    """Return the lines of plans of these days that people decided, and whether otherwise than proposed."""
    states = decisions.states(workspace).filter(
        pl.col("status").is_in(DECIDED),
        pl.col("reason_code") != BY_RULE,
        pl.col("as_of").is_between(days.first, days.last),
    )
    moved = (pl.col("quantity_set") != pl.col("quantity")) | (pl.col("date_set") != pl.col("due_date"))
    overridden = (pl.col("status") == "refused") | moved.fill_null(value=False)
    return states.select("as_of", "item_id", location_id="to_location_id", overridden=overridden)


def _replans(workspace: Workspace, days: Days) -> pl.DataFrame:
    """Return the hours from each import with new facts to the first plan of them, by period of the facts."""
    known = glance.replans(workspace).filter(pl.col("as_of").is_between(days.first, days.last))
    took = (pl.col("planned_at") - pl.col("imported_at")).dt.total_seconds(fractional=True) / 3600
    return known.select(period=pl.col("as_of").dt.truncate(EVERY[days.bucket]), hours=took)


def _checked(workspace: Workspace) -> Tables:
    """Return the tables of the check of the forecasts in force, none without one."""
    run = workspace.latest_run("accuracy")
    names = [name for name in OF_CHECK if run is not None and name in run.tables]
    return {name: workspace.result(name, kind="accuracy") for name in names}


def _digest(evidence: Evidence) -> str:
    """Return a hash of what comes from the database and not from facts: what people decided, and when."""
    decided = evidence.ledger.drop_nulls("lines_decided")
    decided = decided.select("period", *POINT, "lines_decided", "lines_overridden")
    return hashlib.sha256((decided.write_csv() + evidence.replans.write_csv()).encode()).hexdigest()


def _published(evidence: Evidence, params: KpiParams) -> pl.DataFrame:
    """Return the figures stored with a run: of the last year by every split but items, and by period."""
    year = replace(evidence, periods=_window(evidence.periods, params.period, Asked()))
    splits = [kpis(year, by, targets=params.targets) for by in BY if by != "item"]
    return pl.concat([*splits, kpis(evidence, each_period=True, targets=params.targets)])


def _window(periods: pl.DataFrame, bucket: Bucket, asked: Asked) -> pl.DataFrame:
    """Return the periods that hold a day asked for; by default a year of whole ones, and since."""
    if asked.first is None and asked.last is None:
        year = periods.filter("whole").tail(YEAR[bucket])
        return periods.filter(pl.col("period") >= year["period"][0]) if year.height else periods
    after = pl.col("period").dt.offset_by(EVERY[bucket])
    first, last = asked.first or date.min, asked.last or date.max
    found = periods.filter(after > first, pl.col("period") <= last)
    if found.is_empty():
        known = f"{periods['period'][0]} to {_end(periods, bucket)}"
        what = f"No day from {asked.first or 'the first'} to {asked.last or 'the last'} is in the ledger."
        raise InputError(what, remedy=f"It tells of {known}; raise periods under [kpi] for more.")
    return found


def _end(periods: pl.DataFrame, bucket: Bucket) -> date:
    """Return the last day of periods, of those that are partly known the last day known."""
    last = periods.row(-1, named=True)
    begun: date = last["period"]
    after: date = pl.Series([begun]).dt.offset_by(EVERY[bucket])[0]
    return after - timedelta(days=1) if last["whole"] else begun + timedelta(days=last["days"] - 1)


def _answered(
    workspace: Workspace,
    run: RunRecord,
    evidence: Evidence,
    asked: Asked,
    seconds: dict[str, float],
    *,
    stored: pl.DataFrame | None = None,
) -> KpiResult:
    """Return the figures asked for: drawn from the evidence, or those stored with the run."""
    told = run.manifest["parameters"]
    params, days = KpiParams.read(told[KIND], KIND), _days_of(run)
    split_column(asked.by)
    replayed = workspace.latest_run("replay")
    by_rule = replayed is not None and "kpi_ledger" in replayed.tables
    sources = _sources(workspace, replayed) if replayed is not None and by_rule else ()
    shown = {}
    if asked.source == ACTUAL:
        shown[ACTUAL] = replace(evidence, periods=_window(evidence.periods, days.bucket, asked))
    else:
        ledger = workspace.result("kpi_ledger", kind="replay") if by_rule else table("kpi_ledger").empty()
        for name in _chosen(sources, asked.source, workspace.path):
            shown[name] = _of_rule(ledger.filter(source=name), evidence.points, asked)
    first = next(iter(shown.values()))
    bucket: Bucket = days.bucket if asked.source == ACTUAL else "month"
    if stored is None:
        each = [(name, one, params.targets) for name, one in shown.items()]
        figures = [kpis(one, asked.by, source=name, targets=goals) for name, one, goals in each]
        trend = [kpis(one, each_period=True, source=name, targets=goals) for name, one, goals in each]
    else:
        figures = [stored.filter(pl.col("period").is_null(), by=asked.by)]
        trend = [stored.join(first.periods, on="period", how="semi", maintain_order="left")]
    rows = _behind(first, asked)
    return KpiResult(
        workspace=workspace.path,
        run_id=run.id,
        as_of=run.as_of,
        currency=str(told["currency"]),
        by=asked.by,
        source=asked.source,
        first=max(first.periods["period"][0], days.first)
        if asked.source == ACTUAL
        else first.periods["period"][0],
        last=_end(first.periods, bucket),
        figures=pl.concat(figures),
        trend=pl.concat(trend),
        sources=(ACTUAL, *sources),
        rows=None if rows is None else rows.head(asked.size) if asked.size else rows,
        rows_of=asked.rows_of,
        n_rows=0 if rows is None else rows.height,
        seconds=seconds,
    )


def _sources(workspace: Workspace, replayed: RunRecord) -> tuple[str, ...]:
    """Return the rules that a replay tells of, in order of their names."""
    return tuple(workspace.result_rows("kpi_ledger", replayed.id, ["source"])["source"].unique().sort())


def _chosen(sources: tuple[str, ...], wanted: str, folder: Path) -> tuple[str, ...]:
    """Return the sources that a person means by `replay`, or by one rule of it."""
    if not sources and wanted.startswith(REPLAY.strip()):
        what = "No replay tells of key figures yet."
        raise InputError(what, remedy=f"Run `plimsoll replay {folder}` first.")
    if wanted == REPLAY.strip():
        return sources
    name = wanted if wanted.startswith(REPLAY) else f"{REPLAY}{wanted}"
    if name not in sources:
        what = f"There is no source '{wanted}' of key figures."
        known = (ACTUAL, REPLAY.strip(), *sources)
        raise SettingError(what, remedy=did_you_mean(wanted, known) or f"Known: {', '.join(known)}.")
    return (name,)


def _of_rule(ledger: pl.DataFrame, points: pl.DataFrame, asked: Asked) -> Evidence:
    """Return what a rule of the replay came to; a month has the days of the periods that end in it."""
    periods = ledger.group_by("period").agg(days=pl.col("stock_days").max()).sort("period")
    periods = periods.with_columns(whole=pl.lit(value=True))
    return Evidence(ledger, _window(periods, "month", asked), points)


def _behind(evidence: Evidence, asked: Asked) -> pl.DataFrame | None:
    """Return the rows behind the figure asked for."""
    if not asked.rows_of:
        return None
    figure = kpi(asked.rows_of)
    if asked.rows_of not in BEHIND:
        what = f"{figure.label} is not drawn from rows of the ledger."
        raise InputError(
            what, why=f"It comes from: {figure.origin}.", remedy="See `plimsoll accuracy`, or the runs."
        )
    return drill_down(evidence, asked.rows_of)
