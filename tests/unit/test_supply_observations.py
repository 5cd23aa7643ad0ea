"""Receipts become observations: what counts, what is left out, what is one delivery."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.findings import findings_frame
from plimsoll.domain.tables import table
from plimsoll.supply.observations import number_nodes, observe

AS_OF = date(2026, 11, 21)
ORDERED = date(2026, 6, 1)


def receipt(order, days, item="A", quantity=10.0, line="1", **given):
    return {
        "order_id": order,
        "line": line,
        "item_id": item,
        "to_location_id": "DC",
        "from_location_id": "Acme",
        "ordered_date": ORDERED,
        "received_date": ORDERED + timedelta(days=days),
        "quantity": quantity,
    } | given


def receipts(*rows):
    return table("receipts").conform(pl.DataFrame(rows, schema_overrides=table("receipts").schema))


def observed(*rows, **options):
    frame = receipts(*rows)
    nodes = number_nodes(frame, table("lanes").empty())
    found = observe(frame, nodes, supply.SupplyParams(**options), as_of=AS_OF)
    return found.items["lead_days"].to_list(), found.deliveries["lead_days"].to_list()


def test_lines_of_one_order_on_one_day_are_one_delivery():
    items, lanes = observed(
        receipt("P1", 10), receipt("P1", 10, item="B", line="2"), receipt("P1", 30, item="C", line="3")
    )
    assert items == [10.0, 10.0, 30.0]
    assert lanes == [10.0, 30.0]


def test_lines_of_one_delivery_are_averaged():
    late_line = receipt("P1", 10, item="B", line="2", ordered_date=ORDERED + timedelta(days=4))
    assert observed(receipt("P1", 10), late_line)[1] == [8.0]


@pytest.mark.parametrize(("share", "days"), [(0.3, 10.0), (0.5, 20.0), (0.9, 20.0), (1.0, 40.0)])
def test_a_line_in_parts_counts_once_when_most_of_it_is_there(share, days):
    parts = receipt("P1", 40, quantity=10), receipt("P1", 10, quantity=30), receipt("P1", 20, quantity=60)
    assert observed(*parts, usable_share=share) == ([days], [days])


def test_a_part_not_yet_received_is_not_waited_for():
    later = receipt("P1", 0, quantity=90, received_date=AS_OF + timedelta(days=1))
    assert observed(receipt("P1", 10), later) == ([10.0], [10.0])


def test_parts_without_a_line_number_belong_together():
    assert observed(receipt("P1", 10, line=None), receipt("P1", 12, line=None))[0] == [10.0]


def test_what_says_nothing_is_left_out_and_reported():
    frame = receipts(
        receipt("P1", 10),
        receipt("P2", -3),
        receipt("P3", 5, ordered_date=None),
        receipt("P4", 5, expedited=True),
        receipt("P5", 0, ordered_date=date(2006, 1, 1)),
        receipt("P6", -5, received_date=AS_OF + timedelta(days=1), ordered_date=None),
    )
    assert observed(*frame.rows(named=True))[0] == [10.0]
    found = findings_frame(supply.unusable_receipts(frame, supply.SupplyParams(), as_of=AS_OF))
    assert found.select("code", "n_rows", "keys").rows() == [
        ("lead_time_absurd", 1, "P5 @ A"),
        ("lead_time_expedited", 1, "P4 @ A"),
        ("lead_time_negative", 1, "P2 @ A"),
        ("lead_time_undated", 1, "P3 @ A"),
    ]


def test_clean_receipts_have_no_findings():
    assert supply.unusable_receipts(receipts(receipt("P1", 0)), supply.SupplyParams(), as_of=AS_OF) == []


def test_expedited_receipts_count_when_told_so():
    assert observed(receipt("P4", 5, expedited=True), use_expedited=True)[0] == [5.0]
