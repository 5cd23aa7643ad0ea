"""Readiness falls with every kind of fault, never rises, says why, and rolls up to shares that add up."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll import audit
from plimsoll.domain.tables import table

POINT = ["item_id", "location_id"]
PARAMS = audit.AuditParams()
CODES = [*(each.code for each in audit.all_checks()), "a_new_check"]


def points(*changes):
    rows = [
        {"item_id": item, "location_id": place, "category": "pumps", "planned": True}
        for item, place in (("A", "DC1"), ("A", "BR1"), ("B", "DC1"))
    ]
    for row, change in zip(rows, changes, strict=False):
        row |= change
    given = {"from_location_id": "S", "supply_kind": "purchase", "unmet_demand_eff": "backlog"}
    given |= {"criticality_eff": "normal", "unit_cost_eff": 2.0, "demand_last_year_qty": 50.0}
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.lit(value).alias(name) for name, value in given.items()
    )
    missing = [name for name in table("planning_point").required if name not in frame.columns]
    frame = frame.with_columns(pl.lit(0.0).alias(name) for name in missing)
    return table("planning_point").conform(frame)


def fault(code="negative_on_hand", item="A", at="DC1", severity="warning", money=None, key="k"):
    return {
        "code": code, "table": "stock", "key": key, "item_id": item, "location_id": at,
        "severity": severity, "detail": f"{code} found", "money_at_risk": money,
    }  # fmt: skip


COUNT = pl.DataFrame({"date": [date(2026, 10, 31)], "item_id": ["Z"], "location_id": ["Z"], "on_hand": [1.0]})


def ready(rows, given=None, *, counted=COUNT, **results):
    given = points() if given is None else given
    facts = {"stock": table("stock").conform(counted), "demand": table("demand").empty()}
    company = audit.Company(date(2026, 10, 31), facts, facts, {"planning_point": given, **results})
    declared = table("audit_row")
    frame = declared.conform(pl.DataFrame(rows, infer_schema_length=None)) if rows else declared.empty()
    return audit.readiness(company, frame, PARAMS)


def row_of(result, item="A", at="DC1"):
    return result.filter(item_id=item, location_id=at).row(0, named=True)


def test_without_faults_all_is_automatic():
    result = ready([])
    assert result["score"].to_list() == [1.0] * 3
    assert set(result["verdict"]) == {"automatic"}
    assert row_of(result)["why"] == "May be planned automatically."


def test_what_nobody_gave_asks_for_care():
    uncounted = ready([], counted=COUNT.clear())
    assert set(uncounted["verdict"]) == {"care"}
    assert row_of(uncounted)["why"] == "Needs care: no stock is recorded anywhere."
    assumed = {"item_id": "A", "to_location_id": "DC1", "from_location_id": "S", "method_used": "default"}
    missing = {name: 0 for name in table("lead_time_estimate").required if name not in assumed}
    lists = {"atom_days": [[1.0]], "atom_probability": [[1.0]], "method_wanted": "item"}
    lead_times = table("lead_time_estimate").conform(pl.DataFrame([assumed | missing]).with_columns(**{
        name: pl.Series(value) if isinstance(value, list) else pl.lit(value) for name, value in lists.items()
    }))  # fmt: skip
    result = ready([], lead_time_estimate=lead_times)
    assert row_of(result)["reasons"] == "lead_time_assumed"
    assert row_of(result, at="BR1")["score"] == 1.0


def test_score_is_the_product_of_what_is_left():
    loss = dict(audit.weights().select("code", "loss").iter_rows())
    faults = [fault(), fault("similar_description", at=None), fault("similar_description", at=None, key="l")]
    result = ready(faults)
    both = (1 - loss["negative_on_hand"]) * (1 - loss["similar_description"])
    assert row_of(result)["score"] == pytest.approx(both)
    assert row_of(result, at="BR1")["score"] == pytest.approx(1 - loss["similar_description"])
    assert row_of(result, item="B")["score"] == 1.0
    assert row_of(result)["reasons"] == "negative_on_hand|similar_description"
    assert row_of(result)["why"] == "Needs care: negative_on_hand found; similar_description found."


def test_an_error_leaves_out_and_so_does_the_plan():
    result = ready(
        [fault("bom_cycle", severity="error")], points({}, {"planned": False, "left_out_reason": "ended"})
    )
    assert row_of(result)["verdict"] == "left_out"
    assert row_of(result, at="BR1")["verdict"] == "left_out"
    assert row_of(result, at="BR1")["why"] == "Left out of automatic planning: its end date has passed."
    assert row_of(result, at="BR1")["reasons"] == "ended"


def test_worth_knowing_costs_less_than_a_warning():
    known, warned = (
        row_of(ready([fault("lead_time_missing", severity=s)]))["score"] for s in ("info", "warning")
    )
    assert warned < known < 1


def test_money_of_an_item_is_shared_by_its_places():
    result = ready([fault(money=7.0), fault("cost_missing", at=None, money=100.0)])
    assert dict(result.select("location_id", "money_at_risk").filter(pl.col("location_id") != "").rows())
    assert row_of(result)["money_at_risk"] == 57.0
    assert row_of(result, at="BR1")["money_at_risk"] == 50.0
    assert result["money_at_risk"].sum() == 107.0


FAULT = st.builds(
    fault,
    code=st.sampled_from(CODES),
    item=st.sampled_from(["A", "B", None]),
    at=st.sampled_from(["DC1", "BR1", None]),
    severity=st.sampled_from(["info", "warning", "error"]),
    key=st.integers().map(str),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(FAULT, max_size=6, unique_by=lambda row: (row["code"], row["key"])), FAULT)
def test_a_further_fault_never_raises_a_score(faults, one_more):
    one_more = one_more | {"key": "further"}
    before, after = ready(faults), ready([*faults, one_more])
    assert (after["score"] <= before["score"] + 1e-12).all()
    assert ready([*faults, one_more][::-1]).equals(after)


def test_shares_add_up_and_groups_come_least_ready_first():
    given = points({"category": "valves"}, {"category": "valves"})
    result = ready([fault(), fault("bom_cycle", item="B", severity="error")], given)
    total = audit.rolled_up(result, given, None).row(0, named=True)
    assert (total["n_points"], total["automatic"], total["care"], total["left_out"]) == (3, 1, 1, 1)
    shares = [total[f"value_share_{name}"] for name in ("automatic", "care", "left_out")]
    assert sum(shares) == pytest.approx(1.0)
    groups = audit.rolled_up(result, given, "category")
    assert groups["category"].to_list() == ["pumps", "valves"]
    assert groups["n_points"].sum() == 3


def test_weights_are_of_checks_that_exist():
    codes = audit.weights()["code"].to_list()
    assert set(codes) - {"error", "warning", "info"} <= set(CODES)
    assert len(codes) == len(set(codes))
    assert audit.weights()["loss"].is_between(0, 1).all()
