"""Successors: demand, evidence and stock pass from an item to the one that takes over, chains and all."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.lifecycle.messages import LOOP, UNKNOWN_SUCCESSOR
from plimsoll.maths.ragged import Ints

LANE = ["item_id", "to_location_id", "from_location_id"]


@dataclass(frozen=True, slots=True)
class Inherited:
    """The facts after succession, who follows whom (table `succession`), and findings."""

    facts: dict[str, pl.DataFrame]
    heirs: pl.DataFrame
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Succession:
    """Demand with the history of each item at its last successor, who follows whom, and findings.

    `heirs`: item_id, heir_id (the end of the chain), handover_date (null: from the start) and same_unit,
    one row for each item that has been taken over by `as_of`.
    """

    demand: pl.DataFrame
    heirs: pl.DataFrame
    findings: tuple[Finding, ...]


def succeed(demand: pl.DataFrame, items: pl.DataFrame, *, as_of: date) -> Succession:
    """Return the demand with that of superseded items moved to the end of their chain.

    An item is taken over on the launch day of its successor, or on the day after its own end if that
    comes first and the successor has no launch day; without either, at once. Until then nothing
    moves. From then on all its demand, past and present, counts as demand for the successor, at the
    same place and on the same day: what was asked for then will be asked for under the new number.

    Parameters
    ----------
    demand : table `demand`; rows later than `as_of` are handed back as they are
    items : table `items`; superseded_by, launch_date and end_date
    as_of : day of knowledge

    Returns
    -------
    Succession
        Items in a circle keep their own demand, and so do items whose successor does not exist, both with a
        finding; the rest goes on.

    Examples
    --------
    >>> items = pl.DataFrame({"item_id": ["A", "B", "X", "Y"], "superseded_by": ["B", None, "Y", "X"]})
    >>> unknown = [pl.lit(None, dtype=pl.Date).alias(name) for name in ("launch_date", "end_date")]
    >>> items = items.with_columns(*unknown, unit=pl.lit("pcs"))
    >>> rows = {"date": [date(2026, 1, 5)], "item_id": ["A"], "location_id": ["M"], "quantity": [1.0]}
    >>> rows = pl.DataFrame(rows)
    >>> done = succeed(rows, items, as_of=date(2026, 2, 1))
    >>> done.demand["item_id"].to_list(), [(one.code, one.keys) for one in done.findings]
    (['B'], [('supersession_loop', 'X -> Y -> X')])
    """
    known = demand.filter(pl.col("date") <= as_of)
    items = items.sort("item_id")
    names = items["item_id"]
    code = pl.DataFrame({"superseded_by": names, "code": np.arange(items.height)})
    joined = items.select("item_id", "superseded_by", "end_date").join(
        code, on="superseded_by", how="left", maintain_order="left"
    )
    follower = joined["code"].fill_null(-1).to_numpy().astype(np.int64)
    lost = joined.filter(pl.col("superseded_by").is_not_null() & pl.col("code").is_null())
    in_circle = _in_circle(follower)
    circles = _circles(follower, in_circle, names)
    follower = np.where(in_circle, -1, follower)
    launch = items["launch_date"].to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
    ends = items["end_date"].to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
    # The day on which each item's place is taken by the next one; not a number: at once.
    launched = np.where(follower >= 0, launch[np.maximum(follower, 0)], np.nan)
    handover = np.where(np.isfinite(launched), launched, ends + 1.0)
    today = (as_of - date(1970, 1, 1)).days
    taken = (follower >= 0) & ~(handover > today)
    heir = _last(np.where(taken, follower, -1))
    rows = np.flatnonzero(taken)
    heirs = pl.DataFrame(
        {
            "item_id": names.gather(rows),
            "heir_id": names.gather(heir[rows]),
            "handover_date": pl.Series(handover[rows], nan_to_null=True).cast(pl.Int32).cast(pl.Date),
            # Only stock in the same unit can stand in for the successor's; an unknown unit is the same.
            "same_unit": (items["unit"].gather(rows) == items["unit"].gather(heir[rows])).fill_null(
                value=True
            ),
        }
    )
    later = demand.filter(pl.col("date") > as_of)
    moved = pl.concat([to_heirs(known, heirs), later])
    return Succession(moved, heirs, tuple(_findings(circles, lost)))


def to_heirs(rows: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return rows of any table (open orders, availability) under the number of the successor."""
    named = rows.join(heirs.select("item_id", "heir_id"), on="item_id", how="left", maintain_order="left")
    return named.with_columns(item_id=pl.coalesce("heir_id", "item_id")).select(rows.columns)


