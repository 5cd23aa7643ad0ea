"""Texts read as dates: ISO, day or month first by evidence, weeks, months, month names, Excel serials."""

import re
from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.ingest.vocabulary import words

MINORITY = 0.01
EXCEL_FIRST, EXCEL_LAST = 20_000, 80_000
SPLIT = r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})$"
NUMERIC = r"^(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})(?:[T ]\d{1,2}:.*)?$"
NO_END = r"^(9999[-./]?12[-./]?31|31[-./]12[-./]9999|12[-./]31[-./]9999)"
GAP = r"[\s./,_'-]*"
WEEK = r"(?:w|kw|wk|week|woche|sem|semaine)"
NAME = r"(?P<name>[a-zäéû]{3,})"
ISO = (
    r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})$",
    r"^(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})$",
)
PATTERNS = (
    *ISO,
    r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})$",
    r"^(?P<year>\d{4})[-/.m]?(?P<month>\d{2})$",
    r"^(?P<month>\d{1,2})[-/.](?P<year>\d{4})$",
    rf"^(?P<year>\d{{4}}){GAP}{WEEK}{GAP}(?P<week>\d{{1,2}})$",
    rf"^{WEEK}{GAP}(?P<week>\d{{1,2}}){GAP}(?P<year>\d{{4}})$",
    rf"^(?P<day>\d{{1,2}}){GAP}{NAME}{GAP}(?P<year>\d{{4}}|\d{{2}})$",
    rf"^{NAME}{GAP}(?P<day>\d{{1,2}}){GAP}(?P<year>\d{{4}})$",
    rf"^{NAME}{GAP}(?P<year>\d{{4}}|\d{{2}})$",
    rf"^(?P<year>\d{{4}}){GAP}{NAME}$",
)


@dataclass(frozen=True, slots=True)
class DateTexts:
    """Dates of a column and how they were read.

    `order` is "day" or "month" where numbers like 3/4/2024 occur, else empty; `n_evidence` counts
    the distinct texts that only this order can explain; `undecided` are examples when neither order
    is proven, in which case such texts have no date. `n_other` counts the values in another format
    than most of the column, with `other` as examples; formats given for the column are one.
    """

    values: pl.Series
    order: str
    n_evidence: int
    undecided: tuple[str, ...]
    n_other: int = 0
    other: tuple[str, ...] = ()


def read_dates(texts: pl.Series, formats: tuple[str, ...] = ()) -> DateTexts:
    """Return the dates of texts; null where there is none.

    ISO dates are always understood. Without formats, `3/4/2024` and `3-4-2024` are read day first or
    month first by the evidence of the whole column: values above 12. `3.4.2024` is day first. A
    week or month becomes its first day. The day 9999-12-31 means no end and is unknown.

    Examples
    --------
    >>> read_dates(pl.Series(["8/27/2014", "10-09-2014", "2014-W05"])).values.to_list()
    [datetime.date(2014, 8, 27), datetime.date(2014, 10, 9), datetime.date(2014, 1, 27)]
    >>> read_dates(pl.Series(["10-09-2014", "01/02/2014"])).undecided
    ('10-09-2014', '01/02/2014')
    >>> read_dates(pl.Series(["2014-08-27", "2014-08-28", "29.08.2014"])).other
    ('29.08.2014',)
    """
    unique = texts.drop_nulls().unique(maintain_order=True)
    without_time = pl.col("text").str.replace(r"[T ]\d{1,2}:\d{2}.*$", "")
    frame = unique.to_frame("text").with_columns(day=without_time.str.to_lowercase())
    day = pl.col("day")
    parsed = frame.with_columns(value=day.str.to_date("%Y-%m-%d", strict=False))
    order, n_evidence, is_one = "", 0, True
    undecided: tuple[str, ...] = ()
    if parsed["value"].null_count():
        given = [day.str.to_date(form, strict=False) for form in formats]
        iso, texts_of = _readings(day, ISO), _readings(day, PATTERNS[len(ISO) :])
        readings = [given, iso] if formats else [iso, *([one] for one in texts_of), [_serial(day)]]
        forms = [pl.coalesce(each) for each in readings]
        parsed = frame.with_columns(value=pl.coalesce(forms), form=_form_used(forms))
        is_one = False
        if not formats:
            first, second, year = (day.str.extract(SPLIT, group) for group in (1, 2, 3))
            order, n_evidence, undecided = _order(frame.select("text", first=first, second=second))
            parts = (second, first) if order == "day" else (first, second)
            if order:
                parsed = parsed.with_columns(pl.col("value").fill_null(_from_parts(year, *parts)))
    parsed = parsed.with_columns(pl.when(~pl.col("text").str.contains(NO_END)).then("value").alias("value"))
    rows = texts.to_frame("text").join(parsed, on="text", how="left", maintain_order="left")
    other = rows["text"].clear() if is_one else _in_other_form(rows)
    examples = tuple(other.unique(maintain_order=True).head(6))
    return DateTexts(rows["value"].cast(pl.Date), order, n_evidence, undecided, len(other), examples)


