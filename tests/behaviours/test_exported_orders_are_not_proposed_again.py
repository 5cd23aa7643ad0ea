"""What went out of the door is on order for the next plan, though no import has shown it yet."""

from datetime import UTC, datetime

import polars as pl
import pytest

from plimsoll.domain.decisions import NEW_KINDS, LineRef
from plimsoll.domain.people import owner
from plimsoll.store import Workspace
from plimsoll.workflows import decide, outbox
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT, ME = datetime(2026, 11, 21, 9, tzinfo=UTC), owner("me")
POINT = ["item_id", "to_location_id"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent") / "demo"
    build_demo(folder, n_items=60, seed=7, at=AT)
    return folder


def plan(folder):
    make_plan(folder, at=AT)
    with Workspace.open(folder) as workspace:
        return workspace.latest_run("plan"), workspace.result("line")


def test_planned_again_on_the_same_facts(shop):
    """The rest of the orders stays, those sent are gone, and without a decision the plan is the same plan."""
    first_run, first = plan(shop)
    assert plan(shop)[0].id == first_run.id
    orders = first.filter(pl.col("kind").is_in(["purchase", "production"]) & ~pl.col("pulled_forward"))
    sent = orders.filter(pl.col("line_no") % 2 == 0)
    assert sent.height >= 5
    refs = [LineRef(f"{first_run.id}-{number}") for number in sent["line_no"]]
    decide.accept(shop, refs[1:], ME, at=AT)
    outbox.export(shop, ME, formats=("csv",), at=AT)
    decide.accept(shop, refs[:1], ME, at=AT)  # decided but not sent: on order as well

    second_run, second = plan(shop)
    assert second_run.id != first_run.id
    assert second_run.manifest["parameters"]["pending_orders"]["lines"] == sent.height
    again = second.filter(pl.col("kind").is_in(NEW_KINDS)).join(sent, on=POINT, how="semi")
    assert again.select("kind", *POINT, "quantity").rows() == []
    others = orders.join(sent, on=POINT, how="anti")
    assert others.join(second, on=[*POINT, "kind"], how="semi").height >= 0.9 * others.height
    with Workspace.open(shop) as workspace:
        assert workspace.result("pending_order")["line_id"].to_list() == sorted(ref.line_id for ref in refs)
