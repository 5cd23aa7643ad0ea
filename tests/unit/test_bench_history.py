"""The benchmark of histories: moments that leave an interval to judge; a gain where stock-outs are known."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from plimsoll.workflows.benchmarks import history
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions

DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


@pytest.mark.parametrize("name", history.DATA)
def test_moments_end_periods_and_leave_an_interval(name):
    monthly, days, count, _ = history.DATA[name]
    last = date(2024, 4, 14)
    moments = list(history._moments(last, name))
    assert len(moments) == count
    assert all(day + timedelta(days=days) <= last for day in moments)
    following = [day + timedelta(days=1) for day in moments]
    assert all(day.day == 1 if monthly else day.weekday() == 0 for day in following)


def test_knowing_of_stock_outs_lowers_the_loss(monkeypatch):
    if not (DATA / "vn2").is_dir():
        pytest.skip("data set 'vn2' is not here: set PLIMSOLL_DATA to the folder that holds it")
    monthly, days, _, apart = history.DATA["vn2"]
    monkeypatch.setattr(history, "DATA", {"vn2": (monthly, days, 3, 2 * apart)})  # fewer moments, as far back
    table = history.run(BenchmarkOptions((), 104, DATA)).tables["Pinball loss"]
    loss = dict(table.select("history", "loss").iter_rows())
    assert loss["stock-outs put back"] < loss["stock-outs ignored"]
    assert loss["stock-outs not seen"] < loss["stock-outs ignored"]
