"""Figures in sentences against plain Python, from one to millions, of either sign."""

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.figures import MINUS, money, number
from plimsoll.maths.rng import rng_for


def plainly(value):
    size = abs(value)
    text = f"{size:.2f}" if size < 1 else f"{size:.1f}" if size < 10 else f"{size:,.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return (MINUS if value < 0 and text != "0" else "") + text


def said(values, **options):
    return pl.DataFrame({"x": values}).select(number(pl.col("x"), **options)).to_series().to_list()


def test_numbers_are_those_of_plain_python():
    rng = rng_for(1, "figures")
    values = rng.choice([-1.0, 1.0], 3000) * 10 ** rng.uniform(-4, 9, 3000)
    assert said(values) == [plainly(value) for value in values]
    assert said(np.arange(-1200, 1200)) == [plainly(value) for value in range(-1200, 1200)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (-0.004, "0"), (0.996, "1"), (9.96, "10"), (999.5, "1,000"), (None, None)],
)
def test_edges(value, text):
    assert said([value, 1.0])[0] == text


def test_what_no_shelf_holds_is_said_all_the_same():
    assert said([1e300, float("inf"), -float("inf")]) == ["1e+300", "inf", f"{MINUS}inf"]


def test_signs():
    assert said([3.0, 0.0, -3.0], signed=True) == ["+3", "0", f"{MINUS}3"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.994, "9.99 EUR"), (10.4, "10 EUR"), (-1234.0, f"{MINUS}1,234 EUR"), (-0.001, "0.00 EUR")],
)
def test_money(value, text):
    assert money(value, "EUR") == text
