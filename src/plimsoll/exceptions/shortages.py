"""What waiting loses by its cause: every unit of it in one exception, and in no other."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll import audit, signals, supply
from plimsoll.audit.counts import compared_counts, contradicted
from plimsoll.demand import DemandParams
from plimsoll.demand.upstream import pass_upstream, replenished
from plimsoll.domain.tables import table
from plimsoll.exceptions.arrivals import late_sources
from plimsoll.exceptions.customers import BASE_DAYS, changed_customers, extra_demand
from plimsoll.exceptions.evidence import POINT, Evidence, State
from plimsoll.exceptions.params import ExceptionParams
from plimsoll.exceptions.waiting import CHANGES, NEVER, lost_by_waiting
from plimsoll.maths.ragged import Floats

ID = ["cause", "subject"]
# What every cause says of a point, with it and without it: units that are there beside what the plan counts,
# by how many days later comes what is on order from `origin`, and units a day asked for beside the forecast
# (`waiting.lost_by_waiting`); and demand that fails to come (units over the protection interval).
SIDES = ("with", "without")
BLAME = {
    "cause": pl.String(),
    "subject": pl.String(),
    "item_id": pl.String(),
    "location_id": pl.String(),
    "origin": pl.String(),
    **{f"{change}_{side}": pl.Float64() for change in CHANGES for side in SIDES},
    "unasked_qty": pl.Float64(),
    "first_due": pl.Date(),
}
CAUSE = {
    "cause": pl.String(),
    "subject": pl.String(),
    "expected": pl.Float64(),
    "came": pl.Float64(),
    "odds": pl.Float64(),
    "since": pl.Date(),
    "factor": pl.Float64(),
    "n_items": pl.Int64(),
    "origin": pl.String(),
    "place": pl.String(),
    "note": pl.String(),
}


class Causes:
    """The causes found, each a row of `found`, and what each does to the points, rows of `blame`."""

    __slots__ = ("blame", "found")

    def __init__(self, found: list[pl.DataFrame], blame: list[pl.DataFrame]) -> None:
        self.found = pl.concat([pl.DataFrame(schema=CAUSE), *found], how="diagonal")
        self.blame = pl.concat([pl.DataFrame(schema=BLAME), *blame], how="diagonal").select(*BLAME)


def sources_late(
    evidence: Evidence, state: State, params: ExceptionParams, options: supply.SupplyParams
) -> Causes:
    """Return suppliers and lanes that stopped or slowed, and what they do to the points they replenish.

        stopped: nothing comes of what is on order from there, today's line included
        slower:  it comes later by the days that it takes longer than the plan believes; and without the
                 slow-down earlier by the days that the plan has lengthened its lead times

    So what the plan's own lead times hold of a slow-down already belongs to it too.
    """
    found = late_sources(
        dict(evidence.facts), evidence.result("lead_time_estimate"), params, options, as_of=evidence.as_of
    )
    lane = pl.format("{} > {}", "from_location_id", "to_location_id")
    found = found.with_columns(
        subject=pl.coalesce(lane, "from_location_id"), origin="from_location_id", place="to_location_id"
    )
    points = state.points.select(*POINT, "mean_days").with_row_index("row")
    fed = state.coming.select("row", "from_location_id").unique().join(points, on="row")
    stopped = pl.col("cause").str.ends_with("stopped")
    days = pl.col("mean_days") / pl.col("believed")  # as it was before
    later = days * (pl.col("factor") - pl.col("believed")).clip(0.0)
    sooner = days * (pl.min_horizontal("believed", "factor") - 1.0).clip(0.0)
    blame = _on_its_way(fed, found).select(
        *ID,
        *POINT,
        origin="from_location_id",
        later_with=pl.when(stopped).then(NEVER).otherwise(later),
        later_without=pl.when(stopped).then(0.0).otherwise(-sooner),
    )
    return Causes([found.select(name for name in CAUSE if name in found.columns)], [blame])


def orders_overdue(evidence: Evidence, late: pl.DataFrame) -> Causes:
    """Return suppliers with orders past their due date; without that these would have come.

    Those of the sources that are `late` already (`found` of `sources_late`) belong to them.
    """
    overdue = (
        evidence.result("arrival_risk")
        .filter(pl.col("overdue_days") > 0, pl.col("from_location_id").is_not_null())
        .group_by("item_id", "from_location_id", location_id="to_location_id")
        .agg(first_due=pl.col("due_date").min())
    )
    told = late.select(*ID, "factor", from_location_id="origin", to_location_id="place", believed=pl.lit(1.0))
    own = overdue.join(_on_its_way(overdue, told), on=[*POINT, "from_location_id"], how="anti")
    return Causes(
        [],
        [
            own.select(
                *POINT,
                "first_due",
                cause=pl.lit("overdue_orders"),
                subject="from_location_id",
                origin="from_location_id",
            )
        ],
    )


def _on_its_way(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that a supplier or lane feeds."""
    told = found.select("cause", "subject", "from_location_id", "to_location_id", "factor", "believed")
    whole = told.filter(pl.col("to_location_id").is_null()).drop("to_location_id")
    lanes = told.filter(pl.col("to_location_id").is_not_null())
    return pl.concat(
        [
            rows.join(whole, on="from_location_id"),
            rows.join(
                lanes.rename({"to_location_id": "location_id"}), on=["from_location_id", "location_id"]
            ),
        ],
        how="diagonal",
    )


