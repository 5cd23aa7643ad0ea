"""Reading the plan in force for the desk: its lists, its points, and what tells about one of them."""

from dataclasses import replace

import polars as pl

from plimsoll import demand
from plimsoll.demand.panel import bucket_of
from plimsoll.demand.past import Past, past_demand
from plimsoll.domain.desk_lists import LISTS
from plimsoll.domain.desk_result import Head
from plimsoll.domain.people import SYSTEM
from plimsoll.domain.tables import table
from plimsoll.replenish.ahead import review_moments
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.audit import readiness_totals
from plimsoll.workflows.desk_lists import CHOICES_KEPT, ORDERS_KEPT, Recent, ShownList, compact, searchable
from plimsoll.workflows.desk_network import networks, with_money
from plimsoll.workflows.desk_snapshot import ByItem, Snapshot
from plimsoll.workflows.facts import facts_as_read

KEY = ["item_id", "location_id"]
PLAN, EXCEPTIONS = "plan", "exceptions"
LISTS_KEPT = ("coming_qty",)
LEAD_TIMES = (
    "mean_days_est",
    "mean_days_opt",
    "mean_days_set",
    "sd_days_est",
    "n_receipts_item",
    "change_date",
    "change_days",
)
# Tables with one row a point, in the order in which a name they share is taken from them; renamed columns.
POINT_TABLES: dict[str, dict[str, str]] = {
    "planning_point": {},
    "outlook": {"status": "order_status"},
    "inventory_health": {"status": "health"},
    "target": {},
    "policy": {},
    "demand_estimate": {"method_used": "demand_method"},
    "readiness": {"verdict": "readiness", "score": "readiness_score"},
    "network_stage": {},
    "obsolescence": {},
}
# Of these only some columns are wanted in the list of items.
ONLY: dict[str, tuple[str, ...]] = {
    "demand_estimate": (
        "demand_class", "demand_method", "mean_per_day_est", "mean_per_day_opt", "mean_per_day_set",
        "adi", "cv2", "n_periods", "n_demand_periods",
    ),
    "readiness": ("readiness", "readiness_score"),
    "network_stage": ("network_id", "depth", "n_upstream", "n_downstream"),
    "obsolescence": (),
}  # fmt: skip
# Tables with any number of rows an item, told on its page.
SEVERAL = (
    "lead_time_estimate", "arrival_risk", "audit_row", "network_arc", "network_service", "move", "allocation",
    "history_change", "dependent_demand", "succession", "cold_start", "last_time_buy",
    "order_change", "override_effect", "recommendation",
)  # fmt: skip
TOLD_BY_LINES = ("drivers", "sentence", "reason_codes")
FOUND = ("exception", "exception_part", "plan_change")
OLDER = "The plan in force was made by an earlier version, which did not tell of this. Make a new plan."
NO_PLAN = "There is no plan yet. Make one."
NO_EARLIER = "There is no earlier plan to compare with."
NO_EXCEPTIONS = "Exceptions have not been looked for since the plan in force was made."
SEVERITY = pl.Enum(["error", "warning", "info"])


def load(workspace: Workspace, before: Snapshot | None = None) -> Snapshot | None:
    """Return the plan in force as the desk shows it, with the exceptions found in it; None without a plan.

    Parameters
    ----------
    before : what was shown; where the plan is the same, only its exceptions are read
    """
    run = workspace.latest_run(PLAN)
    if run is None:
        return None
    is_same = before is not None and before.head.run_id == run.id
    plan = before if before is not None and is_same else _plan(workspace, run)
    found = workspace.latest_run(EXCEPTIONS)
    return _with_exceptions(workspace, plan, found if found and _is_of(found, run) else None)


def _is_of(found: RunRecord, run: RunRecord) -> bool:
    """Return whether a run of exceptions looked at this plan."""
    return bool(found.manifest["inputs"].get("plan") == run.fingerprint)


