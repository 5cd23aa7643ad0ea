"""The policy of every stocking point: the least reorder point that keeps the target, given the lot."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import policy as kernel
from plimsoll.maths.kernels import policy_lost
from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.policy.buffer import with_buffer, with_classic
from plimsoll.policy.lost_sales import simulated
from plimsoll.policy.lots import with_lots
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.set_levels import at_set_levels, has_level, in_force, with_set_columns

KEY = ["item_id", "location_id"]
Flags = NDArray[np.bool_]
LawsAndLots = tuple[Floats, Ints, Floats, Ints, Floats, Ints, Floats, Ints, Flags, Flags]
_KINDS = {"cycle": kernel.CYCLE, "fill": kernel.FILL, "economic": kernel.ECONOMIC}
_DEAREST = 1e12  # shortage over holding cost where holding is free
_TARGET = ["target_kind_eff", "target_service_eff"]
_ERRORS = {
    "cycle_service_error_est": policy_lost.CYCLE_ERROR,
    "fill_rate_error_est": policy_lost.FILL_ERROR,
}
_SET = {"reorder_point_set_qty": "reorder_point_set", "order_up_to_set_qty": "order_up_to_set"}
_NOT_ZERO = {"min_order_qty", "expected_protection_qty", *_ERRORS, *_SET}
_ZERO = [
    name
    for name in table("policy").names
    if name.endswith(("_qty", "_est", "_value")) and name not in _NOT_ZERO
]
_FROM_SIMULATION = {
    kernel.LEVEL: policy_lost.LEVEL,
    kernel.CYCLE_SERVICE: policy_lost.CYCLE_SERVICE,
    kernel.FILL_RATE: policy_lost.FILL_RATE,
    kernel.ON_HAND: policy_lost.ON_HAND,
    kernel.ORDER_SHARE: policy_lost.ORDER_SHARE,
}


def size(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    params: PolicyParams,
    lead_times: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the policy of every planning point.

    The lot comes first (economic lot, minimum, multiple), then the least reorder point with which the
    target is met: cycle service or fill rate, or for an economic target the reorder point with the
    least yearly cost of holding and shortage. Formulas are in `plimsoll.maths.kernels.policy`. Lost
    sales with orders under way are simulated (`plimsoll.maths.kernels.policy_lost`).

    Parameters
    ----------
    points : table `planning_point`
    demand_estimate : table `demand_estimate`; with the column waiting_mean_qty, expected units that a source
        of ours owes, if the laws over lead time and protection interval hold them
    target : table `target`
    params : options
    lead_times : table `lead_time_estimate`; without it lost sales are approximated, not simulated

    Returns
    -------
    pl.DataFrame
        Table `policy`, one row a planning point. Levels are whole steps of the demand lattice; the
        services stated are those that the levels achieve.

    Edge cases
    ----------
    Points left out of planning, without demand estimate or target, or with practically no expected
    demand and no target set by a person: policy none, all quantities 0. A target of 1 is met, to
    1e-12, by the largest demand with a probability. A target met without stock gives s = -1 step:
    order when units are owed. Review of 0 days: demand comes one step at a time. Simulated service
    may be off by its standard error; an economic target and the buffer's split rest on the approximation.
    A level set by a person is in force as it is; the level sized for the target stands beside it, and the
    services stated are those of the level set (`set_levels.at_set_levels`).
    """
    held, not_held = parted(points, demand_estimate, target, params)
    both = [_finished(_in_force(held, lead_times, params)), _finished(_empty(not_held))]
    return table("policy").conform(pl.concat(both))


