"""The demo company's story, told by its plan: stuck in slow C items, short of volatile A items.

The plan releases cash in total and serves more; nothing of it is known to the generator, which imports
no stage. Bounds are generous, since 700 items are few.
"""

import polars as pl
import pytest

from plimsoll import ingest, measure
from plimsoll.domain.progress import silent
from plimsoll.domain.raw import RawTable
from plimsoll.examples.company import generate
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

KEY = ["item_id", "location_id"]
LINE = ["item_id", "location_id", "order_id", "line"]
VOLATILE = ("erratic", "seasonal", "launch", "trend_up", "lumpy")


@pytest.fixture(scope="module", params=[1, 2])
def company(request):
    return generate(700, request.param)


@pytest.fixture(scope="module")
def plan(company):
    """The plan's tables, made without the lines a thousand times too large."""
    settings = Settings()
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    facts = ingest.read(raws, ingest.Mapping.from_text(company.mapping), settings.ingest).tables
    absurd = company.truth["faults"].filter(code="absurd_quantity")["keys"].implode()
    facts["demand"] = facts["demand"].filter(~pl.concat_str(LINE, separator=" @ ").is_in(absurd))
    return run_stages(facts, settings, as_of=company.as_of, seed=1, progress=silent).tables


@pytest.fixture(scope="module")
def figures(plan):
    tables = (plan[name] for name in ("inventory_health", "policy", "planning_point", "demand_estimate"))
    return {row["figure"]: row for row in measure.before_after(*tables).to_dicts()}


@pytest.fixture(scope="module")
def points(company, plan):
    """Every known point with its stock in money, class and true kind of demand."""
    return (
        plan["inventory_health"]
        .join(plan["target"], on=KEY, validate="1:1")
        .join(company.truth["points"], on=KEY, validate="1:1")
        .with_columns(pl.sum_horizontal("excess_value", "slow_value", "dead_value").alias("stranded"))
    )


def test_cash_is_released_and_service_rises(figures):
    stock, fill, turns = (figures[name] for name in ("inventory_value", "fill_rate", "turns"))
    assert 0.65 < stock["after"] / stock["before"] < 0.95
    assert 0.85 < fill["before"] < 0.97 < fill["after"]
    assert 2.3 < turns["before"] < 3.5


def test_most_value_is_steady_and_what_is_lumpy_is_small(points):
    value = dict(points.filter(abc="A").group_by("xyz").agg(pl.col("annual_value").sum()).iter_rows())
    assert value["X"] + value["Y"] > 0.65 * sum(value.values())
    assert (points.filter(pl.col("abc") != "A")["xyz"] == "Z").mean() > 0.8


def test_slow_c_items_hold_too_much(points):
    by_class = points.group_by("abc").agg(pl.col("stranded", "on_hand_value", "annual_value").sum())
    rows = {row["abc"]: row for row in by_class.to_dicts()}
    years = {abc: row["on_hand_value"] / row["annual_value"] for abc, row in rows.items()}
    assert years["A"] < 0.2 < 0.7 < years["C"]
    share = {abc: row["stranded"] / row["on_hand_value"] for abc, row in rows.items()}
    assert share["A"] < 0.35 < 0.4 < share["C"]
    assert 0.18 < points["stranded"].sum() / points["on_hand_value"].sum() < 0.40


def test_volatile_a_items_are_short(points):
    short = points["status"] == "short"
    assert 0.03 < short.mean() < 0.15
    volatile = pl.col("demand_type").is_in(VOLATILE)
    of_a = points.with_columns(volatile=volatile, short=short).filter(abc="A")
    share = dict(of_a.group_by("volatile").agg(pl.col("short").mean()).iter_rows())
    assert share[True] > 0.15
    assert share[True] > 1.5 * share[False]