def _plan(workspace: Workspace, run: RunRecord) -> Snapshot:
    read = {name: _read(workspace, run, name) for name in POINT_TABLES}
    planned = read["planning_point"]
    single = {name: _aligned(planned, frame) for name, frame in read.items()}
    points = compact(_points(single, _lead_times(workspace, run, planned)))
    items = pl.Enum(points["item_id"].cast(pl.String).unique().sort())
    facts = facts_as_read(workspace, as_of=run.as_of).tables
    tables = {name: _read(workspace, run, name) for name in SEVERAL}
    tables["recommendation"] = tables["recommendation"].drop(TOLD_BY_LINES)
    tables["receipts"] = facts["receipts"].filter(pl.col("received_date") <= run.as_of)
    words = planned.select("item_id", "description", "category").unique("item_id")
    lines = _line_frame(_read(workspace, run, "line"), run.id)
    lists = _point_lists(points) | _other_lists(workspace, run, words)
    lists["network"] = with_money(lists["network"], _read(workspace, run, "network_service"), planned, single)
    lists["networks"] = networks(lists["network"], SYSTEM)
    ready = single["readiness"].drop_nulls("score")
    return Snapshot(
        head=Head(workspace.path.name, run.id, run.as_of, _currency(workspace, run), run.created_at),
        points=points,
        point_tables={name: compact(frame) for name, frame in single.items()},
        tables={name: ByItem(frame, items) for name, frame in tables.items()},
        past=_past(facts, planned, run),
        lists={name: _list(name, frame, "") for name, frame in lists.items()},
        lines=lines,
        line_rows=ByItem(lines.select("item_id", row=pl.int_range(pl.len(), dtype=pl.UInt32)), items),
        line_orders=Recent(ORDERS_KEPT),
        line_choices=Recent(CHOICES_KEPT),
        exceptions_run="",
        exceptions_made_at=None,
        exceptions=table("exception").empty(),
        parts=table("exception_part").empty(),
        changes=ByItem(table("plan_change").empty(), items),
        missing={} if "line" in run.tables else {"recommendations": OLDER},
        readiness=None if ready.is_empty() else readiness_totals(ready, planned)["all"]["score"][0],
    )


def _with_exceptions(workspace: Workspace, plan: Snapshot, found: RunRecord | None) -> Snapshot:
    """Return the plan with the exceptions of a run, or with none and the reason."""
    of_run = {name: _read(workspace, found, name) for name in FOUND}
    changed = of_run["plan_change"]
    missing = {name: why for name, why in plan.missing.items() if name not in ("exceptions", "changes")}
    if found is None:
        missing |= {"exceptions": NO_EXCEPTIONS, "changes": NO_EXCEPTIONS}
    elif changed.is_empty():
        missing["changes"] = NO_EARLIER
    words = plan.points.select(pl.col("item_id", "category").cast(pl.String)).unique("item_id")
    shown = _list("changes", _changes(changed, plan.points), missing.get("changes", ""))
    return replace(
        plan,
        exceptions_run=found.id if found else "",
        exceptions_made_at=found.created_at if found else None,
        lists=plan.lists | {"changes": shown},
        exceptions=of_run["exception"].sort("rank"),
        parts=_with_words(of_run["exception_part"], words),
        changes=ByItem(changed, plan.items),
        missing=missing,
    )


def _read(workspace: Workspace, run: RunRecord | None, name: str) -> pl.DataFrame:
    """Return a table of a run in its declared columns but for lists, which are for the engine."""
    declared = table(name)
    wanted = [
        column.name for column in declared.columns if column.dtype != pl.List or column.name in LISTS_KEPT
    ]
    if run is None or name not in run.tables:
        return declared.empty().select(wanted)
    frame = workspace.result_rows(name, run.id, wanted)
    if name == "demand_estimate":
        laws = workspace.result_rows(name, run.id, ["pmf_review"])["pmf_review"]
        mean, variance = review_moments(laws, frame["step_qty"])
        frame = frame.with_columns(review_mean_qty=pl.Series(mean), review_variance_qty=pl.Series(variance))
    return frame


