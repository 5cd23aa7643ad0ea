"""The supplier scorecard: what was promised, what came, how sure that is, and what it costs in buffer."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy import special

from plimsoll.domain.tables import table
from plimsoll.supply.credibility import Moments, evidence_ratio
from plimsoll.supply.crossover import crossings
from plimsoll.supply.deliveries import deliveries, order_lines
from plimsoll.supply.leeway import buffer_costs
from plimsoll.supply.observations import NODE
from plimsoll.supply.params import SupplyParams

SUPPLIER, LANE = ["from_location_id"], ["from_location_id", "to_location_id"]
CONFIDENCE = 0.95
REPLANNED_SPREAD_DAYS = 3.0  # below this spread of the lead time anybody hits the day often
MONEY = (
    "buffer_value",
    "buffer_lead_time_value",
    "buffer_assumed_value",
    "one_day_less_value",
    "crossover_value",
)
PLANNED = ("policy", "demand_estimate")  # tables without which money is not known


def scorecard(tables: Mapping[str, pl.DataFrame], params: SupplyParams, *, as_of: date) -> pl.DataFrame:
    """Return what is known of every supplier and every lane: promises, lead times, spread and its cost.

    Parameters
    ----------
    tables : `receipts`, `open_orders`, `lanes`, `planning_point`, `lead_time_estimate`; and `policy` and
        `demand_estimate` of a plan, without which money is null
    params : options; deliveries of the last `scorecard_days` are judged
    as_of : day of knowledge; rows received after it are not read

    Returns
    -------
    Table `supplier_scorecard`: a row each supplier (to_location_id null) and each lane.

    Conventions: days are calendar days; late is positive. Means and shares are over deliveries, not
    lines, since the lines of one truck tell one story. A supplier is judged by its promises; where they
    equal the deliveries suspiciously often, were moved, or are missing, by the typed lead time of the
    same orders; where none is typed by the spread of its lead times alone; with fewer deliveries than
    `scorecard_min_deliveries` by nothing, and it gets no rank.
    Edge cases: interval of a share after Wilson 1927; `kept_share_est` = (n p + k P) / (n + k) with P the
    mean of all and k from the data (Buehlmann & Straub 1970); a step change only where the estimate has one.
    Receipts do not say how much was ordered, so short deliveries cannot be told from small orders.
    """
    receipts, points = tables["receipts"], tables["planning_point"]
    lead_times = tables["lead_time_estimate"]
    came = _with_commitments(deliveries(receipts, params, as_of=as_of), tables["lanes"])
    lines = order_lines(receipts, params, as_of=as_of).filter(
        pl.col("received_date") > as_of - timedelta(days=params.scorecard_days)
    )
    cost = points.select("item_id", to_location_id="location_id", cost="unit_cost_eff")
    lines = lines.join(cost, on=["item_id", "to_location_id"], how="left", maintain_order="left")
    crossing = crossings(receipts, tables["open_orders"], lead_times, params, as_of=as_of)
    money = None
    if set(PLANNED) <= tables.keys():
        money = buffer_costs(points, tables["policy"], tables["demand_estimate"], lead_times, crossing)
    levels: list[pl.DataFrame] = []
    for key in (SUPPLIER, LANE):
        rows = _all_keys(key, came, points)
        for part in (
            _counted(lines, key),
            _timed(came, key, params),
            _trend(came, key, "trend", as_of - timedelta(days=params.trend_days)),
            _trend(came, key, "trend_long", as_of - timedelta(days=params.trend_long_days)),
            _promised(came, key, params),
            _crossed(crossing, key),
            _changed(lead_times, key),
            _costs(money, points, key),
        ):
            rows = rows.join(part, on=key, how="left", maintain_order="left")
        if levels:  # a supplier that moves its promises moves them on every lane
            moved = levels[0].select(*SUPPLIER, supplier_moves="promises_replanned")
            rows = rows.join(moved, on=SUPPLIER, how="left", maintain_order="left")
        levels.append(_judged(rows, params))
    return table("supplier_scorecard").conform(pl.concat(levels, how="diagonal_relaxed"))


def _all_keys(key: list[str], came: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return every supplier or lane that delivered or that a point depends on, and its kind of order."""
    held = points.rename({"location_id": "to_location_id"})
    own = points["location_id"].unique().implode()
    makes = (pl.col("from_location_id") == pl.col("to_location_id")).all()
    return (
        pl.concat([came.select(LANE), held.select(LANE)])
        .group_by(key)
        .agg(makes=makes)
        .sort(key)
        .with_columns(
            supply_kind=pl.when("makes")
            .then(pl.lit("production"))
            .when(pl.col("from_location_id").is_in(own))
            .then(pl.lit("transfer"))
            .otherwise(pl.lit("purchase"))
        )
        .drop("makes")
    )


