"""Today's orders and moves as one plan: what leaves a place is there, and what moves is not ordered."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding
from plimsoll.replenish.allocate import Shipped, with_shipments
from plimsoll.replenish.calls import Links, links, with_orders
from plimsoll.replenish.components import with_components
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.rebalance import Rebalanced, rebalance


@dataclass(frozen=True, slots=True)
class Together:
    """Every point with its order of today and what waits; tables `move` and `allocation`; findings."""

    state: pl.DataFrame
    move: pl.DataFrame
    allocation: pl.DataFrame
    findings: tuple[Finding, ...]


def fit_together(
    state: pl.DataFrame,
    open_orders: pl.DataFrame,
    bom: pl.DataFrame | None,
    params: ReplenishParams,
    *,
    as_of: date,
) -> Together:
    """Return today's orders of all points, with the moves that spare some of them.

    Orders are first decided without moves; they say who wants what and who is short. Then stock moves
    where it pays, counts where it goes as on order and no longer where it leaves, and orders are decided
    again.

    Parameters
    ----------
    state : points with position, estimates and policies, the laws of demand included
    open_orders : orders still to come
    bom : table `bom`, or nothing
    params : options
    as_of : day of knowledge

    Returns
    -------
    Together
        The state further has the columns of `with_orders` and `with_shipments`, moved_in_qty,
        moved_out_qty and due_date. Points that are linked to no other come out as if alone.
    """
    linked = links(state, bom, as_of=as_of)
    state = state.with_columns(moved_in_qty=pl.lit(0.0), moved_out_qty=pl.lit(0.0))
    decided = _decided(state, linked, open_orders, params, as_of)
    moves = rebalance(decided.state, linked, params, as_of=as_of)
    if moves.move.height:
        decided = _decided(_moved(state, moves), linked, open_orders, params, as_of)
    made = with_components(decided.state, linked, open_orders, as_of=as_of)
    lead = pl.duration(days=pl.col("mean_days_est").ceil().cast(pl.Int64))
    nothing_yet = (pl.col("waiting_qty") > 0) & (pl.col("ship_now_qty") <= 0)
    leaves = pl.when(nothing_yet).then("waiting_until")
    return Together(
        made.state.with_columns(due_date=(pl.coalesce(leaves, pl.lit(as_of)) + lead).cast(pl.Date)),
        moves.move,
        decided.allocation,
        (*decided.findings, *made.findings),
    )


def _decided(
    state: pl.DataFrame, linked: Links, open_orders: pl.DataFrame, params: ReplenishParams, as_of: date
) -> Shipped:
    ordered = with_orders(state, linked, order_owed_when_not_held=params.order_owed_when_not_held)
    return with_shipments(ordered, linked, open_orders, as_of=as_of)


def _moved(state: pl.DataFrame, moves: Rebalanced) -> pl.DataFrame:
    """Return the positions after the moves; what comes counts against a last buy, too."""
    leaving, arriving = pl.Series(moves.leaving), pl.Series(moves.arriving)
    return state.with_columns(
        moved_out_qty=leaving,
        moved_in_qty=arriving,
        on_hand_qty=pl.col("on_hand_qty") - leaving,
        on_order_qty=pl.col("on_order_qty") + arriving,
        position_qty=pl.col("position_qty") - leaving + arriving,
        last_buy_qty=(pl.col("last_buy_qty") - arriving).clip(0.0),
    )
