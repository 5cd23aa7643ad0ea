"""What our own places can send today of what is called for, and who gets it where that is too little."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.allocation import ration
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists, to_lists
from plimsoll.replenish.allocation_table import Sources, allocation_table
from plimsoll.replenish.calls import Links
from plimsoll.replenish.own_customers import SPREADS, own_demand, own_laws, promised
from plimsoll.replenish.position import KEY
from plimsoll.replenish.waiting import as_days, days_to_wait, next_arrival

Flags = NDArray[np.bool_]

LEAST_WEIGHT = 1e-9  # money; where neither shortage cost nor price nor cost is known, units count alike
_SAME = 1e-6  # units; nearer than this is equal

SHORT = Message(
    "transfer_short",
    "warning",
    "recommendation",
    "{n} transfer<|s> of today cannot leave in full ({keys}).",
    "The place that sends has less on hand than its places call for: {units} units wait.",
    "What is there goes where the next unit avoids most expected shortage in money; the rest waits.",
    "Expedite what the sending places have on order; the table 'allocation' says who gets what.",
)


@dataclass(frozen=True, slots=True)
class Shipped:
    """The state with what leaves now and what waits, the table `allocation`, findings."""

    state: pl.DataFrame
    allocation: pl.DataFrame
    findings: tuple[Finding, ...] = ()


def with_shipments(state: pl.DataFrame, linked: Links, open_orders: pl.DataFrame, *, as_of: date) -> Shipped:
    """Return what each transfer of today can take along, and what waits until when.

    A place can send what it has on hand less what it owes and has allocated. Transfers open on
    `as_of` are under way: they have left it. Where less is there than is called for, the next lot goes to
    the claim where it avoids most expected shortage in money (`maths.kernels.allocation`):

        w P(D > y + x)    a unit,   w = shortage cost, or else price, or else cost

    with D the demand over the protection interval and y the position of the place that orders. Own
    customers of the sending place are one claim, up to the place's target: their demand until more comes,
    but no longer than the protection intervals of the places that call, so that all claims are weighed
    over one stretch of time.

    Parameters
    ----------
    state : points after `calls.with_orders`, with pmf_protection and step_qty
    linked : who draws on whom
    open_orders : orders still to come
    as_of : day of knowledge

    Returns
    -------
    Shipped
        The state has ship_now_qty (units; null where the source is none of our places), waiting_qty and
        waiting_until: the day when open orders cover all that waits at the source, or else its own lead
        time from today, or from the day its own order can leave; null where no more will come.
        `ready_days` is that time in days for any point as a source (infinite for never).
    """
    parent = linked.parents(state.height)
    given, sources = _given(state, parent, next_arrival(state, open_orders, as_of))
    wanted = np.where(parent >= 0, state["quantity"].to_numpy(), 0.0)
    waiting = np.where(wanted - given < _SAME, 0.0, wanted - given)
    ready, wait = days_to_wait(state, linked, open_orders, waiting, as_of)
    shipped = state.with_columns(
        ship_now_qty=pl.Series(np.where(parent >= 0, given, np.nan)).fill_nan(None),
        waiting_qty=pl.Series(waiting),
        waiting_until=as_days(np.where(waiting > 0, wait, np.inf), as_of),
        ready_days=pl.Series(ready),
    )
    short = shipped.filter(pl.col("waiting_qty") > 0)
    if not short.height:
        return Shipped(shipped, table("allocation").empty())
    units = f"{short['waiting_qty'].sum():,.0f}"
    money = float((short["waiting_qty"] * short["unit_cost_eff"]).sum())
    finding = SHORT.finding(short.height, keys_of(short, KEY), money=money, units=units)
    named = shipped.with_columns(source=pl.Series(parent), money_per_unit_short=pl.Series(weight_of(state)))
    return Shipped(shipped, allocation_table(named, sources), (finding,))


def _given(state: pl.DataFrame, parent: Ints, coming: Floats) -> tuple[Floats, Sources]:
    """Return the units (n,) of each order that leave today, and the places where they may not suffice."""
    wanted, days = state["quantity"].to_numpy(), state["protection_days_mean"].to_numpy()
    claims = np.flatnonzero((parent >= 0) & (wanted > 0))
    claims = claims[np.argsort(parent[claims], kind="stable")]
    given = np.zeros(state.height)
    given[claims] = wanted[claims]
    rows, owner = np.unique(parent[claims], return_inverse=True)
    called = np.bincount(owner, wanted[claims], len(rows))
    theirs = np.bincount(owner, wanted[claims] * days[claims], len(rows)) / np.maximum(called, _SAME)
    mean, variance = own_demand(state, rows, np.minimum(coming[rows], theirs))
    available = available_of(state)[rows]
    near = called + mean + SPREADS * np.sqrt(variance) + 1.0 > available
    law, step = own_laws(mean[near], variance[near])
    rows, available, claims = rows[near], available[near], claims[near[owner]]
    keeps = promised(law, step, state["target_service_eff"].to_numpy()[rows])
    counts = np.bincount(owner, minlength=len(near))[near]
    claimed = _claims(state, claims, rows, counts, (law, step, keeps))
    shares = ration(
        claimed.bounds, available, claimed.wanted, claimed.lot, claimed.level, claimed.weight, claimed.step,
        claimed.pmf, claimed.cuts,
    )  # fmt: skip
    is_own = claimed.row < 0
    given[claimed.row[~is_own]] = shares[~is_own]
    return given, Sources(rows, available, law, step, keeps, shares[is_own])


def available_of(state: pl.DataFrame) -> Floats:
    """Return the units (n,) that a place can send: on hand less what it owes, calls of today not counted."""
    owed = pl.col("backlog_qty") - pl.col("called_qty")
    return state.select((pl.col("on_hand_qty") - owed).clip(0.0)).to_series().to_numpy()


def weight_of(state: pl.DataFrame) -> Floats:
    """Return the money (n,) that a unit short counts: shortage cost, or else price, or else cost."""
    names = ("shortage_cost", "unit_price_eff", "unit_cost_eff")
    known = [pl.when(pl.col(name) > 0).then(name) for name in names]
    return state.select(pl.coalesce(*known, LEAST_WEIGHT)).to_series().to_numpy()


@dataclass(frozen=True, slots=True)
class _Claims:
    """Claims by source, its own customers' (row -1) last, as `maths.kernels.allocation.ration` reads them."""

    row: Ints
    bounds: Ints
    wanted: Floats
    lot: Floats
    level: Floats
    weight: Floats
    step: Floats
    pmf: Floats
    cuts: Ints


