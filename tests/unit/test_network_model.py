"""The network of small companies by hand: arcs, numbers, demand along paths, times, costs, drawing."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.tables import table
from plimsoll.network.drawing import describe
from plimsoll.network.model import arrays, build
from plimsoll.network.params import NetworkParams

AS_OF = date(2026, 11, 21)
KEY = ["item_id", "location_id"]
# An interval of 100 days of fixed length: a standard deviation of 10 s over it is s a day.
DAYS, ROOT = 100.0, 10.0


def point(item, at, source, rate=0.0, sd=0.0, **more):
    kind = "production" if source == at else "purchase" if source.startswith("S") else "transfer"
    return {"item": item, "at": at, "source": source, "kind": kind, "rate": rate, "sd": sd} | more


def network(company, points, bills=(), lanes=(), params=None, demand=None, year=None):
    made = company(*({name: v for name, v in row.items() if name != "sd"} for row in points))
    given = [(row["item"], row["at"], float(row["sd"]), asked(row, year)) for row in points]
    given = pl.DataFrame(given, [*KEY, "sd", "year"], orient="row")
    estimates = made["demand_estimate"].join(given, on=KEY, maintain_order="left")
    estimates = estimates.with_columns(
        sd_protection_qty=pl.col("sd") * ROOT,
        protection_days_mean=pl.lit(DAYS),
        protection_days_sd=pl.lit(0.0),
        sd_per_period_obs=pl.col("sd") * 7**0.5,
    )
    known = made["points"].drop("demand_last_year_qty").join(given, on=KEY, maintain_order="left")
    known = known.rename({"year": "demand_last_year_qty"}).drop("sd")
    rows = [(*lane, None)[:4] for lane in lanes]
    columns = ("item_id", "to_location_id", "from_location_id", "priority")
    schema = {name: table("lanes").schema[name] for name in columns}
    tables = {
        "bom": bom(*bills),
        "lanes": table("lanes").conform(pl.DataFrame(rows, schema, orient="row")),
    }
    if demand is not None:
        tables["demand"] = demand
    return build(known, made["lead_times"], estimates, tables, params, as_of=AS_OF)


def asked(row, year):
    """What customers asked for in a year."""
    return 365.0 * row["rate"] if year is None else float(year[row["item"], row["at"]])


def bom(*lines):
    names = ("parent_item_id", "component_item_id", "quantity_per")
    rows = [dict(zip(names, line[:3], strict=True)) | (line[3] if len(line) > 3 else {}) for line in lines]
    schema = {name: table("bom").schema[name] for name in table("bom").names}
    return table("bom").conform(pl.DataFrame(rows, schema))


def at(net, item, place, *columns):
    row = net.stages.row(
        by_predicate=(pl.col("item_id") == item) & (pl.col("location_id") == place), named=True
    )
    return tuple(row[column] for column in columns) if len(columns) > 1 else row[columns[0]]


PUMP = (
    point("PUMP", "P", "P", 5.0, 2.0, mean_days_est=10.0, unit_cost_eff=50.0),
    point("PUMP", "D", "P", 5.0, 2.0, mean_days_est=4.0, unit_cost_eff=52.0),
    point("PUMP", "B1", "D", 2.0, 3.0, mean_days_est=2.0, unit_cost_eff=52.0),
    point("PUMP", "B2", "D", 3.0, 4.0, mean_days_est=1.0, unit_cost_eff=52.0),
    point("SEAL", "P", "S1", 10.0, 4.0, mean_days_est=30.0, unit_cost_eff=7.0),
    point("BODY", "P", "S2", 5.0, 2.0, mean_days_est=45.0, unit_cost_eff=20.0),
)
NOBODY = {("PUMP", "P"): 0, ("PUMP", "D"): 0, ("SEAL", "P"): 0, ("BODY", "P"): 0}
YEAR = NOBODY | {("PUMP", "B1"): 730, ("PUMP", "B2"): 1095}
BILL = (("PUMP", "SEAL", 2.0), ("PUMP", "BODY", 0.9, {"scrap_rate": 0.1}))


def test_lanes_and_bills_make_one_network(company):
    net = network(company, PUMP, BILL, year=YEAR)
    assert net.findings == []
    ways = net.arcs.filter("in_force", pl.col("kind") != "outside")
    assert ways.select(*KEY, "from_item_id", "from_location_id", "kind", "quantity").rows() == [
        ("PUMP", "B1", "PUMP", "D", "lane", 1.0),
        ("PUMP", "B2", "PUMP", "D", "lane", 1.0),
        ("PUMP", "D", "PUMP", "P", "lane", 1.0),
        ("PUMP", "P", "BODY", "P", "bill", pytest.approx(1.0)),
        ("PUMP", "P", "SEAL", "P", "bill", 2.0),
    ]  # fmt: skip
    assert net.stages["network_id"].to_list() == [1] * 6
    assert at(net, "PUMP", "P", "depth", "n_upstream", "n_downstream") == (1, 2, 1)
    assert at(net, "PUMP", "D", "depth", "n_upstream", "n_downstream") == (2, 1, 2)
    assert [at(net, "PUMP", place, "cumulative_days") for place in ("P", "D", "B1", "B2")] == [55, 59, 61, 60]
    assert at(net, "PUMP", "P", "unit_cost", "added_cost") == (50.0, pytest.approx(50 - 2 * 7 - 20))
    assert at(net, "PUMP", "B1", "added_cost") == 0.0
    assert at(net, "SEAL", "P", "added_cost") == 7.0


def test_demand_and_spread_pass_up_through_quantities(company):
    net = network(company, PUMP, BILL, year=YEAR)
    assert at(net, "PUMP", "D", "own_mean_per_day", "mean_per_day", "sd_per_day") == (0.0, 5.0, 5.0)
    assert at(net, "SEAL", "P", "own_mean_per_day", "mean_per_day", "sd_per_day") == (0.0, 10.0, 10.0)
    assert at(net, "SEAL", "P", "mean_per_day_est", "sd_per_day_est") == (10.0, 4.0)
    assert at(net, "PUMP", "B1", "max_service_days") == 0.0
    assert at(net, "PUMP", "D", "max_service_days") is None


def test_own_customers_have_their_share_of_the_estimate(company):
    """D ships 900 of 1,500 a year down: 2/5 of its estimate, and of its variance, are its own customers'."""
    points = (
        point("A", "D", "S1", 5.0, 2.0),
        point("A", "B1", "D", 1.0, 1.0),
        point("A", "B2", "D", 2.0, 1.0),
    )
    year = {("A", "D"): 600, ("A", "B1"): 300, ("A", "B2"): 600}
    net = network(company, points, year=year)
    assert at(net, "A", "D", "own_mean_per_day", "mean_per_day") == (pytest.approx(2.0), pytest.approx(5.0))
    assert at(net, "A", "D", "own_sd_per_day", "sd_per_day") == (
        pytest.approx(1.6**0.5), pytest.approx(3.6**0.5),
    )  # fmt: skip


