"""The network in words and figures: sums by kind of place, drawings, proof, and the costs of a placement."""

from datetime import date
from io import StringIO
from itertools import product
from math import sqrt
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from scipy.stats import norm

from plimsoll.domain.errors import SettingError
from plimsoll.domain.network_result import NetworkResult, PlacementResult, PlacementTotals
from plimsoll.domain.tables import table
from plimsoll.present import network as words
from plimsoll.present.explanation import connected
from plimsoll.present.network_placement import placement_sentences
from plimsoll.present.network_terminal import network_data, show_item, show_network, show_proved
from plimsoll.present.network_tree import LINES, nodes
from plimsoll.workflows.network import draw
from plimsoll.workflows.network_placement import PlacementOptions, placement_of

YEAR = 365
KINDS = {"PL": "plant", "B1": "branch", "B2": "branch"}
ZERO = {pl.String(): "", pl.Float64(): 0.0, pl.Int64(): 0, pl.Boolean(): False, pl.Date(): date(2026, 11, 1)}


def _table(name, rows):
    """Rows of a table; required columns that are not given are nothing."""
    columns = [column for column in table(name).columns if column.null == "required"]
    default = {
        column.name: column.choices[0] if column.choices else ZERO.get(column.dtype, []) for column in columns
    }
    frame = pl.DataFrame([default | row for row in rows], infer_schema_length=None)
    return table(name).conform(frame) if rows else table(name).empty()


def _stage(item, at, days, **given):
    own = given.pop("own", 0.0)
    known = {
        "item_id": item, "location_id": at, "network_id": 1, "from_location_id": "PL", "may_hold": True,
        "stage_days": days, "review_days": 0.0, "unit_cost": 10.0, "own_mean_per_day": own,
        "mean_per_day": own or 5.0, "sd_per_day": 3.0, "max_service_days": 0.0 if own else None,
        "supply_kind": "transfer",
    }  # fmt: skip
    return known | given


def _arc(item, at, from_item, source, kind="lane", **given):
    return {
        "item_id": item, "location_id": at, "from_item_id": from_item, "from_location_id": source,
        "kind": kind, "quantity": 1.0, "in_force": True, "reason": "in_force",
    } | given  # fmt: skip


def _service(at, source, values, **given):
    alone, separate, network = values
    known = {
        "item_id": "A", "location_id": at, "source_location_id": source, "role": "customers",
        "target_kind_eff": "fill", "on_hand_alone_value": alone, "on_hand_separate_value": separate,
        "on_hand_network_value": network, "level_alone_qty": 8.0, "level_network_qty": 9.0,
        "reason": "covers_source_shortages", "wait_days_est": 1.5, "fill_rate_est": 0.97,
    }  # fmt: skip
    return known | given


STAGES = [
    _stage("A", "PL", 20.0, supply_kind="production", from_location_id="PL"),
    _stage("A", "B1", 2.0, own=3.0),
    _stage("A", "B2", 4.0, own=2.0),
]
ARCS = [_arc("A", "B1", "A", "PL"), _arc("A", "B2", "A", "PL")]
SERVICE = [
    _service(
        "PL", None, (5000.0, 6000.0, 1000.0), role="feeds", n_downstream=2, level_alone_qty=90.0,
        level_network_qty=20.0, reason="holds_less_branches_cover",
    ),
    _service("B1", "PL", (900.0, 1000.0, 1200.0)),
    _service("B2", "PL", (700.0, 1000.0, 800.0), wait_days_est=0.5),
]  # fmt: skip


def _result(**tables):
    points = [
        {
            "item_id": row["item_id"], "location_id": row["location_id"], "unit": "pcs",
            "description": f"Part {row['item_id']}",
        }
        for row in tables.get("network_stage", STAGES)
    ]  # fmt: skip
    rules = [
        {
            "item_id": "A", "location_id": at, "policy": "base_stock", "order_up_to_qty": 30.0,
            "reorder_point_qty": 20.0,
        }
        for at in KINDS
    ]  # fmt: skip
    stock = [
        {"item_id": "A", "location_id": at, "on_hand_qty": 7.0, "counted_date": date(2026, 11, 1)}
        for at in KINDS
    ]
    given = {
        "network_stage": STAGES, "network_arc": ARCS, "network_service": SERVICE, "planning_point": points,
        "policy": rules, "outlook": stock,
    } | tables  # fmt: skip
    made = {name: _table(name, rows) for name, rows in given.items()}
    return NetworkResult(Path("works"), "plan-000001", date(2026, 11, 1), "EUR", KINDS, made)


def _shown(show, *given, width=100):
    console = Console(file=StringIO(), width=width)
    show(*given, console)
    return console.file.getvalue()


