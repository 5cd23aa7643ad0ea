"""Ends that are known: demand that stops on a day, supply that stops on a day, and the last order of all."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.special import betainc, gammaincc

from plimsoll.demand import with_rates
from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.lifecycle.params import LifecycleParams
from plimsoll.maths.ragged import Floats

KEY = ["item_id", "location_id"]
MOMENTS = 24  # moments at which the use of a stock is looked at until the end
STEPS = 48  # halvings of a level; more than a float has
PARTS = 32  # of a lot whose worth is added up
POISSON = 1.0 + 1e-6
FEW = 1e-9
Tables = dict[str, pl.DataFrame]


def rates_of(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return demand as a rate: mean, variance a day, and uncertainty of the mean rate.

    Solved from the estimate over the protection interval T, with the variance v of the history a day::

        sd2 = v E[T] + tau2 E[T2] + m2 Var[T]

    Parameters
    ----------
    estimates : table `demand_estimate`

    Returns
    -------
    item_id, location_id, mean_per_day, variance_per_day, rate_variance; v is cut where it alone would
    be more than the estimate says.
    """
    days, days_sd = pl.col("protection_days_mean"), pl.col("protection_days_sd")
    mean = pl.col("mean_per_day_est")
    noise = (pl.col("sd_protection_qty") ** 2 - mean**2 * days_sd**2).clip(0.0)
    history = pl.col("sd_per_period_obs") ** 2 / pl.col("period_days")
    safe = pl.when(days > 0).then(days).otherwise(1.0)
    a_day = pl.min_horizontal(history, noise / safe)
    # History without spread says nothing; then all of it is the estimate's own.
    a_day = pl.when(history > 0).then(a_day).otherwise(noise / safe)
    return estimates.select(*KEY, mean_per_day=mean, variance_per_day=a_day).with_columns(
        rate_variance=estimates.select(
            ((noise - a_day * days).clip(0.0) / (safe**2 + days_sd**2)).alias("t")
        )["t"]
    )


