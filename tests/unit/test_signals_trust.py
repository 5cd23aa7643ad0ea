"""Grades of trust: each rule by itself, the worst one counts, and the words."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.signals import SignalParams, trust, trust_rules
from plimsoll.signals.hindcast import schema_of

PARAMS = SignalParams()
PLACE = {(service, level): at for at, (service, level) in enumerate(
    (service, level) for service in ("periods", "lines", "units") for level in (*PARAMS.promise_levels, None)
)}  # fmt: skip
WIDE = 15


def window(week=1, *, demands=30, served=True, target=None, item="A"):
    """Return one window with demand, promised 95 % of lines."""
    said, came = [0.95] * WIDE, [float(served)] * WIDE
    return {
        "item_id": item, "location_id": "DC", "origin": date.fromisocalendar(2026, 4 * week, 7),
        "until": None, "n_ahead": 3, "interval_days": 21.0, "demand_class": "lumpy", "method_used": "tsb",
        "n_demand_periods": demands, "is_apart": True, "target": target, "review_forecast": 1.0,
        "review_actual": 2.0, "promised": said, "achieved": came, "variance": [0.05] * WIDE,
    }  # fmt: skip


def group(name, value, gap=0.0, error=0.005, level=0.95):
    return {
        "group": name, "value": value, "service": "lines", "level": level, "promised": 0.95,
        "achieved": 0.95 + gap, "gap": gap, "error": error, "n_items": 100, "n_windows": 500,
        "n_effective": 400.0,
    }  # fmt: skip


def graded(windows=None, groups=None, alarms=(), **about):
    windows = [window(k) for k in range(1, 7)] if windows is None else windows
    groups = [group("all", "all")] if groups is None else groups
    points = pl.DataFrame({"item_id": ["A"], "location_id": "DC", "planned": about.get("planned", True)})
    rows = [
        {"level": "point", "group": "A @ DC", "kind": kind, "item_id": "A", "location_id": "DC"}
        for kind in alarms
    ]
    ready = None
    if "verdict" in about:
        ready = pl.DataFrame({"item_id": ["A"], "location_id": "DC", "verdict": about["verdict"]})
    return trust(
        pl.DataFrame(groups, schema=table("calibration").schema),
        pl.DataFrame(windows, schema=schema_of(PARAMS)),
        points,
        pl.DataFrame(rows, schema=table("alarm").schema),
        PARAMS,
        readiness=ready,
    ).row(0, named=True)


def test_nothing_against_it_is_an_a():
    row = graded(verdict="automatic")
    assert (row["grade"], row["reasons"]) == ("A", "")
    assert row["why"] == "Grade A: promises to items like it were kept, and nothing speaks against it."
    assert (row["n_windows"], row["n_own"], row["achieved"]) == (6, 6, 1.0)
    assert row["promised"] == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("given", "grade", "reason"),
    [
        ({"planned": False}, "-", "left_out"),
        ({"verdict": "left_out"}, "-", "left_out"),
        ({"windows": []}, "-", "never_checked"),
        ({"windows": [window(k, demands=0) for k in range(1, 7)]}, "-", "never_asked"),
        ({"groups": [group("all", "all", -0.06)]}, "D", "promise_far_off"),
        ({"windows": [window(k, demands=1) for k in range(1, 7)]}, "D", "hardly_any_demand"),
        ({"groups": [group("all", "all", 0.04)]}, "C", "promise_off"),
        ({"windows": [window(k, served=k > 3) for k in range(1, 7)]}, "C", "own_record"),
        ({"windows": [window(k, demands=4) for k in range(1, 7)]}, "C", "little_demand"),
        ({"alarms": ["drift"]}, "C", "changing"),
        ({"alarms": ["bias"]}, "C", "biased"),
        ({"windows": [window(1), window(2)]}, "C", "few_windows"),
        ({"groups": [group("all", "all", error=0.03)]}, "C", "kin_untold"),
        ({"groups": []}, "C", "kin_untold"),
        ({"groups": [group("all", "all", -0.02)]}, "B", "promise_nearly"),
        ({"windows": [window(k, demands=9) for k in range(1, 7)]}, "B", "some_demand"),
        ({"verdict": "care"}, "B", "needs_care"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_each_rule_caps_the_grade(given, grade, reason):
    row = graded(**given)
    assert (row["grade"], row["reasons"]) == (grade, reason)
    assert trust_rules().filter(code=reason)["grade"].item() == grade


def test_every_rule_is_tried():
    marks = test_each_rule_caps_the_grade.pytestmark[0].args[1]
    assert {reason for _, _, reason in marks} == set(trust_rules()["code"])


def test_the_worst_rule_counts_and_is_said_first():
    row = graded([window(k, demands=4) for k in range(1, 7)], [group("all", "all", -0.08)], ["shift", "bias"])
    assert row["grade"] == "D"
    assert row["reasons"] == "promise_far_off|little_demand|changing|biased"
    said = ["all items were served 8.0 points less than promised", "it had 4 periods with demand"]
    assert row["why"] == f"Grade D: {'; '.join(said)}; its demand has changed."


def test_the_kin_furthest_off_counts_by_its_credible_part():
    """A gap of 9 points known to 9 counts for 0.9; one of 4 known to half a point for 3.9."""
    kin = [group("all", "all"), group("class", "lumpy", -0.04), group("evidence", "20 or more", -0.09, 0.09)]
    row = graded(groups=kin)
    assert (row["gap_group"], row["gap_value"], row["gap"], row["grade"]) == ("class", "lumpy", -0.04, "C")
    assert row["why"] == "Grade C: lumpy items were served 4.0 points less than promised."
    assert graded(groups=[kin[0], kin[2]])["grade"] == "A"


def test_a_point_with_a_target_is_held_to_it():
    kin = [group("all", "all", -0.08), group("all", "all", 0.0, level=None)]
    assert graded([window(k, target=0.9) for k in range(1, 7)], kin)["grade"] == "A"
    assert graded(groups=kin)["grade"] == "D"