def parted(
    points: pl.DataFrame, demand_estimate: pl.DataFrame, target: pl.DataFrame, params: PolicyParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the points at which something may be held, with lots and questions to the kernels, and the rest.

    The rest has `none_reason`, a code that says why nothing is held.
    """
    joined = (
        with_set_columns(points)
        .join(demand_estimate, on=KEY, how="left", maintain_order="left", validate="1:1")
        .join(target.select(*KEY, *_TARGET), on=KEY, how="left", maintain_order="left", validate="1:1")
        .with_columns(none_reason=_none_reason(params))
    )
    held = joined.filter(pl.col("none_reason").is_null())
    ready = _with_questions(_with_continuous_review(with_lots(held, params)))
    return ready, joined.filter(pl.col("none_reason").is_not_null())


def laws_and_lots(points: pl.DataFrame) -> LawsAndLots:
    """Return what every kernel of levels reads first: three ragged laws, review periods, lots and flags."""
    return (
        *from_lists(points["pmf_review"]),
        *from_lists(points["pmf_lead"]),
        *from_lists(points["law_protection"]),
        points["periods"].to_numpy(),
        points["lot_steps"].to_numpy(),
        points["is_uniform"].to_numpy(),
        points["is_lost"].to_numpy(),
    )


def _none_reason(params: PolicyParams) -> pl.Expr:
    """Return why nothing is held, null where something may be."""
    yearly = pl.col("mean_per_day_est") * DAYS_PER_YEAR
    watched = pl.col("n_periods") * pl.col("period_days")
    unasked = pl.col("target_service_set").is_null() & ~has_level()
    used = pl.col("method_used") == "bills_of_material"  # production asks, not customers
    return (
        pl.when(~pl.col("planned")).then(pl.lit("left_out"))
        .when(pl.col("pmf_protection").list.len().fill_null(0) == 0).then(pl.lit("no_demand_estimate"))
        .when(pl.col("target_service_eff").is_null()).then(pl.lit("no_target"))
        .when((yearly < params.min_yearly_demand) & unasked)
        .then(pl.lit("no_expected_demand"))
        .when((pl.col("n_demand_periods") == 0) & (watched >= params.no_demand_days) & unasked & ~used)
        .then(pl.lit("no_demand_seen"))
    )  # fmt: skip


def _in_force(ready: pl.DataFrame, lead_times: pl.DataFrame | None, params: PolicyParams) -> pl.DataFrame:
    """Return the points sized for their targets, or with the levels that people set instead."""
    sized = _sized(ready, lead_times, params).with_columns(
        reorder_point_opt_qty="reorder_point_qty",
        order_up_to_opt_qty="order_up_to_qty",
        buffer_override_qty=pl.lit(0.0),
        **_SET,
    )
    fixed = sized.filter(has_level())
    if not fixed.height:
        return sized
    there = in_force(_sized(at_set_levels(fixed), lead_times, params), fixed)
    return pl.concat([sized.filter(~has_level()), there.select(sized.columns)])


def _sized(ready: pl.DataFrame, lead_times: pl.DataFrame | None, params: PolicyParams) -> pl.DataFrame:
    """Return the points with levels, service, stock and buffer."""
    found, errors, flags = _search(ready, lead_times, params)
    columns = {
        "level_steps": kernel.LEVEL,
        "cycle_service_est": kernel.CYCLE_SERVICE,
        "fill_rate_est": kernel.FILL_RATE,
        "on_hand_steps": kernel.ON_HAND,
        "backlog_steps": kernel.BACKLOG,
        "order_share": kernel.ORDER_SHARE,
    }
    step, level = pl.col("step_qty"), pl.col("level_steps")
    is_base = pl.col("policy") == "base_stock"
    reorder = level * step
    up_to = pl.when(is_base).then((level + 1) * step).otherwise(reorder + pl.col("lot_qty"))
    sized = ready.with_columns(
        **{name: pl.Series(np.ascontiguousarray(found[:, at])) for name, at in columns.items()},
        is_simulated=pl.Series(flags),
        **{name: pl.Series(errors[:, at], nan_to_null=True) for at, name in enumerate(_ERRORS)},
    ).with_columns(
        order_up_to_qty=up_to,
        reorder_point_qty=pl.when(is_base).then(up_to - pl.col("unit_qty")).otherwise(reorder),
        expected_protection_qty="mean_protection_qty",
        on_hand_mean_qty=pl.col("on_hand_steps") * step,
        backlog_mean_qty=pl.col("backlog_steps") * step,
        orders_per_year_est=pl.col("order_share") * _reviews_per_year(),
        policy_reason=pl.when(level < 0).then(pl.lit("zero_stock_meets_target")).otherwise("lot_reason"),
        **_method(),
    )
    sized = sized.with_columns(
        level_qty=pl.when(is_base).then("order_up_to_qty").otherwise("reorder_point_qty"),
        on_hand_mean_value=pl.col("on_hand_mean_qty") * pl.col("unit_cost_eff"),
    )
    return with_classic(with_buffer(sized, np.ascontiguousarray(found[:, kernel.BASE_LEVEL])), params)


def _with_continuous_review(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points with continuous review as a review after every step of demand."""
    is_continuous = (pl.col("pmf_review").list.get(0, null_on_oob=True) >= 1) & (
        pl.col("mean_per_day_est") > 0
    )
    marked = points.with_columns(is_continuous=is_continuous)
    if not marked["is_continuous"].any():
        return marked.with_columns(law_protection="pmf_protection")
    return marked.with_columns(
        pl.when("is_continuous").then(pl.lit([0.0, 1.0])).otherwise("pmf_review").alias("pmf_review"),
        pl.when("is_continuous")
        .then(pl.concat_list(pl.lit(0.0), "pmf_lead"))
        .otherwise("pmf_protection")
        .alias("law_protection"),
    )


def _reviews_per_year() -> pl.Expr:
    by_step = pl.col("mean_per_day_est") * DAYS_PER_YEAR / pl.col("step_qty")
    by_day = (
        pl.when(pl.col("review_days_eff") > 0).then(DAYS_PER_YEAR / pl.col("review_days_eff")).otherwise(0.0)
    )
    return pl.when("is_continuous").then(by_step).otherwise(by_day)


def _with_questions(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points with what the kernels are asked: kind, target, periods, is_uniform, is_lost."""
    holding = pl.col("holding_rate_eff") * pl.col("unit_cost_eff") * pl.col("step_qty")
    yearly = pl.col("mean_per_day_est") * DAYS_PER_YEAR
    short = (pl.col("shortage_cost") * yearly / holding).fill_nan(0.0).clip(0.0, _DEAREST)
    kind = pl.when(_lacks_cost()).then(pl.lit("cycle")).otherwise("target_kind_eff")
    return points.with_columns(
        kind=kind.replace_strict(_KINDS, return_dtype=pl.Int64),
        target=pl.when(kind == "economic").then(short).otherwise("target_service_eff"),
        periods=pl.when("is_continuous")
        .then(0.0)
        .otherwise(pl.col("review_days_eff") / pl.col("period_days")),
        is_uniform=pl.col("policy") == "s_nQ",
        is_lost=pl.col("unmet_demand_eff") == "lost",
        is_level_off=pl.lit(value=False),
    )


def _search(
    points: pl.DataFrame, lead_times: pl.DataFrame | None, params: PolicyParams
) -> tuple[Floats, Floats, Flags]:
    """Return results of the sizing kernel, standard errors (n, 2), and flags of what was simulated."""
    found = kernel.size_policies(
        *laws_and_lots(points), points["kind"].to_numpy(), points["target"].to_numpy()
    )
    errors, flags = np.full((len(found), 2), np.nan), np.zeros(len(found), dtype=np.bool_)
    if lead_times is not None and points["is_lost"].any():
        flags, results = simulated(_with_waits(points), lead_times, found[:, kernel.LEVEL], params)
        for to, at in _FROM_SIMULATION.items():
            found[flags, to] = results[:, at]
        is_base = flags & (points["policy"] == "base_stock").to_numpy()
        found[is_base, kernel.BASE_LEVEL] = found[is_base, kernel.LEVEL] + 1
        errors[flags] = results[:, list(_ERRORS.values())]
    return found, errors, flags


def _with_waits(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points with what their source owes them in the mean demand over the protection interval.

    Lead times handed in with it are longer by the wait for the source; both go together.
    """
    if "waiting_mean_qty" not in points.columns:
        return points
    return points.with_columns(pl.col("mean_protection_qty") + pl.col("waiting_mean_qty"))


def _lacks_cost() -> pl.Expr:
    return (pl.col("target_kind_eff") == "economic") & pl.col("shortage_cost").is_null()


def _method() -> dict[str, pl.Expr]:
    """Return how the service was computed and why it is not exact."""
    has_form = (pl.col("mean_lead_qty") == 0) & (pl.col("policy") != "s_nQ")
    approximate = {
        "lost_sales": pl.col("is_lost") & ~has_form & ~pl.col("is_simulated"),
        "continuous_review": pl.col("is_continuous"),
        "lot_off_lattice": pl.col("is_off_lattice"),
        "level_off_lattice": pl.col("is_level_off"),
    }
    codes = {
        **approximate, "lost_sales_simulated": pl.col("is_simulated"), "no_shortage_cost": _lacks_cost()
    }  # fmt: skip
    said = pl.concat_str(
        [pl.when(flag).then(pl.lit(code)) for code, flag in codes.items()], separator=" ", ignore_nulls=True
    )
    is_approximate = pl.any_horizontal(approximate.values())
    return {
        "method_used": pl.when(is_approximate)
        .then(pl.lit("approximate"))
        .when("is_simulated")
        .then(pl.lit("simulated"))
        .otherwise(pl.lit("exact")),
        "fallback_reason": pl.when(said != "").then(said),
    }


def _empty(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points at which nothing is held."""
    return points.with_columns(
        [pl.lit(0.0).alias(name) for name in _ZERO],
        expected_protection_qty=pl.col("mean_protection_qty").fill_null(0.0),
        target_kind_eff=pl.col("target_kind_eff").fill_null("cycle"),
        target_service_eff=pl.col("target_service_eff").fill_null(0.0),
        policy=pl.lit("none"),
        policy_reason="none_reason",
        method_used=pl.lit("none"),
        fallback_reason=pl.lit(None, dtype=pl.String),
        **{name: pl.lit(None, dtype=pl.Float64) for name in _ERRORS},
        **_SET,
    )


def _finished(points: pl.DataFrame) -> pl.DataFrame:
    """Return exactly the columns of the table `policy`."""
    renamed = points.with_columns(
        review_days="review_days_eff", min_order_qty="min_order_qty_eff", order_multiple="order_multiple_eff"
    )
    return renamed.select(pl.col(column.name).cast(column.dtype) for column in table("policy").columns)
