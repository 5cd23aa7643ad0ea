"""The life of a recommendation line, and why people decide as they do."""

import unicodedata
from dataclasses import asdict, dataclass, field

import polars as pl

from plimsoll.domain.errors import InputError, PlimsollError, did_you_mean

# Status of a line -> what it means. A line without a record is proposed.
STATUSES: dict[str, str] = {
    "proposed": "waits for a decision",
    "submitted": "accepted by a planner above the planner's limit; waits for an approver",
    "accepted": "will be sent as proposed",
    "changed": "will be sent with another quantity or date",
    "refused": "will not be sent",
    "expired": "a newer plan took its place before anybody decided",
    "exported": "sent to the system that places orders",
    "received": "seen there: among the open orders or receipts of a later import",
}
# From which status to which a line may go; a decision not yet sent may be taken back.
TRANSITIONS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"submitted", "accepted", "changed", "refused", "expired"}),
    "submitted": frozenset({"submitted", "accepted", "changed", "refused", "proposed", "expired"}),
    "accepted": frozenset({"submitted", "changed", "refused", "proposed", "exported"}),
    "changed": frozenset({"submitted", "accepted", "changed", "refused", "proposed", "exported"}),
    "refused": frozenset({"accepted", "changed", "submitted", "proposed"}),
    "expired": frozenset(),
    "exported": frozenset({"received"}),
    "received": frozenset(),
}
TO_SEND = ("accepted", "changed")
# What a line does: something new, or something to an order that is open already.
NEW_KINDS = ("purchase", "transfer", "production", "transshipment", "return")
CHANGE_KINDS = ("expedite", "postpone", "cancel")

# Why a person changes or refuses a line or sets a value: code -> words. The text beside it is free.
REASONS: dict[str, str] = {
    "customer_news": "A customer told us of more or less demand",
    "promotion": "A promotion or project is planned",
    "supplier_news": "The supplier told us something",
    "supplier_minimum": "To fill a minimum, pallet or container",
    "price": "Price or discount",
    "cash": "Cash or budget",
    "space": "No room to store it",
    "quality": "Quality or recall",
    "phase_out": "The item is ending or being replaced",
    "data_wrong": "The data behind it are wrong",
    "too_much": "It is more than I believe is needed",
    "too_little": "It is less than I believe is needed",
    "other": "Something else",
}
NEEDS_REASON = frozenset({"changed", "refused"})
BY_RULE = "rule"  # the reason code of what the program accepted itself; no person may give it
LONGEST_TEXT = 2000


class Stale(PlimsollError):
    """Somebody else changed it since it was read; nothing was done."""

    exit_code = 5


class Unknown(PlimsollError):
    """There is nothing with that name, or it is out of the person's scope."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class LineRef:
    """A line as somebody saw it: `version` is 0 while nobody has decided on it."""

    line_id: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the lines of one decision.

    `done`: line ids in their new status; `submitted`: those above the decider's limit, which wait for an
    approver; `refused_because`: why nothing was done with the others; `warnings`: done, but look again.
    """

    done: list[str] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    refused_because: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, object]:
        """Return the answer as data for JSON."""
        return asdict(self)


def line_id(run_id: str, line_no: int) -> str:
    """Return the public id of a line of a plan.

    Examples
    --------
    >>> line_id("plan-000003", 17)
    'plan-000003-17'
    """
    return f"{run_id}-{line_no}"


def line_key(text: str) -> tuple[str, int]:
    """Return run and number of a line's public id.

    Raises Unknown for a text that is none.

    Examples
    --------
    >>> line_key("plan-000003-17")
    ('plan-000003', 17)
    """
    run_id, _, number = text.rpartition("-")
    if not (run_id and number.isascii() and number.isdigit() and len(number) < 10):
        what = f"There is no line '{plain_text(text)[:80]}'."
        raise Unknown(what, remedy="A line is named like plan-000003-17.")
    return run_id, int(number)


def plain_text(text: str) -> str:
    r"""Return a text that a database, a log and a screen can hold: no control characters, trimmed.

    Examples
    --------
    >>> plain_text(" full\x00 pallet ")
    'full pallet'
    """
    return "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cs"}
    ).strip()


def reason_given(code: str, text: str, *, required: bool) -> tuple[str, str]:
    """Return the reason of a decision as it is kept: a code of `REASONS`, and free text.

    Raises InputError for a reason that is missing where one is required, unknown or too long.
    """
    words = plain_text(text)
    if len(words) > LONGEST_TEXT:
        what = f"The text of the reason has {len(words):,} characters."
        raise InputError(what, remedy=f"Say it in {LONGEST_TEXT:,} or fewer.")
    if not code and not required:
        return "", words
    if not code:
        what = "The reason is missing."
        why = "Without reasons nobody can learn from what people changed, and why."
        raise InputError(what, why=why, remedy=f"Give one of: {', '.join(REASONS)}.")
    if code not in REASONS:
        what = f"There is no reason '{plain_text(code)[:40]}'."
        raise InputError(what, remedy=did_you_mean(code, REASONS) or f"Known: {', '.join(REASONS)}.")
    if code == "other" and required and not words:
        what = "The reason 'other' needs a word of explanation."
        raise InputError(what, remedy="Say in the text what it is.")
    return code, words


def value_decided() -> pl.Expr:
    """Return the money of a line at the quantity decided: its share of the proposed value.

    Needs `quantity`, `unit_cost`, `value` and `quantity_set` (unknown: as proposed). Of a line that was
    proposed at quantity 0 the quantity set counts at cost; unknown value and cost are 0.
    """
    by_share = pl.col("value") * pl.col("quantity_set") / pl.col("quantity")
    by_cost = pl.col("quantity_set") * pl.col("unit_cost")
    changed = pl.when(pl.col("quantity") > 0).then(by_share).otherwise(by_cost)
    return pl.when(pl.col("quantity_set").is_null()).then("value").otherwise(changed).fill_null(0.0)
