"""The network in words and figures: what is held where, alone and as one, what moved, and its proof."""

from dataclasses import dataclass
from itertools import cycle
from typing import Any

import polars as pl

from plimsoll.domain.network_result import NetworkResult
from plimsoll.domain.reasons import NETWORK_REASONS
from plimsoll.present.charts import stacked_bars
from plimsoll.present.network_proof import (
    Compared,
    Promise,
    compared,
    comparison_sentences,
    next_steps,
    promises,
    proof_sentences,
    worst,
)
from plimsoll.present.network_words import KINDS, kind_order, kind_words, signed
from plimsoll.present.numbers import change, count, days, money, percent, quantity, step

KEY = ["item_id", "location_id"]
TOP_CHANGES, TOP_LINES = 5, 3
CODES = "network_|source_holds|transfer_short|components_short"
TOLD = "network_sized"  # said in the first sentences
COLOURS = dict(zip(KINDS, ("#0b6e8f", "#e0b04a", "#5b8c5a", "#8a6fb0", "#a63d40", "#9db4c0"), strict=True))
CHART_PIXELS = 140
VALUES = ("alone", "separate", "network")


@dataclass(frozen=True, slots=True)
class Echelon:
    """One kind of place: its stock alone, with waits covered one by one, and as one network."""

    name: str
    points: str
    alone: str
    separate: str
    network: str
    change: str
    wait: str


@dataclass(frozen=True, slots=True)
class Reason:
    """What was decided for some points, how many, and how their stock changes."""

    words: str
    points: str
    change: str


@dataclass(frozen=True, slots=True)
class Change:
    """One of the largest changes of stock at a point."""

    item: str
    description: str
    at: str
    levels: str
    stock: str
    change: str
    why: str


@dataclass(frozen=True, slots=True)
class NetworkSection:
    """All that terminal and report show of a network."""

    sentences: list[str]
    echelons: list[Echelon]
    reasons: list[Reason]
    changes: list[Change]
    shortages: list[str]
    moves: list[str]
    findings: list[dict[str, Any]]
    promises: list[Promise]
    worst: list[Promise]
    proof: list[str]
    chart: dict[str, Any] | None
    next_steps: str
    compared: list[Compared]
    compared_words: list[str]


def network_section(result: NetworkResult) -> NetworkSection:
    """Return everything that is shown of a network."""
    return NetworkSection(
        sentences=sentences(result),
        echelons=echelons(result),
        reasons=reasons(result),
        changes=changes(result),
        shortages=shortages(result),
        moves=moves(result),
        findings=findings(result),
        promises=promises(result),
        worst=worst(result),
        proof=proof_sentences(result),
        chart=chart(result),
        next_steps=next_steps(result),
        compared=compared(result),
        compared_words=comparison_sentences(result),
    )


def findings(result: NetworkResult) -> list[dict[str, Any]]:
    """Return what was found about the network, the gravest first."""
    found = result["finding"].filter(pl.col("code").str.contains(f"^({CODES})"), pl.col("code") != TOLD)
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found.to_dicts(), key=lambda row: order[row["severity"]])


def sentences(result: NetworkResult) -> list[str]:
    """Return what the network is, and what sizing it together saves for the same promise."""
    stages, service = result["network_stage"], result["network_service"]
    arcs = result["network_arc"].filter("in_force")
    lanes, bills = (arcs.filter(kind=kind).height for kind in ("lane", "bill"))
    sizes = stages.group_by("network_id").len()["len"]
    alone = (sizes == 1).sum()
    ways = " and ".join(
        count(n, *words)
        for n, words in ((lanes, ("lane between your places", "lanes between your places")),
                         (bills, ("line of a bill of material", "lines of bills of material")))
        if n
    )  # fmt: skip
    said = [
        f"{count(int(sizes.filter(sizes > 1).sum()), 'stocking point')} hang together in "
        f"{count(int((sizes > 1).sum()), 'network')} by {ways}; {count(int(alone), 'point')} "
        f"{'is' if alone == 1 else 'are'} connected to nothing."
    ]
    if not service.height:
        return [*said, "No place that holds stock replenishes another, so none are sized together."]
    by_itself, separate, network = (float(service[f"on_hand_{name}_value"].sum()) for name in VALUES)
    trees = service["source_location_id"].is_null().sum()
    saved = separate - network
    less = "less" if saved >= 0 else "more"
    share = f" ({percent(abs(saved) / separate, 0)})" if separate > 0 else ""
    said.append(
        f"{count(service.height, 'point')} in {count(int(trees), 'tree')} of places that replenish each "
        f"other are sized together and hold {money(network, result.currency)} on average. With its own "
        f"target at each place, the same promise to customers takes {money(separate, result.currency)}: as "
        f"one network {money(abs(saved), result.currency)}{share} {less}."
    )
    said.append(
        f"Sized alone, as if no source ever ran short, they would hold {money(by_itself, result.currency)} "
        "and promise what they cannot keep."
    )
    return said


def _by_kind(result: NetworkResult) -> pl.DataFrame:
    """Return stock by kind of place, in the order of lists, and the mean wait for sources of ours."""
    service = result["network_service"].with_columns(kind=result.echelon())
    fed = pl.col("source_location_id").is_not_null()
    return (
        service.group_by("kind")
        .agg(
            points=pl.len(),
            wait=pl.col("wait_days_est").filter(fed).mean(),
            **{name: pl.col(f"on_hand_{name}_value").sum() for name in VALUES},
        )
        .sort(kind_order("kind"), "kind")
    )


