"""Promised against simulated: service and stock of every connected place, and of each echelon."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.links import KEY, connected, links
from plimsoll.network.simulation_measures import TINY, ratio
from plimsoll.network.world import World, world
from plimsoll.network.world_run import Seen, WorldRun, seen

NOISE = 3.0  # standard errors
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Checked:
    """What a plan promised and what its simulation found.

    `points` : table `network_check`
    `echelons` : see `by_echelon`
    `world` : what was simulated
    """

    points: pl.DataFrame
    echelons: pl.DataFrame
    world: World


def check(
    tables: Mapping[str, pl.DataFrame],
    *,
    kinds: Mapping[str, str] | None = None,
    others: pl.DataFrame | None = None,
    run: WorldRun | None = None,
) -> Checked:
    """Return what connected places promise beside what a simulation of all of them finds.

    Parameters
    ----------
    tables : of the plan: planning_point, demand_estimate, lead_time_estimate, target and the policy that is
        checked
    kinds : kind of each location, which names the echelons
    others : item_id, location_id of points without source and claimant of ours to check beside them: what
        these miss is not the network's
    run : how long and how often
    """
    chosen = run or WorldRun()
    known = (tables[name] for name in ("planning_point", "demand_estimate", "lead_time_estimate"))
    points, estimates, lead_times = known
    within = connected(points, tables.get("network_stage"))
    tree = links(within, estimates, tables["target"], tables["policy"])
    place = world(tree, points, estimates, lead_times, kinds, others)
    found = seen(place, tables["policy"], chosen)
    rows = check_rows(place, tables["policy"], found, chosen)
    return Checked(table("network_check").conform(rows), by_echelon(rows, found), place)


def check_rows(place: World, policies: pl.DataFrame, found: Seen, run: WorldRun) -> pl.DataFrame:
    """Return the rows of the table `network_check` in the order of the world.

        stock at the ends of days = stock at the ends of periods + f m (min(p, R) - 1) / 2

    because the plan counts stock every p days, when least of it is left; f is the fill rate, m the mean
    demand of a day, R the days between reviews.
    """
    rules = place.points.select(KEY).join(policies, on=KEY, how="left", maintain_order="left")
    own = ratio(found.served, found.wanted)
    total = ratio(found.served + found.at_once, found.wanted + found.asked)
    fill = rules["fill_rate_est"].to_numpy()
    until = place.points.select(pl.min_horizontal("review_days_eff", "period_days")).to_series().to_numpy()
    rate = place.points["mean_per_day_est"].to_numpy()
    runs = len(found.on_hand)
    error = found.on_hand.std(axis=0, ddof=1) / np.sqrt(runs) if runs > 1 else np.full(len(fill), np.nan)
    rows = place.points.select(*KEY, "echelon", "depth", "unit_cost_eff").with_columns(
        feeds=pl.Series(place.feeds),
        own_qty_per_day=pl.Series(found.wanted.mean(axis=0) / run.days),
        passed_qty_per_day=pl.Series(found.asked.mean(axis=0) / run.days),
        fill_rate_est=rules["fill_rate_est"],
        fill_rate_own_sim=pl.Series(own.estimate),
        fill_rate_own_error=pl.Series(own.se),
        fill_rate_all_sim=pl.Series(total.estimate),
        fill_rate_all_error=pl.Series(total.se),
        on_hand_est=rules["on_hand_mean_qty"] + pl.Series(fill * rate * np.maximum(until - 1.0, 0.0) / 2.0),
        on_hand_sim=pl.Series(found.on_hand.mean(axis=0)),
        on_hand_error=pl.Series(error),
        on_way_sim=pl.Series(found.on_way.mean(axis=0)),
    )
    numbers = pl.selectors.float().fill_nan(None)
    gap = (pl.col("fill_rate_all_sim") - pl.col("fill_rate_est")).abs()
    return rows.with_columns(numbers).with_columns(
        is_within_noise=gap <= NOISE * pl.col("fill_rate_all_error") + ROUNDING
    )


def by_echelon(rows: pl.DataFrame, found: Seen) -> pl.DataFrame:
    """Return promised and simulated service of each echelon, weighted by demand, and its stock at cost.

    | column | unit | meaning |
    |---|---|---|
    | echelon, feeds | | kind or depth of the places; whether they replenish places of ours |
    | points | | number |
    | fill_own_est, fill_own_sim, fill_own_error | share | of customers' units |
    | fill_own_value_est, fill_own_value_sim | share | of customers' units at cost |
    | fill_all_est, fill_all_sim, fill_all_error | share | of all units, places below included |
    | gap_points | points | simulated less promised of customers' units, or of all where they have none |
    | on_hand_est_value, on_hand_sim_value, on_way_sim_value | money | mean stock |

    Parameters
    ----------
    rows : as of `check_rows`
    found : what happened, in the same order
    """
    groups = rows.with_row_index("row").group_by("echelon", "feeds").agg("row", pl.col("depth").min())
    order = groups.sort("depth", "echelon", pl.col("feeds").not_())
    told = [
        {"echelon": echelon, "feeds": feeds} | _echelon_of(rows, found, np.sort(np.array(at)))
        for echelon, feeds, at, _ in order.iter_rows()
    ]
    schema = {"echelon": pl.String, "feeds": pl.Boolean, "points": pl.Int64} | dict.fromkeys(
        _TOLD, pl.Float64
    )
    return pl.DataFrame(told, schema=schema)


_TOLD = (
    "fill_own_est", "fill_own_sim", "fill_own_error", "fill_own_value_est", "fill_own_value_sim",
    "fill_all_est", "fill_all_sim", "fill_all_error", "gap_points",
    "on_hand_est_value", "on_hand_sim_value", "on_way_sim_value",
)  # fmt: skip


def _echelon_of(rows: pl.DataFrame, found: Seen, at: Ints) -> dict[str, float | int | None]:
    """Return the figures of the points in these rows."""
    cost, promised = (rows[name].to_numpy()[at] for name in ("unit_cost_eff", "fill_rate_est"))
    served, wanted = found.served[:, at], found.wanted[:, at]
    own = _together(served, wanted, promised)
    value = _together(served * cost, wanted * cost, promised)
    every = _together(served + found.at_once[:, at], wanted + found.asked[:, at], promised)
    before, after = own[:2] if own[1] is not None else every[:2]
    held, way = (quantity[:, at].mean(axis=0) for quantity in (found.on_hand, found.on_way))
    values = rows["on_hand_est"].to_numpy()[at], held, way
    gap = None if before is None or after is None else 100.0 * (after - before)
    told = (*own, *value[:2], *every, gap, *(float(quantity @ cost) for quantity in values))
    return {"points": len(at)} | dict(zip(_TOLD, told, strict=True))


def _together(served: Floats, asked: Floats, promised: Floats) -> tuple[float | None, ...]:
    """Return promised and simulated share of what all of some points are asked for, and its error."""
    weight = asked.mean(axis=0)
    if weight.sum() <= TINY:
        return None, None, None
    found = ratio(served.sum(axis=1, keepdims=True), asked.sum(axis=1, keepdims=True))
    return float((promised @ weight) / weight.sum()), float(found.estimate[0]), float(found.se[0])
