"""Working capital in words: the release of stranded cash, the provision, the bridge of stock value."""

from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.capital_result import CAUSES, ROUTES, STAYS, CapitalResult
from plimsoll.present import view
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, days, money
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

BASES = {
    "settings": "From today's settings to the plan: expected stock",
    "plans": "From the plan before to this one: expected stock",
}


def headline(result: CapitalResult) -> str:
    """Return what is stranded and what becomes of it, in one sentence."""
    sums, routes = result.sums(), by_route(result)
    if not routes:
        return "No stocking point holds more than the plan wants."
    freed, lost = (sum(row[name] for row in routes) for name in ("freed", "lost"))
    left = sum(row["value"] for row in routes if row["route"] == STAYS)
    return (
        f"Of {money(sums['stranded_value'], result.currency)} stranded, {money(freed)} comes free in "
        f"{count(months(result), 'month')}, {money(lost)} is lost on the way and {money(left)} stays."
    )


def in_currency(currency: str) -> str:
    """Return what follows a title above money, nothing where no currency is known.

    Examples
    --------
    >>> in_currency("EUR"), in_currency("")
    (', in EUR', '')
    """
    return f", in {currency}" if currency else ""


def months(result: CapitalResult) -> int:
    """Return the months of the release plan."""
    return int(result["provision"]["month"].max() or 0)  # type: ignore[arg-type]


def remarks(result: CapitalResult) -> list[str]:
    """Return what goes with the release: not to buy, what it costs, what is at risk, what to set aside."""
    sums, currency = result.sums(), result.currency
    wanted = ("provision_value", "planned_provision_value")
    forecast = result["provision"].group_by("month").agg(pl.col(wanted).sum())
    told = [
        f"Not to buy: {money(sums['over_order_value'], currency)} on order is above need; the plan proposes "
        f"to cancel or postpone orders of {money(sums['called_off_value'])}.",
        f"Carrying the stranded stock costs {money(sums['carrying_cost_per_year'], currency)} a year.",
        f"At risk: {money(sums['at_risk_value'], currency)} of stock meets volatile demand or lead times.",
    ]
    if forecast.height:
        today, last = (forecast.filter(month=month).row(0, named=True) for month in (0, months(result)))
        told.append(
            f"To set aside: {money(today['provision_value'], currency)} today; in {months(result)} months "
            f"{money(last['provision_value'])} if demand alone works, "
            f"{money(last['planned_provision_value'])} by the release plan, whose loss is booked by then."
        )
    return told


def by_route(result: CapitalResult) -> list[dict[str, Any]]:
    """Return points, value, freed and lost of each route, and the first and last month, in fixed order."""
    points = result["release"].group_by("route").agg(n_points=pl.struct("item_id", "location_id").n_unique())
    sums = result.totals.group_by("route").agg(
        pl.col("value", "freed", "lost").sum(),
        first=pl.col("month").min(),
        last=pl.col("month").max(),
    )
    rows = {row["route"]: row for row in sums.join(points, on="route").to_dicts()}
    return [rows[name] for name in ROUTES if name in rows]


def by_month(result: CapitalResult) -> pl.DataFrame:
    """Return month, its last day, and the value that leaves by each route, 0 where none does."""
    known = result.totals.filter(pl.col("month").is_not_null())
    wide = known.pivot("route", index=["month", "until"], values="value", aggregate_function="sum")
    for name in ROUTES[:-1]:
        if name not in wide.columns:
            wide = wide.with_columns(pl.lit(0.0).alias(name))
    return wide.select("month", "until", *ROUTES[:-1]).fill_null(0.0).sort("month")


def ageing(result: CapitalResult) -> list[dict[str, Any]]:
    """Return today's stranded cash and provision by months since the last demand."""
    today = result["provision"].filter(month=0)
    start = pl.col("bucket").str.extract(r"^(\d+)").cast(pl.Int64)
    first = pl.when(pl.col("bucket").str.starts_with("under")).then(-1).otherwise(start)
    return today.sort(first, nulls_last=True).to_dicts()


def bridge(result: CapitalResult, basis: str) -> dict[str, float]:
    """Return both ends of a bridge and its parts by cause, added up; empty without one."""
    rows = result["stock_bridge"].filter(basis=basis)
    if rows.is_empty():
        return {}
    parts = {name: float(rows[f"by_{name}"].sum()) for name in CAUSES}
    return {"from": float(rows["from_value"].sum()), **parts, "to": float(rows["to_value"].sum())}


def largest(result: CapitalResult, top: int) -> list[dict[str, Any]]:
    """Return the stocking points with most stranded cash."""
    rows = result["stranded"].filter(pl.col("stranded_value") > 0)
    return rows.sort("stranded_value", descending=True, maintain_order=True).head(top).to_dicts()


def show_capital(result: CapitalResult, top: int, console: "Console") -> None:
    """Print the release plan, the provision, the bridges and the points with most cash."""
    if not result.stock_is_known:
        say(console, view.NO_STOCK)
        return
    unit = in_currency(result.currency)
    say(console, headline(result), "bold")
    for text in remarks(result):
        say(console, text)
    rows = [
        [label("route", row["route"]), _months(row), *(f"{row['n_points']:,}", money(row["value"]))]
        + ([money(row["freed"]), money(row["lost"])] if row["route"] != STAYS else [DASH, DASH])
        for row in by_route(result)
    ]
    heads = ["points", "at cost", "freed", "lost"]
    show_table(console, f"\nRelease plan{unit}", ["route", "month"], heads, rows)
    plan = by_month(result)
    cells = [
        [str(row["until"]), *(money(row[name]) for name in ROUTES[:-1])] for row in plan.iter_rows(named=True)
    ]
    show_table(
        console, "\nBy month, at cost", ["until"], [label("route", name) for name in ROUTES[:-1]], cells
    )
    old = [
        [row["bucket"], f"{row['n_points']:,}", money(row["stranded_value"]), money(row["provision_value"])]
        for row in ageing(result)
    ]
    heads = ["points", "stranded", "to set aside"]
    show_table(console, "\nBy months since the last demand", ["months"], heads, old)
    for basis, title in BASES.items():
        if parts := bridge(result, basis):
            steps = [[label("stock_cause", name), money(value)] for name, value in parts.items()]
            show_table(console, f"\n{title}{unit}", [""], [""], steps)
    show_table(
        console,
        "\nWhere most of it sits",
        ["item", "location", "route", "why"],
        ["stranded", "lasts", "to set aside"],
        [
            [
                row["item_id"],
                row["location_id"],
                label("route", row["route"]),
                label("release_rule", row["why"]),
                money(row["stranded_value"]),
                days(row["days_to_clear"]),
                money(row["provision_value"]),
            ]
            for row in largest(result, top)
        ],
    )
    before = f" Plan before: {result.before_run}." if result.before_run else ""
    say(console, f"Run {result.run_id}, of {result.plan_run}, known on {result.as_of}.{before}", "dim")


def _months(row: dict[str, Any]) -> str:
    if row["first"] is None:
        return "later"
    return str(row["first"]) if row["first"] == row["last"] else f"{row['first']} to {row['last']}"
