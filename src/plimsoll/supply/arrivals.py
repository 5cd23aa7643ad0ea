"""When every open order arrives, given how long it has been under way, and what its lateness may cost."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.supply.deliveries import deliveries
from plimsoll.supply.observations import NODE
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.waiting import Waiting, tail_shape, waiting_laws

HALF_DAY = 0.5  # days are whole: what has not come by the end of day e takes longer than e + 1/2
FARTHEST_DAYS = 3650
QUANTILES = {"arrival_median_date": 0.5, "arrival_80_date": 0.8, "arrival_95_date": 0.95}
POINT = ["item_id", "location_id"]


def stocked_points(
    points: pl.DataFrame, outlook: pl.DataFrame | None = None, demand: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return what each point holds and needs, as `arrival_risk` wants it.

    Parameters
    ----------
    points : table `planning_point`
    outlook, demand : tables `outlook` and `demand_estimate`; without them what is needed is not known

    Returns
    -------
    Columns item_id, location_id, from_location_id, unit_cost_eff, unit_price_eff, available_qty
    (on hand less owed, units) and mean_per_day_est (units a day); the last two null where not known.
    """
    unknown = pl.lit(None, dtype=pl.Float64)
    known = points.select(*POINT, "from_location_id", "unit_cost_eff", "unit_price_eff")
    if outlook is None or demand is None:
        return known.with_columns(available_qty=unknown, mean_per_day_est=unknown)
    counted = outlook.filter(pl.col("counted_date").is_not_null()).select(
        *POINT, available_qty=pl.col("on_hand_qty") - pl.col("backlog_qty")
    )
    rates = demand.select(*POINT, "mean_per_day_est")
    return known.join(counted, on=POINT, how="left", maintain_order="left").join(
        rates, on=POINT, how="left", maintain_order="left"
    )