def test_issues_to_production_are_not_customers(company):
    points = (point("X", "P", "P", 1.0, 1.0), point("C", "P", "S1", 4.0, 1.0))
    year = {("X", "P"): 365, ("C", "P"): 1460}
    rows = [(AS_OF, "C", "P", 3.0, "issue"), (AS_OF, "C", "P", 1.0, "sale"), (AS_OF, "X", "P", 1.0, None)]
    lines = pl.DataFrame(rows, ["date", "item_id", "location_id", "quantity", "kind"], orient="row")
    bills = (("X", "C", 3.0),)
    # A quarter of 1,460 a year are sales: 365 beside 3 x 365 for X.
    with_kinds = network(company, points, bills, year=year, demand=lines)
    assert at(with_kinds, "C", "P", "own_mean_per_day") == pytest.approx(4.0 / 4)
    assert at(with_kinds, "C", "P", "mean_per_day") == pytest.approx(4.0)
    assert at(network(company, points, bills, year=year), "C", "P", "own_mean_per_day") > 2.0


def test_the_same_demand_over_two_ways_is_one_demand(company):
    """X takes a screw by A and two by B: 3 at once, standard deviation 9, and not root(1 + 4) x 3."""
    points = (
        point("X", "P", "P", 1.0, 3.0),
        point("A", "P", "P"),
        point("B", "P", "P"),
        point("SCREW", "P", "S1", 3.0, 6.0),
        point("Y", "P", "P", 1.0, 4.0),
    )
    bills = (("X", "A", 1.0), ("X", "B", 1.0), ("A", "SCREW", 1.0), ("B", "SCREW", 2.0), ("Y", "SCREW", 1.0))
    net = network(
        company, points, bills, year={(row["item"], "P"): 365 * (row["item"] in "XY") for row in points}
    )
    assert at(net, "SCREW", "P", "mean_per_day", "sd_per_day") == (4.0, pytest.approx((81 + 16) ** 0.5))
    # 36 seen: (36 - 97) / ((9 + 4)^2 - 97) of the way from independent to perfectly correlated
    assert at(net, "SCREW", "P", "correlation_est") == pytest.approx(-61 / 72)
    assert at(net, "A", "P", "correlation_est") is None  # one demand alone passes


