"""How a check writes its rows down: key, words, money and suggested repair as columns of `audit_row`."""

import math
from typing import NamedTuple

import polars as pl

from plimsoll.domain.figures import said

POINT = ["item_id", "location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
PLACES = ("location_id", "to_location_id")
FACTS = "n_facts"
UNKNOWN = pl.lit(None, dtype=pl.Float64)


class Repair(NamedTuple):
    """A suggested repair: its kind, the column, the new value (or cap, or factor), and the other item."""

    kind: str
    column: str | None = None
    value: pl.Expr | float | None = None
    to: pl.Expr | None = None


def doubtful(
    rows: pl.DataFrame,
    key: list[str],
    detail: pl.Expr,
    *,
    money: pl.Expr = UNKNOWN,
    repair: Repair | None = None,
    severity: pl.Expr | None = None,
    n_facts: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return the rows as a check hands them over.

    Parameters
    ----------
    rows : the faulty facts, with the columns of `key`
    key : columns that name a fact; `item_id` and its place are taken from there too
    detail : what is wrong with the row
    money : money at risk; null where it cannot be said
    repair : what would mend it; left out where its value is null
    severity : of the row, where rows differ; else that of the check
    n_facts : how many facts a row stands for, where it sums them up; else one

    Examples
    --------
    >>> rows = pl.DataFrame({"item_id": ["A"], "location_id": ["DC1"], "on_hand": [-2.0]})
    >>> found = doubtful(rows, POINT, pl.format("{} on hand", figure(pl.col("on_hand"))))
    >>> found.select("key", "location_id", "detail").row(0)
    ('A @ DC1', 'DC1', '−2 on hand')
    """
    place = next((name for name in PLACES if name in key), None)
    parts = [pl.col(name).cast(pl.String).fill_null("?") for name in key]
    columns: dict[str, pl.Expr] = {
        "key": pl.concat_str(parts, separator=" @ "),
        "item_id": pl.col("item_id") if "item_id" in rows.columns else pl.lit(None, dtype=pl.String),
        "location_id": pl.col(place) if place else pl.lit(None, dtype=pl.String),
        "detail": detail,
        "money_at_risk": pl.when(money.is_finite()).then(money.clip(0.0)),
        **_repair_columns(repair),
    }
    if severity is not None:
        columns["severity"] = severity
    if n_facts is not None:
        columns[FACTS] = n_facts
    return rows.select(**columns)


def _repair_columns(repair: Repair | None) -> dict[str, pl.Expr]:
    nothing = pl.lit(None, dtype=pl.String)
    if repair is None:
        return {"repair": nothing, "repair_column": nothing, "repair_value": UNKNOWN, "repair_to": nothing}
    value = repair.value if isinstance(repair.value, pl.Expr) else pl.lit(repair.value, dtype=pl.Float64)
    to = nothing if repair.to is None else repair.to
    given = pl.lit(value=True)
    if repair.kind in {"set", "cap", "convert"}:
        given = value.is_not_null()
    elif repair.kind in {"merge", "transfer"}:
        given = to.is_not_null()
    return {
        "repair": pl.when(given).then(pl.lit(repair.kind)),
        "repair_column": pl.when(given).then(pl.lit(repair.column, dtype=pl.String)),
        "repair_value": pl.when(given).then(value),
        "repair_to": pl.when(given).then(to),
    }


def figure(value: pl.Expr) -> pl.Expr:
    """Return numbers as people write them: whole from 100 up, else with up to two decimals.

    Examples
    --------
    >>> pl.DataFrame({"x": [1234.5, 3.0, 0.256, None]}).select(figure(pl.col("x"))).to_series().to_list()
    ['1,234', '3', '0.26', '?']
    """
    number = value.cast(pl.Float64)
    short = pl.when(number.abs() >= 100).then(number.round(0)).otherwise(number.round(2))
    return said(short).fill_null("?")


def amount(value: pl.Expr) -> pl.Expr:
    """Return money as people say it: whole up to 9,999, above in three figures with k, M or bn.

    Examples
    --------
    >>> money = pl.DataFrame({"x": [1049114.0, 485290.0, 5804.2, 0.4, None]})
    >>> money.select(amount(pl.col("x")))["x"].to_list()
    ['1.05 M', '485 k', '5,804', '0', '?']
    """
    number = value.cast(pl.Float64)
    whole = number.round(0).cast(pl.Int64, strict=False).cast(pl.String).str.replace(r"(\d)(\d{3})$", "$1,$2")
    short = number.round_sig_figs(3)
    steps = [pl.when(number.abs() < 9_999.5).then(whole)]
    for size, limit, letters in ((1e3, 1e6, "k"), (1e6, 1e9, "M"), (1e9, math.inf, "bn")):
        scaled = (short / size).round_sig_figs(3).cast(pl.String).str.replace(r"\.0$", "")
        steps.append(pl.when(short.abs() < limit).then(pl.format(f"{{}} {letters}", scaled)))
    return pl.coalesce(*steps, pl.lit("?"))
