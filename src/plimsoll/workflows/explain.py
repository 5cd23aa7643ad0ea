"""One stocking point on the spot: what other targets would cost, and what an override would do."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import demand, ingest, lifecycle, measure, policy, supply
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import WorkspaceError, did_you_mean
from plimsoll.domain.overridden import overrides_frame, winners
from plimsoll.domain.overrides import Override
from plimsoll.domain.tables import table
from plimsoll.domain.waterfall import Step
from plimsoll.lifecycle.phase_out import rates_of
from plimsoll.policy.alternatives import SERVICES
from plimsoll.store.workspace import Workspace
from plimsoll.targets.assign import in_force as target_in_force
from plimsoll.workflows.settings import Settings, read_settings, sections

Tables = Mapping[str, pl.DataFrame]
KEY = ["item_id", "location_id"]
READ = ("planning_point", "demand_estimate", "target", "lead_time_estimate", "policy")
ALSO = ("outlook", "recommendation", "last_time_buy", "obsolescence", "line")


@dataclass(frozen=True, slots=True)
class Waterfalls:
    """How a point's level comes about, and how today's order follows from it; steps add up to the totals."""

    level: list[Step]
    level_qty: float
    order: list[Step]
    order_qty: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Rows of table `policy` of one point before and after a trial override, sized by the same road.

    `in_force` : the row of the plan; in a network, or where the lead time is changed, `before` differs
        from it, and the step from `before` to `after` is what the override does
    """

    in_force: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return asdict(self)


def point_tables(folder: Path, item_id: str, location_id: str) -> tuple[dict[str, pl.DataFrame], Settings]:
    """Return the rows of one point of the plan in force, and the settings that it was made with.

    Raises
    ------
    Unknown : the plan has no such point
    """
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run("plan")
        if run is None:
            what = f"The workspace '{folder}' has no plan yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll plan {folder}`.")
        here = pl.col("item_id") == item_id
        names = [name for name in (*READ, *ALSO) if name in run.tables]
        tables = {name: workspace.result_rows(name, run.id, table(name).names, here) for name in names}
        if not tables["planning_point"].height:
            known = workspace.result_rows("planning_point", run.id, ["item_id"])["item_id"].unique()
            what = f"There is no item '{item_id[:80]}' in the plan."
            raise Unknown(what, remedy=did_you_mean(item_id, known.sort()))
        options = {name: run.manifest["parameters"].get(name, {}) for name in sections()}
    return of_point(tables, item_id, location_id), read_settings(options)


def of_point(tables: Tables, item_id: str, location_id: str) -> dict[str, pl.DataFrame]:
    """Return the rows of one point of a plan's tables; its lane for lead times."""
    points = tables["planning_point"].filter(item_id=item_id, location_id=location_id)
    if not points.height:
        known = tables["planning_point"].filter(item_id=item_id)["location_id"].to_list()
        what = f"There is no stocking point {item_id} @ {location_id} in the plan."
        near = did_you_mean(item_id, tables["planning_point"]["item_id"].unique())
        raise Unknown(what, remedy=f"It is kept at {', '.join(known[:5])}." if known else near)
    source = points["from_location_id"][0]
    found = {}
    for name in tables:
        place = "to_location_id" if "to_location_id" in tables[name].columns else "location_id"
        found[name] = tables[name].filter(pl.col("item_id") == item_id, pl.col(place) == location_id)
    lanes = found["lead_time_estimate"]
    return found | {"lead_time_estimate": lanes.filter(from_location_id=source)}


def alternatives(tables: Tables, settings: Settings, services: Sequence[float] = SERVICES) -> pl.DataFrame:
    """Return what other service targets would cost at a point, see `policy.alternatives`.

    Parameters
    ----------
    tables : rows of one point, as of `of_point`
    settings : of the plan
    services : targets asked about, shares
    """
    return policy.alternatives(
        tables["planning_point"],
        tables["demand_estimate"],
        tables["target"],
        tables["lead_time_estimate"],
        settings.policy,
        services,
    )