def end_demand(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
    booked: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the estimates with no demand after the announced end of an item.

    An interval that reaches beyond the end is cut there: with d days left, the protection interval
    becomes min(L + R, d), the review interval min(R, d), and the lead time what is between them.
    Points that end later than their longest interval are not touched.

    Parameters
    ----------
    estimates : table `demand_estimate`
    points : table `planning_point` with end_date
    lead_times : table `lead_time_estimate`
    params : for the lattice
    as_of : day of knowledge
    booked : how far ahead customers book, as of `demand.estimate`

    Returns
    -------
    Table `demand_estimate`.
    """
    place = ["item_id", "location_id", "from_location_id"]
    lanes = lead_times.rename({"to_location_id": "location_id"})
    left = (pl.col("end_date") - as_of).dt.total_days().clip(0).cast(pl.Float64)
    longest = pl.col("atom_days").list.max() + pl.col("review_days_eff")
    cut = (
        points.filter(pl.col("end_date").is_not_null())
        .join(lanes.select(*place, "atom_days"), on=place)
        .with_columns(left=left)
        .filter(longest > pl.col("left"))
    )
    if cut.is_empty():
        return estimates
    review = pl.min_horizontal("review_days_eff", "left")
    shorter = cut.with_columns(lead_most=pl.col("left") - review, review_days_eff=review)
    clipped = (
        lanes.join(
            cut.select(*place, "left", review="review_days_eff").join(
                shorter.select(*place, short="review_days_eff"), on=place
            ),
            on=place,
        )
        .explode("atom_days", "atom_probability")
        .with_columns(
            atom_days=(pl.min_horizontal(pl.col("atom_days") + pl.col("review"), "left") - pl.col("short"))
        )
        .group_by(place, maintain_order=True)
        .agg("atom_days", "atom_probability")
    )
    rates = rates_of(estimates).join(cut.select(KEY), on=KEY, how="semi")
    ended = with_rates(
        estimates,
        shorter.select(points.columns),
        clipped.rename({"location_id": "to_location_id"}),
        rates,
        params,
        mode="replace",
        booked=booked,
    )
    interval = clipped.join(shorter.select(*place, "review_days_eff"), on=place).select(
        *KEY,
        days=_mean("atom_days", "atom_probability") + pl.col("review_days_eff"),
        sd=_sd("atom_days", "atom_probability"),
    )
    renewed = ended.join(interval, on=KEY, how="left", maintain_order="left")
    return renewed.with_columns(
        protection_days_mean=pl.coalesce("days", "protection_days_mean"),
        protection_days_sd=pl.coalesce("sd", "protection_days_sd"),
    ).select(estimates.columns)


def _mean(values: str, weights: str) -> pl.Expr:
    product = pl.col(values) * pl.col(weights)
    return product.list.sum() / pl.col(weights).list.sum()


def _sd(values: str, weights: str) -> pl.Expr:
    second = (pl.col(values) * pl.col(values) * pl.col(weights)).list.sum() / pl.col(weights).list.sum()
    return (second - _mean(values, weights) ** 2).clip(0.0).sqrt()


def last_time_buys(
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimates: pl.DataFrame,
    known: Tables,
    warnings: pl.DataFrame,
    params: LifecycleParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return for every point whose demand or supply ends how much stock is still worth having.

    The k-th unit in stock is used when demand reaches k. With demand D(t) until day t, end H, margin
    (or shortage cost) p, cost c of which s comes back as scrap, and holding h c a year, it brings::

        gain(k) = p P(D(H) >= k) - c (1 - s) P(D(H) < k) - h c E[min(T_k, H)]
        E[min(T_k, H)] = integral over 0..H of P(D(t) < k) dt

    which falls in k; the level is the largest k with gain(k) > 0. With h = 0 it is the newsvendor's
    critical ratio p / (p + c (1 - s)) (Snyder & Shen 2019, section 4.3; the final order problem of
    Teunter & Fortuin 1999). D(t) has the negative binomial law with mean a (1 - r^t) / (1 - r) and variance
    v t + tau2 t2, where a is the demand of the coming year, r what is left of it a year later.

    Parameters
    ----------
    points : table `planning_point`; end_date ends demand
    lead_times, estimates : of the points; estimates before their cut at the end (`end_demand`) and
        before events to come are added, with demand as a rate that goes on
    known : canonical tables; events of kind phase_out end supply on their last day (quantity and its
        uncertainty, if given, are the units still wanted in all); stock and open_orders. If there,
        `booked` says how far ahead customers book (what they have booked is in the position, or a
        lump), and `lumps` are quantities on known days (of `demand.with_dated`) on top of the rate
    warnings : table `obsolescence`, for survival-adjusted rates
    params : scrap value, tail of demand after the end of supply, days of notice
    as_of : day of knowledge

    Returns
    -------
    Table `last_time_buy`; engineered items and items that ended before `as_of` are left out.
    """
    ending = _ending(points, lead_times, known, params, as_of)
    if ending.is_empty():
        return table("last_time_buy").empty()
    state = _with_demand(ending, estimates, warnings, known, params, as_of)
    level = _level(state)
    worth = _rounded_buy(state, level)
    left, short = _rests(state, state["position_qty"].to_numpy() + worth)
    cost = state["unit_cost_eff"].to_numpy()
    finished = state.with_columns(
        level_qty=level,
        service_est=_below(level + 1.0, state["expected_qty"].to_numpy(), state["sd_qty"].to_numpy()),
        buy_qty=worth,
        buy_value=worth * cost,
        leftover_qty=left,
        writeoff_value=left * cost,
        short_qty=short,
    )
    finished = finished.with_columns(sentence=_sentence())
    declared = table("last_time_buy")
    return declared.conform(finished.select(declared.names))


def limit_orders(policies: pl.DataFrame, buys: pl.DataFrame, warnings: pl.DataFrame) -> pl.DataFrame:
    """Return the policies with the most that stock and orders may reach where an item ends, and warnings.

    Parameters
    ----------
    policies : table `policy`
    buys : table `last_time_buy`
    warnings : table `obsolescence`

    Returns
    -------
    Table `policy` with four more columns for `replenish.recommend`: position_limit_qty (units),
    last_order_date, and last_buy_qty (units; null unless due); null for points not in `buys`. Nothing
    is bought beyond the limit, nothing after the last day, and a last buy that is due is bought
    although the reorder point is not reached. over_probability is the chance of no further demand where
    demand may be over, else null: an order for such a point says so.
    """
    limits = buys.select(
        *KEY,
        position_limit_qty=pl.when(pl.col("status") == "too_late")
        .then(0.0)
        .otherwise(pl.max_horizontal("level_qty", pl.col("position_qty") + pl.col("buy_qty"))),
        last_order_date="last_order_date",
        last_buy_qty=pl.when(pl.col("status") == "due").then("buy_qty"),
    )
    over = warnings.filter(pl.col("grade") == "over").select(*KEY, over_probability="no_demand_probability")
    limited = policies.join(limits, on=KEY, how="left", maintain_order="left")
    return limited.join(over, on=KEY, how="left", maintain_order="left")


def _ending(
    points: pl.DataFrame, lead_times: pl.DataFrame, known: Tables, params: LifecycleParams, as_of: date
) -> pl.DataFrame:
    """Return the points that end, what ends, and the last day on which an order is of use."""
    place = ["item_id", "location_id", "from_location_id"]
    lanes = lead_times.rename({"to_location_id": "location_id"}).select(*place, "mean_days_est")
    supply = (
        known["events"]
        .filter(pl.col("kind") == "phase_out")
        .with_columns(last=pl.coalesce("end", "start"))
        .sort(*KEY, "last")
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "last", known_qty="quantity", known_sd="quantity_sd")
    )
    arrives = pl.col("mean_days_est").ceil().cast(pl.Int64)
    tail = timedelta(days=round(params.tail_years * DAYS_PER_YEAR))
    is_supply = pl.col("last").is_not_null()
    return (
        points.filter(pl.col("planned"))
        .join(lanes, on=place, how="left", maintain_order="left")
        .join(supply, on=KEY, how="left", maintain_order="left")
        .filter(is_supply | pl.col("end_date").is_not_null())
        .with_columns(
            pl.col("mean_days_est").fill_null(0.0),
            kind=pl.when(is_supply).then(pl.lit("end_of_supply")).otherwise(pl.lit("end_of_demand")),
        )
        .with_columns(
            # Supply may end in the past: what is left must serve the tail from today.
            end_date=pl.coalesce("end_date", pl.max_horizontal("last", pl.lit(as_of)) + tail),
            arrival=arrives,
        )
        .with_columns(
            last_order_date=pl.min_horizontal(
                pl.coalesce("last", pl.col("end_date")),
                pl.col("end_date") - pl.duration(days=pl.col("arrival")),
            )
        )
        .filter(pl.col("end_date") > as_of)
        .with_columns(
            days_left=(pl.col("last_order_date") - as_of).dt.total_days(),
            horizon=(pl.col("end_date") - as_of).dt.total_days().cast(pl.Float64),
        )
        .with_columns(
            status=pl.when(pl.col("days_left") < 0)
            .then(pl.lit("too_late"))
            .when(pl.col("days_left") <= params.last_order_days)
            .then(pl.lit("due"))
            .otherwise(pl.lit("later"))
        )
        .sort(KEY)
    )


