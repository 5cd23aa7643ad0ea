"""The demo company has the size, mix and posture that it promises, at every size and date."""

import os
import subprocess
import sys
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import SettingError
from plimsoll.examples.catalogue import ARCHETYPES
from plimsoll.examples.company import Company, generate, sizes, write
from plimsoll.examples.shape import span_of

N = 2000
LARGE = ("sales_order_lines.parquet", "production_issues.parquet", "goods_receipts.parquet")


@pytest.fixture(scope="module")
def company():
    return generate(N)


@pytest.fixture(scope="module")
def points(company):
    truth = company.truth
    cost = pl.DataFrame(company.sources["supplier_info_records.csv"]).select("Material", "Net Price")
    cost = cost.drop_nulls().unique("Material", keep="first", maintain_order=True)
    keys = ["item_id", "location_id"]
    lanes = truth["lanes"].rename({"to_location_id": "location_id"})
    return (
        truth["points"]
        .join(truth["stock"], on=keys, validate="1:1")
        .join(lanes, on=keys, validate="1:1")
        .join(cost, left_on="item_id", right_on="Material", how="left")
    )


def _kept_at(points, prefix):
    return points.filter(pl.col("location_id").str.starts_with(prefix))


def test_items_come_in_the_promised_mix(company, points):
    kinds = points.unique("item_id")["demand_type"].value_counts()
    assert {kind: n / N for kind, n in kinds.rows()} == pytest.approx({a.name: a.share for a in ARCHETYPES})
    made = (company.sources["material_master.csv"]["Procurement"] == "E").mean()
    assert abs(made - 0.3) < 0.06  # six standard errors of a share over 2,000 items


def test_every_item_is_at_one_or_two_dcs_and_up_to_six_branches_of_theirs(company, points):
    dcs, branches = _kept_at(points, "DC"), _kept_at(points, "BR")
    per_item = dcs.group_by("item_id").len()
    assert per_item.height == N
    assert set(per_item["len"]) == {1, 2}
    assert branches.group_by("item_id").len()["len"].max() == 6
    assert set(points["location_id"].str.slice(0, 2)) == {"PL", "DC", "BR"}
    feeding = dcs.select("item_id", from_location_id="location_id")
    assert branches.join(feeding, on=["item_id", "from_location_id"], how="anti").height == 0
    assert 2.8 < points.height / N < 3.6
    plant = _kept_at(points, "PL")
    used = plant.filter(pl.col("rate_per_week_now") > 0)
    assert set(used["demand_type"]) == {"steady"}
    assert used["from_location_id"].str.starts_with("V").all()
    made = plant.join(used, on="item_id", how="anti")
    assert set(made["from_location_id"]) == {"PL1"}
    assert dcs.filter(from_location_id="PL1")["item_id"].is_in(made["item_id"].implode()).all()


