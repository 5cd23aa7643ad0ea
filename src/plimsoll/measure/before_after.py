"""Today's stock and settings beside the plan's: money, cover, turns and service, each with its definition."""

from typing import Any

import polars as pl

from plimsoll.maths.kernels.policy import CYCLE_SERVICE, FILL_RATE, GIVEN, ON_HAND, size_policies
from plimsoll.maths.ragged import from_lists
from plimsoll.maths.shortage import shortage
from plimsoll.measure.health import KEY

SCHEMA = pl.Schema(
    {
        "figure": pl.String(),
        "unit": pl.String(),
        "before": pl.Float64(),
        "after": pl.Float64(),
        "n_points": pl.Int64(),
        "definition": pl.String(),
    }
)
Row = tuple[float | None, float | None, int]  # before, after, n_points
FROM_POINTS = (
    "unit_cost_eff",
    "unit_price_eff",
    "demand_last_year_qty",
    "current_min",
    "current_max",
    "unmet_demand_eff",
)
FROM_POLICY = (
    "policy",
    "target_service_eff",
    "review_days",
    "order_up_to_qty",
    "cycle_service_est",
    "fill_rate_est",
    "on_hand_mean_value",
)
FROM_DEMAND = (
    "period_days",
    "mean_per_day_est",
    "mean_protection_qty",
    "step_qty",
    "pmf_review",
    "pmf_lead",
    "pmf_protection",
)
FROM_STOCK = ("inventory_value", "cover_days", "turns", "coming_fill_rate")  # before: from stock on hand
FROM_HEALTH = ("on_hand_value", "exposure_value", "short_qty")
_ROUNDING = 1e-9  # a level this close below a lattice point is that point
_SETTINGS = (
    "Before: today's min and max run as an (s,S) rule on the same demand and lead times; unknown when no "
    "point has them. After: the plan's policy on the same points."
)
# figure -> (unit, definition)
FIGURES = {
    "inventory_value": (
        "money",
        "Stock at cost. Before: on hand today. After: expected stock under the plan's policies once today's "
        "surplus has sold; points that are not held count as 0.",
    ),
    "cover_days": (
        "days",
        "Inventory value / last year's customer demand at cost × 365 (days inventory outstanding).",
    ),
    "turns": ("per year", "Last year's customer demand at cost / inventory value."),
    "target_service": (
        "share",
        "Service target weighted by last year's customer demand at cost; unknown before.",
    ),
    "rule_inventory_value": ("money", f"Expected stock at cost in the long run. {_SETTINGS}"),
    "fill_rate": (
        "share",
        "Units served from stock / units asked for in the long run, weighted by last year's customer demand "
        "at cost. "
        f"{_SETTINGS}",
    ),
    "cycle_service": (
        "share",
        "Replenishment cycles without a stock-out, weighted by last year's customer demand at cost. "
        f"{_SETTINGS}",
    ),
    "coming_fill_rate": (
        "share",
        "Expected demand over the coming protection interval that stock and open orders serve, at price. "
        "Before: if nothing is ordered today. After: if every position below its reorder point is ordered up "
        "to its level today.",
    ),
}


def before_after(
    health: pl.DataFrame,
    policy: pl.DataFrame,
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    *,
    stock_is_known: bool = True,
) -> pl.DataFrame:
    """Compare today with the plan, one figure a row.

    Today's min and max are evaluated as an (s,S) rule, s = min and S = max, by the same sums as the plan's
    policies (`maths.kernels.policy`: Zheng & Federgruen 1991), so that the two differ by their settings
    alone. Without a max, or with max ≤ min, the rule orders up to min at every review.

    Parameters
    ----------
    health, policy, points, demand_estimate : inventory_health, policy, planning_point, demand_estimate
    stock_is_known : False if no stock was ever recorded; then nothing is said of the stock before

    Returns
    -------
    pl.DataFrame
        figure, unit, before, after, n_points (points that the figure rests on), definition; in the
        order of `FIGURES`. What cannot be said is null.
    """
    wide = (
        points.select(*KEY, *FROM_POINTS)
        .join(policy.select(*KEY, *FROM_POLICY), on=KEY)
        .join(demand_estimate.select(*KEY, *FROM_DEMAND), on=KEY)
        .join(health.select(*KEY, *FROM_HEALTH), on=KEY)
        .with_columns(yearly_value=pl.col("demand_last_year_qty") * pl.col("unit_cost_eff"))
        .sort(KEY)
    )
    served = wide.filter((pl.col("policy") != "none") & (pl.col("mean_protection_qty") > 0))
    rows = {**_money(wide), **_service(served), "coming_fill_rate": _coming(served)}
    if not stock_is_known:
        rows |= {name: (None, *rows[name][1:]) for name in FROM_STOCK}
    return pl.DataFrame(
        [(name, unit, *rows[name], definition) for name, (unit, definition) in FIGURES.items()],
        schema=SCHEMA,
        orient="row",
    )


