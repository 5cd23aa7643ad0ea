"""Stock that sits in the wrong place: which of it moves to where it would be ordered today."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.reasons import UNKNOWN_SOURCE
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.allocation import shortages
from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.replenish.allocate import available_of, weight_of
from plimsoll.replenish.calls import Links
from plimsoll.replenish.moves_flow import Flow, best_moves
from plimsoll.replenish.moves_wording import with_words
from plimsoll.replenish.own_customers import own_share
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.waiting import per_row

TRANCHES = 4  # equal parts of an excess or a want, each with its own money a unit
# Only stock that is planned, or must not be kept, or has come to its end, may leave.
MAY_LEAVE = ("do_not_stock", "ended")


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """The table `move`, and the units (n,) that leave and reach each row of the state."""

    move: pl.DataFrame
    leaving: Floats
    arriving: Floats


@dataclass(frozen=True, slots=True)
class _Side:
    """Places on one side: their rows, whole units, and units and money a unit by tranche (n, TRANCHES)."""

    row: Ints
    units: Floats
    tranche: Floats
    holding: Floats
    risk: Floats

    @property
    def value(self) -> Floats:
        return self.holding + self.risk


def rebalance(state: pl.DataFrame, linked: Links, params: ReplenishParams, *, as_of: date) -> Rebalanced:
    """Return the moves between places of ours that bring more than they cost.

    A place has excess above its order-up-to level plus `excess_days` of its demand, or above what is
    worth having until an item ends; a place wants what it would order today, less what other places call
    for there. A unit at position y of a place with demand rate μ would be used there y / μ days from now.
    Moved, it saves an order once the place that gets it, or whatever feeds that, would buy, d days from
    now::

        gain a unit  =  c_a min(1, h_a y / μ)  −  c_b min(1, h_b d)                          holding
                      + w_b P(D_b > y_b) max(0, 1 − m / W_b)  −  w_a P(D_a > y_a)            shortage
        cost         =  move_cost for each move  +  move_cost_share × c_a a unit

    with c unit cost, h holding rate a day, w the money of a unit short, m the days of a move, and W_b the
    days that an order takes there, waiting included; at a place that feeds others only the share of its
    own customers counts, since places that wait want for themselves. A unit saves no more than its cost:
    that is what stock without demand brings. D_b is demand over W_b: of the lead time, or of the
    protection interval where the order must wait.

    Parameters
    ----------
    state : points after `calls.with_orders` and `allocate.with_shipments`, with pmf_lead
    linked : who draws on whom
    params : which places, what moves cost
    as_of : day of the moves

    Returns
    -------
    Rebalanced
        Only moves whose own gain is above their own cost.

    Edge cases
    ----------
    Stock of items engineered to order never moves, nor does stock that is owed, allocated or sent today.
    """
    nothing = Rebalanced(table("move").empty(), np.zeros(state.height), np.zeros(state.height))
    if params.rebalance_between == "none" or not state.height:
        return nothing
    parent = linked.parents(state.height)
    has = _excess(state, parent, params)
    wants = _wants(state, linked, parent, params)
    pairs = _pairs(state, has, wants, parent, params)
    if not pairs.height:
        return nothing
    origin, target = (pairs[name].cast(pl.Int64).to_numpy() for name in ("origin", "target"))
    unit_cost = params.move_cost_share * state["unit_cost_eff"].to_numpy()[has.row[origin]]
    best = has.value[origin, 0] + wants.value[target, 0] - unit_cost
    pays = best * np.minimum(has.units[origin], wants.units[target]) > params.move_cost
    if not pays.any():
        return nothing
    origin, target, unit_cost = origin[pays], target[pays], unit_cost[pays]
    fixed = np.full(len(origin), params.move_cost)
    units = best_moves(
        Flow(origin, target, unit_cost, fixed, has.tranche, has.value, wants.tranche, wants.value)
    )
    holding = units * (_mean(has, has.holding, origin, units) + _mean(wants, wants.holding, target, units))
    risk = units * (_mean(has, has.risk, origin, units) + _mean(wants, wants.risk, target, units))
    cost = unit_cost * units + fixed
    kept = (units > 0) & (holding + risk > cost)
    lines = pl.DataFrame(
        {
            "quantity": units[kept],
            "cost": cost[kept],
            "holding_saved": holding[kept],
            "shortage_avoided": risk[kept],
            "excess_qty": has.units[origin[kept]],
        }
    )
    leaves, reaches = has.row[origin[kept]], wants.row[target[kept]]
    return Rebalanced(
        _table(state, lines, leaves, reaches, parent, params, as_of),
        _at(leaves, units[kept], state.height),
        _at(reaches, units[kept], state.height),
    )


def _excess(state: pl.DataFrame, parent: Ints, params: ReplenishParams) -> _Side:
    """Return the places with more than they need, the units that would be used last first."""
    held = pl.col("policy") != "none"
    level = pl.when(held).then(pl.max_horizontal("order_up_to_qty", "reorder_point_qty")).otherwise(0.0)
    beyond = params.excess_days * pl.col("mean_per_day_est")
    # Where an item ends, what is worth having until the end is known, and nothing beyond it is needed.
    kept = pl.coalesce("position_limit_qty", level + beyond)
    may = pl.col("planned") | pl.col("left_out_reason").is_in(MAY_LEAVE).fill_null(value=False)
    sent = pl.Series(per_row(parent, state["ship_now_qty"].fill_null(0.0).to_numpy()))
    free = pl.min_horizontal(pl.Series(available_of(state)) - sent, "position_qty")
    spare = (
        state.select(pl.when(may).then((free - kept).clip(0.0).floor()).otherwise(0.0)).to_series().to_numpy()
    )
    row = np.flatnonzero(spare > 0)
    some, units = state[row], spare[row]
    tranche = _tranches(units)
    position = some["position_qty"].to_numpy()[:, None]
    low = position - np.cumsum(tranche, axis=1)
    middle = low + tranche / 2
    rate = some["mean_per_day_est"].to_numpy()[:, None]
    days = np.divide(middle, rate, out=np.full_like(middle, np.inf), where=rate > 0)
    cost = some["unit_cost_eff"].to_numpy()[:, None]
    # From the lowest tranche up, and then in the order in which they leave.
    at_risk = _short_between(some, "pmf_protection", low[:, -1], tranche[:, ::-1])[:, ::-1]
    return _Side(row, units, tranche, cost * _saved(some, days), -at_risk)


def _wants(state: pl.DataFrame, linked: Links, parent: Ints, params: ReplenishParams) -> _Side:
    """Return the places that order today, the units that are needed first first."""
    own = (pl.col("quantity") - pl.col("called_qty")).clip(0.0).floor()
    wanted = state.select(own).to_series().to_numpy()
    row = np.flatnonzero(wanted > 0)
    some, units = state[row], wanted[row]
    tranche = _tranches(units)
    cost = some["unit_cost_eff"].to_numpy()[:, None]
    later = cost * _saved(some, _until_bought(state, linked, parent)[row][:, None])
    waits = some["waiting_qty"].to_numpy() > 0
    # Only what has a source of ours waits.
    ready = np.minimum(state["ready_days"].to_numpy()[parent[row]], DAYS_PER_YEAR)
    window = some["mean_days_est"].to_numpy() + np.where(waits, ready, 0.0)
    sooner = np.clip(1.0 - params.move_days / np.maximum(window, 1.0), 0.0, 1.0)
    position = some["position_qty"].to_numpy()
    in_lead = _short_between(some, "pmf_lead", position, tranche)
    longer = _short_between(some, "pmf_protection", position, tranche)
    feeds = np.isin(row, linked.source)
    theirs = np.where(feeds, own_share(some), 1.0)
    risk = np.where(waits[:, None], longer, in_lead) * (sooner * theirs)[:, None]
    return _Side(row, units, tranche, -later, risk)


def _at(rows: Ints, units: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(rows, units, n), dtype=np.float64)


def _tranches(units: Floats) -> Floats:
    """Return whole units (n,) cut into tranches (n, TRANCHES) as equal as can be, none empty first."""
    edges = np.ceil(units[:, None] * np.arange(TRANCHES + 1) / TRANCHES)
    return np.diff(edges, axis=1)


def _saved(some: pl.DataFrame, days: Floats) -> Floats:
    """Return the share of its cost that holding a unit for these days costs, at most all of it."""
    daily = some["holding_rate_eff"].to_numpy()[:, None] / DAYS_PER_YEAR
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(days), 1.0, np.minimum(daily * np.maximum(days, 0.0), 1.0))
    return np.asarray(share)


def _short_between(some: pl.DataFrame, law: str, position: Floats, tranche: Floats) -> Floats:
    """Return the money of shortage that each unit of the tranches above a position avoids (n, TRANCHES)."""
    level = np.column_stack([position, position[:, None] + np.cumsum(tranche, axis=1)])
    held = (some["policy"] != "none").to_numpy()[:, None]
    values, cuts = from_lists(some[law])
    expected = shortages(values, cuts, some["step_qty"].to_numpy(), level)
    fewer = -np.diff(np.where(held, expected, np.maximum(-level, 0.0)), axis=1)
    worth = weight_of(some)[:, None] * fewer
    return np.divide(worth, tranche, out=np.zeros_like(worth), where=tranche > 0)


def _until_bought(state: pl.DataFrame, linked: Links, parent: Ints) -> Floats:
    """Return the days (n,) until a unit that is not ordered today spares one that is bought or made.

    That is when the last place on the way to the supplier would next order.
    """
    rate = state["mean_per_day_est"].to_numpy()
    above = state["position_qty"].to_numpy() - state["reorder_point_qty"].to_numpy()
    days = np.divide(np.maximum(above, 0.0), rate, out=np.full_like(rate, np.inf), where=rate > 0)
    days[state["quantity"].to_numpy() > 0] = 0.0
    for rows in reversed(linked.passes):
        fed = rows[parent[rows] >= 0]
        days[fed] = np.maximum(days[fed], days[parent[fed]])
    return np.asarray(days)


def _pairs(
    state: pl.DataFrame, has: _Side, wants: _Side, parent: Ints, params: ReplenishParams
) -> pl.DataFrame:
    """Return origin and target, numbers on their sides, of all places that may move to each other."""
    key = ["item_id", "location_id", "from_location_id"]
    rows = state.select(key)
    origins = rows[has.row].with_row_index("origin")
    targets = rows[wants.row].with_row_index("target")
    both = origins.join(targets, on="item_id", suffix="_to").filter(
        pl.col("location_id") != pl.col("location_id_to")
    )
    if params.rebalance_between == "linked":
        known = pl.col("from_location_id") != UNKNOWN_SOURCE
        siblings = known & (pl.col("from_location_id") == pl.col("from_location_id_to"))
        home = pl.col("from_location_id") == pl.col("location_id_to")
        both = both.filter(siblings | home)
    # What flows down a lane anyway is an order, not a move.
    down = pl.col("location_id") == pl.col("from_location_id_to")
    return both.filter(~down).sort("origin", "target")


def _mean(side: _Side, money: Floats, of: Ints, units: Floats) -> Floats:
    """Return the money a unit (P,) of the tranches that are moved, the same for all pairs of a place."""
    moved = _at(of, units, len(side.row))
    before = np.cumsum(side.tranche, axis=1) - side.tranche
    used = np.clip(moved[:, None] - before, 0.0, side.tranche)
    total = np.divide((used * money).sum(axis=1), moved, out=np.zeros_like(moved), where=moved > 0)
    return np.asarray(total[of])


def _table(
    state: pl.DataFrame,
    lines: pl.DataFrame,
    leaves: Ints,
    reaches: Ints,
    parent: Ints,
    params: ReplenishParams,
    as_of: date,
) -> pl.DataFrame:
    """Return the table `move`, in words."""
    origin, target = state[leaves], state[reaches]
    rate = pl.col("mean_per_day_est")
    until = pl.when(rate > 0).then(pl.col("position_qty") / rate)
    of_target = target.select(
        pl.col("quantity").alias("wanted_qty"),
        to_location_id="location_id",
        supply_kind="supply_kind",
        supplier="from_location_id",
        waiting_qty="waiting_qty",
    )
    kind = pl.Series(np.where(parent[leaves] == reaches, "return", "transshipment"))
    gain = pl.col("holding_saved") + pl.col("shortage_avoided")
    told = (
        origin.select(
            "item_id",
            from_location_id="location_id",
            unit_cost="unit_cost_eff",
            excess_days=until,
        )
        .hstack(of_target)
        .hstack(lines)
        .with_columns(
            kind=kind,
            value=pl.col("quantity") * pl.col("unit_cost"),
            gain=gain,
            net=gain - pl.col("cost"),
            order_date=pl.lit(as_of),
            due_date=pl.lit(as_of + timedelta(days=int(np.ceil(params.move_days)))),
        )
    )
    declared = table("move")
    worded = with_words(told)
    return declared.conform(worded.select([name for name in declared.names if name in worded.columns]))
