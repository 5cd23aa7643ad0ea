"""Segments and targets of small companies, by hand."""

import polars as pl
import pytest

from plimsoll import targets
from plimsoll.domain.errors import SettingError
from plimsoll.domain.tables import table

VALUES = [4000, 2500, 1500, 700, 500, 300, 200, 150, 100, 50]  # money per year, 10,000 in all


def assign(company, rows, **settings):
    tables = company(*rows)
    params = targets.TargetParams.read(settings, "targets")
    return targets.assign(tables["points"], tables["demand_estimate"], params)


def ten(company, **settings):
    rows = [{"item": f"I{n}", "rate": value / 365.25, "unit_cost_eff": 1.0} for n, value in enumerate(VALUES)]
    return assign(company, rows, **settings)


def test_ten_items_by_hand(company):
    found = ten(company)
    assert found["annual_value"].to_list() == pytest.approx(VALUES)
    shares = [0.40, 0.65, 0.80, 0.87, 0.92, 0.95, 0.97, 0.985, 0.995, 1.0]
    assert found["value_share_cum"].to_list() == pytest.approx(shares)
    assert "".join(found["abc"]) == "AAABBBCCCC"  # the third reaches 0.80, the sixth 0.95
    # one unit of spread a week against value / 365.25 units a day
    assert found["cv"].to_list() == pytest.approx([1 / (value / 365.25 * 7) for value in VALUES])
    assert "".join(found["xyz"]) == "XXXXXXXXYZ"


def test_the_item_that_crosses_a_cut_belongs_to_the_higher_class(company):
    assert "".join(ten(company, abc_cuts=[0.5, 0.9])["abc"]) == "AABBBCCCCC"


def test_cuts_can_be_moved(company):
    assert "".join(ten(company, xyz_cuts=[0.02, 0.2])["xyz"]) == "XYYYYYZZZZ"


def test_value_can_be_ranked_within_each_location(company):
    rows = [{"item": "A", "at": "DC1", "rate": 100.0}, {"item": "A", "at": "DC2", "rate": 1.0}]
    assert assign(company, rows)["abc"].to_list() == ["A", "C"]
    assert assign(company, rows, abc_scope="location")["abc"].to_list() == ["A", "A"]


def test_one_item_is_a(company):
    assert assign(company, [{}]).select("abc", "value_share_cum").row(0) == ("A", 1.0)


def test_without_any_value_all_are_c(company):
    found = assign(company, [{"item": "A", "unit_cost_eff": 0.0}, {"item": "B", "rate": 0.0}])
    assert found.select("abc", "value_share_cum", "annual_value").rows() == [("C", 1.0, 0.0)] * 2


def test_equal_values_are_ranked_by_key(company):
    rows = [{"item": item, "rate": 1.0} for item in "DBCA"]
    found = assign(company, rows, abc_cuts=[0.5, 0.75])
    assert dict(found.select("item_id", "abc").rows()) == {"A": "A", "B": "A", "C": "B", "D": "C"}


def test_unknown_cost_and_unknown_demand_count_as_nothing(company):
    tables = company({"item": "A"}, {"item": "B"})
    points = tables["points"].with_columns(pl.lit(None, dtype=pl.Float64).alias("unit_cost_eff"))
    found = targets.assign(
        points, tables["demand_estimate"].filter(pl.col("item_id") == "A"), targets.TargetParams()
    )
    assert found.select("annual_value", "abc", "xyz").rows() == [(0.0, "C", "X"), (0.0, "C", "Z")]
    assert found["cv"].to_list() == [pytest.approx(1 / 7), None]


def test_one_period_says_nothing_about_variability(company):
    tables = company({})
    demand = tables["demand_estimate"].with_columns(pl.lit(1).alias("n_periods"))
    assert targets.assign(tables["points"], demand, targets.TargetParams()).select("cv", "xyz").row(0) == (
        None,
        "Z",
    )


def test_defaults_are_differentiated(company):
    service = targets.TargetParams().service.model_dump()
    assert 0.98 <= min(service[c] for c in ("AX", "AY", "AZ")) <= max(service.values()) <= 0.99
    assert [service[c] for c in ("CX", "CY", "CZ")] == [0.92, 0.91, 0.90]
    found = ten(company)
    wanted = [service[a + x] for a, x in found.select("abc", "xyz").rows()]
    assert found["target_service_eff"].to_list() == wanted
    assert set(found["target_kind_eff"]) == {"cycle"}
    assert set(found["target_source"]) == {"segment"}


