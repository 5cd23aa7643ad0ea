"""Events that people know of: taken out of the history they explain, and added to the demand to come."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from plimsoll.demand.messages import REFUSED
from plimsoll.demand.panel import KEY, MICRO
from plimsoll.demand.params import DemandParams
from plimsoll.demand.records import dated_daily
from plimsoll.domain.calendar import EVERY, Bucket
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table

KINDS = ("promotion", "contract", "project")  # phases of a life are another room's
LUMP_DAYS = 7  # demand that is spread over an event's dates comes in lumps a week apart


@dataclass(frozen=True, slots=True)
class Events:
    """Events that can be read: the table's columns, `event` (number) and `taken_qty` (units of history)."""

    rows: pl.DataFrame


def readable(events: pl.DataFrame, points: pl.DataFrame, *, as_of: date) -> tuple[Events, list[Finding]]:
    """Return the promotions, contracts and projects that can be read, and why others cannot.

    Parameters
    ----------
    events : table `events`
    points : table `planning_point`
    as_of : day of knowledge
    """
    mine = events.filter(pl.col("kind").is_in(KINDS)).sort(*KEY, "kind", "start", "end", nulls_last=True)
    here = mine.select(KEY).join(
        points.select(*KEY, here=pl.lit(value=True)), on=KEY, how="left", maintain_order="left"
    )
    mine = mine.with_columns(
        here["here"].fill_null(value=False),
        end=pl.when(pl.col("kind") == "project").then(pl.coalesce("end", "start")).otherwise("end"),
    )
    uplift, quantity = pl.col("uplift").fill_null(0.0), pl.col("quantity").fill_null(0.0)
    promoted = (pl.col("kind") == "promotion") & (uplift > 0)
    reason = (
        pl.when(pl.col("start").is_null() | pl.col("end").is_null())
        .then(pl.lit("event_undated"))
        .when(pl.col("end") < pl.col("start"))
        .then(pl.lit("event_backwards"))
        .when(~pl.col("here"))
        .then(pl.lit("event_nowhere"))
        .when(~(promoted | (quantity > 0)))
        .then(pl.lit("event_says_nothing"))
        .when(promoted & (uplift < 1) & (quantity <= 0) & (pl.col("end") > as_of))
        .then(pl.lit("event_lowers"))
    )
    judged = mine.with_columns(reason=reason)
    usable = judged.filter(pl.col("reason").is_null() | (pl.col("reason") == "event_lowers"))
    usable = usable.drop("reason", "here").with_row_index("event").with_columns(taken_qty=pl.lit(0.0))
    found = []
    for message in REFUSED:
        odd = judged.filter(pl.col("reason") == message.code)
        if odd.height:
            found.append(message.finding(odd.height, keys_of(odd, [*KEY, "kind"])))
    return Events(usable), found


def netted(
    events: Events, demand: pl.DataFrame, bucket: Bucket, params: DemandParams, *, as_of: date
) -> tuple[Events, pl.DataFrame]:
    """Return the events with what they took of history, and that as changes, one a point, day and kind.

    A promotion with an uplift u leaves x / (1 - o + o u) of the units x of a day (or of a period that
    its dates cover for the share o). Otherwise up to the quantity is taken of what was asked for on its
    dates, by its customer where one is named: of a project from the largest line down, else of each
    line alike. Promotions that say both are netted by the quantity.

    Parameters
    ----------
    events : from `readable`
    demand : table `demand`
    bucket : period, for demand that is dated by period
    params : whether this is done
    as_of : day of knowledge
    """
    lines = demand.filter(pl.col("date") <= as_of, pl.col("quantity") > 0).select(
        *KEY, "date", "customer_id", "quantity"
    )
    step = "1d" if dated_daily(demand) else EVERY[bucket]
    past = events.rows.filter(pl.col("start") <= as_of)
    if not (params.net_events and past.height and lines.height):
        return events, _no_change()
    until = pl.col("date").dt.offset_by(step).dt.offset_by("-1d")
    first, last = pl.max_horizontal("date", "start"), pl.min_horizontal("until", "end")
    covered = (
        past.rename({"customer_id": "whose", "quantity": "units"})
        .select("event", *KEY, "kind", "start", "end", "units", "uplift", "whose")
        .join(lines.with_columns(until=until), on=KEY)
        .with_columns(overlap=(last - first).dt.total_days() + 1)
        .filter(pl.col("overlap") > 0, pl.col("whose").is_null() | (pl.col("whose") == pl.col("customer_id")))
        .with_columns(share=pl.col("overlap") / ((pl.col("until") - pl.col("date")).dt.total_days() + 1))
        .sort("event", "quantity", "date", "customer_id", descending=[False, True, False, False])
    )
    total = pl.col("quantity").sum().over("event")
    before = (pl.col("quantity").cum_sum() - pl.col("quantity")).over("event")
    by_size = (pl.col("units") - before).clip(0.0, pl.col("quantity"))
    alike = pl.col("quantity") * pl.min_horizontal(pl.col("units") / total, pl.lit(1.0))
    by_uplift = pl.col("quantity") * (1 - 1 / (1 + pl.col("share") * (pl.col("uplift") - 1)))
    covered = covered.with_columns(
        taken=pl.when((pl.col("kind") == "project") & (pl.col("units") > 0))
        .then(by_size)
        .when(pl.col("units") > 0)
        .then(alike)
        .otherwise(by_uplift)
    )
    taken = covered.group_by("event").agg(taken_qty=(pl.col("taken") * MICRO).round().sum() / MICRO)
    rows = events.rows.drop("taken_qty").join(taken, on="event", how="left", maintain_order="left")
    on_day = lines.group_by(*KEY, "date").agg(before=(pl.col("quantity") * MICRO).round().sum() / MICRO)
    changes = (
        covered.group_by(*KEY, "date", reason="kind")
        .agg(taken=(pl.col("taken") * MICRO).round().sum() / MICRO)
        .filter(pl.col("taken") != 0)
        .join(on_day, on=[*KEY, "date"])
        .sort(*KEY, "date", "reason")
        # Events that overlap may not take more than there was.
        .with_columns(earlier=(pl.col("taken").cum_sum() - pl.col("taken")).over(*KEY, "date"))
        .with_columns(before=(pl.col("before") - pl.col("earlier")).clip(0.0))
        .with_columns(after=(pl.col("before") - pl.col("taken")).clip(0.0), kind=pl.lit("event"))
    )
    return Events(rows.with_columns(pl.col("taken_qty").fill_null(0.0))), changes.select(_no_change().columns)


