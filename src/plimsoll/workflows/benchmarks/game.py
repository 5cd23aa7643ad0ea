"""An ordering game on a real history: what a rule holds and what it serves, period by period.

The order of events is that of `plimsoll.domain.calendar`: a review at the end of a period knows its
demand, and an order placed there is usable at the start of the period after its lead time. It protects
lead + 1 periods. Unmet demand waits. Orders are whole units, at least the minimum. Stock begins at the
first target, with nothing on order.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import ingest
from plimsoll.domain.calendar import EVERY, PERIOD_DAYS, Bucket, period_index, periods_between
from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table
from plimsoll.integrations import read_source
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions

Flags = NDArray[np.bool_]
Tables = dict[str, pl.DataFrame]
SLACK = 1e-6  # quantities are told apart to a millionth of a unit
PLACE, SOURCE = "HERE", "SUPPLIER"
HOLDING_RATE = 0.2
LEADS = 3  # months, of data that tell no lead times


@dataclass(frozen=True, slots=True)
class Game:
    """The demand of n items in T periods, and what is fixed for every rule.

    `start`: first day; `items`: n keys in ascending order; `demand` (n, T) units; `lead` (n,) periods;
    `moq` (n,) units; `cost` (n,) money a unit; `train`: periods before the first review; `every`: periods
    between estimates.
    """

    name: str
    bucket: Bucket
    start: date
    items: tuple[str, ...]
    demand: Floats
    lead: Ints
    moq: Floats
    cost: Floats
    train: int
    every: int

    @property
    def epochs(self) -> list[int]:
        """The periods before which the rules estimate anew."""
        return list(range(self.train, self.demand.shape[1], self.every))

    @property
    def replayed(self) -> Floats:
        """Demand (n, W) of the periods that are replayed."""
        return self.demand[:, self.train :]

    def day_before(self, t: int) -> date:
        """Return the last day before period t, when demand of the periods before it is known."""
        begins = pl.Series([self.start]).dt.offset_by(f"{t}{EVERY[self.bucket][1:]}").item()
        day: date = begins - timedelta(days=1)
        return day


@dataclass(frozen=True, slots=True)
class Levels:
    """What a rule orders by, each (E, n): at or below `reorder` up to `up_to`; `first`: least it keeps."""

    reorder: Floats
    up_to: Floats
    first: Floats

    @classmethod
    def base_stock(cls, targets: Floats) -> "Levels":
        """Return the rule that orders up to a whole number of units whenever the position is below it."""
        whole = np.maximum(np.ceil(targets - SLACK), 0.0)
        return cls(whole - SLACK, whole, whole)


@dataclass(frozen=True, slots=True)
class Played:
    """What happened: `on_hand` (n,) mean units at ends of periods, `served` (n,) units at once from stock.

    In detail, each (n, W) or empty: `clear`, nothing owed at the end of the period; `in_full`, its demand
    served at once from stock; `position` after the review before it.
    """

    on_hand: Floats
    served: Floats
    clear: Flags
    in_full: Flags
    position: Floats


def play(game: Game, levels: Levels, *, is_detailed: bool = False) -> Played:
    """Return what happens when a rule's levels are kept through the replayed periods.

    Examples
    --------
    Lead time 1 period, demand 2, order up to 5: 3 are left, then 1, then the first order is there.

    >>> one, day = np.ones(1), date(2024, 1, 1)
    >>> game = Game("", "week", day, ("A",), np.full((1, 4), 2.0), np.array([1]), 0 * one, one, 1, 9)
    >>> played = play(game, Levels.base_stock(np.full((1, 1), 5.0)), is_detailed=True)
    >>> played.on_hand.round(3).tolist(), played.position.tolist()
    ([1.667], [[5.0, 5.0, 5.0]])
    """
    n, periods = game.replayed.shape
    # a review comes before the first period: in a period in front of it, of which nothing is counted
    demand = np.column_stack((np.full(n, np.nan), game.replayed))
    opening = np.maximum(levels.first[0], 0.0)
    book = kernel.open_ledger(opening, periods + 1, int(game.lead.max()), is_detailed=is_detailed)
    for epoch, (reorder, up_to) in enumerate(zip(levels.reorder, levels.up_to, strict=True)):
        rules = kernel.rules_of(kernel.S_S, reorder, up_to, minimum=game.moq, multiple=1.0)
        begin = epoch * game.every
        # the review at the end of the last period is part of the run, and orders too late to count
        end = min(begin + game.every, periods + 1) if epoch + 1 < len(levels.up_to) else periods + 1
        kernel.advance(book, rules, demand, game.lead[:, None], begin, end, count_from=1)
    on_hand, served = (book.totals[:, at] for at in (kernel.ON_HAND_SUM, kernel.SERVED))
    if not is_detailed:
        nothing = np.zeros((0, 0))
        return Played(on_hand / periods, served, nothing > 0, nothing > 0, nothing)
    available, stock, owed, ordered, received = book.detail.astype(np.float64)
    position = stock - owed + np.cumsum(ordered - received, axis=1)
    near = SLACK * (1.0 + game.replayed)  # detail is kept in single precision
    return Played(
        on_hand / periods,
        served,
        owed[:, 1:] <= near,
        available[:, 1:] >= game.replayed - near,
        position[:, :-1],
    )


@dataclass(frozen=True, slots=True)
class History:
    """A data set of the benchmark as one panel: `demand` (n, T) by item in ascending order, NaN unobserved.

    `items`: tables `items` and `lanes`, a row an item.
    """

    start: date
    demand: Floats
    items: pl.DataFrame


def read_history(options: BenchmarkOptions, name: str, bucket: Bucket) -> History:
    """Return the data set of that name with its shipped mapping, every n-th item where fewer are wanted.

    Raises
    ------
    InputError : the folder of the data set is not there
    """
    folder = options.data / name
    if not folder.is_dir():
        what = f"There is no folder '{folder}'."
        raise InputError(what, remedy=f"Name the folder that holds `{name}` with --data.")
    mapping = ingest.find_mapping(name)
    tables = ingest.read(read_source(folder), mapping).tables
    source = mapping.source
    start, last = source.history_start, source.as_of
    if start is None or last is None:
        what = f"The mapping '{name}' does not say from when to when the history runs."
        raise InputError(what, remedy="Give `history_start` and `as_of` under [source].")
    items = tables["items"].sort("item_id")
    if options.points:
        items = items.gather_every(max(items.height // options.points[0], 1)).head(options.points[0])
    if "lanes" in tables:
        lanes = tables["lanes"].select("item_id", "lead_time_days_set", "min_order_qty")
        items = items.join(lanes, on="item_id", how="left", maintain_order="left")
    periods = periods_between(start, last, bucket)
    rows = (
        tables["demand"]
        .filter(pl.col("date") <= last)
        .join(items.select("item_id").with_row_index("row"), on="item_id")
        .select("row", "quantity", period=period_index(pl.col("date"), start, bucket))
    )
    demand = np.zeros((items.height, periods))
    at = rows["row"].to_numpy(), rows["period"].to_numpy()
    np.add.at(demand, at, rows["quantity"].fill_null(np.nan).to_numpy())
    return History(start, demand, items)


def monthly_game(options: BenchmarkOptions, name: str, train: int) -> Game:
    """Return the game of a data set that tells no cost, lead time or minimum.

    A unit costs 1, any whole quantity may be ordered, and lead times are 1, 2, 3 months by turns through the
    items. Only items that are observed to the end and asked for in training take part; every month is
    estimated anew.
    """
    history = read_history(options, name, "month")
    active = np.asarray((history.demand[:, :train] > 0.0).any(axis=1) & ~np.isnan(history.demand).any(axis=1))
    demand, one = history.demand[active], np.ones(int(active.sum()))
    return Game(
        name=name,
        bucket="month",
        start=history.start,
        items=tuple(history.items.filter(active)["item_id"]),
        demand=demand,
        lead=1 + np.arange(len(demand)) % LEADS,
        moq=0.0 * one,
        cost=one,
        train=train,
        every=1,
    )


def facts(game: Game) -> Tables:
    """Return the game as canonical tables: lead times are typed and kept, and an order costs nothing."""
    period = PERIOD_DAYS[game.bucket]
    item, t = np.nonzero(game.demand > 0.0)
    day = pl.Series([game.start]).dt.offset_by
    starts = pl.concat([day(f"{k}{EVERY[game.bucket][1:]}") for k in range(game.demand.shape[1])])
    items = pl.Series("item_id", game.items)
    demand = pl.DataFrame(
        {"date": starts.gather(t), "item_id": items.gather(item), "quantity": game.demand[item, t]}
    )
    lanes = {
        "item_id": items,
        "lead_time_days_set": game.lead * period,
        "min_order_qty": game.moq,
        "order_cost": np.zeros(len(game.items)),
        "unit_cost": game.cost,
    }
    here, there = pl.lit(PLACE), pl.lit(SOURCE)
    points = items.to_frame().with_columns(
        location_id=here,
        review_days=period,
        holding_rate=pl.lit(HOLDING_RATE),
        unmet_demand=pl.lit("backlog"),
    )
    found = {
        "demand": demand.with_columns(location_id=here),
        "items": pl.DataFrame({"item_id": items, "unit_cost": game.cost}),
        "lanes": pl.DataFrame(lanes).with_columns(to_location_id=here, from_location_id=there),
        "stocking_points": points,
        "locations": pl.DataFrame({"location_id": [PLACE], "kind": ["plant"]}),
    }
    return {name: table(name).conform(frame) for name, frame in found.items()}
