"""The network of one item as a picture: places in columns from source to customer, with what each holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import polars as pl

from plimsoll.domain.desk_result import Row
from plimsoll.present.explanation import HARDLY
from plimsoll.present.labels import label, source
from plimsoll.present.network_tree import nodes
from plimsoll.present.numbers import count, days, money, percent, quantity
from plimsoll.web.contexts.screens import Drawing, NetworkPage, Node, Stage
from plimsoll.web.contexts.today import Tile
from plimsoll.workflows.desk_network import NetworkView

BOX, TALL, ACROSS, DOWN, EDGE, HEAD = 176, 56, 64, 12, 8, 28
MOST_STAGES, MOST_BESIDE, LETTERS, INDENT = 28, 6, 16, 3
BAR = BOX - 24


@dataclass(slots=True, eq=False)
class _Box:
    """A stage on its way into the picture."""

    row: Row
    column: int
    y: float = 0.0
    below: list["_Box"] = field(default_factory=list)


def network_page(view: NetworkView) -> NetworkPage:
    """Return the page of an item's network."""
    lines = view.lines
    own = lines.filter(pl.col("part") == "item", ~pl.col("repeated"))
    first = own.row(0, named=True)
    name = " ".join(part for part in (view.item_id, first["description"]) if part)
    drawn = nodes(lines, view.currency)
    return NetworkPage(
        item=name,
        says=f"Kept at {count(own.height, 'place')}; goods go from left to right.",
        tiles=tuple(_tiles(own, view)),
        drawing=drawing(lines),
        nodes=tuple(
            Node(each.part, min(len(each.prefix) // INDENT, 6), each.head, tuple(each.facts))
            for each in drawn
        ),
    )


def drawing(lines: pl.DataFrame) -> Drawing:
    """Return the picture: sources or parts, places by how far down they are, what the item goes into."""
    roots, ways = _tree([row for row in lines.to_dicts() if row["part"] == "item"])
    n_all = len({id(box) for box in _walk(roots)})
    shown = _walk(roots)[:MOST_STAGES]
    kept = {id(box) for box in shown}
    beside = {part: lines.filter(pl.col("part") == part, pl.col("level") == 0, ~pl.col("repeated")).to_dicts()
              for part in ("made_of", "goes_into")}  # fmt: skip
    left = _sources(roots, beside["made_of"][:MOST_BESIDE])
    for box in shown if left else ():
        box.column += 1
    last = max((box.column for box in shown), default=0)
    right = [_Box(row, last + 1) for row in beside["goes_into"][:MOST_BESIDE]]
    bottom = _placed([box for box in roots if id(box) in kept], kept)
    for boxes in (left, right):
        bottom = max(bottom, _stacked(boxes, roots))
    pairs = [(a, b) for a, b in ways if id(a) in kept and id(b) in kept]
    pairs += [(a, b) for a in left for b in shown if _feeds(a, b, roots)]
    pairs += [(a, b) for a in shown for b in right if a.row["location_id"] == b.row["location_id"]]
    boxes = [*left, *shown, *right]
    columns = max((box.column for box in boxes), default=0) + 1
    steps = [f"Step {at}" for at in range(1, last + (1 if left else 2))]
    names = (["From"] if left else []) + steps + (["Goes into"] if right else [])
    return Drawing(
        width=columns * (BOX + ACROSS) - ACROSS + 2 * EDGE,
        height=round(bottom + TALL + EDGE),
        ways=tuple(_way(a, b) for a, b in pairs),
        stages=tuple(_stage(box) for box in boxes),
        heads=tuple((_x(at), name) for at, name in enumerate(names)),
        n_more=max(0, n_all - len(shown)),
    )


def _tree(rows: Sequence[Row]) -> tuple[list[_Box], list[tuple[_Box, _Box]]]:
    """Return the first stages and the ways between all; a line that comes again leads to the one before."""
    known: dict[tuple[str, str], _Box] = {}
    path: list[_Box] = []
    roots, ways = [], []
    for row in rows:
        key = row["item_id"], row["location_id"]
        level = row["level"]
        box = known.setdefault(key, _Box(row, level))
        if level and len(path) >= level:
            ways.append((path[level - 1], box))
            if not row["repeated"]:
                path[level - 1].below.append(box)
        elif not row["repeated"]:
            roots.append(box)
        path = [*path[:level], box]
    return roots, ways


def _walk(boxes: Sequence[_Box]) -> list[_Box]:
    """Return boxes level by level, so that what is left out is furthest down."""
    found, level = list(boxes), list(boxes)
    while level:
        level = [below for box in level for below in box.below]
        found += level
    return found


def _sources(roots: Sequence[_Box], parts: Sequence[Row]) -> list[_Box]:
    """Return what stands left of the first stages: parts that go in, else the suppliers they come from."""
    if parts:
        return [_Box(row, 0) for row in parts]
    # What is made at the place itself comes from nowhere else.
    rows = (box.row for box in roots if box.row["from_location_id"] != box.row["location_id"])
    names = dict.fromkeys(row["from_location_id"] for row in rows)
    return [_Box({"supplier": name}, 0) for name in list(names)[:MOST_BESIDE] if name]


def _feeds(a: _Box, b: _Box, roots: Sequence[_Box]) -> bool:
    """Return whether what stands left leads to a stage: a supplier to a first one, a part to its user."""
    if "supplier" in a.row:
        return b in roots and a.row["supplier"] == b.row["from_location_id"]
    return bool(a.row["location_id"] == b.row["location_id"])


def _placed(roots: Sequence[_Box], kept: set[int]) -> float:
    """Give every box its place: leaves one below the other, each other box amid what it feeds."""
    at = float(HEAD)

    def place(box: _Box) -> None:
        nonlocal at
        below = [each for each in box.below if id(each) in kept]
        for each in below:
            place(each)
        if below:
            box.y = (below[0].y + below[-1].y) / 2
        else:
            box.y = at
            at += TALL + DOWN

    for root in roots:
        place(root)
    return max(at - TALL - DOWN, float(HEAD))


def _stacked(boxes: Sequence[_Box], roots: Sequence[_Box]) -> float:
    """Stack boxes beside the others, amid the first stages; return where the lowest begins."""
    middle = (roots[0].y + roots[-1].y) / 2 if roots else HEAD
    top = max(float(HEAD), middle - (len(boxes) - 1) * (TALL + DOWN) / 2)
    for at, box in enumerate(boxes):
        box.y = top + at * (TALL + DOWN)
    return boxes[-1].y if boxes else 0.0


def _x(column: int) -> int:
    return EDGE + column * (BOX + ACROSS)


def _way(a: _Box, b: _Box) -> str:
    """Return a way as a path: out of the right side of one box, into the left side of the next."""
    x0, y0, x1, y1 = _x(a.column) + BOX, a.y + TALL / 2, _x(b.column), b.y + TALL / 2
    bend = ACROSS / 2
    return f"M{x0} {y0:.0f}C{x0 + bend:.0f} {y0:.0f} {x1 - bend:.0f} {y1:.0f} {x1} {y1:.0f}"


def _stage(box: _Box) -> Stage:
    row, place = box.row, (_x(box.column), round(box.y))
    if "supplier" in row:
        name = row["supplier"]
        href = f"/suppliers/{quote(name, safe='')}"
        return Stage(
            *place, _cut(source(name)), "", "", "supplier", "", href, 0, 0, 0, source(name), is_own=False
        )
    is_own = row["part"] == "item"
    href = f"/items/{quote(row['item_id'], safe='')}/{quote(row['location_id'], safe='')}"
    most, now = row["order_up_to_qty"] or 0.0, row["on_hand_qty"]
    full = max(most, now or 0.0) or 1.0
    known = not str(row["echelon"]).startswith(("depth", "other"))
    kind = str(row["echelon"]).replace("dc", "DC") if known else ""
    name = row["location_id"] if is_own else row["item_id"]
    return Stage(
        *place,
        name=_cut(name),
        kind=_cut(kind if is_own else f"at {row['location_id']}"),
        item=row["item_id"],
        holds=_holds(row) if is_own else f"{quantity(row['quantity'], row['unit'])} in one",
        serves=percent(row["fill_rate_est"] or row["promised_fill"], 1) if is_own and _is_held(row) else "",
        href=href,
        width=BAR if is_own and _is_held(row) else 0,
        level=round(BAR * most / full),
        now=round(BAR * (now or 0.0) / full),
        words=_words(row, name, most, now),
        is_own=is_own,
        is_over=(now or 0.0) > most,
    )


def _is_held(row: Row) -> bool:
    return row["policy"] not in (None, "none")


def _holds(row: Row) -> str:
    if row["refused_reason"]:
        return "planned by itself"
    if not _is_held(row):
        return f"{label('left_out', row['left_out_reason'])}" if row["left_out_reason"] else "holds none"
    return f"up to {quantity(row['order_up_to_qty'])}"


def _words(row: Row, name: str, most: float, now: float | None) -> str:
    there = "not counted" if row["counted_date"] is None else f"{quantity(now, row['unit'])} on hand now"
    return f"{name}: up to {quantity(most, row['unit'])}, {there}"


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _tiles(own: pl.DataFrame, view: NetworkView) -> list[Tile]:
    """Return what the network holds, together and alone, and how long its places wait for each other."""
    held = own.select(pl.col("on_hand_alone_value", "on_hand_network_value").sum()).row(0)
    alone, together = float(held[0]), float(held[1])
    saved = alone - together
    more = f"{money(abs(saved), view.currency)} {'more' if saved > 0 else 'less'}"
    asked = own.filter(pl.col("own_mean_per_day") > 0)
    per_week = 7 * float(asked["own_mean_per_day"].sum())
    places = f"/items?item_id={quote(view.item_id, safe='')}"
    return [
        Tile("Held on average", money(together, view.currency), "", "sized together", places),
        Tile(
            "Sized one by one", money(alone, view.currency), "", f"{more}, as if no source was ever short", ""
        ),
        Tile(
            "Customers ask for",
            quantity(per_week, own["unit"][0]),
            "a week",
            f"at {count(asked.height, 'place')}",
            places,
        ),
        _wait(own),
    ]


def _wait(own: pl.DataFrame) -> Tile:
    waits = own.drop_nulls("wait_days_est").sort("wait_days_est", "location_id", descending=[True, False])
    if waits.is_empty() or waits["wait_days_est"][0] < HARDLY:
        return Tile("Longest wait", "None", "", "no place waits for another to speak of", "")
    worst = waits.row(0, named=True)
    words = f"{worst['location_id']} for its source, beyond the lead time"
    return Tile("Longest wait", days(worst["wait_days_est"]), "", words, "")
