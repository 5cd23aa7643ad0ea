"""Expected shortage by its cause: every unit of it in one exception, and in no other."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll import audit, signals, supply
from plimsoll.audit.counts import compared_counts, contradicted
from plimsoll.demand import DemandParams
from plimsoll.demand.upstream import pass_upstream
from plimsoll.domain.tables import table
from plimsoll.exceptions.arrivals import late_sources
from plimsoll.exceptions.customers import BASE_DAYS, changed_customers, extra_demand
from plimsoll.exceptions.evidence import POINT, Evidence, State
from plimsoll.exceptions.params import ExceptionParams

ID = ["cause", "subject"]
# What every cause says of a point: the position with and without it, demand that fails
# to come (units), and the least shortage that it is known to make (money).
BLAME = {
    "cause": pl.String(),
    "subject": pl.String(),
    "item_id": pl.String(),
    "location_id": pl.String(),
    "with_qty": pl.Float64(),
    "without_qty": pl.Float64(),
    "unasked_qty": pl.Float64(),
    "missed": pl.Float64(),
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

        stopped: position less what is on order from there
        slower:  position less the demand of the days that it takes longer than the plan believes; and without
                 the slow-down it would be higher by the demand of the days that the plan has lengthened it;
                 at least what open orders miss by coming so much later (`missed`)

    So what the plan's own lead times hold of a slow-down already belongs to it too.
    """
    found = late_sources(
        dict(evidence.facts), evidence.result("lead_time_estimate"), params, options, as_of=evidence.as_of
    )
    lane = pl.format("{} > {}", "from_location_id", "to_location_id")
    found = found.with_columns(
        subject=pl.coalesce(lane, "from_location_id"), origin="from_location_id", place="to_location_id"
    )
    open_orders = evidence.result("arrival_risk").select(
        "item_id", "from_location_id", "quantity", location_id="to_location_id"
    )
    fed = state.points.select(*POINT, "from_location_id", "rate", "mean_days")
    stopped = found.filter(pl.col("cause").str.ends_with("stopped"))
    owed = _on_its_way(open_orders, stopped).group_by(*ID, *POINT).agg(lost=pl.col("quantity").sort().sum())
    slow = found.filter(pl.col("cause").str.ends_with("slow"))
    days = pl.col("mean_days") / pl.col("believed")  # as it was before
    waits = _on_its_way(fed, slow).select(
        *ID,
        *POINT,
        longer_days=days * (pl.col("factor") - pl.col("believed")).clip(0.0),
        lost=pl.col("rate") * days * (pl.col("factor") - pl.col("believed")).clip(0.0),
        held=pl.col("rate") * days * (pl.min_horizontal("believed", "factor") - 1.0).clip(0.0),
    )
    waits = waits.join(_missed(waits, evidence, state), on=[*ID, *POINT], how="left")
    blame = pl.concat([owed, waits], how="diagonal").join(state.points.select(*POINT, "position"), on=POINT)
    blame = blame.with_columns(
        with_qty=pl.col("position") - pl.col("lost"),
        without_qty=pl.col("position") + pl.col("held").fill_null(0.0),
    )
    return Causes([found.select(name for name in CAUSE if name in found.columns)], [blame])


def _missed(waits: pl.DataFrame, evidence: Evidence, state: State) -> pl.DataFrame:
    """Return what goes unmet since open orders come later, money: stock runs out before they do.

        sum over orders of m (max(r + d - n, 0) - max(r - n, 0)), at most the order, and m d of a point

    with m the demand a day, r days to the likely arrival, n to the day that the order is needed, and d days
    that it takes longer. The position does not tell this: it counts what is on order as if it came in time.
    """
    day = pl.lit(evidence.as_of)
    orders = evidence.result("arrival_risk").select(
        "item_id",
        "quantity",
        location_id="to_location_id",
        due=(pl.col("arrival_median_date") - day).dt.total_days(),
        need=(pl.col("needed_date") - day).dt.total_days(),
    )
    rows = waits.select(*ID, *POINT, "longer_days").join(orders.drop_nulls(), on=POINT)
    rows = rows.join(state.points.select(*POINT, "rate", "price"), on=POINT)
    later = (pl.col("due") + pl.col("longer_days") - pl.col("need")).clip(0.0)
    units = pl.col("rate") * (later - (pl.col("due") - pl.col("need")).clip(0.0))
    most = (pl.col("rate") * pl.col("longer_days")).first()
    missed = pl.min_horizontal(units, "quantity").sort().sum()
    return rows.group_by(*ID, *POINT).agg(missed=pl.min_horizontal(missed, most) * pl.col("price").first())


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

        with:     position less extra x (1 - learnt) x protection interval
        without:  position plus extra x learnt x protection interval

    extra is what is asked for more than the usual rate of the year before the window, a day; `learnt` is
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
    rows = pl.concat([part.select("cause", "subject", *POINT, "extra_per_day") for part in parts])
    everywhere = state.points.join(_passed_up(usual, evidence), on=POINT, how="left")
    at = everywhere.select(*POINT, "position", "rate", "days", "cost", pl.col("usual").fill_null(0.0))
    rows = rows.join(at, on=POINT).join(_learnt(rows, at), on=["cause", "subject"])
    more_qty = pl.col("extra_per_day") * pl.col("days")
    blame = rows.with_columns(
        with_qty=pl.col("position") - more_qty.clip(0.0) * (1.0 - pl.col("learnt")),
        without_qty=pl.col("position") + more_qty.clip(0.0) * pl.col("learnt"),
        unasked_qty=(-more_qty).clip(0.0),
    )
    told = [
        customers.select("cause", "subject", "expected", "came", "odds", "since", "factor", "n_items"),
        items.select("cause", "odds", "since", "factor", subject="item_id"),
    ]
    return Causes(told, [blame])


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

        counted too much: the position is lower by what is off
        counted too little: without the mistake it would be higher by what is off

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
    latest = state.points.select(*POINT, "position", "counted")
    rows = wrong.join(latest, left_on=[*POINT, "date"], right_on=[*POINT, "counted"]).with_columns(
        cause=pl.lit("count"), subject=pl.format("{} @ {}", *POINT)
    )
    rows = rows.with_columns(
        with_qty=pl.col("position") - pl.col("off").clip(0.0),
        without_qty=pl.col("position") + (-pl.col("off")).clip(0.0),
    )
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