@pytest.mark.parametrize(
    ("options", "sd", "taken"),
    [
        ({}, 5.0, 0.0),
        ({"correlation": 1.0}, 7.0, 1.0),
        ({"correlation": 0.5}, 37.0**0.5, 0.5),
        ({"correlation_from": "history"}, 6.0, 11 / 24),
    ],
)
def test_correlation_set_or_from_history(company, options, sd, taken):
    points = (
        point("A", "D", "S1", 2.0, 6.0),
        point("A", "B1", "D", 1.0, 3.0),
        point("A", "B2", "D", 1.0, 4.0),
    )
    year = {("A", "D"): 0, ("A", "B1"): 1, ("A", "B2"): 1}
    net = network(company, points, year=year, params=NetworkParams(**options))
    assert net.correlation == pytest.approx(taken)
    assert at(net, "A", "D", "sd_per_day") == pytest.approx(sd)
    assert at(net, "A", "D", "correlation_est") == pytest.approx(11 / 24)


def test_bills_count_when_in_force_and_lines_of_a_pair_add_up(company):
    bills = (
        ("PUMP", "SEAL", 2.0, {"valid_from": date(2026, 1, 1)}),
        ("PUMP", "SEAL", 1.0, {"valid_from": date(2026, 2, 1)}),
        ("PUMP", "SEAL", 7.0, {"valid_from": date(2027, 2, 1)}),
        ("PUMP", "BODY", 1.0, {"valid_to": AS_OF}),
    )
    net = network(company, PUMP, bills, year=YEAR)
    assert net.arcs.filter(pl.col("kind") == "bill").select("from_item_id", "quantity").rows() == [
        ("SEAL", 3.0)
    ]


def test_a_component_kept_elsewhere_comes_on_the_lane_of_the_plant(company):
    points = (
        point("X", "P", "P", 1.0, 1.0, mean_days_est=5.0),
        point("C", "W", "S1", 1.0, 1.0, mean_days_est=20.0),
        point("JIT", "Q", "S1"),
    )
    lanes = [("C", "P", "W", 1)]
    net = network(company, points, (("X", "C", 1.0), ("X", "JIT", 1.0)), lanes)
    bills = net.arcs.filter(pl.col("kind") == "bill")
    assert bills.select("from_item_id", "from_location_id", "mean_days").rows() == [("C", "W", None)]
    assert at(net, "X", "P", "cumulative_days") == 25.0
    assert at(net, "JIT", "Q", "n_downstream", "network_id") == (0, 2)


def test_made_to_the_order_of_the_place_that_it_is_sent_to(company):
    """X is no stocking point of its plant: its components go into what the branch keeps."""
    points = (point("X", "B", "P", 1.0, 1.0, unit_cost_eff=20.0), point("C", "P", "S1", 1.0, 1.0))
    net = network(company, points, (("X", "C", 2.0),))
    (row,) = net.arcs.filter("in_force", pl.col("kind") == "bill").rows(named=True)
    assert (row["location_id"], row["from_location_id"], row["quantity"]) == ("B", "P", 2.0)
    assert net.findings == []


def test_alternative_lanes_are_shown_and_carry_nothing(company):
    points = (*PUMP, point("PUMP", "W", "S9", 1.0, 1.0))
    lanes = [("PUMP", "B1", "D", 1), ("PUMP", "B1", "W", 2), ("PUMP", "B1", "S3", 3), ("PUMP", "P", "P", 1)]
    net = network(company, points, BILL, lanes, year=YEAR | {("PUMP", "W"): 365})
    shown = net.arcs.filter(pl.col("location_id") == "B1")
    assert shown.select("from_location_id", "kind", "priority", "in_force", "reason").rows() == [
        ("D", "lane", 1, True, "in_force"),
        ("S3", "outside", 3, False, "alternative"),
        ("W", "lane", 2, False, "alternative"),
    ]
    assert at(net, "PUMP", "W", "network_id", "mean_per_day") == (2, 1.0)


def test_what_may_not_hold_passes_on(company):
    rows = [dict(row) for row in PUMP]
    rows[1] |= {"planned": False, "left_out_reason": "do_not_stock"}
    net = network(company, rows, BILL, year=YEAR)
    assert at(net, "PUMP", "D", "may_hold", "left_out_reason", "mean_per_day") == (False, "do_not_stock", 5.0)
    assert at(net, "SEAL", "P", "mean_per_day") == 10.0


def test_waits_are_those_of_the_place_or_else_the_setting(company):
    net = network(company, PUMP, BILL, year=YEAR, params=NetworkParams(max_service_days=3.0))
    assert at(net, "PUMP", "B2", "max_service_days") == 3.0


def test_a_wait_agreed_at_a_place_goes_before_the_setting(company):
    made = company({"item": "A"}, {"item": "B"})
    points = made["points"].with_columns(max_service_days=pl.Series([9.0, None]))
    net = build(points, made["lead_times"], made["demand_estimate"], {}, as_of=AS_OF)
    assert net.stages["max_service_days"].to_list() == [9.0, 0.0]


