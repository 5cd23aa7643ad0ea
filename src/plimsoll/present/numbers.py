"""How numbers look, the same in the terminal, the report and the workbook."""

from math import inf

DASH = "–"
# below which size -> divisor and letters; limits are where rounding would show the next step
STEPS = ((9_999.5, 1.0, ""), (999_500.0, 1e3, " k"), (999.5e6, 1e6, " M"), (inf, 1e9, " bn"))
LONGEST_DAYS = 3650.0


def step(value: float, currency: str = "") -> tuple[float, str]:
    """Return the divisor and the unit in which money of that size is shown.

    Examples
    --------
    >>> step(45600, "EUR"), step(0)
    ((1000.0, 'k EUR'), (1.0, ''))
    """
    divisor, letters = next((divisor, letters) for limit, divisor, letters in STEPS if abs(value) < limit)
    return divisor, f"{letters} {currency}".strip()


def money(value: float | None, currency: str = "") -> str:
    """Return money in whole units up to 9,999, above in three figures with k, M or bn.

    Examples
    --------
    >>> money(1234567, "EUR"), money(950), money(None), money(-45600), money(999_999)
    ('1.23 M EUR', '950', '–', '-45.6 k', '1.00 M')
    """
    if value is None:
        return DASH
    divisor, unit = step(value, currency)
    scaled = value / divisor
    digits = 0 if divisor == 1 else 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    return f"{scaled:z,.{digits}f} {unit}".rstrip()


def quantity(value: float | None, unit: str | None = None) -> str:
    """Return a quantity with its unit: whole above 10, else with up to two decimals.

    Examples
    --------
    >>> quantity(12345.6), quantity(3.25, "kg"), quantity(3.0), quantity(None)
    ('12,346', '3.25 kg', '3', '–')
    """
    if value is None:
        return DASH
    text = f"{value:z,.0f}" if abs(value) >= 10 else f"{value:z.2f}".rstrip("0").rstrip(".")
    return f"{text} {unit or ''}".rstrip()


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> percent(0.9834), percent(None)
    ('98.3 %', '–')
    """
    return DASH if value is None else f"{100 * value:z.{digits}f} %"


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Return a number with a fixed count of decimals and its unit.

    Examples
    --------
    >>> number(81.24, 0), number(4.126, unit="a year")
    ('81', '4.1 a year')
    """
    return DASH if value is None else f"{value:z,.{digits}f} {unit}".rstrip()


def days(value: float | None, spread: float | None = None) -> str:
    """Return a duration in days, with its spread; beyond ten years the exact figure says nothing.

    Examples
    --------
    >>> days(31.2, 10.8), days(1.0), days(2.25), days(99_999), days(None)
    ('31 ± 11 days', '1 day', '2.2 days', 'over 10 years', '–')
    """
    if value is None:
        return DASH
    if value > LONGEST_DAYS:
        return "over 10 years"
    text, wide = (
        f"{part:z,.1f}".removesuffix(".0") if part < 9.95 else f"{part:,.0f}" for part in (value, spread or 0)
    )
    return f"{text} ± {wide} days" if spread else f"{text} day{'' if text == '1' else 's'}"


def count(value: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row"), count(2, "company", "companies")
    ('1 row', '1,200 rows', '2 companies')
    """
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def change(before: float | None, after: float | None, unit: str) -> str:
    """Return how far a figure moves: points of a share, else per cent of where it stood.

    Examples
    --------
    >>> change(200.0, 132.0, "money"), change(0.912, 0.98, "share"), change(None, 1.0, "days")
    ('-34 %', '+6.8 points', '–')
    """
    if before is None or after is None:
        return DASH
    if unit == "share":
        return f"{100 * (after - before):+.1f} points"
    return f"{after / before - 1:+.0%}".replace("%", " %") if before > 0 else DASH
