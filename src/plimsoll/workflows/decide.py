"""Decide on lines of a plan: accept, change, refuse, take back, approve; each with an event in the log."""

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

import polars as pl

from plimsoll.domain.decisions import (
    BY_RULE,
    CHANGE_KINDS,
    Decided,
    LineRef,
    Stale,
    Unknown,
    line_key,
    plain_text,
    reason_given,
)
from plimsoll.domain.errors import InputError, first_keys
from plimsoll.domain.people import SYSTEM, Person, require, scoped
from plimsoll.store import decisions
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.decision_params import ApprovalParams, in_force
from plimsoll.workflows.judgement import KEEP, STALE, UNKNOWN, Wish, judged

FARTHEST = timedelta(days=5 * 366)
AGAIN = "Load the line again, then decide."
LINES = pl.Schema({"line_id": pl.String(), "version": pl.Int64()})


def accept(
    folder: Path, refs: Sequence[LineRef], who: Person, *, at: datetime, reason: str = "", text: str = ""
) -> Decided:
    """Accept lines as proposed; those above the person's limit wait for an approver.

    Parameters
    ----------
    refs : the lines, each with the version that the person saw
    who : who decides; lines out of scope are as unknown as lines that do not exist
    at : moment of the decision

    Returns
    -------
    Decided
        Lines that cannot be accepted stand in `refused_because`; the others are accepted all the same.

    Raises
    ------
    Stale : the only line asked for was changed by somebody else since it was read
    Unknown, InputError : the only line asked for is unknown, or in a state that does not allow it
    """
    return accept_all(folder, _frame(refs), who, at=at, reason=reason, text=text)


def accept_all(
    folder: Path, lines: pl.DataFrame, who: Person, *, at: datetime, reason: str = "", text: str = ""
) -> Decided:
    """Accept many lines in one transaction; `lines` has the columns line_id and version."""
    code, words = reason_given(reason, text, required=False)
    return _decide(folder, lines, Wish("accept", reason=code, text=words), who, at)


def accept_for_rule(folder: Path, lines: pl.DataFrame, *, at: datetime) -> Decided:
    """Accept lines in the program's own name; `lines` has also the column text, why each fits the rule."""
    return _decide(folder, lines, Wish("accept", reason=BY_RULE), SYSTEM, at)


def change(
    folder: Path,
    ref: LineRef,
    who: Person,
    *,
    quantity: float | None = None,
    date: Date | None = None,
    reason: str,
    text: str = "",
    at: datetime,
) -> Decided:
    """Accept a line with another quantity or date; what is None stays as it is.

    A quantity that is no multiple of the lot, or below the minimum, is taken with a warning: the person
    may know better. Raises as `accept`, and InputError for a quantity or date that cannot be meant.
    """
    require(who, "decide")
    code, words = reason_given(reason, text, required=True)
    if quantity is None and date is None:
        what = "Neither a quantity nor a date was given."
        raise InputError(what, remedy="Give the one that shall change, or accept the line as it is.")
    wish = Wish("change", KEEP if quantity is None else quantity, KEEP if date is None else date, code, words)
    with Workspace.open(folder) as workspace:
        line = _proposals(workspace, _frame([ref]).pipe(_with_keys)).row(0, named=True)
        if line["kind"] is not None:
            _check_change(line, quantity, date)
        warning = "" if line["kind"] is None else _lot_warning(workspace, line, quantity)
        done = _decide(folder, _frame([ref]), wish, who, at)
    return Decided(done.done, done.submitted, {}, {ref.line_id: warning} if warning else {})


def refuse(
    folder: Path, refs: Sequence[LineRef], who: Person, *, reason: str, text: str = "", at: datetime
) -> Decided:
    """Refuse lines: they will not be sent. Returns and raises as `accept`."""
    code, words = reason_given(reason, text, required=True)
    return _decide(folder, _frame(refs), Wish("refuse", reason=code, text=words), who, at)


def reopen(
    folder: Path, refs: Sequence[LineRef], who: Person, *, reason: str = "", text: str = "", at: datetime
) -> Decided:
    """Take decisions back that have not been sent; the lines are proposed again. Returns as `accept`."""
    code, words = reason_given(reason, text, required=False)
    return _decide(folder, _frame(refs), Wish("reopen", reason=code, text=words), who, at)


def approve(folder: Path, refs: Sequence[LineRef], who: Person, *, text: str = "", at: datetime) -> Decided:
    """Approve lines that planners submitted, with the quantity and date they set. Returns as `accept`."""
    return _decide(folder, _frame(refs), Wish("approve", KEEP, KEEP, text=plain_text(text)), who, at)


