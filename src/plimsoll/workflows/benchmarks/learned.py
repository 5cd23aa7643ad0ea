"""Real histories forecast with and without the global model, and judged by what came."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll import demand, ingest, signals, supply
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows.benchmarks.history import KEY, LEVELS, SEED, Tables, came, company
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

# data set -> its periods are months, days of the interval judged, moments, days between them
DATA = {
    "man": ((False, 56, 4, 56), (False, 119, 3, 84)),
    "auto": ((True, 92, 3, 61),),
    "carparts": ((True, 92, 4, 92),),
    "vn2": ((False, 21, 8, 63),),
}
WAYS = {"single": "off", "with_learned": "auto"}


def _days_of_knowledge(last: date, spec: tuple[bool, int, int, int]) -> Iterator[date]:
    """Yield the days of knowledge, each leaving an interval to be judged; ends of weeks or months."""
    monthly, days, count, apart = spec
    for n in range(count):
        day = last - timedelta(days=days + n * apart)
        yield day.replace(day=1) - timedelta(days=1) if monthly else day - timedelta(days=day.weekday() + 1)


def _judged(tables: Tables, day: date, days: int) -> pl.DataFrame:
    """Return class, scale and loss by both ways of every point that was seen throughout the interval."""
    done = ingest.complete(tables, as_of=day)
    constant = done.lanes.with_columns(lead_time_days_set=pl.lit(float(days)))
    points = done.points.with_columns(review_days_eff=pl.lit(0.0))
    lead_times = supply.estimate(
        done.tables["receipts"], constant, supply.SupplyParams(typed_cv=0.0), as_of=day
    )
    prepared = demand.prepare(done.tables, points, demand.DemandParams(), as_of=day)
    found = []
    for way, learned in WAYS.items():
        estimates = demand.estimate(
            prepared.demand,
            points,
            lead_times,
            demand.DemandParams(learned=learned),
            as_of=day,
            seed=SEED,
            availability=prepared.availability,
        )
        judged = estimates.join(came(tables, day, days), on=KEY, how="left", maintain_order="left")
        judged = judged.filter(~pl.col("hidden").fill_null(value=False), pl.col("n_demand_periods") > 0)
        actual = judged["quantity"].fill_null(0.0).clip(0.0).to_numpy()
        loss = signals.pinball_loss(
            judged["pmf_protection_constant"], judged["step_qty"].to_numpy(), actual, LEVELS
        )
        taken = judged["method_used"].is_in(["learned", "learned_blend"])
        found.append(judged.select(pl.Series(way, loss), taken.alias("taken")))
    scale = judged["sd_per_period_obs"] * np.sqrt(days / judged["period_days"])
    return judged.select("demand_class", scale.alias("scale")).hstack(
        [found[0]["single"], found[1]["with_learned"], found[1]["taken"]]
    )


def _summary(cases: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    scaled = pl.col("scale") > 0
    relative = [(pl.col(way) / pl.col("scale")).filter(scaled).sum().alias(f"scaled_{way}") for way in WAYS]
    return (
        cases.group_by(by, maintain_order=True)
        .agg(
            pl.len().alias("cases"), pl.col("taken").mean(), *(pl.col(way).mean() for way in WAYS), *relative
        )
        .select(
            *by,
            "cases",
            (100 * pl.col("taken")).round(0).alias("global model taken, %"),
            pl.col("single").round(4).alias("loss, single series"),
            pl.col("with_learned").round(4).alias("loss, with the global model"),
            (100 * (pl.col("with_learned") / pl.col("single") - 1)).round(1).alias("change, %"),
            (100 * (pl.col("scaled_with_learned") / pl.col("scaled_single") - 1))
            .round(1)
            .alias("change relative to the spread of each series, %"),
        )
    )


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Estimate each data set at past moments with and without the global model, and judge what came."""
    found = []
    for n, (name, specs) in enumerate(DATA.items()):
        progress(name, n, len(DATA))
        tables, last = company(options.data, name)
        for spec in specs:
            days = spec[1]
            for day in _days_of_knowledge(last, spec):
                cases = _judged(tables, day, days)
                found.append(cases.with_columns(data=pl.lit(name), days=pl.lit(days), day=pl.lit(day)))
    cases = pl.concat(found)
    return BenchmarkOutcome(
        "learned",
        "Held-out loss on real histories, with and without the global model",
        "plimsoll bench learned",
        machine(),
        {
            "Data sets": _summary(cases, ["data", "days"]),
            "Classes": _summary(cases.sort("data", "days", "demand_class"), ["data", "days", "demand_class"]),
            "Moments": _summary(cases, ["data", "days", "day"]),
        },
        (
            f"Pinball loss in units, mean over the levels {', '.join(map(str, LEVELS))} and all cases, at "
            "several past moments; each estimate knows what was known then.",
            "Only points with demand before, and intervals that were seen throughout, are judged.",
        ),
    )
