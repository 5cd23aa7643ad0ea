"""What repairs may not touch: the facts given, the total of demand and stock, the order of the rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from plimsoll.domain.repairs import stated
from plimsoll.domain.tables import table
from plimsoll.ingest.repairs import repaired

AS_OF, FIRST = date(2026, 3, 1), date(2026, 1, 1)
ITEMS, PLACES = ("A", "B", "C", "D", "E"), ("M", "N")
GONE = {"withdrawn_at": datetime(2026, 2, 1, tzinfo=UTC), "withdrawn_by": "Ben", "withdrawn_why": "wrong"}
points = st.tuples(st.sampled_from(ITEMS), st.sampled_from(PLACES))
days = st.integers(0, 90).map(lambda day: FIRST + timedelta(days=day))
SOME = settings(max_examples=20, deadline=None, derandomize=True)
units = st.integers(-3, 50).map(float)


def of(name, rows):
    schema = table(name).schema
    frame = pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema, orient="row")
    return table(name).conform(frame.unique(table(name).key, keep="first", maintain_order=True))


@st.composite
def companies(draw):
    lines = draw(st.lists(st.tuples(days, points, units, st.sampled_from(["S1", "S2", "S3"])), max_size=25))
    counts = draw(st.lists(st.tuples(days, points, units), max_size=15))
    flags = draw(st.lists(st.tuples(days, points, st.booleans()), max_size=8))
    lanes = draw(st.lists(st.tuples(points, st.sampled_from(["S", "T"]), units), max_size=8))
    pairs = draw(st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from("XYZ"), units), max_size=6))
    loose = {"line": "1"}
    return {
        "items": of("items", [{"item_id": item, "unit_cost": 2.0} for item in ITEMS]),
        "demand": of("demand", [
            {"date": day, "item_id": item, "location_id": place, "quantity": n, "order_id": order, **loose}
            for day, (item, place), n, order in lines
        ]),
        "stock": of("stock", [
            {"date": day, "item_id": item, "location_id": place, "on_hand": n}
            for day, (item, place), n in counts
        ]),
        "availability": of("availability", [
            {"date": day, "item_id": item, "location_id": place, "in_stock": yes}
            for day, (item, place), yes in flags
        ]),
        "lanes": of("lanes", [
            {"item_id": item, "to_location_id": to, "from_location_id": source, "min_order_qty": abs(n)}
            for (item, to), source, n in lanes
        ]),
        "bom": of("bom", [
            {"parent_item_id": parent, "component_item_id": part, "quantity_per": abs(n)}
            for parent, part, n in pairs
        ]),
    }  # fmt: skip


@st.composite
def rules(draw):
    """Rules of every kind, circles and contradictions among them."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(
            st.sampled_from(["drop", "set", "convert", "cap", "merge", "merge", "transfer", "transfer"])
        )
        words = {"kind": kind, "item": draw(st.sampled_from(ITEMS)), "author": "Ann", "reason": "test"}
        if kind in ("merge", "transfer"):
            words["to"] = draw(st.sampled_from([item for item in ITEMS if item != words["item"]]))
        if kind == "transfer":
            words["value"] = draw(st.sampled_from(["1", "0.5", "0.25"]))
        if kind in ("drop", "set", "convert", "cap"):
            words["table"] = "demand"
            words["where"] = [f"quantity > {draw(st.integers(0, 40))}"]
        if kind in ("set", "convert", "cap"):
            words |= {"column": "quantity", "value": draw(st.sampled_from(["2", "3"]))}
        found.append(replace(stated(words), id=f"R{number + 1}"))
    return found


def bits(tables):
    return {name: sha256(frame.write_ipc(None, compat_level=pl.CompatLevel.oldest()).getvalue()).hexdigest()
            for name, frame in sorted(tables.items())}  # fmt: skip


def known(frame):
    return frame.filter(pl.col("date") <= AS_OF)


def latest(stock):
    """The last count of every shelf, as the plan reads it."""
    last = known(stock).sort("date").group_by("item_id", "location_id").agg(pl.col("on_hand").last())
    return last["on_hand"].sum()


