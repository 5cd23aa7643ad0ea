"""What terminal and report show of a plan's money and orders, made once: figures and sentences as text."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.results import PlanResult
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, change, count, days, money, number, percent, quantity

TOP_ACTIONS = 20
TOP_GROUPS = 12
TOP_HOLDINGS = 10
UNKNOWN = "(unknown)"
# figures that say what service is, the most telling first
SERVICES = ("fill_rate", "cycle_service", "coming_fill_rate")


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its caption."""

    value: str
    caption: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of before and after, as text and as numbers."""

    figure: str
    measure: str
    before: float | None
    after: float | None
    before_text: str
    after_text: str
    change: str
    definition: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the ABC-XYZ matrix; `share` is its part of all stock, for the shade."""

    points: str = "0"
    value: str = DASH
    release: str = DASH
    target: str = DASH
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """One order of today's list."""

    kind: str
    item: str
    description: str
    to: str
    quantity: str
    value: str
    at_risk: str
    due: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One stocking point that holds more than the plan wants."""

    item: str
    description: str
    at: str
    status: str
    quantity: str
    value: str
    release: str
    cover: str


def described(result: PlanResult, frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the frame with the item in words and its unit, row order kept."""
    words = result["planning_point"].select(
        "item_id", pl.col("location_id").alias(place), "description", "unit"
    )
    return frame.join(words, on=["item_id", place], how="left", maintain_order="left")


def ranked(orders: pl.DataFrame) -> pl.DataFrame:
    """Return orders with most money at risk first."""
    return orders.sort(["money_at_risk", "value"], descending=True, maintain_order=True)


def ranked_actions(result: PlanResult, top: int) -> pl.DataFrame:
    """Return the top of today's orders with the item in words."""
    return described(result, ranked(result["recommendation"]).head(top), "to_location_id")


def actions(result: PlanResult, top: int = TOP_ACTIONS) -> list[Action]:
    """Return the top lines of today's list as text."""
    return [
        Action(
            kind=label("order", row["kind"]),
            item=row["item_id"],
            description=row["description"] or "",
            to=row["to_location_id"],
            quantity=quantity(row["quantity"], row["unit"]),
            value=money(row["value"], result.currency),
            at_risk=money(row["money_at_risk"], result.currency),
            due=row["due_date"].isoformat(),
            sentence=row["sentence"],
        )
        for row in ranked_actions(result, top).to_dicts()
    ]


def holdings(result: PlanResult, top: int = TOP_HOLDINGS) -> list[Holding]:
    """Return the stocking points with most cash to release as text."""
    stranded = largest(result["inventory_health"], "cash_to_release", top)
    return [
        Holding(
            item=row["item_id"],
            description=row["description"] or "",
            at=row["location_id"],
            status=label("stock", row["status"]),
            quantity=quantity(row["on_hand_qty"], row["unit"]),
            value=money(row["on_hand_value"], result.currency),
            release=money(row["cash_to_release"], result.currency),
            cover=days(row["cover_days"]),
        )
        for row in described(result, stranded, "location_id").to_dicts()
    ]


def grand_total(result: PlanResult) -> dict[str, Any]:
    """Return the one row of totals over all stocking points."""
    return result.totals["all"].row(0, named=True)


def order_value(result: PlanResult) -> str:
    """Return what today's orders cost."""
    return money(float(result["recommendation"]["value"].sum()), result.currency)


def headline(result: PlanResult) -> str:
    """Return the plan in a few sentences of money."""
    total, n_orders = grand_total(result), result["recommendation"].height
    release, stock, n_short = total["cash_to_release"], total["on_hand_value"], total["n_short"]
    points = count(n_short, "stocking point") if n_short else "no stocking point"
    short = f"{points} {'are' if n_short > 1 else 'is'} short."
    orders = f"{count(n_orders, 'order')} worth {order_value(result)}" if n_orders else "nothing to order"
    if stock > 0:
        held = (
            f"{money(release, result.currency)} of the {money(stock, result.currency)} in stock "
            f"({percent(release / stock, 0)}) is more than the plan wants and costs "
            f"{money(total['carrying_cost_per_year'], result.currency)} a year to carry; {short}"
        )
    else:
        held = f"No stock of known cost is recorded; {short}"
    return f"{held} Today: {orders}."


