"""The level of every point at which one more unit costs as much as the stock-out that it prevents."""

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.portfolio import exchange_at
from plimsoll.policy.at_levels import asked_at, steps_of
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.size import KEY, laws_and_lots

SAME = 1e-3  # of the yearly cost: levels whose costs differ by less are as good
CUSTOMERS = 0.5  # share of demand below which a place that supplies others is not judged by sales lost
DEAREST = 1e12  # shortage over holding cost where holding is nearly free
_FOUND = ("level", "fill_rate", "short", "stock_steps")
_OF_BEST = (
    "saving_per_year", "advice", "reorder_point_best_qty", "fill_rate_best", "stock_best_value",
    "holding_best_value", "shortage_best_value",
)  # fmt: skip


def economic_points(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    levels: pl.DataFrame,
    sizing: PolicyParams,
) -> pl.DataFrame:
    """Return the level of least yearly cost of every point, and what the present one costs more.

        C(s) = h c E[on hand(s)] + b D share short(s)

    c unit cost, h holding rate, D yearly demand, b the cost of one unit short. Below the best level one
    more unit prevents shortage worth more than it costs to hold, above it less (the newsvendor's argument,
    Arrow, Harris & Marschak 1951, on the exact law of the policy with its lot).

    Parameters
    ----------
    points, demand_estimate, target, sizing : as of `plimsoll.policy.size`
    levels : present levels, as of `plimsoll.policy.at_levels.asked_at`

    Returns
    -------
    Table `economic_point`, a row a point with a present level.

    Edge cases
    ----------
    Without a shortage cost a unit short costs its margin, price less cost: the sale is taken for lost,
    which says too much where customers wait and too little where they leave for good. Where most demand is
    that of other places or of production a unit short costs no sale. Without any of these, or without a
    cost of holding, the best level is unknown and `unknown_reason` says why.
    """
    asked, _ = asked_at(points, demand_estimate, target, levels, sizing)
    sources = points.select("item_id", location_id="from_location_id").unique().with_columns(is_source=True)
    known = (
        asked.join(target.select(*KEY, "abc"), on=KEY, how="left", maintain_order="left")
        .join(sources, on=KEY, how="left", maintain_order="left")
        .with_columns(**_costs())
    )
    ratio = _short_value() / (pl.col("holding_cost_eff") * pl.col("step_qty"))
    ratios = known.select(ratio.fill_nan(0.0).fill_null(0.0).clip(0.0, DEAREST)).to_series().to_numpy()
    found = exchange_at(*laws_and_lots(known), False, steps_of(known), ratios)
    told = _told(
        known.with_columns(
            pl.Series(f"{name}_{when}", np.ascontiguousarray(found[:, k, at]))
            for k, when in enumerate(("now", "next", "best"))
            for at, name in enumerate(_FOUND)
        )
    )
    return table("economic_point").conform(told.select(table("economic_point").names))


def _costs() -> dict[str, pl.Expr]:
    """Return what a unit short and a unit held for a year cost, where that is from, or why it is unknown."""
    margin = pl.col("unit_price_eff") - pl.col("unit_cost_eff")
    given = pl.col("shortage_cost").is_not_null()
    holding = pl.col("holding_rate_eff") * pl.col("unit_cost_eff")
    customers = pl.col("demand_last_year_qty") / (pl.col("mean_per_day_est") * DAYS_PER_YEAR)
    supplies = pl.col("is_source").is_not_null() | (pl.col("method_used") == "bills_of_material")
    is_upstream = (supplies & (customers < CUSTOMERS)).fill_null(value=False)
    by_margin = ~is_upstream & (margin > 0)
    return {
        "shortage_cost_eff": pl.when(given).then("shortage_cost").when(by_margin).then(margin),
        "shortage_source": pl.when(given).then(pl.lit("given")).when(by_margin).then(pl.lit("margin")),
        "holding_cost_eff": holding,
        "unknown_reason": pl.when(holding <= 0)
        .then(pl.lit("no_holding_cost"))
        .when(~given & is_upstream)
        .then(pl.lit("serves_places"))
        .when(~given & ~by_margin)
        .then(pl.lit("no_shortage_cost")),
    }


def _short_value() -> pl.Expr:
    """Return what it costs a year if everything is short."""
    return pl.col("shortage_cost_eff") * pl.col("mean_per_day_est") * DAYS_PER_YEAR


def _told(found: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the table from level, fill rate, share short and stock now, next and best."""
    step, holding, short = pl.col("step_qty"), pl.col("holding_cost_eff"), _short_value()
    stock = {when: pl.col(f"stock_steps_{when}") * step for when in ("now", "next", "best")}
    costed = found.with_columns(
        reorder_point_now_qty="asked_qty",
        reorder_point_best_qty=pl.col("asked_qty") + (pl.col("level_best") - pl.col("level_now")) * step,
        **{f"stock_{when}_value": stock[when] * pl.col("unit_cost_eff") for when in ("now", "best")},
        **{f"holding_{when}_value": stock[when] * holding for when in ("now", "best")},
        **{f"shortage_{when}_value": short * pl.col(f"short_{when}") for when in ("now", "best")},
        next_unit_cost=(stock["next"] - stock["now"]) * holding / step,
        next_unit_saves=short * (pl.col("short_now") - pl.col("short_next")) / step,
    )
    cost = {
        when: pl.col(f"holding_{when}_value") + pl.col(f"shortage_{when}_value") for when in ("now", "best")
    }
    advised = costed.with_columns(saving_per_year=(cost["now"] - cost["best"]).clip(0.0)).with_columns(
        advice=pl.when(pl.col("saving_per_year") <= SAME * cost["now"])
        .then(pl.lit("keep"))
        .when(pl.col("level_best") > pl.col("level_now"))
        .then(pl.lit("raise"))
        .otherwise(pl.lit("lower"))
    )
    is_known = pl.col("unknown_reason").is_null()
    return advised.with_columns(pl.when(is_known).then(name).alias(name) for name in _OF_BEST)