def _with_demand(
    ending: pl.DataFrame,
    estimates: pl.DataFrame,
    warnings: pl.DataFrame,
    known: Tables,
    params: LifecycleParams,
    as_of: date,
) -> pl.DataFrame:
    """Return the ending points with mean, spread and position, and what units cost."""
    counted = known["stock"].filter(pl.col("date") <= as_of).sort("date").unique(KEY, keep="last")
    coming = (
        known["open_orders"]
        .filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .sort("order_id", "line")
        .group_by("item_id", location_id="to_location_id", maintain_order=True)
        .agg(on_order=pl.col("quantity").sum())
    )
    owed = pl.col("backlog").fill_null(0.0) + pl.col("allocated").fill_null(0.0)
    joined = (
        ending.join(rates_of(estimates), on=KEY, how="left", maintain_order="left")
        .join(warnings.select(*KEY, "yearly_retention"), on=KEY, how="left", maintain_order="left")
        .join(
            counted.select(*KEY, "on_hand", "backlog", "allocated"), on=KEY, how="left", maintain_order="left"
        )
        .join(coming, on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.col("mean_per_day", "variance_per_day", "rate_variance", "on_order").fill_null(0.0),
            pl.col("yearly_retention").fill_null(1.0),
            position_qty=pl.col("on_hand").fill_null(0.0).clip(0.0)
            + pl.col("on_order").fill_null(0.0)
            - owed,
        )
    )
    mean, sd = _moments(joined, joined["horizon"].to_numpy())
    if "booked" in known:
        mean = mean - joined["mean_per_day"].to_numpy() * _days_booked(joined, known["booked"])
    if "lumps" in known:
        more, variance = _of_lumps(joined, known["lumps"], as_of)
        mean, sd = mean + more, np.sqrt(sd**2 + variance)
    margin = pl.col("unit_price_eff") - pl.col("unit_cost_eff")
    return joined.with_columns(
        # Units known in all, if a person gave them, go before the estimate.
        expected_qty=pl.coalesce("known_qty", pl.Series(mean)),
        sd_qty=pl.when(pl.col("known_qty").is_null())
        .then(pl.Series(sd))
        .otherwise(pl.col("known_sd").fill_null(0)),
        mean_per_day_est=pl.col("mean_per_day"),
        shortage_cost=pl.coalesce(
            "shortage_cost", pl.when(margin > 0).then(margin).otherwise(pl.col("unit_cost_eff"))
        ),
        leftover_cost=pl.col("unit_cost_eff") * (1.0 - params.scrap_share),
        holding_cost_per_year=pl.col("holding_rate_eff") * pl.col("unit_cost_eff"),
    )


