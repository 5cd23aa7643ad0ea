"""Events netted and added, orders on the books, spikes: what people know, counted once."""

import itertools
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams, booked_ahead, estimate, lumps_known, prepare, with_known
from plimsoll.demand.booked import booking_leads, open_lines, unallocated
from plimsoll.demand.events import lumps_to_come, readable
from plimsoll.demand.outliers import spikes
from plimsoll.domain.tables import input_tables, table

KEY = ["item_id", "location_id"]
AS_OF = date(2026, 11, 22)  # a Sunday
PARAMS = DemandParams(bucket="week")
DAYS = 364


def day(n):
    return AS_OF + timedelta(days=n)


def facts(**given):
    return {name: table(name).conform(given.get(name, table(name).empty())) for name in input_tables()}


def daily(rate=3, ahead=None, last=0, customer=None):
    """Demand of `rate` units a day for a year; promised `ahead` days later, shipped on that day."""
    dates = [day(n) for n in range(last - DAYS + 1, last + 1)]
    frame = pl.DataFrame({"date": dates, "order_id": [str(n) for n in range(DAYS)]}).with_columns(
        item_id=pl.lit("A"), location_id=pl.lit("DC"), quantity=pl.lit(float(rate)),
        customer_id=pl.lit(customer, pl.String),
    )  # fmt: skip
    if ahead is None:
        return frame
    promised = pl.col("date").dt.offset_by(f"{ahead}d")
    gone = promised <= AS_OF
    return frame.with_columns(
        promised_date=promised,
        shipped_date=pl.when(gone).then(promised),
        shipped_quantity=pl.when(gone).then("quantity"),
    )


def events(*rows):
    made = [{"item_id": "A", "location_id": "DC", "kind": "project"} | row for row in rows]
    return table("events").conform(pl.DataFrame(made, schema_overrides=dict(table("events").schema)))


def places(*names):
    base = {"unmet_demand_eff": "backlog", "review_days_eff": 7.0, "category": "all", "unit_cost_eff": 1.0}
    frame = pl.DataFrame({"item_id": ["A"] * len(names), "location_id": list(names)})
    source = ["Acme" if name == "DC" else "DC" for name in names]
    return frame.with_columns(
        *(pl.lit(value).alias(name) for name, value in base.items()),
        from_location_id=pl.Series(source), launch_date=pl.lit(None, pl.Date),
        end_date=pl.lit(None, pl.Date),
    )  # fmt: skip


def lanes(points, lead=14.0):
    return points.select("item_id", "from_location_id", to_location_id="location_id").with_columns(
        atom_days=pl.lit([lead]), atom_probability=pl.lit([1.0])
    )


def planned(known, points=None, lead=14.0, params=PARAMS):
    """Everything in its order, as a plan does it."""
    points = places("DC") if points is None else points
    made = prepare(known, points, params, as_of=AS_OF)
    book = booked_ahead(made.demand, known["stock"], points, params, as_of=AS_OF)
    given = {"as_of": AS_OF, "seed": 1, "availability": made.availability, "booked": book.ahead}
    plain = estimate(made.demand, points, lanes(points, lead), params, **given)
    lumps = lumps_known(plain, points, made, book, params, as_of=AS_OF)
    full = with_known(plain, points, lanes(points, lead), lumps, book, params, as_of=AS_OF)
    return made, plain, full, book


# ---- events in the past


def test_a_promotion_with_an_uplift_is_divided_by_it():
    """3 units a day, 9 of them in a fortnight of an uplift of 3: the history is flat again."""
    demand = daily().with_columns(
        quantity=pl.when(pl.col("date").is_between(day(-40), day(-27))).then(9.0).otherwise("quantity")
    )
    known = facts(
        demand=demand, events=events({"kind": "promotion", "start": day(-40), "end": day(-27), "uplift": 3.0})
    )
    made = prepare(known, places("DC"), PARAMS, as_of=AS_OF)
    assert made.changes.height == 14
    assert made.changes.select("kind", "reason", "before", "after").unique().row(0) == (
        "event", "promotion", 9.0, pytest.approx(3.0),
    )  # fmt: skip
    by_day = made.demand.group_by("date").agg(pl.col("quantity").sum())
    assert by_day["quantity"].to_numpy() == pytest.approx(3.0)
    off = prepare(known, places("DC"), DemandParams(bucket="week", net_events=False), as_of=AS_OF)
    assert off.demand.equals(known["demand"])


