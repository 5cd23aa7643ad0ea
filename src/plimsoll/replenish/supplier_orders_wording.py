"""What became of a supplier's order, and why a line is ordered early or waits: codes and plain sentences."""

from datetime import date

import polars as pl

from plimsoll.domain import figures
from plimsoll.domain.reasons import ACTIONS, LINE_REASONS, SUPPLIER_REASONS, fill
from plimsoll.replenish import wording

# The reasons of a line ordered early as data: keys of the JSON in `drivers`.
DRIVERS = (
    "quantity",
    "left_qty",
    "reorder_point_qty",
    "order_up_to_qty",
    "order_by_date",
    "days_early",
    "pull_cost",
    "gain",
    "net",
    "amount",
    "container_measure",
    "container_capacity",
)
_DECIMALS = 6
_MONDAY = date(2024, 1, 1)


def with_order_words(orders: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with reason_codes and sentence.

    Parameters
    ----------
    orders : columns of table `supplier_order` and waits_minimum, pulls, n_filling, n_unmeasured,
        weekday_wait, order_weekday, value_minimum, filling_value
    """
    flags, values = _flags(), _values()
    applies = orders.with_columns(
        flags[code].fill_null(value=False).alias(f"is_{code}") for code in SUPPLIER_REASONS
    )
    codes = [pl.when(f"is_{code}").then(pl.lit(code)) for code in SUPPLIER_REASONS]
    clauses = [
        pl.when(f"is_{code}").then(fill(reason.template, values)) for code, reason in SUPPLIER_REASONS.items()
    ]
    said = pl.concat_str(clauses, separator="; ", ignore_nulls=True)
    plain = pl.format(
        "{} line{} for {} to {}", "n_lines", _plural("n_lines"), values["needed"], values["source"]
    )
    opened = pl.when(said == "").then(plain).otherwise(said)
    return applies.with_columns(
        reason_codes=pl.concat_str(codes, separator=" ", ignore_nulls=True),
        sentence=opened.str.head(1).str.to_uppercase() + opened.str.slice(1) + pl.lit("."),
    )


def with_wait_words(orders: pl.DataFrame) -> pl.DataFrame:
    """Return for orders that wait the day (null if unknown), the code and the clause for their lines."""
    values = _values()
    code = (
        pl.when(pl.col("wait_reason") == "weekday")
        .then(pl.lit("waits_for_weekday"))
        .when(pl.col("order_date").is_null())
        .then(pl.lit("below_minimum"))
        .otherwise(pl.lit("waits_for_minimum"))
    )
    clause = pl.coalesce(
        pl.when(pl.col("code") == name).then(fill(LINE_REASONS[name].template, values))
        for name in ("waits_for_weekday", "below_minimum", "waits_for_minimum")
    )
    return (
        orders.with_columns(code=code)
        .with_columns(clause=clause)
        .select("from_location_id", "to_location_id", "order_date", "code", "clause")
    )


def with_line_words(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines ordered early with pulled_why, reason_codes, drivers and sentence.

    Parameters
    ----------
    lines : columns of table `line`, `DRIVERS`, pulled_for (minimum or container) and n_containers
    """
    values = {
        "quantity": figures.number(pl.col("quantity")),
        "source": pl.col("from_location_id"),
        "days": wording.days(pl.col("days_early")),
        "holding": figures.number(pl.col("pull_cost")),
        "number": pl.col("n_containers").cast(pl.String),
    }
    code = pl.lit("pulled_for_") + pl.col("pulled_for")
    why = pl.coalesce(
        pl.when(pl.col("pulled_for") == kind).then(fill(LINE_REASONS[f"pulled_for_{kind}"].template, values))
        for kind in ("minimum", "container")
    )
    drivers = lines.select(DRIVERS).with_columns(pl.selectors.float().round(_DECIMALS))
    return lines.with_columns(
        reason_codes=code,
        pulled_why=why,
        drivers=drivers.select(pl.struct(pl.all()).struct.json_encode()).to_series(),
    ).with_columns(
        sentence=fill(ACTIONS["purchase"], values) + pl.lit(", ") + pl.col("pulled_why") + pl.lit(".")
    )


def _flags() -> dict[str, pl.Expr]:
    """Return for every reason whether it applies, row by row."""
    has_minimum = (pl.col("min_order_value") > 0) & (pl.col("weekday_wait") == 0)
    waits, pulls = pl.col("waits_minimum"), pl.col("pulls")
    has_size = pl.col("container_capacity").is_not_null() & ~waits & (pl.col("weekday_wait") == 0)
    filled = pl.col("n_filling") > 0
    partly = pl.col("status") == "partly_filled"
    return {
        "minimum_met": has_minimum & ~waits & ~pulls,
        "minimum_pulled": has_minimum & pulls,
        "minimum_waits": waits & pl.col("order_date").is_not_null(),
        "minimum_unreached": waits & pl.col("order_date").is_null(),
        "container_full": has_size & ~filled & ~partly & pl.col("amount").is_not_null(),
        "container_filled": has_size & filled,
        "container_partly": has_size & partly,
        "container_not_measured": has_size & pl.col("amount").is_null(),
        "order_weekday": pl.col("weekday_wait") > 0,
        "wait_cost": waits & (pl.col("wait_cost") > 0),
        "pull_cost": pl.col("n_pulled") > 0,
    }


def _values() -> dict[str, pl.Expr]:
    """Return the text of every value that a template may name."""
    weekday = pl.lit(_MONDAY) + pl.duration(days=pl.col("order_weekday") - 1)
    several = pl.format("the last of {} containers from {}", "n_containers", "from_location_id")
    container = (
        pl.when(pl.col("n_containers") == 1)
        .then(pl.lit("the container from ") + pl.col("from_location_id"))
        .otherwise(several)
    )
    return {
        "source": pl.col("from_location_id"),
        "minimum": figures.number(pl.col("min_order_value")),
        "needed": figures.number(pl.col("needed_value")),
        "early": figures.number(pl.col("value_minimum")),
        "filling": figures.number(pl.col("filling_value")),
        "until": pl.col("order_date").dt.to_string("%Y-%m-%d"),
        "container": container,
        "fill": pl.format("{} %", (100 * pl.col("last_fill_share")).round(0).cast(pl.Int64)),
        "measure": pl.col("container_measure"),
        "unmeasured": pl.format("{} line{}", "n_unmeasured", _plural("n_unmeasured")),
        "weekday": weekday.dt.to_string("%A"),
        "wait_cost": figures.number(pl.col("wait_cost")),
        "pull_cost": figures.number(pl.col("pull_cost")),
    }


def _plural(column: str) -> pl.Expr:
    return pl.when(pl.col(column) == 1).then(pl.lit("")).otherwise(pl.lit("s"))