def limit_of(who: Person, params: ApprovalParams) -> float | None:
    """Return the money a line up to which a person decides alone; None for no limit.

    Examples
    --------
    >>> kim = Person("kim", "Kim", "planner")
    >>> limit_of(kim, ApprovalParams(planner_limit=500)), limit_of(kim, ApprovalParams())
    (500.0, None)
    """
    if who.approval_limit is not None:
        return who.approval_limit
    return {"planner": params.planner_limit, "approver": params.approver_limit}.get(who.role, 0.0) or None


def _decide(folder: Path, lines: pl.DataFrame, wish: Wish, who: Person, at: datetime) -> Decided:
    require(who, "approve" if wish.action == "approve" else "decide")
    wanted = _with_keys(lines)
    with Workspace.open(folder) as workspace:
        limit = limit_of(who, in_force(workspace, "approval", ApprovalParams, at))
        proposals = _proposals(workspace, wanted)
        with workspace.transaction("record the decisions") as db:
            superseded = decisions.superseded(db, wanted["run_id"].unique().to_list())
            states = decisions.current(db, wanted).select("run_id", "line_no", *decisions.STATE)
            found = proposals.join(states, on=["run_id", "line_no"], how="left", maintain_order="left")
            found = found.with_columns(
                pl.col("status").fill_null("proposed"),
                pl.col("version").fill_null(0),
                is_superseded=pl.col("run_id").is_in(superseded),
            )
            answer = judged(found, wish, who, limit)
            good = answer.filter(pl.col("fault").is_null())
            if "text" not in good.columns:
                good = good.with_columns(text=pl.lit(wish.text))
            if good.height:
                remark = wish.text if wish.action == "approve" else ""
                told = decisions.By(wish.action, who.username, at, remark)
                decisions.write(db, _decided(good, wish, who, at), told)
    if answer.height == 1 and good.is_empty():
        _refuse(answer.row(0, named=True))
    bad = answer.filter(pl.col("fault").is_not_null())
    is_submitted = pl.col("target") == "submitted"
    return Decided(
        good.filter(~is_submitted)["line_id"].to_list(),
        good.filter(is_submitted)["line_id"].to_list(),
        dict(bad.select("line_id", "problem").iter_rows()),
    )


def _decided(lines: pl.DataFrame, wish: Wish, who: Person, at: datetime) -> pl.DataFrame:
    """Return the rows as they shall be stored; an approval leaves in place who decided, and why."""
    moment = pl.lit(at).dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    state = {"status": pl.col("target"), "seen_as": pl.lit(None, pl.String)}
    if wish.action == "approve":
        return lines.with_columns(**state, approved_by=pl.lit(who.username))
    return lines.with_columns(
        **state,
        decided_by=pl.lit(who.username),
        decided_at=moment,
        approved_by=pl.lit(None, pl.String),
        reason_code=pl.lit(wish.reason),
        reason_text="text",
    )


def _refuse(line: dict[str, str]) -> None:
    what = f"Line {line['line_id']}: {line['problem']}"
    if line["fault"] == STALE:
        raise Stale(what, remedy=AGAIN)
    if line["fault"] == UNKNOWN:
        raise Unknown(what)
    raise InputError(what, done="Nothing was changed.")


def _frame(refs: Sequence[LineRef]) -> pl.DataFrame:
    return pl.DataFrame([(ref.line_id, ref.version) for ref in refs], schema=LINES, orient="row")


def _with_keys(lines: pl.DataFrame) -> pl.DataFrame:
    """Return each line once with run and number; a text that is no line's id is Unknown."""
    if lines.is_empty():
        what = "No line was chosen."
        raise InputError(what, remedy="Choose at least one line.")
    lines = lines.unique("line_id", keep="first", maintain_order=True)
    parts = pl.col("line_id").str.extract_groups(r"^([a-z]+-[0-9]+)-([0-9]{1,9})$")
    keys = lines.with_columns(parts.struct.rename_fields(["run_id", "number"]).alias("parts")).unnest("parts")
    if (bad := keys.filter(pl.col("number").is_null())).height:
        line_key(bad["line_id"][0])
        what = f"There is no line '{bad['line_id'][0][:80]}'."
        raise Unknown(what)
    further = [name for name in ("text",) if name in lines.columns]
    number, seen = pl.col("number").cast(pl.Int64), pl.col("version")
    keys = keys.select("line_id", "run_id", *further, line_no=number, version_seen=seen)
    return keys.unique(["run_id", "line_no"], keep="first", maintain_order=True)


