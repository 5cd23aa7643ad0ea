"""The network of one item drawn as a tree: what is asked at each stage, what is held, and why."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.reasons import NETWORK_REASONS
from plimsoll.present.explanation import HARDLY
from plimsoll.present.labels import label, source
from plimsoll.present.numbers import count, days, money, number, percent, quantity

PARTS = {"item": "", "made_of": "Goes into it", "goes_into": "It goes into"}
LINES = 12  # of parts and of parents
TRUNK = str.maketrans({"├": "│", "└": " ", "─": " "})


@dataclass(frozen=True, slots=True)
class Node:
    """One stage as drawn: `head` after `prefix`, its facts and reason after `trunk`; `part` is of `PARTS`."""

    part: str
    prefix: str
    head: str
    trunk: str
    facts: list[str]


def nodes(lines: pl.DataFrame, currency: str, top: int = LINES) -> list[Node]:
    """Return the stages of an item in drawing order; parts and parents beyond `top` are counted in one line.

    Parameters
    ----------
    lines : as of `plimsoll.workflows.network.draw`
    currency : of money
    top : most lines of what goes into the item, and of what it goes into
    """
    drawn = []
    for part in PARTS:
        rows = lines.filter(part=part).to_dicts()
        shown = rows if part == "item" else rows[:top]
        for row, after in zip(shown, [*rows[1:], None], strict=False):
            has_below = after is not None and after["level"] > row["level"]
            trunk = row["prefix"].translate(TRUNK) + ("│  " if has_below else "   ")
            facts = _facts(row, currency) if part == "item" else []
            drawn.append(Node(part, row["prefix"], _head(row), trunk, facts))
        if len(rows) > len(shown):
            drawn.append(Node(part, "", f"and {len(rows) - len(shown):,} more", "", []))
    return drawn


def _head(row: dict[str, Any]) -> str:
    """Return the name of a stage; of one that comes again, and of parts, all that is said of it."""
    if row["part"] == "item":
        kind = "" if row["echelon"].startswith(("depth", "other")) else row["echelon"].replace("dc", "DC")
        return ", ".join(filter(None, (row["location_id"], kind)))
    per = quantity(row["quantity"], row["unit"])
    name = f"{row['item_id']} {row['description'] or ''}".rstrip()
    held = "" if row["on_hand_qty"] is None else f", {quantity(row['on_hand_qty'])} on hand"
    again = ", as above" if row["repeated"] else ""
    of = f"{per} in one" if row["part"] == "made_of" else f"takes {per}"
    return f"{name} at {row['location_id']}: {of}{held}{again}"


def _facts(row: dict[str, Any], currency: str) -> list[str]:
    """Return what is asked of a stage, how it is replenished, and what it holds and why."""
    if row["repeated"]:
        return ["as above"]
    asked = number(365.25 * row["mean_per_day"], 0) if row["mean_per_day"] < 0.1 else None
    rate = f"{asked} a year" if asked else f"{number(row['mean_per_day'], 1)} a day"
    own = row["own_mean_per_day"] / row["mean_per_day"] if row["mean_per_day"] > 0 else 0.0
    theirs = "" if own in (0.0, 1.0) else f", {percent(own, 0)} of it by its own customers"
    also = f"; else from {row['alternatives']}" if row["alternatives"] else ""
    times = f"{days(row['stage_days'])} lead time, {days(row['review_days'])} review"
    supply = f"asked for {rate}{theirs}; {times}{also}"
    return [supply, *(_placed(row, currency) if "net_days" in row else _held(row, currency))]


def _held(row: dict[str, Any], currency: str) -> list[str]:
    """Return what the plan holds at a stage: alone, in the network, now, and why."""
    today = "not counted" if row["counted_date"] is None else f"{quantity(row['on_hand_qty'])} on hand now"
    if row["refused_reason"]:
        refused = label("refused", row["refused_reason"])
        return [f"taken out of the network, as {refused}; planned by itself; {today}"]
    if row["left_out_reason"]:
        return [f"not planned: {label('left_out', row['left_out_reason'])}; {today}"]
    if row["policy"] in (None, "none"):
        return [f"holds none: {label('reason', row['policy_reason'])}; {today}"]
    most = quantity(row["order_up_to_qty"], row["unit"])
    levels = f"reorder at {quantity(row['reorder_point_qty'])}, up to {most}"
    held = f"{levels}, buffer {quantity(row['buffer_qty'])}; {today}"
    if row["held_reason"] is None:
        return [held, f"promises {percent(row['promised_fill'])} from stock; sized by itself"]
    wait = row["wait_days_est"]
    often = f"waits {days(wait)}" if wait >= HARDLY else "hardly ever waits"
    waits = f", {often} for {source(row['source_location_id'])}" if row["source_location_id"] else ""
    worth = (
        f"alone {quantity(row['level_alone_qty'])} ({money(row['on_hand_alone_value'])} on average) → "
        f"network {quantity(row['level_network_qty'])} ({money(row['on_hand_network_value'], currency)})"
    )
    serves = f"promises {percent(row['fill_rate_est'])} from stock{waits}"
    return [held, f"{serves}; {worth}", NETWORK_REASONS.get(row["held_reason"], row["held_reason"])]


def _placed(row: dict[str, Any], currency: str) -> list[str]:
    """Return what a placement says of a stage: what it waits for, quotes and holds, and why."""
    if row["net_days"] is None:
        return ["not placed: it was taken out of the network"]
    waits = f"waits {days(row['inbound_days'])} at most, quotes {days(row['service_days'])}"
    if row["late_days"] > 0:
        waits += f", {days(row['late_days'])} later than its customers accept"
    worth = f"{money(row['safety_value'], currency)}, {money(row['cost_per_year'])} a year"
    held = f"holds {quantity(row['safety_qty'], row['unit'])} for {days(row['net_days'])} ({worth})"
    why = label("placed", row["held_reason"])
    return [f"{waits}; {held if row['holds'] else 'holds nothing'}", why]


def heading(lines: pl.DataFrame) -> str:
    """Return the item in words and where it is kept."""
    own = lines.filter(part="item")
    row = own.row(0, named=True)
    at = count(own.filter(~pl.col("repeated")).height, "place")
    name = f"{row['item_id']} {row['description'] or ''}".rstrip()
    return f"{name}, kept at {at}, network {row['network_id']:,}"
