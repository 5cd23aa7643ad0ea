"""What changed since the plan before: each level's change split by cause, without a rest."""

from collections.abc import Mapping

import polars as pl

from plimsoll import policy
from plimsoll.domain.exceptions import CHANGES
from plimsoll.domain.figures import number
from plimsoll.domain.tables import table

POINT = ["item_id", "location_id"]
Tables = Mapping[str, pl.DataFrame]
PARTS = ("demand", "variability", "lead_time", "target", "lot_review", "network", "override", "other")
TARGET = ["target_kind_eff", "target_service_eff"]
# What an override of a kind moves, if it was set, changed or withdrawn between the plans.
MOVED = {"forecast": "demand", "lead_time": "lead_time", "target": "target"}
SMALL = 1e-9  # units: less is no change


def plan_changes(before: Tables, plan: Tables, params: policy.PolicyParams) -> pl.DataFrame:
    """Return every point whose level or order changed since the plan before, and why.

    The level is S = m T + buffer by demand, lead time, lot and review, network, override + lot, with
    m the expected demand a day and T the protection interval. Its change is split part by part:

        demand      (m1 - m0) (T1 + T0) / 2          lead time   (m1 + m0) / 2 (T1 - T0 less review days)
        target      S at the new target less S at the old one, all else as now

    (the change of a product by Shapley's average over both orders). Of a part that moves since the target
    moved, what the target does is taken out first, by sizing the point once more. A part that a person's
    override moved counts as override. The eight parts add up to the change exactly.

    Parameters
    ----------
    before, plan : result tables of the two plans: policy, demand_estimate, recommendation, planning_point;
        target and override_effect as far as they are there
    params : options of the policies, for sizing at the old target

    Returns
    -------
    Table `plan_change`; empty without a plan before.

    Edge cases: a point that only one plan has counts as level and order 0 in the other; a kind of rule that
    changed, or an item no longer held, is `other`.
    """
    if not before or "policy" not in before:
        return table("plan_change").empty()
    both = _levels(plan).join(_levels(before), on=POINT, how="full", suffix="_0", coalesce=True)
    orders = _orders(plan).join(_orders(before), on=POINT, how="full", suffix="_0", coalesce=True)
    both = both.join(orders, on=POINT, how="left").with_columns(pl.col("order", "order_0").fill_null(0.0))
    numbers = [name for name, dtype in both.schema.items() if dtype == pl.Float64]
    both = both.with_columns(pl.col(numbers).fill_null(0.0), pl.col("held", "held_0").fill_null(value=False))
    change = pl.col("level") - pl.col("level_0")
    moved = both.filter((change.abs() > SMALL) | ((pl.col("order") - pl.col("order_0")).abs() > SMALL))
    moved = moved.join(_by_target(moved, before, plan, params), on=POINT, how="left")
    split = _split(moved)
    for kind, part in MOVED.items():
        split = _given_to_override(split, _set_anew(before, plan, kind), part)
    return _finished(split, plan)


def _levels(plan: Tables) -> pl.DataFrame:
    """Return level, parts and rates of every point of a plan."""
    network = pl.col("buffer_network_qty").fill_null(0.0)
    policies = plan["policy"]
    override = pl.col("buffer_override_qty") if "buffer_override_qty" in policies.columns else pl.lit(0.0)
    return policies.select(
        *POINT,
        *TARGET,
        "policy",
        held=pl.col("policy") != "none",
        level="order_up_to_qty",
        expected="expected_protection_qty",
        variability="buffer_demand_qty",
        lead_time="buffer_lead_time_qty",
        lot_review="buffer_lot_review_qty",
        network=network,
        override=override.fill_null(0.0),
        review="review_days",
        buffer="buffer_qty",
    ).join(plan["demand_estimate"].select(*POINT, rate="mean_per_day_est"), on=POINT, how="left")


def _orders(plan: Tables) -> pl.DataFrame:
    orders = plan["recommendation"]
    return orders.group_by("item_id", location_id="to_location_id").agg(order=pl.col("quantity").sort().sum())