def shared_out(causes: Causes, state: State, overdue: pl.DataFrame) -> pl.DataFrame:
    """Return the expected shortage of every point by cause, money: each unit of it once.

        explained = price x (E[(D - y with)+] - E[(D - y without)+])
        rest      = what the plan puts at risk, less what a count too low feigns

    A point that several causes touch belongs to the one that explains most. The rest is that of overdue
    orders where more would be short because of them alone (told by their source), and else of the item.

    Parameters
    ----------
    causes : of the functions above
    state : of `evidence.state_of`
    overdue : item_id, location_id, late (money expected to be lost by orders past their due date),
        from_location_id, first_due

    Returns
    -------
    pl.DataFrame
        item_id, location_id, cause, subject, money, first_due; cause is stockout or overdue_orders for the
        rest.
    """
    keyed = state.points.select(*POINT, "position", "at_risk").with_row_index("row")
    rows = causes.blame.join(keyed, on=POINT).sort("row", "cause", "subject")
    at = rows["row"].to_numpy()
    worse = state.loss(rows["with_qty"].to_numpy(), at)
    better = state.loss(rows["without_qty"].to_numpy(), at)
    now = state.loss(rows["position"].to_numpy(), at)
    risk = rows["at_risk"].to_numpy()
    # What is at risk at a place that feeds others may be less than its law alone says: never below 0.
    rest = np.maximum(risk - np.maximum(now - better, 0.0), 0.0)
    explained = np.maximum(risk - rest, 0.0) + np.maximum(worse - now, 0.0)
    explained = np.maximum(explained, rows["missed"].fill_null(0.0).to_numpy())
    blamed = (
        rows.with_columns(rest=pl.Series(rest), money=pl.Series(explained))
        .sort("row", -pl.col("money"), "cause", "subject")
        .unique("row", keep="first", maintain_order=True)
        .filter(pl.col("money") > 0)
    )
    left = keyed.join(blamed.select("row", "rest"), on="row", how="left", maintain_order="left").join(
        _overdue_by(overdue, causes), on=POINT, how="left", maintain_order="left"
    )
    own = pl.coalesce("rest", "at_risk")
    late = pl.when(pl.col("rest").is_null()).then(pl.col("late")).fill_null(0.0)
    is_late = late > own
    left = left.select(
        *POINT,
        cause=pl.when(is_late).then("cause").otherwise(pl.lit("stockout")),
        subject=pl.when(is_late).then("subject").otherwise("item_id"),
        money=pl.max_horizontal(own, late),
        first_due=pl.when(is_late).then("first_due"),
    )
    return (
        pl.concat([blamed.select(*POINT, "cause", "subject", "money"), left], how="diagonal")
        .filter(pl.col("money") > 0)
        .sort("cause", "subject", *POINT)
    )


def _overdue_by(overdue: pl.DataFrame, causes: Causes) -> pl.DataFrame:
    """Return the overdue points with the late source that explains them, or else with their supplier."""
    told = causes.found.filter(pl.col("origin").is_not_null(), pl.col("cause") != "count").select(
        "cause", "subject", "place", from_location_id="origin"
    )
    whole = told.filter(pl.col("place").is_null()).drop("place").unique("from_location_id")
    lanes = told.filter(pl.col("place").is_not_null()).rename({"place": "location_id"})
    keyed = overdue.join(whole, on="from_location_id", how="left").join(
        lanes, on=["from_location_id", "location_id"], how="left", suffix="_lane"
    )
    return keyed.select(
        *POINT,
        "late",
        "first_due",
        cause=pl.coalesce("cause", "cause_lane", pl.lit("overdue_orders")),
        subject=pl.coalesce("subject", "subject_lane", "from_location_id"),
    )
