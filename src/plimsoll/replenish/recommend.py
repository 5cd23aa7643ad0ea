"""Today's orders and the outlook of every point: the entry of the room."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.maths.shortage import shortage
from plimsoll.replenish.explanation import with_reasons
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.position import KEY, findings_of, with_position
from plimsoll.replenish.projected import with_projection
from plimsoll.replenish.together import fit_together

# What a point reads from each table, with the value for points that are not planned and have no row there.
FROM_DEMAND = {
    "mean_per_day_est": 0.0,
    "protection_days_mean": 0.0,
    "protection_days_sd": 0.0,
    "mean_protection_qty": 0.0,
    "sd_protection_qty": 0.0,
    "step_qty": 1.0,
    "set_protection_qty": 0.0,
    "pmf_lead": [1.0],
    "pmf_protection": [1.0],
}
FROM_POLICY = {
    "policy": "none",
    "target_kind_eff": "cycle",
    "target_service_eff": 0.0,
    "min_order_qty": 0.0,
    "order_multiple": 0.0,
    "economic_lot_qty": 0.0,
    "lot_qty": 0.0,
    "reorder_point_qty": 0.0,
    "order_up_to_qty": 0.0,
    "expected_protection_qty": 0.0,
    "buffer_qty": 0.0,
    "buffer_demand_qty": 0.0,
    "buffer_lead_time_qty": 0.0,
    "buffer_lot_review_qty": 0.0,
    "buffer_override_qty": 0.0,
}
# Where an item or its supply ends or may be over, policies carry these too; elsewhere they are unknown.
ENDS = {
    "position_limit_qty": pl.Float64(),
    "last_order_date": pl.Date(),
    "last_buy_qty": pl.Float64(),
    "over_probability": pl.Float64(),
}
# Policies that are sized as one network carry this part of the buffer; elsewhere it is 0.
NETWORK = "buffer_network_qty"
LAWS = ("pmf_lead", "pmf_protection")
NEVER_SHORT = 1e18  # units: a level above all demand
FROM_LEAD_TIMES = {"mean_days_est": 0.0, "sd_days_est": 0.0, "method_used": "default", "mean_days_set": None}
# What people set; tables made elsewhere may lack these columns, which are then unknown.
BY_PEOPLE = ("mean_days_set", "set_protection_qty", "buffer_override_qty")


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Orders to place today, the outlook of every point, and what was odd about the positions.

    `move`: stock to move between our own places; `allocation`: who gets what where one of them is short.
    """

    recommendation: pl.DataFrame
    outlook: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    move: pl.DataFrame = field(default_factory=lambda: table("move").empty())
    allocation: pl.DataFrame = field(default_factory=lambda: table("allocation").empty())


def recommend(  # noqa: PLR0913 - the bills are one more table that a company may lack
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    policy: pl.DataFrame,
    stock: pl.DataFrame,
    open_orders: pl.DataFrame,
    params: ReplenishParams,
    *,
    as_of: date,
    bom: pl.DataFrame | None = None,
) -> Recommendations:
    """Return what to order and move today and how every point stands.

    With position y, demand D over the protection interval, expected rate μ per day and reorder point s::

        stockout probability = P(D > y)
        money at risk        = price × E[(D − y)⁺]        y before what others call for today
        order-by date        = as_of + ceil((y − s) / μ), at least a day ahead
        due date             = as_of + ceil(mean lead time)

    An order placed at the next review is usable one protection interval from now, so E[(D − y)⁺] is the
    expected shortage if nothing is ordered before then. A point that is not held promises only what it
    owes: its shortage is (−y)⁺. A place that the network keeps short, since those it feeds cover that
    (`buffer_network_qty` below 0), is at risk with what it lacks beyond E[(D − s)⁺]. Where demand or supply
    ends, `position_limit_qty` beside the policy bounds what is ordered, nothing is ordered after
    `last_order_date`, and `last_buy_qty` is ordered at once. Where unmet
    demand is lost and the target economic, S is that of today's projected stock.

    Places of ours that replenish each other are one network: stock that pays for the move goes to where
    it would be ordered (`rebalance.rebalance`), orders are decided from the customers' side upwards, and
    what a place calls for is taken from its source's position the same day (`calls.with_orders`); a
    transfer leaves as far as the source has stock (`allocate.with_shipments`). Open transfers are under
    way: they have left their source. `outlook` is how points stand before any of today's orders.

    Parameters
    ----------
    points : planning_point
    lead_times, demand_estimate, policy : estimates and rules; one row for every planned point
    stock, open_orders : facts; rows later than `as_of` are not read
    params : options of the list
    as_of : day of knowledge and order date
    bom : table `bom`; without it no production is checked for components, and none calls for them

    Returns
    -------
    Recommendations
        `recommendation` (one line a point at most), `outlook` (one line a point), `move`, `allocation`,
        findings.

    Raises
    ------
    InputError
        If a planned point has no demand estimate, policy or lead time.
    """
    # Ties between places are broken by their order, so that of the input must not matter.
    state = with_position(points.sort(KEY), stock, open_orders, as_of=as_of)
    state = _read(state, demand_estimate, "demand_estimate", FROM_DEMAND)
    state = _read(state, _with_ends(policy), "policy", FROM_POLICY | {NETWORK: 0.0} | dict.fromkeys(ENDS))
    lanes = lead_times.rename({"to_location_id": "location_id"})
    state = _read(state, lanes, "lead_time_estimate", FROM_LEAD_TIMES, ["from_location_id"])
    state = state.with_columns(is_too_late=(pl.col("last_order_date") < as_of).fill_null(value=False))
    state = _with_risk(with_projection(state, demand_estimate, open_orders, params, as_of=as_of))
    together = fit_together(state, open_orders, bom, params, as_of=as_of)
    orders = together.state.filter(pl.col("quantity") > 0)
    orders = _with_risk(orders, before=orders["called_qty"].to_numpy()).drop(LAWS)
    decided = together.state.select("quantity", left_qty="position_qty")
    return Recommendations(
        _recommendation(orders, params, as_of),
        _outlook(state.hstack(decided), params, as_of),
        (*findings_of(state), *together.findings),
        together.move,
        together.allocation,
    )


