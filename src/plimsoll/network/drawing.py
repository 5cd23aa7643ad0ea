"""The part of a network around one item, in the order in which it is drawn as trees."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.bom.structure import KEY
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.arcs import ALTERNATIVE
from plimsoll.network.model import Network, arrays

Way = tuple[int, float]  # a stage, and units
ITEM, MADE_OF, GOES_INTO = "item", "made_of", "goes_into"
FIGURES = (
    "network_id", "supply_kind", "may_hold", "left_out_reason", "refused_reason", "stage_days", "review_days",
    "cumulative_days", "unit_cost", "own_mean_per_day", "mean_per_day", "sd_per_day",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Ways:
    """Arcs of stages in compressed rows: those of stage i are bounds[i] .. bounds[i + 1]."""

    bounds: Ints
    to: Ints
    quantity: Floats

    def of(self, stage: int) -> list[Way]:
        at = slice(self.bounds[stage], self.bounds[stage + 1])
        return list(zip(self.to[at].tolist(), self.quantity[at].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One line of a drawing."""

    stage: int
    level: int
    prefix: str
    quantity: float
    repeated: bool


def describe(network: Network, item_id: str) -> pl.DataFrame:
    """Return the stages of an item and all that feeds or draws on them, line by line as drawn.

    Three parts: `item`, where the item itself is kept, sources first; `made_of`, what goes into it, with
    what goes into that; `goes_into`, what is made of it, with what that feeds. A stage that several
    others lead to is followed once a part; later lines of it are `repeated`.

    Parameters
    ----------
    network : as of `build`
    item_id : the item

    Returns
    -------
    pl.DataFrame
        part, level, prefix (lines of the tree), text (prefix and name), item_id, location_id, quantity
        (units in one unit of what it is drawn under, or of it in what is drawn), repeated, alternatives
        (sources of lanes that are not in force, with their priority) and the main figures of
        `network_stage`.

    Raises
    ------
    InputError : no stage of that item
    """
    numbers = arrays(network)
    stages = network.stages[numbers.row]
    mine = np.flatnonzero((stages["item_id"] == item_id).to_numpy())
    if not len(mine):
        what = f"There is no stocking point of item '{item_id}'."
        raise InputError(what, remedy=did_you_mean(item_id, stages["item_id"].unique().to_list()))
    above = _ways(numbers.n, numbers.down, numbers.up, numbers.quantity)
    below = _ways(numbers.n, numbers.up, numbers.down, numbers.quantity)
    own = set(mine.tolist())
    same = {i: [way for way in below.of(i) if way[0] in own] for i in own}
    fed = {j for ways in same.values() for j, _ in ways}
    parts = {
        ITEM: _walk([(i, 1.0) for i in mine.tolist() if i not in fed], same.__getitem__),
        MADE_OF: _walk([way for i in mine.tolist() for way in above.of(i) if way[0] not in own], above.of),
        GOES_INTO: _walk([way for i in mine.tolist() for way in below.of(i) if way[0] not in own], below.of),
    }
    lines = [(part, line) for part, drawn in parts.items() for line in drawn]
    frame = stages.select(*KEY, *FIGURES)[[line.stage for _, line in lines]].with_columns(
        part=pl.Series([part for part, _ in lines], dtype=pl.String),
        level=pl.Series([line.level for _, line in lines], dtype=pl.Int64),
        prefix=pl.Series([line.prefix for _, line in lines], dtype=pl.String),
        quantity=pl.Series([line.quantity for _, line in lines], dtype=pl.Float64),
        repeated=pl.Series([line.repeated for _, line in lines], dtype=pl.Boolean),
    )
    frame = frame.join(_alternatives(network), on=KEY, how="left", maintain_order="left")
    text = pl.format("{}{} @ {}", "prefix", *KEY)
    front = ("part", "level", "prefix", "text", *KEY, "quantity", "repeated", "alternatives")
    return frame.with_columns(text=text).select(*front, *FIGURES)


def _ways(n: int, of: Ints, to: Ints, quantity: Floats) -> _Ways:
    at = np.lexsort((to, of))
    return _Ways(np.searchsorted(of[at], np.arange(n + 1)).astype(np.int64), to[at], quantity[at])


def _walk(starts: list[Way], following: Callable[[int], list[Way]]) -> list[_Drawn]:
    """Return the lines of the trees that hang on the starts, each stage followed where it comes first."""
    lines: list[_Drawn] = []
    seen: set[int] = set()
    waiting = [(stage, 0, "", "", quantity) for stage, quantity in reversed(starts)]
    while waiting:
        stage, level, prefix, inner, quantity = waiting.pop()
        repeated = stage in seen
        lines.append(_Drawn(stage, level, prefix, quantity, repeated))
        if repeated:
            continue
        seen.add(stage)
        ways = following(stage)
        for i, (other, per) in reversed(list(enumerate(ways))):
            last = i == len(ways) - 1
            branch, trunk = ("└─ ", "   ") if last else ("├─ ", "│  ")
            waiting.append((other, level + 1, inner + branch, inner + trunk, per))
    return lines


def _alternatives(network: Network) -> pl.DataFrame:
    """Return KEY and the sources of lanes that are not in force, best first, as text."""
    named = pl.when(pl.col("priority").is_null()).then("from_location_id")
    return (
        network.arcs.filter(pl.col("reason") == ALTERNATIVE)
        .sort("priority", "from_location_id", nulls_last=True)
        .group_by(KEY, maintain_order=True)
        .agg(
            alternatives=named.otherwise(pl.format("{} ({})", "from_location_id", "priority")).str.join(", ")
        )
    )
