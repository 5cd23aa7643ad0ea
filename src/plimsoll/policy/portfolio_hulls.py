"""The points of a portfolio with the exchange of stock for service of each, computed once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.maths.kernels import portfolio as kernel
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.set_levels import has_level
from plimsoll.policy.size import KEY, laws_and_lots, parted
from plimsoll.targets import TargetParams

UNIFORM: Final = 1.0 - np.logspace(-0.05, -4.0, 80)  # fill rates at which uniform targets are tried
PRIORITY: Final = "priority_share"


@dataclass(frozen=True, slots=True)
class Hulls:
    """The points of a portfolio, sorted by key, and the vertices of their exchange of stock for service.

    `demanded` [W] weighted demand a year, `values` [c] money per step; `floors` (n,) least fill rates asked
    for; `idle_points` planned points at which nothing is held; `uniform` (G, 2, T) weighted demand short and
    inventory value of uniform targets by group, the whole portfolio first.
    """

    points: pl.DataFrame
    idle_points: pl.DataFrame
    rules: Ints
    floors: Floats
    demanded: Floats
    values: Floats
    fill: Floats
    short: Floats
    stock: Floats
    slopes: Floats
    bounds: Ints
    uniform: Floats

    @property
    def idle(self) -> float:
        """Weighted demand a year of planned points at which nothing is held."""
        return float(self.idle_points["demanded"].sum())

    @property
    def total(self) -> float:
        """Weighted demand a year of the whole portfolio."""
        return float(self.demanded.sum()) + self.idle

    def totals(self, vertices: Ints) -> tuple[float, float]:
        """Return weighted demand short a year, and inventory value, with these vertices."""
        short = float((self.demanded * self.short[vertices]).sum()) + self.idle
        return short, float((self.values * self.stock[vertices]).sum())

    def at_price(self, price: float) -> Ints:
        """Return the vertices of least inventory value + price x weighted demand short a year."""
        worth = price * self.demanded
        limits = np.where(self.values > 0.0, worth / np.where(self.values > 0.0, self.values, 1.0), np.inf)
        return np.asarray(kernel.chosen_vertices(self.slopes, self.bounds, limits))

    def most(self) -> Ints:
        """Return the vertices of most service; where nobody asks, those of least stock."""
        return np.where(self.demanded > 0.0, self.bounds[1:] - 1, self.at_price(0.0))

    def prices(self, rows: Ints, vertices: Ints) -> Floats:
        """Return the inventory value for one unit less short a year, of the step up to each vertex."""
        return np.asarray(self.slopes[vertices] * self.values[rows] / self.demanded[rows])

    def steps(self, to: Ints) -> tuple[Floats, Floats]:
        """Return weighted demand less short a year, and inventory value, of the step up to each vertex."""
        below = np.maximum(to - 1, self.bounds[:-1])
        gained = self.demanded * (self.short[below] - self.short[to])
        return gained, self.values * (self.stock[to] - self.stock[below])


def hulls_of(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    params: TargetParams,
    sizing: PolicyParams,
    groups: pl.DataFrame | None = None,
) -> Hulls:
    """Return the portfolio, with the exchange of every point computed once.

    Parameters
    ----------
    points, demand_estimate, target, params, sizing : as of `plimsoll.policy.allocate`
    groups : keys, and columns with the numbers of the groups that a point is counted in for uniform
        targets; by default one of all
    """
    read = demand_estimate.drop("pmf_lead_constant", "pmf_protection_constant")
    held, not_held = parted(points.sort(KEY), read, target, sizing)
    by = target.select(*KEY, "abc", "target_source")
    held = held.join(by, on=KEY, how="left", maintain_order="left", validate="1:1").with_columns(
        rule=rule_of(params), floor=floor_of(params, PRIORITY in points.columns), demanded=weighted(params)
    )
    idle = not_held.filter(pl.col("planned")).select(*KEY, demanded=weighted(params))
    values = (held["unit_cost_eff"] * held["step_qty"]).to_numpy()
    laws, demanded = laws_and_lots(held), held["demanded"].to_numpy()
    by_lines, rules = params.portfolio_metric == "lines", held["rule"].to_numpy()
    floors = np.where(rules == kernel.FIXED, 0.0, held["floor"].to_numpy())
    aims = (held["kind"].to_numpy(), held["target"].to_numpy(), rules)
    counted = None
    if groups is not None:
        matched = held.select(KEY).join(groups, on=KEY, how="left", maintain_order="left", validate="1:1")
        counted = matched.drop(KEY).to_numpy().astype(np.int64)
    _, vertices, bounds, uniform = kernel.exchange_hulls(
        *laws, by_lines, *aims, demanded, values, UNIFORM, floors, counted
    )
    return Hulls(
        points=held.select(*KEY, "demanded"),
        idle_points=idle,
        rules=rules,
        floors=floors,
        demanded=demanded,
        values=values,
        fill=vertices[0],
        short=vertices[1],
        stock=vertices[2],
        slopes=kernel.hull_slopes(vertices, bounds),
        bounds=bounds,
        uniform=uniform,
    )


def rule_of(params: TargetParams) -> pl.Expr:
    """Return what the portfolio may do at a point; stock without a cost would be bought without end."""
    keeps = (
        (pl.col("target_source") == "person")
        | has_level()
        | (pl.col("target_kind_eff") == "economic")
        | (pl.col("unit_cost_eff") <= 0)
    )
    is_critical = pl.col("criticality_eff").is_in(["high", "vital"]) & pl.lit(params.portfolio_floors)
    return (
        pl.when(keeps)
        .then(kernel.FIXED)
        .when(is_critical)
        .then(kernel.FLOOR)
        .otherwise(kernel.FREE)
        .cast(pl.Int64)
    )


def floor_of(params: TargetParams, has_priority: bool) -> pl.Expr:
    """Return the least fill rate of a point: that of its class, or of customers with priority; or 0."""
    floors = params.floors
    by_class = {name: getattr(floors, name) or 0.0 for name in "ABC"}
    least = pl.col("abc").replace_strict(by_class, default=0.0, return_dtype=pl.Float64).fill_null(0.0)
    if floors.priority is None or not has_priority:
        return least
    is_theirs = (pl.col(PRIORITY) >= floors.priority_share).fill_null(value=False)
    return pl.max_horizontal(least, pl.when(is_theirs).then(floors.priority).otherwise(0.0))


def weighted(params: TargetParams) -> pl.Expr:
    """Return W, weighted demand a year.

    Lines a year are periods a year with demand, p = P(D_R = 0)^(1 / R) of them without, R the review
    interval in periods; under continuous review the units, at most one line a period.
    """
    rate, periods = pl.col("mean_per_day_est"), pl.col("review_days_eff") / pl.col("period_days")
    cost, margin = pl.col("unit_cost_eff"), pl.col("unit_price_eff") - pl.col("unit_cost_eff")
    steps = (rate * pl.col("period_days") / pl.col("step_qty")).clip(upper_bound=1.0)
    asked = 1.0 - pl.col("pmf_review").list.get(0, null_on_oob=True).clip(0.0, 1.0) ** (1.0 / periods)
    lines = pl.when(periods > 0).then(asked).otherwise(steps) * DAYS_PER_YEAR / pl.col("period_days")
    by_metric = {
        "units": rate * DAYS_PER_YEAR,
        "value": rate * DAYS_PER_YEAR * cost,
        "margin": rate * DAYS_PER_YEAR * pl.when(margin > 0).then(margin).otherwise(cost),
        "lines": pl.when(rate > 0).then(lines),
    }
    return by_metric[params.portfolio_metric].fill_nan(0.0).fill_null(0.0)
