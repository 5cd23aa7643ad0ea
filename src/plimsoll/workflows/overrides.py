"""Set, try, list and withdraw values over the computed ones; the next plan reads what is in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, PlimsollError, did_you_mean, first_keys
from plimsoll.domain.overridden import KEY, overrides_frame, reach
from plimsoll.domain.overrides import Override, Value, check_together, checked, named
from plimsoll.domain.people import Forbidden, Person, require, scoped
from plimsoll.measure.overridden import WHERE, WORDS
from plimsoll.store import RunRecord
from plimsoll.store import overrides as store
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.explain import WhatIf, point_tables, what_if

LANE = ["item_id", "to_location_id", "from_location_id"]
WORD_OF = {"item_id": "item", "location_id": "location", "from_location_id": "supplier or source"}


@dataclass(frozen=True, slots=True)
class SetOverride:
    """An override as recorded, and the number of points or lanes in its scope."""

    override: Override
    n_rows: int

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return self.override.as_data() | {"n_rows": self.n_rows}


def set_override(folder: Path, override: Override, who: Person, *, at: datetime) -> SetOverride:
    """Put an override in force from the next plan on, with the value that was in force before.

    Parameters
    ----------
    folder : the workspace
    override : kind, field, value, scope, reason, and optionally days and expiry; author, id and old value
        are filled in here
    who : who sets it; needs the right to, and all of its scope in the rows in scope
    at : the moment

    Raises
    ------
    InputError : a value, scope, interval or expiry that makes no sense; nothing to override yet
    Unknown : an item, location, supplier or category that the plan does not have
    Forbidden : the role does not allow it, or the scope reaches beyond the person's
    """
    require(who, "override")
    with Workspace.open(folder) as workspace:
        return _set(_plan(workspace), replace(override, id=""), who, at)


def set_overrides(
    folder: Path, wanted: Sequence[Override], who: Person, *, at: datetime, is_trial: bool = False
) -> list[SetOverride | PlimsollError]:
    """Put several overrides in force, each as of `set_override`; what cannot be is told in its place.

    Parameters
    ----------
    wanted : overrides; the `id` of one names that whose place it takes, which is withdrawn
    is_trial : only say what would become of them
    """
    require(who, "override")
    with Workspace.open(folder) as workspace:
        plan = _plan(workspace)
        return [_tried(plan, each, who, at, is_trial=is_trial) for each in wanted]


def try_override(folder: Path, override: Override, who: Person, *, at: datetime) -> WhatIf:
    """Return what an override would do at one point, without recording it; see `explain.what_if`.

    Parameters
    ----------
    override : with item and location in its scope
    """
    require(who, "view")
    clean = checked(replace(override, author=who.username, id="O0", created_at=at), at=at)
    if clean.item_id is None or clean.location_id is None:
        what = "A trial is of one item at one location."
        raise InputError(what, remedy="Name both, or set the value and make a plan.")
    with Workspace.open(folder) as workspace:
        plan = _plan(workspace)
        _mine(clean, _rows(plan, clean), who, at)
    tables, settings = point_tables(folder, clean.item_id, clean.location_id)
    return what_if(tables, settings, clean, as_of=plan.run.as_of)


def withdraw_override(folder: Path, override_id: str, who: Person, *, at: datetime, reason: str) -> Override:
    """Take an override out of force: the next plan computes the value again.

    Raises
    ------
    Unknown : there is none with that id, or it reaches beyond the person's scope
    InputError : it was withdrawn already, or the reason is missing
    """
    require(who, "override")
    if not reason.strip():
        what = "The reason is missing."
        raise InputError(what, why="What a person decides cannot be judged later without.", remedy="Say why.")
    with Workspace.open(folder) as workspace:
        standing = store.known_override(workspace, override_id)
        if who.locations is not None or who.categories is not None:
            rows = _rows(_plan(workspace), standing)
            if _outside(standing, rows, who, at):
                what = f"There is no override '{override_id}'."
                raise Unknown(what)
        return store.withdraw_override(
            workspace, standing.id, author=who.username, reason=reason.strip(), at=at
        )


def overrides(folder: Path, who: Person, *, at: datetime, every: bool = False) -> pl.DataFrame:
    """Return the overrides that reach rows in a person's scope, the latest first.

    Parameters
    ----------
    at : the moment at which their status is told
    every : also those that expired or were withdrawn

    Returns
    -------
    Table `override` and n_rows, the points or lanes in its scope that the person may see.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        known = store.list_overrides(workspace)
        wanted = [each for each in known if every or each.status(at) == "in_force"]
        frame = overrides_frame(wanted, at=at)
        if not frame.height:
            return frame.with_columns(n_rows=pl.lit(0, dtype=pl.Int64))
        plan = _plan(workspace)
    is_lead = pl.col("kind") == "lead_time"
    parts = [
        reach(frame.filter(is_lead), scoped(plan.lanes, who)),
        reach(frame.filter(~is_lead), scoped(plan.points, who)),
    ]
    counted = frame.join(pl.concat(parts), on="override_id", how="left", maintain_order="left")
    if who.locations is not None or who.categories is not None:
        counted = counted.filter(pl.col("n_rows") > 0)
    number = pl.col("override_id").str.slice(1).cast(pl.Int64)
    return counted.sort(number, descending=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The plan in force as far as scopes are looked up in it; lanes by their place of arrival."""

    workspace: Workspace
    run: RunRecord
    points: pl.DataFrame
    lanes: pl.DataFrame


def _plan(workspace: Workspace) -> _Plan:
    """Return what the plan in force knows; before the first plan there is nothing to override."""
    run = workspace.latest_run("plan")
    if run is None:
        what = f"The workspace '{workspace.path}' has no plan yet, so that nothing is computed to set over."
        raise InputError(what, remedy=f"Run `plimsoll plan {workspace.path}` first.")
    points = workspace.result_rows("planning_point", run.id, [*KEY, "category"])
    ways = workspace.result_rows("lead_time_estimate", run.id, LANE)
    items = points.select("item_id", "category").unique("item_id", keep="first", maintain_order=True)
    lanes = ways.rename({"to_location_id": "location_id"}).join(
        items, on="item_id", how="left", maintain_order="left"
    )
    return _Plan(workspace, run, points, lanes.select(*KEY, "category"))


def _set(
    plan: _Plan, override: Override, who: Person, at: datetime, *, is_trial: bool = False
) -> SetOverride:
    """Record an override after all checks; one that takes the place of another must find it in force."""
    workspace, before = plan.workspace, override.id
    clean = checked(replace(override, author=who.username, id="", created_at=at), at=at)
    rows = _rows(plan, clean)
    mine = _mine(clean, rows, who, at)
    _check_interval(clean, plan.run)
    standing = store.standing_overrides(workspace, at)
    if before and before not in (each.id for each in standing):
        what = f"{before} is no longer in force."
        raise InputError(what, remedy="Download the list again, or add a row without override_id.")
    check_together(clean, [each for each in standing if each.id != before])
    if is_trial:
        return SetOverride(clean, mine.height)
    done = store.record_override(workspace, replace(clean, value_old=_in_force(clean, mine, plan)), at=at)
    if before:
        store.withdraw_override(
            workspace, before, author=who.username, reason=f"{done.id} takes its place", at=at
        )
    return SetOverride(done, mine.height)


def _tried(
    plan: _Plan, override: Override, who: Person, at: datetime, *, is_trial: bool
) -> SetOverride | PlimsollError:
    try:
        return _set(plan, override, who, at, is_trial=is_trial)
    except PlimsollError as error:
        return error


def _rows(plan: _Plan, override: Override) -> pl.DataFrame:
    return plan.lanes if override.kind == "lead_time" else plan.points


def _mine(override: Override, rows: pl.DataFrame, who: Person, at: datetime) -> pl.DataFrame:
    """Return the rows in the scope of an override; refuse unknown names, and rows beyond the person's."""
    visible = scoped(rows, who)
    asked = [pl.col(name) == value for name, value in override.scope.items()]
    met = visible.filter(asked) if asked else visible
    if not met.height:
        raise _unmet(override, visible)
    if beyond := _outside(override, rows, who, at):
        what = f"The override would reach {beyond:,} points that are not yours."
        raise Forbidden(what, remedy="Name a location or category of yours, or ask an admin.")
    return met


def _unmet(override: Override, visible: pl.DataFrame) -> Unknown:
    """Return why an override meets none of the rows that a person sees."""
    for name, value in override.scope.items():
        known = visible[name].drop_nulls().unique()
        if value not in known:
            what = f"There is no {WORD_OF.get(name, name)} '{value[:80]}' in the plan."
            remedy = did_you_mean(value, known.sort()) or "Check the name; names are told apart by case."
            return Unknown(what, remedy=remedy)
    of_item = visible.filter(pl.col("item_id") == override.item_id) if override.item_id else visible.clear()
    places = of_item.select(pl.col("location_id").unique().sort()).to_series()
    what = f"Nothing in the plan is {named(override.scope).removeprefix('for ')} at once."
    return Unknown(what, remedy=f"The item is kept at {first_keys(places)}." if len(places) else "")


def _outside(override: Override, rows: pl.DataFrame, who: Person, at: datetime) -> int:
    """Return the number of rows that an override reaches beyond a person's scope."""
    if who.locations is None and who.categories is None:
        return 0
    asked = overrides_frame([replace(override, id=override.id or "O0")], at=at)
    mine = reach(asked, scoped(rows, who))["n_rows"][0]
    return int(reach(asked, rows)["n_rows"][0] - mine)


def _check_interval(override: Override, run: RunRecord) -> None:
    if override.end is not None and override.end <= run.as_of:
        what = f"The forecast ends on {override.end}; the plan knows demand up to {run.as_of}."
        raise InputError(what, why="It could change nothing.", remedy="Give a later end.")


def _in_force(override: Override, rows: pl.DataFrame, plan: _Plan) -> Value | None:
    """Return the value in force in the plan where it is one for the whole scope; of forecasts, per day."""
    name = "rate" if override.kind == "forecast" else override.field
    if name == "do_not_stock":
        frame, column = "planning_point", "left_out_reason"
    else:
        frame, column = {**WHERE, **WORDS}[name][1]
    key = LANE if frame == "lead_time_estimate" else KEY[:2]
    items = pl.col("item_id").is_in(rows["item_id"].unique().implode())
    found = plan.workspace.result_rows(frame, plan.run.id, [*key, column], items)
    found = found.rename({"to_location_id": "location_id"} if key is LANE else {})
    values = found.join(rows, on=KEY if key is LANE else KEY[:2], how="semi")[column]
    if name == "do_not_stock":
        values = (values == "do_not_stock").fill_null(value=False)
    return values[0] if values.n_unique() == 1 else None
