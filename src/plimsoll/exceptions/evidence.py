"""What exceptions are found in: facts known on a day, the plan made of them, and the plan before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.exceptions.params import ExceptionParams
from plimsoll.maths.ragged import Floats
from plimsoll.maths.shortage import shortage
from plimsoll.replenish.projected import moments

POINT = ["item_id", "location_id"]
LAW = ("pmf_review", "step_qty", "mean_protection_qty", "sd_protection_qty")  # what `moments` reads


@dataclass(frozen=True, slots=True)
class Evidence:
    """Facts and plans, read only.

    `facts`: canonical tables as known at `as_of`; `plan`: result tables of the plan by name; `before`: those
    of the plan before, empty without one; `precision`: kind, n_closed_right, n_closed_wrong of exceptions
    that people closed, or None.
    """

    as_of: date
    facts: Mapping[str, pl.DataFrame]
    plan: Mapping[str, pl.DataFrame]
    before: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    precision: pl.DataFrame | None = None

    def fact(self, name: str) -> pl.DataFrame:
        """Return a canonical table, empty where it is absent."""
        return self.facts.get(name, table(name).empty())

    def result(self, name: str) -> pl.DataFrame:
        """Return a table of the plan, empty where it has none."""
        return self.plan.get(name, table(name).empty())


@dataclass(frozen=True, slots=True)
class State:
    """Every planned point in money and units, with its law of demand; rows sorted by item and place.

    `points`: item_id, location_id, from_location_id, description, price, cost, holding, review_days,
    mean_days, help_days (until help comes that is asked for today: the express lead time of its lane, else
    that of the options, and at most the usual lead time), on_hand (less what is owed), position, on_order,
    at_risk (money), probability, rate (units a day), ratio and doubt (of `replenish.run_out.RunOut`), level
    (S), order (units ordered today), waiting (of these what waits for stock of our own), days (protection
    interval), held (whether it is stocked at all).
    `pmf`: demand over the protection interval, in steps of `step`. `coming`: row (number of the point),
    from_location_id, day (from today), quantity, is_overdue: open orders, and today's line without what
    waits, and without what should not be ordered by these data.
    """

    points: pl.DataFrame
    pmf: pl.Series
    step: Floats
    coming: pl.DataFrame

    def loss(self, position: Floats, rows: Floats | slice = slice(None)) -> Floats:
        """Return price x E[(D - position)+] over the protection interval, money; what is owed if not held.

        Parameters
        ----------
        position : units, one a row
        rows : numbers of the rows, where not all
        """
        points = self.points[rows]
        held = points["held"].to_numpy()
        tails = shortage(self.pmf[rows], self.step[rows], position)
        units = np.where(held, tails.expected, np.maximum(-position, 0.0))
        return np.asarray(units * points["price"].to_numpy())


def state_of(evidence: Evidence, params: ExceptionParams) -> State:
    """Return how every planned point stands before any of today's orders."""
    plan = evidence.result
    policy = plan("policy").select(
        *POINT, level="order_up_to_qty", reorder="reorder_point_qty", held=pl.col("policy") != "none"
    )
    outlook = plan("outlook").select(
        *POINT,
        position="position_qty",
        on_hand=pl.col("on_hand_qty") - pl.col("backlog_qty"),
        on_order="on_order_qty",
        at_risk="money_at_risk",
        probability="stockout_probability",
        counted="counted_date",
    )
    demand = plan("demand_estimate").select(
        *POINT, "pmf_protection", *LAW, rate="mean_per_day_est", days="protection_days_mean"
    )
    lead = plan("lead_time_estimate").select(
        "item_id",
        "from_location_id",
        "sd_days_est",
        location_id="to_location_id",
        mean_days="mean_days_est",
    )
    speed = evidence.fact("lanes").select(
        "item_id", "from_location_id", "expedite_days", location_id="to_location_id"
    )
    comes = pl.when(pl.col("readiness").fill_null("") != "left_out").then(
        pl.col("quantity") - pl.col("waiting_qty").fill_null(0.0)
    )
    orders = (
        plan("recommendation")
        .group_by("item_id", location_id="to_location_id")
        .agg(
            order=pl.col("quantity").sort().sum(),
            waiting=pl.col("waiting_qty").fill_null(0.0).sort().sum(),
            line=comes.sort().sum(),
        )
    )
    lane = [*POINT, "from_location_id"]
    points = (
        plan("planning_point")
        .filter("planned")
        .select(
            *lane,
            "description",
            price="unit_price_eff",
            cost="unit_cost_eff",
            holding="holding_rate_eff",
            review_days="review_days_eff",
        )
        .join(policy, on=POINT)
        .join(outlook, on=POINT)
        .join(demand, on=POINT)
        .join(lead, on=lane, how="left")
        .join(speed.unique(lane, keep="first", maintain_order=True), on=lane, how="left")
        .join(orders, on=POINT, how="left")
        .with_columns(pl.col("order", "waiting", "line", "mean_days", "sd_days_est").fill_null(0.0))
        .with_columns(
            help_days=pl.min_horizontal(pl.col("expedite_days").fill_null(params.help_days), "mean_days")
        )
        .sort(POINT)
    )
    ratio, doubt = moments(points.with_columns(review_days_eff=pl.col("review_days").clip(1.0)))
    return State(
        points.drop("pmf_protection", "line", "sd_days_est", "expedite_days", *LAW).with_columns(
            ratio=pl.Series(np.maximum(ratio, 0.0)), doubt=pl.Series(doubt)
        ),
        points["pmf_protection"],
        points["step_qty"].to_numpy(),
        _coming(points.with_row_index("row"), plan("arrival_risk"), evidence.as_of),
    )


def _coming(points: pl.DataFrame, open_orders: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return what is to come, `coming` of `State`; an order without an estimate comes on its due date."""
    likely = pl.coalesce("arrival_median_date", "due_date") - pl.lit(as_of)
    orders = open_orders.select(
        "item_id",
        "from_location_id",
        "quantity",
        location_id="to_location_id",
        day=likely.dt.total_days().cast(pl.Float64),
        is_overdue=pl.col("overdue_days") > 0,
    ).filter(pl.col("day").is_not_null())
    columns = ["row", "from_location_id", "day", "quantity", "is_overdue"]
    lines = points.filter(pl.col("line") > 0).select(
        "row", "from_location_id", day="mean_days", quantity="line", is_overdue=pl.lit(value=False)
    )
    return pl.concat(
        [points.select("row", *POINT).join(orders, on=POINT).select(columns), lines.select(columns)]
    )
