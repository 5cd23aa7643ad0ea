"""The plan as one self-contained HTML page: no network, nothing to install, fit to forward and to print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from plimsoll.domain.results import PlanResult
from plimsoll.present import provenance, view
from plimsoll.present.charts import BUFFER_COLOURS, STOCK_COLOURS, Option, paired_bars, stacked_bars
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, money, step

# totals shown -> its column, title and what the bars are; groups with most cash to release
CASH_CHARTS = {
    "location": ("location_id", "Where does the cash sit?", "Cash to release by place"),
    "supplier": ("from_location_id", "Whose items tie it up?", "Cash to release by source of supply"),
    "category": ("category", "Which products tie it up?", "Cash to release by product group"),
}
BUFFER_PARTS = {
    "buffer_demand_value": "Demand varies",
    "buffer_lead_time_value": "Lead time varies",
    "buffer_lot_review_value": "Lot and review",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart with its words: the figures as text stand in for it where scripts do not run."""

    id: str
    title: str
    subtitle: str
    height: int
    words: str
    option: Option


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template may use."""

    css: str
    echarts: str
    result: PlanResult
    headline: str
    tiles: list[view.Tile]
    glance: list[tuple[view.Comparison, Chart]]
    comparisons: list[view.Comparison]
    charts: list[Chart]
    holdings: list[view.Holding]
    matrix: dict[str, dict[str, view.Cell]]
    actions: list[view.Action]
    n_orders: int
    lead_times: list[provenance.LeadTime]
    evidence: str
    methods: list[provenance.MethodUse]
    demand_classes: list[str]
    fallbacks: list[provenance.Fallback]
    findings: list[dict[str, Any]]
    quarantine: str
    options: dict[str, Option]


@cache
def _asset(name: str) -> str:
    return files("plimsoll.present").joinpath(*name.split("/")).read_text(encoding="utf-8")


def glance_charts(lines: list[view.Comparison]) -> Iterator[tuple[view.Comparison, Chart]]:
    """Yield the figures at a glance, each with its pair of bars."""
    for line in view.at_a_glance(lines):
        texts = [line.before_text, line.after_text]
        words = f"Today {texts[0]}, plan {texts[1]}"
        option = paired_bars({"Today": line.before, "Plan": line.after}, texts)
        yield line, Chart(f"glance-{line.figure}", line.measure, line.change, 64, words, option)


def _stacked(  # one chart from one frame of totals
    name: str,
    title: str,
    subtitle: str,
    frame: pl.DataFrame,
    parts: dict[str, str],
    colours: list[str],
    currency: str,
) -> Chart:
    names, values = frame.to_series(0).to_list(), frame.select(*parts)
    sums = values.sum_horizontal().to_list()
    divisor, unit = step(max(map(abs, sums)), currency)
    option = stacked_bars(
        names,
        {words: (values[part] / divisor).to_list() for part, words in parts.items()},
        colours,
        [money(value) for value in sums],
    )
    words = ", ".join(f"{group} {money(value, currency)}" for group, value in zip(names, sums, strict=True))
    return Chart(
        name,
        title,
        f"{subtitle}, {unit}".removesuffix(", ") + ".",
        60 + 28 * len(names),
        f"{subtitle}: {words}.",
        option,
    )


def money_charts(result: PlanResult) -> Iterator[Chart]:
    """Yield the charts of stock, stranded cash and buffer; one that would be empty is left out."""
    currency, by_class = (
        result.currency,
        result.totals["abc"].with_columns(pl.col("abc").fill_null(view.UNKNOWN)),
    )
    parts = {f"{part}_value": label("stock", part) for part in STOCK_COLOURS}
    if by_class["on_hand_value"].sum() > 0:
        yield _stacked(
            "cash-class", "How healthy is the stock?", "Stock at cost by class", by_class.select("abc", *parts), parts,
            list(STOCK_COLOURS.values()), currency,
        )  # fmt: skip
    buffers = result.totals["buffer"].with_columns(pl.col("abc").fill_null(view.UNKNOWN))
    if buffers.select(pl.any_horizontal(pl.col(*BUFFER_PARTS).abs() > 0).any()).item():
        total, classic = (
            float(buffers[name].sum()) for name in ("buffer_value", "classic_safety_stock_value")
        )
        subtitle = f"Buffer of {money(total, currency)} at cost by class and cause"
        if classic > 0:
            subtitle += f" (z σ √L would hold {money(classic)})"
        yield _stacked(
            "buffer", "What is the safety buffer for?", subtitle, buffers.select("abc", *BUFFER_PARTS), BUFFER_PARTS,
            list(BUFFER_COLOURS), currency,
        )  # fmt: skip
    stranded = {f"{part}_value": label("stock", part) for part in view.STRANDED}
    colours = [STOCK_COLOURS[part] for part in view.STRANDED]
    for group, (column, title, subtitle) in CASH_CHARTS.items():
        frame = view.largest(result.totals[group], column, "cash_to_release").select(column, *stranded)
        if result.totals[group].height > 1 and frame.height:
            yield _stacked(f"cash-{group}", title, subtitle, frame, stranded, colours, currency)


def glue(text: str) -> str:
    """Return the text with its figures kept together with their units at line ends.

    Examples
    --------
    >>> glue("a 98 % target over 38 ± 11 days").split(" ")
    ['a', '98\xa0%', 'target', 'over', '38\xa0±\xa011\xa0days']
    """
    return re.sub(r"(?<=\d) (?=[%kM±]|bn|days)|(?<=±) ", "\u00a0", text)


def page_of(result: PlanResult) -> Page:
    """Return everything that the report shows."""
    lines = view.comparisons(result)
    glance, charts = list(glance_charts(lines)), list(money_charts(result))
    return Page(
        css=_asset("static/report.css"),
        echarts=_asset("static/echarts.common.min.js"),
        result=result,
        headline=view.headline(result),
        tiles=view.tiles(result),
        glance=glance,
        comparisons=lines,
        charts=charts,
        holdings=view.holdings(result),
        matrix=view.matrix(result),
        actions=view.actions(result),
        n_orders=result["recommendation"].height,
        lead_times=provenance.lead_times(result),
        evidence=provenance.evidence(result),
        methods=provenance.methods(result),
        demand_classes=[label("demand", name) for name in provenance.DEMAND_CLASSES],
        fallbacks=provenance.fallbacks(result),
        findings=provenance.findings(result),
        quarantine=provenance.quarantine(result),
        options={chart.id: chart.option for chart in [*(chart for _, chart in glance), *charts]},
    )


def html_report(result: PlanResult) -> str:
    """Return the report as one HTML document with its style, charts and script inside."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": count, "money": money, "glue": glue}
    page = page_of(result)
    context = {field.name: getattr(page, field.name) for field in fields(page)}
    return environment.from_string(_asset("templates/report.html.j2")).render(context)