def _proposals(workspace: Workspace, wanted: pl.DataFrame) -> pl.DataFrame:
    """Return what was proposed in each line; nothing but the key where there is no such line."""
    columns = ["line_no", *decisions.PROPOSAL]
    found = []
    for (run_id,), some in wanted.group_by("run_id", maintain_order=True):
        if not workspace.has_result("line", str(run_id)):
            continue
        numbers = some["line_no"]
        ends = pl.lit(numbers.min()), pl.lit(numbers.max())
        where = pl.col("line_no").is_between(*ends) & pl.col("line_no").is_in(numbers.implode())
        rows = workspace.result_rows("line", str(run_id), columns, where)
        found.append(rows.with_columns(run_id=pl.lit(run_id)))
    empty = pl.DataFrame(schema={"line_no": pl.Int64(), **decisions.PROPOSAL, "run_id": pl.String()})
    proposals = pl.concat([empty, *found])
    return wanted.join(proposals, on=["run_id", "line_no"], how="left", maintain_order="left")


def _check_change(line: dict[str, object], quantity: float | None, date: Date | None) -> None:
    """Refuse a quantity or date that cannot be meant."""
    if quantity is not None and line["kind"] in CHANGE_KINDS:
        what = f"The quantity of an open order cannot be changed by a line that would {line['kind']} it."
        raise InputError(what, remedy="Refuse the line, and change the order in the system that holds it.")
    if quantity is not None and not (isfinite(quantity) and 0 < quantity <= 1e12):
        what = f"{quantity} is not a quantity that can be ordered."
        raise InputError(what, remedy="Give a number above 0; to order nothing, refuse the line.")
    if date is None:
        return
    if line["kind"] == "cancel":
        what = "A cancelled order has no date."
        raise InputError(what, remedy="Accept or refuse the line.")
    first = line["order_date"]
    if not isinstance(first, Date) or not first <= date <= first + FARTHEST:
        what = f"{date} is not a day on which this can arrive."
        raise InputError(what, remedy=f"Give a day from {first} on, within five years.")


def _lot_warning(workspace: Workspace, line: dict[str, object], quantity: float | None) -> str:
    """Return what is odd about a quantity: not the lot's multiple, or below the minimum; "" for nothing."""
    run_id = str(line["run_id"])
    if quantity is None or "planning_point" not in workspace.run(run_id).tables:
        return ""
    point = (pl.col("item_id") == pl.lit(line["item_id"])) & (
        pl.col("location_id") == pl.lit(line["to_location_id"])
    )
    columns = ("min_order_qty_eff", "order_multiple_eff")
    found = workspace.result_rows("planning_point", run_id, columns, point)
    if found.is_empty():
        return ""
    minimum, multiple = found.row(0)
    if quantity < minimum:
        return f"{quantity:,.10g} is below the minimum order of {minimum:,.10g}."
    parts = quantity / multiple if multiple > 0 else 0.0
    if abs(parts - round(parts)) > 1e-9 * max(1.0, parts):
        return f"{quantity:,.10g} is no multiple of {multiple:,.10g}, in which this is ordered."
    return ""


def waiting(folder: Path, who: Person, *, submitted: bool = False) -> pl.DataFrame:
    """Return the lines of the plan in force that wait for a decision, or with `submitted` for approval.

    Returns
    -------
    DataFrame
        line_id, version, and what was proposed, what matters most first; only lines in the person's scope.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        plan = workspace.latest_run("plan")
        if plan is None or "line" not in plan.tables:
            what = f"The workspace '{folder}' has no plan with lines yet."
            raise InputError(what, remedy=f"Run `plimsoll plan {folder}`.")
        lines = workspace.result_rows("line", plan.id, ["line_no", *decisions.PROPOSAL])
        known = decisions.states(workspace).filter(pl.col("run_id") == plan.id)
    seen = known.select("line_no", "status", "version")
    found = lines.join(seen, on="line_no", how="left", maintain_order="left").with_columns(
        line_id=pl.format("{}-{}", pl.lit(plan.id), "line_no"), version=pl.col("version").fill_null(0)
    )
    wanted = pl.col("status").fill_null("proposed") == ("submitted" if submitted else "proposed")
    return scoped(found.filter(wanted), who).select("line_id", "version", *decisions.PROPOSAL)


def chosen(
    waiting: pl.DataFrame, names: Sequence[str], *, every: bool, max_value: float | None = None
) -> list[LineRef]:
    """Return lines by their names, or all that wait, those worth more than `max_value` left out.

    Raises InputError where neither or both are asked for, and Unknown for a name that does not wait.
    """
    if bool(names) == every:
        what = "Choose either lines by name or all of them."
        raise InputError(what, remedy="Name lines like plan-000001-17, or give --all.")
    if every:
        worth = waiting if max_value is None else waiting.filter(pl.col("value") <= max_value)
        return [LineRef(*row) for row in worth.select("line_id", "version").iter_rows()]
    versions = dict(waiting.select("line_id", "version").iter_rows())
    if missing := [name for name in names if name not in versions]:
        what = f"These lines do not wait for a decision: {first_keys(missing)}."
        raise Unknown(what, remedy="See the list of lines: they may have been decided, or the plan is newer.")
    return [LineRef(name, versions[name]) for name in names]
