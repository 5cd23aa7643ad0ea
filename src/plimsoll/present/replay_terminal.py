"""A replay in the terminal: the proof first, then promises and what came, then where the difference is."""

from typing import TYPE_CHECKING

from plimsoll.domain.replay_result import ReplayResult
from plimsoll.present import replay as words
from plimsoll.present.numbers import percent
from plimsoll.present.terminal import say, show_findings, show_table

if TYPE_CHECKING:
    from rich.console import Console


def show_replay(result: ReplayResult, console: "Console") -> None:
    """Print what was done, what each rule would have done, how far promises held, and the findings."""
    say(console, "What you did, and what would have been", "bold")
    for sentence in words.sentences(result):
        say(console, sentence)
    say(console, "")
    heads, rows = words.heads_of(result), []
    for line in words.lines(result, words.PROOF):
        for label, head, cell in zip([line.label, *[""] * len(heads)], heads, line.cells, strict=False):
            rows.append([label, head, cell.value, cell.interval])
    show_table(console, "", ["", ""], ["", "90 % interval"], rows)
    say(console, "Intervals: items drawn again. –: the data do not tell.", "dim")
    _show_service(result, console)
    _show_differences(result, console)
    say(console, "\nThe rules of the replay", "bold")
    for sentence in words.terms(result):
        say(console, sentence)
    if result["finding"].height:
        say(console, "")
        show_findings(result["finding"].to_dicts(), console)


def _show_service(result: ReplayResult, console: "Console") -> None:
    """Print promises beside what came of them, then the other services of every rule."""
    rows = [
        [found.measure, found.rule, found.promised, found.came, found.interval]
        for found in words.promises(result)
    ]
    if rows:
        heads = ["promised", "came", "90 % interval"]
        show_table(console, "\nPromised, and what came", ["", ""], heads, rows)
    other = {name: label for name, label in words.SERVICE.items() if not _is_promised(result, name)}
    shown = [rule for rule in words.columns_of(result) if rule not in ("recorded", "difference")]
    rows = [
        [label, *(percent(result.figure(name, rule).get("value")) for rule in shown)]
        for name, label in other.items()
    ]
    if rows:
        names = dict(zip(words.columns_of(result), words.heads_of(result), strict=True))
        show_table(console, "\nOther services", [""], [names[rule] for rule in shown], rows)


def _is_promised(result: ReplayResult, figure: str) -> bool:
    return bool(result["replay_figure"].filter(figure=figure)["promised"].is_not_null().any())


def _show_differences(result: ReplayResult, console: "Console") -> None:
    """Print where the difference in stock comes from."""
    rows = [
        [part.label, part.points, part.before, part.after, part.change, part.fill_before, part.fill_after]
        for part in words.parts(result)
    ]
    if not rows:
        return
    before, after = words.name_of(result.before or ""), words.name_of(result.after)
    heads = ["points", before, after, "change", "fill before", "after"]
    show_table(console, "\nWhere the difference in stock comes from", [""], heads, rows)
