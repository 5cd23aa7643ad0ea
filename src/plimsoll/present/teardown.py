"""The first diagnosis in words, in a terminal and as a page: extremes, segments, cash, maturity, steps."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.capital_result import ROUTES
from plimsoll.domain.teardown_result import TeardownResult
from plimsoll.present import capital as cash
from plimsoll.present import view
from plimsoll.present.charts import ACCENT, MUTED, STOCK_COLOURS, Option, paired_bars, stacked_bars
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, days, money, percent, quantity, step
from plimsoll.present.pages import rendered, text_of, write_together
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

PAGE_ROWS = 15  # of each list on the page
BAR_PIXELS, HEAD_PIXELS = 28, 60
ROUTE_COLOURS = {
    "bleed_off": STOCK_COLOURS["healthy"],
    "transfer": ACCENT,
    "return": MUTED,
    "discount": STOCK_COLOURS["excess"],
    "scrap": STOCK_COLOURS["dead"],
}
TITLES = {"kill": "Dead CZ: to kill", "refill": "Under-bought AX: to refill"}
MEANINGS = {
    "kill": "Dead or slow stock of class C, erratic or without any demand.",
    "refill": "Most of the value, steady, and below the reorder point with all that is on order counted.",
}
NONE = {
    "kill": "No stock of class C is erratic or without demand, and dead or slow.",
    "refill": "No point of class A and X is short.",
}


def headline(result: TeardownResult) -> str:
    """Return the diagnosis in one sentence."""
    sums, currency = (
        result["teardown_segment"].select(pl.selectors.ends_with("_value").sum()),
        result.plan.currency,
    )
    held, wanted, short = (
        float(sums[name].item()) for name in ("on_hand_value", "target_value", "short_value")
    )
    stranded = float(sums["stranded_value"].item())
    return (
        f"{money(held, currency)} of stock where the plan needs {money(wanted)}: {money(stranded)} of it is "
        f"stranded, while {money(short)} is missing elsewhere. Planning stands at {result.score():.1f} of 4."
    )


def corner(result: TeardownResult, name: str, top: int) -> tuple[str, list[dict[str, Any]]]:
    """Return what a corner comes to in all, and its first rows in words."""
    found = result["teardown_extreme"].filter(corner=name)
    if found.is_empty():
        return NONE[name], []
    total = money(float(found["money"].sum()), result.plan.currency)
    rows = [
        {
            "item": row["item_id"],
            "place": row["location_id"],
            "description": row["description"] or "",
            "held": quantity(row["on_hand_qty"]),
            "stock": money(row["on_hand_value"]),
            "money": money(row["money"]),
            "exposure": money(row["exposure_value"]),
            "lasts": days(row["cover_days"]),
        }
        for row in found.sort("rank").head(top).to_dicts()
    ]
    return f"{count(found.height, 'point')}, {total}. {MEANINGS[name]}", rows


def segment_rows(result: TeardownResult) -> list[list[str]]:
    """Return every class in words: points, demand, stock, what the plan needs, stranded, short, target."""
    money_of = (
        "annual_value",
        "on_hand_value",
        "target_value",
        "stranded_value",
        "dead_value",
        "short_value",
    )
    return [
        [
            f"{row['abc']}{row['xyz']}",
            f"{row['n_points']:,}",
            *(money(row[name]) for name in money_of),
            percent(row["target_service_mean"]),
        ]
        for row in result["teardown_segment"].to_dicts()
    ]


SEGMENT_HEADS = ("points", "demand a year", "stock", "plan needs", "stranded", "dead", "short", "target")


def dimensions(result: TeardownResult) -> list[dict[str, Any]]:
    """Return the six dimensions in words, weakest first."""
    rows = result["maturity"].sort("level", "share", nulls_last=False).to_dicts()
    return [
        {
            "name": label("maturity", row["dimension"]),
            "level": f"{row['level']} of 4",
            "evidence": row["evidence"],
        }
        for row in rows
    ]


def next_steps(result: TeardownResult) -> list[str]:
    """Return the next three steps, each with its command and the money it is about."""
    steps = result["maturity"].filter(pl.col("step").is_not_null()).sort("step").to_dicts()
    currency, folder = result.plan.currency, result.capital.workspace
    return [
        f"{row['step']}. {label('next_step', row['dimension'])}: {money(row['money'], currency)} "
        f"{label('step_money', row['dimension'])}. Run `plimsoll {row['command']} {folder}`."
        for row in steps
    ]


def charts(result: TeardownResult) -> list[dict[str, Any]]:
    """Return the charts of the page: stock beside need by class, and the release by month."""
    made = [_holdings_chart(result)]
    plan = cash.by_month(result.capital)
    if plan.height:
        sums = plan.select(ROUTES[:-1]).sum_horizontal().to_list()
        divisor, unit = step(max(sums, default=0.0), result.plan.currency)
        parts = {label("route", name): (plan[name] / divisor).to_list() for name in ROUTES[:-1]}
        names = [day.strftime("%b %Y") for day in plan["until"].to_list()]
        made.append(
            _chart(
                "release",
                "When does stranded cash come free?",
                f"Stock at cost that leaves by the end of each month, in {unit}.",
                stacked_bars(names, parts, list(ROUTE_COLOURS.values()), [money(value) for value in sums]),
                names,
                [money(value, result.plan.currency) for value in sums],
            )
        )
    return made


def _holdings_chart(result: TeardownResult) -> dict[str, Any]:
    """Return the chart of stock and need of the company."""
    rows = result["teardown_segment"]
    values = {"Held": float(rows["on_hand_value"].sum()), "Plan needs": float(rows["target_value"].sum())}
    texts = [money(value, result.plan.currency) for value in values.values()]
    option = paired_bars(values, texts)
    return _chart(
        "holdings", "How much more is held than needed?", "Stock at cost.", option, list(values), texts
    )


def _chart(
    name: str, title: str, subtitle: str, option: Option, labels: list[str], texts: list[str]
) -> dict[str, Any]:
    words = ", ".join(f"{one} {text}" for one, text in zip(labels, texts, strict=True))
    return {
        "id": f"teardown-{name}",
        "title": title,
        "subtitle": subtitle,
        "height": HEAD_PIXELS + BAR_PIXELS * len(labels),
        "words": f"{title} {words}.",
        "option": option,
    }


def html_page(result: TeardownResult) -> str:
    """Return the diagnosis as one HTML document."""
    drawn, capital = charts(result), result.capital
    bridges = [
        (title, [(label("stock_cause", name), money(value)) for name, value in parts.items()])
        for basis, title in cash.BASES.items()
        if (parts := cash.bridge(capital, basis))
    ]
    routes = [
        (
            label("route", row["route"]),
            f"{row['n_points']:,}",
            *(money(row[name]) for name in ("value", "freed", "lost")),
        )
        for row in cash.by_route(capital)
    ]
    ages = [
        (row["bucket"], f"{row['n_points']:,}", money(row["stranded_value"]), money(row["provision_value"]))
        for row in cash.ageing(capital)
    ]
    return rendered(
        "teardown.html.j2",
        result=result,
        headline=headline(result),
        corners=[(TITLES[name], *corner(result, name, PAGE_ROWS), name) for name in TITLES],
        heads=SEGMENT_HEADS,
        segments=segment_rows(result),
        cash_headline=cash.headline(capital),
        remarks=cash.remarks(capital),
        routes=routes,
        ages=ages,
        bridges=bridges,
        dimensions=dimensions(result),
        steps=[text.replace("`", "") for text in next_steps(result)],
        charts=drawn,
        options={chart["id"]: chart["option"] for chart in drawn},
    )


def write_teardown(result: TeardownResult, file: Path) -> Path:
    """Write the diagnosis as a page and return the file."""
    return write_together({file: text_of(html_page(result))})[0]


def show_teardown(result: TeardownResult, top: int, console: "Console", files: list[Path]) -> None:
    """Print the diagnosis: the extremes first, then segments, cash, maturity and the next steps."""
    if not result.plan.stock_is_known:
        say(console, view.NO_STOCK)
    say(console, headline(result), "bold")
    for name, title in TITLES.items():
        told, rows = corner(result, name, top)
        say(console, f"\n{title}", "bold")
        say(console, told)
        if rows:
            last = "exposure" if name == "refill" else "lasts"
            cells = [
                [row["item"], row["place"], row["held"], row["stock"], row["money"], row[last]]
                for row in rows
            ]
            heads = ["on hand", "stock", "missing" if name == "refill" else "dead or slow"]
            show_table(
                console, "", ["item", "location"], [*heads, "at risk" if name == "refill" else "lasts"], cells
            )
    title = f"\nSegments: targets against holdings{cash.in_currency(result.plan.currency)}"
    show_table(console, title, ["class"], SEGMENT_HEADS, segment_rows(result))
    say(console, f"\n{cash.headline(result.capital)}", "bold")
    say(console, f"\nPlanning stands at {result.score():.1f} of 4", "bold")
    rows_of = [[row["name"], row["level"], row["evidence"]] for row in dimensions(result)]
    show_table(console, "", ["", "", ""], [], rows_of)
    say(console, "\nThe next three steps", "bold")
    for text in next_steps(result):
        say(console, text)
    runs = f"Run {result.run_id}, of {result.plan.run_id} and {result.capital.run_id}"
    say(console, f"{runs}, known on {result.plan.as_of}.", "dim")
    for file in files:
        say(console, f"Written: {file}")