def arrival_risk(
    open_orders: pl.DataFrame,
    receipts: pl.DataFrame,
    lanes: pl.DataFrame,
    lead_times: pl.DataFrame,
    stocked: pl.DataFrame,
    params: SupplyParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return for every open order when it arrives, whether in time, and what to do.

        P(T <= t | T > e) = 1 - S(t) / S(e),       e = days since the order was placed
        needed = as_of + (on hand - owed + orders before it) / mu
        E[shortage] = mu integral from n to n + q / mu of S(t) / S(e) dt,   n = days from order to needed

    S is the lane's estimated lead time with a tail beyond its last atom (`waiting.waiting_laws`), whose
    shape comes from the company's very late receipts; mu is the expected demand a day, q the order's
    units. Lateness of one order can cost no more than its own units.

    Parameters
    ----------
    open_orders : table `open_orders`; orders placed after `as_of` are not known yet
    receipts : table `receipts`; rows received after `as_of` are not read
    lanes : table `lanes`, for what expediting takes and costs
    lead_times : table `lead_time_estimate`
    stocked : from `stocked_points`
    params : options
    as_of : day of knowledge; nothing has arrived after it

    Returns
    -------
    Table `arrival_risk`, one row an open order line.

    Conventions: as_of counts as a whole day, so an order not there can arrive on the next day at the
    earliest. Orders of a point are served in the order in which they probably arrive. Demand is taken at
    its mean; the risk that it is larger is in `recommendation`.
    Edge cases: due date passed: P(by due) is 0, a fact; order date unknown: taken as due date less mean
    lead time; lane without an estimate: probabilities null; longer than nearly all on the lane: `confirm`.
    """
    laws = lead_times.filter(pl.col("atom_days").list.len() > 0).with_row_index("law")
    known = open_orders.filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
    orders = _with_lane(_with_part(known, receipts, as_of), lanes, laws, stocked, as_of)
    timed = orders.filter(pl.col("law").is_not_null())
    parts = [_unknown(orders.filter(pl.col("law").is_null()))]
    if timed.height:
        shape = _shape_of_tail(receipts, laws, params, as_of)
        curves = waiting_laws(
            timed["atom_days"], timed["atom_probability"], shape=shape, least_share=params.tail_min_share
        )
        parts.append(_with_need(_with_dates(timed, curves, as_of), curves, as_of))
    declared = table("arrival_risk")
    judged = pl.concat(parts, how="diagonal_relaxed").with_columns(_action(params, as_of))
    return declared.conform(judged.unnest("advice").select(declared.names))


def _with_part(orders: pl.DataFrame, receipts: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the orders with what has already come of each line; whole millionths add up in any order."""
    line = ["order_id", "line", "item_id", "to_location_id"]
    came = (
        receipts.filter(pl.col("received_date") <= as_of)
        .join(orders, on=line, how="semi", nulls_equal=True)
        .group_by(line)
        .agg(received_qty=(pl.col("quantity") * 1e6).round().sum() / 1e6)
    )
    joined = orders.join(came, on=line, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col("received_qty").fill_null(0.0))


def _with_lane(
    orders: pl.DataFrame, lanes: pl.DataFrame, laws: pl.DataFrame, stocked: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Return the orders with their lane's lead time, what their point holds, and the days elapsed."""
    to = ["item_id", "to_location_id"]
    here = stocked.rename({"location_id": "to_location_id", "from_location_id": "lane_in_force"})
    speed = lanes.select(*NODE, "expedite_days", "expedite_cost").unique(NODE, keep="first")
    law = laws.select(*NODE, "law", "atom_days", "atom_probability", "mean_days_est", basis="method_used")
    ordered = pl.coalesce(
        "ordered_date",
        pl.min_horizontal(
            pl.lit(as_of), pl.col("due_date") - pl.duration(days=pl.col("mean_days_est").round())
        ),
        pl.lit(as_of),
    )
    return (
        orders.join(here, on=to, how="left", maintain_order="left")
        .with_columns(from_location_id=pl.coalesce("from_location_id", "lane_in_force"))
        .join(law, on=NODE, how="left", maintain_order="left")
        .join(speed, on=NODE, how="left", maintain_order="left")
        .with_columns(ordered_est=ordered.cast(pl.Date))
        .with_columns(
            elapsed_days=(as_of - pl.col("ordered_est")).dt.total_days().cast(pl.Float64),
            overdue_days=(as_of - pl.col("due_date")).dt.total_days().clip(0).fill_null(0).cast(pl.Float64),
            order_value=pl.col("quantity") * pl.col("unit_cost_eff"),
            lead_time_basis="basis",
        )
        .sort("order_id", "line", "item_id", "to_location_id")
    )


def _unknown(orders: pl.DataFrame) -> pl.DataFrame:
    """Return orders of lanes without an estimate, their elapsed days known only if the order date is."""
    days = pl.when(pl.col("ordered_date").is_not_null()).then("elapsed_days")
    nothing = pl.lit(None, dtype=pl.Float64)
    numbers = (
        "arrives_by_due_probability",
        "arrives_by_needed_probability",
        "longer_share",
        "expected_shortage_qty",
        "expected_shortage_value",
        "expedited_shortage_value",
    )
    dates = (*QUANTILES, "needed_date")
    return orders.with_columns(
        days.alias("elapsed_days"),
        *(nothing.alias(name) for name in numbers),
        *(pl.lit(None, dtype=pl.Date).alias(name) for name in dates),
    )


def _shape_of_tail(receipts: pl.DataFrame, laws: pl.DataFrame, params: SupplyParams, as_of: date) -> float:
    """Return the shape of the tail from all receipts that took longer than their lane's last edge."""
    seen = deliveries(receipts, params, as_of=as_of).filter(pl.col("lead_days").is_not_null())
    late = seen.join(laws.select(*NODE, "atom_days", "atom_probability"), on=NODE, how="inner").filter(
        2.0 * pl.col("lead_days") > pl.col("atom_days").list.slice(-2).list.sum()
    )
    if late.is_empty():
        return tail_shape(np.zeros(0), params.tail_min_late)
    curves = waiting_laws(
        late["atom_days"], late["atom_probability"], shape=0.0, least_share=params.tail_min_share
    )
    beyond = (late["lead_days"].to_numpy() - curves.edges[:, -1]) / curves.excess
    return tail_shape(beyond[beyond > 0], params.tail_min_late)


def _with_dates(orders: pl.DataFrame, curves: Waiting, as_of: date) -> pl.DataFrame:
    """Return the orders with P(by due) and the dates by which they arrive with given probabilities."""
    elapsed = orders["elapsed_days"].to_numpy() + HALF_DAY
    alive = curves.survival(elapsed)
    due = (orders["due_date"] - orders["ordered_est"]).dt.total_days().cast(pl.Float64)
    by_due = 1.0 - curves.survival(due.fill_null(0.0).to_numpy() + HALF_DAY) / alive

    def day(quantile: float) -> pl.Expr:
        found = np.ceil(curves.days_at((1.0 - quantile) * alive) - elapsed)
        ahead = np.clip(found, 1, FARTHEST_DAYS).astype(np.int64)
        return pl.lit(as_of) + pl.duration(days=pl.lit(pl.Series(ahead)))

    return orders.with_columns(
        pl.when(pl.col("due_date") <= as_of)
        .then(0.0)
        .when(pl.col("due_date").is_not_null())
        .then(pl.Series(np.clip(by_due, 0.0, 1.0)))
        .alias("arrives_by_due_probability"),
        *(day(quantile).cast(pl.Date).alias(name) for name, quantile in QUANTILES.items()),
        longer_share=pl.Series(alive),
    )


def _with_need(orders: pl.DataFrame, curves: Waiting, as_of: date) -> pl.DataFrame:
    """Return the orders with the day they are needed, P(by then), and the shortage that lateness makes."""
    point = ["item_id", "to_location_id"]
    soonest = ["arrival_median_date", "due_date", "order_id", "line"]
    before = pl.col("quantity").cum_sum().over(point, order_by=soonest) - pl.col("quantity")
    held = pl.col("available_qty") + before
    rate = pl.col("mean_per_day_est")
    lasting = pl.when(rate > 0).then((held / rate).clip(0.0))
    ready = orders.with_columns(need_days=pl.when(lasting <= FARTHEST_DAYS).then(lasting))
    elapsed = ready["elapsed_days"].to_numpy() + HALF_DAY
    need = ready["need_days"].fill_null(0.0).to_numpy()
    demand = ready["mean_per_day_est"].fill_null(0.0).to_numpy()
    run = ready["quantity"].to_numpy() / np.where(demand > 0, demand, 1.0)
    alive = curves.survival(elapsed)
    whole = np.floor(need)
    by_need = np.where(whole >= 1, 1.0 - curves.survival(elapsed + whole) / alive, 0.0)
    start = elapsed - HALF_DAY + need
    late_days = (
        curves.area(np.maximum(start + run, elapsed)) - curves.area(np.maximum(start, elapsed))
    ) / alive
    # Nothing comes before the next day: until then the survival is 1, whatever the lane is like.
    late_days += np.maximum(np.minimum(start + run, elapsed) - start, 0.0)
    short = pl.Series(np.clip(demand * late_days, 0.0, ready["quantity"].to_numpy()))
    known = pl.col("need_days").is_not_null()
    price = pl.col("unit_price_eff")
    hurried = (rate * (pl.col("expedite_days").ceil() - pl.col("need_days"))).clip(0.0, pl.col("quantity"))
    return ready.with_columns(
        pl.when(known).then(pl.Series(by_need)).alias("arrives_by_needed_probability"),
        pl.when(known).then(short).alias("expected_shortage_qty"),
        pl.when(known).then(short * price).alias("expected_shortage_value"),
        needed_date=(pl.lit(as_of) + pl.duration(days=pl.col("need_days").floor())).cast(pl.Date),
        expedited_shortage_value=hurried * price,
    )


def _action(params: SupplyParams, as_of: date) -> pl.Expr:
    """Return what to do with an order and why, the gravest first."""
    in_time, by_due = pl.col("arrives_by_needed_probability"), pl.col("arrives_by_due_probability")
    is_late = pl.col("overdue_days") > 0
    in_danger = in_time < params.chase_probability
    saves = pl.col("expected_shortage_value") - pl.col("expedited_shortage_value")
    sooner = pl.lit(as_of) + pl.duration(days=pl.col("expedite_days").ceil()) < pl.col("arrival_median_date")
    worth = sooner & (saves > pl.col("expedite_cost").fill_null(0.0))
    no_need = in_time.is_null()

    def advice(action: str, reason: str) -> pl.Expr:
        return pl.struct(pl.lit(action).alias("action"), pl.lit(reason).alias("action_reason"))

    vanished = pl.col("longer_share") < params.vanished_share
    return (
        pl.when(vanished & (pl.col("received_qty") > 0))
        .then(advice("confirm", "rest_outstanding"))
        .when(vanished)
        .then(advice("confirm", "longer_than_nearly_all"))
        .when(in_danger & worth)
        .then(advice("expedite", "speed_pays"))
        .when(in_danger)
        .then(advice("chase", "needed_before_it_comes"))
        .when(no_need & pl.col("available_qty").is_not_null())
        .then(advice("leave", "no_demand_expected"))
        .when(no_need & is_late)
        .then(advice("chase", "overdue"))
        .when(no_need & (by_due < params.chase_probability))
        .then(advice("leave", "due_date_in_doubt"))
        .when(is_late)
        .then(advice("leave", "late_and_stock_lasts"))
        .otherwise(advice("leave", "in_time"))
        .alias("advice")
    )
