"""How exceptions say figures."""

import polars as pl

SIGNIFICANT = 3


def figure(value: pl.Expr, *, signed: bool = False) -> pl.Expr:
    """Return units as people write them: whole from 10 up, else with one decimal.

    Examples
    --------
    >>> pl.DataFrame({"x": [1234.4, 3.0, -0.26]}).select(figure(pl.col("x")))["x"].to_list()
    ['1234', '3', '-0.3']
    """
    short = value.round(1).cast(pl.String).str.replace(r"\.0$", "")
    whole = value.round(0).cast(pl.Int64, strict=False).cast(pl.String)
    said = pl.when(value.abs() >= 10).then(whole).otherwise(short)
    return pl.when(value > 0).then(pl.concat_str(pl.lit("+"), said)).otherwise(said) if signed else said


def money(value: float, currency: str = "") -> str:
    """Return an amount of money in three figures.

    Examples
    --------
    >>> money(41234.0, "USD"), money(999.6), money(3.2)
    ('41,200 USD', '1,000', '3')
    """
    rounded = float(f"{value:.{SIGNIFICANT}g}") if abs(value) >= 100 else round(value)
    return f"{rounded:,.0f} {currency}".rstrip()


def counted(n: int, one: str, several: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "place", "places"), counted(1200, "place", "places")
    ('1 place', '1,200 places')
    """
    return f"{n:,} {one if n == 1 else several}"


def times(value: float) -> str:
    """Return a factor in words of two figures.

    Examples
    --------
    >>> times(1.523), times(12.4)
    ('1.5', '12')
    """
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def chance(odds: float) -> str:
    """Return once in how many runs chance does that, in round figures.

    Examples
    --------
    >>> chance(23456.0), chance(5e7)
    ('20,000', 'a million or more')
    """
    if odds >= 1e6:
        return "a million or more"
    return f"{float(f'{odds:.1g}'):,.0f}"