def tiles(result: PlanResult) -> list[Tile]:
    """Return the figures that open the report."""
    total, currency = grand_total(result), result.currency
    n_orders, points = result["recommendation"].height, result["planning_point"]
    return [
        Tile(money(total["on_hand_value"], currency), "stock today, at cost"),
        Tile(money(total["cash_to_release"], currency), "cash to release"),
        Tile(money(total["carrying_cost_per_year"], currency), "a year to carry that cash"),
        Tile(money(total["exposure_value"], currency), "expected shortage, at price"),
        Tile(f"{n_orders:,}", f"{'order' if n_orders == 1 else 'orders'} today, worth {order_value(result)}"),
        Tile(f"{points['planned'].sum():,}", f"of {count(points.height, 'stocking point')} planned"),
    ]


def buffer_sentence(result: PlanResult) -> str:
    """Return the whole buffer in money beside the classic figure."""
    frame, currency = result.totals["buffer"], result.currency
    held, classic = (
        money(float(frame[name].sum()), currency) for name in ("buffer_value", "classic_safety_stock_value")
    )
    return f"In all {held}; the classic z σ √L formula would hold {classic}."


def figure_text(value: float | None, unit: str, currency: str) -> str:
    """Return a figure of before and after in its unit."""
    if unit == "share":
        return percent(value)
    if unit.startswith("money"):
        return money(value, currency)
    return days(value) if unit == "days" else number(value)


def comparisons(result: PlanResult) -> list[Comparison]:
    """Return the lines of before and after; a figure unknown on both sides is left out."""
    known = result.before_after.filter(pl.any_horizontal(pl.col("before", "after").is_not_null()))
    return [
        Comparison(
            figure=row["figure"],
            measure=label("figure", row["figure"]),
            before=row["before"],
            after=row["after"],
            before_text=figure_text(row["before"], row["unit"], result.currency),
            after_text=figure_text(row["after"], row["unit"], result.currency),
            change=change(row["before"], row["after"], row["unit"]),
            definition=row["definition"],
        )
        for row in known.to_dicts()
    ]


def at_a_glance(lines: list[Comparison]) -> list[Comparison]:
    """Return stock, cover, turns and one service: the first that is known on both sides, else the target."""
    known = {line.figure: line for line in lines}
    both = [name for name in SERVICES if name in known and known[name].change != DASH]
    shown = ("inventory_value", "cover_days", "turns", *(both or ["target_service"])[:1])
    return [known[name] for name in shown if name in known]


def matrix(result: PlanResult) -> dict[str, dict[str, Cell]]:
    """Return the ABC-XYZ matrix by row and column; points without a class stand in a line of their own."""
    frame = result.totals["class"].with_columns(pl.col("abc", "xyz").fill_null(UNKNOWN))
    across = ["X", "Y", "Z", *([UNKNOWN] if UNKNOWN in frame["xyz"] else [])]
    down = ["A", "B", "C", *([UNKNOWN] if UNKNOWN in frame["abc"] else [])]
    cells = {abc: dict.fromkeys(across, Cell()) for abc in down}
    stock = grand_total(result)["on_hand_value"]
    for row in frame.to_dicts():
        cells[row["abc"]][row["xyz"]] = Cell(
            points=f"{row['n_points']:,}",
            value=money(row["on_hand_value"], result.currency),
            release=money(row["cash_to_release"], result.currency),
            target=percent(row["target_service_mean"]),
            share=round(row["on_hand_value"] / stock, 3) if stock else 0.0,
        )
    return cells


def largest(frame: pl.DataFrame, by: str, top: int = TOP_GROUPS) -> pl.DataFrame:
    """Return the groups that have some of a figure, the largest first."""
    return frame.filter(pl.col(by) > 0).sort(by, descending=True, maintain_order=True).head(top)