PRECEDENCE = [
    # criticality, fixed service, fixed kind -> service, kind, source (rule: AX = 0.98 cycle)
    ("normal", None, None, 0.98, "cycle", "segment"),
    ("vital", None, None, 0.995, "cycle", "criticality"),
    ("high", None, None, 0.99, "cycle", "criticality"),
    ("low", None, None, 0.90, "cycle", "criticality"),
    ("vital", 0.75, None, 0.75, "cycle", "person"),
    ("low", 0.999, "fill", 0.999, "fill", "person"),
    ("normal", None, "fill", 0.98, "fill", "person"),
    ("vital", None, "fill", 0.995, "fill", "person"),
    ("normal", 0.0, None, 0.0, "cycle", "person"),
]


@pytest.mark.parametrize(("criticality", "fixed", "kind", "service", "kind_eff", "source"), PRECEDENCE)
def test_precedence(company, criticality, fixed, kind, service, kind_eff, source):
    row = {"criticality_eff": criticality, "target_service_set": fixed, "target_kind_set": kind}
    found = assign(company, [row], service={"AX": 0.98}).row(0, named=True)
    assert found["target_service_eff"] == pytest.approx(service)
    assert (found["target_kind_eff"], found["target_source"]) == (kind_eff, source)
    assert (found["target_service_opt"], found["target_service_set"]) == (0.98, fixed)


@pytest.mark.parametrize(
    ("criticality", "rule", "service", "source"),
    [
        ("high", 0.99, 0.995, "criticality"),
        ("high", 0.998, 0.998, "segment"),
        ("vital", 0.998, 0.998, "segment"),
        ("low", 0.85, 0.85, "segment"),
    ],
)
def test_criticality_never_works_backwards(company, criticality, rule, service, source):
    found = assign(company, [{"criticality_eff": criticality}], service={"AX": rule}).row(0, named=True)
    assert (found["target_service_eff"], found["target_source"]) == (pytest.approx(service), source)


def test_a_class_can_have_its_own_kind(company):
    rows = [{"item": "A", "rate": 100.0}, {"item": "B", "rate": 0.001}]
    found = assign(company, rows, kind="fill", kinds={"CZ": "cycle"})
    assert found.select("abc", "xyz", "target_kind_eff").rows() == [("A", "X", "fill"), ("C", "Z", "cycle")]


ECONOMIC = {"unit_cost_eff": 100.0, "holding_rate_eff": 0.25, "review_days_eff": 14.61}  # h = 1 per interval


def test_economic_service_is_the_critical_ratio(company):
    found = assign(company, [{**ECONOMIC, "shortage_cost": 19.0}], kind="economic").row(0, named=True)
    assert found["target_service_opt"] == pytest.approx(0.95)
    assert (found["target_kind_eff"], found["fallback_reason"]) == ("economic", None)


@pytest.mark.parametrize(
    ("change", "service"), [({"unit_cost_eff": 0.0}, 0.999), ({"shortage_cost": 0.0}, 0.5)]
)
def test_economic_service_keeps_within_limits(company, change, service):
    row = {**ECONOMIC, "shortage_cost": 19.0, **change}
    assert assign(company, [row], kind="economic")["target_service_eff"][0] == service


def test_without_shortage_cost_the_class_decides_and_says_why(company):
    found = assign(
        company, [{}, {"item": "B", "target_kind_set": "economic"}], kind="fill", kinds={"AX": "economic"}
    )
    assert found["target_kind_eff"].to_list() == ["fill", "fill"]
    assert found["target_service_opt"].to_list() == [0.99, 0.99]
    assert all("no shortage cost" in reason for reason in found["fallback_reason"])


def test_a_promised_service_is_not_weighed_against_holding_cost(company):
    row = {**ECONOMIC, "shortage_cost": 19.0, "target_service_set": 0.97}
    found = assign(company, [row, {**row, "item": "B", "target_kind_set": "economic"}], kind="economic")
    assert found["target_kind_eff"].to_list() == ["cycle", "economic"]
    assert found["target_service_eff"].to_list() == [0.97, 0.97]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"abc_cuts": [0.9, 0.8]}, "abc_cuts"),
        ({"abc_cuts": [0.8, 1.2]}, "abc_cuts"),
        ({"service": {"AX": 1.0}}, "service.AX"),
        ({"service": {"AQ": 0.9}}, "service.AQ"),
        ({"kinds": {"AX": "fil"}}, "kinds.AX"),
        ({"economic_min": 0.9995}, "economic_max"),
        ({"knd": "fill"}, "Did you mean 'kind'"),
    ],
)
def test_unusable_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        targets.TargetParams.read(settings, "targets")


def test_no_points_no_targets():
    empty = targets.assign(
        table("planning_point").empty(), table("demand_estimate").empty(), targets.TargetParams()
    )
    assert empty.equals(table("target").empty())
