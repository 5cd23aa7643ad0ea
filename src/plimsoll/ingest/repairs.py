"""Facts as the plan reads them: imported facts with the rules in force laid over them.

Comes in: canonical tables as imported, and rules that people accepted (`domain.repairs`). Goes out: the
tables as they are to be read, what became of every rule, and findings. The tables that came in are
never changed, so a rule that is withdrawn leaves no trace.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding, numbered
from plimsoll.domain.repairs import CHANGES, Repair
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest.complete import KNOWN_FROM
from plimsoll.ingest.repair_history import transferred
from plimsoll.ingest.repair_items import FACTOR, TO, Tables, follow, merged
from plimsoll.ingest.repair_rows import QUANTITY, ROW, RULE, Laid, Refusals, lay

Severity = Literal["info", "warning", "error"]
LEFT_OUT = "<It is|They are> left out; everything else is applied."
UNITS = "(units)"
PAIRS = ("merge", "transfer")
# code -> severity, what, why, what was done, what to do; {n} rules or rows, {keys} the rules
WORDS: dict[str, tuple[Severity, str, str, str, str]] = {
    "repairs_applied": (
        "info",
        "{n} row<|s> of '{table}' <is|are> read otherwise than imported, as repairs say ({keys}).",
        "The plan rests on <it|them>.",
        "The imported rows themselves were not changed.",
        "List the repairs with `plimsoll repair WORKSPACE list`; any of them can be withdrawn.",
    ),
    "repair_items_merged": (
        "info",
        "{n} row<|s> <is|are> read under another item, as repairs say ({keys}).",
        "The plan rests on <it|them>.",
        "The imported rows themselves were not changed.",
        "List the repairs with `plimsoll repair WORKSPACE list`; any of them can be withdrawn.",
    ),
    "repair_idle": (
        "info",
        "{n} repair<|s> of '{table}' find<s|> nothing to change ({keys}).",
        "The data were mended at the source, or the rows are not in them any more.",
        "<It has|They have> no effect.",
        "Withdraw <it|them>, unless the rows may come back.",
    ),
    "repair_contradicts": (
        "warning",
        "{n} repair<|s> of '{table}' contradict<s|> others ({keys}).",
        "One value cannot be two things at once.",
        LEFT_OUT,
        "Withdraw what is wrong.",
    ),
    "repair_loop": (
        "warning",
        "{n} repair<|s> of '{table}' go<es|> round in a circle ({keys}).",
        "Items that replace each other have no last one.",
        LEFT_OUT,
        "Withdraw the one that is wrong.",
    ),
    "repair_unknown_item": (
        "warning",
        "{n} repair<|s> of '{table}' lead<s|> to an item that is not in the data ({keys}).",
        "History and stock would go where nobody plans.",
        LEFT_OUT,
        "Withdraw <it|them>, or import the item.",
    ),
    "repair_units_differ": (
        "warning",
        "{n} repair<|s> of '{table}' join<s|> items in different units or currencies ({keys}).",
        "Twelve pieces are not twelve boxes.",
        LEFT_OUT,
        "Accept <it|them> again with the factor between the units; 1 where they are one.",
    ),
    "repair_part_of": (
        "warning",
        "{n} repair<|s> of '{table}' merge<s|> an item with a part of itself ({keys}).",
        "An item cannot be a component of itself.",
        LEFT_OUT,
        "Withdraw <it|them>, or drop the line of the bill of material.",
    ),
    "repair_out_of_range": (
        "warning",
        "{n} repair<|s> of '{table}' multipl<ies|y> beyond what the column may hold ({keys}).",
        "The factor does not fit all the rows that the rule means.",
        LEFT_OUT,
        "Withdraw <it|them>, and name the rows more narrowly.",
    ),
}
# code -> why this one rule is not applied; {} the other rule, item or column
WHY = {
    "repair_contradicts": "It contradicts {}.",
    "repair_loop": "It closes a circle: {}.",
    "repair_unknown_item": "There is no item {}.",
    "repair_units_differ": "The items differ in {}, and no factor is given.",
    "repair_part_of": "Item {} is a part of the other.",
    "repair_out_of_range": "It would take {} out of its range.",
}
SPOKEN = {"applied": "repairs_applied", "idle": "repair_idle"}
NO_ROW, ALREADY = "No row answers to it.", "The rows are already as it wants them."


@dataclass(frozen=True, slots=True)
class Repaired:
    """Tables as they are to be read, one row a rule on what became of it (table `repair`), and findings."""

    tables: Tables
    effects: pl.DataFrame
    findings: list[Finding]


def repaired(tables: Mapping[str, pl.DataFrame], rules: Iterable[Repair], *, as_of: date) -> Repaired:
    """Return facts with the rules in force laid over them; the facts given are not changed.

    The order is fixed, whatever the order of the rules: rows are dropped, cells set, converted, capped
    (each asked of the rows as imported); then items merged, chains followed to their end; then histories
    transferred, which follow the merges. What contradicts, closes a circle or leads nowhere is
    left out and said so; the rest goes on.

    Parameters
    ----------
    tables : facts by table name; tables that no rule touches come back as they are
    rules : repairs; those withdrawn, or of a later day (`since`), have no effect
    as_of : day of knowledge; rows dated later are left as they are

    Examples
    --------
    >>> from plimsoll.domain.repairs import Condition
    >>> row = {"date": date(2026, 1, 5), "item_id": "A", "location_id": "M", "quantity": 900.0}
    >>> demand = table("demand").conform(pl.DataFrame(row))
    >>> here = (Condition("item_id", "=", "A"),)
    >>> cap = Repair("cap", "demand", here, "Ann", "typo", "quantity", 90.0, id="R1")
    >>> done = repaired({"demand": demand}, [cap], as_of=date(2026, 2, 1))
    >>> done.tables["demand"]["quantity"].to_list(), demand["quantity"].to_list()
    ([90.0], [900.0])
    >>> done.effects.select("repair_id", "status", "n_rows").row(0)
    ('R1', 'applied', 1)
    """
    standing = sorted((rule for rule in rules if rule.in_force), key=lambda rule: (len(rule.id), rule.id))
    waits = [rule.since is not None and rule.since > as_of for rule in standing]
    active = {n: rule for n, rule in enumerate(standing) if not waits[n]}
    if not standing:
        return Repaired(dict(tables), table("repair").empty(), [])
    moves_items = any(rule.kind in PAIRS for rule in active.values())
    named = dict.fromkeys(["items", *(rule.table for rule in active.values())])
    touched = dict.fromkeys([*(input_tables() if moves_items else ()), *named])
    given = {name: _declared(name, tables.get(name, table(name).empty())) for name in touched}
    known = {name: frame.filter(_is_known(name, as_of)) for name, frame in given.items()}
    now, work = dict(known), _Work()
    _lay_rows(now, active, work)
    ways = _merge(now, active, work)
    _transfer(now, active, ways, work)
    result = dict(tables)
    for name, frame in now.items():
        if frame is not known[name]:
            later = given[name].filter(~_is_known(name, as_of))
            result[name] = table(name).conform(pl.concat([frame, later]))
    effects = _effects(standing, waits, work, known)
    return Repaired(result, effects, _findings(standing, effects, work))


class _Work:
    """What became of the rules so far, by number: rows changed, units changed by row, refusals, rows met."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.changes: list[pl.DataFrame] = []
        self.refused: Refusals = {}
        self.matched: set[int] = set()