def test_weekly_totals_are_netted_for_the_days_covered():
    """A week of 21 + a promotion doubling 3 of its 7 days: 21 (4/7 + 2 x 3/7) = 30; 21 is left."""
    weeks = pl.DataFrame({"date": [day(-6 - 7 * n) for n in range(40)]}).with_columns(
        item_id=pl.lit("A"), location_id=pl.lit("DC"),
        quantity=pl.when(pl.col("date") == day(-20)).then(30.0).otherwise(21.0),
    )  # fmt: skip
    promotion = events({"kind": "promotion", "start": day(-20), "end": day(-18), "uplift": 2.0})
    made = prepare(facts(demand=weeks, events=promotion), places("DC"), PARAMS, as_of=AS_OF)
    assert made.changes["after"].to_list() == pytest.approx([21.0])


def test_a_project_takes_the_largest_lines_of_its_customer():
    extra = pl.DataFrame({"date": [day(-30), day(-30), day(-29)], "quantity": [200.0, 500.0, 80.0],
                          "order_id": ["x", "y", "z"], "customer_id": ["C1", "C2", "C1"]}).with_columns(
        item_id=pl.lit("A"), location_id=pl.lit("DC"))  # fmt: skip
    demand = pl.concat([daily(customer="C0"), extra.select(daily().columns)])
    project = {"start": day(-31), "end": day(-25), "quantity": 240.0, "customer_id": "C1"}
    made = prepare(facts(demand=demand, events=events(project)), places("DC"), PARAMS, as_of=AS_OF)
    changes = made.changes.sort("date")
    assert changes["before"].to_list() == [703.0, 83.0]
    assert changes["after"].to_list() == [503.0, 43.0]
    assert made.events.rows["taken_qty"].to_list() == [240.0]


def test_events_that_overlap_do_not_take_more_than_there_was():
    both = events(
        *(
            {"start": day(-30), "end": day(-30), "quantity": 2.0, "kind": kind}
            for kind in ("project", "contract")
        )
    )
    made = prepare(facts(demand=daily(), events=both), places("DC"), PARAMS, as_of=AS_OF)
    assert made.demand.filter(pl.col("date") == day(-30))["quantity"].sum() == 0.0


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"kind": "contract", "start": day(1), "quantity": 5.0}, "event_undated"),
        ({"start": day(9), "end": day(2), "quantity": 5.0}, "event_backwards"),
        ({"start": day(9), "quantity": 5.0, "item_id": "ghost"}, "event_nowhere"),
        ({"start": day(9)}, "event_says_nothing"),
        ({"kind": "contract", "start": day(1), "end": day(9), "uplift": 2.0}, "event_says_nothing"),
        ({"kind": "promotion", "start": day(1), "end": day(9), "uplift": 0.5}, "event_lowers"),
    ],
)
def test_events_that_cannot_be_read_are_refused_and_the_rest_goes_on(row, code):
    good = {"start": day(5), "quantity": 7.0, "kind": "project"}
    found, findings = readable(events(row, good), places("DC"), as_of=AS_OF)
    assert [finding.code for finding in findings] == [code]
    assert findings[0].what.startswith("1 event ")
    assert 7.0 in found.rows["quantity"].to_list()


