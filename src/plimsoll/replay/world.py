"""The world that every rule meets alike: demand as it came, lead times as they were, stock at the start."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import demand, ingest
from plimsoll.demand.panel import KEY, Panel, period_panel
from plimsoll.domain.calendar import PERIOD_DAYS, period_index
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.maths.rng import rng_for
from plimsoll.replay.clock import Clock
from plimsoll.replay.messages import EVENTS_LATER, LEAD_TIME_STANDS_IN, REASONS, START_UNKNOWN
from plimsoll.replay.params import ReplayParams

Tables = dict[str, pl.DataFrame]
Bools = NDArray[np.bool_]
LANE = ["item_id", "to_location_id", "from_location_id"]
OF_POINTS = [
    *KEY,
    "from_location_id",
    "unit_cost_eff",
    "unit_price_eff",
    "holding_rate_eff",
    "min_order_qty_eff",
    "order_multiple_eff",
    "current_min",
    "current_max",
    "launch_date",
]


@dataclass(frozen=True, slots=True)
class World:
    """What n stocking points meet in a replay of T periods; column 0 of arrays is the day before the first.

    Parameters
    ----------
    clock : the periods
    points : (n) item_id, location_id and settings, in key order, with customer_share (of the demand that
        customers ask for here) and expedite_cost (money per order, null if unknown)
    demand : (n, T + 1) units, NaN where not observed; column 0 is 0
    lead : (n, T + 1) lead time of an order placed at the end of a column, whole periods, at most T
    every : (n,) periods between reviews
    is_lost : (n,) unmet demand is lost
    on_hand, backlog : (n,) units at the start
    is_counted : (n,) whether the stock at the start is on record
    lines : customers' order lines: row of the point, column, and upto, the units of the period's lines up
        to and with this one
    arrivals : (n, T + 2) units on order at the start that become usable at the start of each column
    warm_up : first periods that are not counted
    """

    clock: Clock
    points: pl.DataFrame
    demand: Floats
    lead: Ints
    every: Ints
    is_lost: Bools
    on_hand: Floats
    backlog: Floats
    is_counted: Bools
    arrivals: Floats
    lines: pl.DataFrame
    warm_up: int


@dataclass(frozen=True, slots=True)
class Built:
    """The world, the points left out of it by reason (item_id, location_id, reason), and what was found."""

    world: World
    left_out: pl.DataFrame
    findings: tuple[Finding, ...]


def build_world(
    facts: Tables,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    clock: Clock,
    params: ReplayParams,
    *,
    seed: int,
) -> Built:
    """Return the world of the planned points.

    Demand is that of customers and production plus that of the places each point replenishes, as the plan
    counts it (`demand.pass_upstream`); every point is then replayed by itself. A lead time of d days is
    floor(d / days of a period + u) periods, u uniform, so that its mean is kept.

    Parameters
    ----------
    facts : canonical tables, whole
    points : table `planning_point` on the first day
    lead_times : table `lead_time_estimate` of the first day
    clock : the periods
    params : start, lead times and what is left out
    seed : seed of lead times
    """
    planned = points.filter("planned").sort(KEY)
    after = ingest.complete(facts, as_of=clock.ends[-1]).tables
    total = demand.pass_upstream(after["demand"], planned)
    panel = period_panel(
        total, planned, clock.bucket, as_of=clock.ends[-1], availability=after["availability"]
    )
    matrix = _last_periods(panel, clock.periods)
    lanes = lead_times.rename({"to_location_id": "location_id"})
    lanes = planned.select(OF_POINTS).join(
        lanes, on=[*KEY, "from_location_id"], how="left", maintain_order="left"
    )
    reason = _reason(panel, matrix, lanes, clock, params)
    kept = reason.is_null()
    rows = kept.to_numpy()
    lead, stands_in = _lead(after["receipts"], lanes.filter(kept), clock, params, seed)
    planned, matrix = planned.filter(kept), matrix[rows]
    days = PERIOD_DAYS[clock.bucket]
    start, findings = _start(facts, planned, clock, params)
    every = np.maximum(np.rint(planned["review_days_eff"].to_numpy() / days), 1).astype(np.int64)
    is_counted = start["on_hand"].is_not_null().to_numpy()
    world = World(
        clock=clock,
        points=_settings(planned, after, clock, params),
        demand=np.column_stack([np.zeros(len(matrix)), matrix]),
        lead=lead,
        every=every,
        is_lost=(planned["unmet_demand_eff"] == "lost").to_numpy(),
        on_hand=start["on_hand"].fill_null(0.0).to_numpy().copy(),
        backlog=start["owed"].fill_null(0.0).to_numpy().copy(),
        is_counted=is_counted,
        arrivals=_arrivals(facts, planned, is_counted, clock),
        lines=_lines(after["demand"], planned, clock),
        warm_up=_warm_up(is_counted, clock, params),
    )
    left = pl.DataFrame(
        {**{name: points.filter("planned").sort(KEY)[name] for name in KEY}, "reason": reason}
    )
    said = [*findings, *_events_later(facts, clock)]
    if stands_in.height:
        said.append(LEAD_TIME_STANDS_IN.finding(stands_in.height, keys_of(stands_in, KEY)))
    return Built(world, left.drop_nulls("reason"), tuple(said))


def left_out_findings(
    left_out: pl.DataFrame, clock: Clock, params: ReplayParams, **words: object
) -> list[Finding]:
    """Return one finding for each reason for which points are left out."""
    said = []
    for code, message in REASONS.items():
        rows = left_out.filter(pl.col("reason") == code)
        if rows.height:
            limits = {"periods": clock.periods, "least": params.point_periods}
            said.append(message.finding(rows.height, keys_of(rows, KEY), money=None, **limits, **words))
    return said


def _last_periods(panel: Panel, periods: int) -> Floats:
    """Return the last periods of every history, NaN before its beginning."""
    n = len(panel.bounds) - 1
    back = np.arange(periods) - periods
    at = panel.bounds[1:, None] + back
    inside = at >= panel.bounds[:-1, None]
    matrix = np.full((n, periods), np.nan)
    matrix[inside] = panel.values[at[inside]]
    return matrix


def _reason(
    panel: Panel, matrix: Floats, lanes: pl.DataFrame, clock: Clock, params: ReplayParams
) -> pl.Series:
    """Return why a point cannot be replayed, null where it can."""
    known = pl.Series(np.diff(panel.bounds) - clock.periods)
    seen = pl.Series(np.isfinite(matrix).mean(axis=1)) if len(matrix) else pl.Series([], dtype=pl.Float64)
    periods = lanes["mean_days_est"].fill_null(0.0) / PERIOD_DAYS[clock.bucket]
    frame = pl.DataFrame({"known": known, "seen": seen, "lead": periods})
    return frame.select(
        pl.when(pl.col("known") < params.point_periods)
        .then(pl.lit("history_short"))
        .when(pl.col("seen") < params.observed_share)
        .then(pl.lit("gaps"))
        .when(pl.col("lead") >= clock.periods)
        .then(pl.lit("lead_time_long"))
        .alias("reason")
    ).to_series()


def _lead(
    receipts: pl.DataFrame, lanes: pl.DataFrame, clock: Clock, params: ReplayParams, seed: int
) -> tuple[Ints, pl.DataFrame]:
    """Return lead times (n, T + 1) in whole periods, and the points without a receipt of their own."""
    n, columns = lanes.height, clock.periods + 1
    draw, rounding = rng_for(seed, "replay lead times").random((2, n, columns))
    known = lanes.with_columns(
        pl.col("mean_days_est").fill_null(0.0),
        pl.col("atom_days").fill_null([0.0]),
        pl.col("atom_probability").fill_null([1.0]),
    )
    if params.lead_times == "mean":
        days = np.broadcast_to(known["mean_days_est"].to_numpy()[:, None], (n, columns))
    else:
        days = _drawn(known, draw)
    stands_in = lanes.clear()
    if params.lead_times == "actual":
        nearest = _nearest(receipts, lanes, clock)
        bare = np.isnan(nearest)
        stands_in = lanes.filter(pl.Series(bare[:, 0], dtype=pl.Boolean))
        days = np.where(bare, days, nearest)
    whole = np.floor(days / PERIOD_DAYS[clock.bucket] + rounding).astype(np.int64)
    return np.minimum(whole, clock.periods), stands_in


def _drawn(lanes: pl.DataFrame, draw: Floats) -> Floats:
    """Return a lead time in days for every draw, by the law of its lane."""
    atoms, bounds = from_lists(lanes["atom_days"])
    shares, _ = from_lists(lanes["atom_probability"])
    upto = np.cumsum(shares)
    owner = np.repeat(np.arange(lanes.height), np.diff(bounds))
    before = np.concatenate([[0.0], upto])[bounds[:-1]]
    ladder = owner + np.minimum(upto - before[owner], 1.0)
    at = np.searchsorted(ladder, np.arange(lanes.height)[:, None] + draw, side="right")
    return atoms[np.minimum(at, bounds[1:, None] - 1)]


def _nearest(receipts: pl.DataFrame, lanes: pl.DataFrame, clock: Clock) -> Floats:
    """Return the lead time in days of the receipt on the same lane ordered nearest each day, NaN if none."""
    days = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    timed = (
        receipts.filter(~pl.col("expedited").fill_null(value=False))
        .select(*LANE, "ordered_date", days=days.cast(pl.Float64))
        .filter(pl.col("days") >= 0)
        .group_by(*LANE, "ordered_date")
        .agg(pl.col("days").mean())
        .sort("ordered_date", *LANE)
    )
    keys = lanes.select(item_id="item_id", to_location_id="location_id", from_location_id="from_location_id")
    asked = keys.with_row_index("row").join(
        pl.DataFrame({"day": clock.ends}).with_row_index("column"), how="cross"
    )
    found = (
        asked.sort("day", "row")
        .join_asof(
            timed, left_on="day", right_on="ordered_date", by=LANE, strategy="nearest", check_sortedness=False
        )
        .sort("row", "column")
    )
    nearest = found["days"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.asarray(nearest).reshape(lanes.height, len(clock.ends))


def _start(
    facts: Tables, points: pl.DataFrame, clock: Clock, params: ReplayParams
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return on_hand and owed of each point at the start, null where no count tells of it."""
    stock, unknown = facts.get("stock", pl.DataFrame()), pl.lit(None, dtype=pl.Float64)
    if params.start == "first_target" or stock.is_empty():
        return points.select(KEY).with_columns(on_hand=unknown, owed=unknown), []
    day = clock.start
    age = (pl.lit(day) - pl.col("date")).dt.total_days()
    is_fresh = (age >= 0) & (age <= params.stock_age_days)
    usable = stock.filter(is_fresh if params.start == "recorded" else is_fresh | (age < 0))
    counted = (
        usable.with_columns(age=age.abs(), is_later=age < 0)
        .sort("is_later", "age")
        .unique(KEY, keep="first", maintain_order=True)
        .select(
            *KEY,
            pl.col("on_hand").clip(0.0),
            owed=pl.col("backlog").fill_null(0.0) + pl.col("allocated").fill_null(0.0),
        )
    )
    found = points.select(KEY).join(counted, on=KEY, how="left", maintain_order="left")
    missing = found.filter(pl.col("on_hand").is_null())
    if missing.is_empty():
        return found, []
    return found, [START_UNKNOWN.finding(missing.height, keys_of(missing, KEY), day=day)]