def demand_changed(
    evidence: Evidence,
    state: State,
    params: ExceptionParams,
    watch: signals.SignalParams,
    options: DemandParams,
) -> Causes:
    """Return customers and items whose demand changed, and what that does to the points.

        with:     extra x (1 - learnt) a day more is asked for than the plan expects
        without:  extra x learnt a day less

    extra is what is asked for more than the usual rate of the year before the window, a day, at a point and
    at those replenished from there; `learnt` is
    the share of it that forecasts have taken in by now. Items are watched by `signals.alarms`; only changes
    that began in the window are told.
    """
    asked = evidence.fact("demand")
    customers = changed_customers(asked, params, as_of=evidence.as_of)
    extra = extra_demand(asked, customers, params, as_of=evidence.as_of).rename({"customer_id": "subject"})
    more = pl.when(pl.col("factor") > 1).then(pl.lit("more")).otherwise(pl.lit("less"))
    customers = customers.with_columns(subject="customer_id", cause=pl.format("customer_{}", more))
    usual = _usual_rates(evidence, params)
    items = _changed_items(evidence, params, watch, options).with_columns(cause=pl.format("item_{}", more))
    own = usual.join(items.select("factor", subject="item_id", item_id="item_id"), on="item_id")
    of_items = own.with_columns(extra_per_day=pl.col("usual") * (pl.col("factor") - 1.0))
    parts = [
        extra.join(customers.select("subject", "cause"), on="subject"),
        of_items.join(items.select("item_id", "cause"), on="item_id"),
    ]
    each = pl.concat([part.select("cause", "subject", *POINT, "extra_per_day") for part in parts])
    rows = _with_sources(each, replenished(evidence.result("planning_point").filter("planned")))
    everywhere = state.points.join(_passed_up(usual, evidence), on=POINT, how="left")
    at = everywhere.select(*POINT, "rate", "days", "cost", pl.col("usual").fill_null(0.0))
    rows = rows.join(at, on=POINT).join(_learnt(rows, at), on=["cause", "subject"])
    more, learnt = pl.col("extra_per_day").clip(0.0), pl.col("learnt")
    blame = rows.with_columns(
        extra_with=more * (1.0 - learnt),
        extra_without=-more * learnt,
        unasked_qty=(-pl.col("extra_per_day") * pl.col("days")).clip(0.0),
    )
    told = [
        customers.select("cause", "subject", "expected", "came", "odds", "since", "factor", "n_items"),
        items.select("cause", "odds", "since", "factor", subject="item_id"),
    ]
    return Causes(told, [blame])