def test_an_event_without_a_start_is_refused():
    undated = pl.DataFrame({"item_id": ["A"], "location_id": ["DC"], "kind": ["project"], "quantity": [5.0]})
    undated = undated.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in table("events").schema.items()
        if name not in undated.columns
    )
    found, findings = readable(undated, places("DC"), as_of=AS_OF)
    assert (found.rows.height, findings[0].code) == (0, "event_undated")


def test_phases_of_a_life_are_not_read_here():
    found, findings = readable(events({"kind": "phase_out", "start": day(1)}), places("DC"), as_of=AS_OF)
    assert (found.rows.height, findings) == (0, [])


# ---- events to come


def test_a_project_to_come_is_added_once_with_its_chance():
    """Lead 14 + review 7: day 10 lies within the lead time, day 18 within the protection interval only."""
    project = {"start": day(10), "quantity": 100.0, "quantity_sd": 10.0, "probability": 0.5}
    _, plain, result, _ = planned(facts(demand=daily(), events=events(project)))
    assert result["mean_lead_qty"][0] - plain["mean_lead_qty"][0] == pytest.approx(50.0, rel=1e-3)
    more = result["mean_protection_qty"][0] - plain["mean_protection_qty"][0]
    assert more == pytest.approx(50.0, rel=1e-3)
    variance = result["sd_protection_qty"][0] ** 2 - plain["sd_protection_qty"][0] ** 2
    assert variance == pytest.approx(0.5 * 100 + 0.25 * 100**2, rel=0.01)
    later = {"start": day(18), "quantity": 100.0}
    _, plain, result, _ = planned(facts(demand=daily(), events=events(later)))
    assert result["mean_lead_qty"][0] == pytest.approx(plain["mean_lead_qty"][0], rel=1e-6)
    assert result["mean_protection_qty"][0] - plain["mean_protection_qty"][0] == pytest.approx(100.0)


def test_what_history_took_of_a_contract_is_not_to_come_again():
    """30 of 100 units were ordered; 70 come in the three weeks ahead, 210 / 3 of them in each."""
    contract = {"kind": "contract", "start": day(-9), "end": day(21), "quantity": 100.0}
    demand = daily()
    made, plain, _, _ = planned(facts(demand=demand, events=events(contract)))
    assert made.events.rows["taken_qty"].to_list() == pytest.approx([30.0])
    lumps = lumps_to_come(made.events, plain, PARAMS, as_of=AS_OF)
    assert lumps["date"].to_list() == [day(1), day(8), day(15)]
    assert lumps["quantity"].to_list() == pytest.approx([70 / 3] * 3)


def test_a_promotion_to_come_adds_its_uplift_with_doubt():
    promotion = {"kind": "promotion", "start": day(1), "end": day(14), "uplift": 2.0}
    _, plain, result, _ = planned(facts(demand=daily(), events=events(promotion)))
    usual = plain["mean_per_day_est"][0]
    more = result["mean_protection_qty"][0] - plain["mean_protection_qty"][0]
    assert more == pytest.approx(14 * usual, rel=0.01)
    variance = result["sd_protection_qty"][0] ** 2 - plain["sd_protection_qty"][0] ** 2
    assert variance == pytest.approx(
        (0.3 * 14 * usual) ** 2 + 14 / 7 * plain["sd_per_period_obs"][0] ** 2, rel=0.05
    )


def test_events_of_a_branch_count_at_its_source():
    known = facts(demand=daily(), events=events({"start": day(5), "quantity": 40.0, "location_id": "BR"}))
    _, plain, result, _ = planned(known, places("BR", "DC"))
    more = (result["mean_protection_qty"] - plain["mean_protection_qty"]).to_list()
    assert more == pytest.approx([40.0, 40.0], rel=1e-6)


# ---- orders on the books