def _arrivals(facts: Tables, points: pl.DataFrame, is_counted: Bools, clock: Clock) -> Floats:
    """Return what was on order at the start of points with a count, by the column in which it came."""
    out = np.zeros((points.height, clock.periods + 2))
    if "receipts" not in facts:
        return out
    days = PERIOD_DAYS[clock.bucket]
    took = (pl.col("received_date") - pl.lit(clock.start)).dt.total_days()
    came = facts["receipts"].filter(
        pl.col("ordered_date") <= clock.start, pl.col("received_date") > clock.start
    )
    waiting = facts.get("open_orders", came.clear()).filter(pl.col("ordered_date") <= clock.start)
    last = clock.periods + 1
    coming = pl.concat(
        [
            came.select(
                *LANE[:2], "quantity", column=((took / days).round().cast(pl.Int64) + 1).clip(1, last)
            ),
            waiting.select(*LANE[:2], "quantity", column=pl.lit(last, dtype=pl.Int64)),
        ]
    ).rename({"to_location_id": "location_id"})
    rows = points.select(KEY).with_row_index("row").filter(pl.Series(is_counted, dtype=pl.Boolean))
    placed = coming.join(rows, on=KEY).sort("row", "column", "quantity")
    np.add.at(out, (placed["row"].to_numpy(), placed["column"].to_numpy()), placed["quantity"].to_numpy())
    return out