def _read(
    state: pl.DataFrame,
    frame: pl.DataFrame,
    name: str,
    columns: dict[str, object],
    further_key: list[str] | None = None,
) -> pl.DataFrame:
    """Join columns of a table to the points; a planned point without a row is an error."""
    key = [*KEY, *(further_key or [])]
    found = pl.lit(True).alias("found")
    absent = [each for each in BY_PEOPLE if each in columns and each not in frame.columns]
    frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(each) for each in absent)
    joined = state.join(frame.select(*key, *columns, found), on=key, how="left", maintain_order="left")
    lost = joined.filter(pl.col("planned") & pl.col("found").is_null())
    if lost.height:
        what = f"Planned points without a row in '{name}': {lost.height} ({keys_of(lost, KEY)})."
        raise InputError(what, why="Nothing can be recommended for them.", remedy=f"Build '{name}' again.")
    filled = [pl.col(name).fill_null(pl.lit(value)) for name, value in columns.items() if value is not None]
    return joined.drop("found").with_columns(filled)


def _with_ends(policy: pl.DataFrame) -> pl.DataFrame:
    """Return the policies with the columns of `ENDS`, null where they are absent, and that of the network."""
    absent = {name: dtype for name, dtype in ENDS.items() if name not in policy.columns}
    known = policy.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in absent.items())
    return known if NETWORK in known.columns else known.with_columns(pl.lit(0.0).alias(NETWORK))


def _with_risk(state: pl.DataFrame, before: Floats | float = 0.0) -> pl.DataFrame:
    """Return the state with stockout probability, money at risk and days of cover.

    `before` : units called for today, which the positions no longer hold. The law of demand has the demand
    of those who call in it, so that calls on top would count it twice.
    """
    position = state["position_qty"].to_numpy() + before
    laws, step = state["pmf_protection"], state["step_qty"].to_numpy()
    tails = shortage(laws, step, position)
    covered = np.where(state[NETWORK].to_numpy() < 0, state["reorder_point_qty"].to_numpy(), NEVER_SHORT)
    lacking = np.maximum(tails.expected - shortage(laws, step, covered).expected, 0.0)
    owed = pl.Series(np.maximum(-position, 0.0))
    held, rate = pl.col("policy") != "none", pl.col("mean_per_day_est")
    return state.with_columns(
        pl.when(held)
        .then(pl.Series(tails.probability))
        .otherwise((owed > 0).cast(pl.Float64))
        .alias("stockout_probability"),
        (pl.when(held).then(pl.Series(lacking)).otherwise(owed) * pl.col("unit_price_eff")).alias(
            "money_at_risk"
        ),
        pl.when(rate > 0).then(pl.col("on_hand_qty") / rate).alias("cover_days"),
    )


def _whole_days(days: pl.Expr) -> pl.Expr:
    """Return days rounded up, as an offset that `offset_by` reads."""
    return days.ceil().cast(pl.Int64).cast(pl.String) + pl.lit("d")


def _outlook(state: pl.DataFrame, params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the table `outlook`: orders now, orders later with their date, or none.

    `left_qty` is the position that today's calls and moves leave.
    """
    rate, held = pl.col("mean_per_day_est"), pl.col("policy") != "none"
    days = (
        pl.when(rate > 0)
        .then((pl.col("left_qty") - pl.col("reorder_point_qty")) / rate)
        .clip(1.0, params.horizon_days + 1.0)
        .ceil()
    )
    status = (
        pl.when(pl.col("quantity") > 0)
        .then(pl.lit("order_now"))
        .when(held & (rate > 0))
        .then(pl.lit("later"))
        .otherwise(pl.lit("none"))
    )
    dated = state.with_columns(status.alias("status"), days.alias("days")).with_columns(
        pl.when(pl.col("status") == "order_now")
        .then(pl.lit(as_of))
        .when((pl.col("status") == "later") & (pl.col("days") <= params.horizon_days))
        .then(pl.lit(as_of).dt.offset_by(_whole_days(pl.col("days"))))
        .alias("order_by_date")
    )
    declared = table("outlook")
    return declared.conform(dated.select(declared.names))


def _recommendation(orders: pl.DataFrame, params: ReplenishParams, as_of: date) -> pl.DataFrame:
    """Return the table `recommendation` of the points that order today."""
    finished = with_reasons(orders, params).with_columns(
        pl.col("location_id").alias("to_location_id"),
        pl.col("supply_kind").alias("kind"),
        pl.col("unit_cost_eff").alias("unit_cost"),
        (pl.col("quantity") * pl.col("unit_cost_eff")).alias("value"),
        pl.lit(as_of).alias("order_date"),
    )
    declared = table("recommendation")
    known = [name for name in declared.names if name != "readiness"]  # the audit comes after the orders
    return declared.conform(finished.select(known))
