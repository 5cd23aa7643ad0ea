"""Successors: chains followed, circles refused by name, stock used up first."""

from datetime import date

import polars as pl
import pytest

from plimsoll import lifecycle
from plimsoll.domain.tables import table
from plimsoll.lifecycle.succession import count_toward_heirs

AS_OF = date(2026, 6, 30)


def items_of(*rows):
    names = ("item_id", "superseded_by", "launch_date", "end_date", "unit")
    filled = [dict(zip(names, (*row, *[None] * (5 - len(row))), strict=True)) for row in rows]
    schema = {name: table("items").schema[name] for name in names}
    return table("items").conform(pl.DataFrame(filled, schema=schema))


def demand_of(*items):
    rows = [
        {
            "date": date(2026, 1, 1 + n),
            "item_id": item,
            "location_id": "M",
            "quantity": 1.0,
            "order_id": str(n),
        }
        for n, item in enumerate(items)
    ]
    return table("demand").conform(pl.DataFrame(rows))


def heirs_of(*rows):
    done = lifecycle.succeed(demand_of("A"), items_of(*rows), as_of=AS_OF)
    return dict(done.heirs.select("item_id", "heir_id").iter_rows()), done


def test_a_chain_is_followed_to_its_end():
    heirs, done = heirs_of(("A", "B"), ("B", "C"), ("C", "D"), ("D",), ("E",))
    assert heirs == {"A": "D", "B": "D", "C": "D"}
    assert done.demand["item_id"].to_list() == ["D"]


@pytest.mark.parametrize(("launch", "taken"), [(date(2026, 6, 30), True), (date(2026, 7, 1), False)])
def test_demand_moves_from_the_launch_of_the_successor(launch, taken):
    heirs, done = heirs_of(("A", "B"), ("B", None, launch))
    assert heirs == ({"A": "B"} if taken else {})
    assert done.demand["item_id"].to_list() == ["B" if taken else "A"]


def test_an_end_without_a_launch_hands_over_on_the_day_after():
    assert heirs_of(("A", "B", None, date(2026, 6, 29)), ("B",))[0] == {"A": "B"}
    assert heirs_of(("A", "B", None, date(2026, 6, 30)), ("B",))[0] == {}


def test_a_circle_is_refused_by_name_and_the_rest_goes_on():
    heirs, done = heirs_of(("A", "B"), ("B", "C"), ("C", "B"), ("S", "S"), ("X", "Y"), ("Y",))
    assert heirs["X"] == "Y"
    assert "B" not in heirs
    assert "S" not in heirs
    (finding,) = done.findings
    assert (finding.code, finding.n_rows) == ("supersession_loop", 2)
    assert finding.keys == "B -> C -> B, S -> S"


def test_a_successor_that_does_not_exist_is_a_finding():
    heirs, done = heirs_of(("A", "NONE"), ("X", "Y"), ("Y",))
    assert heirs == {"X": "Y"}
    assert [one.code for one in done.findings] == ["successor_unknown"]
    assert "A @ NONE" in done.findings[0].what


def test_a_long_chain_and_a_long_circle_end():
    chain = [(f"I{n:04}", f"I{n + 1:04}") for n in range(999)]
    heirs, _ = heirs_of(*chain, ("I0999",))
    assert set(heirs.values()) == {"I0999"}
    _, done = heirs_of(*chain, ("I0999", "I0000"))
    assert done.heirs.is_empty()
    assert [one.code for one in done.findings] == ["supersession_loop"]


def test_later_demand_is_handed_back_untouched():
    later = demand_of("A").with_columns(date=pl.lit(date(2026, 7, 1)))
    done = lifecycle.succeed(later, items_of(("A", "B"), ("B",)), as_of=AS_OF)
    assert done.demand["item_id"].to_list() == ["A"]


def test_stock_of_the_old_number_counts_toward_the_new_one():
    _, done = heirs_of(("A", "B"), ("B",), ("K", "L", None, None, "kg"), ("L", None, None, None, "pcs"))
    rows = [
        {"date": AS_OF, "item_id": item, "location_id": at, "on_hand": units}
        for item, at, units in (
            ("A", "M", 7.0),
            ("B", "M", 2.0),
            ("A", "N", -3.0),
            ("K", "M", 5.0),
            ("L", "M", 1.0),
        )
    ]
    stock = count_toward_heirs(table("stock").conform(pl.DataFrame(rows)), done.heirs)
    rows = stock.select("item_id", "location_id", "on_hand").iter_rows()
    found = {(item, at): units for item, at, units in rows}
    assert found == {("B", "M"): 9.0, ("B", "N"): 0.0, ("K", "M"): 5.0, ("L", "M"): 1.0}  # kg is not pieces
