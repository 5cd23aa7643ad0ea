"""Acceptance by rule: what passes without a person, why, and the switch that stops it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

import polars as pl

from plimsoll.domain.figures import number
from plimsoll.domain.people import Person, require
from plimsoll.store import decisions
from plimsoll.store.records import ParameterChange, RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.decide import accept_for_rule
from plimsoll.workflows.decision_params import AcceptParams, Grade, in_force

GRADES = get_args(Grade)  # the best first
COLUMNS = (
    "line_no",
    "kind",
    "item_id",
    "to_location_id",
    "abc",
    "value",
    "confidence",
    "readiness",
    "reason_codes",
)
# The supplier would not take the order today: a person asks it, or adds to the order.
BELOW_MINIMUM = r"\b(below_minimum|waits_for_minimum)\b"
POINT = ["item_id", "location_id"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a rule accepted: lines and their money; `stopped` says why none or not all, or is empty."""

    n_lines: int = 0
    value: float = 0.0
    stopped: str = ""


def accept_by_rule(folder: Path, *, at: datetime) -> Accepted:
    """Accept the lines of the plan in force that fit the rule of section [accept], in the program's name.

    A line fits that nobody has touched, of a kind and class named, worth no more than `max_value`, with data
    that may be ordered automatically, a confidence of at least `min_confidence`, and a level to order up to
    that changed by no more than `max_change` since the plan before; without a plan before none fits. Nor does
    a line of an order that does not reach its supplier's minimum today. Each line's reason is kept with it.
    Lines go in some thousands a transaction, and before each the switch is read again.
    """
    with Workspace.open(folder) as workspace:
        params = in_force(workspace, "accept", AcceptParams, at)
        plan = workspace.latest_run("plan")
        if not params.enabled or params.stopped:
            return Accepted(stopped="stopped by a person" if params.stopped else "not switched on")
        if plan is None or "line" not in plan.tables:
            return Accepted(stopped="there is no plan with lines")
        lines = fitting(_lines(workspace, plan), params)
        done, value = 0, 0.0
        for some in lines.iter_slices(params.lines_at_once):
            if in_force(workspace, "accept", AcceptParams, at).stopped:
                return Accepted(done, value, "stopped by a person")
            accepted = accept_for_rule(folder, some.select("line_id", "version", "text"), at=at).done
            done += len(accepted)
            value += float(some.filter(pl.col("line_id").is_in(accepted))["value"].sum())
    return Accepted(done, value)


def fitting(lines: pl.DataFrame, params: AcceptParams) -> pl.DataFrame:
    """Return the lines that fit a rule, with `text`: why.

    Parameters
    ----------
    lines : `COLUMNS` of table `line`, with `change`: change of the point's level since the plan before as
        share of the old, unknown without one
    """
    grades = GRADES[: GRADES.index(params.min_confidence) + 1]
    chosen = lines.filter(
        pl.col("kind").is_in(params.kinds),
        pl.col("abc").is_in(params.classes),
        pl.col("value") <= params.max_value,
        pl.col("confidence").is_in(grades),
        pl.col("readiness") == "automatic",
        pl.col("change") <= params.max_change,
        ~pl.col("reason_codes").fill_null("").str.contains(BELOW_MINIMUM),
    )
    why = pl.format(
        f"Class {{}}, worth {{}} of at most {params.max_value:,.0f}, confidence {{}} of at least "
        f"{params.min_confidence}, level changed by {{}} % of at most {100 * params.max_change:.0f} %.",
        "abc",
        number(pl.col("value")),
        "confidence",
        number(100 * pl.col("change")),
    )
    return chosen.with_columns(text=why)


def stop_automatic(folder: Path, who: Person, *, reason: str, at: datetime) -> None:
    """Stop acceptance by rule at once, also one that is under way; it stays stopped until it is started."""
    require(who, "stop_automatic")
    _switch(folder, who, reason, at, stopped=True)


def start_automatic(folder: Path, who: Person, *, reason: str, at: datetime) -> None:
    """Let acceptance by rule go on after the next plan, if the settings switch it on."""
    require(who, "set")
    _switch(folder, who, reason, at, stopped=False)


def _switch(folder: Path, who: Person, reason: str, at: datetime, *, stopped: bool) -> None:
    with Workspace.open(folder) as workspace:
        old = in_force(workspace, "accept", AcceptParams, at).stopped
        change = ParameterChange("accept", "stopped", old, stopped, who.username, reason)
        workspace.record_parameter(change, at=at)


def _lines(workspace: Workspace, plan: RunRecord) -> pl.DataFrame:
    """Return the lines of a plan that nobody has touched, with the change of their point's level."""
    lines = workspace.result_rows("line", plan.id, COLUMNS)
    states = decisions.states(workspace).filter(pl.col("run_id") == plan.id)
    lines = lines.join(states.select("line_no"), on="line_no", how="anti", maintain_order="left")
    change = _change_of_levels(workspace, plan).rename({"location_id": "to_location_id"})
    lines = lines.join(change, on=["item_id", "to_location_id"], how="left", maintain_order="left")
    return lines.with_columns(
        line_id=pl.format("{}-{}", pl.lit(plan.id), "line_no"), version=pl.lit(0, pl.Int64)
    )


def _change_of_levels(workspace: Workspace, plan: RunRecord) -> pl.DataFrame:
    earlier = [run for run in workspace.runs() if run.kind == "plan" and run.created_at < plan.created_at]
    empty = pl.DataFrame(schema={**dict.fromkeys(POINT, pl.String()), "change": pl.Float64()})
    if not earlier:
        return empty
    now, before = (
        workspace.result_rows("policy", run_id, [*POINT, "order_up_to_qty"])
        for run_id in (plan.id, earlier[-1].id)
    )
    both = now.join(before, on=POINT, suffix="_before")
    old, new = pl.col("order_up_to_qty_before"), pl.col("order_up_to_qty")
    change = pl.when(old > 0).then((new - old).abs() / old).when(new == old).then(0.0)
    return both.select(*POINT, change=change)
