"""What decisions were worth, and what they teach: load, judge, publish; and adopt a suggestion."""

import hashlib
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from plimsoll import __version__, learning
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.learning_result import LEARNING_TABLES, LearningResult
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.overrides import LONGEST_TEXT, Override
from plimsoll.domain.people import Person, require, scoped
from plimsoll.learning.params import LearningParams
from plimsoll.store import decisions
from plimsoll.store.overrides import standing_overrides
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.decision_params import in_force
from plimsoll.workflows.facts import read_facts, rules_in_force
from plimsoll.workflows.overrides import SetOverride, set_override
from plimsoll.workflows.settings import libraries

KIND = "learning"
OF_PLAN = ("planning_point", "target", "policy", "outlook", "lead_time_estimate")
NEEDED = ("demand", "receipts", "open_orders")
# Scope of a suggestion -> the part of an override's scope that its subject is.
SCOPES = {
    "supplier": "from_location_id",
    "author_supplier": "from_location_id",
    "category": "category",
    "location": "location_id",
    "item": "item_id",
}


def learn(folder: Path, who: Person, *, at: datetime, as_of: date | None = None) -> LearningResult:
    """Judge all decisions whose time has passed, and put the result in force.

    Parameters
    ----------
    folder : the workspace
    who : who asks; needs the right to start a run. The result is whole; `load_learning` keeps to a scope
    at : moment of the command
    as_of : day of knowledge; default: that of the import in force

    Returns
    -------
    LearningResult
        Without any decision its tables are empty.

    Raises
    ------
    InputError : nothing has been imported
    Forbidden : the role does not allow it
    """
    require(who, "start_run")
    started = perf_counter()
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
        params = in_force(workspace, KIND, LearningParams, at)
        plans = [run for run in workspace.runs() if run.kind == "plan"]
        decided, points = _decided(workspace, plans)
        loaded = perf_counter()
        facts = {name: read.tables[name] for name in NEEDED}
        days = [run.as_of for run in plans]
        found = learning.outcomes(decided, points, facts, params, as_of=read.as_of, plans=days)
        standing = standing_overrides(workspace, at)
        tables = _drawn(found, params, read.currency, standing)
        parameters = read.settings.of_results() | rules_in_force(workspace)
        parameters |= {
            KIND: params.model_dump(mode="json"),
            "decisions": _digest(decided),
            "plans": [run.fingerprint for run in plans],
            "overrides": [override.as_data() for override in standing],
            "currency": read.currency,
        }
        seed, hashes = read.settings.plan.seed, workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, read.as_of, seed, parameters, hashes, libraries())
        judged = perf_counter()
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    seconds = {"Load": loaded - started, "Judge": judged - loaded, "Publish": perf_counter() - judged}
    return LearningResult(folder, run_id, read.as_of, read.currency, tables, seconds)


