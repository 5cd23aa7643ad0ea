"""Forecast accuracy and alarms in the terminal."""

from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.present.numbers import count, money, number, percent, quantity
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

FIGURES = ("bias", "WAPE", "of totals", "MASE", "pinball", "50 %", "80 %", "95 %")
KINDS = {"shift": "changed its level", "drift": "drifts", "bias": "is forecast off"}
NOTE = (
    "Bias above 0: the forecast is too high. MASE below 1: better than repeating the last interval. "
    "50, 80, 95 %: share of demands within that quantile."
)


def _figures(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['n_forecasts']:,}",
        percent(row["bias"]),
        percent(row["wape"], 0),
        percent(row["wape_total"], 0),
        number(row["mase"], 2),
        percent(row["pinball"]),
        *(percent(row[f"coverage_{level}"], 0) for level in (50, 80, 95)),
    ]


def alarm_sentence(row: dict[str, Any], currency: str) -> str:
    """Return an alarm as a sentence.

    Examples
    --------
    >>> from datetime import date
    >>> alarm = {"level": "point", "group": "A-1 @ DC1", "kind": "shift", "since": date(2026, 3, 2),
    ...          "measured_in": "units", "before_per_day": 1.0, "after_per_day": 2.5,
    ...          "change_value_per_year": 5478.75}
    >>> alarm_sentence(alarm, "EUR")
    'A-1 @ DC1 changed its level: from 365 to 913 a year since 2026-03-02 (+5,479 EUR a year).'
    """
    before, after = (365.25 * row[f"{when}_per_day"] for when in ("before", "after"))
    in_money = row["measured_in"] == "money"
    low, high = (money(value, currency) if in_money else quantity(round(value)) for value in (before, after))
    name = row["group"] if row["level"] in ("point", "all") else f"{row['level'].capitalize()} {row['group']}"
    name = "All demand" if row["level"] == "all" else name
    change = row["change_value_per_year"]
    size = (
        ""
        if change is None or in_money
        else f" ({'+' if change > 0 else ''}{money(change, currency)} a year)"
    )
    if row["kind"] == "bias":
        return f"{name} is forecast off: {low} a year forecast and {high} came since {row['since']}{size}."
    return f"{name} {KINDS[row['kind']]}: from {low} to {high} a year since {row['since']}{size}."


def show_accuracy(
    accuracy: pl.DataFrame, alarms: pl.DataFrame, by: str, top: int, currency: str, console: "Console"
) -> None:
    """Print accuracy over time and by group, worst errors in money first, then the largest alarms."""
    whole = accuracy.filter(pl.col("level") == "all").sort("origin", nulls_last=True).to_dicts()
    times = [[str(row["origin"] or "all"), *_figures(row)] for row in whole]
    show_table(console, "Forecasts made again on", [""], ["made", *FIGURES], times)
    groups = accuracy.filter(pl.col("level") == by, pl.col("origin").is_null())
    worst = groups.sort(pl.col("wape") * pl.col("demand"), descending=True, nulls_last=True).head(top)
    rows = [[row["group"], *_figures(row)] for row in worst.to_dicts()]
    more = f", {len(rows)} of {groups.height:,}" if groups.height > len(rows) else ""
    show_table(console, f"\nBy {by}, most error first{more}", [by], ["made", *FIGURES], rows)
    say(console, NOTE, "dim")
    if alarms.is_empty():
        say(console, "\nNo alarm: no change of demand and no bias is clearer than chance makes them.")
        return
    size = pl.col("change_value_per_year").abs()
    say(console, f"\n{count(alarms.height, 'alarm')}, the largest first", "bold")
    for row in alarms.sort(size, descending=True, nulls_last=True, maintain_order=True).head(top).to_dicts():
        say(console, alarm_sentence(row, currency), indent=1)
    share = alarms["false_discovery_rate"].max()
    text = percent(share if isinstance(share, float) else None, 0)
    say(console, f"Of these, at most {text} are expected to be false; --json lists all.", "dim")
