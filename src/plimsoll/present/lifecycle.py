"""Life cycles as words and figures: for the terminal and for the report."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.lifecycle_result import LifecycleResult
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, money, percent, quantity
from plimsoll.present.provenance import gravest
from plimsoll.present.terminal import say, show_findings, show_table

if TYPE_CHECKING:
    from rich.console import Console

TOP = 12
TITLES = {
    "warnings": "What may never be asked for again?",
    "ending": "What ends, and what is the last buy?",
    "new": "What may new items expect?",
    "engineered": "What looks engineered to order?",
}
HEADS = {
    "warnings": ("Warning", "Chance", "Stock", "Lasts", "Write-off", "Do", "Saves"),
    "ending": ("Last order", "When", "Expected", "Position", "Buy", "Value", "Left over"),
    "new": ("Days", "Like", "Likeness", "Own data", "Curve", "A day"),
    "engineered": ("Orders", "Customers", "Stock"),
}
LEFT = {"Warning", "Do", "When", "Like"}
MONEY = {"Stock", "Write-off", "Saves", "Value", "Left over"}
NARROW, LEFT_OUT = 100, {"Chance", "Lasts", "Position"}  # what a terminal of fewer columns leaves out
SENTENCES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One item at a place: its figures as text, in the order of `HEADS`, and its sentence."""

    item: str
    at: str
    cells: tuple[str, ...]
    sentence: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the section: title, summary, heads (text, is a number) and the lines shown.

    Cells under the heads in `MONEY` are in the currency.
    """

    name: str
    title: str
    summary: str
    heads: list[tuple[str, bool]]
    lines: list[Line]
    n_lines: int
    currency: str

    def units(self) -> list[str]:
        """Return the heads with the currency after those of money."""
        unit = f", {self.currency}" if self.currency else ""
        return [head + unit * (head in MONEY) for head, _ in self.heads]


def lifecycle_section(
    result: LifecycleResult, *, sections: tuple[str, ...] = (), top: int = TOP
) -> list[Part]:
    """Return the parts of the section, those without lines left out unless they are named.

    Parameters
    ----------
    result : life cycles of a workspace
    sections : names of the parts wanted; all if none is named
    top : most lines of each
    """
    ranked = result.ranked()
    parts = []
    for name in sections or TITLES:
        rows = ranked[name]
        if rows.height or sections:
            shown = _without_stock(rows.head(top)) if _no_stock(rows) else rows.head(top)
            lines = [_line(name, row) for row in shown.iter_rows(named=True)]
            heads = [(head, head not in LEFT) for head in HEADS[name]]
            summary = _summary(name, rows, result.currency)
            parts.append(Part(name, TITLES[name], summary, heads, lines, rows.height, result.currency))
    return parts


def _summary(name: str, rows: pl.DataFrame, currency: str) -> str:
    """Return what all rows of a part say together."""
    if rows.is_empty():
        return "Nothing."
    if name == "warnings":
        value = _sum(rows["writeoff_value"], currency)
        saved = _sum(rows["action_value"], currency)
        over = rows.filter(pl.col("grade") == "over").height
        head = f"{count(rows.height, 'stocking point')} {_is(rows.height)} warned of, {over:,} may be over"
        if _no_stock(rows):
            return f"{head}; no stock of them is known."
        return (
            f"{head}: {value} of stock is expected never to be asked for; the actions proposed save {saved}."
        )
    if name == "ending":
        due = rows.filter(pl.col("status") == "due")
        value, left = _sum(due["buy_value"], currency), _sum(rows["writeoff_value"], currency)
        to_buy = f"{due.height:,} with the last order due now ({value} to buy)"
        to_buy = to_buy if due.height else "none with a last order due now"
        ends = f"{count(rows.height, 'stocking point')} {_ends(rows.height)}"
        return f"{ends}, {to_buy}; {left} will probably be left over."
    if name == "new":
        used = int(rows["applied"].sum())
        return (
            f"{count(rows.height, 'new stocking point')}; at {used:,} the demand of older items still counts."
        )
    held = _sum(rows["on_hand_value"], currency)
    return f"{count(rows.height, 'item')} without a flag; {held} of stock."


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _no_stock(rows: pl.DataFrame) -> bool:
    """Return whether all these points are without stock of known cost, as where no stock was imported."""
    return "on_hand_value" in rows.columns and not (rows["on_hand_value"] > 0).any()


def _without_stock(rows: pl.DataFrame) -> pl.DataFrame:
    unknown = [name for name in rows.columns if name.endswith("_value")]
    return rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in unknown)


def _sum(values: pl.Series, currency: str) -> str:
    return money(float(values.sum()), currency)


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _ends(n: int) -> str:
    return "ends" if n == 1 else "end"


def _line(name: str, row: dict[str, Any]) -> Line:
    """Return one row of a part as text."""
    cells: tuple[str, ...]
    if name == "warnings":
        cover = row["cover_months"]
        cells = (
            label("grade", row["grade"]),
            percent(row["no_demand_probability"], 0),
            money(row["on_hand_value"]),
            DASH if cover is None else "over 10 years" if cover > 120 else f"{cover:,.0f} months",
            money(_plus(row["writeoff_value"], row["order_writeoff_value"])),
            label("advice", row["action"]),
            money(row["action_value"]),
        )
    elif name == "ending":
        cells = (
            row["last_order_date"].isoformat(),
            label("last_buy", row["status"]),
            quantity(row["expected_qty"]),
            quantity(row["position_qty"]),
            quantity(row["buy_qty"]),
            money(row["buy_value"]),
            money(row["writeoff_value"]),
        )
    elif name == "new":
        cells = (
            f"{row['age_days']:,}",
            row["analog_item_id"] or DASH,
            percent(row["confidence"], 0),
            percent(row["own_weight"], 0),
            percent(row["curve_factor"], 0),
            quantity(row["mean_per_day_est"]),
        )
    else:
        cells = (f"{row['n_orders']:,}", f"{row['n_customers']:,}", money(row["on_hand_value"]))
    urgent = row.get("grade") == "over" or row.get("status") == "due"
    return Line(row["item_id"], row.get("location_id", ""), cells, row["sentence"], urgent)


def heirs_sentence(result: LifecycleResult) -> str:
    """Return how many items have a successor that takes their demand, or nothing."""
    n = result.heirs.height
    first = [f"{row['item_id']} to {row['heir_id']}" for row in result.heirs.head(3).to_dicts()]
    named = ", ".join(first) + (f" and {n - len(first):,} more" if n > len(first) else "")
    return f"{count(n, 'item')} {_has(n)} passed demand on to a successor: {named}." if n else ""


def show_lifecycle(
    result: LifecycleResult, console: "Console", *, sections: tuple[str, ...] = (), top: int = TOP
) -> None:
    """Print the parts wanted, each with its sum in money and its lines, and then what was found."""
    parts = lifecycle_section(result, sections=sections, top=top)
    for n, part in enumerate(parts):
        say(console, "\n" * (n > 0) + part.title, "bold")
        say(console, part.summary)
        if part.lines:
            _show_part(part, console)
    if not parts:
        say(console, "Nothing is new, nothing ends, and nothing is warned of.")
    elif result.currency:
        say(console, f"\nMoney in {result.currency}.", "dim")
    if sentence := heirs_sentence(result):
        say(console, sentence)
    told = ["engineered_unflagged"] if any(part.name == "engineered" for part in parts) else []
    show_findings(gravest(result.findings.filter(~pl.col("code").is_in(told))), console)


def _show_part(part: Part, console: "Console") -> None:
    """Print the lines of a part in the columns that fit, and the first of them in words."""
    shown = [n for n, (head, _) in enumerate(part.heads) if console.width >= NARROW or head not in LEFT_OUT]
    texts = [n for n in shown if not part.heads[n][1]]
    figures = [n for n in shown if part.heads[n][1]]
    rows = [(line.item, line.at, *(line.cells[n] for n in (*texts, *figures))) for line in part.lines]
    left, right = (["Item", "At", *(part.heads[n][0] for n in texts)], [part.heads[n][0] for n in figures])
    show_table(console, "", left, right, rows)
    for line in part.lines[:SENTENCES_SHOWN]:
        say(console, f"{' at '.join(filter(None, (line.item, line.at)))}: {line.sentence}", "dim", indent=1)
    if part.n_lines > len(part.lines):
        say(console, f"… and {part.n_lines - len(part.lines):,} more; --json lists them all.")


def _has(n: int) -> str:
    return "has" if n == 1 else "have"