def _by_target(
    moved: pl.DataFrame, before: Tables, plan: Tables, params: policy.PolicyParams
) -> pl.DataFrame:
    """Return what the change of the target did to each part, by sizing alone at both targets."""
    names = {"t_variability": "buffer_demand_qty", "t_lead_time": "buffer_lead_time_qty"}
    names |= {"t_lot_review": "buffer_lot_review_qty", "t_level": "order_up_to_qty"}
    names |= {"t_expected": "expected_protection_qty", "t_buffer": "buffer_qty"}
    other = pl.any_horizontal(
        pl.col(name).is_not_null() & pl.col(f"{name}_0").is_not_null() & (pl.col(name) != pl.col(f"{name}_0"))
        for name in TARGET
    )
    changed = moved.filter(other & pl.col("held") & pl.col("held_0"))
    if changed.is_empty() or "target" not in plan:
        return pl.DataFrame(schema={name: pl.String() for name in POINT} | dict.fromkeys(names, pl.Float64()))
    points = plan["planning_point"].join(changed, on=POINT, how="semi")
    laws = plan["demand_estimate"].join(changed, on=POINT, how="semi")
    now = plan["target"].join(changed, on=POINT, how="semi")
    old = now.drop(TARGET).join(
        changed.select(*POINT, *(pl.col(f"{n}_0").alias(n) for n in TARGET)), on=POINT
    )
    new, then = (policy.size(points, laws, target, params) for target in (now, old.select(now.columns)))
    pair = new.select(*POINT, *names.values()).join(
        then.select(*POINT, *names.values()), on=POINT, suffix="_0"
    )
    return pair.select(
        *POINT, **{name: pl.col(column) - pl.col(f"{column}_0") for name, column in names.items()}
    )


def _split(moved: pl.DataFrame) -> pl.DataFrame:
    """Return the changes with their eight parts."""
    targets = ("variability", "lead_time", "lot_review", "level", "expected", "buffer")
    moved = moved.with_columns(
        pl.col(f"t_{name}").fill_null(0.0) if f"t_{name}" in moved.columns else pl.lit(0.0).alias(f"t_{name}")
        for name in targets
    )
    both = pl.col("held") & pl.col("held_0")
    days, days_0 = (_interval(end) for end in ("", "_0"))
    rate, rate_0 = pl.col("rate"), pl.col("rate_0")
    longer, review = days - days_0, pl.col("review") - pl.col("review_0")
    mean_rate = (rate + rate_0) / 2.0
    # Where no rate says how long the interval is, all of it is demand.
    timed = (rate > 0) & (rate_0 > 0)
    by_rate = pl.when(timed).then((rate - rate_0) * (days + days_0) / 2.0).otherwise(_change("expected"))
    by_days = pl.when(timed).then(mean_rate * (longer - review)).otherwise(0.0)
    by_review = pl.when(timed).then(mean_rate * review).otherwise(0.0)
    lot = (pl.col("level") - pl.col("expected") - pl.col("buffer")) - (
        pl.col("level_0") - pl.col("expected_0") - pl.col("buffer_0")
    )
    lot_by_target = pl.col("t_level") - pl.col("t_expected") - pl.col("t_buffer")
    parts = {
        "demand": by_rate,
        "variability": _change("variability") - pl.col("t_variability"),
        "lead_time": by_days + _change("lead_time") - pl.col("t_lead_time"),
        "target": pl.col("t_variability") + pl.col("t_lead_time") + pl.col("t_lot_review") + lot_by_target,
        "lot_review": by_review + _change("lot_review") - pl.col("t_lot_review") + lot - lot_by_target,
        "network": _change("network"),
        "override": _change("override"),
    }
    moved = moved.with_columns(
        pl.when(both).then(part).otherwise(0.0).alias(f"by_{name}") for name, part in parts.items()
    )
    rest = _change("level") - pl.sum_horizontal(f"by_{name}" for name in parts)
    rounded = pl.when(rest.abs() < SMALL * (1.0 + pl.col("level").abs())).then(0.0).otherwise(rest)
    return moved.with_columns(by_other=rounded)


def _interval(end: str) -> pl.Expr:
    """Return the protection interval in days that goes with expected demand and rate."""
    rate = pl.col(f"rate{end}")
    return pl.when(rate > 0).then(pl.col(f"expected{end}") / rate).otherwise(0.0)


def _change(name: str) -> pl.Expr:
    return pl.col(name) - pl.col(f"{name}_0")


