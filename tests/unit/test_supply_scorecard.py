"""The supplier scorecard on companies small enough to work out by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.tables import table
from plimsoll.supply.deliveries import deliveries, order_lines

AS_OF = date(2026, 11, 21)
PARAMS = supply.SupplyParams()
NEUTRAL = {"n_open_orders": 0, "weight_mode": 0.0, "season_factor": 1.0}
PLACES = {"to_location_id": "DC1", "from_location_id": "Acme"}


def receipt(n, lead, promised=None, ago=100, **given):
    received = AS_OF - timedelta(days=ago)
    ordered = received - timedelta(days=lead)
    return {
        "order_id": f"P{n}",
        "line": "1",
        "item_id": "A",
        **PLACES,
        "ordered_date": ordered,
        "promised_date": None if promised is None else ordered + timedelta(days=promised),
        "received_date": received,
        "quantity": 10.0,
    } | given


def frame(name, rows):
    values = [{column: row.get(column) for column in table(name).names} for row in rows]
    return table(name).conform(pl.DataFrame(values, schema=table(name).schema, orient="row"))


def tables(receipts, typed=None, company=None, points=({},)):
    parts = company(*(NEUTRAL | point for point in points))
    lanes = [{"item_id": "A", **PLACES, "lead_time_days_set": typed}]
    return {
        "receipts": frame("receipts", receipts),
        "open_orders": table("open_orders").empty(),
        "lanes": frame("lanes", lanes),
        "planning_point": parts["points"],
        "lead_time_estimate": parts["lead_times"],
        "policy": parts["policy"],
        "demand_estimate": parts["demand_estimate"],
    }


@pytest.fixture
def row(company):
    """The line of the supplier as a whole."""

    def of(receipts, typed=None, points=({},), params=PARAMS, to=None):
        card = supply.scorecard(tables(receipts, typed, company, points), params, as_of=AS_OF)
        place = pl.col("to_location_id").is_null() if to is None else pl.col("to_location_id") == to
        return card.filter(place & (pl.col("from_location_id") == "Acme")).row(0, named=True)

    return of


def test_promises_beside_what_came_of_them(row):
    leads = [30, 41, 38, 44, 52, 29, 47, 47]
    found = row([receipt(n, lead, promised=30) for n, lead in enumerate(leads)])
    assert found["judged_by"] == "promise"
    assert found["promised_days_mean"] == 30
    assert found["promised_actual_days_mean"] == found["lead_days_mean"] == 41
    assert found["lateness_days_mean"] == 11
    assert found["lateness_days_p90"] == pytest.approx(17 + 0.3 * 5)  # 6.3rd of the lateness in order
    assert found["on_time_share"] == found["kept_share"] == 2 / 8
    assert (found["early_share"], found["exact_share"]) == (0, 1 / 8)
    # Wilson's interval of 2 in 8, from a table
    assert (found["kept_low"], found["kept_high"]) == pytest.approx((0.0715, 0.5907), abs=1e-3)
    assert found["rank"] == 1


def test_a_tolerance_forgives_small_lateness(row):
    receipts = [receipt(n, 32, promised=30) for n in range(8)]
    assert row(receipts)["on_time_share"] == 0
    assert row(receipts, params=supply.SupplyParams(on_time_tolerance_days=2))["on_time_share"] == 1


def test_two_receipts_give_figures_and_no_rank(row):
    found = row([receipt(1, 10, promised=10), receipt(2, 10, promised=10)])
    assert (found["judged_by"], found["rank"], found["kept_share"]) == ("nothing", None, None)
    assert (found["n_deliveries"], found["on_time_share"]) == (2, 1)


def test_promises_that_were_moved_are_not_judged_by(row):
    leads = [10, 60, 35, 80, 25, 50, 45, 90, 20, 70]
    moved = [receipt(n, lead, promised=lead) for n, lead in enumerate(leads)]
    without = row(moved)
    assert without["promises_replanned"]
    assert (without["judged_by"], without["kept_share"], without["on_time_share"]) == ("spread", None, 1)
    typed = row(moved, typed=45.0)
    assert (typed["judged_by"], typed["kept_share"]) == ("typed", 5 / 10)
    assert typed["typed_gap_days"] == sum(leads) / 10 - 45


def test_a_lead_time_that_hardly_varies_is_no_sign_of_moved_promises(row):
    found = row([receipt(n, 3 + n % 2, promised=3 + n % 2) for n in range(20)])
    assert not found["promises_replanned"]
    assert (found["judged_by"], found["kept_share"]) == ("promise", 1)


def test_a_lane_shares_the_suspicion_of_its_supplier(row):
    moved = [receipt(n, 10 + 7 * n, promised=10 + 7 * n) for n in range(10)]
    kept = [receipt(100 + n, 20 + n, promised=30, to_location_id="DC2") for n in range(2)]
    assert row([*moved, *kept], to="DC2")["promises_replanned"]


def test_lines_that_came_together_are_one_delivery(row):
    together = [receipt(1, 20, promised=20, line=str(line), item_id=f"I{line}") for line in range(9)]
    found = row([*together, receipt(2, 30, promised=20)])
    assert (found["n_orders"], found["n_lines"], found["n_deliveries"]) == (2, 10, 2)
    assert found["on_time_share"] == 1 / 2
    shipped = [receipt(n, 20, promised=20, shipment_id="S1") for n in range(9)]
    assert row(shipped)["n_deliveries"] == 1


def test_a_line_in_parts_counts_when_most_of_it_is_there():
    ordered = {"ordered_date": AS_OF - timedelta(days=50)}
    parts = [
        receipt(1, 0, ago=40, quantity=3.0, freight_cost=5.0, **ordered),
        receipt(1, 0, ago=30, quantity=6.0, **ordered),
        receipt(1, 0, ago=20, quantity=1.0, freight_cost=2.0, **ordered),
    ]
    line = order_lines(frame("receipts", parts), PARAMS, as_of=AS_OF).row(0, named=True)
    assert (line["lead_days"], line["quantity"], line["first_quantity"], line["n_parts"]) == (20, 10, 3, 3)
    assert line["freight_cost"] == 7
    early = order_lines(frame("receipts", parts), PARAMS, as_of=AS_OF - timedelta(days=35)).row(0, named=True)
    assert (early["lead_days"], early["quantity"], early["n_parts"]) == (10, 3, 1)


def test_parts_units_money_and_speed(row):
    rows = [
        receipt(1, 10, quantity=6.0, freight_cost=9.0, expedited=False),
        receipt(1, 13, ago=97, quantity=4.0, freight_cost=None, expedited=False),
        receipt(2, 2, quantity=10.0, freight_cost=1.0, expedited=True),
    ]
    found = row(rows)
    assert (found["received_qty"], found["spend_value"], found["freight_value"]) == (20, 200, 10)
    assert (found["split_share"], found["first_part_share"], found["expedited_share"]) == (0.5, 0.8, 0.5)
    assert (found["n_timed"], found["lead_days_mean"]) == (1, 10)  # an expedited order tells no normal time
    assert row([receipt(1, 10)])["freight_value"] is None


@pytest.mark.parametrize(
    "strange", [{"ordered_date": None}, {"ordered_date": AS_OF}, {"ordered_date": date(2000, 1, 1)}]
)
def test_receipts_that_tell_no_lead_time_are_counted_and_not_timed(row, strange):
    found = row([receipt(1, 10, **strange)])
    assert (found["n_deliveries"], found["n_timed"], found["lead_days_mean"]) == (1, 0, None)


def test_trend_is_not_fooled_by_another_mix(row):
    """Only long-lead items of late, every item as ever: no trend. Each item 10 days later: 10 days."""

    def history(longer):
        old = [
            receipt(f"{item}{n}", lead + n % 3, ago=300 + n, item_id=item)
            for item, lead in (("A", 10), ("B", 60))
            for n in range(9)
        ]
        new = [receipt(f"N{n}", 60 + longer + n % 3, ago=10 + n, item_id="B") for n in range(9)]
        return [*old, *new]

    same, later = row(history(0)), row(history(10))
    assert same["trend_days"] == pytest.approx(0)
    assert later["trend_days"] == later["trend_long_days"] == pytest.approx(10)
    # within each cell of nine the variance is 0.75; the errors of two means of nine
    assert later["trend_error_days"] == pytest.approx((0.75 * 2 / 9) ** 0.5)


def test_a_step_change_is_shown_where_the_estimate_has_one(company):
    given = tables([receipt(n, 10) for n in range(9)], None, company)
    lead_times = given["lead_time_estimate"].with_columns(
        change_date=pl.lit(date(2026, 3, 1)), change_days=pl.lit(12.5)
    )
    card = supply.scorecard(given | {"lead_time_estimate": lead_times}, PARAMS, as_of=AS_OF)
    assert card.select("change_date", "change_days").unique().row(0) == (date(2026, 3, 1), 12.5)


def test_cost_of_spread_in_money(row):
    """Cost 10, lead-time part 25 units: 250. Variance 1800, half of it from 3 days of spread at 10 a day."""
    spread = {
        "protection_days_sd": 3.0,
        "rate": 10.0,
        "buffer_lead_time_qty": 25.0,
        "buffer_demand_qty": 20.0,
    }
    wide = {"protection": {0: 0.5, 80: 0.5}}  # standard deviation 40
    found = row([receipt(n, 10) for n in range(9)], points=({**spread, **wide},))
    assert (found["buffer_value"], found["buffer_lead_time_value"]) == (450, 250)
    rest = 40**2 - 30**2
    part = (40 - (rest + 20**2) ** 0.5) / (40 - rest**0.5)
    assert found["one_day_less_value"] == pytest.approx(250 * part)
    assert found["buffer_assumed_value"] == found["crossover_value"] == 0


def test_without_a_plan_money_is_not_known(company):
    given = tables([receipt(n, 10, promised=9) for n in range(9)], None, company)
    del given["policy"], given["demand_estimate"]
    card = supply.scorecard(given, PARAMS, as_of=AS_OF)
    assert card["n_points"].to_list() == [1, 1]
    for name in ("buffer_value", "buffer_lead_time_value", "one_day_less_value", "rank"):
        assert card[name].null_count() == card.height
    assert card["on_time_share"].to_list() == [0, 0]


def test_a_supplier_without_receipts_has_a_line(row):
    found = row([])
    assert (found["n_deliveries"], found["judged_by"], found["n_points"]) == (0, "nothing", 1)


def test_order_of_rows_and_the_future_change_nothing(company):
    past = [receipt(n, 10 + n % 7, promised=12, ago=n) for n in range(60)]
    future = [receipt(n, 99, promised=1, ago=-n) for n in range(1, 9)]
    given = tables([*past, *future], 10.0, company)
    first = supply.scorecard(given, PARAMS, as_of=AS_OF)
    shuffled = given | {"receipts": frame("receipts", past).sample(fraction=1.0, shuffle=True, seed=1)}
    assert first.equals(supply.scorecard(shuffled, PARAMS, as_of=AS_OF))


def test_old_deliveries_are_out_of_the_window():
    rows = frame("receipts", [receipt(1, 10, ago=729), receipt(2, 10, ago=730)])
    assert deliveries(rows, PARAMS, as_of=AS_OF)["load"].to_list() == ["P1"]


def test_makes_moves_and_buys(company):
    points = ({"at": "PL1", "source": "PL1"}, {"at": "DC1", "source": "PL1"}, {"at": "PL2", "source": "PL2"})
    card = supply.scorecard(tables([], None, company, points), PARAMS, as_of=AS_OF)
    lanes = card.select("from_location_id", "to_location_id", "supply_kind").rows()
    kinds = {(sender, to): kind for sender, to, kind in lanes}
    assert kinds[("PL1", "PL1")] == kinds[("PL2", None)] == "production"
    assert kinds[("PL1", "DC1")] == kinds[("PL1", None)] == "transfer"
