"""Warnings on real spare parts: honest chances and better than the rule of thumb, on months held out."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll.demand.panel import Panel
from plimsoll.lifecycle import LifecycleParams
from plimsoll.lifecycle.chance import outlook_of
from plimsoll.lifecycle.obsolescence import left_over
from plimsoll.lifecycle.score import judged
from plimsoll.maths.kernels.lifetimes import LATE

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "carparts" / "demand.csv.gz"
KNOWN, AHEAD = 39, 12


def outlook_at(grid, known):
    n = len(grid)
    values = np.ascontiguousarray(grid[:, :known]).ravel()
    panel = Panel("month", date(1998, 1, 1), known, values, np.arange(n + 1) * known, 0)
    return outlook_of(panel, np.arange(n) / n, LifecycleParams())


@pytest.fixture(scope="module")
def parts():
    if not FILE.exists():
        pytest.skip(f"real spare parts are not there: {FILE}")
    wide = pl.read_csv(FILE).pivot(on="month", index="item_id", values="quantity", sort_columns=True)
    grid = wide.drop("item_id").drop_nulls().to_numpy().astype(float)
    return grid, outlook_at(grid, KNOWN), grid[:, KNOWN : KNOWN + AHEAD].sum(axis=1) <= 0


def test_as_many_warnings_as_the_rule_of_thumb_find_more(parts):
    _, outlook, silent = parts
    thumb = outlook.facts[:, LATE] == 0
    cut = np.sort(outlook.silent)[::-1][thumb.sum() - 1]
    ours, theirs = judged(outlook.silent >= cut, silent), judged(thumb, silent)
    assert ours["precision"] > theirs["precision"]
    assert ours["recall"] > theirs["recall"]
    assert judged(outlook.silent >= outlook.watch_cut, silent)["recall"] > 0.85


def test_chances_are_honest(parts):
    """2,509 parts in tenths: chance moves a tenth by 0.03; a drift of the market may add to it, 0.1."""
    _, outlook, silent = parts
    order = np.argsort(outlook.silent)
    for tenth in np.array_split(order, 10):
        assert outlook.silent[tenth].mean() == pytest.approx(silent[tenth].mean(), abs=0.1)
    assert outlook.silent.mean() == pytest.approx(silent.mean(), abs=0.03)


def test_expected_leftovers_come_true(parts):
    """A stock of two years of past demand at month 27 against what the next 24 months asked for."""
    grid, _, _ = parts
    outlook = outlook_at(grid, 27)
    stock = np.round(24 * grid[:, :27].mean(axis=1))
    years = outlook.year_qty * (1 + outlook.retention)
    foretold = left_over(stock, outlook.silent_long, years, outlook.spread).sum()
    came = np.maximum(stock - grid[:, 27:51].sum(axis=1), 0).sum()
    assert foretold == pytest.approx(came, rel=0.3)
