"""Suppliers and open orders in the terminal."""

from typing import TYPE_CHECKING

from rich.text import Text

from plimsoll.domain.supply_result import SupplyResult
from plimsoll.present.numbers import DASH
from plimsoll.present.supply import headlines, notes, open_orders, order_sentences, suppliers
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

ACTION_STYLE = {"confirm": "bold red", "expedite": "bold yellow", "chase": "yellow", "leave": "dim"}
WIDE = 110  # columns of a terminal from which the whole table fits


def show_supply(result: SupplyResult, top: int, console: "Console", *, orders_only: bool = False) -> None:
    """Print the first sentences, the scorecard by money, the riskiest open orders, and what limits them."""
    basis = f"plan {result.run_id}" if result.run_id else "without a plan"
    say(console, f"Suppliers, known on {result.as_of}, {basis}", "bold")
    for sentence in order_sentences(result) if orders_only else headlines(result):
        say(console, sentence)
    if not orders_only:
        _show_suppliers(result, top, console)
    _show_orders(result, top, console)
    console.print()
    for note in result.missing if orders_only else notes(result):
        say(console, note, "dim")


def _shown(n: int, total: int) -> str:
    return "" if n == total else f", {n} of {total:,}"


def _show_suppliers(result: SupplyResult, top: int, console: "Console") -> None:
    lines = suppliers(result, top)
    wide = console.width >= WIDE
    heads = ["deliv.", "takes", "promised", "on time", "cost", "1 day less"]
    heads += ["typed", "90 % late by", ""] if wide else []
    rows = []
    for row in lines:
        cells = [row.name, row.deliveries, row.takes, row.promised, row.on_time, row.cost, row.one_day_less]
        rest = [row.typed, row.late_by, row.note or row.trend.strip(DASH)]
        rows.append([*cells, *rest] if wide else cells)
    by_money = result.scorecard["rank"].is_not_null().any()
    order = "By what their variability costs" if by_money else "By what we buy from them"
    show_table(console, f"\n{order}{_shown(len(lines), result.scorecard.height)}", ["source"], heads, rows)
    unit = f"; cost in {result.currency}" if result.currency else ""
    text = "Days from order to usable stock, mean ± spread; on time with its 95 % interval"
    say(console, f"{text}{unit}.", "dim")


def _show_orders(result: SupplyResult, top: int, console: "Console") -> None:
    lines = open_orders(result, top)
    if not lines:
        return
    say(console, f"\nOpen orders, riskiest first{_shown(len(lines), result.arrivals.height)}", "bold")
    for row in lines:
        dates = f"due {row.due} ({row.by_due}), likely {row.arrival}, at worst {row.latest}"
        worth = f"at risk {row.at_risk}, order {row.value} {result.currency}".rstrip()
        origin = "made there" if row.is_made else f"from {row.source}"
        head = Text.assemble((f"{row.action:<8}", ACTION_STYLE[row.action]), f"{row.item}  {origin}")
        say(console, head.append(f"  {row.order}", "dim"), indent=1)
        say(console, f"{dates}; {worth}. {row.sentence}", "dim", indent=3)