def _set_anew(before: Tables, plan: Tables, kind: str) -> pl.DataFrame:
    """Return the points at which an override of a kind was set, changed or withdrawn between the plans."""
    sides = []
    for tables in (before, plan):
        found = tables.get("override_effect")
        keyed = found.filter(pl.col("kind") == kind) if found is not None else None
        words = pl.concat_str(
            "field", pl.col("value_set").cast(pl.String), "text_set", separator="|", ignore_nulls=True
        )
        sides.append(
            pl.DataFrame(schema={name: pl.String() for name in (*POINT, "set")})
            if keyed is None
            else keyed.select(*POINT, set=words).group_by(POINT).agg(pl.col("set").sort().str.join(";"))
        )
    pair = sides[0].join(sides[1], on=POINT, how="full", suffix="_1", coalesce=True)
    return pair.filter(pl.col("set").ne_missing(pl.col("set_1"))).select(POINT)


def _given_to_override(split: pl.DataFrame, points: pl.DataFrame, part: str) -> pl.DataFrame:
    """Return the split with one part of these points moved to override."""
    marked = split.join(points.with_columns(is_set=pl.lit(value=True)), on=POINT, how="left")
    is_set = pl.col("is_set").fill_null(value=False)
    column = f"by_{part}"
    return (
        marked.with_columns(
            by_override=pl.col("by_override") + pl.when(is_set).then(pl.col(column)).otherwise(0.0)
        )
        .with_columns(pl.when(is_set).then(0.0).otherwise(pl.col(column)).alias(column))
        .drop("is_set")
    )


def _finished(split: pl.DataFrame, plan: Tables) -> pl.DataFrame:
    """Return the table `plan_change` with money, main cause and sentence."""
    costs = plan["planning_point"].select(*POINT, cost="unit_cost_eff")
    change, order = pl.col("change_qty"), pl.col("order_change_qty")
    sizes = [pl.col(f"by_{name}").abs() for name in PARTS]
    largest = pl.max_horizontal(sizes)
    main = pl.coalesce(
        pl.when(largest <= SMALL).then(pl.lit("none")),
        *(pl.when(size == largest).then(pl.lit(name)) for name, size in zip(PARTS, sizes, strict=True)),
    )
    rows = (
        split.join(costs, on=POINT, how="left")
        .with_columns(
            pl.col("cost").fill_null(0.0),
            level_before_qty="level_0",
            level_qty="level",
            change_qty=_change("level"),
            order_before_qty="order_0",
            order_qty="order",
            order_change_qty=_change("order"),
            main_cause=main,
            **{f"by_{name}_qty": pl.col(f"by_{name}") for name in PARTS},
        )
        .with_columns(change_value=change * pl.col("cost"), order_change_value=order * pl.col("cost"))
    )
    return table("plan_change").conform(
        rows.with_columns(sentence=_sentence()).select(table("plan_change").names)
    )


def _sentence() -> pl.Expr:
    """Return what changed and why: the parts that make at least a tenth of the largest, in a fixed order."""
    change = pl.col("change_qty")
    moved = pl.format(
        "Level {} instead of {}", number(pl.col("level_qty")), number(pl.col("level_before_qty"))
    )
    largest = pl.max_horizontal(pl.col(f"by_{name}").abs() for name in PARTS)
    said = [
        pl.when((pl.col(f"by_{name}").abs() > SMALL) & (pl.col(f"by_{name}").abs() >= 0.1 * largest)).then(
            pl.format("{} by {}", number(pl.col(f"by_{name}"), signed=True), pl.lit(CHANGES[name]))
        )
        for name in PARTS
    ]
    why = pl.concat_str(said, separator=", ", ignore_nulls=True)
    level = (
        pl.when(change.abs() > SMALL)
        .then(pl.format("{}: {}", moved, why))
        .otherwise(pl.format("Level {} as before", number(pl.col("level_qty"))))
    )
    order = pl.format(
        "; order {} instead of {}", number(pl.col("order_qty")), number(pl.col("order_before_qty"))
    )
    return pl.concat_str(
        level,
        pl.when(pl.col("order_change_qty").abs() > SMALL).then(order).otherwise(pl.lit("")),
        pl.lit("."),
    )
