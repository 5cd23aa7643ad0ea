"""Whether the components of today's productions are there, and how many of each parent they allow."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.replenish.allocate import available_of
from plimsoll.replenish.calls import Links
from plimsoll.replenish.position import KEY
from plimsoll.replenish.waiting import as_days, covered, per_row

SHORT = Message(
    "components_short",
    "warning",
    "recommendation",
    "{n} production<|s> of today <lacks|lack> components ({keys}).",
    "Components kept where <it is|they are> made are enough for {units} of {asked} units.",
    "Components went to the productions with most money at risk; the others say how many can be made.",
    "Start with what can be made, or expedite the components: '{first}' is the first that is missing.",
)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Made:
    """The state with how many can be made at once, and the finding."""

    state: pl.DataFrame
    findings: tuple[Finding, ...] = ()


def with_components(state: pl.DataFrame, linked: Links, open_orders: pl.DataFrame, *, as_of: date) -> Made:
    """Return how many units of today's productions their components on hand allow.

    Components serve the productions in the order of their money at risk, each reserved for all that the
    production asks for; transfers that leave the place today go first. What a production can make is the
    least, over its components, of what is left for it divided by the units in one parent.

    Parameters
    ----------
    state : points after `allocate.with_shipments`, with money_at_risk
    linked : who draws on whom, components included
    open_orders : orders still to come; they say when a lacking component is there
    as_of : day of knowledge

    Returns
    -------
    Made
        ship_now_qty (whole units that can be made now), waiting_qty and waiting_until of productions
        that have components among the points; other rows as they came.
    """
    quantity = state["quantity"].to_numpy()
    arcs = np.flatnonzero(~linked.transfer & (quantity[linked.orderer] > 0))
    if not len(arcs):
        return Made(state)
    risk = state["money_at_risk"].to_numpy()
    order = np.lexsort((linked.orderer[arcs], -risk[linked.orderer[arcs]], linked.source[arcs]))
    arcs = arcs[order]
    orderer, source, factor = linked.orderer[arcs], linked.source[arcs], linked.factor[arcs]
    need = factor * quantity[orderer]
    left = _left(state, linked, source) - _before(need, source)
    possible = np.clip(np.floor(left / factor + _ROUNDING), 0.0, quantity[orderer])
    now = np.full(state.height, np.inf)
    np.minimum.at(now, orderer, possible)
    wait = np.zeros(state.height)
    lacks = np.zeros(state.height)
    np.maximum.at(lacks, source, need - left)
    ready = np.minimum(covered(state, open_orders, lacks, as_of), state["ready_days"].to_numpy())
    lacking = possible < quantity[orderer]
    np.maximum.at(wait, orderer[lacking], ready[source[lacking]])
    rows = np.unique(orderer)
    short = rows[now[rows] < quantity[rows]]
    made = np.isin(np.arange(state.height), rows)
    late = pl.Series(np.isin(np.arange(state.height), short))
    said = state.with_columns(
        ship_now_qty=pl.when(pl.Series(made)).then(pl.Series(now)).otherwise("ship_now_qty"),
        waiting_qty=pl.when(late).then(pl.col("quantity") - pl.Series(now)).otherwise("waiting_qty"),
        waiting_until=pl.when(late).then(as_days(wait, as_of)).otherwise("waiting_until"),
    )
    if not len(short):
        return Made(said)
    first = state["item_id"][int(source[lacking][0])]
    lines = said[short]
    return Made(said, (_finding(lines, first),))


def _left(state: pl.DataFrame, linked: Links, source: Ints) -> Floats:
    """Return the units that are there for production at these points, transfers of today gone."""
    sent = per_row(linked.parents(state.height), state["ship_now_qty"].fill_null(0.0).to_numpy())
    return np.asarray((available_of(state) - sent)[source])


def _before(need: Floats, source: Ints) -> Floats:
    """Return what earlier claims on the same component (rows sorted by it) reserve."""
    total = np.cumsum(need) - need
    first = np.concatenate([[True], np.diff(source) > 0])
    return np.asarray(total - np.maximum.accumulate(np.where(first, total, 0.0)))


def _finding(lines: pl.DataFrame, first: str) -> Finding:
    money = float((lines["waiting_qty"] * lines["unit_cost_eff"]).sum())
    units, asked = (f"{lines[name].sum():,.0f}" for name in ("ship_now_qty", "quantity"))
    return SHORT.finding(
        lines.height, keys_of(lines, KEY), money=money, units=units, asked=asked, first=first
    )