def waterfalls(tables: Tables) -> Waterfalls:
    """Return both waterfalls of a point from its rows, as of `of_point`."""
    empty = {name: table(name).empty() for name in ("last_time_buy", "obsolescence", "line")}
    known = empty | dict(tables)
    early = known["line"].filter("pulled_forward").group_by("item_id", location_id="to_location_id")
    pulled = early.agg(pulled_qty=pl.col("quantity").sum())
    limited = lifecycle.limit_orders(known["policy"], known["last_time_buy"], known["obsolescence"])
    level = measure.level_waterfall(limited, known["demand_estimate"]).row(0, named=True)
    ordered = measure.order_waterfall(limited, known["outlook"], known["recommendation"], pulled)
    order = ordered.row(0, named=True)
    cost = float(known["planning_point"]["unit_cost_eff"][0])
    steps = measure.steps_of(level, cost), measure.steps_of(order, cost)
    return Waterfalls(steps[0], level["total_qty"], steps[1], order["total_qty"])


def what_if(tables: Tables, settings: Settings, override: Override, *, as_of: date) -> WhatIf:
    """Return what a trial override would do at one point, without running the plan again.

    Target and policy are sized on the demand of the plan. A forecast scales that demand, known events
    included. Another lead time, or another time between reviews, changes the interval that stock must
    last for; demand is then laid anew from its rate, variance a day and uncertainty (as where an item
    ends, `lifecycle`), before and after alike, so that the difference is the override's. Places are sized
    alone. The next plan estimates all of it from the history.

    Parameters
    ----------
    tables : rows of one point, as of `of_point`
    settings : of the plan
    override : as of `domain.overrides.checked`
    as_of : day of knowledge of the plan
    """
    points, estimates, lanes = (
        tables[name] for name in ("planning_point", "demand_estimate", "lead_time_estimate")
    )
    moment = override.created_at
    if moment is None:
        what = "A trial override needs the moment it is tried."
        raise ValueError(what)
    asked = overrides_frame([override], at=moment)
    rows = points.select(*KEY, "from_location_id", "category")
    won = {kind: winners(asked, rows, kind) for kind in ("target", "policy", "forecast", "lead_time")}
    lays = override.kind == "lead_time" or override.field == "review_days"
    before = (points, estimates, lanes)
    if lays:
        before = (points, _laid(points, estimates, lanes, settings), lanes)
    new_points = ingest.with_settings(points, won["target"], won["policy"])
    new_lanes = supply.with_set_days(lanes, won["lead_time"])
    new_estimates = demand.with_forecasts(
        estimates, new_points, new_lanes, won["forecast"], settings.demand, as_of=as_of
    )
    if lays:
        new_estimates = _laid(new_points, new_estimates, new_lanes, settings)
    return WhatIf(
        in_force=tables["policy"].row(0, named=True),
        before=_sized(*before, settings, tables["target"]),
        after=_sized(new_points, new_estimates, new_lanes, settings, tables["target"]),
    )


def _sized(
    points: pl.DataFrame,
    estimates: pl.DataFrame,
    lanes: pl.DataFrame,
    settings: Settings,
    target: pl.DataFrame,
) -> dict[str, Any]:
    """Return the row of the policy of one point, with its class as in the plan."""
    rated = target_in_force(
        target.with_columns(
            target_service_set=points["target_service_set"], target_kind_set=points["target_kind_set"]
        ),
        settings.targets,
    )
    by_plan = (
        target["target_source"][0] in ("portfolio", "network") and points["target_service_set"][0] is None
    )
    asked = (
        target
        if by_plan
        else rated.with_columns(target_kind_eff=pl.coalesce("target_kind_set", "target_kind_eff"))
    )
    return policy.size(points, estimates, asked, settings.policy, lanes).row(0, named=True)


def _laid(
    points: pl.DataFrame, estimates: pl.DataFrame, lanes: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Return the estimate with demand laid anew over lead time and review, from its moments."""
    rates = rates_of(estimates).with_columns(unit_qty=estimates["step_qty"].clip(upper_bound=1.0))
    laid = demand.with_rates(estimates, points, lanes, rates, settings.demand, mode="replace")
    days, sd = lanes["mean_days_est"][0], lanes["sd_days_est"][0]
    review = points["review_days_eff"][0]
    return laid.with_columns(
        protection_days_mean=pl.lit(float(days) + float(review)), protection_days_sd=pl.lit(float(sd))
    )
