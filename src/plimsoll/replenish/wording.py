"""Durations, names and targets as they stand in a sentence: text expressions, row by row."""

import polars as pl

from plimsoll.domain.figures import number


def days(value: pl.Expr, spread: pl.Expr | None = None) -> pl.Expr:
    """Return a duration in days, with its spread unless that rounds to nothing.

    Examples
    --------
    >>> frame = pl.DataFrame({"mean": [38.2, 1.0, 8.4], "sd": [11.3, 0.0, 2.0]})
    >>> frame.select(days(pl.col("mean"), pl.col("sd"))).to_series().to_list()
    ['38 ± 11 days', '1 day', '8.4 ± 2 days']
    """
    text = number(value)
    unit = pl.when(text == "1").then(pl.lit(" day")).otherwise(pl.lit(" days"))
    if spread is None:
        return text + unit
    # The spread is no more precise than the mean that it belongs to.
    said = pl.when(value.abs() < 10).then(spread.round(1)).otherwise(spread.round(0))
    return (
        pl.when(said > 0).then(text + pl.lit(" ± ") + number(said) + pl.lit(" days")).otherwise(text + unit)
    )


def possessive(name: pl.Expr) -> pl.Expr:
    """Return whose it is.

    Examples
    --------
    >>> pl.DataFrame({"name": ["Acme", "Siemens"]}).select(possessive(pl.col("name"))).to_series().to_list()
    ["Acme's", "Siemens'"]
    """
    return name + pl.when(name.str.ends_with("s")).then(pl.lit("'")).otherwise(pl.lit("'s"))


def target(kind: pl.Expr, service: pl.Expr) -> pl.Expr:
    """Return a service target with its article.

    Examples
    --------
    >>> frame = pl.DataFrame({"kind": ["cycle", "fill", "economic"], "share": [0.98, 0.855, 0.9]})
    >>> frame.select(target(pl.col("kind"), pl.col("share"))).to_series().to_list()
    ['a 98 % target', 'an 85.5 % fill-rate target', 'the least cost of holding and shortage']
    """
    share = service * 100
    short = pl.when(share < 90).then(share.round(1)).otherwise(share.round(2))
    percent = short.cast(pl.String).str.strip_suffix(".0")
    article = (
        pl.when(percent.str.contains(r"^(8|11(\.|$)|18(\.|$))")).then(pl.lit("an ")).otherwise(pl.lit("a "))
    )
    noun = pl.when(kind == "fill").then(pl.lit(" % fill-rate target")).otherwise(pl.lit(" % target"))
    return (
        pl.when(kind == "economic")
        .then(pl.lit("the least cost of holding and shortage"))
        .otherwise(article + percent + noun)
    )
