"""A list held in memory and asked by many threads: filters, orders and pages in a few milliseconds."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from copy import copy
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from plimsoll.domain.desk_lists import ListSpec
from plimsoll.domain.desk_result import Choice, Group
from plimsoll.domain.listing import SEARCH, Listing, Query, ordering, selected, summed
from plimsoll.domain.people import Person, in_scope

T = TypeVar("T")
ORDERS_KEPT, SELECTIONS_KEPT = 24, 48
REPEATED = 0.6  # share of distinct values below which a text is kept as the number of its value
FEWEST = 64  # rows below which a frame is kept as it is
MOST_CHOICES = 200
CHOICES_KEPT = 400  # columns by scope


class Recent(Generic[T]):
    """The values made last, by key; the one not asked for the longest goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, made if it is not there; two threads may make it at once."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()  # outside the lock, so that nobody waits for somebody else's list
        with self._lock:
            self._held[key] = made
            while len(self._held) > self._size:
                self._held.popitem(last=False)
        return made


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of a list that meet a filter and are in a scope; `rows` is None where all are."""

    rows: pl.Series | None
    total: int
    sums: dict[str, float]
    choices: dict[str, tuple[Choice, ...]] = field(default_factory=dict)


class ShownList:
    """A frame that never changes, with the orders and selections that were asked for lately.

    Parameters
    ----------
    frame : the rows, in any order
    spec : how the list behaves
    missing : why there is nothing, for a frame that has no rows
    orders, choices : orders of a frame with the same rows, and what its columns can be filtered by; kept
        for columns in `stable`, where they were made before
    stable : columns that are as they were in that frame
    is_scoped : whether it was made for one scope already, so that its rows are not limited again
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        spec: ListSpec,
        missing: str = "",
        *,
        orders: Recent[pl.Series] | None = None,
        choices: Recent[tuple[Choice, ...]] | None = None,
        stable: frozenset[str] = frozenset(),
        is_scoped: bool = False,
    ) -> None:
        self.spec, self.missing, self._is_scoped = spec, missing, is_scoped
        self.frame = frame
        self.columns = pl.Schema(
            {name: dtype for name, dtype in frame.schema.items() if not name.startswith("_")}
        )
        self._shown = [name for name in self.columns if name not in spec.left_out]
        self._sums = [
            name
            for name in spec.sums
            if name in self.columns and (frame.is_empty() or frame[name].null_count() < frame.height)
        ]
        self._order = tuple(pair for pair in spec.order if pair[0] in self.columns)
        self._key = tuple(name for name in spec.key if name in self.columns)
        self._stable, self.orders = stable, Recent[pl.Series](ORDERS_KEPT) if orders is None else orders
        self._stable_choices = Recent[tuple[Choice, ...]](CHOICES_KEPT) if choices is None else choices
        self._own_orders = Recent[pl.Series](ORDERS_KEPT)
        self._selections = Recent[Selection](SELECTIONS_KEPT)

    def warm(self) -> None:
        """Make the list's own order before anybody asks."""
        self._ordered(self._order)

    def renewed(self, frame: pl.DataFrame) -> "ShownList":
        """Return the list with other values in columns that are not stable; rows and columns are the same."""
        other = copy(self)
        other.frame, other._own_orders = frame, Recent[pl.Series](ORDERS_KEPT)
        other._selections = Recent[Selection](SELECTIONS_KEPT)
        return other

    def page(self, query: Query, who: Person) -> Listing:
        """Return the page asked for of what a person may see."""
        chosen = self.select(query, who)
        rows = self._positions(query, chosen).slice(query.offset, query.size)
        found = self.frame.select(pl.col(self._shown).gather(rows)).to_dicts()
        return Listing(found, chosen.total, query.page, query.size, chosen.sums, self.missing)

    def table(self, query: Query, who: Person, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return all rows of a selection in its order, in the columns wanted or all that are shown."""
        names = list(self.columns if columns is None else columns)
        rows = self._positions(query, self.select(query, who))
        return plain(self.frame.select(pl.col(names).gather(rows)))

    def select(self, query: Query, who: Person) -> Selection:
        """Return the selection of a filter and scope, with its count and sums."""
        asked = query.selection()
        return self._selections.get((asked, who.locations, who.categories), lambda: self._select(asked, who))

    def choices(self, query: Query, who: Person, column: str) -> tuple[Choice, ...]:
        """Return the values of a column with their counts, most first, its own filter set aside.

        So a person sees what else could be chosen. Only the most frequent are told where there are many.
        Columns in `stable` are counted over all rows in scope, once for the plan: every decision would
        otherwise have all of them counted anew, which took half of a page's time at 300,000 points.
        """
        if column in self._stable:
            key = (column, who.locations, who.categories)
            return self._stable_choices.get(key, lambda: self._counted(column, self.select(Query(), who)))
        others = tuple(asked for asked in query.conditions if asked.column != column)
        chosen = self.select(Query(others, query.text), who)
        if column not in chosen.choices:
            chosen.choices[column] = self._counted(column, chosen)
        return chosen.choices[column]

    def _counted(self, column: str, chosen: Selection) -> tuple[Choice, ...]:
        values = self.frame.select(column) if chosen.rows is None else self._gathered(column, chosen.rows)
        counted = values.group_by(column).len().sort("len", column, descending=[True, False])
        return tuple(Choice(value, n) for value, n in plain(counted.head(MOST_CHOICES)).rows())

    def groups(self, query: Query, who: Person, column: str, money: str) -> tuple[Group, ...]:
        """Return the values of a column with their rows and a column's sum over them, largest sum first.

        As of `choices`, the filter on the column itself is set aside.
        """
        others = tuple(asked for asked in query.conditions if asked.column != column)
        rows = self.select(Query(others, query.text), who).rows
        wanted = pl.col(column, money)
        frame = self.frame.select(wanted if rows is None else wanted.filter(rows))
        sums = frame.group_by(column).agg(pl.len().alias("n"), pl.col(money).sum().alias("sum"))
        ordered = plain(sums.sort("sum", column, descending=[True, False]).head(MOST_CHOICES))
        return tuple(Group(*row) for row in ordered.select(column, "n", "sum").rows())

    def _gathered(self, column: str, rows: pl.Series) -> pl.DataFrame:
        return self.frame.select(pl.col(column).filter(rows))

    def _select(self, asked: Query, who: Person) -> Selection:
        mask = selected(self.frame, asked, self.spec.search)
        limit = None if self._is_scoped else in_scope(who, self.frame.columns)
        if limit is not None:
            allowed = self.frame.select(limit.alias("")).to_series()
            mask = allowed if mask is None else mask & allowed
        if mask is None:
            return Selection(None, self.frame.height, summed(self.frame, self._sums))
        sums = self.frame.select(pl.col(self._sums).filter(mask).sum()).row(0) if self._sums else ()
        return Selection(mask, int(mask.sum()), dict(zip(self._sums, sums, strict=True)))

    def _positions(self, query: Query, chosen: Selection) -> pl.Series:
        """Return the row numbers of a selection in the order asked for."""
        order = self._ordered(query.sort or self._order)
        return order if chosen.rows is None else order.filter(chosen.rows.gather(order))

    def _ordered(self, sort: tuple[tuple[str, bool], ...]) -> pl.Series:
        """Return all row numbers in an order: made once, so that a filter only has to walk along it."""
        is_stable = all(column in self._stable for column, _ in (*sort, *self._order))
        held = self.orders if is_stable else self._own_orders
        return held.get(sort, lambda: self._made(sort))

    def _made(self, sort: tuple[tuple[str, bool], ...]) -> pl.Series:
        """Return all row numbers in an order; rows of equal rank are in the list's own, and that by key."""
        if sort == self._order:
            found = ordering(self.frame, sort, self._key)
            return pl.Series(np.arange(self.frame.height, dtype=np.uint32)) if found is None else found
        own = self._ordered(self._order)
        found = ordering(self.frame.select(pl.col([column for column, _ in sort]).gather(own)), sort)
        return own if found is None else own.gather(found)


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with texts that repeat kept as numbers of their sorted values, in one chunk.

    Such a column sorts and compares as quickly as a number, and takes 4 bytes a row. Texts that hardly
    repeat stay texts.
    """
    if frame.height < FEWEST:
        return frame.rechunk()
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    distinct = frame.select(pl.col(texts).n_unique()).row(0) if texts else ()
    few = [name for name, n in zip(texts, distinct, strict=True) if n <= REPEATED * frame.height]
    kinds = {name: pl.Enum(frame[name].drop_nulls().unique().sort()) for name in few}
    return frame.with_columns(pl.col(name).cast(kind) for name, kind in kinds.items()).rechunk()


def searchable(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the frame with the column that text is looked for in: these columns in lower case."""
    names = [name for name in columns if name in frame.columns]
    if not names:
        return frame
    joined = pl.concat_str(pl.col(names).cast(pl.String), separator="\n", ignore_nulls=True)
    return frame.with_columns(joined.str.to_lowercase().alias(SEARCH))


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with texts as texts again, for readers outside."""
    return frame.with_columns(pl.selectors.enum().cast(pl.String))


def as_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as plain values, without columns of the engine's own."""
    return frame.select(pl.exclude(r"^_.*$")).to_dicts() if frame.height else []
