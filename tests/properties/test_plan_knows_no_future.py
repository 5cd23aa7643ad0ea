"""What happens after the day of knowledge changes nothing in the plan of that day."""

from datetime import date

import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.domain.progress import silent
from plimsoll.domain.raw import RawTable
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


def test_a_different_past_gives_another_plan(facts):
    """The check above can fail: the same change before the day of knowledge is seen."""
    demand = facts["demand"].with_columns(
        pl.when(pl.col("date") == date(2026, 6, 1)).then(pl.col("quantity") * 7).otherwise(pl.col("quantity"))
    )
    assert not _plan(facts)["policy"].equals(_plan(facts | {"demand": demand})["policy"])