def _days_booked(state: pl.DataFrame, booked: pl.DataFrame) -> Floats:
    """Return the days until the end of each row (n,) whose demand is on the books already, on average."""
    days = (
        state.select(*KEY, "horizon")
        .join(booked, on=KEY)
        .explode("ahead_days", "ahead_share")
        .group_by(KEY, maintain_order=True)
        .agg(days=(pl.min_horizontal("ahead_days", "horizon") * pl.col("ahead_share")).sum())
    )
    rows = state.select(KEY).join(days, on=KEY, how="left", maintain_order="left")
    return rows["days"].fill_null(0.0).to_numpy()


def _of_lumps(state: pl.DataFrame, lumps: pl.DataFrame, as_of: date) -> tuple[Floats, Floats]:
    """Return mean and variance (n,) of what comes on known days until the end of each row."""
    chance, quantity = pl.col("probability").fill_null(1.0), pl.col("quantity")
    until = (
        lumps.join(state.select(*KEY, "end_date"), on=KEY)
        .filter(pl.col("date") > as_of, pl.col("date") <= pl.col("end_date"))
        .with_columns(
            mean=chance * quantity,
            variance=chance * pl.col("quantity_sd").fill_null(0.0) ** 2
            + chance * (1.0 - chance) * quantity**2,
        )
        .sort(*KEY, "date", "mean", "variance")
        .group_by(KEY, maintain_order=True)
        .agg(pl.col("mean", "variance").sum())
    )
    rows = state.select(KEY).join(until, on=KEY, how="left", maintain_order="left").fill_null(0.0)
    return rows["mean"].to_numpy(), rows["variance"].to_numpy()


