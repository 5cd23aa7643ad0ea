"""The graph of needs: what is made where, of what, how much earlier; cycles named and left out."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.bom.findings import CYCLE
from plimsoll.demand.upstream import replenished
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.maths.kernels.bom import children_first, cycles_of, longest
from plimsoll.maths.ragged import Floats, Ints

KEY = ["item_id", "location_id"]
COMPONENT = ["component_item_id", "location_id"]
WEEK = 7
CYCLES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Structure:
    """Places of items as nodes numbered parents first, and lines in compressed rows by parent.

    `nodes`: KEY in the order of their numbers; `bounds`, `child`, `factor`, `shift`, `profile_of`,
    `profile`: as of `maths.kernels.bom`, periods counted from `first_day`; `made`: whether a node's own
    demand starts the explosion (it is made here, and has lines).
    """

    nodes: pl.DataFrame
    bounds: Ints
    child: Ints
    factor: Floats
    shift: Ints
    profile_of: Ints
    profile: Floats
    made: Ints
    first_day: date
    weeks: int
    findings: list[Finding]


def made_at(points: pl.DataFrame) -> pl.DataFrame:
    """Return where items are made: item_id, location_id of the point they become stock at, and `plant`.

    That is the point itself under production, or the place that sends where the item is no point of its
    own there (made to the order of the place that it is sent to).
    """
    sender = {"item_id": "item_id", "from_location_id": "location_id"}
    sent = points.filter(pl.col("supply_kind") == "transfer").join(
        points.select(KEY), left_on=list(sender), right_on=KEY, how="anti"
    )
    produced = points.filter(pl.col("supply_kind") == "production")
    return pl.concat([produced, sent]).select(*KEY, plant="from_location_id")


def usable_lines(bom: pl.DataFrame, first_day: date, last_day: date) -> pl.DataFrame:
    """Return the lines in force on some day of the horizon, with the units of component in one parent.

        units = quantity_per / (1 - scrap_rate)

    Lines that lose everything, or need nothing, ask for no quantity that could be computed.
    """
    return (
        bom.with_columns(pl.col("scrap_rate").fill_null(0.0))
        .filter(
            pl.col("quantity_per") > 0,
            pl.col("scrap_rate") < 1,
            pl.col("valid_from").is_null() | (pl.col("valid_from") <= last_day),
            pl.col("valid_to").is_null() | (pl.col("valid_to") >= first_day),
        )
        .with_columns(units=pl.col("quantity_per") / (1 - pl.col("scrap_rate")))
    )


def structure(
    points: pl.DataFrame,
    bom: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimated: pl.DataFrame,
    *,
    as_of: date,
    weeks: int,
) -> Structure:
    """Return the graph along which demand for parents becomes demand for components.

    Lines lead from each place where a parent is made to its components there, and from a place to the
    one that replenishes it. Those of parents on or above a cycle are left out, and so are those to
    components that are `estimated` from what was issued.

    A component is needed one production lead time of its parent earlier, in whole periods, rounded so
    that errors do not add up along the longest chain: with F(p) the days of the longest chain above p,

        shift(p) = round((F(p) + L(p)) / 7) - round(F(p) / 7)

    Parameters
    ----------
    points : table `planning_point`
    bom : table `bom`
    lead_times : table `lead_time_estimate`
    estimated : KEY of components whose demand holds what production takes
    as_of : day of knowledge; the first period begins on the next day
    weeks : how far ahead
    """
    first_day = as_of + timedelta(days=1)
    lines = usable_lines(bom, first_day, as_of + timedelta(days=WEEK * weeks))
    edges = _edges(points, lines, lead_times, estimated)
    nodes = (
        pl.concat([edges.select(KEY), edges.select(item_id="child_item_id", location_id="child_location_id")])
        .unique()
        .sort(KEY)
    )
    edges = _numbered(edges, nodes)
    order, done = children_first(*_rows(edges, nodes.height))
    findings = []
    if done < nodes.height:
        findings.append(_cycle_finding(nodes, edges, order[done:], lines))
        edges = edges.filter(~pl.col("parent").is_in(order[done:].tolist()))
        order, done = children_first(*_rows(edges, nodes.height))
    position = np.empty(nodes.height, dtype=np.int64)
    position[order[::-1]] = np.arange(nodes.height)
    edges = edges.with_columns(
        parent=pl.Series(position[edges["parent"].to_numpy()]),
        child=pl.Series(position[edges["child"].to_numpy()]),
    ).sort("parent", "child", "valid_from", "units")
    bounds, child = _rows(edges, nodes.height)
    shift = _shifts(bounds, child, edges)
    horizon = weeks + int(longest(bounds, child, shift.astype(np.float64)).max(initial=0.0))
    profile_of, profile = _profiles(edges, first_day, horizon)
    made = edges.filter(pl.col("plant_line"))["parent"].unique().sort().to_numpy()
    return Structure(
        nodes[order[::-1]], bounds, child, edges["units"].to_numpy().astype(np.float64), shift, profile_of,
        profile, made, first_day, weeks, findings,
    )  # fmt: skip


def _edges(
    points: pl.DataFrame, lines: pl.DataFrame, lead_times: pl.DataFrame, estimated: pl.DataFrame
) -> pl.DataFrame:
    """Return lines of bills at every place that makes the parent, and transfers, by names."""
    mean_days = lead_times.select("item_id", "to_location_id", "from_location_id", days="mean_days_est")
    made = made_at(points).join(
        mean_days,
        left_on=[*KEY, "plant"],
        right_on=["item_id", "to_location_id", "from_location_id"],
        how="left",
    )
    taken = (
        made.join(lines, left_on="item_id", right_on="parent_item_id")
        .join(estimated.select(KEY), left_on=["component_item_id", "plant"], right_on=KEY, how="anti")
        .select(
            *KEY,
            "units",
            "valid_from",
            "valid_to",
            pl.col("component_item_id").alias("child_item_id"),
            pl.col("plant").alias("child_location_id"),
            pl.col("days").fill_null(0.0),
            pl.lit(value=True).alias("plant_line"),
        )
    )
    never = pl.lit(None, dtype=pl.Date)
    sent = (
        replenished(points)
        .join(points.select(KEY).join(made.select(KEY), on=KEY, how="anti"), on=KEY, how="semi")
        .select(
            *KEY,
            pl.lit(1.0).alias("units"),
            never.alias("valid_from"),
            never.alias("valid_to"),
            pl.col("item_id").alias("child_item_id"),
            pl.col("from_location_id").alias("child_location_id"),
            pl.lit(0.0).alias("days"),
            pl.lit(value=False).alias("plant_line"),
        )
    )
    return pl.concat([taken, sent])


def _numbered(edges: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    numbers = nodes.with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))
    return (
        edges.join(numbers.rename({"number": "parent"}), on=KEY)
        .join(
            numbers.rename({"number": "child"}), left_on=["child_item_id", "child_location_id"], right_on=KEY
        )
        .sort("parent", "child", "valid_from", "units")
    )


def _rows(edges: pl.DataFrame, n: int) -> tuple[Ints, Ints]:
    """Return bounds and children of edges sorted by parent."""
    bounds = np.searchsorted(edges["parent"].to_numpy(), np.arange(n + 1)).astype(np.int64)
    return bounds, edges["child"].to_numpy().astype(np.int64)


def _shifts(bounds: Ints, child: Ints, edges: pl.DataFrame) -> Ints:
    days = edges["days"].to_numpy().astype(np.float64)
    above = longest(bounds, child, days)[edges["parent"].to_numpy()]
    weeks = np.floor((above + days) / WEEK + 0.5) - np.floor(above / WEEK + 0.5)
    return np.asarray(weeks, dtype=np.int64)


def _profiles(edges: pl.DataFrame, first_day: date, horizon: int) -> tuple[Ints, Floats]:
    """Return the row of each line (-1 if in force throughout) and the shares of periods in force."""
    day = {
        name: (edges[name].cast(pl.Int32) - pl.Series([first_day]).cast(pl.Int32)[0]).to_numpy()
        for name in ("valid_from", "valid_to")
    }
    begin = np.nan_to_num(day["valid_from"].astype(np.float64), nan=-np.inf)
    end = np.nan_to_num(day["valid_to"].astype(np.float64), nan=np.inf) + 1
    dated = (begin > 0) | (end < WEEK * horizon)
    first = WEEK * np.arange(horizon)
    days = np.minimum(end[dated, None], first + WEEK) - np.maximum(begin[dated, None], first)
    row = np.where(dated, np.cumsum(dated) - 1, -1)
    return row.astype(np.int64), np.clip(days / WEEK, 0.0, 1.0)


def _cycle_finding(nodes: pl.DataFrame, edges: pl.DataFrame, caught: Ints, lines: pl.DataFrame) -> Finding:
    """Return the finding that names the cycles; every caught node has a caught child, so walks end in one."""
    inside = edges.filter(pl.col("parent").is_in(caught.tolist()), pl.col("child").is_in(caught.tolist()))
    first = inside.group_by("parent").agg(pl.col("child").min())
    follower = np.full(nodes.height, -1, dtype=np.int64)
    follower[first["parent"].to_numpy()] = first["child"].to_numpy()
    cycle = cycles_of(follower)
    texts = []
    for number in range(min(int(cycle.max()) + 1, CYCLES_NAMED)):
        walk = [int(np.flatnonzero(cycle == number)[0])]
        while follower[walk[-1]] != walk[0]:
            walk.append(int(follower[walk[-1]]))
        texts.append(
            " -> ".join(dict.fromkeys(nodes["item_id"].gather(walk))) + f" -> {nodes['item_id'][walk[0]]}"
        )
    n_cycles = int(cycle.max()) + 1
    named = "; ".join(texts) + ("; …" if n_cycles > CYCLES_NAMED else "")
    left_out = nodes[np.sort(caught)].filter(
        pl.col("item_id").is_in(lines["parent_item_id"].unique().implode())
    )
    n = left_out["item_id"].n_unique()
    keys = keys_of(left_out.select("item_id").unique(maintain_order=True), ["item_id"])
    return CYCLE.finding(n, keys, cycles="a cycle" if n_cycles == 1 else f"{n_cycles:,} cycles", named=named)