@SOME
@given(companies(), rules())
def test_the_facts_given_stay_as_they_are(facts, asked):
    before = bits(facts)
    done = repaired(facts, asked, as_of=AS_OF)
    assert bits(facts) == before
    for name, frame in done.tables.items():
        assert frame.schema == table(name).schema
        assert_frame_equal(frame, table(name).conform(frame))  # sorted by key, and keys are unique


@SOME
@given(companies(), rules())
def test_withdrawn_is_never_accepted(facts, asked):
    gone = [replace(rule, **GONE) for rule in asked]
    assert bits(repaired(facts, gone, as_of=AS_OF).tables) == bits(facts)
    kept = repaired(facts, asked[1:], as_of=AS_OF)
    some = repaired(facts, [replace(asked[0], **GONE), *asked[1:]], as_of=AS_OF)
    assert bits(some.tables) == bits(kept.tables)
    assert_frame_equal(some.effects, kept.effects)
    assert some.findings == kept.findings


@SOME
@given(companies(), rules())
def test_merges_and_transfers_lose_no_demand(facts, asked):
    """Demand of every day, place and order line is the same; only the item differs."""
    handed = [rule for rule in asked if rule.kind in ("merge", "transfer")]
    demand = repaired(facts, handed, as_of=AS_OF).tables["demand"]
    at = ["date", "location_id", "order_id", "line"]

    def totals(frame):
        return frame.group_by(at).agg(pl.col("quantity").sum()).sort(at)

    assert_frame_equal(totals(demand), totals(facts["demand"]), rel_tol=1e-12)


@SOME
@given(companies(), rules())
def test_merges_lose_no_stock(facts, asked):
    merges = [rule for rule in asked if rule.kind == "merge"]
    done = repaired(facts, merges, as_of=AS_OF)
    assert latest(done.tables["stock"]) == latest(facts["stock"])
    gone = {rule.item for rule in merges} - {
        rule.item for rule in merges if rule.id in set(done.effects.filter(status="refused")["repair_id"])
    }
    assert not gone & set(known(done.tables["demand"])["item_id"])
    assert not gone & set(done.tables["lanes"]["item_id"])
    assert not gone & set(done.tables["bom"]["parent_item_id"])


@SOME
@given(companies(), rules(), st.randoms())
def test_the_order_of_the_rules_does_not_matter(facts, asked, random):
    shuffled = random.sample(asked, len(asked))
    first, second = repaired(facts, asked, as_of=AS_OF), repaired(facts, shuffled, as_of=AS_OF)
    assert bits(first.tables) == bits(second.tables)
    assert_frame_equal(first.effects, second.effects)


@SOME
@given(companies(), rules())
def test_what_is_not_known_yet_has_no_influence(facts, asked):
    past = facts | {name: known(facts[name]) for name in ("demand", "stock", "availability")}
    whole, cut = repaired(facts, asked, as_of=AS_OF), repaired(past, asked, as_of=AS_OF)
    for name in facts:
        frame = whole.tables[name]
        assert_frame_equal(known(frame) if "date" in frame.columns else frame, cut.tables[name])
    assert_frame_equal(whole.effects, cut.effects)
    assert whole.findings == cut.findings


@SOME
@given(companies(), rules())
def test_again_is_the_same(facts, asked):
    """The same rules over the same facts give the same bits; items once merged stay merged."""
    once, again = repaired(facts, asked, as_of=AS_OF), repaired(facts, [*asked], as_of=AS_OF)
    assert bits(once.tables) == bits(again.tables)
    merges = [rule for rule in asked if rule.kind == "merge"]
    merged = repaired(facts, merges, as_of=AS_OF)
    past = {name: known(frame) if "date" in frame.columns else frame for name, frame in merged.tables.items()}
    acted = set(merged.effects.filter(status="applied")["repair_id"])
    twice = repaired(past, [rule for rule in merges if rule.id in acted], as_of=AS_OF)
    assert all(twice.tables[name] is frame for name, frame in past.items())
