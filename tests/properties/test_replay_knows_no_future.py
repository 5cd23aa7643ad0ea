"""What happens after a day changes no decision that a replay took up to that day, by any rule."""

from datetime import date

import polars as pl
import pytest

from plimsoll import ingest, replay
from plimsoll.demand.params import DemandParams
from plimsoll.domain.raw import RawTable
from plimsoll.domain.rules import LEVELS
from plimsoll.domain.tables import table
from plimsoll.examples.company import generate
from plimsoll.workflows.replay import run_replay
from plimsoll.workflows.settings import Settings

AS_OF, DAY = date(2026, 10, 31), date(2026, 8, 23)
# What the global model knows has a test of its own; here it would take most of the time.
SETTINGS = Settings(demand=DemandParams(learned="off"))
PARAMS = replay.ReplayParams(periods=20, every=8, resamples=100, with_curve=False)
KEY = ["item_id", "location_id"]
LATER = {
    "demand": ("date", "quantity"),
    "receipts": ("received_date", "quantity"),
    "stock": ("date", "on_hand"),
    "open_orders": ("ordered_date", "quantity"),
}


@pytest.fixture(scope="module")
def facts():
    company = generate(60, 3)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    return ingest.read(raws, ingest.Mapping.from_text(company.mapping), SETTINGS.ingest).tables


class Spy:
    """Orders up to twice what was asked for in the last known line, and keeps what it was told."""

    name, is_revised = "spy", True

    def __init__(self):
        self.told = []

    def levels(self, moment):
        known = moment.known()
        self.told.append((moment.as_of, known, moment.state))
        last = known["demand"].sort("date", "order_id", "line").group_by(KEY).agg(pl.col("quantity").last())
        rows = (
            moment.state.select(KEY)
            .join(last, on=KEY, how="left")
            .with_columns(
                kind=pl.lit("base_stock"), order_up_to_qty=pl.col("quantity").fill_null(1.0).clip(1.0) * 2
            )
        )
        absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in LEVELS.items() if name not in rows]
        return rows.with_columns(absent).select(LEVELS.names())


def _changed(facts):
    """Every figure after the day is another; a promotion and an end that nobody knew of yet come besides."""
    changed = dict(facts)
    for name, (column, figure) in LATER.items():
        is_later = pl.col(column) > DAY
        assert name == "open_orders" or facts[name].filter(is_later).height > 10, name
        other = pl.when(is_later).then(pl.col(figure) * 7 + 100).otherwise(pl.col(figure))
        changed[name] = facts[name].with_columns(other.alias(figure))
    busy = facts["demand"].group_by(KEY).len().sort("len", *KEY)[-1]
    event = busy.select(KEY).with_columns(
        kind=pl.lit("promotion"),
        start=pl.lit(date(2026, 9, 7)),
        end=pl.lit(date(2026, 9, 20)),
        uplift=pl.lit(3.0),
    )
    changed["events"] = table("events").conform(event)
    ends = pl.when(pl.col("item_id") == busy["item_id"][0]).then(pl.lit(date(2027, 6, 30)))
    changed["items"] = facts["items"].with_columns(end_date=ends.otherwise("end_date"))
    return changed


def _orders(facts, spy):
    rules = [
        replay.PlanRule(),
        replay.PlanRule("goal", goal=0.9),
        replay.CurrentRule(),
        replay.StaticRule(),
        spy,
    ]
    done = run_replay(facts, SETTINGS, rules, PARAMS, as_of=AS_OF)
    return done.tables["replay_period"].select("rule", "date", "ordered_value", "on_order_value")


def test_a_different_future_changes_no_earlier_order(facts):
    spies = [Spy(), Spy()]
    before, after = _orders(facts, spies[0]), _orders(_changed(facts), spies[1])
    until, then = pl.col("date") <= DAY, pl.col("date") > DAY
    first = before.filter(until)
    assert first.height == 5 * 12
    assert (first.group_by("rule").agg(pl.col("ordered_value").sum())["ordered_value"] > 0).all()
    columns = ["rule", "date", "ordered_value"]
    assert first.select(columns).equals(after.filter(until).select(columns))
    assert not before.filter(then).select(columns).equals(after.filter(then).select(columns))
    for (day, known, state), (other_day, other_known, other_state) in zip(
        *(s.told for s in spies), strict=True
    ):
        assert day == other_day
        if day <= DAY:
            assert state.equals(other_state)
            for name in ("demand", "receipts", "stock", "events", "items"):
                assert known[name].equals(other_known[name]), (day, name)


def test_a_rule_is_told_nothing_of_later_days(facts):
    spy = Spy()
    run_replay(facts, SETTINGS, [spy], PARAMS, as_of=AS_OF)
    assert len(spy.told) == 3
    for day, known, _ in spy.told:
        for name, (column, _) in LATER.items():
            dates = known[name][column].drop_nulls()
            assert (dates <= day).all(), name
        assert (known["demand"]["shipped_date"].drop_nulls() <= day).all()


def test_what_came_later_was_on_order_then(facts):
    then = replay.known_then(facts, DAY)
    coming = facts["receipts"].filter(pl.col("ordered_date") <= DAY, pl.col("received_date") > DAY)
    still = facts["open_orders"].filter(pl.col("ordered_date") <= DAY)
    assert coming.height > 10
    assert then["open_orders"]["quantity"].sum() == pytest.approx(
        coming["quantity"].sum() + still["quantity"].sum()
    )