def _customers(demand: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Return the lines of customers in the replayed periods."""
    is_issue = pl.col("kind").fill_null("sale") == "issue"
    window = pl.col("date").is_between(clock.start + timedelta(days=1), clock.ends[-1])
    return demand.filter(window, ~is_issue, pl.col("quantity") > 0)


def _lines(demand: pl.DataFrame, points: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Return customers' lines with the units that they and those before them in their period ask for."""
    lines = _customers(demand, clock).sort("date", "order_id", "line", "quantity")
    placed = lines.select(*KEY, "quantity", column=periods_of(pl.col("date"), clock)).join(
        points.select(KEY).with_row_index("row"), on=KEY, maintain_order="left"
    )
    return placed.select("row", "column", upto=pl.col("quantity").cum_sum().over("row", "column"))


def _warm_up(is_counted: Bools, clock: Clock, params: ReplayParams) -> int:
    """Return the first periods that are not counted; one period at least is."""
    given = params.warm_up
    if given is None:
        given = 0 if 2 * int(is_counted.sum()) >= len(is_counted) else clock.periods // 4
    return min(given, clock.periods - 1)


def _settings(points: pl.DataFrame, after: Tables, clock: Clock, params: ReplayParams) -> pl.DataFrame:
    """Return the points with the share of their demand that is customers', and the cost of expediting."""
    own = (
        _customers(after["demand"], clock)
        .with_columns(micro=(pl.col("quantity") * 1e6).round().cast(pl.Int64))
        .group_by(KEY)
        .agg(customers=pl.col("micro").sum() / 1e6)
    )
    costs = after["lanes"].select(
        "item_id", "from_location_id", "expedite_cost", location_id="to_location_id"
    )
    return (
        points.join(own, on=KEY, how="left", maintain_order="left")
        .join(
            costs.unique([*KEY, "from_location_id"], keep="first"),
            on=[*KEY, "from_location_id"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.col("customers").fill_null(0.0),
            pl.col("expedite_cost").fill_null(pl.lit(params.expedite_cost, dtype=pl.Float64)),
        )
        .select(*OF_POINTS, "customers", "expedite_cost")
    )


def _events_later(facts: Tables, clock: Clock) -> list[Finding]:
    if "events" not in facts:
        return []
    later = facts["events"].filter(pl.col("start") > clock.start)
    return [EVENTS_LATER.finding(later.height, keys_of(later, KEY))] if later.height else []


def periods_of(dates: pl.Expr, clock: Clock) -> pl.Expr:
    """Return the column in which each day lies: 1 for the first replayed period."""
    return period_index(dates, clock.start + timedelta(days=1), clock.bucket) + 1
