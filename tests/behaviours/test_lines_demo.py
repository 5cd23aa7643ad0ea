"""The lines of a planned company: nothing lost, nothing doubled, and suppliers' terms change no need."""

import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.domain.progress import silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.examples.company import generate
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

SETTINGS = Settings()
POINT = ["item_id", "to_location_id"]
ORDERS = ["purchase", "transfer", "production"]


def planned(facts, company):
    return run_stages(facts, SETTINGS, as_of=company.as_of, seed=1, progress=silent).tables


@pytest.fixture(scope="module")
def read():
    company = generate(200, 7)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    return company, ingest.read(raws, ingest.Mapping.from_text(company.mapping), SETTINGS.ingest).tables


@pytest.fixture(scope="module")
def plan(read):
    company, facts = read
    return planned(facts, company)


def test_quantities_of_lines_are_what_is_recommended_and_what_is_ordered_early(plan):
    lines = plan["line"]
    new = lines.filter(pl.col("order_id").is_null(), ~pl.col("pulled_forward"))
    for names, source in ((ORDERS, "recommendation"), (["transshipment", "return"], "move")):
        mine = new.filter(pl.col("kind").is_in(names)).sort(*POINT, "from_location_id")
        said = plan[source].sort(*POINT, "from_location_id")
        columns = [*POINT, "from_location_id", "kind", "quantity", "value"]
        assert mine.select(columns).equals(said.select(columns))
    early = lines.filter("pulled_forward")
    assert early.height > 0
    assert early.join(plan["recommendation"], on=POINT, how="semi").is_empty()
    orders = plan["supplier_order"]
    assert early["value"].sum() == pytest.approx(orders["pulled_value"].sum())
    assert (early.height, early["cost"].sum()) == (
        orders["n_pulled"].sum(),
        pytest.approx(orders["pull_cost"].sum()),
    )


def test_an_open_order_is_changed_once_and_is_one_that_is_open(plan, read):
    changes = plan["line"].filter(pl.col("order_id").is_not_null())
    key = ["order_id", "order_line", "item_id", "to_location_id"]
    assert changes.height == plan["order_change"].height > 0
    assert not changes.select(key).is_duplicated().any()
    known = read[1]["open_orders"].rename({"line": "order_line"})
    both = changes.join(known, on=key, nulls_equal=True)
    assert both.height == changes.height
    assert both["quantity"].to_list() == both["quantity_right"].to_list()
    assert {"expedite", "postpone"} <= set(changes["kind"])


def test_what_is_put_off_or_cancelled_is_not_at_a_point_that_orders(plan):
    later = plan["order_change"].filter(pl.col("kind") != "expedite")
    assert later.height > 0
    assert later.join(plan["recommendation"], on=POINT, how="semi").is_empty()
    assert (later["run_out_probability"].drop_nulls() <= SETTINGS.replenish.change_risk).all()
    assert (plan["order_change"]["net"] >= SETTINGS.replenish.change_min_net).all()


def test_every_line_has_a_grade_with_its_reason_and_waiting_ones_say_so(plan, read):
    lines = plan["line"]
    assert (lines["confidence_why"].str.starts_with("Grade ") | (lines["confidence"] == "-")).all()
    waits = lines.filter(pl.col("order_date") > read[0].as_of)
    assert waits.height > 0
    assert waits["sentence"].str.contains("waits until").all()


def test_without_terms_the_same_is_recommended_and_nothing_is_early_or_waits(plan, read):
    company, facts = read
    bare = planned({**facts, "supplier_terms": table("supplier_terms").empty()}, company)
    for name in ("recommendation", "move", "order_change", "outlook", "policy"):
        assert bare[name].equals(plan[name]), name
    assert bare["supplier_order"].is_empty()
    assert not bare["line"]["pulled_forward"].any()
    assert (bare["line"]["order_date"] == company.as_of).all()
