"""Look at the plan in force: the whole of it, the stranded cash, or one stocking point explained."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from plimsoll import measure
from plimsoll.domain.errors import InputError, SettingError, WorkspaceError, did_you_mean, first_keys
from plimsoll.domain.results import CashResult, Explanation, PlanResult
from plimsoll.domain.tables import table
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.aggregates import CASH_GROUPS, aggregates
from plimsoll.workflows.audit import readiness_totals
from plimsoll.workflows.pipeline import RESULT_TABLES

KIND = "plan"
# The five distributions and the atoms are for the engine; one row explains without them.
UNSHOWN = pl.selectors.list()
# tables with any number of rows a stocking point
SEVERAL = (
    "history_change", "dependent_demand", "succession", "arrival_risk", "audit_row",
    "network_arc", "move", "allocation", "order_change", "supplier_order", "line", "pending_order",
    "override_effect",
)  # fmt: skip


def assemble(
    workspace: Workspace,
    run_id: str,
    tables: dict[str, pl.DataFrame],
    *,
    seconds: dict[str, float] | None = None,
) -> PlanResult:
    """Return the plan with its aggregates, ready to be shown."""
    run = workspace.run(run_id)
    parameters = run.manifest["parameters"]
    return PlanResult(
        workspace=workspace.path,
        run_id=run.id,
        as_of=run.as_of,
        seed=run.seed,
        version=run.version,
        currency=parameters["plan"]["currency"] or _currency_of_data(workspace),
        tables=tables,
        totals=aggregates(tables) | _readiness(tables),
        before_after=measure.before_after(
            tables["inventory_health"],
            tables["policy"],
            tables["planning_point"],
            tables["demand_estimate"],
            stock_is_known=bool(tables["outlook"]["counted_date"].is_not_null().any()),
        ),
        quarantine=workspace.facts(["quarantine"])["quarantine"],
        seconds=seconds or {},
        parameters=parameters,
    )


def _readiness(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return readiness over all points and by category, or nothing for a plan that does not tell of it."""
    if tables["readiness"].is_empty():
        return {}
    totals = readiness_totals(tables["readiness"], tables["planning_point"])
    return {f"readiness_{name}": totals[name] for name in ("all", "category")}


def load_plan(folder: Path) -> PlanResult:
    """Return the plan in force, with the check of its promises if one was made of the same data."""
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            what = f"The workspace '{folder}' has no plan yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll plan {folder}`.")
        tables = {
            name: workspace.result(name, run.id) if name in run.tables else table(name).empty()
            for name in RESULT_TABLES
        }
        checked = workspace.latest_run("accuracy")
        if checked and checked.as_of == run.as_of and checked.manifest["inputs"] == run.manifest["inputs"]:
            names = [name for name in ("calibration", "trust") if name in checked.tables]
            tables |= {name: workspace.result(name, checked.id) for name in names}
        return assemble(workspace, run.id, tables)


def _currency_of_data(workspace: Workspace) -> str:
    imported = workspace.import_in_force()
    return str(imported.manifest["parameters"].get("currency", "")) if imported else ""


def stranded_cash(folder: Path, by: str) -> CashResult:
    """Return the stranded cash of the plan in force by class, place, supplier, category or status."""
    if by not in CASH_GROUPS:
        what = f"Cash cannot be grouped by '{by}'."
        raise SettingError(what, remedy=did_you_mean(by, CASH_GROUPS) or f"Use {', '.join(CASH_GROUPS)}.")
    result = load_plan(folder)
    stranded = result["inventory_health"].filter(pl.col("cash_to_release") > 0)
    points = stranded.sort("cash_to_release", descending=True, maintain_order=True)
    return CashResult(result.run_id, by, result.currency, result.totals[by], points, result.stock_is_known)


def explain_point(folder: Path, item_id: str, location_id: str | None) -> Explanation:
    """Return what explains one stocking point of the plan in force.

    Raises InputError for an unknown item or place, with the nearest known name, and when the
    location is left out although the item has several.
    """
    result = load_plan(folder)
    places = result["planning_point"].filter(pl.col("item_id") == item_id)["location_id"].to_list()
    if location_id is None:
        if len(places) > 1:
            what = f"Item {item_id} is kept at {len(places)} places: {first_keys(places)}."
            raise InputError(what, remedy=f"Say which: `plimsoll explain {folder} {item_id} {places[0]}`.")
        location_id = places[0] if places else ""
    questions = measure.four_questions(
        item_id,
        location_id,
        points=result["planning_point"],
        target=result["target"],
        policy=result["policy"],
        outlook=result["outlook"],
        health=result["inventory_health"],
    )
    rows, lists = {}, {}
    for name, frame in result.tables.items():
        found = _of_point(result, name, frame, item_id, location_id).drop(UNSHOWN)
        if found.is_empty():
            continue
        if name in SEVERAL:
            lists[name] = found.to_dicts()
        else:
            rows[name] = found.row(0, named=True)
    return Explanation(result.run_id, item_id, location_id, result.currency, asdict(questions), rows, lists)


def _of_point(plan: PlanResult, name: str, frame: pl.DataFrame, item: str, at: str) -> pl.DataFrame:
    """Return the rows of a table that concern a stocking point, those of its item and source included."""
    columns = frame.columns
    if name in ("finding", "repair", "calibration"):
        return frame.clear()
    if name in ("supplier_scorecard", "lead_time_estimate", "supplier_order"):
        points = plan["planning_point"].filter(item_id=item, location_id=at)
        frame = frame.filter(pl.col("from_location_id").is_in(points["from_location_id"].implode()))
        if name == "supplier_scorecard":
            return frame.filter(pl.col("to_location_id").is_null())
        if name == "supplier_order":
            return frame.filter(pl.col("to_location_id") == at)
    own = pl.col("item_id") == item
    if name == "succession":
        return frame.filter(own | (pl.col("heir_id") == item))
    if name == "audit_row":
        return frame.filter(own, pl.col("location_id").is_null() | (pl.col("location_id") == at))
    place = next((place for place in ("to_location_id", "location_id") if place in columns), None)
    return frame.filter(own if place is None else own & (pl.col(place) == at))
