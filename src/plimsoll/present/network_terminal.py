"""The network in the terminal: the whole of it, one item as a tree, its proof, and a placement."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.text import Text

from plimsoll.domain.network_result import NetworkResult, PlacementResult
from plimsoll.present import network as words
from plimsoll.present.network_placement import largest, placement_lines, placement_sentences
from plimsoll.present.network_proof import missing_most
from plimsoll.present.network_tree import PARTS, TRUNK, heading, nodes
from plimsoll.present.terminal import say, show_findings, show_table

if TYPE_CHECKING:
    from rich.console import Console


WIDE = 100  # columns of a terminal from which stock stands beside service


def show_network(result: NetworkResult, console: "Console") -> None:
    """Print what the network is, what it saves, what moved, and what is short or moves today."""
    section = words.network_section(result)
    say(console, f"One network, plan {result.run_id}, known on {result.as_of}", "bold")
    for sentence in section.sentences:
        say(console, sentence)
    _show_echelons(section, console)
    if section.reasons:
        rows = [[row.words, row.points, row.change] for row in section.reasons]
        show_table(console, "\nWhat was decided, against each place alone", [""], ["points", "stock"], rows)
    _show_changes(section, console)
    for title, lines in (
        ("Where places are short today", section.shortages),
        ("Moves of today", section.moves),
    ):
        say(console, f"\n{title}", "bold")
        for k, line in enumerate(lines):
            say(console, line, "dim" if k else "", indent=2 if k else 0)
    if section.findings:
        say(console, "")
        show_findings(section.findings, console)
    if section.compared:
        show_comparison(section, console)
    if section.promises:
        show_proof(section, console)
    if section.next_steps:
        say(console, f"\nNext: {section.next_steps}", "dim")


def show_proved(result: NetworkResult, console: "Console") -> None:
    """Print the proof alone: the comparison and the check, as far as they were made."""
    section = words.network_section(result)
    say(console, f"Plan {result.run_id} put to the test, run {result.proof_id}", "bold")
    if section.compared:
        show_comparison(section, console)
    if section.promises:
        show_proof(section, console)
    if section.next_steps:
        say(console, f"\nNext: {section.next_steps}", "dim")


def _show_echelons(section: words.NetworkSection, console: "Console") -> None:
    rows = [
        [row.name, row.points, row.alone, row.separate, row.network, row.change, row.wait]
        for row in section.echelons
    ]
    if not rows:
        return
    heads = ["points", "alone", "own targets", "one network", "change", "mean wait"]
    show_table(console, "\nExpected stock by kind of place", [""], heads, rows)
    note = (
        "Alone: as if no source ever ran short. Own targets: the same targets with every wait for a "
        "source covered; change is against that. Mean wait: for a source of ours, beyond the lead time."
    )
    say(console, note, "dim")


def _show_changes(section: words.NetworkSection, console: "Console") -> None:
    if not section.changes:
        return
    say(console, "\nLargest changes, alone → network", "bold")
    for row in section.changes:
        name = " ".join(filter(None, (row.item, row.description)))
        say(console, Text.assemble((f"{name} at {row.at}", "bold"), f": {row.change}"), indent=1)
        say(console, f"level {row.levels}, stock {row.stock}. {row.why}", "dim", indent=3)


def show_proof(section: words.NetworkSection, console: "Console") -> None:
    """Print promised beside simulated by echelon, then the points that miss most."""
    say(console, "\nPromised, and what came in the simulation", "bold")
    for sentence in section.proof:
        say(console, sentence)
    heads = ["points", "promised", "simulated", "points ± 2 se"]
    rows = [[r.name, r.points, r.promised, r.simulated, r.difference] for r in section.promises]
    if console.width >= WIDE:
        heads += ["stock", "simulated"]
        stock = [[r.stock_promised, r.stock_simulated] for r in section.promises]
        rows = [[*row, *more] for row, more in zip(rows, stock, strict=True)]
    show_table(console, "", [""], heads, rows)
    say(console, "Share of units served from stock: customers' own, or of all where places have none.", "dim")
    if not section.worst:
        return
    rows = [
        [r.name, r.promised, r.simulated, r.difference, r.stock_promised, r.stock_simulated]
        for r in section.worst
    ]
    title = "\nPoints that miss their promise by most money, beyond noise"
    show_table(console, title, [""], ["promised", "simulated", "points ± 2 se", "stock", "simulated"], rows)
    say(console, "Stock in units, mean at the ends of days.", "dim")


def show_comparison(section: words.NetworkSection, console: "Console") -> None:
    """Print each place alone beside one network, both simulated."""
    say(console, "\nEach place alone and one network, simulated at the same service", "bold")
    for sentence in section.compared_words:
        say(console, sentence)
    rows = [
        [r.name, r.points, r.fill_alone, r.fill_network, r.alone, r.network, r.change]
        for r in section.compared
    ]
    heads = ["points", "fill alone", "network", "stock alone", "network", "change"]
    show_table(console, "", [""], heads, rows)
    say(console, "Fill: share of customers' units at cost that is served at once.", "dim")


def show_item(lines: pl.DataFrame, currency: str, console: "Console") -> None:
    """Print the network of one item as a tree."""
    say(console, heading(lines), "bold")
    part = "item"
    for node in nodes(lines, currency):
        if node.part != part:
            part = node.part
            say(console, f"\n{PARTS[part]}", "bold")
        bold = "bold" if part == "item" else ""
        _print_line(console, node.prefix, node.head, bold)
        for fact in node.facts:
            _print_line(console, node.trunk, fact, "dim")


def _print_line(console: "Console", prefix: str, text: str, style: str) -> None:
    """Print a line after its part of the tree; where it wraps, the tree goes on."""
    width = max(min(console.width, 110) - len(prefix) - 4, 30)
    hanging = prefix.translate(TRUNK)
    for k, line in enumerate(Text(text, style=style).wrap(console, width)):
        line.rstrip()
        console.print(Text(prefix if k == 0 else hanging + "  ") + line, soft_wrap=True)


def show_placement(result: PlacementResult, console: "Console", top: int = 10) -> None:
    """Print what a placement costs, what is proved of it, and where it decouples."""
    network = result.network
    say(console, f"Where to decouple, guaranteed service, plan {network.run_id}", "bold")
    for sentence in placement_sentences(result):
        say(console, sentence)
    heads = ["points", "hold", "safety stock", "a year"]
    show_table(console, "\nBy kind of place", [""], heads, placement_lines(result))
    rows = largest(result, top)
    if rows:
        title = "\nPlaces that decouple, the dearest first"
        heads = ["waits", "quotes", "holds for", "safety stock", "a year"]
        show_table(console, title, [""], heads, rows)
    say(console, "--item draws one item's placement; --json gives all places.", "dim")


def network_data(result: NetworkResult) -> dict[str, Any]:
    """Return the network as data: sums, what moved, what is short and moves, and the proof."""
    service, section = result["network_service"], words.network_section(result)
    values = {f"{name}_value": service[f"on_hand_{name}_value"].sum() for name in words.VALUES}
    by_kind = service.with_columns(kind=result.echelon()).group_by("kind").agg(
        points=pl.len(), **{f"{name}_value": pl.col(f"on_hand_{name}_value").sum() for name in words.VALUES}
    )  # fmt: skip
    return {
        "workspace": str(result.workspace),
        "run_id": result.run_id,
        "proof_id": result.proof_id or None,
        "as_of": result.as_of.isoformat(),
        "currency": result.currency,
        "networks": int((result["network_stage"].group_by("network_id").len()["len"] > 1).sum()),
        "stages": result["network_stage"].height,
        "sized_together": service.height,
        **values,
        "by_kind": by_kind.sort("kind").to_dicts(),
        "by_reason": service.group_by("reason").len("points").sort("reason").to_dicts(),
        "largest_changes": _plain(_largest_changes(service)),
        "move": _plain(result["move"]),
        "allocation": _plain(result["allocation"]),
        "echelons": result["network_echelon"].to_dicts(),
        "missed": missing_most(result["network_check"]).to_dicts(),
        "comparison": result["network_comparison"].to_dicts(),
        "saving": dict(result["network_saving"].iter_rows()),
        "moved": result["network_moved"].to_dicts(),
        "sentences": [*section.sentences, *section.compared_words, *section.proof],
        "findings": section.findings,
    }


def _largest_changes(service: pl.DataFrame) -> pl.DataFrame:
    moved = (pl.col("on_hand_network_value") - pl.col("on_hand_alone_value")).abs()
    return service.sort(moved, descending=True, maintain_order=True).head(words.TOP_CHANGES)


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.selectors.date().dt.to_string("iso")).to_dicts()
