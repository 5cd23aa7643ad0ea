"""A plan in force as the desk holds it: frames that never change, and the way to one point of them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from plimsoll.demand.past import Past
from plimsoll.domain.desk_result import Choice, Head
from plimsoll.maths.ragged import Ints
from plimsoll.workflows.desk_lists import Recent, ShownList, compact


class ByItem:
    """A table whose rows of one item lie together, found by the item's number.

    Parameters
    ----------
    frame : the rows; those of items that are not in the plan are left out
    items : the items of the plan in order, as an enumeration
    """

    def __init__(self, frame: pl.DataFrame, items: pl.Enum, column: str = "item_id") -> None:
        number = frame[column].cast(pl.String).cast(items, strict=False).to_physical()
        known = frame.with_columns(_number=number).filter(pl.col("_number").is_not_null())
        ordered = known.sort("_number", maintain_order=True)
        found = np.searchsorted(ordered["_number"].to_numpy(), np.arange(len(items.categories) + 1))
        self._bounds = found.astype(np.int64)
        self.frame = compact(ordered.drop("_number"))

    def of(self, item: int) -> pl.DataFrame:
        """Return the rows of an item by its number."""
        begin, end = self._bounds[item], self._bounds[item + 1]
        return self.frame.slice(begin, end - begin)


@dataclass(frozen=True)
class Snapshot:
    """All that the desk shows of a plan and its exceptions; it never changes.

    `points` has a row a stocking point in key order; `tables` those of several rows an item; `facts` the
    receipts known then. `lines`, `exceptions` and `parts` wait for what people did with them.
    """

    head: Head
    exceptions_run: str
    exceptions_made_at: datetime | None
    points: pl.DataFrame
    point_tables: dict[str, pl.DataFrame]
    tables: dict[str, ByItem]
    past: Past
    lists: dict[str, ShownList]
    lines: pl.DataFrame
    line_rows: ByItem
    line_orders: Recent[pl.Series]
    line_choices: Recent[tuple[Choice, ...]]
    exceptions: pl.DataFrame
    parts: pl.DataFrame
    changes: ByItem
    missing: dict[str, str]
    readiness: float | None

    @cached_property
    def items(self) -> pl.Enum:
        """The items of the plan in order."""
        return pl.Enum(self.points["item_id"].cast(pl.String).unique().sort())

    @cached_property
    def number(self) -> dict[str, int]:
        """The number of each item."""
        return {item: number for number, item in enumerate(self.items.categories)}

    @cached_property
    def _first(self) -> Ints:
        codes = self.points["item_id"].cast(pl.String).cast(self.items).to_physical().to_numpy()
        return np.searchsorted(codes, np.arange(len(self.items.categories) + 1)).astype(np.int64)

    def places(self, item_id: str) -> pl.DataFrame:
        """Return the points of an item with their row numbers as `row`; none for an unknown item."""
        item = self.number.get(item_id)
        if item is None:
            return self.points.clear().with_columns(row=pl.lit(None, dtype=pl.Int64))
        begin, end = int(self._first[item]), int(self._first[item + 1])
        return self.points.slice(begin, end - begin).with_columns(row=pl.int_range(begin, end))
