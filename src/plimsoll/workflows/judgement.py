"""Whether a decision may be made on each of many lines, and in what state that leaves it."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.decisions import STATUSES, TO_SEND, TRANSITIONS, value_decided
from plimsoll.domain.figures import number, said
from plimsoll.domain.people import Person, in_scope

KEEP = "keep"  # a quantity or date that stays as somebody set it
UNKNOWN, STALE, REFUSED = "unknown", "stale", "refused"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of lines: the action, and the quantity and date that shall count then.

    `quantity`, `date`: None for those proposed, KEEP for those set before.
    """

    action: str
    quantity: float | str | None = None
    date: date | str | None = None
    reason: str = ""
    text: str = ""


def judged(lines: pl.DataFrame, wish: Wish, who: Person, limit: float | None) -> pl.DataFrame:
    """Return lines with their coming state, or why it cannot be.

    Parameters
    ----------
    lines : a row a line with its proposal (nothing but the key if there is none), its state (`status`
        "proposed" and `version` 0 if nobody decided), `version_seen` and `is_superseded` of its plan
    limit : money a line above which the decision waits for somebody with a higher one; None: no limit

    Returns
    -------
    DataFrame
        `lines` with `target` (the coming status), `quantity_set`, `date_set`, the same `_before` and
        `status_before`, and `fault` (unknown, stale, refused; unknown where none) with `problem`, a
        sentence for the person.
    """
    columns = ("status", "quantity_set", "date_set")
    before = [pl.col(name).alias(f"{name.removesuffix('_set')}_before") for name in columns]
    lines = lines.with_columns(*before).with_columns(
        quantity_set=_wanted(wish.quantity, "quantity_set", pl.Float64()),
        date_set=_wanted(wish.date, "date_set", pl.Date()),
    )
    lines = lines.with_columns(target=_target(wish, limit))
    faults = _faults(lines.columns, wish, who, limit)
    fault: pl.Expr = pl.lit(None, pl.String)
    problem: pl.Expr = pl.lit(None, pl.String)
    for kind, condition, sentence in reversed(faults):  # the first that holds wins
        condition = condition.fill_null(value=False)
        fault = pl.when(condition).then(pl.lit(kind)).otherwise(fault)
        problem = pl.when(condition).then(sentence).otherwise(problem)
    return lines.with_columns(fault=fault, problem=problem)


def _wanted(value: object, column: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(column) if value == KEEP else pl.lit(value, dtype).alias(column)


def _target(wish: Wish, limit: float | None) -> pl.Expr:
    if wish.action in ("refuse", "reopen"):
        return pl.lit({"refuse": "refused", "reopen": "proposed"}[wish.action])
    is_set = pl.col("quantity_set").is_not_null() | pl.col("date_set").is_not_null()
    decided = pl.when(is_set).then(pl.lit("changed")).otherwise(pl.lit("accepted"))
    if limit is None or wish.action == "approve":
        return decided
    return pl.when(value_decided() > limit).then(pl.lit("submitted")).otherwise(decided)


def _faults(
    columns: list[str], wish: Wish, who: Person, limit: float | None
) -> list[tuple[str, pl.Expr, pl.Expr]]:
    """Return what may stand in the way: kind, condition and sentence, the first that holds first."""
    scope = in_scope(who, columns)
    is_hidden = pl.lit(value=False) if scope is None else ~scope
    status, target = pl.col("status_before"), pl.col("target")
    leads = pl.any_horizontal(
        (target == to) & status.is_in([name for name in STATUSES if to in TRANSITIONS[name]])
        for to in ("submitted", "accepted", "changed", "refused", "proposed")
    )
    is_gone = pl.col("is_superseded") & ~status.is_in(TO_SEND) & target.is_in(["submitted", *TO_SEND])
    same = pl.col("quantity_set").eq_missing(pl.col("quantity_before"))
    same &= pl.col("date_set").eq_missing(pl.col("date_before"))
    found = [
        (UNKNOWN, pl.col("kind").is_null() | is_hidden, pl.lit("There is no such line, or it is not yours.")),
        (STALE, pl.col("version_seen") != pl.col("version"), _who_changed_it()),
        (REFUSED, is_gone, pl.lit("A newer plan took its place before anybody decided.")),
    ]
    if wish.action == "approve":
        found.append(
            (REFUSED, status != "submitted", pl.format("It is {}: nothing waits for approval.", status))
        )
        if limit is not None:
            above = pl.format(
                "It is worth {}, above your limit of {}.", number(value_decided()), pl.lit(f"{limit:,.0f}")
            )
            found.append((REFUSED, value_decided() > limit, above))
    found += [
        (
            REFUSED,
            (status == "submitted") & (target == "submitted") & same,
            pl.lit("It waits for an approver."),
        ),
        (
            REFUSED,
            (status == target) & (target != "submitted") & same,
            pl.format("It is {} already.", status),
        ),
        (REFUSED, ~leads, pl.format("It is {} and can no longer be {}.", status, target)),
    ]
    return found


def _who_changed_it() -> pl.Expr:
    """Return who changed a line since it was read, to what and when."""
    now = pl.coalesce("quantity_before", "quantity")
    did = (
        pl.when(pl.col("status_before") == "changed")
        .then(pl.format("{} changed this to {}", "decided_by", said(now.round(3))))
        .when(pl.col("status_before") == "proposed")
        .then(pl.format("{} took the decision on this back", "decided_by"))
        .otherwise(pl.format("{} has {} this", "decided_by", "status_before"))
    )
    when = pl.col("decided_at").dt.to_string("%Y-%m-%d %H:%M UTC")
    return (
        pl.when(pl.col("version") == 0)
        .then(pl.lit("Nobody has decided on this yet: load it again."))
        .otherwise(pl.format("{} on {}; nothing was overwritten.", did, when))
    )