def _money(wide: pl.DataFrame) -> dict[str, Row]:
    """Return inventory value, cover and turns."""
    before, after = float(wide["on_hand_value"].sum()), float(wide["on_hand_mean_value"].sum())
    yearly, n = float(wide["yearly_value"].sum()), wide.height

    def ratio(over: float, under: float) -> float | None:
        return over / under if under > 0 else None

    return {
        "inventory_value": (before, after, n),
        "cover_days": (ratio(before * 365, yearly), ratio(after * 365, yearly), n),
        "turns": (ratio(yearly, before), ratio(yearly, after), n),
    }


def _service(served: pl.DataFrame) -> dict[str, Row]:
    """Return target, and service and stock of the rules, on the points that have a min today."""
    # A rule has no cycles where no demand can come between two reviews.
    is_live = pl.col("pmf_review").list.first() < 1.0
    with_settings = served.filter(pl.col("current_min").is_not_null() & is_live)
    basis = _under_settings(with_settings) if with_settings.height else served
    n = basis.height

    def now(column: str) -> pl.Series | None:
        return basis[column] if with_settings.height else None

    stock = now("now_on_hand_value")
    return {
        "target_service": (None, _weighted(served, served["target_service_eff"]), served.height),
        "rule_inventory_value": (
            None if stock is None else float(stock.sum()),
            float(basis["on_hand_mean_value"].sum()),
            n,
        ),
        "fill_rate": (_weighted(basis, now("now_fill")), _weighted(basis, basis["fill_rate_est"]), n),
        "cycle_service": (
            _weighted(basis, now("now_cycle")),
            _weighted(basis, basis["cycle_service_est"]),
            n,
        ),
    }


def _under_settings(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the service and stock of today's min and max, point by point."""
    found = under_rule(frame, pl.col("current_min"), pl.col("current_max") - pl.col("current_min"))
    return frame.with_columns(
        now_fill=pl.Series(found[:, FILL_RATE]),
        now_cycle=pl.Series(found[:, CYCLE_SERVICE]),
        now_on_hand_value=pl.Series(found[:, ON_HAND]) * pl.col("step_qty") * pl.col("unit_cost_eff"),
    )


def under_rule(frame: pl.DataFrame, low: pl.Expr, lot: pl.Expr, is_uniform: pl.Expr | None = None) -> Any:
    """Return services and stock of each point under a rule: order at or below `low` up to `low + lot`.

    Parameters
    ----------
    frame : FROM_POINTS, FROM_POLICY and FROM_DEMAND of each point
    low, lot : units; without a lot the rule orders up to `low` at every review
    is_uniform : whether orders are whole lots, not up to `low + lot`; default: none

    Returns
    -------
    numpy array of a row a point with the columns of `maths.kernels.policy`
    """
    step = pl.col("step_qty")
    lots = (lot / step).round().fill_null(0.0)
    steps = (low / step + _ROUNDING).floor()
    rule = frame.select(
        level=pl.when(lots >= 1).then(steps).otherwise(steps - 1.0),
        lot=lots.clip(1.0).cast(pl.Int64),
        periods=pl.col("review_days") / pl.col("period_days"),
        is_uniform=pl.lit(value=False) if is_uniform is None else is_uniform,
        is_lost=pl.col("unmet_demand_eff") == "lost",
        kind=pl.lit(GIVEN, dtype=pl.Int64),
    )
    return size_policies(
        *from_lists(frame["pmf_review"]),
        *from_lists(frame["pmf_lead"]),
        *from_lists(frame["pmf_protection"]),
        rule["periods"].to_numpy(),
        rule["lot"].to_numpy(),
        rule["is_uniform"].to_numpy(),
        rule["is_lost"].to_numpy(),
        rule["kind"].to_numpy(),
        rule["level"].to_numpy(),
    )


def _coming(served: pl.DataFrame) -> Row:
    """Return the share of the coming interval's demand that is served, before and after today's orders."""
    asked = (served["mean_protection_qty"] * served["unit_price_eff"]).rename("asked")
    total = float(asked.sum())
    if total <= 0:
        return None, None, served.height
    at_top = shortage(
        served["pmf_protection"], served["step_qty"].to_numpy(), served["order_up_to_qty"].to_numpy()
    )
    after = pl.when(pl.col("short_qty") > 0).then(pl.min_horizontal("before", "at_top")).otherwise("before")
    short = served.select(
        "short_qty",
        before=pl.min_horizontal("exposure_value", asked),
        at_top=pl.Series(at_top.expected) * pl.col("unit_price_eff"),
    ).with_columns(after=after)
    now, then = (1.0 - float(short[name].sum()) / total for name in ("before", "after"))
    return now, then, served.height


def _weighted(frame: pl.DataFrame, values: pl.Series | None) -> float | None:
    """Return the mean weighted by last year's customer demand at cost; null without values or weight."""
    total = float(frame["yearly_value"].sum())
    return None if values is None or total <= 0 else float((values * frame["yearly_value"]).sum()) / total