def test_open_lines_and_what_the_stock_record_holds_of_them():
    demand = table("demand").conform(
        pl.DataFrame(
            {"date": [day(-9), day(-3), day(-2), day(-1)], "item_id": ["A"] * 4, "location_id": ["DC"] * 4,
             "quantity": [5.0, 10.0, 8.0, 4.0], "order_id": list("abcd"),
             "promised_date": [day(-1), day(4), day(2), day(9)],
             "shipped_quantity": [None, 3.0, None, 4.0]}))  # fmt: skip
    lines = open_lines(demand, as_of=AS_OF)
    assert lines.select("promised_date", "open_qty").rows() == [(day(2), 8.0), (day(4), 7.0)]
    stock = pl.DataFrame({"date": [AS_OF], "item_id": ["A"], "location_id": ["DC"], "on_hand": [0.0],
                          "allocated": [9.0], "backlog": [0.0]})  # fmt: skip
    left = unallocated(lines, stock, as_of=AS_OF)
    assert left.select("promised_date", "open_qty").rows() == [(day(4), 6.0)]


def test_leads_are_to_the_need_and_late_lines_tell_nothing():
    demand = table("demand").conform(
        pl.DataFrame(
            {"date": [day(-50)] * 4, "item_id": ["A"] * 4, "location_id": ["DC"] * 4,
             "quantity": [1.0, 2.0, 4.0, 8.0], "order_id": list("abcd"),
             "promised_date": [day(-40), day(-40), day(-40), None],
             "shipped_date": [day(-40), day(-45), day(-20), None]}))  # fmt: skip
    leads = booking_leads(demand, as_of=AS_OF)
    assert leads.select("lead_days", "units").rows() == [(0, 8.0), (5, 2.0), (10, 1.0)]


def test_steady_bookings_leave_the_interval_as_it_was():
    """3 units a day, all booked 10 days ahead: 30 on the books and 11 of 21 days still to be booked."""
    _, plain, result, book = planned(facts(demand=daily(ahead=10)))
    assert book.to_come["open_qty"].sum() == 30.0
    assert plain["mean_protection_qty"][0] == pytest.approx(33.0, rel=0.01)
    assert plain["mean_lead_qty"][0] == pytest.approx(12.0, rel=0.01)
    assert result["mean_protection_qty"][0] == pytest.approx(63.0, rel=0.01)
    assert result["mean_per_day_est"][0] == pytest.approx(3.0, rel=0.01)
    review = np.array(result["pmf_review"][0]) @ np.arange(len(result["pmf_review"][0]))
    assert review * result["step_qty"][0] == pytest.approx(21.0, rel=0.01)  # nothing on the books besides
    off = DemandParams(bucket="week", consume_bookings=False)
    _, _, whole, _ = planned(facts(demand=daily(ahead=10)), params=off)
    assert whole["mean_protection_qty"][0] == pytest.approx(63.0, rel=0.01)


def test_what_is_booked_is_the_least_that_is_expected():
    large = daily(ahead=10).with_columns(
        quantity=pl.when(pl.col("date") == day(-1)).then(400.0).otherwise("quantity")
    )
    _, _, result, _ = planned(facts(demand=large))
    x = np.arange(len(result["pmf_protection"][0])) * result["step_qty"][0]
    assert np.array(result["pmf_protection"][0])[x < 400.0 - result["step_qty"][0]].sum() < 1e-6


def test_units_in_the_stock_record_are_not_counted_again():
    stock = pl.DataFrame(
        {"date": [AS_OF], "item_id": ["A"], "location_id": ["DC"], "on_hand": [50.0], "allocated": [30.0]}
    )
    _, plain, result, book = planned(facts(demand=daily(ahead=10), stock=stock))
    assert book.to_come.height == 0
    assert result.equals(plain)
    assert plain["mean_protection_qty"][0] == pytest.approx(33.0, rel=0.01)


def test_without_a_complete_order_book_the_forecast_stays_whole():
    shipped_only = daily(ahead=10).with_columns(shipped_quantity="quantity")
    _, plain, _, book = planned(facts(demand=shipped_only))
    assert book.ahead is None
    assert [finding.code for finding in book.findings] == ["order_book_incomplete"]
    assert plain["mean_protection_qty"][0] > 55


