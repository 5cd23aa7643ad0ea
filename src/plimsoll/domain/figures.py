"""Figures as they stand in a sentence: text expressions for tables, and the same for single values."""

import polars as pl

MINUS = "−"
THOUSANDS = 5  # at most so many are separated: beyond, floats are no counts


def rounded(value: pl.Expr) -> pl.Expr:
    """Return the value as precise as it is said: 2 decimals below 1, one below 10, none above."""
    size = value.abs()
    return (
        pl.when(size < 1).then(value.round(2)).when(size < 10).then(value.round(1)).otherwise(value.round(0))
    )


def number(value: pl.Expr, *, signed: bool = False) -> pl.Expr:
    """Return a number in words: no needless decimals, thousands separated, with `signed` a plus as well.

    Examples
    --------
    >>> values = pl.DataFrame({"x": [0.04, 3.0, 3.26, 1234.4, 1234567.0, -20.0]})
    >>> values.select(number(pl.col("x"))).to_series().to_list()
    ['0.04', '3', '3.3', '1,234', '1,234,567', '−20']
    >>> values.select(number(pl.col("x"), signed=True)).to_series().to_list()
    ['+0.04', '+3', '+3.3', '+1,234', '+1,234,567', '−20']
    """
    return said(rounded(value), signed=signed)


def said(value: pl.Expr, *, signed: bool = False) -> pl.Expr:
    """Return a number rounded already to 3 decimals, with its thousands separated, as of `number`."""
    # One chain: an expression that stands in itself many times takes long to plan.
    text = value.cast(pl.Float64).cast(pl.String).str.strip_suffix(".0").str.replace("^-0$", "0")
    for _ in range(THOUSANDS):
        text = text.str.replace(r"(\d)(\d{3})(,|\.|$)", "${1},${2}${3}")
    if signed:
        text = text.str.replace(r"^([1-9]|0\.)", "+${1}")
    return text.str.replace("^-", MINUS)


def money(value: float, currency: str = "") -> str:
    """Return an amount of money in full: whole from 10 up, else with two decimals.

    Examples
    --------
    >>> money(41234.4, "USD"), money(-1999.6), money(3.2), money(-0.001)
    ('41,234 USD', '−2,000', '3.20', '0.00')
    """
    digits = 2 if abs(value) < 10 else 0
    return f"{value:z,.{digits}f} {currency}".rstrip().replace("-", MINUS, value < 0)