def count_toward_heirs(stock: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the stock with what is left of superseded items counted as stock of their successor.

    It is used up first, so the successor is bought only beyond it. Counts of several items at one
    place and on one day add up; a place whose items were counted on different days has the latest
    count of each on the latest of these days.

    Parameters
    ----------
    stock : table `stock`
    heirs : of `Succession`
    """
    place, heirs = ["item_id", "location_id"], heirs.filter("same_unit")
    either = pl.concat([heirs["item_id"], heirs["heir_id"]]).implode()
    mine = stock.filter(pl.col("item_id").is_in(either))
    if mine.is_empty():
        return stock
    named = mine.join(heirs.select("item_id", "heir_id"), on="item_id", how="left", maintain_order="left")
    latest = named.sort("date", *place).unique(place, keep="last", maintain_order=True)
    merged = (
        latest.with_columns(item_id=pl.coalesce("heir_id", "item_id"))
        .sort(*place, "date", "on_hand")
        .group_by(place, maintain_order=True)
        .agg(
            pl.col("date").max(),
            pl.col("on_hand").clip(0.0).sum(),
            # Unknown stays unknown, unless one of the items is known.
            *(
                pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
                for name in ("allocated", "backlog")
            ),
        )
        .select(stock.columns)
    )
    others = stock.join(mine.select(place).unique(), on=place, how="anti", maintain_order="left")
    return pl.concat([others, merged]).sort(place)


def without_superseded(points: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the planning points with superseded items left out of planning: they are bought no more."""
    taken = pl.col("item_id").is_in(heirs["item_id"].implode())
    return points.with_columns(
        planned=pl.col("planned") & ~taken,
        left_out_reason=pl.when(taken & pl.col("left_out_reason").is_null())
        .then(pl.lit("superseded"))
        .otherwise("left_out_reason"),
    )


def inherit(facts: dict[str, pl.DataFrame], *, as_of: date) -> Inherited:
    """Return the facts with demand, stock, orders, events and uses of superseded items at their successors.

    Done before the company is completed, so that a successor is planned wherever its predecessor was, from
    where that came if no lane of its own leads there. It is as old as the oldest item whose demand it has:
    no new item, though launched yesterday.
    """
    if not {"items", "demand"} <= facts.keys():
        return Inherited(facts, table("succession").empty(), ())
    done = succeed(facts["demand"], facts["items"], as_of=as_of)
    moved = dict(facts)
    if done.heirs.height:
        same = done.heirs.filter("same_unit")
        moved["demand"] = done.demand
        moved["items"] = _as_old_as(facts["items"], done.heirs)
        if "events" in facts:
            moved["events"] = _with_events(facts["events"], done.heirs)
        if "bom" in facts:
            moved["bom"] = _with_uses(facts["bom"], done.heirs)
        if "stock" in facts:
            moved["stock"] = count_toward_heirs(facts["stock"], same)
        if "lanes" in facts:
            moved["lanes"] = _with_lanes(facts["lanes"], facts["items"], same)
        for name in {"open_orders", "availability"} & facts.keys():
            moved[name] = to_heirs(facts[name], same).unique(maintain_order=True)
    return Inherited(moved, table("succession").conform(done.heirs), done.findings)


def _as_old_as(items: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the items with successors launched when the first of their predecessors was."""
    of_old = heirs.join(items.select("item_id", "launch_date"), on="item_id").group_by("heir_id")
    # Unknown since when: from the start of all demand.
    since = of_old.agg(old=pl.col("launch_date").min(), unknown=pl.col("launch_date").is_null().any())
    older = pl.when(~pl.col("unknown")).then(pl.min_horizontal("launch_date", "old"))
    return (
        items.join(since, left_on="item_id", right_on="heir_id", how="left", maintain_order="left")
        .with_columns(launch_date=pl.when(pl.col("unknown").is_null()).then("launch_date").otherwise(older))
        .select(items.columns)
    )


def _with_lanes(lanes: pl.DataFrame, items: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the lanes with those of predecessors to places that no lane of the successor leads to.

    What the predecessor cost is not what the successor costs, where that is known.
    """
    costs = items.select("item_id", own_cost="unit_cost").unique("item_id", keep="first", maintain_order=True)
    known = pl.col("own_cost").is_not_null()
    taken = (
        to_heirs(lanes.join(heirs, on="item_id", how="semi", maintain_order="left"), heirs)
        .join(lanes, on=["item_id", "to_location_id"], how="anti", maintain_order="left")
        .join(costs, on="item_id", how="left", maintain_order="left")
        .with_columns(pl.when(~known).then(name).alias(name) for name in ("unit_cost", "price_breaks"))
        .select(lanes.columns)
        .sort(LANE, maintain_order=True)
        .unique(LANE, keep="first", maintain_order=True)
    )
    return pl.concat([lanes, taken])


def _with_events(events: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the events with those that bring demand at the successor; phases of a life stay its own."""
    phase = pl.col("kind").is_in(["phase_in", "phase_out"])
    return pl.concat([events.filter(phase), to_heirs(events.filter(~phase), heirs)])


def _with_uses(bom: pl.DataFrame, heirs: pl.DataFrame) -> pl.DataFrame:
    """Return the bills with successors in place of superseded components, unless a bill names both."""
    named = bom.select("parent_item_id", heir_id="component_item_id", both=pl.lit(value=True)).unique()
    return (
        bom.join(
            heirs.select("heir_id", component_item_id="item_id"),
            on="component_item_id", how="left", maintain_order="left",
        )
        .join(named, on=["parent_item_id", "heir_id"], how="left", maintain_order="left")
        .with_columns(
            component_item_id=pl.when(pl.col("both").is_null())
            .then(pl.coalesce("heir_id", "component_item_id"))
            .otherwise("component_item_id")
        )
        .select(bom.columns)
    )  # fmt: skip


def _last(follower: Ints) -> Ints:
    """Return the end of each chain by doubling the step; -1 follows nobody. There is no circle."""
    at = np.where(follower >= 0, follower, np.arange(len(follower)))
    while True:
        further = at[at]
        if (further == at).all():
            return at
        at = further


def _in_circle(follower: Ints) -> np.ndarray:
    """Return which items are in a circle: those still reached after as many steps as there are items."""
    n = len(follower)
    # A sink of its own takes the ends of all chains.
    step = np.append(np.where(follower >= 0, follower, n), n)
    reached = np.arange(n + 1)
    for _ in range(max(n, 1).bit_length() + 1):
        reached, step = step[reached], step[step]
    inside = np.zeros(n + 1, dtype=np.bool_)
    inside[reached[reached < n]] = True
    return inside[:n]


def _circles(follower: Ints, inside: np.ndarray, names: pl.Series) -> list[str]:
    """Return each circle by name, from its first item back to it."""
    open_, found = set(np.flatnonzero(inside).tolist()), []
    while open_:
        start = min(open_)
        walk = [start]
        while int(follower[walk[-1]]) != start:
            walk.append(int(follower[walk[-1]]))
        open_ -= set(walk)
        found.append(" -> ".join(names.gather([*walk, start]).to_list()))
    return found


def _findings(circles: list[str], lost: pl.DataFrame) -> list[Finding]:
    found = []
    if circles:
        found.append(LOOP.finding(len(circles), first_keys(circles)))
    if lost.height:
        found.append(UNKNOWN_SUCCESSOR.finding(lost.height, keys_of(lost, ["item_id", "superseded_by"])))
    return found
