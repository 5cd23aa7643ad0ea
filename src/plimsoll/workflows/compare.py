"""Runs looked at one by one, and two plans side by side: what changed, by cause, and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.people import Person, in_scope, require
from plimsoll.domain.tables import table
from plimsoll.exceptions import Options
from plimsoll.exceptions.changes import plan_changes
from plimsoll.store import glance
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace

PLAN = "plan"
KEY = ["item_id", "location_id"]
OF_PLAN = (
    "planning_point", "policy", "demand_estimate", "recommendation", "target", "override_effect", "outlook",
    "inventory_health", "line",
)  # fmt: skip
ABOUT = (*KEY, "description", "category", "unit", "unit_cost_eff")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two plans and what lies between them, in a person's scope.

    `figures` are name -> (before, after): points, on_hand_value, buffer_value, money_at_risk,
    cash_to_release, n_lines, lines_value. `changes` is table `plan_change` with description, category and
    unit, the largest money first. `facts` names the tables of facts that differ; `options` has section.name
    -> (before, after) of options that do.
    """

    before: RunRecord
    after: RunRecord
    figures: dict[str, tuple[float, float]]
    changes: pl.DataFrame
    facts: tuple[str, ...]
    options: dict[str, tuple[Any, Any]]


def run_of(folder: Path, run_id: str, who: Person) -> RunRecord:
    """Return one run; raises Unknown where there is none."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _known(workspace, run_id)


def compare(folder: Path, before: str, after: str, who: Person) -> Comparison:
    """Return what lies between two plans.

    Parameters
    ----------
    folder : the workspace
    before, after : the plans; either may be the older

    Raises
    ------
    Unknown : there is no such run
    InputError : one of them is no plan, or they are the same
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        first, second = _known(workspace, before), _known(workspace, after)
        if before == after or {first.kind, second.kind} != {PLAN}:
            what = f"'{before}' and '{after}' cannot be compared."
            raise InputError(what, remedy="Choose two different plans.")
        old, new = _tables(workspace, first), _tables(workspace, second)
    parameters = second.manifest["parameters"]
    known = {name: parameters[name] for name in Options.model_fields if name in parameters}
    changes = plan_changes(old, new, Options.model_validate(known).policy)
    figures = _figures(old, who), _figures(new, who)
    return Comparison(
        first,
        second,
        figures={name: (value, figures[1][name]) for name, value in figures[0].items()},
        changes=_told(changes, [old, new], who),
        facts=_differing(first.manifest["inputs"], second.manifest["inputs"]),
        options=_options(first.manifest["parameters"], parameters),
    )


def flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as section.name -> value.

    Examples
    --------
    >>> flat({"plan": {"seed": 7}, "rules": []})
    {'plan.seed': 7, 'rules': []}
    """
    found: dict[str, Any] = {}
    for section, values in parameters.items():
        if isinstance(values, dict):
            found |= {f"{section}.{name}": value for name, value in values.items()}
        else:
            found[section] = values
    return found


def _known(workspace: Workspace, run_id: str) -> RunRecord:
    known = glance.runs(workspace)["run_id"].to_list()
    if run_id not in known:
        what = f"There is no run '{run_id[:80]}'."
        raise Unknown(what, remedy=did_you_mean(run_id[:80], known) or "See the list of runs.")
    return workspace.run(run_id)


def _tables(workspace: Workspace, run: RunRecord) -> dict[str, pl.DataFrame]:
    return {
        name: workspace.result(name, run.id) if name in run.tables else table(name).empty()
        for name in OF_PLAN
    }


def _figures(tables: Mapping[str, pl.DataFrame], who: Person) -> dict[str, float]:
    """Return the headline figures of a plan over the points and lines in scope."""
    points = _scoped(tables["planning_point"].select(ABOUT), who)
    wanted = ("outlook", "inventory_health", "policy")
    outlook, health, policy = (points.join(tables[name], on=KEY, how="left") for name in wanted)
    lines = _scoped(tables["line"], who)
    return {
        "points": float(points.height),
        "on_hand_value": _sum(health, pl.col("on_hand_value")),
        "buffer_value": _sum(policy, pl.col("buffer_qty") * pl.col("unit_cost_eff")),
        "money_at_risk": _sum(outlook, pl.col("money_at_risk")),
        "cash_to_release": _sum(health, pl.col("cash_to_release")),
        "n_lines": float(lines.height),
        "lines_value": _sum(lines, pl.col("value")),
    }


def _scoped(frame: pl.DataFrame, who: Person) -> pl.DataFrame:
    limit = in_scope(who, frame.columns)
    return frame if limit is None else frame.filter(limit)


def _sum(frame: pl.DataFrame, value: pl.Expr) -> float:
    return float(frame.select(value.sum()).item() or 0.0)


def _told(changes: pl.DataFrame, tables: list[dict[str, pl.DataFrame]], who: Person) -> pl.DataFrame:
    """Return the changes in scope with the words of their points, from the plan that has them."""
    points = pl.concat([each["planning_point"].select(ABOUT) for each in reversed(tables)])
    about = points.unique(KEY, keep="first").drop("unit_cost_eff")
    known = changes.join(about, on=KEY, how="left", maintain_order="left")
    size = pl.max_horizontal(pl.col("change_value").abs(), pl.col("order_change_value").abs())
    return _scoped(known, who).sort(size, *KEY, descending=[True, False, False])


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in sorted({**before, **after}) if before.get(name) != after.get(name))


def _options(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    old, new = flat(before), flat(after)
    names = sorted({**old, **new})
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}
