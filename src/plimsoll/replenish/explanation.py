"""The reasons of a line: as codes, as data and as one plain sentence."""

import polars as pl

from plimsoll.domain import figures
from plimsoll.domain.reasons import ACTIONS, REASONS, UNKNOWN_SOURCE, fill
from plimsoll.replenish import wording
from plimsoll.replenish.lots import up_to_multiple
from plimsoll.replenish.params import ReplenishParams

# The reasons as data: keys of the JSON in `drivers` and the columns they come from. Quantities in
# stocking units, durations in days, shares as fractions; null where nothing is known.
DRIVERS = {
    "policy": "policy",
    "on_hand_qty": "on_hand_qty",
    "on_hand_recorded_qty": "recorded_qty",
    "on_hand_counted_date": "counted_date",
    "on_order_qty": "on_order_qty",
    "owed_to_customers_qty": "owed_to_customers_qty",
    "allocated_qty": "allocated_qty",
    "position_qty": "position_qty",
    "reorder_point_qty": "reorder_point_qty",
    "order_up_to_qty": "order_up_to_qty",
    "expected_protection_qty": "expected_protection_qty",
    "sd_protection_qty": "sd_protection_qty",
    "protection_days_mean": "protection_days_mean",
    "protection_days_sd": "protection_days_sd",
    "buffer_qty": "buffer_qty",
    "buffer_demand_qty": "buffer_demand_qty",
    "buffer_lead_time_qty": "buffer_lead_time_qty",
    "buffer_lot_review_qty": "buffer_lot_review_qty",
    "buffer_network_qty": "buffer_network_qty",
    "buffer_override_qty": "buffer_override_qty",
    "set_protection_qty": "set_protection_qty",
    "target_kind": "target_kind_eff",
    "target_service": "target_service_eff",
    "lead_time_days_est": "mean_days_est",
    "lead_time_sd_days_est": "sd_days_est",
    "lead_time_days_set": "lead_time_days_set",
    "lead_time_days_override": "mean_days_set",
    "lead_time_method": "method_used",
    "called_qty": "called_qty",
    "moved_in_qty": "moved_in_qty",
    "ship_now_qty": "ship_now_qty",
    "waiting_qty": "waiting_qty",
    "waiting_until": "waiting_until",
    "asked_qty": "asked_qty",
    "wanted_qty": "wanted_qty",
    "min_order_qty": "min_order_qty",
    "order_multiple": "order_multiple",
    "economic_lot_qty": "economic_lot_qty",
    "lot_qty": "lot_qty",
    "overdue_qty": "late_qty",
    "overdue_since": "late_since",
    "position_limit_qty": "position_limit_qty",
    "last_order_date": "last_order_date",
}
_DECIMALS = 6
_SAME = 1e-6  # units; nearer than this is equal


def with_reasons(orders: pl.DataFrame, params: ReplenishParams) -> pl.DataFrame:
    """Return the orders with reason_codes, drivers and sentence.

    Parameters
    ----------
    orders : the state of the points that order today
    params : from which share a cause of the buffer is named, and what makes a typed lead time stale

    Returns
    -------
    pl.DataFrame
        The orders in their order; codes divided by spaces, drivers as JSON (`DRIVERS`).
    """
    said = _with_figures(orders)
    flags = _flags(params)
    applies = said.with_columns(
        flag.fill_null(value=False).alias(f"is_{code}") for code, flag in flags.items()
    )
    values = _values()
    codes = [pl.when(f"is_{code}").then(pl.lit(code)) for code in REASONS]
    clauses = [pl.when(f"is_{code}").then(fill(reason.template, values)) for code, reason in REASONS.items()]
    action = pl.coalesce(
        pl.when(pl.col("supply_kind") == kind).then(fill(template, values))
        for kind, template in ACTIONS.items()
    )
    numbers = pl.selectors.float().round(_DECIMALS)
    drivers = orders.select(pl.col(column).alias(name) for name, column in DRIVERS.items()).with_columns(
        numbers
    )
    return applies.with_columns(
        pl.concat_str(codes, separator=" ", ignore_nulls=True).alias("reason_codes"),
        pl.concat_str([action, *clauses, pl.lit(".")], ignore_nulls=True).alias("sentence"),
        drivers.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("drivers"),
    )


