"""Look at suppliers and open orders: from the plan in force, or before a plan as far as facts go."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import polars as pl

from plimsoll import ingest, supply
from plimsoll.domain.errors import InputError, SettingError, did_you_mean
from plimsoll.domain.supply_result import SupplyResult, at_level
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import Facts, read_facts, rules_in_force

KIND = "plan"
LEVELS = ("supplier", "lane")
RESULTS = ("supplier_scorecard", "arrival_risk")


def supplier_tables(
    tables: Mapping[str, pl.DataFrame], params: supply.SupplyParams, *, as_of: date
) -> dict[str, pl.DataFrame]:
    """Return the tables `supplier_scorecard` and `arrival_risk`.

    Parameters
    ----------
    tables : receipts, open_orders, lanes, planning_point, lead_time_estimate; and of a plan policy,
        demand_estimate and outlook, without which buffers in money and needs are null
    params : options of the supply stage
    as_of : day of knowledge
    """
    stocked = supply.stocked_points(
        tables["planning_point"], tables.get("outlook"), tables.get("demand_estimate")
    )
    return {
        "supplier_scorecard": supply.scorecard(tables, params, as_of=as_of),
        "arrival_risk": supply.arrival_risk(
            tables["open_orders"],
            tables["receipts"],
            tables["lanes"],
            tables["lead_time_estimate"],
            stocked,
            params,
            as_of=as_of,
        ),
    }


def review_supply(folder: Path, by: str = "supplier", *, at: datetime) -> SupplyResult:
    """Return suppliers and open orders of a workspace: those of its plan, or else of its import.

    Parameters
    ----------
    folder : the workspace
    by : supplier or lane
    at : moment of the command, for settings that expire

    Raises
    ------
    SettingError
        If `by` is neither.
    InputError
        If nothing has been imported, or neither receipts nor open orders.
    """
    if by not in LEVELS:
        what = f"Suppliers cannot be listed by '{by}'."
        raise SettingError(what, remedy=did_you_mean(by, LEVELS) or f"Use {' or '.join(LEVELS)}.")
    with Workspace.open(folder) as workspace:
        facts = read_facts(workspace, at=at)
        run = workspace.latest_run(KIND)
        no_plan = "There is no plan yet"
        if run is not None and not set(run.tables).issuperset(RESULTS):
            no_plan, run = f"{run.id} was made by an earlier version, which did not look at suppliers", None
        options = facts.settings.supply
        if run is None:
            as_of, made = facts.as_of, _without_plan(facts)
            missing = [f"{no_plan}: buffers, needs and shortages are not known. {_do(folder)}"]
        else:
            as_of, made = run.as_of, {name: workspace.result(name, run.id) for name in RESULTS}
            options = supply.SupplyParams.model_validate(run.manifest["parameters"]["supply"])
            is_stale = run.manifest["inputs"] != workspace.fact_hashes() or run.manifest["parameters"].get(
                "repairs"
            ) != rules_in_force(workspace).get("repairs")
            missing = [f"The data were changed after the plan in force. {_do(folder)}"] if is_stale else []
    return SupplyResult(
        workspace=folder,
        run_id=run.id if run else "",
        as_of=as_of,
        currency=facts.currency,
        scorecard=at_level(made["supplier_scorecard"], by),
        arrivals=made["arrival_risk"],
        window_days=options.scorecard_days,
        least_deliveries=options.scorecard_min_deliveries,
        missing=(*missing, *_absent(facts.tables, as_of, folder)),
    )


def _do(folder: Path) -> str:
    return f"Run `plimsoll plan {folder}`."


def _without_plan(facts: Facts) -> dict[str, pl.DataFrame]:
    """Return what needs no demand: suppliers and orders by the costs of the points and all lead times."""
    options, day = facts.settings.supply, facts.as_of
    complete = ingest.complete(facts.tables, facts.settings.ingest, as_of=day)
    known = complete.tables
    lead_times = supply.estimate(
        known["receipts"], complete.lanes, options, as_of=day, open_orders=known["open_orders"]
    )
    tables = {
        "receipts": known["receipts"],
        "open_orders": known["open_orders"],
        "lanes": complete.lanes,
        "planning_point": complete.points,
        "lead_time_estimate": lead_times,
    }
    return supplier_tables(tables, options, as_of=day)


def _absent(facts: dict[str, pl.DataFrame], as_of: date, folder: Path) -> list[str]:
    """Return what is missing among the facts; refuse where nothing can be said."""
    receipts, open_orders = facts["receipts"], facts["open_orders"]
    if receipts.is_empty() and open_orders.is_empty():
        what = f"The workspace '{folder}' holds neither receipts nor open orders."
        why = "Suppliers are judged by what they delivered and owe."
        raise InputError(what, why=why, remedy="Import goods receipts with order and receipt dates.")
    found = []
    if receipts.filter(pl.col("received_date") <= as_of).is_empty():
        found.append("No receipts are known: suppliers cannot be judged, and lead times are as typed.")
    elif receipts["promised_date"].null_count() == receipts.height:
        found.append("No promised dates are known: suppliers are judged by typed lead times or their spread.")
    if open_orders.is_empty():
        found.append("No open orders are known, so nothing can be said of their arrival.")
    return found
