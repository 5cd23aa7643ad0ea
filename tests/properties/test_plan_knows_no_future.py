"""What happens after the day of knowledge changes nothing in the plan of that day."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.domain.progress import silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.examples.company import generate
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

AS_OF = date(2026, 6, 30)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def facts():
    company = generate(60, 3)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    return ingest.read(raws, ingest.Mapping.from_text(company.mapping), SETTINGS.ingest).tables


def _plan(facts):
    return run_stages(facts, SETTINGS, as_of=AS_OF, seed=1, progress=silent).tables


def test_a_different_future_gives_the_same_plan(facts):
    later = {"demand": "date", "receipts": "received_date", "stock": "date", "open_orders": "ordered_date"}
    changed = dict(facts)
    n_changed = 0
    for name, column in later.items():
        quantity = "on_hand" if name == "stock" else "quantity"
        is_later = pl.col(column) > AS_OF
        n_changed += facts[name].filter(is_later).height
        changed[name] = facts[name].with_columns(
            pl.when(is_later).then(pl.col(quantity) * 7 + 100).otherwise(pl.col(quantity)).alias(quantity)
        )
    assert n_changed > 1000
    n_counts = facts["stock"].height
    assert facts["stock"].filter(pl.col("date") > AS_OF).height > 0.9 * n_counts, "most counts are later"
    before, after = _plan(facts), _plan(changed)
    for name, found in before.items():
        assert found.equals(after[name]), name


@pytest.fixture(scope="module")
def told(facts):
    """The facts with promises, shipments and availability on every day, before and after the plan's."""
    rng = np.random.default_rng(1)
    demand = facts["demand"]
    days = pl.duration(days=pl.Series(rng.integers(0, 40, demand.height)))
    promised = pl.when(pl.col("quantity") > 0).then(pl.col("date") + days)
    demand = demand.with_columns(promised_date=promised, shipped_date=promised, shipped_quantity="quantity")
    points = demand.select("item_id", "location_id").unique().sort("item_id", "location_id")
    dates = pl.DataFrame({"date": [AS_OF - timedelta(days=n) for n in range(-60, 200)]})
    flags = points.join(dates, how="cross")
    flags = flags.with_columns(in_stock=pl.Series(rng.random(flags.height) > 0.1))
    return facts | {"demand": demand, "availability": table("availability").conform(flags)}


def test_promises_shipments_and_flags_of_the_future_are_not_known(told):
    """Lines booked by now stay promised; when they will leave, and what will be sold out, nobody knows."""
    later, leaves = pl.col("date") > AS_OF, pl.col("shipped_date") > AS_OF
    assert told["demand"].filter(leaves, ~later).height > 100
    before = _plan(told)
    demand = told["demand"].with_columns(
        promised_date=pl.when(later).then(pl.lit(date(2027, 1, 1))).otherwise("promised_date"),
        shipped_date=pl.when(leaves).then(pl.lit(date(2027, 2, 1))).otherwise("shipped_date"),
        shipped_quantity=pl.when(leaves).then(1.0).otherwise("shipped_quantity"),
    )
    flags = told["availability"].with_columns(pl.col("in_stock") ^ later)
    receipts = told["receipts"].with_columns(
        promised_date=pl.when(pl.col("received_date") > AS_OF).then(None).otherwise("promised_date")
    )
    after = _plan(told | {"demand": demand, "availability": flags, "receipts": receipts})
    for name, found in before.items():
        assert found.equals(after[name]), name
    seen = told["availability"].with_columns(pl.col("in_stock") | ~later)
    assert not _plan(told | {"availability": seen})["history_change"].equals(before["history_change"])


def test_the_order_of_rows_changes_nothing(facts):
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=5) for name, frame in facts.items()}
    before, after = _plan(facts), _plan(shuffled)
    for name, found in before.items():
        assert found.equals(after[name]), name


def test_a_different_past_gives_another_plan(facts):
    """The check above can fail: the same change before the day of knowledge is seen."""
    demand = facts["demand"].with_columns(
        pl.when(pl.col("date") == date(2026, 6, 1)).then(pl.col("quantity") * 7).otherwise(pl.col("quantity"))
    )
    assert not _plan(facts)["policy"].equals(_plan(facts | {"demand": demand})["policy"])