def against_format(texts: pl.Series, formats: tuple[str, ...]) -> pl.Series:
    """Return which texts are dates in numbers whose column proves the other order than the formats say.

    With `%d/%m/%Y`, a column where more texts can only be month first than day first is read wrongly
    throughout: 3/4 would become another month without a sign. ISO dates are not concerned.

    Examples
    --------
    >>> against_format(pl.Series(["05/27/2024", "03/04/2024", "2024-01-05"]), ("%d/%m/%Y",)).to_list()
    [True, True, False]
    """
    nothing = pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    day_first = {form.find("%d") < form.find("%m") for form in formats if "%d" in form and "%m" in form}
    if len(day_first) != 1:
        return nothing
    seen = texts.drop_nulls().unique().to_frame("text")
    parts = seen.select(
        pl.col("text").str.extract(NUMERIC, group).cast(pl.Int64).alias(name)
        for group, name in ((1, "first"), (2, "second"))
    )
    n_day = parts.filter(pl.col("first").is_between(13, 31) & (pl.col("second") <= 12)).height
    n_month = parts.filter(pl.col("second").is_between(13, 31) & (pl.col("first") <= 12)).height
    own, other = (n_day, n_month) if day_first.pop() else (n_month, n_day)
    return texts.str.contains(NUMERIC).fill_null(value=False) if other > own else nothing


def _form_used(forms: list[pl.Expr]) -> pl.Expr:
    """Return the number of the first form by which a text is a date, or of the form of day and month."""
    used = [pl.when(form.is_not_null()).then(number) for number, form in enumerate(forms)]
    return pl.coalesce(*used, len(forms))


def _in_other_form(rows: pl.DataFrame) -> pl.Series:
    """Return the texts that are dates in another form than most."""
    dated = rows.drop_nulls("value")
    most = dated["form"].value_counts().sort("count", "form", descending=[True, False])["form"].head(1)
    return dated.filter(~pl.col("form").is_in(most.implode()))["text"]


def _from_parts(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    century = pl.when(year.cast(pl.Int32, strict=False) >= 70).then(pl.lit("19")).otherwise(pl.lit("20"))
    full = pl.when(year.str.len_chars() == 2).then(century + year).otherwise(year)
    return (full + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)).str.to_date("%Y-%m-%d", strict=False)


def _readings(text: pl.Expr, patterns: tuple[str, ...]) -> list[pl.Expr]:
    """Return the readings of texts by patterns, which need no evidence."""
    months = words("months")
    readings = []
    for pattern in patterns:
        group = {name: text.str.extract(pattern, at) for name, at in re.compile(pattern).groupindex.items()}
        if "week" in group:
            monday = group["year"] + "-W" + group["week"].str.zfill(2) + "-1"
            readings.append(monday.str.to_date("%G-W%V-%u", strict=False))
            continue
        if "name" in group:
            group["month"] = group["name"].replace_strict(months["word"], months["month"], default=None)
        readings.append(_from_parts(group["year"], group["month"], group.get("day", pl.lit("1"))))
    return readings


def _serial(text: pl.Expr) -> pl.Expr:
    """Return the day of an Excel serial number."""
    serial = text.str.extract(r"^(\d{5})(?:\.0+)?$").cast(pl.Int64)
    days = pl.when(serial.is_between(EXCEL_FIRST, EXCEL_LAST)).then(serial)
    return pl.lit(date(1899, 12, 30)) + pl.duration(days=days)


def _order(parts: pl.DataFrame) -> tuple[str, int, tuple[str, ...]]:
    """Return the order of day and month that the evidence proves, its count, and undecided examples.

    A share below `MINORITY` of contrary evidence is taken for wrong dates, which then have no value.
    """
    split = parts.drop_nulls().with_columns(pl.col("first", "second").cast(pl.Int64))
    first, second = split["first"], split["second"]
    n_day = int((first.is_between(13, 31) & (second <= 12)).sum())
    n_month = int((second.is_between(13, 31) & (first <= 12)).sum())
    most, least = max(n_day, n_month), min(n_day, n_month)
    either = split.filter((first <= 12) & (second <= 12) & (first != second))["text"]
    if least > MINORITY * most or (most == 0 and len(either)):
        return "", most, tuple((either if len(either) else split["text"]).head(5))
    return ("month" if n_month > n_day else "day") if len(split) else "", most, ()