def _no_change() -> pl.DataFrame:
    columns = ("item_id", "location_id", "date", "kind", "reason", "before", "after")
    return table("history_change").empty().select(columns)


def lumps_to_come(
    events: Events, estimates: pl.DataFrame, params: DemandParams, *, as_of: date
) -> pl.DataFrame:
    """Return what events bring after `as_of`, as lumps on days: the input of `with_dated`.

    What is still to come of a quantity is what history has not taken of it; of a promotion, the share
    of its days still ahead. It comes on the first day of a project, and week by week otherwise. An
    uplift u adds u - 1 times the usual rate, with the chance of such demand and `uplift_cv` of doubt.
    Where demand comes in several lumps, its doubt and its chance are spread over them as variance:

        sd2 = (p s2 + p (1 - p) Q2) / n     for each of n lumps of p Q / n units

    Parameters
    ----------
    events : from `netted`
    estimates : table `demand_estimate`, before anything is added
    params : `uplift_cv`
    as_of : day of knowledge
    """
    base = estimates.select(*KEY, "mean_per_day_est", "sd_per_period_obs", "period_days")
    coming = events.rows.filter(pl.col("end") > as_of)
    start = pl.max_horizontal("start", pl.lit(as_of + timedelta(days=1)))
    days = (pl.col("end") - pl.col("first")).dt.total_days() + 1
    whole = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    promoted = pl.col("kind") == "promotion"
    stated = pl.col("quantity") > 0
    extra = (pl.col("uplift") - 1.0) * pl.col("mean_per_day_est") * pl.col("ahead")
    noise = (
        (pl.col("uplift") - 1.0) * pl.col("sd_per_period_obs") ** 2 / pl.col("period_days") * pl.col("ahead")
    )
    sized = (
        coming.join(base, on=KEY)
        .with_columns(first=start)
        .with_columns(ahead=days)
        .with_columns(
            units=pl.when(stated & promoted)
            .then(pl.col("quantity") * pl.col("ahead") / whole)
            .when(stated)
            .then((pl.col("quantity") - pl.col("taken_qty")).clip(0.0))
            .otherwise(extra)
        )
        .filter(pl.col("units") > 0)
        .with_columns(
            chance=pl.col("probability").fill_null(1.0),
            doubt=pl.when(stated)
            .then((pl.col("quantity_sd").fill_null(0.0) * pl.col("units") / pl.col("quantity")) ** 2)
            .otherwise(
                pl.col("quantity_sd").fill_null(params.uplift_cv * pl.col("units")) ** 2
                + noise.fill_null(0.0)
            ),
            weeks=pl.when(pl.col("kind") == "project")
            .then(1)
            .otherwise((pl.col("ahead") + LUMP_DAYS - 1) // LUMP_DAYS),
        )
    )
    several = pl.col("weeks") > 1
    p, n = pl.col("chance"), pl.col("weeks")
    spread = (p * pl.col("doubt") + p * (1 - p) * pl.col("units") ** 2) / n
    return (
        sized.with_columns(week=pl.int_ranges(0, pl.col("weeks")))
        .explode("week")
        .select(
            "event",
            *KEY,
            date=pl.col("first") + pl.duration(days=pl.col("week") * LUMP_DAYS),
            quantity=pl.when(several).then(p * pl.col("units") / n).otherwise("units"),
            quantity_sd=pl.when(several).then(spread).otherwise("doubt").sqrt(),
            probability=pl.when(several).then(1.0).otherwise(p),
            whose="customer_id",
        )
    )


def passed_up(lumps: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the lumps with those of downstream points added at all that replenish them, on the same day."""
    edges = (
        points.select(*KEY, "from_location_id")
        .filter(pl.col("from_location_id") != pl.col("location_id"))
        .join(points.select(KEY), left_on=["item_id", "from_location_id"], right_on=KEY, how="semi")
    )
    all_lumps, moving = [lumps], lumps
    for _ in range(points["location_id"].n_unique()):
        moving = moving.join(edges, on=KEY).with_columns(location_id="from_location_id").select(lumps.columns)
        if not moving.height:
            break
        all_lumps.append(moving)
    return pl.concat(all_lumps)
