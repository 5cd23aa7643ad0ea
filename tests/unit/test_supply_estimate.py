"""Lead-time estimates of small companies, by hand arithmetic."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.errors import SettingError
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 21)
ORDERED = date(2026, 1, 1)


def lanes(*rows):
    names = ("item_id", "to_location_id", "from_location_id", "lead_time_days_set")
    frame = pl.DataFrame(rows, schema={name: table("lanes").schema[name] for name in names}, orient="row")
    return table("lanes").conform(frame)


def receipts(*rows):
    """Each row: item, to, from, lead times of its orders."""
    flat = [
        {
            "order_id": f"{item}-{to}-{source}-{n}",
            "item_id": item,
            "to_location_id": to,
            "from_location_id": source,
            "ordered_date": ORDERED + timedelta(days=n),
            "received_date": ORDERED + timedelta(days=n + days),
            "quantity": 1.0,
        }
        for item, to, source, leads in rows
        for n, days in enumerate(leads)
    ]
    return table("receipts").conform(pl.DataFrame(flat))


def estimate(received, on, **options):
    return supply.estimate(received, on, supply.SupplyParams(**options), as_of=AS_OF)


def test_means_are_pooled_by_hand():
    # 5 groups or degrees of freedom are nowhere to be had, so k = 5 at every level:
    # supplier: 6 receipts, mean 25, weight 6/11; lane: 4, mean 20, 4/9; item: 2, mean 10, 2/7.
    received = receipts(("A", "DC", "S", [9, 11]), ("B", "DC", "S", [29, 31]), ("A", "PL", "S", [34, 36]))
    row = estimate(received, lanes(("A", "DC", "S", 47.0))).row(0, named=True)
    supplier = 6 / 11 * 25 + 5 / 11 * 47
    lane = 4 / 9 * 20 + 5 / 9 * supplier
    assert row["mean_days_est"] == pytest.approx(2 / 7 * 10 + 5 / 7 * lane, rel=1e-12)
    assert [row[f"n_receipts_{level}"] for level in ("item", "lane", "supplier")] == [2, 4, 6]
    assert row["weight_item"] == pytest.approx(2 / 7)
    assert row["weight_lane"] == pytest.approx(5 / 7 * 4 / 9)
    assert row["weight_supplier"] == pytest.approx(5 / 7 * 5 / 9 * 6 / 11)
    assert (row["method_used"], row["method_wanted"]) == ("lane", "item")
    assert row["fallback_reason"] == "2 receipts of the item weigh 29 % in the mean"
    assert row["lead_time_days_set"] == 47.0


def test_variances_are_pooled_by_hand():
    received = receipts(("A", "DC", "S", [9, 11]), ("B", "DC", "S", [29, 31]), ("A", "PL", "S", [34, 36]))
    row = estimate(received, lanes(("A", "DC", "S", 47.0))).row(0, named=True)
    of_supplier, of_lane, of_item = (
        np.var([9, 11, 29, 31, 34, 36], ddof=1),
        np.var([9, 11, 29, 31], ddof=1),
        2,
    )
    # Within lanes: 3 and 1 degrees of freedom, weight 4/9; within the items of the lane: 1 and 1, 2/7.
    in_lanes = 4 / 9 * (3 * of_lane + 2) / 4 + 5 / 9 * of_supplier * 5 / 6
    lane = 3 / 8 * of_lane + 5 / 8 * (in_lanes + 5 / 9 * (of_supplier - in_lanes))
    in_items = 2 / 7 * 2 + 5 / 7 * lane * 5 / 6
    item = 1 / 6 * of_item + 5 / 6 * (in_items + 5 / 7 * (lane - in_items))
    assert row["sd_days_est"] == pytest.approx(np.sqrt(item), rel=1e-9)


def test_without_receipts_the_typed_value_has_the_stated_spread():
    found = estimate(receipts(("Z", "DC", "T", [5])), lanes(("A", "DC", "S", 40.0), ("B", "DC", "S", None)))
    shown = found.select("mean_days_est", "method_used", "fallback_reason").rows()
    reason = "no usable receipts from the supplier; a spread of 30 % of the mean is assumed"
    assert shown == [(40.0, "typed", reason), (30.0, "default", reason)]
    assert found["sd_days_est"].to_list() == pytest.approx([12.0, 9.0])
    assert found["atom_days"].list.len().to_list() == [24, 24]
    assert found["atom_days"].list.min().min() > 0


def test_assumptions_are_settings():
    on = lanes(("A", "DC", "S", None))
    row = estimate(table("receipts").empty(), on, typed_cv=0.0, default_lead_time_days=12.0).row(
        0, named=True
    )
    assert (row["mean_days_est"], row["sd_days_est"], row["atom_days"]) == (12.0, 0.0, [12.0])


def test_an_item_without_receipts_takes_its_lane_or_supplier():
    received = receipts(("A", "DC", "S", list(range(18, 23)) * 8))
    found = estimate(received, lanes(("B", "DC", "S", None), ("B", "PL", "S", None)))
    assert found["mean_days_est"].to_list() == pytest.approx([20.0, 20.0])
    assert found["method_used"].to_list() == ["lane", "supplier"]
    assert set(found["fallback_reason"]) == {"no usable receipts of the item on this lane"}


def test_a_few_receipts_of_a_supplier_say_so():
    found = estimate(receipts(("A", "DC", "S", [20, 20])), lanes(("A", "DC", "S", None)))
    assert found["mean_days_est"][0] == pytest.approx(20.0)
    assert 0 < found["sd_days_est"][0] < 6
    assert estimate(receipts(("A", "DC", "S", [20])), lanes(("B", "DC", "S", 20.0)))["fallback_reason"][
        0
    ] == ("1 usable receipts from the supplier; in part a spread of 30 % of the mean is assumed")


def test_constant_lead_times_are_one_atom():
    received = receipts(("A", "DC", "S", [21] * 40), ("B", "DC", "S", [21] * 3))
    found = estimate(received, lanes(("A", "DC", "S", None), ("B", "DC", "S", None), ("C", "DC", "S", None)))
    assert found["mean_days_est"].to_list() == pytest.approx([21.0] * 3)
    assert found["sd_days_est"].to_list() == [0.0] * 3
    assert found["atom_probability"].to_list() == [[1.0]] * 3


def test_same_day_deliveries_are_a_lead_time_of_zero():
    found = estimate(receipts(("A", "DC", "S", [0] * 9)), lanes(("A", "DC", "S", None)))
    assert found.select("mean_days_est", "sd_days_est").row(0) == (0.0, 0.0)
    assert found["atom_days"].to_list() == [[0.0]]


def test_many_lead_times_keep_their_shape():
    leads = [10, 10, 40, 10] * 15  # three in four take 10 days, one in four 40
    row = estimate(receipts(("A", "DC", "S", leads)), lanes(("A", "DC", "S", None)), k_default=1e-9).row(
        0, named=True
    )
    assert row["atom_days"] == pytest.approx([10, 40], rel=0.01)
    assert row["atom_probability"] == pytest.approx([0.75, 0.25])
    assert row["mean_days_est"] == pytest.approx(17.5)


def test_no_lanes_no_rows():
    assert estimate(table("receipts").empty(), table("lanes").empty()).is_empty()


@pytest.mark.parametrize("settings", [{"k_min": 60.0}, {"typed_cv": -0.1}, {"typed_cb": 0.3}])
def test_unusable_settings_are_refused(settings):
    with pytest.raises(SettingError, match=next(iter(settings))):
        supply.SupplyParams.read(settings, "supply")


def open_orders(*rows):
    """Each row: order, item, to, from, day of the order, quantity."""
    names = ("order_id", "item_id", "to_location_id", "from_location_id", "ordered_date", "quantity")
    return table("open_orders").conform(pl.DataFrame(rows, schema=list(names), orient="row"))


def with_open(received, on, waiting, **options):
    params = supply.SupplyParams(**options)
    return supply.estimate(received, on, params, as_of=AS_OF, open_orders=waiting)


def days_ago(days):
    return AS_OF - timedelta(days=days)


def test_an_overdue_order_raises_mean_and_spread_and_is_counted():
    received, on = receipts(("A", "DC", "S", [18, 20, 22, 19, 21, 20])), lanes(("A", "DC", "S", None))
    alone = with_open(received, on, table("open_orders").empty()).row(0, named=True)
    late = with_open(received, on, open_orders(("P", "A", "DC", "S", days_ago(35), 5.0))).row(0, named=True)
    assert late["mean_days_est"] > alone["mean_days_est"] + 1
    assert late["sd_days_est"] > alone["sd_days_est"]
    assert (alone["n_open_orders"], late["n_open_orders"], late["n_receipts_item"]) == (0, 1, 6)


def test_an_order_placed_today_and_a_forgotten_one_change_nothing():
    received, on = receipts(("A", "DC", "S", [18, 20, 22, 19, 21, 20])), lanes(("A", "DC", "S", None))
    alone = with_open(received, on, table("open_orders").empty())
    fresh = with_open(received, on, open_orders(("P", "A", "DC", "S", AS_OF, 5.0)))
    assert fresh["mean_days_est"][0] == pytest.approx(alone["mean_days_est"][0], rel=1e-9)
    assert fresh["sd_days_est"][0] == pytest.approx(alone["sd_days_est"][0], rel=1e-6)
    forgotten = with_open(received, on, open_orders(("P", "A", "DC", "S", days_ago(300), 5.0)))
    assert forgotten["n_open_orders"][0] == 0
    assert forgotten["mean_days_est"].equals(alone["mean_days_est"])


@pytest.mark.parametrize(("left", "n_open", "n_received"), [(2.0, 0, 6), (0.5, 0, 6), (9.0, 1, 5)])
def test_an_order_is_received_or_open_by_most_of_its_quantity(left, n_open, n_received):
    """Each receipt is of one unit; two open units for one received make the order open."""
    received, on = receipts(("A", "DC", "S", [18, 20, 22, 19, 21, 20])), lanes(("A", "DC", "S", None))
    waiting = open_orders(("A-DC-S-0", "A", "DC", "S", days_ago(30), left))
    found = with_open(received, on, waiting, usable_share=0.3).row(0, named=True)
    assert (found["n_open_orders"], found["n_receipts_item"]) == (n_open, n_received)


def test_open_orders_of_later_days_are_not_read():
    received, on = receipts(("A", "DC", "S", [18, 20, 22])), lanes(("A", "DC", "S", None))
    later = open_orders(("P", "A", "DC", "S", AS_OF + timedelta(days=1), 5.0))
    assert with_open(received, on, later).equals(with_open(received, on, later.clear()))


def ten_suppliers(typed, mode=None):
    """Ten suppliers take 30 days; of an eleventh there is nothing but perhaps a typed value and a mode."""
    received = receipts(*(("A", "DC", f"S{n}", [27, 29, 30, 31, 33]) for n in range(10)))
    on = lanes(*(("A", "DC", f"S{n}", 20.0) for n in range(10)), ("A", "DC", "T", typed))
    modes = pl.Series("mode", [mode] * on.height, dtype=pl.String)
    return received, on.with_columns(modes)


def test_a_new_suppliers_typed_value_is_read_as_other_suppliers_keep_theirs():
    """Ten suppliers of weight 5 / (5 + 5), five imagined ones that keep to what is typed: root of 30 / 20."""
    row = estimate(*ten_suppliers(40.0)).filter(from_location_id="T").row(0, named=True)
    assert row["method_used"] == "typed"
    assert row["mean_days_est"] == pytest.approx(40 * 1.5**0.5, rel=1e-9)
    assert "the spread is that of other suppliers, 7 % of the mean" in row["fallback_reason"]
    assert "typed days count 122 %" in row["fallback_reason"]


@pytest.mark.parametrize(("mode", "method"), [("sea", "mode"), (None, "mode")])
def test_a_new_supplier_without_a_typed_value_takes_what_others_take(mode, method):
    row = estimate(*ten_suppliers(None, mode)).filter(from_location_id="T").row(0, named=True)
    assert row["method_used"] == method
    assert row["weight_mode"] == 1
    assert row["mean_days_est"] == pytest.approx(30.0, rel=1e-9)


def test_suppliers_of_one_mode_stand_for_each_other():
    slow = receipts(*(("A", "DC", f"W{n}", [88, 90, 92, 90, 91]) for n in range(10)))
    fast = receipts(*(("A", "DC", f"S{n}", [8, 10, 12, 10, 9]) for n in range(10)))
    rows = [("A", "DC", f"{kind}{n}", None) for kind in "WS" for n in range(11)]
    on = lanes(*rows).with_columns(
        mode=pl.when(pl.col("from_location_id").str.starts_with("W"))
        .then(pl.lit("sea"))
        .otherwise(pl.lit("air"))
    )
    found = estimate(pl.concat([slow, fast]), on).filter(pl.col("from_location_id").str.ends_with("10"))
    assert found.sort("from_location_id")["mean_days_est"].to_list() == pytest.approx([9.8, 90.2])


def test_after_a_step_older_receipts_do_not_count():
    received = receipts(("A", "DC", "S", [19, 20, 21] * 10 + [39, 40, 41] * 5))
    on = lanes(("A", "DC", "S", None))
    row = estimate(received, on).row(0, named=True)
    assert row["change_date"] == ORDERED + timedelta(days=30)
    assert row["change_days"] == pytest.approx(20.0)
    assert row["mean_days_est"] == pytest.approx(40.0)
    assert estimate(received, on, change_keep=1.0)["mean_days_est"][0] == pytest.approx(80 / 3, rel=1e-3)
