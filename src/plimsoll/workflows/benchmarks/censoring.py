"""Demand behind lost sales: simulated shelves that sell out, and what is estimated of the demand."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl

from plimsoll import demand
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import input_tables, table
from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

START = date(2023, 1, 2)
WEEKS, ITEMS = 156, 400
RATES = (1.0, 4.0, 20.0)  # units a week
RATIOS = (1.0, 3.0)  # variance of a week over its mean
SERVICES = (0.90, 0.60, 0.30)  # share of weeks in which the shelf lasts, were it full at each beginning
LEAD_WEEKS = 1
WAYS = ("weekly flags", "daily flags", "stock records")
QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Shelf:
    """Days of lost-sales shelves (days, items): wanted, sold, received, left at the end of the day."""

    wanted: Floats
    sold: Floats
    received: Floats
    left: Floats


def simulated(rate: float, ratio: float, service: float, *, items: int = ITEMS, weeks: int = WEEKS) -> Shelf:
    """Return shelves under an order-up-to rule reviewed weekly, demand that meets no stock being lost.

    A week's demand has this mean and ratio of variance to mean (Poisson, or negative binomial: a compound
    Poisson day by day). What is ordered on Sunday arrives on the Monday a week after the next.
    """
    rng = rng_for(1, "benchmark censoring", f"{rate} {ratio} {service}")
    days = 7 * weeks
    daily = rate / 7
    if ratio == 1.0:
        wanted = rng.poisson(daily, (days, items))
    else:
        wanted = rng.negative_binomial(daily / (ratio - 1), 1 / ratio, (days, items))
    interval = wanted[: days // (7 * (LEAD_WEEKS + 1)) * 7 * (LEAD_WEEKS + 1)]
    level = np.quantile(interval.reshape(-1, 7 * (LEAD_WEEKS + 1), items).sum(axis=1), service)
    level = max(np.ceil(level), 2.0)
    sold, received, left = np.zeros((3, days, items))
    on_hand = np.full(items, level)
    coming = np.zeros((LEAD_WEEKS + 1, items))
    for day in range(days):
        if day % 7 == 0:
            received[day] = coming[0]
            on_hand += coming[0]
            coming = np.vstack([coming[1:], np.zeros(items)])
        sold[day] = np.minimum(wanted[day], on_hand)
        on_hand = on_hand - sold[day]
        left[day] = on_hand
        if day % 7 == 6:
            coming[-1] = level - on_hand - coming[:-1].sum(axis=0)
    return Shelf(wanted.astype(float), sold, received, left)


def facts_of(shelf: Shelf, way: str) -> dict[str, pl.DataFrame]:
    """Return what a company records of the shelves: sales, and one of three traces of stock-outs."""
    n_days, items = shelf.sold.shape
    dates = pl.date_range(START, START + timedelta(days=n_days - 1), eager=True)
    names = pl.Series([f"I{i:04d}" for i in range(items)])
    known = {name: table(name).empty() for name in input_tables()}

    def rows(grid: Floats, **columns: pl.Series) -> pl.DataFrame:
        day, item = np.nonzero(grid)
        given = {"date": dates.gather(day), "item_id": names.gather(item), "quantity": grid[day, item]}
        return pl.DataFrame(given | columns).with_columns(location_id=pl.lit("SHOP"))

    sold = shelf.sold
    if way == "weekly flags":
        sold = np.zeros_like(sold)
        sold[::7] = shelf.sold.reshape(-1, 7, items).sum(axis=1)
    known["demand"] = table("demand").conform(rows(sold).with_row_index("order_id"))
    if way == "stock records":
        counted = np.zeros_like(sold)
        counted[27::28] = 1.0  # a count every four weeks
        day, item = np.nonzero(counted)
        stock = rows(counted).drop("quantity").with_columns(on_hand=pl.Series(shelf.left[day, item]))
        receipts = rows(shelf.received).with_row_index("order_id")
        receipts = receipts.rename({"date": "received_date", "location_id": "to_location_id"})
        known["stock"] = table("stock").conform(stock)
        known["receipts"] = table("receipts").conform(receipts.with_columns(from_location_id=pl.lit("Acme")))
    else:
        every = 7 if way == "weekly flags" else 1
        in_stock = np.repeat(shelf.left[every - 1 :: every] > 0, every, axis=0)
        first = np.zeros_like(sold)
        first[::every] = 1.0
        day, item = np.nonzero(first)
        flags = rows(first).drop("quantity").with_columns(in_stock=pl.Series(in_stock[day, item]))
        known["availability"] = table("availability").conform(flags)
    return known


def estimated(known: dict[str, pl.DataFrame], items: int, weeks: int, *, aware: bool) -> pl.DataFrame:
    """Return the estimates from these facts, with or without an eye for stock-outs."""
    points = pl.DataFrame({"item_id": [f"I{i:04d}" for i in range(items)]}).with_columns(
        location_id=pl.lit("SHOP"),
        from_location_id=pl.lit("Acme"),
        category=pl.lit("all"),
        launch_date=pl.lit(None, pl.Date),
        review_days_eff=pl.lit(7.0),
        unit_cost_eff=pl.lit(1.0),
        unmet_demand_eff=pl.lit("lost"),
    )
    lead_times = points.select("item_id", "from_location_id", to_location_id="location_id").with_columns(
        atom_days=pl.lit([7.0]), atom_probability=pl.lit([1.0])
    )
    params = demand.DemandParams(bucket="week", stockouts="inferred" if aware else "ignored")
    as_of = START + timedelta(days=7 * weeks - 1)
    if not aware:
        known = known | {"availability": known["availability"].clear()}
    prepared = demand.prepare(known, points, params, as_of=as_of)
    return demand.estimate(
        prepared.demand,
        points,
        lead_times,
        params,
        as_of=as_of,
        seed=1,
        availability=prepared.availability,
    )


def compared(rate: float, ratio: float, service: float, way: str, *, items: int = ITEMS) -> dict[str, object]:
    """Return the figures of one simulated case: bias of rate and of the 95 % quantile, both ways."""
    shelf = simulated(rate, ratio, service, items=items)
    known = facts_of(shelf, way)
    true_rate = shelf.wanted.mean() * 7
    pairs = shelf.wanted.reshape(-1, 14, items).sum(axis=1)
    true_quantile = np.quantile(pairs, QUANTILE)
    row: dict[str, object] = {
        "units a week": rate,
        "variance / mean": ratio,
        "shelf lasts": service,
        "seen from": way,
        "lost, %": 100 * (1 - shelf.sold.sum() / shelf.wanted.sum()),
    }
    for name, aware in (("ignored", False), ("put back", True)):
        result = estimated(known, items, WEEKS, aware=aware)
        weekly = result["mean_per_day_est"].to_numpy() * 7
        row[f"rate bias {name}, %"] = 100 * (weekly.mean() / true_rate - 1)
        tail = 100 * _upper(result, pairs)
        row[f"95 % covers {name}, %"] = tail
        if aware:
            row["± rate, %"] = 100 * weekly.std(ddof=1) / np.sqrt(items) / true_rate
            row["95 % of demand covered at best, %"] = 100 * float((pairs <= true_quantile).mean())
    return row


def _upper(result: pl.DataFrame, pairs: Floats) -> float:
    """Return the share of true two-week demands at or below the estimated 95 % quantile."""
    quantile = np.array(
        [
            step * np.searchsorted(np.cumsum(pmf), QUANTILE - 1e-9)
            for pmf, step in zip(result["pmf_protection"].to_list(), result["step_qty"], strict=True)
        ]
    )
    return float((pairs <= quantile).mean())


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Simulate every case, and estimate its demand with and without an eye for stock-outs."""
    cases = list(product(RATES, RATIOS, SERVICES, WAYS))
    rows = []
    for done, case in enumerate(cases):
        progress(f"{case[3]}: {case[0]:g} a week", done, len(cases))
        rows.append(compared(*case))
    grid = pl.DataFrame(rows)
    bias = pl.col("rate bias put back, %").abs()
    heavy = grid.filter(pl.col("rate bias ignored, %") < -15)
    summary = (
        heavy.group_by("seen from", maintain_order=True)
        .agg(
            cases=pl.len(),
            **{
                "mean bias ignored, %": pl.col("rate bias ignored, %").mean(),
                "mean bias put back, %": pl.col("rate bias put back, %").mean(),
                "largest bias put back, %": bias.max(),
            },
        )
        .sort("seen from")
    )
    rounded = pl.col(pl.Float64).round(2)
    title = "Demand behind lost sales: bias of the estimated rate, and reach of the 95 % quantile"
    return BenchmarkOutcome(
        "censoring",
        title,
        "plimsoll bench censoring",
        machine(),
        {
            "Where ignoring costs more than 15 %": summary.with_columns(rounded),
            "All cases": grid.with_columns(rounded),
        },
        (
            f"{ITEMS} items and {WEEKS} weeks a case; ± is the standard error of the mean over items.",
            "Covered: share of true two-week demand at or below the estimated 95 % quantile.",
        ),
    )