def _with_figures(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with the level in the sentence and its parts, which add up as they are said."""
    expected, buffer = pl.col("expected_protection_qty"), pl.col("buffer_qty")
    level = pl.when(pl.col("policy") == "base_stock").then("order_up_to_qty").otherwise("reorder_point_qty")
    is_sum = (level - expected - buffer).abs() < 1.0
    # The buffer is said as the rest, so that the three figures add up for a reader with a pencil.
    rest = figures.rounded(level) - figures.rounded(expected)
    return orders.with_columns(
        level_qty=level, is_sum=is_sum, said_buffer_qty=pl.when(is_sum).then(rest).otherwise(buffer)
    )


def _flags(params: ReplenishParams) -> dict[str, pl.Expr]:
    """Return for every reason whether it applies, row by row."""
    policy, quantity, buffer = (pl.col(name) for name in ("policy", "quantity", "said_buffer_qty"))
    is_last = pl.col("last_buy_qty").is_not_null()
    held, is_lot = (policy != "none") & ~is_last, policy.is_in(["s_S", "s_nQ"]) & ~is_last
    minimum, multiple, economic = (
        pl.col(name) for name in ("min_order_qty", "order_multiple", "economic_lot_qty")
    )
    # A lot counts as the economic one when only whole units and multiples are between them.
    lot_over = pl.col("lot_qty") - pl.max_horizontal(economic, minimum)
    in_step = lot_over < pl.max_horizontal(multiple, pl.lit(1.0)) - _SAME
    step_over = quantity - up_to_multiple(pl.max_horizontal("asked_qty", minimum), pl.lit(0.0))
    measured, typed, method = (
        pl.col(name) for name in ("mean_days_est", "lead_time_days_set", "method_used")
    )
    is_set = pl.col("mean_days_set").is_not_null()
    has_receipts = ~method.is_in(["typed", "default"])
    gap = pl.max_horizontal(params.stale_share * measured, pl.lit(params.stale_days))

    def is_part(column: str) -> pl.Expr:
        part = pl.col(column)
        return held & (buffer > 0) & (part >= params.mention_share * buffer) & (figures.rounded(part) > 0)

    is_sum = held & pl.col("is_sum")
    waits, is_transfer = pl.col("waiting_qty") > 0, pl.col("supply_kind") == "transfer"
    return {
        "below_reorder_point": is_lot,
        "below_order_up_to": held & (policy == "base_stock"),
        "owed_not_stocked": (policy == "none") & ~is_last,
        "last_buy": is_last,
        "buffer_held": is_sum & (buffer > 0),
        "buffer_none": is_sum & (buffer == 0),
        "buffer_negative": is_sum & (buffer < 0),
        "buffer_apart": held & ~pl.col("is_sum"),
        "buffer_demand": is_part("buffer_demand_qty"),
        "buffer_lead_time": is_part("buffer_lead_time_qty"),
        "buffer_lot_review": is_part("buffer_lot_review_qty"),
        "buffer_network": is_part("buffer_network_qty"),
        "master_lead_time_stale": has_receipts & ~is_set & ((typed - measured).abs() > gap),
        "lead_time_typed": (method == "typed") & ~is_set,
        "lead_time_assumed": (method == "default") & ~is_set,
        "lead_time_set": is_set,
        "forecast_set": (figures.rounded(pl.col("set_protection_qty")) != 0),
        "level_set": held & (figures.rounded(pl.col("buffer_override_qty")) != 0),
        "economic_lot": is_lot & (economic > pl.max_horizontal(minimum, multiple, 1.0)) & in_step,
        "moq_raised": (pl.col("wanted_qty") < quantity - _SAME)
        & (pl.when(is_lot).then(economic).otherwise("asked_qty") < minimum - _SAME),
        "multiple_rounded": (multiple > 1)
        & ((step_over > _SAME) | (is_lot & (lot_over >= 1.0 - _SAME) & in_step)),
        "end_limited": ~is_last
        & (pl.col("position_qty") + pl.col("asked_qty") > pl.col("position_limit_qty") - _SAME),
        "may_be_over": pl.col("over_probability").is_not_null(),
        "backlog_owed": held & (pl.col("owed_to_customers_qty") > 0),
        "called_for": pl.col("called_qty") > 0,
        "moved_in": pl.col("moved_in_qty") > 0,
        "source_short": waits & is_transfer & (pl.col("ship_now_qty") > 0),
        "source_empty": waits & is_transfer & (pl.col("ship_now_qty") <= 0),
        "components_short": waits & ~is_transfer,
        "overdue_supply": pl.col("late_qty") > 0,
        "negative_on_hand": pl.col("recorded_qty") < 0,
        "no_stock_record": pl.col("recorded_qty").is_null(),
    }


def _values() -> dict[str, pl.Expr]:
    """Return the text of every value that a template may name."""
    numbers = {
        "quantity": "quantity",
        "position": "position_qty",
        "level": "level_qty",
        "expected": "expected_protection_qty",
        "backlog": "owed_to_customers_qty",
        "promised": "backlog_qty",
        "economic": "economic_lot_qty",
        "wanted": "wanted_qty",
        "minimum": "min_order_qty",
        "multiple": "order_multiple",
        "late": "late_qty",
        "recorded": "recorded_qty",
        "limit": "position_limit_qty",
        "called": "called_qty",
        "moved": "moved_in_qty",
        "ship_now": "ship_now_qty",
        "waiting": "waiting_qty",
    }
    texts = {name: figures.number(pl.col(column)) for name, column in numbers.items()}
    buffer = pl.col("said_buffer_qty")

    def part_of_buffer(column: str) -> pl.Expr:
        part = pl.col(column)
        all_of_it = figures.rounded(part) >= buffer
        return pl.when(all_of_it).then(pl.lit("all")).otherwise(figures.number(part))

    def more_or_less(column: str) -> pl.Expr:
        size = figures.number(pl.col(column).abs())
        return size + pl.when(pl.col(column) > 0).then(pl.lit(" more")).otherwise(pl.lit(" less"))

    same = texts["position"] == texts["level"]
    unknown = pl.col("from_location_id") == UNKNOWN_SOURCE
    source = pl.when(unknown).then(pl.lit("an unknown source")).otherwise("from_location_id")
    return {
        **texts,
        "relation": pl.when(same).then(pl.lit("at")).otherwise(pl.lit("below")),
        "supply": figures.number(pl.col("on_hand_qty") + pl.col("on_order_qty")),
        "buffer": figures.number(buffer.abs()),
        "lead_time_part": part_of_buffer("buffer_lead_time_qty"),
        "network_part": part_of_buffer("buffer_network_qty"),
        "interval": wording.days(pl.col("protection_days_mean"), pl.col("protection_days_sd")),
        "target": wording.target(pl.col("target_kind_eff"), pl.col("target_service_eff")),
        "source": source,
        "possessive": wording.possessive(source),
        "typed": wording.days(pl.col("lead_time_days_set")),
        "measured": wording.days(pl.col("mean_days_est")),
        "set_demand": more_or_less("set_protection_qty"),
        "set_level": more_or_less("buffer_override_qty"),
        "over": pl.format("{} %", (100 * pl.col("over_probability")).round(0).cast(pl.Int64)),
        "last_order": pl.col("last_order_date").dt.to_string("%Y-%m-%d"),
        "late_since": pl.col("late_since").dt.to_string("%Y-%m-%d"),
        "when": pl.coalesce(
            pl.lit("around ") + pl.col("waiting_until").dt.to_string("%Y-%m-%d"),
            pl.lit("when somebody orders there"),
        ),
    }