def test_what_a_customer_booked_of_a_contract_is_not_to_come_besides():
    booked = pl.DataFrame({"date": [day(-1)], "item_id": ["A"], "location_id": ["DC"], "quantity": [60.0],
                           "customer_id": ["C1"], "promised_date": [day(6)]})  # fmt: skip
    demand = pl.concat([daily(ahead=10, customer="C0"), booked], how="diagonal")
    contract = {"kind": "contract", "start": day(1), "end": day(7), "quantity": 100.0, "customer_id": "C1"}
    _, _, without, _ = planned(facts(demand=demand))
    _, _, result, _ = planned(facts(demand=demand, events=events(contract)))
    assert result["mean_protection_qty"][0] - without["mean_protection_qty"][0] == pytest.approx(
        40.0, rel=0.01
    )


def test_a_book_that_is_not_counted_takes_nothing_off_a_contract():
    booked = pl.DataFrame({"date": [day(-1)], "item_id": ["A"], "location_id": ["DC"], "quantity": [60.0],
                           "customer_id": ["C1"], "promised_date": [day(6)]})  # fmt: skip
    demand = pl.concat([daily(ahead=10, customer="C0"), booked], how="diagonal")
    contract = {"kind": "contract", "start": day(1), "end": day(7), "quantity": 100.0, "customer_id": "C1"}
    off = DemandParams(bucket="week", consume_bookings=False)
    _, _, without, _ = planned(facts(demand=demand), params=off)
    _, _, result, _ = planned(facts(demand=demand, events=events(contract)), params=off)
    more = result["mean_protection_qty"][0] - without["mean_protection_qty"][0]
    assert more == pytest.approx(100.0, rel=0.01)


# ---- spikes


def test_a_spike_is_capped_only_where_that_is_asked_for():
    demand = daily().with_columns(
        quantity=pl.when(pl.col("date") == day(-100)).then(900.0).otherwise("quantity")
    )
    kept = prepare(facts(demand=demand), places("DC"), PARAMS, as_of=AS_OF)
    assert kept.changes.height == 0
    capping = DemandParams(bucket="week", outliers="capped")
    capped = prepare(facts(demand=demand), places("DC"), capping, as_of=AS_OF)
    row = capped.changes.row(0, named=True)
    assert (row["kind"], row["reason"], row["before"], row["after"]) == ("outlier", "spike", 918.0, 21.0)
    assert capped.demand["quantity"].sum() == pytest.approx(3.0 * (DAYS - 1) + 3.0)
    all_of = lambda changes: pl.repeat(True, changes.height, eager=True)  # noqa: E731
    refused = prepare(facts(demand=demand), places("DC"), capping, as_of=AS_OF, refused=all_of)
    assert refused.changes["refused"].all()


def test_spikes_against_a_plain_twin():
    rng = np.random.default_rng(5)
    lengths = rng.integers(0, 40, 200)
    bounds = np.r_[0, np.cumsum(lengths)]
    values = np.ceil(rng.lognormal(1, 1.3, bounds[-1])) * (rng.random(bounds[-1]) < 0.6)
    values[rng.integers(0, bounds[-1], 40)] *= 60
    at, kept = spikes(values, bounds, PARAMS)
    expected = {}
    for a, b in itertools.pairwise(bounds.tolist()):
        sizes = np.sort(values[a:b][values[a:b] > 0])
        if len(sizes) < PARAMS.outlier_demands_min:
            continue
        log = np.log(sizes)
        sigma = max(1.4826 * np.median(np.abs(log - np.median(log))), 0.25)
        if sizes[-1] > 4 * sizes[-2] and log[-1] > np.median(log) + 5 * sigma:
            expected[a + int(values[a:b].argmax())] = sizes[-2]
    assert expected
    assert dict(zip(at.tolist(), kept.tolist(), strict=True)) == expected