def _with_sources(rows: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return what is asked for more at each point with what that draws from those it is replenished from."""
    every, moving = [rows], rows
    while moving.height:  # once a level of the network; circles are not among the edges
        up = moving.join(edges, on=POINT).drop("location_id").rename({"from_location_id": "location_id"})
        moving = up.select(rows.columns)
        every.append(moving)
    key = ["cause", "subject", *POINT]
    return pl.concat(every).group_by(key).agg(pl.col("extra_per_day").sort().sum()).sort(key)


def _learnt(rows: pl.DataFrame, at: pl.DataFrame) -> pl.DataFrame:
    """Return the share of each change that forecasts hold already, between 0 and 1.

        learnt = sum c (forecast - f usual) / sum c extra,   f = sum c forecast / sum c usual of all points

    summed over the points of the change at cost c, as one forecast alone says little; f takes out season.
    """
    worth = {name: (pl.col(name) * pl.col("cost")).sort().sum() for name in ("rate", "usual")}
    level = at.select(**worth).with_columns(f=pl.col("rate") / pl.col("usual"))["f"].item()
    season = level if level is not None and np.isfinite(level) and level > 0 else 1.0
    extra = (pl.col("extra_per_day") * pl.col("cost")).sort().sum().alias("extra")
    sums = rows.join(at, on=POINT).group_by("cause", "subject").agg(extra, **worth)
    share = (pl.col("rate") - season * pl.col("usual")) / pl.col("extra")
    return sums.select("cause", "subject", learnt=share.fill_nan(0.0).fill_null(0.0).clip(0.0, 1.0))


def _passed_up(usual: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Return the usual rates with those of the places that each point replenishes, as forecasts have them."""
    flow = usual.select(*POINT, quantity="usual", date=pl.lit(evidence.as_of))
    passed = pass_upstream(table("demand").conform(flow), evidence.result("planning_point").filter("planned"))
    return passed.group_by(POINT).agg(usual=pl.col("quantity").sort().sum())


def _usual_rates(evidence: Evidence, params: ExceptionParams) -> pl.DataFrame:
    """Return what customers asked for at each point in the year before the window, units a day."""
    start = evidence.as_of - timedelta(days=params.window_days)
    first = start - timedelta(days=BASE_DAYS)
    lines = evidence.fact("demand").filter(
        pl.col("date").is_between(first, start, closed="right"), pl.col("quantity").is_not_null()
    )
    since = lines["date"].min()
    days = max((start - since).days + 1, 1) if isinstance(since, date) else 1
    return lines.group_by(POINT).agg(usual=pl.col("quantity").sort().sum() / days).sort(POINT)


def _changed_items(
    evidence: Evidence, params: ExceptionParams, watch: signals.SignalParams, options: DemandParams
) -> pl.DataFrame:
    """Return the items whose demand changed in the window, over all places together."""
    together = pl.lit("").alias("location_id")
    points = (
        evidence.result("planning_point").sort(POINT).unique("item_id", keep="first", maintain_order=True)
    )
    found = signals.alarms(
        evidence.fact("demand").with_columns(together),
        points.with_columns(together),
        watch,
        options,
        as_of=evidence.as_of,
    )
    start = evidence.as_of - timedelta(days=params.window_days)
    recent = found.filter(pl.col("level") == "point", pl.col("since") >= start, pl.col("before_per_day") > 0)
    return (
        recent.sort("item_id", "p_value")
        .unique("item_id", keep="first", maintain_order=True)
        .select(
            "since",
            "item_id",
            factor=pl.col("after_per_day") / pl.col("before_per_day"),
            odds=1.0 / pl.col("false_discovery_rate").clip(1e-6),
        )
        .filter((pl.col("factor") - 1.0).abs() >= params.change_share)
    )


def counts_wrong(evidence: Evidence, state: State, options: audit.AuditParams) -> Causes:
    """Return today's counts that do not follow from the count before, and what they hide or feign.

        counted too much: less is there by what is off
        counted too little: without the mistake more would be there by what is off

    The count before is that of the facts, or else that of the plan before.
    """
    stock = evidence.fact("stock")
    earlier = evidence.before.get("outlook")
    if earlier is not None:
        seen = earlier.filter(pl.col("counted_date").is_not_null()).select(
            *POINT, date="counted_date", on_hand="on_hand_qty"
        )
        seen = seen.join(stock, on=[*POINT, "date"], how="anti")
        stock = pl.concat([stock, seen], how="diagonal_relaxed")
    compared = compared_counts(stock, evidence.fact("receipts"), evidence.fact("demand"))
    wrong = contradicted(compared, options.stock_tolerance, options.stock_least_difference)
    latest = state.points.select(*POINT, "counted")
    rows = wrong.join(latest, left_on=[*POINT, "date"], right_on=[*POINT, "counted"]).with_columns(
        cause=pl.lit("count"), subject=pl.format("{} @ {}", *POINT)
    )
    rows = rows.with_columns(stock_with=-pl.col("off").clip(0.0), stock_without=(-pl.col("off")).clip(0.0))
    told = rows.select(
        "cause",
        "subject",
        since="date",
        origin="item_id",
        place="location_id",
        expected="expected",
        came="on_hand",
        note=pl.format(
            "{} were counted on {}, where {} were to be expected: {} on {}, and what has moved since",
            pl.col("on_hand").round(0).cast(pl.Int64),
            pl.col("date").dt.to_string("%Y-%m-%d"),
            pl.col("expected").round(0).cast(pl.Int64),
            pl.col("before_on_hand").round(0).cast(pl.Int64),
            pl.col("before_date").dt.to_string("%Y-%m-%d"),
        ),
    )
    return Causes([told], [rows])


def shared_out(causes: Causes, state: State) -> pl.DataFrame:
    """Return what waiting for the next review loses at every point by cause, money: each unit of it once.

        explained = W(with) - W(without)
        rest      = W of the plan, less what a cause makes it believe

    with W of `waiting.lost_by_waiting`. A point that several causes touch belongs to the one that explains
    most; the rest is that of the item. But what a place misses that waits today for stock of ours belongs to
    the cause at the place that it waits for, as far as that could send it today without the cause: what a
    count leaves out, and orders that should have come.

    Parameters
    ----------
    causes : of the functions above
    state : of `evidence.state_of`

    Returns
    -------
    pl.DataFrame
        item_id, location_id, cause, subject, money, first_due; cause is stockout for the rest.

    Edge cases: where the plan counts less at risk than its law of demand alone says, since those whom a place
    feeds have buffers of their own, W of the plan is less in proportion.
    """
    keyed = state.points.select(*POINT).with_row_index("row")
    rows = causes.blame.join(keyed, on=POINT).sort("row", "cause", "subject")
    sides = [
        rows.select(
            "row", "origin", *(pl.col(f"{change}_{side}").alias(change) for change in CHANGES),
            on_time=pl.lit(side == "without"),
        )
        for side in SIDES
    ]  # fmt: skip
    as_planned = keyed.select(
        "row", origin=pl.lit(None, dtype=pl.String), on_time=pl.lit(value=False),
        **{change: pl.lit(0.0) for change in CHANGES},
    )  # fmt: skip
    all_now = lost_by_waiting(state, as_planned)
    worse, better = (lost_by_waiting(state, side) for side in sides)
    at = rows["row"].to_numpy()
    now, all_risk = all_now[at], all_now * _counted_share(state)
    risk = all_risk[at]
    rest = np.maximum(risk - np.maximum(now - better, 0.0), 0.0)
    explained = (risk - rest) + np.maximum(worse - now, 0.0)
    overdue = state.coming.filter("is_overdue").group_by("row", origin="from_location_id")
    most = (
        rows.with_columns(rest=pl.Series(rest), money=pl.Series(explained))
        .join(overdue.agg(late=pl.col("quantity").sort().sum()), on=["row", "origin"], how="left")
        .with_columns(there=pl.col("stock_without").fill_null(0.0) + pl.col("late").fill_null(0.0))
        .sort("row", -pl.col("money"), -pl.col("there"), "cause", "subject")
        .unique("row", keep="first", maintain_order=True)
    )
    left = (
        keyed.with_columns(risk=pl.Series(all_risk))
        .join(most.select("row", "rest"), on="row", how="left", maintain_order="left")
        .select(*POINT, cause=pl.lit("stockout"), subject="item_id", money=pl.coalesce("rest", "risk"))
    )
    key = [*ID, *POINT]
    blamed = most.select(*key, "money", "first_due")
    return (
        pl.concat([blamed, *_by_source(left, most, state)], how="diagonal")
        .group_by(key)
        .agg(pl.col("money").sort().sum(), pl.col("first_due").min())
        .filter(pl.col("money") > 0)
        .sort(key)
    )


def _by_source(left: pl.DataFrame, most: pl.DataFrame, state: State) -> list[pl.DataFrame]:
    """Return the rest that stays, and that of places that wait for stock of ours by the cause at its source.

    share = min(1, units that the source would have today without its cause / units that wait for it)
    """
    source = ["item_id", "from_location_id"]
    cause = most.filter(pl.col("there") > 0).select(*ID, "item_id", "there", from_location_id="location_id")
    waits = state.points.filter(pl.col("waiting") > 0).join(cause, on=source)
    wanted = pl.col("waiting").sort().sum().over(source)
    moved = waits.select(*POINT, *ID, share=(pl.col("there") / wanted).clip(0.0, 1.0))
    split = left.join(moved, on=POINT, how="left", suffix="_there", maintain_order="left")
    share = pl.col("share").fill_null(0.0)
    stays = split.select(*POINT, *ID, money=pl.col("money") * (1.0 - share))
    goes = split.filter(share > 0).select(
        *POINT, cause="cause_there", subject="subject_there", money=pl.col("money") * share
    )
    return [stays, goes]


def _counted_share(state: State) -> Floats:
    """Return which share of the shortage that its law expects the plan counts at each point."""
    whole = state.loss(state.points["position"].to_numpy())
    counted = state.points["at_risk"].to_numpy()
    share = np.divide(counted, whole, out=np.ones_like(whole), where=whole > 0)
    return np.asarray(np.minimum(share, 1.0))