def test_sums_by_kind_of_place_and_what_is_saved():
    plants, branches, every = words.echelons(_result())
    assert (plants.name, plants.separate, plants.network, plants.wait) == (
        "Plants",
        "6,000 EUR",
        "1,000 EUR",
        "–",
    )
    assert (branches.alone, branches.network, branches.change) == ("1,600 EUR", "2,000 EUR", "+0 %")
    assert branches.wait == "1 day"  # the mean of 1.5 and 0.5
    assert (every.points, every.separate, every.network, every.change) == (
        "3",
        "8,000 EUR",
        "3,000 EUR",
        "-62 %",
    )
    assert "as one network 5,000 EUR (62 %) less" in words.sentences(_result())[1]
    assert "hold 6,600 EUR and promise what they cannot keep" in words.sentences(_result())[2]


def test_places_whose_kind_is_unknown_go_by_their_depth():
    given = _result()
    kinds = {"PL": "depth 0", "B1": "depth 1", "B2": "branch"}
    mixed = NetworkResult(given.workspace, given.run_id, given.as_of, "EUR", kinds, given.tables)
    assert [row.name for row in words.echelons(mixed)] == ["Branches", "First places", "Places 1 down", "All"]
    assert len(words.chart(mixed)["option"]["series"]) == 4  # the last holds the sums
    assert "\nPL\n" in _shown(show_item, draw(mixed, "A"), "EUR").replace(" \n", "\n")


def test_largest_changes_come_first_against_each_place_alone():
    first, second, third = words.changes(_result())
    assert (first.at, first.levels, first.stock, first.change) == (
        "PL", "90 → 20 pcs", "5,000 → 1,000 EUR", "-4,000 EUR",
    )  # fmt: skip
    assert (second.at, second.change, third.change) == ("B1", "+300 EUR", "+100 EUR")
    assert first.why.startswith("It holds less than alone")
    assert [(row.points, row.change) for row in words.reasons(_result())] == [
        ("1", "-4,000 EUR"), ("2", "+400 EUR"),
    ]  # fmt: skip


def test_a_network_that_costs_more_says_so():
    rows = [row | {"on_hand_network_value": 9000.0} for row in SERVICE]
    assert "as one network 19.0 k EUR (238 %) more" in words.sentences(_result(network_service=rows))[1]


def test_networks_of_bills_alone_are_not_sized_together():
    said = words.sentences(_result(network_service=[]))
    assert "none are sized together" in said[-1]
    assert words.chart(_result(network_service=[])) is None
    assert words.next_steps(_result(network_service=[])) == ""
    assert "One network" in _shown(show_network, _result(network_service=[]))


def test_the_chart_stacks_each_kind_of_place_three_times():
    option = words.chart(_result())["option"]
    assert option["yAxis"]["data"] == ["Each place alone", "Own targets kept", "One network"]
    assert {row["name"]: row["data"] for row in option["series"][:2]} == {
        "Plants": [5000.0, 6000.0, 1000.0], "Branches": [1600.0, 2000.0, 2000.0],
    }  # fmt: skip


def test_an_item_is_drawn_with_levels_and_reasons():
    out = _shown(show_item, draw(_result(), "A"), "EUR", width=110)
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "A Part A, kept at 3 places, network 1"
    assert lines[1] == "PL, plant"
    assert "│  It holds less than alone; the places it feeds cover its shortages cheaper." in lines
    assert "├─ B1, branch" in lines
    assert "└─ B2, branch" in lines
    assert any("reorder at 20, up to 30 pcs" in line and "7 on hand now" in line for line in lines)
    assert any(line.startswith("      ") and "waits 0.5 days for PL" in line for line in lines)
    assert any("alone 8 (700 on average) → network 9 (800 EUR)" in line for line in lines)


def test_lines_that_wrap_keep_the_tree():
    out = _shown(show_item, draw(_result(), "A"), "EUR", width=60).splitlines()
    inner = out[out.index("├─ B1, branch") + 1 : out.index("└─ B2, branch")]
    assert len(inner) > 4
    assert all(line.startswith("│  ") for line in inner)
    assert max(map(len, out)) <= 60


def test_long_lists_of_parts_are_cut():
    parts = [f"C{k:02}" for k in range(35)]
    result = _result(
        network_stage=[*STAGES, *(_stage(part, "PL", 5.0) for part in parts)],
        network_arc=[*ARCS, *(_arc("A", "PL", part, "PL", "bill", quantity=2.0) for part in parts)],
    )
    drawn = nodes(draw(result, "A"), "EUR")
    made_of = [node.head for node in drawn if node.part == "made_of"]
    assert len(made_of) == LINES + 1
    assert made_of[0] == "C00 Part C00 at PL: 2 pcs in one"
    assert made_of[-1] == "and 23 more"
    goes_into = [node.head for node in nodes(draw(result, "C00"), "EUR") if node.part == "goes_into"]
    assert goes_into[0] == "A Part A at PL: takes 2 pcs, 7 on hand"


