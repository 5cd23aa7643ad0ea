"""Service economics in the terminal: where the company stands, what service costs, where the money is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.economics_result import EconomicsResult
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.tables import table
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, money, percent, quantity
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

SERVICES = (0.85, 0.90, 0.95, 0.97, 0.98, 0.99, 0.995)  # at which the curve is read out
METRIC = {"units": "units", "lines": "lines", "value": "units at cost", "margin": "margin"}
STEP_SHOWN = ("plan", "in_use", "chosen")


def groupings() -> tuple[str, ...]:
    """Return what the company may be split by."""
    return tuple(by for by in table("cost_curve").column("by").choices if by != "company")


def check_grouping(by: str) -> None:
    """Raise InputError for a grouping that does not exist."""
    if by not in groupings():
        what = f"Service economics are not told by '{by}'."
        raise InputError(what, remedy=did_you_mean(by, groupings()) or f"Known: {', '.join(groupings())}.")


def stands(result: EconomicsResult) -> list[str]:
    """Return the sentences on where the company stands and what was found."""
    run, currency = result.run, result.currency
    of = f" of {METRIC[run['metric']]}"
    plan, in_use = result.at("plan"), result.at("in_use")
    said = [
        f"The levels of {run['plan_id']} serve {percent(plan['service'])}{of} from stock with "
        f"{money(plan['inventory_value'], currency)} of expected stock."
    ]
    if in_use:
        said.append(
            f"Minimum and maximum in your system, at {run['n_in_use']:,} of {run['n_points']:,}, serve "
            f"{percent(in_use['service'])} with {money(in_use['inventory_value'], currency)}."
        )
    said.append(f"{_aim(result)} {_beside(result)}".rstrip())
    if run["n_together"]:
        said.append(
            f"The plan sizes {count(run['n_together'], 'point')} together with the places they serve; "
            "weighed alone, as here, it seems to serve less than customers see: the true gap is smaller."
        )
    point = money(run["next_point_value"], currency)
    said.append(
        f"From there the next point of service takes about {point} more; each further one takes more."
    )
    gap = run["inventory_value"] - run["bound_value"]
    further = f"more than {money(gap, currency)} below that" if gap >= 1.0 else "with less"
    said.append(f"No targets promise as much {further}: this is proven.")
    return said


def _aim(result: EconomicsResult) -> str:
    run, currency = result.run, result.currency
    value, promised = money(run["inventory_value"], currency), percent(run["promised"], 2)
    if run["aim"] == "budget":
        return f"The most service for {money(run['budget'], currency)} is {promised}, with {value} of stock."
    why = "the same service" if run["aim"] == "as_now" else percent(run["goal"], 2)
    return f"The least stock for {why} is {value} (promised {promised})."


def _beside(result: EconomicsResult) -> str:
    """Return how the choice compares with the plan and with one target for all."""
    run, plan, parts = result.run, result.at("plan"), []
    if plan["inventory_value"] > 0:
        parts.append(f"{_more(run['inventory_value'], plan['inventory_value'])} than the plan")
    if run["uniform_value"]:
        target = percent(run["uniform_target"])
        parts.append(
            f"{_more(run['inventory_value'], run['uniform_value'])} than one fill rate of {target} for all, "
            f"which promises as much with {money(run['uniform_value'], result.currency)}"
        )
    return f"That is {', and '.join(parts)}." if parts else ""


def _more(value: float, other: float) -> str:
    change = 100.0 * (value / other - 1.0)
    return f"{abs(change):.1f} % {'more' if change > 0 else 'less'}"


def curve_lines(result: EconomicsResult) -> list[list[str]]:
    """Return what service costs at a few services: least stock, one target for all, the next point."""
    best, one = (
        result.curve(name).filter(pl.col("service").is_not_null()).sort("service")
        for name in ("optimised", "single_target")
    )
    lines = []
    for service in SERVICES:
        values = [_read(frame, "inventory_value", service) for frame in (best, one)]
        if values[0] is None:
            continue
        saved = None if not values[1] else 1.0 - values[0] / values[1]
        point = _read(best, "next_point_value", service)
        lines.append([percent(service), *map(money, values), percent(saved), money(point)])
    return lines


def _read(curve: pl.DataFrame, name: str, service: float) -> float | None:
    """Return a column of a curve at a service between its steps; None outside of them."""
    after = curve.filter(pl.col("service") >= service).head(1)
    before = curve.filter(pl.col("service") <= service).tail(1)
    if after.is_empty() or before.is_empty():
        return None
    (low, from_), (high, to) = ((row["service"][0], row[name][0]) for row in (before, after))
    return float(from_ if high <= low else from_ + (to - from_) * (service - low) / (high - low))


def services_drawn(result: EconomicsResult) -> list[float]:
    """Return the services at which a chart reads the curves: every half point from 70 % that the best has."""
    best = result.curve("optimised").filter(pl.col("service").is_not_null())
    return [at / 200 for at in range(140, 200) if _read(best, "inventory_value", at / 200) is not None]


def values_drawn(result: EconomicsResult, curve: str, services: Sequence[float]) -> list[float | None]:
    """Return the stock of a curve at these services, None beyond it."""
    rows = result.curve(curve).filter(pl.col("service").is_not_null()).sort("service")
    values = [_read(rows, "inventory_value", service) for service in services]
    return [None if value is None else round(value) for value in values]


def nearest(services: Sequence[float], service: float) -> str:
    """Return the service drawn that is nearest, in words.

    Examples
    --------
    >>> nearest([0.95, 0.955], 0.9571)
    '95.5 %'
    """
    return percent(min(services, key=lambda one: abs(one - service), default=service))


def segment_lines(result: EconomicsResult, by: str, top: int) -> list[list[str]]:
    """Return what each segment has now and gets, the most stock first."""
    wide = result["cost_curve"].filter(pl.col("by") == by, pl.col("curve").is_in(STEP_SHOWN))
    now = wide.filter(curve="plan").sort("inventory_value", "segment", descending=[True, False]).head(top)
    chosen = wide.filter(curve="chosen").select(
        "segment", service_to="service", value_to="inventory_value", next_to="next_point_value"
    )
    return [
        [
            row["segment"],
            f"{row['n_points']:,}",
            percent(row["service"]),
            money(row["inventory_value"]),
            percent(row["service_to"]),
            money(row["value_to"]),
            money(row["value_to"] - row["inventory_value"]),
            money(row["next_to"]),
        ]
        for row in now.join(chosen, on="segment", how="inner", maintain_order="left").iter_rows(named=True)
    ]


def economic_sentences(result: EconomicsResult) -> list[str]:
    """Return what the economic levels say as a whole."""
    points = result["economic_point"]
    known = points.filter(pl.col("saving_per_year").is_not_null())
    said = []
    if known.height:
        n = dict(known["advice"].value_counts().rows())
        saving = money(float(known["saving_per_year"].sum()), result.currency)
        said.append(
            f"Of {count(known.height, 'point')}, {n.get('raise', 0):,} hold less than pays, "
            f"{n.get('lower', 0):,} more, {n.get('keep', 0):,} about right: {saving} a year between."
        )
        margin = known.filter(shortage_source="margin").height
        if margin:
            said.append(
                f"At {margin:,} a unit short is valued at price less cost: no shortage cost is given."
            )
    for why, n_points in points["unknown_reason"].drop_nulls().value_counts(sort=True).rows():
        said.append(f"{count(n_points, 'point')} cannot be judged: {label('no_economics', why)}.")
    return said


def economic_lines(result: EconomicsResult, top: int) -> list[list[str]]:
    """Return the points at which most money lies between the present and the best level."""
    points = result["economic_point"].filter(pl.col("saving_per_year") > 0)
    points = points.sort("saving_per_year", "item_id", "location_id", descending=[True, False, False])
    return [
        [
            f"{row['item_id']} @ {row['location_id']}",
            label("economics", row["advice"]),
            quantity(row["reorder_point_now_qty"]),
            quantity(row["reorder_point_best_qty"]),
            percent(row["fill_rate_now"]),
            percent(row["fill_rate_best"]),
            f"{row['next_unit_cost']:,.2f}",
            f"{row['next_unit_saves']:,.2f}",
            money(row["saving_per_year"]),
        ]
        for row in points.head(top).iter_rows(named=True)
    ]


def economics_data(result: EconomicsResult, by: str, changed: Sequence[Any] | None = None) -> dict[str, Any]:
    """Return the result as plain data; `changed` are the options that were set."""
    accepted = None if changed is None else {f"{each.section}.{each.name}": each.value for each in changed}
    return result.as_data(by) | {"accepted": accepted}


def show_economics(
    result: EconomicsResult,
    by: str,
    top: int,
    console: "Console",
    *,
    changed: Sequence[Any] | None = None,
    files: Sequence[Path] = (),
) -> None:
    """Print where the company stands, what service costs, the segments, and where the money is."""
    say(console, f"What service costs, {result.run_id}", "bold")
    for sentence in stands(result):
        say(console, sentence)
    unit = f" in {result.currency}" if result.currency else ""
    heads = ["least stock", "one target for all", "saved", "next point"]
    show_table(console, f"\nThe curve{unit}", ["service"], heads, curve_lines(result))
    heads = ["points", "plan", "stock", "best", "stock", "change", "next point"]
    show_table(console, f"\nBy {by}", [""], heads, segment_lines(result, by, top))
    say(console, "\nWhere one more unit costs as much as the shortage it prevents", "bold")
    for sentence in economic_sentences(result):
        say(console, sentence)
    rows = economic_lines(result, top)
    if rows:
        heads = ["level", "best", "fill", "best", "unit costs", "saves", "a year"]
        show_table(console, "", ["", ""], heads, rows)
        say(console, "Unit costs, saves: one more unit for a year, at the level of the plan.", "dim")
    for each in changed or ():
        say(console, f"Set: [{each.section}] {each.name} = {each.value}", "green")
    if changed is not None:
        told = "The next plan aims at it." if changed else "All of this is in force already."
        say(console, told, "bold")
    for file in files:
        say(console, f"Written: {file}")