def test_popular_items_are_at_more_branches_and_their_weeks_are_steadier(company, points):
    at = _kept_at(points, "BR").group_by("item_id").agg(branches=pl.len())
    items = points.group_by("item_id").agg(lines=pl.col("line_rate_per_week").sum())
    ranked = items.join(at, on="item_id", how="left").sort("lines", descending=True)
    branches = ranked["branches"].fill_null(0)
    assert branches.head(N // 20).mean() > 1.8 * branches.tail(N // 2).mean() > 0.9
    rate, sd = pl.col("rate_per_week_now"), pl.col("sd_per_week_now")
    sold = _kept_at(points, "DC").filter(rate > 0).sort("line_rate_per_week", descending=True)
    cv = sold.select(sd / rate).to_series()
    assert cv.head(N // 10).median() < 1.0
    assert cv.tail(N // 2).median() > 2.0


def test_demand_lines_are_as_many_as_for_a_million_at_full_size(company):
    per_item = company.sources["sales_order_lines.parquet"].height / N
    assert 125 < per_item < 187  # 1 to 1.5 million lines for 8,000 items


def test_volumes_are_skewed_and_dear_items_sell_less(company, points):
    lines = company.sources["sales_order_lines.parquet"].filter(pl.col("Order Qty").is_between(1, 10_000))
    per_item = lines.group_by("Material").agg(pl.len().alias("lines"), pl.col("Order Qty").sum())
    ranked = per_item["lines"].sort(descending=True)
    assert ranked.head(N // 5).sum() > 0.7 * ranked.sum()
    both = points.filter(pl.col("Net Price") > 0).unique("item_id")
    both = both.join(per_item, left_on="item_id", right_on="Material")
    assert np.corrcoef(both["Net Price"].log(), both["Order Qty"].log())[0, 1] < -0.3


def test_item_master_is_near_the_truth_or_stale(company, points):
    origin = company.sources["vendors.csv"].select(from_location_id="Vendor", region="Origin")
    faults = company.truth["faults"]
    keys = {code: faults.filter(code=code)["keys"] for code in ("one_lead_time_for_all", "stale_lead_time")}
    lanes = points.join(origin, on="from_location_id").with_columns(
        key=pl.concat_str("item_id", "location_id", "from_location_id", separator=" @ "),
        ratio=pl.col("typed_days") / pl.col("mean_days"),
    )
    own = lanes.filter(~pl.col("key").is_in(keys["one_lead_time_for_all"].implode()))
    stale = pl.col("key").is_in(keys["stale_lead_time"].implode())
    near, far = own.filter(~stale), own.filter(stale)
    assert near["ratio"].log().abs().exp().quantile(0.99) < 1.4
    assert far["ratio"].log().abs().exp().min() > 1.6
    assert 0.08 < far.height / own.height < 0.25
    assert (
        far.filter(pl.col("ratio") < 1, region="asia").height
        > far.filter(pl.col("ratio") > 1, region="asia").height
    )
    assert lanes["distribution"].n_unique() == 3
    makers = lanes.unique("from_location_id").select(cv=pl.col("sd_days") / pl.col("mean_days"))["cv"]
    assert makers.min() < 0.25 < 0.4 < makers.max()
    assert lanes["mean_days"].min() < 10
    assert lanes["mean_days"].max() > 90


def test_stock_is_heavy_on_slow_items_and_short_on_volatile_ones(points):
    volatile = pl.col("demand_type").is_in(["erratic", "seasonal", "launch", "trend_up", "lumpy"])
    share = lambda rows, posture: (rows["posture"] == posture).mean()  # noqa: E731
    assert share(points.filter(volatile, abc="A"), "short") > 0.25
    assert share(points.filter(~volatile, abc="A"), "short") < 0.2
    assert share(points.filter(pl.col("rate_with_downstream_now") > 0, abc="C"), "heavy") > 0.4
    assert share(points.filter(abc="A"), "heavy") < 0.15


def test_turns_are_those_of_a_middling_manufacturer(company):
    wrong = company.truth["faults"].filter(code="wrong_unit_cost")["item_id"].implode()
    factor = pl.when(pl.col("Material").is_in(wrong)).then(100).otherwise(1)
    cost = company.sources["material_master.csv"].select(
        "Material", cost=pl.col("Standard Price").fill_null(0) / factor
    )
    lines = company.sources["sales_order_lines.parquet"].filter(pl.col("Order Qty") < 20_000)
    sold = lines.join(cost, on="Material").group_by("Material").agg(pl.col("Order Qty").dot("cost"))
    ranked = sold["Order Qty"].sort(descending=True)
    held = company.sources["stock_on_hand.csv"].join(cost, on="Material")
    value = held.select(pl.col("On Hand").clip(0).dot("cost")).item()
    assert 2.5 < ranked.sum() / 2 / value < 4.0
    assert 35_000 < ranked.sum() / 2 / N < 45_000  # about 320 million at 8,000 items
    assert 0.65 < ranked.head(N // 5).sum() / ranked.sum() < 0.9


def test_open_orders_are_placed_and_some_are_overdue(company):
    known = company.sources["open_purchase_orders.csv"].filter(pl.col("PO Date").str.contains("-"))
    assert known["PO Date"].str.to_date().max() <= company.as_of
    assert 0.02 < (known["Due Date"] < company.as_of).mean() < 0.5
    assert set(known["Order Type"]) == {"NB", "UB", "PR"}


@pytest.mark.parametrize("n_items", [50, 51, 137])
@pytest.mark.parametrize("as_of", [date(2026, 10, 31), date(2024, 2, 29), date(2025, 9, 1)])
def test_small_companies_and_other_days_work(n_items, as_of):
    company = generate(n_items, 3, as_of)
    assert company.sources["material_master.csv"].height == n_items
    lines = company.sources["sales_order_lines.parquet"]["Order Date"]
    assert lines.max() <= as_of
    assert lines.min() >= span_of(as_of).start
    assert 0 <= (span_of(as_of).start - as_of.replace(year=as_of.year - 2, day=1)).days < 40
    assert lines.dt.weekday().max() <= 5
    assert f"as_of = {as_of}" in company.mapping
    for frame in company.sources.values():
        assert frame.height > 0
        for column in frame.select(pl.selectors.float()):
            assert not column.is_nan().any()


def test_too_small_a_company_is_refused():
    with pytest.raises(SettingError, match="49 items is too small"):
        generate(49)


def _digest(company: Company, folder) -> dict[str, str]:
    write(company, folder)
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*")) if file.is_file()
    }  # fmt: skip


def test_same_seed_gives_same_bytes_for_any_number_of_threads(tmp_path):
    first = _digest(generate(300), tmp_path / "a")
    assert len(first) == len(generate(300).sources) + 1 + 4
    assert _digest(generate(300), tmp_path / "b") == first
    script = "from pathlib import Path; import sys; from plimsoll.examples import company as c;" \
        "c.write(c.generate(300), Path(sys.argv[1]))"  # fmt: skip
    env = {**os.environ, "POLARS_MAX_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "c")], check=True, env=env)
    alone = {
        str(file.relative_to(tmp_path / "c")): sha256(file.read_bytes()).hexdigest()
        for file in sorted((tmp_path / "c").rglob("*")) if file.is_file()
    }  # fmt: skip
    assert alone == first


def test_another_seed_gives_another_company():
    assert (
        not generate(60, 1)
        .sources["sales_order_lines.parquet"]
        .equals(generate(60, 2).sources["sales_order_lines.parquet"])
    )


def test_large_files_are_parquet_and_sizes_are_counted(company, tmp_path):
    write(company, tmp_path)
    assert {file.name for file in tmp_path.glob("*.parquet")} == set(LARGE)
    counted = sizes(company)
    assert counted["material_master.csv"] == N
    assert counted["stocking_points"] == company.truth["points"].height
    assert counted["planted_faults"] == company.truth["faults"].height