def test_stages_taken_out_or_left_out_say_why():
    rows = [*STAGES[:2], STAGES[2] | {"refused_reason": "network_cycle"}]
    out = _shown(show_item, draw(_result(network_stage=rows), "A"), "EUR")
    assert "taken out of the network, as it is replenished in a circle" in " ".join(out.split())
    rows = [*STAGES[:2], STAGES[2] | {"left_out_reason": "ended", "may_hold": False}]
    out = _shown(show_item, draw(_result(network_stage=rows), "A"), "EUR")
    assert "not planned: its end date has passed; 7 on hand now" in out


PROVED = {
    "network_check": [
        {
            "item_id": "A", "location_id": at, "depth": 1, "own_qty_per_day": qty, "unit_cost_eff": 10.0,
            "fill_rate_est": 0.98, "fill_rate_own_sim": came, "fill_rate_all_sim": came,
            "fill_rate_all_error": 0.001, "is_within_noise": inside,
        }
        for at, qty, came, inside in (("B1", 3.0, 0.90, False), ("B2", 1.0, 0.979, True))
    ],
    "network_echelon": [
        {
            "echelon": "branch", "points": 2, "fill_own_est": 0.98, "fill_own_sim": 0.91975,
            "fill_own_error": 0.004, "gap_points": -6.025, "on_hand_est_value": 900.0,
        }
    ],
    "network_comparison": [
        {
            "echelon": "all", "n_points": 3, "fill_alone_sim": 0.95, "fill_network_sim": 0.951,
            "on_hand_alone_value": 4000.0, "on_hand_network_value": 3000.0, "difference_value": -1000.0,
        }
    ],
    "network_saving": [
        {"measure": name, "value": value}
        for name, value in (("all, low", 0.2), ("all, high", 0.3), ("quantile 50%", 0.01),
                            ("quantile 5%", -0.1), ("quantile 95%", 0.4))
    ],
    "network_moved": [{"item_id": "A", "echelon": "all", "change_value": -1000.0}],
}  # fmt: skip


def test_the_proof_in_words():
    section = words.network_section(_result(**PROVED))
    assert "98.0 % was promised from stock and 92.0 % came" in section.proof[0]  # (3 x 0.90 + 0.979) / 4
    assert "-6.0 ± 0.8 points (Branches, 2 points)" in section.proof[0]
    assert "At 50 % of 2 points" in section.proof[1]
    assert section.proof[1].endswith("1 point of items that end was not simulated.")
    assert [row.name for row in section.worst] == ["A @ B1"]
    assert "1,000 EUR or 25 % less (95 % interval 20 % to 30 %" in section.compared_words[0]
    assert "1 % at the median; 90 % of them lie between -10 % and 40 %" in section.compared_words[1]
    assert section.next_steps == ""
    for show in (show_network, show_proved):
        out = _shown(show, _result(**PROVED))
        assert "Promised, and what came in the simulation" in out
        assert "-6.0 ± 0.8" in out


def test_without_a_proof_the_command_is_named():
    said = words.next_steps(_result())
    assert "`plimsoll network works --check`" in said
    assert "`plimsoll network works --compare`" in said
    half = {name: rows for name, rows in PROVED.items() if name in ("network_check", "network_echelon")}
    assert "--check" not in words.next_steps(_result(**half))


def test_data_for_programs_adds_up():
    data = network_data(_result(**PROVED))
    assert (data["alone_value"], data["separate_value"], data["network_value"]) == (6600.0, 8000.0, 3000.0)
    assert sum(row["network_value"] for row in data["by_kind"]) == data["network_value"]
    assert data["saving"]["all, low"] == 0.2
    assert [row["location_id"] for row in data["missed"]] == ["B1"]


def test_one_sentence_of_the_explanation():
    table_of = _table("network_service", SERVICE)
    (said,) = connected(table_of.filter(location_id="B1").row(0, named=True), "EUR")
    assert said == (
        "In the network PL replenishes it and it waits 1.5 days for it on average; its level is 8 alone, "
        "9 in the "
        "network (900 and 1,200 EUR on average). It holds more than alone, to cover the shortages of its "
        "source."
    )
    (said,) = connected(table_of.filter(role="feeds").row(0, named=True), "EUR")
    assert said.startswith(
        "In the network it feeds 2 places of ours; its level is 90 alone, 20 in the network"
    )
    assert connected(None, "EUR") == []


