"""Texts read as numbers: decimal comma, thousands, currency, percent, trailing minus."""

from collections.abc import Iterable

import polars as pl

COIN = r"€|\$|£|¥|EUR|USD|GBP|CHF"
FORM = (
    rf"^\(?\s*([+-]?)\s*({COIN})?\s*([+-]?)\s*([\d.,][\d.,\s'’]*?(?:[eE][+-]?\d{{1,3}})?)"
    rf"\s*(%|{COIN})?\s*(-?)\s*(%|{COIN})?\s*\)?$"
)
SIGN_BEFORE, COIN_BEFORE, SIGN_INSIDE, BODY, MARK, SIGN_AFTER, MARK_AFTER = range(1, 8)
POINT = r"\.\d{1,2}$|\.\d{4,}$|^(0|\d{4,})?\.\d{3}$|,\d{3}\.|\d,\d{3},\d{3}"
COMMA = r",\d{1,2}$|,\d{4,}$|^(0|\d{4,})?,\d{3}$|\.\d{3},|\d\.\d{3}\.\d{3}"
EITHER = r"^[1-9]\d{0,2}[.,]\d{3}$"
PLAIN = r"^(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
GROUPED = r"^\d{1,3}([,\s'’]\d{3})+(\.\d*)?$"


def decimal_sign(columns: Iterable[pl.Series]) -> tuple[str, list[str]]:
    """Return the decimal sign that most numbers of a source use, and examples that fit either sign.

    `1.234,5` and `0,25` speak for the comma, `1,234.5` and `0.25` for the point, `1.234` for neither.
    Without any evidence it is the point, and the examples come back for a finding.

    Examples
    --------
    >>> decimal_sign([pl.Series(["1.234", "0,25"])])
    (',', [])
    >>> decimal_sign([pl.Series(["1.234", "17"])])
    ('.', ['1.234'])
    """
    point = comma = 0
    unsure: list[str] = []
    for column in columns:
        signed = column.filter(column.str.contains("[.,]")).unique(maintain_order=True)
        digits = signed.str.extract(FORM, BODY).str.strip_chars().drop_nulls()
        point += int(digits.str.contains(POINT).sum())
        comma += int(digits.str.contains(COMMA).sum())
        unsure += digits.filter(digits.str.contains(EITHER)).head(6).to_list()
    if comma > point:
        return ",", []
    return ".", unsure if point == 0 else []


def read_numbers(texts: pl.Series, decimal: str, *, money: bool = False, share: bool = False) -> pl.DataFrame:
    """Return columns `value` (null where it is no number) and `percent` (true where a % stood).

    Parameters
    ----------
    texts : trimmed texts, null where blank
    decimal : the decimal sign, `.` or `,`
    money : whether a currency sign is allowed
    share : whether a percent sign is allowed; the value is then divided by 100

    Examples
    --------
    >>> read_numbers(pl.Series(["1.234,50-", "(3)", "1 000", "abc"]), ",")["value"].to_list()
    [-1234.5, -3.0, 1000.0, None]
    """
    if decimal == ".":
        quick = texts.cast(pl.Float64, strict=False)
        if quick.null_count() == texts.null_count():
            return pl.DataFrame({"value": quick}).with_columns(percent=pl.lit(value=False))
    text = pl.col("text")
    part = {at: text.str.extract(FORM, at).fill_null("") for at in range(1, 8)}
    body = part[BODY]
    if decimal == ",":
        body = body.str.replace_all(",", "\x00", literal=True).str.replace_all(".", ",", literal=True)
        body = body.str.replace_all("\x00", ".", literal=True)
    grouped = pl.when(body.str.contains(GROUPED)).then(body.str.replace_all(r"[,\s'’]", ""))
    digits = grouped.when(body.str.contains(PLAIN)).then(body).cast(pl.Float64, strict=False)
    marks = part[MARK] + part[MARK_AFTER]
    signs = part[SIGN_BEFORE] + part[SIGN_INSIDE] + part[SIGN_AFTER]
    percent = marks == "%"
    coin = part[COIN_BEFORE] + pl.when(percent).then(pl.lit("")).otherwise(marks)
    bracket = text.str.starts_with("(")
    sound = (bracket == text.str.ends_with(")")) & (signs.str.len_chars() + bracket.cast(pl.Int8) <= 1)
    allowed = sound & (share | ~percent) & (money | (coin == "")) & ~coin.str.contains("%")
    factor = pl.when(bracket | (signs == "-")).then(-1.0).otherwise(1.0) / pl.when(percent).then(
        100.0
    ).otherwise(1.0)
    infinite = text.str.to_lowercase().str.contains(r"^[+-]?inf(inity)?$")
    value = pl.when(infinite).then(text.cast(pl.Float64, strict=False)).when(allowed).then(digits * factor)
    known = texts.drop_nulls().unique().to_frame("text").with_columns(value=value, percent=percent)
    joined = texts.to_frame("text").join(known, on="text", how="left", maintain_order="left")
    return joined.select("value", pl.col("percent").fill_null(value=False))