def _declared(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame.schema == table(name).schema else table(name).conform(frame)


def _is_known(name: str, as_of: date) -> pl.Expr:
    if name not in KNOWN_FROM:
        return pl.lit(True)
    day = pl.col(KNOWN_FROM[name])
    return day.is_null() | (day <= as_of)


def _lay_rows(now: Tables, rules: dict[int, Repair], work: _Work) -> None:
    """Lay the rules for single rows over their tables."""
    single = {n: rule for n, rule in rules.items() if rule.kind not in PAIRS}
    for name in dict.fromkeys(rule.table for rule in single.values()):
        before = now[name]
        laid = lay(name, before, {n: rule for n, rule in single.items() if rule.table == name})
        if laid.changes.height:
            now[name] = laid.frame
        _count(work, name, before, laid)


def _count(work: _Work, name: str, before: pl.DataFrame, laid: Laid) -> None:
    work.refused |= laid.refused
    work.matched |= laid.matched
    each = laid.changes.unique([RULE, ROW], maintain_order=True)
    work.counts |= dict(each.group_by(RULE).len().iter_rows())
    if name in QUANTITY:
        items = before.select("item_id").with_row_index(ROW)
        work.changes.append(
            each.join(items, on=ROW, maintain_order="left").select(RULE, ROW, "item_id", UNITS)
        )


def _merge(now: Tables, rules: dict[int, Repair], work: _Work) -> dict[str, str]:
    """Merge items; return where each one went."""
    merges = {n: rule for n, rule in rules.items() if rule.kind == "merge"}
    targets: dict[str, list[int]] = {}
    for n, rule in merges.items():
        targets.setdefault(rule.item, []).append(n)
    for numbers in targets.values():
        for n in numbers:
            other = [m for m in numbers if merges[m].content() != merges[n].content()]
            if other:
                work.refused[n] = ("repair_contradicts", rules[other[0]].id)
    merges = _possible(now, merges, work)
    waves = _waves(merges, work)
    goes: dict[str, tuple[str, float]] = {}
    for rule in (rule for wave in reversed(waves) for rule in wave.values()):
        end, factor = goes.get(rule.to, (rule.to, 1.0))
        goes[rule.item] = (end, factor * (rule.factor or 1.0))
    if not goes:
        return {}
    ways = pl.DataFrame(
        {
            "item_id": list(goes),
            TO: [end for end, _ in goes.values()],
            FACTOR: [factor for _, factor in goes.values()],
        }
    )
    facts = {name: frame for name, frame in now.items() if name != CHANGES}  # made of merged items already
    named = _rows_by_item(facts, ways["item_id"])
    work.counts |= {n: named[rule.item] for n, rule in merges.items() if rule.item in named}
    if named:
        now |= merged(facts, ways.filter(pl.col("item_id").is_in(list(named))))
    return {item: end for item, (end, _) in goes.items()}


def _possible(now: Tables, rules: dict[int, Repair], work: _Work) -> dict[int, Repair]:
    """Return merges or transfers between items that exist, in one unit, none a part of the other."""
    rules = {n: rule for n, rule in rules.items() if n not in work.refused}
    if not rules:
        return {}
    ends = pl.DataFrame(
        [(n, rule.item, rule.to, rule.factor is None) for n, rule in rules.items()],
        schema={"n": pl.Int64, "item_id": pl.String, "to": pl.String, "(bare)": pl.Boolean},
        orient="row",
    )
    known = _rows_by_item(now, ends["to"].unique())
    master = now["items"].select("item_id", "unit", "currency").unique("item_id", keep="first")
    both = ends.join(master, on="item_id", how="left").join(
        master, left_on="to", right_on="item_id", how="left", suffix=" of other"
    )
    for name in ("unit", "currency"):
        folded = pl.col(name).str.to_lowercase().str.strip_chars()
        other = pl.col(f"{name} of other").str.to_lowercase().str.strip_chars()
        for n in both.filter((folded != other) & "(bare)")["n"]:
            work.refused.setdefault(n, ("repair_units_differ", name))
    pairs = now["bom"].select("parent_item_id", "component_item_id")
    for item, to in (("item_id", "to"), ("to", "item_id")):
        parts = ends.join(pairs, left_on=[item, to], right_on=pairs.columns)
        for n, of in parts.select("n", to).iter_rows():
            if rules[n].kind == "merge":
                work.refused.setdefault(n, ("repair_part_of", of))
    for n, rule in rules.items():
        if not known.get(rule.to):
            work.refused.setdefault(n, ("repair_unknown_item", rule.to))
    return {n: rule for n, rule in rules.items() if n not in work.refused}


def _rows_by_item(now: Tables, items: pl.Series) -> dict[str, int]:
    """Return how many rows of all tables name each of some items."""
    found = [
        frame.lazy().select(item_id=column).filter(pl.col("item_id").is_in(items.implode()))
        for frame in now.values()
        for column in ("item_id", "parent_item_id", "component_item_id")
        if column in frame.columns
    ]
    return dict(pl.concat(found).group_by("item_id").len().collect().iter_rows())


def _waves(rules: dict[int, Repair], work: _Work) -> list[dict[int, Repair]]:
    """Return the rules in the order in which items lead to each other; circles are refused by name."""
    numbers = list(rules)
    waves, looped = follow([(rules[n].item, rules[n].to) for n in numbers])
    for n in (numbers[place] for place in looped):
        circle, item = [rules[n].item], rules[n].to
        onward = {rules[numbers[place]].item: rules[numbers[place]].to for place in looped}
        while item not in circle:
            circle.append(item)
            item = onward[item]
        work.refused[n] = ("repair_loop", " -> ".join([*circle[circle.index(item) :], item]))
    return [{numbers[place]: rules[numbers[place]] for place in wave} for wave in waves]


def _transfer(now: Tables, rules: dict[int, Repair], goes: dict[str, str], work: _Work) -> None:
    """Transfer histories between items as they are called after the merges."""
    handed = {n: _renamed(rule, goes) for n, rule in rules.items() if rule.kind == "transfer"}
    handed = {n: rule for n, rule in handed.items() if rule.item != rule.to}
    waves = _waves(_possible(now, handed, work), work)
    changed, counts, refused = transferred(now, waves)
    now |= changed
    work.counts |= counts
    work.refused |= refused


def _renamed(rule: Repair, goes: dict[str, str]) -> Repair:
    match = tuple(
        replace(each, value=goes.get(rule.item, rule.item))
        if each.column == "item_id" and each.comparison == "="
        else each
        for each in rule.match
    )
    return replace(rule, match=match, to=goes.get(rule.to, rule.to))


def _effects(rules: list[Repair], waits: list[bool], work: _Work, known: Tables) -> pl.DataFrame:
    """Return the table `repair`."""
    money = _money(work.changes, known["items"])
    rows = []
    for n, rule in enumerate(rules):
        status, why = "applied", None
        if waits[n]:
            status, why = "waiting", f"It is for plans from {rule.since}."
        elif n in work.refused:
            code, detail = work.refused[n]
            status, why = "refused", WHY[code].format(detail)
        elif not work.counts.get(n):
            status, why = "idle", ALREADY if n in work.matched else NO_ROW
        applied = status == "applied"
        rows.append(
            {
                "repair_id": rule.id,
                "kind": rule.kind,
                "table": rule.table,
                "rule": str(rule),
                "status": status,
                "why": why,
                "n_rows": work.counts.get(n, 0) if applied else 0,
                "value_change": money.get(n) if applied else None,
                "check": rule.check or None,
                "author": rule.author,
                "reason": rule.reason,
                "accepted_on": rule.accepted_at.date() if rule.accepted_at else None,
            }
        )
    return table("repair").conform(pl.DataFrame(rows, schema=table("repair").schema, orient="row"))


def _money(changes: list[pl.DataFrame], items: pl.DataFrame) -> dict[int, float]:
    """Return the change in value at unit cost by rule, where quantities change and a cost is known."""
    if not changes:
        return {}
    cost = items.select("item_id", "unit_cost").unique("item_id", keep="first")
    valued = pl.concat(changes).join(cost, on="item_id").sort(RULE, ROW)
    value = valued.select(RULE, value=pl.col(UNITS) * pl.col("unit_cost")).drop_nulls()
    return dict(value.group_by(RULE, maintain_order=True).agg(pl.col("value").sum()).iter_rows())


def _findings(rules: list[Repair], effects: pl.DataFrame, work: _Work) -> list[Finding]:
    """Return what is to be said, one finding a code and table."""
    by_id = {row["repair_id"]: row for row in effects.iter_rows(named=True)}
    said: dict[tuple[str, str], list[str]] = {}
    for n, rule in enumerate(rules):
        status = by_id[rule.id]["status"]
        code = work.refused[n][0] if status == "refused" else SPOKEN.get(status)
        if code == "repairs_applied" and rule.kind == "merge":
            code = "repair_items_merged"
        if code:
            said.setdefault((code, rule.table), []).append(rule.id)
    found = []
    for (code, name), ids in said.items():
        own = [by_id[each] for each in ids]
        n_rows = sum(row["n_rows"] for row in own) or len(ids)
        money = [abs(row["value_change"]) for row in own if row["value_change"] is not None]
        keys = first_keys(ids)
        told = (f"{row['repair_id']}: {row['why'][0].lower()}{row['why'][1:-1]}" for row in own)
        named = first_keys(told) if code in WHY else keys
        severity, *words = WORDS[code]
        what, why, done, remedy = (
            numbered(text, n_rows).format(n=f"{n_rows:,}", table=name, keys=named) for text in words
        )
        total = sum(money) if money else None
        found.append(Finding(code, severity, name, n_rows, keys, what, why, done, remedy, total))
    return found