def echelons(result: NetworkResult) -> list[Echelon]:
    """Return stock by kind of place, and the sum."""
    found = _by_kind(result)
    if found.is_empty():
        return []
    rows = found.to_dicts()
    if len(rows) > 1:
        sums: dict[str, Any] = {name: found[name].sum() for name in ("points", *VALUES)}
        rows.append({"kind": "all", "wait": None, **sums})
    return [
        Echelon(
            name=kind_words(row["kind"]),
            points=f"{row['points']:,}",
            **{name: money(row[name], result.currency) for name in VALUES},
            change=change(row["separate"], row["network"], "money"),
            wait=days(row["wait"]),
        )
        for row in rows
    ]


def reasons(result: NetworkResult) -> list[Reason]:
    """Return what was decided, by reason, with the change of stock against sizing alone."""
    moved = pl.col("on_hand_network_value").sum() - pl.col("on_hand_alone_value").sum()
    found = result["network_service"].group_by("reason").agg(pl.len(), moved=moved)
    return [
        Reason(
            NETWORK_REASONS.get(row["reason"], row["reason"]),
            f"{row['len']:,}",
            signed(row["moved"], result.currency),
        )
        for row in found.sort("moved", "reason").to_dicts()
    ]


def changes(result: NetworkResult, top: int = TOP_CHANGES) -> list[Change]:
    """Return the points whose stock changes most, in money, against sizing them alone."""
    moved = pl.col("on_hand_network_value") - pl.col("on_hand_alone_value")
    words = result["planning_point"].select(*KEY, "description", "unit")
    found = (
        result["network_service"]
        .with_columns(moved=moved)
        .filter(pl.col("moved") != 0)
        .sort(pl.col("moved").abs(), descending=True, maintain_order=True)
        .head(top)
        .join(words, on=KEY, how="left", maintain_order="left")
    )
    return [
        Change(
            item=row["item_id"],
            description=row["description"] or "",
            at=row["location_id"],
            levels=f"{quantity(row['level_alone_qty'])} → {quantity(row['level_network_qty'], row['unit'])}",
            stock=" → ".join(
                (money(row["on_hand_alone_value"]), money(row["on_hand_network_value"], result.currency))
            ),
            change=signed(row["moved"], result.currency),
            why=NETWORK_REASONS.get(row["reason"], row["reason"]),
        )
        for row in found.to_dicts()
    ]


def shortages(result: NetworkResult, top: int = TOP_LINES) -> list[str]:
    """Return how today's shortages at our own places are shared out, the dearest ones in their sentences."""
    claims = result["allocation"]
    if claims.is_empty():
        return ["No place of ours has less today than is called for."]
    short = claims.select("item_id", "from_location_id").n_unique()
    waiting = claims.filter(pl.col("claimant") == "place", pl.col("waiting_qty") > 0).height
    has = "has" if short == 1 else "have"
    said = [
        f"{count(short, 'point')} {has} less today than is called for; by risk in money "
        f"{count(waiting, 'transfer')} of other places wait in whole or part."
    ]
    dear = claims.filter(claimant="place").sort("money_at_risk", descending=True, maintain_order=True)
    return said + [f"{row['item_id']}: {row['sentence']}" for row in dear.head(top).to_dicts()]


def moves(result: NetworkResult, top: int = TOP_LINES) -> list[str]:
    """Return what is moved today between our own places, the most worthwhile ones in their sentences."""
    found = result["move"]
    if found.is_empty():
        return ["No move of stock between places pays today."]
    value, gain, net = (money(float(found[name].sum()), result.currency) for name in ("value", "gain", "net"))
    are = "is" if found.height == 1 else "are"
    said = [
        f"{count(found.height, 'move')} of stock worth {value} {are} proposed today: gain {gain}, {net} "
        "after the cost of moving."
    ]
    best = found.sort("net", descending=True, maintain_order=True).head(top)
    return said + [f"{row['item_id']}: {row['sentence']}" for row in best.to_dicts()]


def chart(result: NetworkResult) -> dict[str, Any] | None:
    """Return the chart of stock by kind of place: alone, with waits covered, as one network."""
    found = _by_kind(result)
    if found.is_empty():
        return None
    names = {
        "alone": "Each place alone",
        "separate": "Own targets kept",
        "network": "One network",
    }
    sums = {name: float(found[name].sum()) for name in VALUES}
    divisor, unit = step(max(sums.values()), result.currency)
    option = stacked_bars(
        list(names.values()),
        {kind_words(row["kind"]): [row[name] / divisor for name in VALUES] for row in found.to_dicts()},
        [COLOURS.get(kind, colour) for kind, colour in zip(found["kind"], cycle(COLOURS.values()))],
        [money(sums[name]) for name in VALUES],
    )
    words = ", ".join(f"{words} {money(sums[name], result.currency)}" for name, words in names.items())
    return {
        "id": "network-stock", "title": "Where is the stock?", "height": CHART_PIXELS, "option": option,
        "subtitle": f"Expected stock of the places sized together, by kind of place, in {unit}.",
        "words": f"Expected stock: {words}.",
    }  # fmt: skip
