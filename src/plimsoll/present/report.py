"""The plan as one self-contained HTML page: no network, nothing to install, fit to forward and to print."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from plimsoll.domain.audited import AuditResult
from plimsoll.domain.lifecycle_result import LifecycleResult
from plimsoll.domain.network_result import NetworkResult
from plimsoll.domain.replay_result import ReplayResult
from plimsoll.domain.results import PlanResult
from plimsoll.domain.supply_result import SupplyResult
from plimsoll.present import history, provenance, view
from plimsoll.present.audit import html_section
from plimsoll.present.calibration import CalibrationSection, calibration_section
from plimsoll.present.charts import STOCK_COLOURS, Option, paired_bars, stacked_bars
from plimsoll.present.labels import label
from plimsoll.present.lifecycle import Part, heirs_sentence, lifecycle_section
from plimsoll.present.network import NetworkSection, network_section
from plimsoll.present.numbers import money, step
from plimsoll.present.pages import rendered
from plimsoll.present.replay import ProofSection, proof_section
from plimsoll.present.supply import SupplySection, supply_section

Parts = dict[str, tuple[str, str]]  # column of money -> its words and its colour

STOCK_PARTS: Parts = {
    f"{part}_value": (label("stock", part), colour) for part, colour in STOCK_COLOURS.items()
}
STRANDED_PARTS: Parts = {f"{part}_value": STOCK_PARTS[f"{part}_value"] for part in ("excess", "slow", "dead")}
BUFFER_PARTS: Parts = {
    "buffer_demand_value": ("Demand varies", "#0b6e8f"),
    "buffer_lead_time_value": ("Lead time varies", "#e0b04a"),
    "buffer_lot_review_value": ("Lot and review", "#8a6fb0"),
    "buffer_network_value": ("Connected places", "#5b8c5a"),
}
# totals, column of the groups, title, what the bars are, their parts
MONEY_CHARTS: tuple[tuple[str, str, str, str, Parts], ...] = (
    ("abc", "abc", "How healthy is the stock?", "Stock at cost by class", STOCK_PARTS),
    ("buffer", "abc", "What is the safety buffer for?", "Buffer at cost by class and cause", BUFFER_PARTS),
    ("location", "location_id", "Where does the cash sit?", "Cash to release by place", STRANDED_PARTS),
    (
        "supplier", "from_location_id", "Whose items tie it up?", "Cash to release by source of supply",
        STRANDED_PARTS,
    ),
    ("category", "category", "Which products tie it up?", "Cash to release by product group", STRANDED_PARTS),
)  # fmt: skip
# chapters in their order: anchor -> title
CHAPTERS = {
    "change": "What changes when the plan is followed?",
    "proof": "Would it have worked on your own past?",
    "orders": "What needs doing today?",
    "money": "Where does the money sit?",
    "network": "One network: what do connected places hold together?",
    "surplus": "Which stock could be cash?",
    "classes": "Which items get which service?",
    "suppliers": "Which suppliers cost us buffer, and which orders come too late?",
    "lives": "What is new, what ends, and what is over?",
    "lead-times": "Does the item master tell the truth about lead times?",
    "demand": "How was demand modelled?",
    "calibration": "Are promises kept?",
    "audit": "Can the data be trusted?",
    "data": "What else was found in the data?",
}
TOP_LIVES = 8
HEAD_PIXELS, BAR_PIXELS, GLANCE_PIXELS = 60, 28, 64


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
    """All that the template may use, besides what every page gets (`pages.rendered`)."""

    result: PlanResult
    contents: dict[str, str]
    headline: str
    tiles: list[view.Tile]
    glance: list[tuple[view.Comparison, Chart]]
    comparisons: list[view.Comparison]
    proof: ProofSection | None
    charts: list[Chart]
    network: NetworkSection | None
    holdings: list[view.Holding]
    matrix: dict[str, dict[str, view.Cell]]
    actions: list[view.Action]
    n_orders: int
    lead_times: list[provenance.LeadTime]
    evidence: str
    methods: list[provenance.MethodUse]
    demand_classes: list[str]
    fallbacks: list[provenance.Fallback]
    calibration: CalibrationSection | None
    supply: SupplySection | None
    lives: list[Part]
    heirs: str
    changes: list[history.Change]
    components: history.Components
    audit: str
    findings: list[dict[str, Any]]
    n_findings: int
    quarantine: str
    options: dict[str, Option]


def glance_charts(lines: list[view.Comparison]) -> Iterator[tuple[view.Comparison, Chart]]:
    """Yield the figures at a glance, each with its pair of bars."""
    for line in view.at_a_glance(lines):
        texts = [line.before_text, line.after_text]
        words = f"Today {texts[0]}, plan {texts[1]}"
        option = paired_bars({"Today": line.before, "Plan": line.after}, texts)
        yield line, Chart(f"glance-{line.figure}", line.measure, line.change, GLANCE_PIXELS, words, option)


def money_charts(result: PlanResult) -> Iterator[Chart]:
    """Yield the charts of stock, buffer and stranded cash; one that would be empty is left out."""
    for totals, column, title, subtitle, parts in MONEY_CHARTS:
        frame = result.totals[totals].with_columns(pl.col(column).fill_null(view.UNKNOWN))
        if parts is STRANDED_PARTS:
            frame = view.largest(frame, "cash_to_release") if frame.height > 1 else frame.clear()
        if not frame.select(pl.any_horizontal(pl.col(*parts) != 0).any()).item():
            continue
        groups = [view.group_name(column, name) for name in frame[column]]
        sums = frame.select(*parts).sum_horizontal().to_list()
        divisor, unit = step(max(map(abs, sums)), result.currency)
        option = stacked_bars(
            groups,
            {words: (frame[part] / divisor).to_list() for part, (words, _) in parts.items()},
            [colour for _, colour in parts.values()],
            [money(value) for value in sums],
        )
        words = ", ".join(
            f"{group} {money(value, result.currency)}" for group, value in zip(groups, sums, strict=True)
        )
        shown = f"{subtitle}, in {unit}." if unit else f"{subtitle}."
        if totals == "buffer":
            shown += " " + view.buffer_sentence(result)
        height = HEAD_PIXELS + BAR_PIXELS * len(groups)
        yield Chart(f"money-{totals}", title, shown, height, f"{subtitle}: {words}.", option)


def supply_of(result: PlanResult) -> SupplySection | None:
    """Return the section on suppliers and open orders, if the plan knows of any."""
    if result["supplier_scorecard"].is_empty() and result["arrival_risk"].is_empty():
        return None
    return supply_section(SupplyResult.of(result))


def page_of(
    result: PlanResult, replayed: ReplayResult | None = None, network: NetworkResult | None = None
) -> Page:
    """Return everything that the report shows, with the proof on the past where it was replayed."""
    lines = view.comparisons(result)
    glance, charts = list(glance_charts(lines)), list(money_charts(result))
    supply, lives = supply_of(result), LifecycleResult.of(result)
    parts = lifecycle_section(lives, top=TOP_LIVES)
    proof = proof_section(replayed) if replayed else None
    connected = network_section(network) if network and network["network_service"].height else None
    calibration = calibration_section(result["calibration"], result["trust"])
    is_audited = result["readiness"].height + result["audit_row"].height > 0
    findings = provenance.beyond_audit(result)
    missing = {
        "change": not lines,
        "proof": proof is None,
        "money": not charts,
        "network": connected is None,
        "suppliers": supply is None,
        "lives": not parts,
        "calibration": calibration is None,
        "audit": not is_audited,
    }
    drawn = [*(chart for _, chart in glance), *charts]
    options = {chart.id: chart.option for chart in drawn}
    if proof:
        options |= {chart["id"]: chart["option"] for chart in proof.charts}
    if connected and connected.chart:
        options[connected.chart["id"]] = connected.chart["option"]
    if supply and supply.chart:
        options[supply.chart["id"]] = supply.chart["option"]
    if calibration:
        options[calibration.chart["id"]] = calibration.chart["option"]
    return Page(
        result=result,
        contents={name: title for name, title in CHAPTERS.items() if not missing.get(name)},
        headline=view.headline(result),
        tiles=view.tiles(result),
        glance=glance,
        comparisons=lines,
        proof=proof,
        charts=charts,
        network=connected,
        holdings=view.holdings(result),
        matrix=view.matrix(result),
        actions=view.actions(result),
        n_orders=result["recommendation"].height,
        lead_times=provenance.lead_times(result),
        evidence=provenance.evidence(result),
        methods=provenance.methods(result),
        demand_classes=[label("demand", name) for name in provenance.DEMAND_CLASSES],
        fallbacks=provenance.fallbacks(result),
        calibration=calibration,
        supply=supply,
        lives=parts,
        heirs=heirs_sentence(lives),
        changes=history.changes(result["history_change"]),
        components=history.components(result),
        audit=html_section(AuditResult.of(result)) if is_audited else "",
        findings=findings[: provenance.TOP_FINDINGS],
        n_findings=len(findings),
        quarantine=provenance.quarantine(result),
        options=options,
    )


def html_report(
    result: PlanResult, replayed: ReplayResult | None = None, network: NetworkResult | None = None
) -> str:
    """Return the report as one HTML document with its style, charts and script inside.

    Parameters
    ----------
    result : the plan
    replayed : the replay of the same workspace, if there is one
    network : the network of the plan, if there is one
    """
    page = page_of(result, replayed, network)
    context = {field.name: getattr(page, field.name) for field in fields(page)}
    return rendered("report.html.j2", **context)