def test_arrays_lead_from_lower_to_higher_numbers_network_by_network(company):
    points = (*PUMP, point("A", "D", "S1"), point("A", "B1", "D"))
    net = network(company, points, BILL)
    numbers = arrays(net)
    stages = net.stages[numbers.row]
    assert numbers.starts.tolist() == [0, 2, 8]
    assert stages["network_id"].to_list() == [1, 1, *[2] * 6]
    assert (numbers.up < numbers.down).all()
    arcs = net.arcs[numbers.arc]
    assert arcs["from_location_id"].to_list() == stages["location_id"].gather(numbers.up).to_list()
    assert arcs["item_id"].to_list() == stages["item_id"].gather(numbers.down).to_list()
    assert arcs["quantity"].to_numpy() == pytest.approx(numbers.quantity)
    assert numbers.depth.tolist() == stages["depth"].to_list()


def test_the_order_of_rows_does_not_matter(company):
    net = network(company, PUMP, BILL, year=YEAR)
    turned = network(company, PUMP[::-1], BILL[::-1], year=YEAR)
    assert turned.stages.equals(net.stages)
    assert turned.arcs.equals(net.arcs)


def test_a_company_without_anything_is_an_empty_network(company):
    net = network(company, PUMP[:1], year=YEAR)
    assert net.stages.height == 1
    empty = table("lead_time_estimate").empty(), table("demand_estimate").empty()
    none = build(company()["points"], *empty, {}, as_of=AS_OF)
    assert none.stages.is_empty()
    assert none.arcs.is_empty()
    assert none.findings == []
    assert len(arrays(none).starts) == 1


def test_a_stage_without_estimate_is_quiet(company):
    made = company({"item": "A"})
    net = build(made["points"], made["lead_times"], table("demand_estimate").empty(), {}, as_of=AS_OF)
    assert at(net, "A", "DC1", "mean_per_day", "sd_per_day", "mean_per_day_est") == (0.0, 0.0, None)


def test_drawing_of_an_item_with_what_goes_in_and_what_it_goes_into(company):
    net = network(company, PUMP, BILL, [("PUMP", "B1", "S3", 2)], year=YEAR)
    drawn = describe(net, "PUMP")
    assert drawn.select("part", "level", "text", "quantity").rows() == [
        ("item", 0, "PUMP @ P", 1.0),
        ("item", 1, "└─ PUMP @ D", 1.0),
        ("item", 2, "   ├─ PUMP @ B1", 1.0),
        ("item", 2, "   └─ PUMP @ B2", 1.0),
        ("made_of", 0, "BODY @ P", pytest.approx(1.0)),
        ("made_of", 0, "SEAL @ P", 2.0),
    ]
    assert drawn["alternatives"].to_list() == [None, None, "S3 (2)", None, None, None]
    assert describe(net, "SEAL").filter(pl.col("part") == "goes_into")["text"].to_list() == [
        "PUMP @ P", "└─ PUMP @ D", "   ├─ PUMP @ B1", "   └─ PUMP @ B2",
    ]  # fmt: skip
    with pytest.raises(InputError, match="Did you mean 'PUMP'"):
        describe(net, "PUMPS")


def test_a_shared_component_is_followed_once(company):
    points = [point(item, "P", "P") for item in "XAB"] + [point("SCREW", "P", "P"), point("WIRE", "P", "S1")]
    bills = (
        ("X", "A", 1.0),
        ("X", "B", 1.0),
        ("A", "SCREW", 1.0),
        ("B", "SCREW", 2.0),
        ("SCREW", "WIRE", 1.0),
    )
    drawn = describe(network(company, points, bills), "X").filter(pl.col("part") == "made_of")
    assert drawn.select("text", "repeated").rows() == [
        ("A @ P", False),
        ("└─ SCREW @ P", False),
        ("   └─ WIRE @ P", False),
        ("B @ P", False),
        ("└─ SCREW @ P", True),
    ]


def test_settings_say_what_they_mean():
    with pytest.raises(SettingError, match="Longest that customers may wait"):
        NetworkParams.read({"max_service_days": -1.0}, "network")
    with pytest.raises(SettingError, match="model"):
        NetworkParams.read({"model": "magic"}, "network")
    assert NetworkParams().model == "stochastic"


def test_cumulative_days_are_null_where_a_time_is_unusable(company):
    rows = [dict(row) for row in PUMP]
    rows[2]["mean_days_est"] = -1.0
    net = network(company, rows, BILL, year=YEAR)
    assert at(net, "PUMP", "B1", "stage_days", "cumulative_days") == (None, None)
    assert np.isfinite(at(net, "PUMP", "D", "cumulative_days"))
