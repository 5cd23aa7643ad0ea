"""Numbers as text: at the borders between units, and for what is unknown or zero."""

import math

import pytest

from plimsoll.present import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.4, "0"),
        (9_999.4, "9,999"),
        (9_999.6, "10.0 k"),
        (99_949.0, "99.9 k"),
        (99_951.0, "100 k"),
        (999_499.0, "999 k"),
        (999_501.0, "1.00 M"),
        (9_994_000.0, "9.99 M"),
        (9_996_000.0, "10.0 M"),
        (999_600_000.0, "1.00 bn"),
        (12e12, "12,000 bn"),
        (-45_600.0, "-45.6 k"),
    ],
)
def test_money_keeps_three_figures(value, text):
    assert numbers.money(value) == text
    assert numbers.money(value, "EUR") == f"{text} EUR"


def test_money_can_be_read_back():
    factor = {"k": 1e3, "M": 1e6, "bn": 1e9}
    for exponent in range(-20, 110):
        value = 1.07**exponent * 10_000
        figure, *letters = numbers.money(value).split(" ")
        read = float(figure.replace(",", "")) * factor.get("".join(letters), 1.0)
        assert math.isclose(read, value, rel_tol=0.0051), value


@pytest.mark.parametrize(
    "function", [numbers.money, numbers.quantity, numbers.percent, numbers.number, numbers.days]
)
def test_unknown_is_a_dash_and_nothing_is_minus_zero(function):
    assert function(None) == "–"
    assert "-" not in function(-0.0004)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(9.999, None, "10"), (0.126, "kg", "0.13 kg"), (12_345.6, "pcs", "12,346 pcs"), (2.5, "", "2.5")],
)
def test_quantity(value, unit, text):
    assert numbers.quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.0, None, "0 days"),
        (1.0, None, "1 day"),
        (9.96, None, "10 days"),
        (8.4, 2.04, "8.4 ± 2 days"),
        (3650.0, None, "3,650 days"),
        (3651.0, None, "over 10 years"),
    ],
)
def test_days(value, spread, text):
    assert numbers.days(value, spread) == text


@pytest.mark.parametrize(
    ("before", "after", "unit", "text"),
    [
        (100.0, 100.0, "money", "+0 %"),
        (0.0, 5.0, "money", "–"),
        (5.0, None, "days", "–"),
        (0.9, 0.905, "share", "+0.5 points"),
        (4.0, 6.0, "per year", "+50 %"),
    ],
)
def test_change(before, after, unit, text):
    assert numbers.change(before, after, unit) == text
