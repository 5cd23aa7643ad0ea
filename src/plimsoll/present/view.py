"""What terminal and report show of a plan's money and orders, made once: figures and sentences as text."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.results import PlanResult
from plimsoll.present.labels import label, source
from plimsoll.present.numbers import DASH, change, count, days, money, number, percent, quantity

TOP_ACTIONS = 20
TOP_GROUPS = 12
TOP_HOLDINGS = 10
UNKNOWN = "(unknown)"
SOURCE = "from_location_id"
NO_STOCK = "No stock is recorded, so what is held, stranded or short is not known."
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
    """Return orders with most money at risk first, without money those most likely to run out."""
    by = ["money_at_risk", "value", "stockout_probability"]
    return orders.sort(by, descending=True, maintain_order=True)


def moves(result: PlanResult, top: int) -> pl.DataFrame:
    """Return the moves between places that are worth most after transport."""
    return result["move"].sort(-pl.col("net"), "item_id", "to_location_id", maintain_order=True).head(top)


def ranked_actions(result: PlanResult, top: int) -> pl.DataFrame:
    """Return the top of today's orders with the item in words."""
    return described(result, ranked(result["recommendation"]).head(top), "to_location_id")


# What a line adds where the data of its point are not fit to be ordered by unseen.
DOUBTS = {
    "care": " Its data need care: see what `plimsoll audit --item` says.",
    "left_out": " Its data are too doubtful to order by: see what `plimsoll audit --item` says.",
}


def actions(result: PlanResult, top: int = TOP_ACTIONS) -> list[Action]:
    """Return the top lines of today's list as text."""
    return [
        Action(
            kind=label("order", row["kind"]),
            item=row["item_id"],
            description=row["description"] or "",
            to=row["to_location_id"],
            quantity=quantity(row["quantity"], row["unit"]),
            value=money(row["value"] or None, result.currency),
            at_risk=money(row["money_at_risk"] or (0.0 if row["unit_cost"] else None), result.currency),
            due=row["due_date"].isoformat(),
            sentence=row["sentence"] + DOUBTS.get(row["readiness"], ""),
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


def group_name(column: str, value: str | None) -> str:
    """Return the name of a group of stocking points."""
    if value is None:
        return UNKNOWN
    return source(value) if column == SOURCE else value


def readiness(result: PlanResult) -> str:
    """Return in one sentence how much may be planned automatically; nothing where the plan does not tell."""
    frame = result.totals.get("readiness_all")
    if frame is None or not frame["n_points"].sum():
        return ""
    row = frame.row(0, named=True)
    value = row["value_share_automatic"]
    worth = "" if value is None else f" ({percent(value, 0)} of the demand value)"
    rest = f"{percent(row['share_care'], 0)} need care, {percent(row['share_left_out'], 0)} are left out"
    return (
        f"{percent(row['share_automatic'], 0)} of {count(row['n_points'], 'stocking point')}{worth} may be "
        f"planned automatically, {rest}."
    )


def _worth(result: PlanResult) -> str:
    """Return what today's orders cost, if any cost is known."""
    value = float(result["recommendation"]["value"].sum())
    return f"worth {money(value, result.currency)}" if result.cost_is_known else "of unknown cost"


def headline(result: PlanResult) -> str:
    """Return the plan in a few sentences of money; what is not known is said, not taken for 0."""
    n_orders = result["recommendation"].height
    orders = f"{count(n_orders, 'order')} {_worth(result)}" if n_orders else "nothing to order"
    if result.stock_is_known:
        return f"{_held(result)} Today: {orders}."
    return f"{NO_STOCK} Today, if nothing is in stock: {orders}."


def _held(result: PlanResult) -> str:
    """Return what the stock holds beyond the plan, and how many points are short."""
    total = grand_total(result)
    release, stock, n_short = total["cash_to_release"], total["on_hand_value"], total["n_short"]
    points = count(n_short, "stocking point") if n_short else "no stocking point"
    short = f"{points} {'are' if n_short > 1 else 'is'} short."
    if not result.cost_is_known:
        return f"No unit cost is known, so nothing here has a value in money; {short}"
    if stock <= 0:
        return f"There is no stock of known cost; {short}"
    in_stock = f"the {money(stock, result.currency)} in stock"
    if release <= 0:
        return f"None of {in_stock} is more than the plan wants; {short}"
    return (
        f"{money(release, result.currency)} of {in_stock} ({percent(release / stock, 0)}) is more than the "
        f"plan wants and costs {money(total['carrying_cost_per_year'], result.currency)} a year to carry; "
        f"{short}"
    )


def tiles(result: PlanResult) -> list[Tile]:
    """Return the figures that open the report; without stock or costs they are not known."""
    total, points, n_orders = grand_total(result), result["planning_point"], result["recommendation"].height
    is_known = result.stock_is_known and result.cost_is_known

    def figure(name: str) -> str:
        return money(total[name] if is_known else None, result.currency)

    return [
        Tile(figure("on_hand_value"), "stock today, at cost" if is_known else "stock today: not known"),
        Tile(figure("cash_to_release"), "cash to release"),
        Tile(figure("carrying_cost_per_year"), "a year to carry that cash"),
        Tile(figure("exposure_value"), "expected shortage, at price"),
        Tile(f"{n_orders:,}", f"{'order' if n_orders == 1 else 'orders'} today, {_worth(result)}"),
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
    if not result.cost_is_known:
        known = known.filter(~pl.col("unit").str.starts_with("money"))
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
    is_known = result.stock_is_known and result.cost_is_known
    for row in frame.to_dicts():
        cells[row["abc"]][row["xyz"]] = Cell(
            points=f"{row['n_points']:,}",
            value=money(row["on_hand_value"] if is_known else None, result.currency),
            release=money(row["cash_to_release"] if is_known else None, result.currency),
            target=percent(row["target_service_mean"]),
            share=round(row["on_hand_value"] / stock, 3) if stock else 0.0,
        )
    return cells


def largest(frame: pl.DataFrame, by: str, top: int = TOP_GROUPS) -> pl.DataFrame:
    """Return the groups that have some of a figure, the largest first."""
    return frame.filter(pl.col(by) > 0).sort(by, descending=True, maintain_order=True).head(top)
