"""Why an open order should come sooner, later or not at all: codes, data and one plain sentence."""

from datetime import date

import polars as pl

from plimsoll.domain import figures
from plimsoll.domain.reasons import CHANGE_ACTIONS, CHANGE_REASONS, UNKNOWN_SOURCE, fill
from plimsoll.replenish import wording

# The reasons as data: keys of the JSON in `drivers`. Quantities in stocking units, money as in the plan.
DRIVERS = (
    "quantity",
    "ahead_qty",
    "due_date_now",
    "expected_date",
    "due_date",
    "needed_date",
    "safe_date",
    "run_out_probability",
    "shortage_avoided",
    "holding_saved",
    "surplus_saved",
    "cash_freed",
    "cost",
    "gain",
    "net",
)
LATER = ("safe_days", "surplus_qty", "rate", "delay_days")  # of changes of one kind only
_DECIMALS = 6


def with_words(changes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the changes with reason_codes, drivers and sentence.

    Parameters
    ----------
    changes : columns of table `order_change` and of `LATER`, null where a kind has none
    as_of : day of the plan
    """
    absent = [name for name in (*DRIVERS, *LATER) if name not in changes.columns]
    rows = changes.with_columns(pl.lit(None, dtype=_type_of(name)).alias(name) for name in absent)
    flags, values = _flags(), _values(as_of)
    applies = rows.with_columns(
        flags[code].fill_null(value=False).alias(f"is_{code}") for code in CHANGE_REASONS
    )
    codes = [pl.when(f"is_{code}").then(pl.lit(code)) for code in CHANGE_REASONS]
    clauses = [
        pl.when(f"is_{code}").then(fill(reason.template, values)) for code, reason in CHANGE_REASONS.items()
    ]
    action = pl.coalesce(
        pl.when(pl.col("kind") == kind).then(fill(template, values))
        for kind, template in CHANGE_ACTIONS.items()
    )
    drivers = rows.select(DRIVERS).with_columns(pl.selectors.float().round(_DECIMALS))
    return applies.with_columns(
        reason_codes=pl.concat_str(codes, separator=" ", ignore_nulls=True),
        sentence=pl.concat_str([action, *clauses, pl.lit(".")], ignore_nulls=True),
        drivers=drivers.select(pl.struct(pl.all()).struct.json_encode()).to_series(),
    )


def _type_of(name: str) -> pl.DataType:
    return pl.Date() if name.endswith("_date") else pl.Float64()


def _flags() -> dict[str, pl.Expr]:
    """Return for every reason whether it applies, row by row."""
    kind = pl.col("kind")
    cancels = kind == "cancel"
    no_demand = pl.col("rate") <= 0
    left_over = cancels & ~no_demand & (pl.col("surplus_qty") >= pl.col("quantity"))
    return {
        "needed_before": kind == "expedite",
        "comes_early": kind == "postpone",
        "not_needed_soon": cancels & ~no_demand & ~left_over,
        "nobody_asks": cancels & no_demand,
        "left_over": left_over,
        "shortage_less": kind == "expedite",
        "holding_less": pl.col("holding_saved") > 0,
        "surplus_less": pl.col("surplus_saved") > 0,
        "cash_later": kind == "postpone",
        "cash_kept": cancels,
        "change_cost": pl.col("cost") > 0,
    }


def _values(as_of: date) -> dict[str, pl.Expr]:
    """Return the text of every value that a template may name."""
    numbers = {
        "quantity": "quantity",
        "ahead": "ahead_qty",
        "surplus": "surplus_qty",
        "shortage": "shortage_avoided",
        "holding": "holding_saved",
        "surplus_money": "surplus_saved",
        "cash": "cash_freed",
        "cost": "cost",
    }
    source = pl.col("from_location_id").fill_null(UNKNOWN_SOURCE)
    order = pl.concat_str([pl.col("order_id"), pl.col("line")], separator="/", ignore_nulls=True)
    lasting = pl.col("ahead_qty") / pl.col("rate")
    percent = (100.0 * (1.0 - pl.col("run_out_probability"))).floor().cast(pl.Int64)
    return {
        **{name: figures.number(pl.col(column)) for name, column in numbers.items()},
        "order": order,
        "source": pl.when(source == UNKNOWN_SOURCE).then(pl.lit("an unknown source")).otherwise(source),
        "new_date": _day("due_date"),
        "expected": _day("expected_date"),
        "needed": pl.when(pl.col("needed_date") <= as_of)
        .then(pl.lit("today"))
        .otherwise(_day("needed_date")),
        "safe": _day("safe_date"),
        "sureness": pl.format("{} %", pl.min_horizontal(percent, pl.lit(99))),
        "lasting": wording.days(lasting),
    }


def _day(column: str) -> pl.Expr:
    return pl.col(column).dt.to_string("%Y-%m-%d")