def _with_commitments(came: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return the deliveries with typed days, promised days and lateness."""
    typed = lanes.select(*NODE, typed_days="lead_time_days_set").unique(NODE, keep="first")
    promised = (pl.col("promised_date") - pl.col("ordered_date")).dt.total_days().cast(pl.Float64)
    late = (pl.col("received_date") - pl.col("promised_date")).dt.total_days().cast(pl.Float64)
    return came.join(typed, on=NODE, how="left", maintain_order="left").with_columns(
        promised_days=promised, late_days=late
    )


def _counted(lines: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return counts, units, money, parts and freight of the order lines."""
    priced = pl.col("cost") > 0
    return lines.group_by(key, maintain_order=True).agg(
        n_orders=pl.col("order_id").n_unique().cast(pl.Int64),
        n_lines=pl.len().cast(pl.Int64),
        received_qty=pl.col("quantity").sum(),
        spend_value=pl.when(priced.any()).then((pl.col("quantity") * pl.col("cost")).filter(priced).sum()),
        split_share=(pl.col("n_parts") > 1).mean(),
        first_part_share=pl.when(pl.col("quantity").sum() > 0).then(
            pl.col("first_quantity").sum() / pl.col("quantity").sum()
        ),
        freight_value=pl.when(pl.col("freight_cost").is_not_null().any()).then(pl.col("freight_cost").sum()),
    )


def _timed(came: pl.DataFrame, key: list[str], params: SupplyParams) -> pl.DataFrame:
    """Return observed lead times beside typed ones."""
    lead, gap = pl.col("lead_days"), pl.col("lead_days") - pl.col("typed_days")
    known = lead.is_not_null()
    kept = gap <= params.on_time_tolerance_days
    return came.group_by(key, maintain_order=True).agg(
        n_deliveries=pl.len().cast(pl.Int64),
        n_timed=known.sum().cast(pl.Int64),
        lead_days_mean=lead.mean(),
        lead_days_sd=lead.std(),
        lead_days_p90=lead.quantile(0.9, interpolation="linear"),
        typed_days_mean=pl.col("typed_days").filter(known).mean(),
        typed_gap_days=gap.mean(),
        n_typed=gap.count().cast(pl.Int64),
        n_typed_kept=kept.sum().cast(pl.Int64),
        expedited_share=pl.col("expedited").mean(),
    )


def _trend(came: pl.DataFrame, key: list[str], name: str, since: date) -> pl.DataFrame:
    """Return by how much lead times have grown since a day, within items, so that no change of mix counts.

        d = sum w_i (new_i - old_i) / sum w_i,  w = n_new n_old / (n_new + n_old),  error = s / sqrt(sum w_i)

    (least squares with one effect an item on a lane; s^2 the variance within items and spans).
    """
    lead, new = pl.col("lead_days"), pl.col("received_date") > since
    n_new, n_old = lead.filter(new).len(), lead.filter(~new).len()
    within = lead.filter(new).var().fill_null(0.0) * (n_new - 1).clip(0) + lead.filter(~new).var().fill_null(
        0.0
    ) * (n_old - 1).clip(0)
    cells = (
        came.filter(lead.is_not_null())
        .group_by(NODE, maintain_order=True)
        .agg(
            weight=(n_new * n_old) / (n_new + n_old),
            rise=lead.filter(new).mean() - lead.filter(~new).mean(),
            squares=within,
            freedom=pl.len() - (n_new > 0).cast(pl.UInt32) - (n_old > 0).cast(pl.UInt32),
        )
        .filter(pl.col("weight") > 0)
    )
    total, freedom = pl.col("weight").sum(), pl.col("freedom").sum()
    return cells.group_by(key, maintain_order=True).agg(
        ((pl.col("rise") * pl.col("weight")).sum() / total).alias(f"{name}_days"),
        pl.when(freedom > 0)
        .then((pl.col("squares").sum() / freedom / total).sqrt())
        .alias(f"{name}_error_days"),
    )


def _promised(came: pl.DataFrame, key: list[str], params: SupplyParams) -> pl.DataFrame:
    """Return promises beside what came of them."""
    late = pl.col("late_days")
    on_time = late <= params.on_time_tolerance_days
    actual = pl.col("promised_days") + late
    return (
        came.filter(late.is_not_null())
        .group_by(key, maintain_order=True)
        .agg(
            promised_days_mean=pl.col("promised_days").mean(),
            promised_actual_days_mean=actual.mean(),
            n_promised=pl.len().cast(pl.Int64),
            lateness_days_mean=late.mean(),
            lateness_days_p90=late.quantile(0.9, interpolation="linear"),
            on_time_share=on_time.mean(),
            n_on_time=on_time.sum().cast(pl.Int64),
            early_share=(late < -params.early_tolerance_days).mean(),
            exact_share=(late == 0).mean(),
        )
    )


def _crossed(crossing: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return how often orders overtook each other, and the spread that is left, over items."""
    freedom = (pl.col("n_received") - 1).clip(0).sum()
    estimated = pl.col("n_crossed_est").is_not_null()
    pairs = pl.col("n_pairs").filter(estimated)

    def root(name: str) -> pl.Expr:
        return pl.when(freedom > 0).then((pl.col(name).sum() / freedom).sqrt())

    return crossing.group_by(key, maintain_order=True).agg(
        pl.col("n_pairs").sum(),
        crossed_share=pl.col("n_crossed").sum() / pl.col("n_pairs").sum(),
        crossed_share_est=pl.when(pairs.sum() > 0).then(
            pl.col("n_crossed_est").filter(estimated).sum() / pairs.sum()
        ),
        item_spread_days=root("squares_obs"),
        effective_spread_days=root("squares_effective_obs"),
        effective_spread_days_est=pl.when(pairs.sum() > 0).then(
            ((pl.col("spread_effective_est").pow(2) * pl.col("n_pairs")).sum() / pairs.sum()).sqrt()
        ),
    )


def _changed(lead_times: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return the last step change of the estimates, if they look for one."""
    if not {"change_date", "change_days"} <= set(lead_times.columns):
        return lead_times.select(key).unique().clear()
    steps = lead_times.drop_nulls(["change_date", "change_days"]).sort("change_date", *NODE)
    return steps.group_by(key, maintain_order=True).agg(pl.col("change_date", "change_days").last())


def _costs(money: pl.DataFrame | None, points: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return number of points and buffer money; without a plan the money is not known."""
    if money is None:
        unknown = [pl.lit(None, dtype=pl.Float64).alias(name) for name in MONEY]
        money = points.select(*SUPPLIER, *unknown, to_location_id="location_id")
        return money.group_by(key).agg(pl.col(MONEY).first(), n_points=pl.len().cast(pl.Int64))
    return money.group_by(key, maintain_order=True).agg(pl.col(MONEY).sum(), n_points=pl.len().cast(pl.Int64))


def interval(share: pl.Expr, n: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the 95 % interval of a share of n (Wilson 1927).

        (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Examples
    --------
    >>> pl.select(*interval(pl.lit(0.5), pl.lit(2))).row(0)
    (0.0945..., 0.9054...)
    """
    z2 = float(special.ndtri(0.5 + CONFIDENCE / 2)) ** 2
    half = (z2 * (share * (1.0 - share) / n + z2 / (4.0 * n.pow(2)))).sqrt()
    low, high = ((share + z2 / (2.0 * n) + side * half) / (1.0 + z2 / n) for side in (-1.0, 1.0))
    return low.clip(0.0, 1.0).alias("low"), high.clip(0.0, 1.0).alias("high")


def _judged(rows: pl.DataFrame, params: SupplyParams) -> pl.DataFrame:
    """Return the rows with what each is judged by, how often it kept that, and its rank."""
    counts = (
        "n_orders",
        "n_lines",
        "n_deliveries",
        "n_timed",
        "n_promised",
        "n_pairs",
        "n_points",
        "n_typed",
    )
    filled = rows.with_columns(pl.col(*counts).fill_null(0), pl.col("received_qty").fill_null(0.0))
    enough = params.scorecard_min_deliveries
    exact_low, _ = interval(pl.col("exact_share"), pl.col("n_promised"))
    moved = (
        (pl.col("n_promised") >= enough)
        & (exact_low > params.replanned_share)
        & (pl.col("lead_days_sd") >= REPLANNED_SPREAD_DAYS)
    )
    basis = (
        pl.when((pl.col("n_promised") >= enough) & ~pl.col("promises_replanned"))
        .then(pl.lit("promise"))
        .when(pl.col("n_typed") >= enough)
        .then(pl.lit("typed"))
        .when(pl.col("n_timed") >= enough)
        .then(pl.lit("spread"))
        .otherwise(pl.lit("nothing"))
    )
    if "supplier_moves" in rows.columns:
        moved |= pl.col("supplier_moves") & (pl.col("n_promised") > 0)
    judged = filled.with_columns(promises_replanned=moved.fill_null(value=False)).with_columns(
        judged_by=basis
    )
    by = pl.col("judged_by")
    judged = judged.with_columns(
        kept_n=pl.when(by == "promise").then("n_promised").when(by == "typed").then("n_typed"),
        kept=pl.when(by == "promise").then("n_on_time").when(by == "typed").then("n_typed_kept"),
    ).with_columns(kept_share=pl.col("kept") / pl.col("kept_n"))
    low, high = interval(pl.col("kept_share"), pl.col("kept_n"))
    measured = pl.col("buffer_lead_time_value") - pl.col("buffer_assumed_value")
    place = pl.when(by != "nothing").then(measured).rank("ordinal", descending=True)
    return judged.with_columns(
        low.alias("kept_low"),
        high.alias("kept_high"),
        pl.Series("kept_share_est", _drawn_together(judged, params)),
        place.cast(pl.Int64).alias("rank"),
    ).drop("kept", "kept_n", "n_on_time", "n_typed", "n_typed_kept", "supplier_moves", strict=False)


def _drawn_together(judged: pl.DataFrame, params: SupplyParams) -> pl.Series:
    """Return each share drawn to the mean of those judged alike: (n p + k P) / (n + k)."""
    found = np.full(judged.height, np.nan)
    for basis in ("promise", "typed"):
        at = np.flatnonzero((judged["judged_by"] == basis).to_numpy())
        if not at.size:
            continue
        n = judged["kept_n"].to_numpy()[at].astype(np.float64)
        share = judged["kept_share"].to_numpy()[at]
        within = share * (1.0 - share) * n / np.maximum(n - 1, 1)
        alike = Moments(n=n, mean=share, var=within, freedom=n - 1.0)
        k = evidence_ratio(alike, np.zeros(at.size, dtype=np.int64), params)
        found[at] = (n * share + k * np.average(share, weights=n)) / (n + k)
    return pl.Series(found, nan_to_null=True)
