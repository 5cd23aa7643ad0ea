"""How stranded stock becomes cash: one action a stocking point by declared rules, and what bleeds off."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.capital_result import ACTIONS, BLEED, ROUTES, STAYS
from plimsoll.domain.tables import table
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.health import KEY


@dataclass(frozen=True, slots=True)
class Terms:
    """What each action brings, as shares: of cost, or for a discount of price; uplift: extra demand by it."""

    transfer_cost_share: float
    return_share: float
    discount_share: float
    discount_uplift: float
    scrap_share: float


def months_ahead(as_of: date, n: int) -> pl.DataFrame:
    """Return month 1 to n from a day, the last day of each (`until`), and the days passed by then (`days`).

    Examples
    --------
    >>> months_ahead(date(2026, 10, 31), 2).rows()
    [(1, datetime.date(2026, 11, 30), 30.0), (2, datetime.date(2026, 12, 31), 61.0)]
    """
    month = pl.int_range(1, n + 1, eager=True).alias("month")
    until = pl.lit(as_of).dt.offset_by(pl.format("{}mo", "month"))
    frame = pl.DataFrame(month).with_columns(until=until)
    return frame.with_columns(days=(pl.col("until") - pl.lit(as_of)).dt.total_days().cast(pl.Float64))


def routed(
    points: pl.DataFrame,
    health: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    moves: pl.DataFrame,
    obsolescence: pl.DataFrame,
    terms: Terms,
    params: CapitalParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the points with stranded cash, each with its action.

    With E units above need, demand μ a day, D days of the plan, cost c, price p and R = max(E − μD, 0), the
    first rule that holds decides::

        move_today            the plan moves m units away today      transfer min(E, m), less the move's cost
        life_cycle            demand may be over                     its best action, on at most E units
        no_demand             all of E is dead                       scrap E
        demand_suffices       R = 0                                  none: it bleeds off
        cheaper_than_keeping  cq − b < keeping q                     discount q = min(R, uplift μD), where
                              b = (1−d)pq − dp min(μD, on hand)      keeping = h c q (E − R/2) / μ / 365.25
        keeping_is_cheaper    else                                   none: R stays

    Where demand may be over, μ counts that chance.

    Parameters
    ----------
    points, health, demand_estimate, moves, obsolescence : tables planning_point, inventory_health,
        demand_estimate, move and obsolescence of a plan
    terms : what actions bring
    params : months of the plan
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        KEY, cost, extra_qty (E), rate (μ), action (unknown without), why, action_qty, brings (money).
    """
    horizon = float(months_ahead(as_of, params.release_months)["days"][-1])
    state = _state(points, health, demand_estimate, moves, obsolescence)
    cost, price, extra, rate = pl.col("cost"), pl.col("price"), pl.col("extra_qty"), pl.col("rate")
    rest = (extra - rate * horizon).clip(0.0)
    sold = pl.min_horizontal(rest, terms.discount_uplift * rate * horizon)
    given_up = terms.discount_share * price * pl.min_horizontal(rate * horizon, "on_hand_qty")
    brings = (1.0 - terms.discount_share) * price * sold - given_up
    years = (extra - rest / 2.0) / rate / DAYS_PER_YEAR
    keeping = pl.col("holding_rate_eff") * cost * sold * years
    warned = pl.col("life_action").is_in(ACTIONS) & (pl.col("life_qty") > 0)
    why = (
        pl.when(pl.col("move_qty") > 0)
        .then(pl.lit("move_today"))
        .when(warned)
        .then(pl.lit("life_cycle"))
        .when((pl.col("dead_value") > 0) | (rate <= 0))
        .then(pl.lit("no_demand"))
        .when(rest <= 0)
        .then(pl.lit("demand_suffices"))
        .when((sold > 0) & (cost * sold - brings < keeping))
        .then(pl.lit("cheaper_than_keeping"))
        .otherwise(pl.lit("keeping_is_cheaper"))
    )
    by_why = {"move_today": "transfer", "no_demand": "scrap", "cheaper_than_keeping": "discount"}
    wanted = {"move_today": "move_qty", "life_cycle": "life_qty", "no_demand": "extra_qty"}
    chosen = state.with_columns(why=why, sold=sold, discount_brings=brings).with_columns(
        action=pl.when(pl.col("why") == "life_cycle")
        .then("life_action")
        .otherwise(pl.col("why").replace_strict(by_why, default=None, return_dtype=pl.String)),
        wanted_qty=pl.coalesce(
            *(pl.when(pl.col("why") == name).then(column) for name, column in wanted.items()),
            pl.when(pl.col("why") == "cheaper_than_keeping").then("sold"),
            pl.lit(0.0),
        ),
    )
    return _with_money(chosen.with_columns(action_qty=pl.min_horizontal("wanted_qty", "extra_qty")), terms)


