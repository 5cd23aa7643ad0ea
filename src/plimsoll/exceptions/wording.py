"""How exceptions say figures."""

SIGNIFICANT = 3


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


def soon(first: float, last: float) -> str:
    """Return in how many days something is, at least in one.

    Examples
    --------
    >>> soon(7.0, 7.0), soon(0.0, 1.0), soon(1.0, 14.0)
    ('in 7 days', 'in 1 day', 'in 1 to 14 days')
    """
    least, most = (max(round(days), 1) for days in (first, last))
    whole = counted(most, "day", "days")
    return f"in {whole}" if least == most else f"in {least} to {whole}"