def _aligned(points: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table's rows point by point, unknown where it has none."""
    if frame.height == points.height and frame.select(KEY).equals(points.select(KEY)):
        return frame
    return points.select(KEY).join(frame, on=KEY, how="left", maintain_order="left")


def _points(single: dict[str, pl.DataFrame], lead_times: pl.DataFrame) -> pl.DataFrame:
    """Return all that is known of the points side by side; of columns with one name the first counts."""
    columns: dict[str, pl.Series] = {}
    for name, frame in single.items():
        renamed = frame.rename(POINT_TABLES[name])
        for column in ONLY.get(name, renamed.columns):
            columns.setdefault(column, renamed[column].alias(column))
    columns |= {name: lead_times[name] for name in lead_times.columns if name not in columns}
    return pl.DataFrame(list(columns.values()))


def _lead_times(workspace: Workspace, run: RunRecord, planned: pl.DataFrame) -> pl.DataFrame:
    """Return lead times of the lanes in force, point by point."""
    lane = ["item_id", "location_id", "from_location_id"]
    known = _read(workspace, run, "lead_time_estimate").rename({"to_location_id": "location_id"})
    wanted = {
        "method_used": "lead_time_method",
        **{name: name for name in LEAD_TIMES if name in known.columns},
    }
    known = known.select(*lane, **{new: old for old, new in wanted.items()})
    return planned.select(lane).join(known, on=lane, how="left", maintain_order="left").drop(lane)


def _point_lists(points: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {"items": points, "cash": points.filter(pl.col("cash_to_release") > 0)}


def _other_lists(workspace: Workspace, run: RunRecord, words: pl.DataFrame) -> dict[str, pl.DataFrame]:
    scores = _read(workspace, run, "supplier_scorecard")
    findings = _read(workspace, run, "finding")
    stages = _read(workspace, run, "network_stage")
    return {
        "suppliers": scores.filter(pl.col("to_location_id").is_null()).drop("to_location_id"),
        "lanes": scores.filter(pl.col("to_location_id").is_not_null()),
        "orders": _with_words(_read(workspace, run, "arrival_risk"), words),
        "network": _with_words(stages, words),
        "findings": findings.with_columns(severity_rank=pl.col("severity").cast(SEVERITY).to_physical()),
        "audit_rows": _with_words(_read(workspace, run, "audit_row"), words),
    }


def _changes(changed: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    about = points.select(pl.col(KEY).cast(pl.String), "description", "category", "abc", "unit")
    moved = changed.filter((pl.col("change_qty") != 0) | (pl.col("order_change_qty") != 0))
    size = pl.max_horizontal(pl.col("change_value").abs(), pl.col("order_change_value").abs())
    return moved.with_columns(change_size_value=size).join(about, on=KEY, how="left", maintain_order="left")


def _list(name: str, frame: pl.DataFrame, missing: str) -> ShownList:
    spec = LISTS[name]
    made = ShownList(searchable(compact(frame), spec.search), spec, missing)
    made.warm()
    return made


def _with_words(frame: pl.DataFrame, words: pl.DataFrame) -> pl.DataFrame:
    return frame.join(words, on="item_id", how="left", maintain_order="left")


def _line_frame(lines: pl.DataFrame, run_id: str) -> pl.DataFrame:
    named = lines.with_columns(line_id=pl.format("{}-{}", pl.lit(run_id), pl.col("line_no")))
    return searchable(compact(named), LISTS["recommendations"].search)


def _currency(workspace: Workspace, run: RunRecord) -> str:
    """Return the currency of the plan, or else that of the data."""
    set_in_plan = str(run.manifest["parameters"].get("plan", {}).get("currency", ""))
    imported = workspace.import_in_force()
    return set_in_plan or (str(imported.manifest["parameters"].get("currency", "")) if imported else "")


def _past(facts: dict[str, pl.DataFrame], points: pl.DataFrame, run: RunRecord) -> Past:
    """Return what was asked for at each point and at those it replenishes, period by period."""
    options = demand.DemandParams.model_validate(run.manifest["parameters"].get("demand", {}))
    lines = facts["demand"]
    bucket = bucket_of(lines, options)
    return past_demand(lines, points, bucket, as_of=run.as_of, availability=facts["availability"])
