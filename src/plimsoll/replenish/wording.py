"""Numbers and names as they stand in a sentence: text expressions, row by row."""

import polars as pl


def rounded(value: pl.Expr) -> pl.Expr:
    """Return the value as precise as it is said: 2 decimals below 1, one below 10, none above."""
    size = value.abs()
    return (
        pl.when(size < 1).then(value.round(2)).when(size < 10).then(value.round(1)).otherwise(value.round(0))
    )


def number(value: pl.Expr) -> pl.Expr:
    """Return a number in words: no needless decimals, thousands separated from 10,000 on.

    Examples
    --------
    >>> values = pl.DataFrame({"x": [0.04, 3.0, 3.26, 1234.4, 12345.6, -20.0]})
    >>> values.select(number(pl.col("x"))).to_series().to_list()
    ['0.04', '3', '3.3', '1234', '12,346', '-20']
    """
    short = rounded(value)
    whole = short.round(0).cast(pl.Int64)
    digits = whole.abs().cast(pl.String)
    # Reversed, since thousands are counted from the right and the regular expressions do not look ahead.
    grouped = digits.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse().str.strip_prefix(",")
    sign = pl.when(whole < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return (
        pl.when(short != short.round(0))
        .then(short.cast(pl.String))
        .when(whole.abs() < 10_000)
        .then(whole.cast(pl.String))
        .otherwise(sign + grouped)
    )


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
