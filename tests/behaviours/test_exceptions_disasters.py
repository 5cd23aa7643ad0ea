"""Four disasters at once in the demo company: each is one exception among the first twenty.

The draw is one in which all four pass. That is no rate: of four disasters about three do, lanes and
customers least (decision record 40).
"""

import polars as pl
import pytest

from plimsoll.examples.company import generate
from plimsoll.examples.disasters import KINDS
from plimsoll.workflows.benchmarks.disasters import FIRST, rank_of, told, watched
from plimsoll.workflows.benchmarks.disasters import struck as hit_by_all

ITEMS, SEED, DRAW = 1500, 7, 3
CALM_ITEMS = 500  # without disasters a smaller company tells as much


@pytest.fixture(scope="module")
def calm():
    return watched(generate(CALM_ITEMS, SEED))


@pytest.fixture(scope="module")
def struck():
    """Return what is found after all disasters, and the disasters."""
    company, disasters = hit_by_all(generate(ITEMS, SEED), DRAW)
    return watched(company), disasters


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_among_the_first_twenty(struck, kind):
    found, disasters = struck
    rank = rank_of(found, disasters[kind])
    assert rank is not None
    assert rank <= FIRST


def test_without_them_nobody_is_accused(calm):
    assert told(calm).is_empty()


def test_nobody_else_is_accused(struck):
    found, disasters = struck
    assert set(told(found)["subject"]) == {each.subject for each in disasters.values()}


def test_a_stopped_supplier_is_one_exception_with_all_its_orders(struck):
    found, disasters = struck
    supplier = disasters["supplier_stops"].subject
    rows = found.exception.filter(pl.col("exception_id").str.ends_with(f":{supplier}"))
    assert rows["kind"].to_list() == ["late_supply"]
    parts = found.part.filter(exception_id=rows["exception_id"].item())
    assert rows["n_orders"].item() == parts["order_id"].drop_nulls().len() > 10
    assert rows["n_points"].item() > 5


def test_money_of_the_parts_is_that_of_the_exception(struck):
    found, _ = struck
    sums = found.part.group_by("exception_id").agg(pl.col("money_lost").sum())
    both = found.exception.join(sums, on="exception_id", suffix="_of_parts")
    assert both.height == found.exception.height
    assert (both["money_lost"] - both["money_lost_of_parts"]).abs().max() < 1e-6 * both["money_lost"].max()


def test_shortage_is_in_one_exception_only(struck):
    """A point has one rest and one cause, and of a second one only what it waits for where that cause is."""
    found, _ = struck
    point, cause = ["item_id", "location_id"], ["item_id", "cause", "subject"]
    told = found.shortage.filter(pl.col("cause") != "stockout").select(*point, "cause", "subject")
    assert not found.shortage.filter(cause="stockout").select(point).is_duplicated().any()
    twice = told.filter(pl.len().over(point) > 1)
    elsewhere = twice.join(told, on=cause, suffix="_other").filter(
        pl.col("location_id") != pl.col("location_id_other")
    )
    assert twice.select(point).unique().join(elsewhere, on=point, how="anti").is_empty()
    assert twice.height <= 2 * twice.select(point).unique().height


def test_the_ranking_is_by_money_times_probability(struck):
    found, _ = struck
    by_rank = found.exception.sort("rank")
    assert by_rank["score"].is_sorted(descending=True)
    assert by_rank["rank"].to_list() == list(range(1, by_rank.height + 1))
    assert (by_rank["score"] - by_rank["money_lost"] * by_rank["probability"]).abs().max() < 1e-9


def test_words_are_whole(struck):
    found, _ = struck
    for column in ("title", "sentence", "action"):
        assert not found.exception[column].str.contains(r"[{}]|\b(None|null|nan)\b").any(), column
