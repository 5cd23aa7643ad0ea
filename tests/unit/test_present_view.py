"""What is shown of a plan: rankings, unknown classes, and sentences that stay true at the edges."""

import dataclasses

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.present import provenance, view


def test_headline_says_stock_release_carrying_and_orders(result):
    assert view.headline(result) == (
        "4,700 EUR of the 6,250 EUR in stock (75 %) is more than the plan wants and costs 940 EUR a year to "
        "carry; 3 stocking points are short. Today: 3 orders worth 3,620 EUR."
    )


def test_headline_without_stock_and_orders(bare):
    assert view.headline(bare) == (
        "There is no stock of known cost; no stocking point is short. Today: nothing to order."
    )


def test_tiles(result):
    assert [(tile.value, tile.caption) for tile in view.tiles(result)][-2:] == [
        ("3", "orders today, worth 3,620 EUR"),
        ("5", "of 5 stocking points planned"),
    ]


def test_orders_come_with_most_money_at_risk_first(result):
    lines = view.actions(result)
    assert [(line.item, line.to, line.at_risk) for line in lines] == [
        ("P-100", "DC1", "1,800 EUR"),
        ("=SUM(A1)<script>alert(1)</script>[bold]", "DC1", "440 EUR"),
        ("P-100", "BR1", "300 EUR"),
    ]
    assert (lines[0].kind, lines[0].description, lines[0].quantity) == ("Buy", "Feed pump", "270 pcs")
    assert view.actions(result, 1) == lines[:1]


def test_holdings_come_with_most_cash_first_and_only_where_there_is_some(result):
    assert [(line.item, line.status, line.release, line.cover) for line in view.holdings(result)] == [
        ("P-500", "Excess", "4,500 EUR", "500 days"),
        ("S-300", "Dead", "200 EUR", "–"),
    ]


def test_comparisons_leave_out_what_is_unknown_on_both_sides(result, bare):
    shown = {
        line.figure: (line.before_text, line.after_text, line.change) for line in view.comparisons(result)
    }
    assert shown["inventory_value"] == ("6,250 EUR", "800 EUR", "-87 %")
    assert shown["target_service"][::2] == ("–", "–")
    assert view.comparisons(bare) == []


def test_at_a_glance_shows_the_first_service_known_on_both_sides(result):
    lines = view.comparisons(result)
    by_hand = [
        dataclasses.replace(line, change="–" if line.figure == "fill_rate" else "+1.0 points")
        for line in lines
    ]
    assert [line.figure for line in view.at_a_glance(by_hand)] == [
        "inventory_value",
        "cover_days",
        "turns",
        "cycle_service",
    ]
    none = [dataclasses.replace(line, change="–") for line in lines]
    assert view.at_a_glance(none)[-1].figure == "target_service"


def test_matrix_counts_every_point_and_shares_add_up(result):
    cells = [cell for row in view.matrix(result).values() for cell in row.values()]
    assert sum(int(cell.points) for cell in cells) == 5
    assert sum(cell.share for cell in cells) == 1.0
    assert view.matrix(result)["B"]["Y"] == view.Cell("1", "50 EUR", "0 EUR", "95.0 %", 0.008)
    assert view.matrix(result)["A"]["Z"] == view.Cell()


def test_matrix_shows_points_without_a_class(planned, result):
    target = result["target"].filter(pl.col("item_id") != "P-500")
    unclassed = view.matrix(planned(tables={"target": target}))
    assert unclassed[view.UNKNOWN][view.UNKNOWN].points == "1"
    assert list(unclassed["A"]) == ["X", "Y", "Z", view.UNKNOWN]


def test_lead_times_with_typed_value_beside_the_receipts(result, bare):
    (line,) = provenance.lead_times(result)
    assert (line.supplier, line.typed, line.measured, line.difference) == (
        "Acme",
        "20 days",
        "31 ± 11 days",
        "+11 days",
    )
    assert provenance.lead_times(bare) == []
    assert provenance.evidence(result) == "The lead times of 5 lanes rest on the item's own receipts (5)."


def test_methods_count_every_point_once_and_fallbacks_come_with_their_reason(planned, result):
    estimate = result["demand_estimate"].with_columns(
        method_used=pl.Series(["ses", "ses", "croston", "ses", "ses"]),
        demand_class=pl.Series(["smooth", "lumpy", "none", "smooth", "smooth"]),
        fallback_reason=pl.Series([None, "too_few_demands", None, "too_few_demands", None]),
    )
    changed = planned(tables={"demand_estimate": estimate})
    lines = [(line.method, line.points, line.share, line.by_class) for line in provenance.methods(changed)]
    assert lines == [
        ("exponential smoothing", "4", "80 %", ("3", "–", "–", "1", "–")),
        ("Croston", "1", "20 %", ("–", "–", "–", "–", "1")),
    ]
    assert provenance.fallbacks(changed) == [provenance.Fallback("demand", "there were too few demands", "2")]
    assert provenance.fallbacks(result) == []


def test_findings_come_with_the_gravest_first(planned, result):
    row = result["finding"].row(0, named=True)
    kinds = [("a", "info", 9), ("b", "error", 1), ("c", "warning", 2), ("d", "warning", 7)]
    rows = [row | {"code": code, "severity": severity, "n_rows": n} for code, severity, n in kinds]
    finding = pl.DataFrame(rows, schema=table("finding").schema)
    assert [line["code"] for line in provenance.findings(planned(tables={"finding": finding}))] == list(
        "bdca"
    )


def test_rows_set_aside_are_counted(result, bare):
    assert provenance.quarantine(result) == "12 rows set aside at import with the reason kept: demand 12."
    assert provenance.quarantine(bare) == "No row was set aside at import."


def test_without_stock_nothing_is_taken_for_nothing(planned):
    plan = planned(({"stock": None}, {"item": "B", "stock": None}))
    assert not plan.stock_is_known
    assert view.headline(plan) == (
        "No stock is recorded, so what is held, stranded or short is not known. "
        "Today, if nothing is in stock: 2 orders worth 1,000 EUR."
    )
    assert [tile.value for tile in view.tiles(plan)[:4]] == ["–"] * 4
    assert view.tiles(plan)[0].caption == "stock today: not known"
    cell = view.matrix(plan)["A"]["X"]
    assert (cell.points, cell.value, cell.release) == ("2", "–", "–")


def test_without_costs_money_is_not_taken_for_nothing(planned):
    free = {"unit_cost_eff": 0.0, "unit_price_eff": 0.0}
    likely, unlikely = {10: 0.5, 30: 0.5}, {1: 0.9, 30: 0.1}
    plan = planned(
        (
            {**free, "protection": unlikely, "stock": (5.0, 0.0, 0.0)},
            {**free, "item": "B", "protection": likely},
        )
    )
    assert "No unit cost is known, so nothing here has a value in money; 2 stocking" in view.headline(plan)
    assert view.headline(plan).endswith("Today: 2 orders of unknown cost.")
    assert view.tiles(plan)[0].value == "–"
    assert [(line.item, line.at_risk, line.value) for line in view.actions(plan)] == [
        ("B", "–", "–"), ("A", "–", "–"),
    ]  # fmt: skip
    assert not [line for line in view.comparisons(plan) if line.figure == "inventory_value"]


def test_headline_of_stock_that_is_all_wanted(planned):
    plan = planned(({"stock": (20.0, 0.0, 0.0)},))
    assert view.headline(plan).startswith(
        "None of the 200 EUR in stock is more than the plan wants; no stocking"
    )