def _state(
    points: pl.DataFrame,
    health: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    moves: pl.DataFrame,
    obsolescence: pl.DataFrame,
) -> pl.DataFrame:
    """Return the points with stranded cash and all that the rules look at."""
    away = moves.group_by("item_id", location_id="from_location_id").agg(
        move_qty=pl.col("quantity").sum(), move_cost=pl.col("cost").sum()
    )
    lives = obsolescence.select(
        *KEY,
        "grade",
        survival="mean_per_day_survival",
        life_action="action",
        life_qty="action_qty",
        life_value="action_value",
    )
    return (
        health.filter(pl.col("cash_to_release") > 0)
        .select(*KEY, "on_hand_qty", "dead_value", "cash_to_release")
        .join(points.select(*KEY, "holding_rate_eff", cost="unit_cost_eff", price="unit_price_eff"), on=KEY)
        .join(demand_estimate.select(*KEY, expected="mean_per_day_est"), on=KEY, how="left")
        .join(away, on=KEY, how="left")
        .join(lives, on=KEY, how="left")
        .with_columns(
            pl.col("expected", "move_qty", "move_cost", "life_qty").fill_null(0.0),
            pl.col("grade").fill_null("none"),
            extra_qty=pl.col("cash_to_release") / pl.col("cost"),
        )
        .with_columns(
            rate=pl.when(pl.col("grade") == "none")
            .then("expected")
            .otherwise(pl.min_horizontal("expected", "survival"))
        )
        .sort(KEY)
    )


def _with_money(chosen: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Return what each action brings."""
    at_cost, share = pl.col("action_qty") * pl.col("cost"), pl.col("action_qty") / pl.col("wanted_qty")
    is_move = pl.col("why") == "move_today"
    brings = {
        "transfer": pl.when(is_move)
        .then(at_cost - pl.col("move_cost") * share)
        .otherwise((1.0 - terms.transfer_cost_share) * at_cost),
        "return": terms.return_share * at_cost,
        "discount": pl.when(pl.col("why") == "life_cycle")
        .then(pl.col("life_value") * share)
        .otherwise("discount_brings"),
        "scrap": terms.scrap_share * at_cost,
    }
    told = pl.coalesce(*(pl.when(pl.col("action") == name).then(money) for name, money in brings.items()))
    columns = ("cost", "extra_qty", "rate", "action", "why", "action_qty")
    return chosen.with_columns(brings=told.fill_null(0.0)).select(*KEY, *columns, "brings")


def release_plan(route: pl.DataFrame, params: CapitalParams, *, as_of: date) -> pl.DataFrame:
    """Return when stranded cash is released: the action in its month, the rest as demand eats it.

    Of the units without an action min(rest, μ d) have left after d days, for above the level nothing is
    bought; what has not left by the last month stays. The values add up to the cash to release.

    Parameters
    ----------
    route : as of `routed`
    params : month of each action, and months of the plan
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        Table `release`. Freed plus lost is the value, except where it stays.
    """
    months = months_ahead(as_of, params.release_months)
    month_of = {name: getattr(params, f"{name}_month") for name in ACTIONS}
    acted = route.filter(pl.col("action_qty") > 0).select(
        *KEY,
        route="action",
        month=pl.col("action").replace_strict(month_of, return_dtype=pl.Int64),
        quantity="action_qty",
        value=pl.col("action_qty") * pl.col("cost"),
        freed="brings",
    )
    left = route.with_columns(rest=pl.col("extra_qty") - pl.col("action_qty")).filter(pl.col("rest") > 0)
    gone = pl.min_horizontal("rest", pl.col("rate") * pl.col("days"))
    monthly = (
        left.join(months, how="cross", maintain_order="left")
        .with_columns(gone=gone)
        .with_columns(quantity=pl.col("gone") - pl.col("gone").shift().over(KEY).fill_null(0.0))
        .filter(pl.col("quantity") > 0)
        .select(
            *KEY,
            "month",
            "quantity",
            route=pl.lit(BLEED),
            value=pl.col("quantity") * pl.col("cost"),
            freed=pl.col("quantity") * pl.col("cost"),
        )
    )
    last = float(months["days"][-1])
    kept = (
        left.with_columns(quantity=(pl.col("rest") - pl.col("rate") * last).clip(0.0))
        .filter(pl.col("quantity") > 0)
        .select(*KEY, "quantity", route=pl.lit(STAYS), value=pl.col("quantity") * pl.col("cost"), freed=0.0)
    )
    rows = pl.concat([acted, monthly, kept], how="diagonal").join(
        months.select("month", "until"), on="month", how="left"
    )
    stays = pl.col("route") == STAYS
    lost = pl.when(stays).then(0.0).otherwise(pl.col("value") - pl.col("freed"))
    return table("release").conform(rows.with_columns(lost=lost))


def release_totals(release: pl.DataFrame) -> pl.DataFrame:
    """Return value, freed and lost by route and month, with the points concerned, routes in their order."""
    order = pl.col("route").replace_strict({name: n for n, name in enumerate(ROUTES)}, return_dtype=pl.Int64)
    return (
        release.sort(KEY)
        .group_by("route", "month", "until", maintain_order=True)
        .agg(
            n_points=pl.len().cast(pl.Int64),
            **{name: pl.col(name).sum() for name in ("value", "freed", "lost")},
        )
        .sort(order, "month")
    )
