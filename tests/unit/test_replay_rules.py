"""Rules told a day: the plan's, the company's, the textbook's, and functions that stop or talk nonsense."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll import replay
from plimsoll.domain.errors import InputError
from plimsoll.domain.rules import Moment
from plimsoll.domain.tables import table
from plimsoll.replay.rules import refusals
from plimsoll.replay.run import run_rule
from plimsoll.replay.world import World

DAY = date(2026, 6, 7)
ITEMS = [f"I{k}" for k in range(8)]
KEY = ["item_id", "location_id"]
POINTS = pl.DataFrame(
    {
        "item_id": ITEMS,
        "location_id": "M",
        "current_min": [10.0, 10.0, None, None, *[5.0] * 4],
        "current_max": [25.0, 10.0, 12.0, None, *[9.0] * 4],
        "min_order_qty_eff": 0.0,
        "order_multiple_eff": 4.0,
        "launch_date": pl.Series([None] * 8, dtype=pl.Date),
        "unit_cost_eff": 2.0,
    }
)
STATE = POINTS.select(KEY).with_columns(on_hand=pl.lit(3.0), on_order=pl.lit(2.0), backlog=pl.lit(1.0))
POLICY = POINTS.select(KEY).with_columns(
    policy=pl.Series(["base_stock", "s_S", "s_nQ", "none", *["s_S"] * 4]),
    reorder_point_qty=pl.lit(6.0),
    order_up_to_qty=pl.lit(20.0),
    min_order_qty=pl.lit(0.0),
    order_multiple=pl.Series([0.0, 0.0, 7.0, *[0.0] * 5]),
    lot_qty=pl.lit(14.0),
    cycle_service_est=pl.lit(0.95),
    fill_rate_est=pl.lit(0.97),
    classic_reorder_point_qty=pl.Series([30.0, *[16.0] * 6, 0.0]),
    classic_safety_stock_qty=pl.Series([12.0, *[4.0] * 6, 0.0]),
    mean_per_day_est=pl.lit(1.0),
    last_order_date=pl.Series([None] * 5 + [date(2026, 6, 1), None, None], dtype=pl.Date),
    position_limit_qty=pl.Series([None] * 6 + [9.0, None], dtype=pl.Float64),
    last_level_qty=pl.Series([None] * 6 + [9.0, None], dtype=pl.Float64),
)


def _demand():
    line = {"date": date(2026, 6, 1), "item_id": "I0", "location_id": "M", "quantity": 4.0, "order_id": "1"}
    return table("demand").conform(pl.DataFrame([line]))


def _moment(policy=POLICY):
    return Moment(DAY, STATE, POINTS, lambda: {"demand": _demand()}, lambda goal=None: policy)


def _of(levels, name):
    return dict(levels.select("item_id", name).rows())


def test_the_plan_is_taken_as_it_is_until_an_item_ends():
    levels = replay.PlanRule().levels(_moment())
    assert levels["kind"].to_list() == ["base_stock", "s_S", "s_nQ", "none", "s_S", "s_S", "given", "s_S"]
    assert _of(levels, "order_multiple")["I0"] == 1.0, "whole units where no multiple is set"
    assert _of(levels, "order_limit_qty") == dict.fromkeys(ITEMS) | {"I5": 0.0}, "its last order day is over"
    assert _of(levels, "order_now_qty")["I6"] == 5.0, "a last buy up to 9 from a position of 4"
    assert _of(levels, "fill_rate_est")["I3"] is None, "what is not held is not promised"


def test_a_goal_is_asked_of_the_plan():
    policies = {None: POLICY, 0.9: POLICY.with_columns(order_up_to_qty=pl.lit(12.0))}
    moment = Moment(DAY, STATE, POINTS, dict, lambda goal=None: policies[goal])
    plain, lower = (replay.PlanRule(goal=goal).levels(moment) for goal in (None, 0.9))
    assert (plain["order_up_to_qty"][0], lower["order_up_to_qty"][0]) == (20.0, 12.0)


def test_what_the_plan_gave_up_orders_nothing():
    levels = replay.PlanRule().levels(_moment(POLICY.filter(pl.col("item_id") != "I4")))
    row = levels.filter(item_id="I4").row(0, named=True)
    assert (row["kind"], row["order_limit_qty"]) == ("none", 0.0)
    assert refusals(levels).is_empty()


def test_the_static_rule():
    levels = replay.StaticRule().levels(_moment())
    assert _of(levels, "reorder_point_qty")["I0"] == 30.0
    assert _of(levels, "order_up_to_qty")["I0"] == 44.0
    assert _of(levels, "kind")["I7"] == "none"
    rule_of_thumb = replay.StaticRule(safety_days=20.0).levels(_moment())
    assert _of(rule_of_thumb, "reorder_point_qty")["I0"] == 30.0 - 12.0 + 20.0


def test_the_companys_own_settings_and_what_stands_in():
    levels = replay.CurrentRule().levels(_moment())
    rows = {
        row[0]: row[1:]
        for row in levels.select("item_id", "kind", "reorder_point_qty", "order_up_to_qty").rows()
    }
    assert rows["I0"] == ("s_S", 10.0, 25.0)
    assert rows["I1"] == ("base_stock", 10.0, 10.0), (
        "a maximum not above the minimum: order up to the minimum"
    )
    assert rows["I2"] == ("s_S", 0.0, 12.0), "no minimum: order when nothing is left"
    assert rows["I3"] == ("s_S", 16.0, 30.0), "neither: the static rule"
    assert replay.without_settings(POINTS)[0].n_rows == 1


def _function(answer):
    return replay.FunctionRule("mine", answer)


def test_a_function_is_told_what_it_needs():
    told = []

    def rule(frame):
        told.append(frame)
        return frame.select(*KEY, quantity=pl.lit(3.0))

    levels = _function(rule).levels(_moment())
    assert levels["kind"].to_list() == ["given"] * 8
    assert levels["order_now_qty"].to_list() == [3.0] * 8
    first = told[0].row(0, named=True)
    assert (first["history"], first["days"]) == ([4.0], [date(2026, 6, 1)])
    assert (first["on_hand"], first["on_order"], first["backlog"], first["as_of"]) == (3.0, 2.0, 1.0, DAY)
    assert first["order_multiple"] == 4.0


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [(-1.0, "rule_nonsense"), (float("nan"), "rule_nonsense"), (None, "rule_nonsense")],
)
def test_nonsense_leaves_the_point_out(quantity, reason):
    bad = pl.when(pl.col("item_id") == "I2").then(pl.lit(quantity, dtype=pl.Float64)).otherwise(1.0)
    levels = _function(lambda frame: frame.select(*KEY, quantity=bad)).levels(_moment())
    assert refusals(levels).select("item_id", "reason").rows() == [("I2", reason)]


def test_levels_that_are_no_number_leave_the_point_out():
    up_to = pl.when(pl.col("item_id") == "I1").then(float("inf")).otherwise(9.0)
    rule = _function(lambda frame: frame.select(*KEY, reorder_point=pl.lit(4.0), order_up_to=up_to))
    levels = rule.levels(_moment())
    assert refusals(levels).select("item_id", "reason").rows() == [("I1", "rule_nonsense")]
    assert levels["kind"].unique().to_list() == ["s_S"]


def test_a_point_without_an_answer_or_with_two_is_left_out():
    def rule(frame):
        answer = frame.select(*KEY, quantity=pl.lit(1.0))
        return pl.concat([answer[1:], answer[3:4], answer[:1].with_columns(item_id=pl.lit("elsewhere"))])

    levels = _function(rule).levels(_moment())
    assert refusals(levels).select("item_id", "reason").rows() == [
        ("I0", "rule_silent"),
        ("I3", "rule_silent"),
    ]


def test_where_a_function_stops_is_found_and_the_rest_goes_on():
    def rule(frame):
        if "I5" in frame["item_id"].to_list():
            raise ZeroDivisionError("no demand")
        return frame.select(*KEY, quantity=pl.lit(1.0))

    one = _function(rule)
    levels = one.levels(_moment())
    assert refusals(levels).select("item_id", "reason").rows() == [("I5", "rule_failed")]
    assert one.said[0] == "ZeroDivisionError: no demand."


@pytest.mark.parametrize(
    "answer", [lambda _frame: 1 / 0, lambda frame: frame.height, lambda frame: frame.drop(KEY)]
)
def test_a_function_that_never_answers_is_refused(answer):
    with pytest.raises(InputError, match="Rule 'mine' stopped with an error at every point"):
        _function(answer).levels(_moment())


def _world(every=1, start=None, periods=6, lost=False, moments=(0, 3)):
    n = len(ITEMS)
    days = tuple(date(2026, 6, 7 + t) for t in range(periods + 1))
    return World(
        clock=replay.Clock("week", days, moments, 3),
        points=POINTS,
        demand=np.column_stack([np.zeros(n), np.full((n, periods), 4.0)]),
        lead=np.ones((n, periods + 1), dtype=np.int64),
        every=np.full(n, every),
        is_lost=np.full(n, lost),
        on_hand=np.zeros(n) if start is None else np.full(n, start),
        backlog=np.zeros(n),
        is_counted=np.full(n, start is not None),
        arrivals=np.zeros((n, periods + 2)),
        lines=pl.DataFrame(schema={"row": pl.UInt32, "column": pl.Int64, "upto": pl.Float64}),
        warm_up=0,
    )


def _ask(day, state):
    return Moment(day, state, POINTS, lambda: {"demand": _demand()}, lambda goal=None: POLICY)


class Recorder:
    """Orders what was asked for since it was last asked; keeps the states it saw."""

    name, is_revised = "recorder", True

    def __init__(self):
        self.seen = []

    def levels(self, moment):
        self.seen.append(moment.state.row(0, named=True))
        return _function(lambda frame: frame.select(*KEY, quantity=pl.lit(8.0))).levels(moment)


def test_a_rule_sees_the_end_of_the_period_that_its_order_closes():
    recorder = Recorder()
    run = run_rule(_world(start=20.0), recorder, _ask)
    assert [row["on_hand"] for row in recorder.seen] == [20.0, 16.0], (
        "20 - 3 x 4 and the first order of 8 came"
    )
    assert [row["on_order"] for row in recorder.seen] == [0.0, 0.0]
    assert run.ledger.detail[3, 0].tolist() == [8.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0], (
        "ordered once at each moment"
    )


def test_without_a_count_a_rule_begins_with_its_own_level():
    run = run_rule(_world(), replay.CurrentRule(), _ask)
    assert run.opening.tolist() == [25.0, 10.0, 12.0, 30.0, *[9.0] * 4]
    assert np.isnan(run.cycle_service).all(), "the company's settings promise nothing"


def test_review_days_are_kept():
    run = run_rule(_world(every=3, start=0.0), replay.CurrentRule(), _ask)
    ordered = run.ledger.detail[3] > 0
    assert not ordered[:, [1, 2, 4, 5]].any()
    assert ordered[0, [0, 6]].all(), "at the position of 13 of the first moment there is no need"


def test_a_refused_point_orders_nothing_and_is_named():
    bad = pl.when(pl.col("item_id") == "I2").then(-1.0).otherwise(8.0)
    run = run_rule(_world(start=0.0), _function(lambda frame: frame.select(*KEY, quantity=bad)), _ask)
    assert run.refused.rows() == [("I2", "M", "rule_nonsense")]
    assert not run.ledger.detail[3, 2].any()
    assert run.ledger.detail[3, 1].any()


def test_promises_are_averaged_over_the_periods_in_force():
    run = run_rule(_world(), replay.PlanRule(), _ask)
    assert run.fill_rate[0] == pytest.approx(0.97)
    assert np.isnan(run.fill_rate[3])
