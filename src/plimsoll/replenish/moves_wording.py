"""Why stock moves between places of ours: codes and one plain sentence a move."""

import polars as pl

from plimsoll.domain import figures
from plimsoll.domain.reasons import MOVE_ACTIONS, MOVE_REASONS, UNKNOWN_SOURCE, fill
from plimsoll.replenish import wording

MENTIONED = 0.05  # of the gain: a part below this is not said


def with_words(moves: pl.DataFrame) -> pl.DataFrame:
    """Return the moves with reason_codes and sentence.

    Parameters
    ----------
    moves : the columns of table `move`, and of the receiving place its supply_kind, supplier (where it
        would order from) and waiting_qty
    """
    values, flags = _values(), _flags()
    applies = moves.with_columns(
        flags[code].fill_null(value=False).alias(f"is_{code}") for code in MOVE_REASONS
    )
    codes = [pl.when(f"is_{code}").then(pl.lit(code)) for code in MOVE_REASONS]
    clauses = [
        pl.when(f"is_{code}").then(fill(reason.template, values)) for code, reason in MOVE_REASONS.items()
    ]
    action = pl.coalesce(
        pl.when(pl.col("kind") == kind).then(fill(template, values))
        for kind, template in MOVE_ACTIONS.items()
    )
    return applies.with_columns(
        reason_codes=pl.concat_str(codes, separator=" ", ignore_nulls=True),
        sentence=pl.concat_str([action, *clauses, pl.lit(".")], ignore_nulls=True),
    )


def _flags() -> dict[str, pl.Expr]:
    gain, holding, shortage = (pl.col(name) for name in ("gain", "holding_saved", "shortage_avoided"))
    kind = pl.col("supply_kind")
    return {
        "excess_here": pl.col("excess_days").is_not_null(),
        "no_demand_here": pl.col("excess_days").is_null(),
        "purchase_spared": kind == "purchase",
        "production_spared": kind == "production",
        "transfer_spared": (kind == "transfer") & (pl.col("waiting_qty") <= 0),
        "transfer_waits": (kind == "transfer") & (pl.col("waiting_qty") > 0),
        "holding_saved": holding >= MENTIONED * gain,
        "shortage_avoided": shortage >= MENTIONED * gain,
        "move_cost": pl.col("cost") > 0,
    }


def _values() -> dict[str, pl.Expr]:
    """Return the text of every value that a template may name."""
    numbers = {
        "quantity": "quantity",
        "excess": "excess_qty",
        "wanted": "wanted_qty",
        "waiting": "waiting_qty",
        "holding": "holding_saved",
        "shortage": "shortage_avoided",
        "cost": "cost",
    }
    unknown = pl.col("supplier") == UNKNOWN_SOURCE
    both = pl.col("holding_saved") >= MENTIONED * pl.col("gain")
    return {
        **{name: figures.number(pl.col(column)) for name, column in numbers.items()},
        "origin": pl.col("from_location_id"),
        "target": pl.col("to_location_id"),
        "source": pl.when(unknown).then(pl.lit("an unknown source")).otherwise("supplier"),
        "days": wording.days(pl.col("excess_days")),
        "joined": pl.when(both).then(pl.lit(" and avoids ")).otherwise(pl.lit("; it avoids ")),
    }
