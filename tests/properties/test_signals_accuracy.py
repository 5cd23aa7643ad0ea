"""Forecasts made again at past moments: nothing later is known, levels add up, figures are plausible."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from plimsoll import demand, ingest, supply
from plimsoll.domain.raw import RawTable
from plimsoll.examples.company import generate
from plimsoll.signals import LEVELS, SignalParams, accuracy, alarms, hindcast
from plimsoll.signals.accuracy import by_segment

KEY = ["item_id", "location_id"]
PARAMS, DEMAND = SignalParams(origins=4), demand.DemandParams(learned="off")


@pytest.fixture(scope="module")
def demo():
    company = generate(400, 3)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    facts = ingest.read(raws, ingest.Mapping.from_text(company.mapping), ingest.IngestParams()).tables
    done = ingest.complete(facts, ingest.IngestParams(), as_of=company.as_of)
    lead_times = supply.estimate(
        done.tables["receipts"], done.lanes, supply.SupplyParams(), as_of=company.as_of
    )
    total = demand.pass_upstream(done.tables["demand"], done.points)
    return company, done, lead_times, total


@pytest.fixture(scope="module")
def again(demo):
    company, done, lead_times, total = demo
    return hindcast(total, done.points, lead_times, PARAMS, DEMAND, as_of=company.as_of, seed=1)


@pytest.fixture(scope="module")
def scored(demo, again):
    _, done, _, total = demo
    return accuracy(again, done.points, demand=total, customers=done.tables["customers"])


def test_a_forecast_knows_nothing_later(demo, again):
    """What was asked for after the latest origin changes what came, and no forecast."""
    company, done, lead_times, total = demo
    last = again["origin"].max()
    later = total.with_columns(quantity=pl.when(pl.col("date") > last).then(99.0).otherwise("quantity"))
    other = hindcast(later, done.points, lead_times, PARAMS, DEMAND, as_of=company.as_of, seed=1)
    known = ["forecast", "scale", "demand_class", "method_used"]
    assert_frame_equal(
        other.select(*KEY, "origin", *known), again.select(*KEY, "origin", *known), check_exact=True
    )
    assert not other["actual"].equals(again["actual"])


def test_what_came_is_the_demand_of_the_interval(demo, again):
    """Actual demand against a plain sum of lines by date, of points without returns."""
    total = demo[3]
    clean = total.group_by(KEY).agg(pl.col("quantity").min()).filter(pl.col("quantity") >= 0).select(KEY)
    sums = (
        again.join(total.select(*KEY, "date", "quantity"), on=KEY)
        .filter(pl.col("date") > pl.col("origin"), pl.col("date") <= pl.col("until"))
        .group_by(*KEY, "origin")
        .agg(came=pl.col("quantity").sum())
    )
    both = again.join(clean, on=KEY).join(sums, on=[*KEY, "origin"], how="left")
    assert both.height > 1000
    assert both["actual"].to_list() == pytest.approx(both["came"].fill_null(0.0).to_list())


@pytest.mark.parametrize("level", [name for name in LEVELS if name != "abc"] + ["segment"])
def test_levels_add_up_to_the_whole(scored, level):
    whole = scored.filter(level="all")
    parts = (
        scored.filter(level=level)
        .group_by("origin")
        .agg(pl.col("demand", "forecast").sum())
        .join(whole, on="origin", nulls_equal=True)
    )
    assert parts.height == whole.height == PARAMS.origins + 1
    for name in ("demand", "forecast"):
        assert parts[name].to_list() == pytest.approx(parts[f"{name}_right"].to_list(), rel=1e-9)


def test_origins_add_up_to_all_of_them(scored):
    by_time = scored.filter(level="category").with_columns(is_all=pl.col("origin").is_null())
    sums = by_time.group_by("group", "is_all").agg(pl.col("demand", "forecast", "n_forecasts").sum())
    each, all_of_them = (sums.filter(is_all=flag).sort("group") for flag in (False, True))
    assert each["demand"].to_list() == pytest.approx(all_of_them["demand"].to_list())
    assert each["n_forecasts"].equals(all_of_them["n_forecasts"])


def test_segment_by_hand():
    """Last year segment X asked for 30 and Y for 10; then Y for all of 8: the forecast of 20 is 15 and 5."""
    from datetime import date

    origin = date(2026, 6, 28)
    rows = pl.DataFrame(
        {"item_id": "A", "location_id": "M", "origin": origin, "until": origin + timedelta(days=14),
         "interval_days": 14.0, "forecast": 20.0, "actual": 8.0}
    )  # fmt: skip
    lines = pl.DataFrame(
        {"item_id": "A", "location_id": "M",
         "date": [origin, origin, origin + timedelta(days=3), origin + timedelta(days=20)],
         "customer_id": ["x", "y", "y", "x"], "quantity": [30.0, 10.0, 8.0, 99.0]}
    )  # fmt: skip
    customers = pl.DataFrame({"customer_id": ["x", "y"], "segment": ["X", "Y"]})
    split = by_segment(rows, lines, customers).select("group", "forecast", "actual").rows()
    assert split == [("X", 15.0, 0.0), ("Y", 5.0, 8.0)]


def test_figures_of_the_demo_are_plausible(scored):
    """About 4,500 forecasts: coverage within 6 points, total bias within a tenth, better than naive."""
    whole = scored.filter(pl.col("level") == "all", pl.col("origin").is_null()).row(0, named=True)
    for level in (50, 80, 95):
        assert whole[f"coverage_{level}"] == pytest.approx(level / 100, abs=0.06)
    assert abs(whole["bias"]) < 0.1
    assert whole["mase"] < 1.0
    assert whole["wape_total"] < whole["wape"] < 1.0
    assert whole["measured_in"] == "money"


def test_mape_is_the_mean_of_ratios_where_there_was_demand(demo, again, scored):
    _, done, _, _ = demo
    rows = again.join(done.points.select(KEY), on=KEY).filter(pl.col("actual") > 0)
    ratios = [abs(row["forecast"] - row["actual"]) / row["actual"] for row in rows.iter_rows(named=True)]
    whole = scored.filter(pl.col("level") == "all", pl.col("origin").is_null())
    assert whole["mape"].item() == pytest.approx(sum(ratios) / len(ratios))
    assert scored.filter(level="segment")["mape"].null_count() == scored.filter(level="segment").height


def test_alarms_of_the_demo_are_true(demo, again):
    """Changes of level at points are all of items that stopped, fade or trend; none of the steady ones."""
    company, done, _, total = demo
    found = alarms(total, done.points, SignalParams(), DEMAND, as_of=company.as_of, hindcasts=again)
    kinds = company.truth["points"].select(*KEY, "demand_type", "stopped_date")
    changed = found.filter(pl.col("level") == "point", pl.col("kind") != "bias").join(kinds, on=KEY)
    assert changed.height >= 5
    moving = {"dead", "phase_out", "trend_up", "trend_down", "launch"}
    assert set(changed["demand_type"]) <= moving
    stopped = changed.filter(demand_type="dead")
    off = (stopped["since"] - stopped["stopped_date"]).dt.total_days().abs()
    assert off.median() <= 14


def test_row_order_does_not_matter(demo, again):
    company, done, lead_times, total = demo
    other = hindcast(
        total.reverse(), done.points.reverse(), lead_times.reverse(), PARAMS, DEMAND,
        as_of=company.as_of, seed=1,
    )  # fmt: skip
    assert other.equals(again)