def _moments(state: pl.DataFrame, days: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of demand over the days of each row (n,)."""
    rate, variance, doubt, stays = (
        state[name].to_numpy()
        for name in ("mean_per_day", "variance_per_day", "rate_variance", "yearly_retention")
    )
    years = days / DAYS_PER_YEAR
    loss = -np.log(np.clip(stays, 1e-6, 1.0))
    # Days at the full rate that bring as much as the fading one: the integral of r^t over that of a year.
    fades = np.maximum(loss, FEW)
    first = np.where(loss > FEW, -np.expm1(-fades) / fades, 1.0)
    full = np.where(loss > FEW, -np.expm1(-fades * years) / fades / first, years) * DAYS_PER_YEAR
    return rate * full, np.sqrt(variance * full + doubt * full**2)


def _below(level: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return P(D < level) of negative binomial demand, Poisson where its variance is no larger."""
    count = np.maximum(np.ceil(level) - 1.0, -1.0)
    var = np.maximum(sd**2, mean * POISSON)
    size = mean**2 / np.maximum(var - mean, FEW)
    spread = betainc(np.maximum(size, FEW), count + 1.0, np.clip(mean / np.maximum(var, FEW), 0.0, 1.0))
    plain = gammaincc(count + 1.0, np.maximum(mean, FEW))
    found = np.where((var <= mean * POISSON) | (size > 1e8), plain, spread)
    return np.asarray(np.where(count < 0, 0.0, np.where(mean <= FEW, 1.0, found)))


def _gain(state: pl.DataFrame, level: Floats) -> Floats:
    """Return what the unit that lifts the stock to this level brings, money per unit (n,)."""
    mean, sd, horizon = (state[name].to_numpy() for name in ("expected_qty", "sd_qty", "horizon"))
    short, lost, hold = (
        state[name].to_numpy() for name in ("shortage_cost", "leftover_cost", "holding_cost_per_year")
    )
    unused = _below(level, mean, sd)
    plain, plain_sd = _moments(state, horizon)
    days_kept = np.zeros(len(level))
    for middle in (np.arange(MOMENTS) + 0.5) / MOMENTS:
        part, part_sd = _moments(state, horizon * middle)
        # Units known in all are spread over time as the estimate is.
        share = np.divide(part, plain, out=np.full(len(level), middle), where=plain > FEW)
        share_sd = np.divide(part_sd, plain_sd, out=np.full(len(level), middle), where=plain_sd > FEW)
        days_kept += _below(level, mean * share, sd * share_sd)
    days_kept *= horizon / MOMENTS
    return short * (1.0 - unused) - lost * unused - hold * days_kept / DAYS_PER_YEAR


def _level(state: pl.DataFrame) -> Floats:
    """Return the largest whole level whose last unit still brings money (n,)."""
    low = np.zeros(state.height)
    high = np.ceil(state["expected_qty"].to_numpy() + 12.0 * state["sd_qty"].to_numpy()) + 2.0
    for _ in range(STEPS):
        middle = np.ceil((low + high) / 2.0)
        pays = _gain(state, middle) > 0.0
        low, high = np.where(pays, middle, low), np.where(pays, high, middle - 1.0)
        high = np.maximum(high, low)
        if (high <= low).all():
            break
    return low


def _rounded_buy(state: pl.DataFrame, level: Floats) -> Floats:
    """Return the units to buy: up to the level, in multiples and minimum if the whole lot pays."""
    position = state["position_qty"].to_numpy()
    least, step = state["min_order_qty_eff"].to_numpy(), state["order_multiple_eff"].to_numpy()
    size = np.where(step > 0, step, 1.0)
    wanted = np.maximum(level - position, 0.0)
    down = np.floor(wanted / size + FEW) * size
    down = np.where(down >= least, down, 0.0)
    up = np.where(wanted > 0, np.ceil(np.maximum(wanted, least) / size - FEW) * size, 0.0)
    # Gains are added up from the position to each lot; those beyond the level are losses.
    ends = position + down, position + up
    worth = np.zeros(state.height)
    for part in (np.arange(PARTS) + 0.5) / PARTS:
        worth += _gain(state, np.ceil(ends[0] + part * (ends[1] - ends[0])))
    return np.asarray(np.where(worth > 0.0, up, down))


def _rests(state: pl.DataFrame, stock: Floats) -> tuple[Floats, Floats]:
    """Return expected units left and missing at the end for a stock (n,): sum of P(D < k) over k <= stock."""
    mean, sd = state["expected_qty"].to_numpy(), state["sd_qty"].to_numpy()
    held = np.maximum(stock, 0.0)
    left = np.zeros(len(held))
    for part in (np.arange(2 * PARTS) + 0.5) / (2 * PARTS):
        left += _below(held * part, mean, sd)
    left *= held / (2 * PARTS)
    left = np.clip(left, np.maximum(held - mean, 0.0), held)
    return left, np.maximum(mean - stock + left, 0.0)


def _sentence() -> pl.Expr:
    """Return the last buy in words."""
    end, last = (pl.col(name).dt.to_string("%Y-%m-%d") for name in ("end_date", "last_order_date"))
    buy, level, expected = (
        pl.col(name).round(0).cast(pl.Int64).cast(pl.String)
        for name in ("buy_qty", "level_qty", "expected_qty")
    )
    what = (
        pl.when(pl.col("kind") == "end_of_supply")
        .then(pl.format("supply ends, and stock must last until {}", end))
        .otherwise(pl.format("demand ends on {}", end))
    )
    why = pl.format("{}; {} expected until then, and a stock of {} is worth having", what, expected, level)
    act = (
        pl.when(pl.col("status") == "too_late")
        .then(pl.format("No order is of use after {}", last))
        .when(pl.col("buy_qty") <= 0)
        .then(pl.lit("Buy no more"))
        .when(pl.col("status") == "due")
        .then(pl.format("Last buy of {} by {}", buy, last))
        .otherwise(pl.format("Buy no more than {} until {}", buy, last))
    )
    return pl.format("{}: {}.", act, why)