def _placed(stages=STAGES, arcs=ARCS, **given):
    options = PlacementOptions(**{"bound": "normal", "service": 0.9} | given)
    points = [
        {"item_id": row["item_id"], "location_id": row["location_id"], "holding_rate_eff": 0.2}
        for row in stages
    ]
    rows = {"network_stage": stages, "network_arc": arcs, "planning_point": points}
    return placement_of({name: _table(name, given) for name, given in rows.items()}, options)


def test_a_placement_is_the_cheapest_of_all_that_can_be_listed():
    placed, totals = _placed()
    rate = 10.0 * 0.2 * norm.ppf(0.9) * 3.0

    def cost(quoted):
        return rate * (sqrt(20 - quoted) + sqrt(2 + quoted) + sqrt(4 + quoted))

    assert totals.cost == pytest.approx(min(cost(s) for s in (0, 20)))
    assert totals.each_holds == pytest.approx(cost(0))
    assert totals.customers_hold == pytest.approx(cost(20))
    assert placed["cost_per_year"].sum() == pytest.approx(totals.cost)
    assert placed["safety_value"].sum() * 0.2 == pytest.approx(totals.cost)
    assert (totals.bound, totals.gap) == (pytest.approx(totals.cost), pytest.approx(0.0, abs=1e-9))
    assert (totals.networks, totals.proven, totals.single) == (1, 1, 0)
    assert dict(placed.select("location_id", "reason").iter_rows()) == {
        "PL": "decouples", "B1": "serves_customers", "B2": "serves_customers",
    }  # fmt: skip


def test_a_placement_of_a_made_thing_counts_the_way_of_its_parts():
    stages = [
        _stage("C", "S", 10.0, unit_cost=1.0),
        _stage("D", "S", 6.0, unit_cost=1.0),
        _stage("A", "PL", 3.0, own=5.0, max_service_days=0.0),
    ]
    arcs = [
        _arc("A", "PL", "C", "S", "bill", mean_days=4.0),
        _arc("A", "PL", "D", "S", "bill", mean_days=None),
    ]
    placed, totals = _placed(stages, arcs)
    root = 0.2 * norm.ppf(0.9) * 3.0
    best = min(
        root * (sqrt(10 - c) + sqrt(6 - d) + 10 * sqrt(3 + max(c + 4, d)))
        for c, d in product((0, 10), (0, 4, 6))
    )
    assert totals.cost == pytest.approx(best)
    inbound = dict(placed.select("item_id", "inbound_days").iter_rows())
    assert inbound["A"] == 4.0  # parts leave at once and are four days on the way
    assert totals.networks == 1


def test_where_nothing_may_be_held_customers_wait_and_are_counted():
    stages = [STAGES[0], STAGES[1] | {"may_hold": False}, STAGES[2]]
    placed, totals = _placed(stages)
    late = dict(placed.select("location_id", "late_days").iter_rows())
    assert late == {"PL": 0.0, "B1": 2.0, "B2": 0.0}
    assert totals.late == 1
    assert placed.filter(location_id="B1")["reason"].item() == "may_not_hold"
    said = placement_sentences(PlacementResult(_result(), "placement-000001", 0.9, "normal", placed, totals))
    assert said[-1].startswith("1 point that may not hold stock has customers")


def test_refused_stages_and_arcs_out_of_force_are_not_placed():
    arcs = [ARCS[0], ARCS[1] | {"in_force": False, "reason": "network_cycle"}]
    placed, totals = _placed([*STAGES[:2], STAGES[2] | {"refused_reason": "network_cycle"}], arcs)
    assert placed["location_id"].to_list() == ["B1", "PL"]
    assert (totals.networks, totals.single) == (1, 0)


def test_a_gap_that_time_left_is_told():
    totals = PlacementTotals(100.0, 98.0, 120.0, 110.0, 500.0, 4, 3, 2, 0, 60.0)
    none = table("network_placement").empty()
    said = placement_sentences(PlacementResult(_result(), "placement-000001", 0.95, "quantile", none, totals))
    assert "(20.0 % more)" in said[1]
    assert "Proved best: 3 of 4 networks (75 %), besides 2 single points" in said[2]
    assert "no placement costs less than 98 EUR (gap 2.00 %); 60.0 seconds." in said[2]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"bound": "quantle"}, "no demand bound"),
        ({"service": 1.0}, "no share"),
        ({"seconds": 0.0}, "cannot take"),
    ],
)
def test_options_out_of_range_are_refused(given, what):
    with pytest.raises(SettingError, match=what):
        PlacementOptions(**given)
