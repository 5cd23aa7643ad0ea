"""What exceptions are found in: facts known on a day, the plan made of them, and the plan before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.maths.shortage import shortage

POINT = ["item_id", "location_id"]


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
    mean_days, position, on_order, at_risk (money), probability, rate (units a day), level (S), order (units
    ordered today), days (protection interval), held (whether it is stocked at all).
    """

    points: pl.DataFrame
    pmf: pl.Series
    step: Floats

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


def state_of(evidence: Evidence) -> State:
    """Return how every planned point stands before any of today's orders."""
    plan = evidence.result
    policy = plan("policy").select(
        *POINT, level="order_up_to_qty", reorder="reorder_point_qty", held=pl.col("policy") != "none"
    )
    outlook = plan("outlook").select(
        *POINT,
        position="position_qty",
        on_hand="on_hand_qty",
        on_order="on_order_qty",
        at_risk="money_at_risk",
        probability="stockout_probability",
        counted="counted_date",
    )
    demand = plan("demand_estimate").select(
        *POINT, "pmf_protection", "step_qty", rate="mean_per_day_est", days="protection_days_mean"
    )
    lead = plan("lead_time_estimate").select(
        "item_id", "from_location_id", location_id="to_location_id", mean_days="mean_days_est"
    )
    orders = (
        plan("recommendation")
        .group_by("item_id", location_id="to_location_id")
        .agg(order=pl.col("quantity").sort().sum())
    )
    points = (
        plan("planning_point")
        .filter("planned")
        .select(
            *POINT,
            "from_location_id",
            "description",
            price="unit_price_eff",
            cost="unit_cost_eff",
            holding="holding_rate_eff",
            review_days="review_days_eff",
        )
        .join(policy, on=POINT)
        .join(outlook, on=POINT)
        .join(demand, on=POINT)
        .join(lead, on=[*POINT, "from_location_id"], how="left")
        .join(orders, on=POINT, how="left")
        .with_columns(pl.col("order", "mean_days").fill_null(0.0))
        .sort(POINT)
    )
    return State(
        points.drop("pmf_protection", "step_qty"), points["pmf_protection"], points["step_qty"].to_numpy()
    )
