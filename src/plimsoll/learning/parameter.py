"""Which parameter stands behind what people do: a lead time, a forecast, or a service target."""

import numpy as np
import polars as pl

from plimsoll.learning.evidence import ends, sums_by
from plimsoll.learning.params import LearningParams
from plimsoll.maths.ragged import Floats

SCOPE = ["scope_kind", "subject", "scope_author"]
LEAST_TARGET, MOST_TARGET = 0.5, 0.995


def with_parameter(found: pl.DataFrame, ways: pl.DataFrame, params: LearningParams) -> pl.DataFrame:
    """Return the suggestions with the parameter that their decisions point to, and its value.

    Raised quantities that paid are explained by orders that came late, or by demand above what was expected,
    whichever weighs more in money and is more than chance: then the lead time is what they took, or the
    forecast factor the ratio. What neither explains is a matter of the service target: that which the
    quantities decided stand for by the normal law,

        service' = Phi(z (B + q' - q) / B),   service = Phi(z)

    with B the buffer, q and q' the quantities proposed and decided; the median of the decisions. Lowered
    quantities likewise: early orders, demand below. What has not paid points to nothing.

    Parameters
    ----------
    found : suggestions
    ways : their decisions, one row a decision and scope
    params : confidence
    """
    cost = pl.col("unit_cost")
    days = (pl.col("end_date") - pl.col("as_of")).dt.total_days()
    late_value = pl.col("late_days") * pl.col("expected_qty") / days * cost
    wide = ways.with_columns(late_value=late_value, target_to=pl.Series(_targets(ways), nan_to_null=True))
    stats = wide.group_by(SCOPE).agg(
        late_days=pl.col("late_days").mean(),
        expected_days=pl.col("expected_days").filter(pl.col("late_days").is_not_null()).mean(),
        demand_ratio=pl.when(pl.col("expected_value").sum() > 0).then(
            1.0 + pl.col("excess_value").sum() / pl.col("expected_value").sum()
        ),
        target_from=pl.col("target_service").filter(pl.col("target_to").is_not_null()).median(),
        target_to=pl.col("target_to").median(),
    )
    late = _weighed(wide, "late_value", params).rename({"sure": "late_sure", "total": "late_weight"})
    excess = _weighed(wide, "excess_value", params).rename({"sure": "excess_sure", "total": "excess_weight"})
    rows = found
    for part in (stats, late, excess):
        rows = rows.join(part, on=SCOPE, how="left", maintain_order="left")
    sign = pl.when(pl.col("direction") == "raised").then(1.0).otherwise(-1.0)
    by_late = (pl.col("late_sure") == sign).fill_null(value=False)
    by_excess = (pl.col("excess_sure") == sign).fill_null(value=False)
    more_late = pl.col("late_weight").abs() >= pl.col("excess_weight").abs().fill_null(0.0)
    choice = (
        pl.when(pl.col("verdict") != "suggest")
        .then(None)
        .when(by_late & (~by_excess | more_late))
        .then(pl.lit("lead_time"))
        .when(by_excess)
        .then(pl.lit("forecast"))
        .otherwise(pl.lit("target"))
    )

    def by_choice(lead_time: pl.Expr, forecast: pl.Expr, target: pl.Expr) -> pl.Expr:
        picked = pl.col("parameter")
        return (
            pl.when(picked == "lead_time")
            .then(lead_time)
            .when(picked == "forecast")
            .then(forecast)
            .when(picked == "target")
            .then(target)
        )

    actual = (pl.col("expected_days") + pl.col("late_days")).clip(lower_bound=0.0).round()
    return rows.with_columns(parameter=choice).with_columns(
        field=by_choice(pl.lit("days"), pl.lit("factor"), pl.lit("service")),
        value_from=by_choice(pl.col("expected_days").round(), pl.lit(1.0), pl.col("target_from").round(4)),
        value_to=by_choice(actual, pl.col("demand_ratio").round(2), pl.col("target_to").round(4)),
    )


def _weighed(ways: pl.DataFrame, value: str, params: LearningParams) -> pl.DataFrame:
    """Return the sum of a value in each scope, and its sign where its interval is on one side of 0."""
    sums = sums_by(ways, SCOPE, "block", value)
    low, high = ends(sums["total"], sums["error"], sums["blocks"], params.confidence)
    sure = np.where(low > 0, 1.0, np.where(high < 0, -1.0, 0.0))
    return sums.select(*SCOPE, "total").with_columns(sure=pl.Series(sure))


def _targets(ways: pl.DataFrame) -> Floats:
    """Return the service that each decided quantity stands for, NaN where there is no buffer to tell."""
    from scipy.special import ndtr, ndtri

    nan = float("nan")
    service, buffer = (
        ways[name].cast(pl.Float64).fill_null(nan).to_numpy() for name in ("target_service", "buffer_qty")
    )
    off = (ways["decided_qty"] - ways["proposed_qty"]).to_numpy()
    usable = (buffer > 0) & (service > 0.5) & (service < 1.0)
    ratio = np.divide(off, buffer, out=np.full_like(off, nan), where=usable)
    z = ndtri(np.where(usable, service, 0.75))
    found = np.clip(ndtr(z * (1.0 + ratio)), LEAST_TARGET, MOST_TARGET)
    return np.asarray(np.where(usable, found, nan), dtype=np.float64)
