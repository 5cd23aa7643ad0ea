"""Overrides in the terminal: what was set, what it reaches, and what a trial would do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.decisions import REASONS
from plimsoll.domain.overrides import SCOPE, Override, named
from plimsoll.present.numbers import DASH, money, percent, quantity
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 50
STATUS = {"in_force": "in force", "later": "later", "expired": "expired", "withdrawn": "withdrawn"}
TRIAL: dict[str, tuple[str, Callable[[float], str]]] = {
    "reorder_point_qty": ("reorder point", quantity),
    "order_up_to_qty": ("order-up-to level", quantity),
    "lot_qty": ("lot", quantity),
    "expected_protection_qty": ("expected demand until covered", quantity),
    "buffer_qty": ("buffer", quantity),
    "on_hand_mean_qty": ("expected stock", quantity),
    "on_hand_mean_value": ("expected stock at cost", money),
    "cycle_service_est": ("cycles without stock-out", percent),
    "fill_rate_est": ("units served from stock", percent),
}


def show_set(override: Override, n_rows: int, console: "Console") -> None:
    """Print what was set and how many points it reaches."""
    kind = "lane" if override.kind == "lead_time" else "stocking point"
    say(console, f"{override.id} is in force: {override}.", "bold")
    say(console, f"It reaches {n_rows:,} {kind}{'' if n_rows == 1 else 's'}{_before(override.value_old)}.")
    until = f"until {override.expires_at}" if override.expires_at else "until it is withdrawn"
    say(console, f"It counts from the next plan on, {until}.")


def show_withdrawn(override: Override, console: "Console") -> None:
    """Print which override was taken out of force."""
    say(console, f"{override.id} is withdrawn: {override}. The next plan computes the value again.")


def show_list(overrides: pl.DataFrame, console: "Console") -> None:
    """Print the overrides, the latest first, with who set them and why."""
    if overrides.is_empty():
        say(console, "No override is in force: every value is the computed one.")
        return
    rows = [_line(row) for row in overrides.head(SHOWN).iter_rows(named=True)]
    show_table(console, "", ("", "set", "status"), ("points", "before"), rows)
    if overrides.height > SHOWN:
        say(console, f"… and {overrides.height - SHOWN:,} more; --json lists them all.", indent=2)


def show_trial(before: dict[str, Any], after: dict[str, Any], console: "Console") -> None:
    """Print the figures of one point before and after a trial."""
    rows = [(label, show(before[name]), show(after[name])) for name, (label, show) in TRIAL.items()]
    show_table(console, "Nothing was recorded", ("",), ("now", "then"), rows)


def _line(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    scope = {name: row[name] for name in SCOPE if row[name] is not None}
    value = row["value_text"] or f"{row['value']:,.10g}"
    days = f", {row['start'] or '…'} to {row['end'] or '…'}" if row["start"] or row["end"] else ""
    why = "; ".join(filter(None, (REASONS.get(row["reason_code"], row["reason_code"]), row["reason_text"])))
    said = f"{row['kind']} {row['field']} = {value} {named(scope)}{days} ({row['author']}: {why})"
    status = STATUS[row["status"]]
    if row["status"] == "in_force" and row["expires_at"]:
        status = f"until {row['expires_at']}"
    if row["status"] == "withdrawn":
        status = f"withdrawn by {row['withdrawn_by']}: {row['withdrawn_why']}"
    old = DASH if row["value_old"] is None else f"{row['value_old']:,.4g}"
    return row["override_id"], said, status, f"{row['n_rows']:,}", row["value_old_text"] or old


def _before(value: object) -> str:
    if value is None:
        return ""
    return f"; {value:,.4g} was in force" if isinstance(value, float) else f"; {value} was in force"