def load_learning(folder: Path, who: Person, *, at: datetime) -> LearningResult | None:
    """Return what the decisions in a person's scope taught, by the run in force; None before the first.

    Totals and suggestions are drawn from the decisions in scope alone.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            return None
        currency = str(run.manifest["parameters"].get("currency", ""))
        tables = {name: workspace.result(name, run.id) for name in LEARNING_TABLES}
        mine = scoped(tables["outcome"], who)
        if mine.height < tables["outcome"].height:
            params = LearningParams.read(run.manifest["parameters"][KIND], KIND)
            tables = _drawn(mine, params, currency, standing_overrides(workspace, at))
    return LearningResult(folder, run.id, run.as_of, currency, tables)


def adopt(
    folder: Path,
    suggestion_id: str,
    who: Person,
    *,
    at: datetime,
    value: float | None = None,
    text: str = "",
    expires_at: date | None = None,
) -> SetOverride:
    """Turn a suggestion into an override, which the next plan reads.

    Parameters
    ----------
    folder : the workspace
    suggestion_id : of the result in force
    who : who adopts it; needs the right to, and its whole scope in the rows in scope
    at : the moment
    value : days, factor or service to set; default: that suggested
    text : the person's own words, put before the evidence
    expires_at : last day on which it counts

    Raises
    ------
    Unknown : there is no such suggestion in the person's scope
    InputError : it suggests nothing, or no value is known
    Forbidden : the role or scope does not allow it
    """
    require(who, "adopt_suggestion")
    result = load_learning(folder, who, at=at)
    rows = result["suggestion"] if result else pl.DataFrame({"suggestion_id": []})
    ids = rows["suggestion_id"].to_list()
    if result is None or suggestion_id not in ids:
        what = f"There is no suggestion '{suggestion_id}'."
        raise Unknown(what, remedy=did_you_mean(suggestion_id, ids) or f"Run `plimsoll learn {folder}`.")
    row = rows.row(ids.index(suggestion_id), named=True)
    if row["verdict"] != "suggest":
        what = f"'{suggestion_id}' tells of a habit that has not paid."
        raise InputError(what, why=row["sentence"], remedy="There is nothing to adopt.")
    wanted = row["value_to"] if value is None else value
    if wanted is None:
        what = f"'{suggestion_id}' names no value."
        raise InputError(what, remedy=f"Give the {row['field']} to set.")
    why = " ".join(part for part in (text.strip(), row["sentence"]) if part)[:LONGEST_TEXT]
    override = Override(
        row["parameter"],
        row["field"],
        wanted,
        "other",
        why,
        expires_at=expires_at,
        **_scope(row),
    )
    return set_override(folder, override, who, at=at)


def _scope(row: dict[str, Any]) -> dict[str, Any]:
    return {SCOPES[row["scope_kind"]]: row["subject"]}


def _drawn(
    outcome: pl.DataFrame, params: LearningParams, currency: str, standing: list[Override]
) -> dict[str, pl.DataFrame]:
    """Return the tables; a suggestion that somebody has adopted is not made again."""
    found = learning.suggestions(outcome, params, learning.sentences(currency))
    known = {(each.kind, each.field, *each.scope.items()) for each in standing}
    is_new = [
        (row["parameter"], row["field"], *_scope(row).items()) not in known
        for row in found.iter_rows(named=True)
    ]
    fresh = found.filter(pl.Series(is_new, dtype=pl.Boolean)).with_columns(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    )
    return {"outcome": outcome, "outcome_total": learning.totals(outcome, params), "suggestion": fresh}


def _decided(workspace: Workspace, plans: list[RunRecord]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the decisions and, as their plans saw them, the points decided on."""
    states = decisions.states(workspace).filter(pl.col("status").is_in(learning.DECIDED))
    decided, points = [], [pl.DataFrame(schema=learning.POINT)]
    for run in plans:
        lines = states.filter(run_id=run.id)
        if lines.is_empty():
            continue
        decided.append(_with_cost(workspace, run, lines))
        keys = lines.select("item_id", location_id="to_location_id")
        tables = {name: workspace.result(name, run.id) for name in OF_PLAN}
        points.append(learning.points_of(run.id, tables, keys))
    return pl.concat([pl.DataFrame(schema=learning.DECISION), *decided]), pl.concat(points)


def _with_cost(workspace: Workspace, run: RunRecord, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the decided lines of a plan in the schema that is judged, with the cost of doing them."""
    cost = (
        workspace.result("line", run.id).select("line_no", "cost")
        if "line" in run.tables
        else pl.DataFrame(schema={"line_no": pl.Int64, "cost": pl.Float64})
    )
    # Where the order was seen since, it is named there as order/line.
    seen = pl.col("seen_as")
    return (
        lines.join(cost, on="line_no", how="left", maintain_order="left")
        .with_columns(
            due_date_set="date_set",
            author="decided_by",
            reason_code=pl.when(pl.col("reason_code") != "").then("reason_code"),
            order_id=pl.coalesce("order_id", seen.str.replace(r"/[^/]*$", "")),
            order_line=pl.when(pl.col("order_id").is_null())
            .then(seen.str.extract(r"/([^/]*)$"))
            .otherwise("order_line"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in learning.DECISION.items())
    )


def _digest(decided: pl.DataFrame) -> str:
    """Return what tells two sets of decisions apart."""
    text = decided.sort("run_id", "line_no").write_csv()
    return hashlib.sha256(text.encode()).hexdigest()[:16]
