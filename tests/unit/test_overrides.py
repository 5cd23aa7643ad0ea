"""Overrides as values: what is refused and how, which of several counts, and how one stands in time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.overridden import overrides_frame, reach, values_by_field, winners
from plimsoll.domain.overrides import FIELDS, Override, check_together, checked
from plimsoll.domain.tables import table

AT = datetime(2026, 5, 4, 8, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "item_id": ["A", "A", "B", "C"],
        "location_id": ["DC", "BR", "DC", "DC"],
        "from_location_id": ["S1", "DC", "S1", "S2"],
        "category": ["x", "x", "x", None],
    }
)


def stated(kind, field, value, number=1, hours=0, **given):
    given = {"reason_code": "cash", "author": "kim"} | given
    moment = AT + timedelta(hours=hours)
    return Override(kind, field, value, id=f"O{number}", created_at=moment, **given)


def winner(*overrides, kind="target"):
    won = winners(overrides_frame(overrides, at=AT + timedelta(days=1)), ROWS, kind)
    return {row["item_id"] + row["location_id"]: row["override_id"] for row in won.to_dicts()}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (stated("targt", "service", 0.9), "no kind of override 'targt'. Did you mean 'target'"),
        (stated("target", "servce", 0.9), "Did you mean 'service'"),
        (stated("target", "service", 0.9, reason_code="cas"), "no reason 'cas'. Did you mean 'cash'"),
        (stated("target", "service", 0.9, reason_code="other"), "'other' needs a few words"),
        (stated("target", "service", 0.9, author=" "), "needs an author"),
        (
            stated("target", "service", 1.5),
            "service target of 1.5 share is not usable. .* above 0 and at mos",
        ),
        (stated("target", "service", 98), "For 98 % write 0.98"),
        (stated("target", "service", 0), "above 0"),
        (stated("target", "service", True), "not usable"),
        (stated("target", "kind", "full"), "no kind of target 'full'"),
        (stated("lead_time", "days", -3), "of -3 days is not usable. Give a number at least 0"),
        (stated("lead_time", "days", "soon"), "of soon days is not usable"),
        (stated("lead_time", "days", float("nan")), "of nan days is not usable"),
        (stated("lead_time", "days", float("inf")), "of inf days is not usable"),
        (stated("policy", "do_not_stock", "perhaps"), "yes or no, not 'perhaps'"),
        (stated("policy", "reorder_point", 5, item_id="A"), "Name both item and location"),
        (stated("policy", "lot", 5, category="x"), "in units needs an item"),
        (stated("forecast", "per_week", 5), "Name the item. Or give a factor"),
        (stated("target", "service", 0.9, item_id="A", category="x"), "says the same twice"),
        (stated("target", "service", 0.9, expires_at=date(2026, 5, 3)), "before today .2026-05-04."),
        (stated("lead_time", "days", 9, start=date(2026, 6, 1)), "Only a forecast has days"),
        (
            stated("forecast", "factor", 2, start=date(2026, 6, 2), end=date(2026, 6, 1)),
            "ends on 2026-06-01, before it begins on 2026-06-02",
        ),
        (stated("target", "service", 0.9, reason_text="x" * 2001), "2,001 characters"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(override, said):
    with pytest.raises(InputError, match=said):
        checked(override, at=AT)


def test_texts_become_values():
    assert checked(stated("target", "service", "0.9"), at=AT).value == 0.9
    assert checked(stated("policy", "do_not_stock", "Yes"), at=AT).value is True
    assert checked(stated("policy", "do_not_stock", False), at=AT).value is False
    clean = checked(stated("lead_time", "days", 5, item_id=" A ", category=""), at=AT)
    assert (clean.item_id, clean.category) == ("A", None)


def test_every_field_is_declared_in_the_tables():
    names = {name for fields in FIELDS.values() for name in fields}
    for of in ("override", "override_effect"):
        assert set(table(of).column("field").choices) == names
        assert set(table(of).column("kind").choices) == set(FIELDS)


def test_the_narrowest_scope_counts_then_the_latest():
    every = stated("target", "service", 0.9, 1, hours=9)
    category = stated("target", "service", 0.91, 2, category="x")
    place = stated("target", "service", 0.92, 3, location_id="DC")
    source = stated("target", "service", 0.93, 4, from_location_id="S1")
    item = stated("target", "service", 0.94, 5, item_id="A")
    point = stated("target", "service", 0.95, 6, item_id="A", location_id="BR")
    assert winner(every) == dict.fromkeys(("ADC", "ABR", "BDC", "CDC"), "O1")
    found = winner(every, category, place, source, item, point)
    assert found == {"ADC": "O5", "ABR": "O6", "BDC": "O4", "CDC": "O3"}
    assert winner(category, every) == {"ADC": "O2", "ABR": "O2", "BDC": "O2", "CDC": "O1"}
    later = replace(item, id="O7", value=0.5, created_at=AT + timedelta(minutes=1))
    assert winner(later, item)["ADC"] == winner(item, later)["ADC"] == "O7"
    same_moment = [replace(item, id="O9"), replace(item, id="O10")]  # the number decides, not its text
    assert winner(*same_moment)["ADC"] == winner(*reversed(same_moment))["ADC"] == "O10"


def test_different_slots_stand_side_by_side_and_fields_of_one_slot_do_not():
    kinds = [stated("target", "service", 0.9, 1), stated("target", "kind", "fill", 2)]
    at = AT + timedelta(days=1)
    both = values_by_field(winners(overrides_frame(kinds, at=at), ROWS, "target"), "target")
    assert both.select("service", "kind").unique().rows() == [(0.9, "fill")]
    rates = [
        stated("forecast", "per_week", 7.0, 1, item_id="A"),
        stated("forecast", "factor", 2.0, 2, hours=1, item_id="A"),
    ]
    won = winners(overrides_frame(rates, at=at), ROWS, "forecast")
    assert won["field"].to_list() == ["factor", "factor"]


def test_only_what_is_in_force_counts():
    gone = replace(stated("target", "service", 0.9, 1), withdrawn_at=AT, withdrawn_by="lee")
    over = stated("target", "service", 0.9, 2, expires_at=AT.date())
    later = stated("target", "service", 0.9, 3, hours=48)
    assert [each.status(AT + timedelta(days=1)) for each in (gone, over, later)] == [
        "withdrawn",
        "expired",
        "later",
    ]
    assert winner(gone, over, later) == {}
    assert over.status(datetime(2026, 5, 4, 23, 59, tzinfo=UTC)) == "in_force"  # the last day counts whole


def test_how_far_an_override_reaches():
    some = [
        stated("target", "service", 0.9, 1),
        stated("target", "service", 0.9, 2, category="x", location_id="DC"),
        stated("target", "service", 0.9, 3, item_id="Z"),
    ]
    found = reach(overrides_frame(some, at=AT), ROWS)
    assert found.rows() == [("O1", 4), ("O2", 2), ("O3", 0)]


def test_levels_that_contradict_each_other_are_refused():
    here = {"item_id": "A", "location_id": "DC"}
    low = stated("policy", "reorder_point", 20.0, 1, **here)
    high = stated("policy", "order_up_to", 20.0, 2, **here)
    with pytest.raises(
        InputError, match=r"20 is not below .* 20.*O1 sets reorder_point there already, by kim"
    ):
        check_together(high, [low])
    check_together(replace(high, value=21.0), [low])
    check_together(high, [replace(low, location_id="BR")])
    check_together(stated("policy", "reorder_point", 50.0, 3, **here), [low])  # takes its place