def _claims(
    state: pl.DataFrame, claims: Ints, sources: Ints, counts: Ints, own: tuple[Floats, Floats, Floats]
) -> _Claims:
    """Return the claims on the sources; `own`: laws, steps and units wanted of their own customers."""
    law, step, keeps = own
    near = bounds_of(counts + 1)
    is_own = np.zeros(near[-1], dtype=bool)
    is_own[near[1:] - 1] = True
    row = np.full(near[-1], -1, dtype=np.int64)
    row[~is_own] = claims
    of = np.where(is_own, np.repeat(sources, counts + 1), row)
    wanted, lot = state["quantity"].to_numpy()[of], state["order_multiple"].to_numpy()[of]
    wanted = np.where(is_own, np.repeat(keeps, counts + 1), wanted)
    steps = np.where(is_own, np.repeat(step, counts + 1), state["step_qty"].to_numpy()[of])
    lists = state["pmf_protection"].gather(row[~is_own])
    values, cuts = from_lists(_woven(lists, law, is_own))
    level = np.where(is_own, 0.0, state["position_qty"].to_numpy()[of])
    lot = np.where(is_own | (lot <= 0), 1.0, lot)
    return _Claims(row, near, wanted, lot, level, weight_of(state)[of], steps, values, cuts)


def _woven(lists: pl.Series, law: Floats, is_own: Flags) -> pl.Series:
    """Return the laws of places and of own customers in the order of the claims."""
    all_lists = pl.concat([lists, to_lists(law.ravel(), bounds_of(np.full(len(law), law.shape[1])))])
    at = np.where(is_own, len(lists) + np.cumsum(is_own) - 1, np.cumsum(~is_own) - 1)
    return all_lists.gather(at)
