"""The VN2 inventory game on rolling windows of its own past: our orders against those of usual rules.

Every order is placed at the end of a week, knowing sales up to that week only, and serves the third week
after it. Weeks 1 and 2 of a window are the same for every rule; weeks 3 to 8 count: holding for every unit
left at the end of a week, shortage for every unit of lost sales.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial

import numpy as np
import polars as pl
from scipy.stats import norm

from plimsoll import demand, ingest, policy, replenish, supply, targets
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import table
from plimsoll.integrations import read_source
from plimsoll.maths.ragged import Floats
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.settings import Settings

Tables = dict[str, pl.DataFrame]
Rule = Callable[[int, Floats, Floats], Floats]
KEY = ["item_id", "location_id"]
# First weeks of the windows, shown apart before and from 2023 on: what helps should help in both.
WINDOWS = (
    date(2022, 4, 18),
    date(2022, 7, 4),
    date(2022, 8, 29),
    date(2022, 11, 7),
    date(2023, 1, 9),
    date(2023, 4, 17),
    date(2023, 6, 19),
    date(2023, 8, 28),
    date(2023, 11, 6),
    date(2024, 1, 1),
    date(2024, 2, 19),
)
SECOND_PART_FROM = date(2023, 1, 1)
WEEKS, ORDERS, LEAD = 8, 6, 2  # of a window; an order arrives after two full weeks
HOLDING, SHORTAGE = 0.2, 1.0  # EUR a unit left at the end of a week; a unit lost
OPENING = (1.5, 0.0, 1.1)  # weeks of demand on hand, arriving next week and in two weeks
RECENT = 8  # weeks whose mean demand is meant there
AVERAGED, COVER = 13, 4  # weeks averaged, and covered, by the organiser's rule
PAST_ORDERS = 10  # weekly orders on record, all of which took the same time
YEAR = 53
RULES = {
    "look ahead": "look_ahead",
    "projected": "projected",
    "order up to": "order_up_to",
}
SEED = 1


@dataclass(frozen=True, slots=True)
class Game:
    """Series of a shop each: first week, units (n, T) with NaN where out of stock, facts as tables."""

    start: date
    units: Floats
    facts: Tables

    def end_before(self, t: int) -> date:
        """Return the last day of the week before week t."""
        return self.start + timedelta(days=7 * t - 1)

    def week(self, day: date) -> int:
        """Return the number of the week that begins on a day."""
        return (day - self.start).days // 7


def game_of(facts: Tables) -> Game:
    """Return the game of canonical tables, with the costs and lead times that it states as facts."""
    keys = facts["stocking_points"].select(KEY).sort(KEY).with_row_index("point")
    start, last = facts["demand"].select(low=pl.col("date").min(), high=pl.col("date").max()).row(0)
    n_weeks = (last - start).days // 7 + 1
    units = np.full((keys.height, n_weeks), np.nan)
    both = facts["demand"].join(facts["availability"], on=[*KEY, "date"]).join(keys, on=KEY)
    seen = both.filter("in_stock")
    weeks = seen.select((pl.col("date") - start).dt.total_days() // 7).to_series().to_numpy()
    units[seen["point"].to_numpy(), weeks] = seen["quantity"].to_numpy()
    yearly = HOLDING * DAYS_PER_YEAR / 7
    points = facts["stocking_points"].with_columns(
        holding_rate=pl.lit(1.0), target_kind_set=pl.lit("economic")
    )
    stated = {
        "items": facts["items"].with_columns(unit_cost=pl.lit(yearly)),
        "stocking_points": points.with_columns(shortage_cost=pl.lit(SHORTAGE)),
    }
    return Game(start, units, facts | stated)


def opening(game: Game, first: int) -> tuple[Floats, Floats]:
    """Return units on hand, and units (n, 2) that arrive in the first two weeks, from the weeks before."""
    rate = _mean_seen(game.units[:, max(first - RECENT, 0) : first])
    here, *coming = (np.floor(share * rate + 0.5) for share in OPENING)
    return here, np.column_stack(coming)


def _mean_seen(units: Floats) -> Floats:
    """Return the mean (n,) of the weeks in stock, 0 where there is none."""
    seen = ~np.isnan(units)
    return np.asarray(np.where(seen, units, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1))


def played(game: Game, first: int, rule: Rule) -> tuple[float, float]:
    """Return holding and shortage, in EUR, of the weeks that count of a window that begins with a week.

    `rule` is called with the number of the first week that it does not know, units on hand (n,) and those
    that arrive in the weeks to come (n, 2). Series out of stock in a week cost nothing and ask for nothing.
    """
    here, coming = opening(game, first)
    held = lost = 0.0
    for week in range(WEEKS):
        order = rule(first + week, here, coming) if week < ORDERS else np.zeros_like(here)
        asked = game.units[:, first + week]
        seen = ~np.isnan(asked)
        there = here + coming[:, 0]
        sold = np.minimum(there, np.where(seen, asked, 0.0))
        here = there - sold
        if week >= LEAD:
            held += HOLDING * float(here[seen].sum())
            lost += SHORTAGE * float((asked - sold)[seen].sum())
        coming = np.column_stack([coming[:, 1:], order])
    return held, lost


def week_index(game: Game, known: int) -> Floats:
    """Return the mean demand of each week of the year over that of all, (54,), 1 where never seen."""
    mean = np.nanmean(game.units[:, :known], axis=0)
    number = np.array([(game.start + timedelta(days=7 * t)).isocalendar().week for t in range(known)])
    total, count = np.bincount(number, mean, YEAR + 1), np.bincount(number, minlength=YEAR + 1)
    index = np.divide(total, count, out=np.full(YEAR + 1, np.nan), where=count > 0)
    return np.asarray(np.nan_to_num(index / np.nanmean(index), nan=1.0))


def seasonal_average(game: Game, known: int, ahead: int) -> Floats:
    """Return the organiser's forecast (n, ahead): deseasonalised, averaged over 13 weeks, reseasonalised."""
    index = week_index(game, known)
    weeks = [(game.start + timedelta(days=7 * t)).isocalendar().week for t in range(known + ahead)]
    factor = index[weeks]
    level = _mean_seen((game.units[:, :known] / factor[:known])[:, -AVERAGED:])
    return np.asarray(level[:, None] * factor[known:])


def organiser(game: Game, known: int, here: Floats, coming: Floats) -> Floats:
    """Return the orders of the organiser's rule: up to four weeks of forecast."""
    level = seasonal_average(game, known, COVER).sum(axis=1)
    return np.asarray(np.maximum(np.floor(level - here - coming.sum(axis=1) + 0.5), 0.0))


def flat_cover(game: Game, known: int, here: Floats, coming: Floats) -> Floats:
    """Return the orders of a flat cover: up to four times the mean week of the last thirteen."""
    level = _mean_seen(game.units[:, max(known - AVERAGED, 0) : known])
    return np.asarray(np.maximum(np.floor(COVER * level - here - coming.sum(axis=1) + 0.5), 0.0))


def newsvendor(game: Game, known: int, here: Floats, coming: Floats) -> Floats:
    """Return the orders of the textbook: a normal law over the protection interval at the critical ratio."""
    weeks = LEAD + 1
    mean = seasonal_average(game, known, weeks).sum(axis=1)
    recent = game.units[:, max(known - 52, 0) : known]
    enough = (~np.isnan(recent)).sum(axis=1) > 1
    spread = np.where(enough, np.nan_to_num(np.nanstd(np.where(enough[:, None], recent, 0.0), axis=1)), 0.0)
    level = mean + norm.ppf(SHORTAGE / (SHORTAGE + HOLDING)) * spread * np.sqrt(weeks)
    return np.asarray(np.maximum(np.ceil(level - here - coming.sum(axis=1)), 0.0))


class Pipeline:
    """The stages of the plan, run on what is known at the end of a week."""

    def __init__(self, game: Game, settings: Settings) -> None:
        self.game = game
        self.settings = settings
        self.stages = cache(self._stages)

    def _stages(self, known: int) -> tuple[pl.DataFrame, ...]:
        """Return points, lead times, demand estimates and policies, which do not depend on stock."""
        as_of, settings = self.game.end_before(known), self.settings
        facts = ingest.known_at(self.game.facts | {"receipts": self._receipts(as_of)}, as_of)
        facts |= {name: table(name).empty() for name in ("stock", "open_orders")}
        complete = ingest.complete(facts, settings.ingest, as_of=as_of)
        points, tables = complete.points.sort(KEY), complete.tables
        lead_times = supply.estimate(tables["receipts"], complete.lanes, settings.supply, as_of=as_of)
        prepared = demand.prepare(tables, points, settings.demand, as_of=as_of)
        flags = prepared.availability
        estimates = demand.estimate(
            prepared.demand,
            points,
            lead_times,
            settings.demand,
            as_of=as_of,
            seed=SEED,
            availability=flags,
        )
        target = targets.assign(points, estimates, settings.targets)
        return points, lead_times, estimates, policy.size(points, estimates, target, settings.policy)

    def _receipts(self, as_of: date) -> pl.DataFrame:
        """Return orders of every series in the weeks before, each received two full weeks later."""
        keys = self.game.facts["stocking_points"].select("item_id", to_location_id="location_id")
        weeks = pl.DataFrame({"order_id": [f"{n}" for n in range(PAST_ORDERS)]}).with_columns(
            received_date=pl.lit(as_of) - pl.duration(days=7 * pl.int_range(pl.len())),
        )
        orders = keys.join(weeks, how="cross").with_columns(
            pl.concat_str("item_id", "to_location_id", "order_id", separator="-").alias("order_id"),
            line=pl.lit("1"),
            from_location_id=pl.lit("SUPPLIER"),
            ordered_date=pl.col("received_date") - pl.duration(days=7 * LEAD),
            quantity=pl.lit(1.0),
        )
        declared = table("receipts")
        return declared.conform(pl.concat([declared.empty(), orders], how="diagonal_relaxed"))

    def orders(self, known: int, here: Floats, coming: Floats, *, rule: str) -> Floats:
        """Return the orders of the plan with a rule for lost sales."""
        as_of = self.game.end_before(known)
        points, lead_times, estimates, policies = self.stages(known)
        keys = points.select(KEY)
        stock = keys.with_columns(date=pl.lit(as_of), on_hand=pl.Series(here), allocated=0.0, backlog=0.0)
        under_way = pl.concat(
            keys.with_columns(
                order_id=pl.int_range(pl.len()).cast(pl.String),
                line=pl.lit(str(week)),
                kind=pl.lit("purchase"),
                from_location_id=pl.lit("SUPPLIER"),
                ordered_date=pl.lit(as_of - timedelta(days=7 * (LEAD - week))),
                due_date=pl.lit(as_of + timedelta(days=7 * week + 1)),
                quantity=pl.Series(coming[:, week]),
            )
            for week in range(LEAD)
        ).rename({"location_id": "to_location_id"})
        params = self.settings.replenish.model_copy(update={"lost_sales_rule": rule})
        today = replenish.recommend(
            points, lead_times, estimates, policies, stock, under_way.filter(pl.col("quantity") > 0), params,
            as_of=as_of,
        )  # fmt: skip
        asked = keys.join(
            today.recommendation.select("item_id", "quantity", location_id="to_location_id"),
            on=KEY,
            how="left",
            maintain_order="left",
        )
        return np.asarray(asked["quantity"].fill_null(0.0).to_numpy())


def compared(game: Game, windows: tuple[date, ...], settings: Settings, progress: Progress) -> pl.DataFrame:
    """Return one row a window and rule: holding, shortage and total, EUR."""
    plan = Pipeline(game, settings)
    rules: dict[str, Rule] = {
        "organiser": partial(organiser, game),
        **{name: partial(plan.orders, rule=rule) for name, rule in RULES.items()},
        "normal newsvendor": partial(newsvendor, game),
        "flat cover": partial(flat_cover, game),
    }
    rows = []
    for done, day in enumerate(windows):
        progress(f"window of {day}", done, len(windows))
        for name, rule in rules.items():
            held, lost = played(game, game.week(day), rule)
            rows.append((day, name, held, lost, held + lost))
    return pl.DataFrame(rows, schema=["window", "rule", "holding", "shortage", "cost"], orient="row")


def _tables(costs: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the tables of the page."""
    peer = costs.filter(pl.col("rule") == "organiser").select("window", peer="cost")
    against = costs.join(peer, on="window").with_columns(ratio=pl.col("cost") / pl.col("peer"))
    wide = costs.pivot(on="rule", index="window", values="cost").with_columns(
        (pl.col("look ahead") / pl.col("organiser")).alias("look ahead / organiser")
    )
    part = pl.when(pl.col("window") < SECOND_PART_FROM).then(pl.lit("2022")).otherwise(pl.lit("from 2023 on"))
    by_rule = against.with_columns(part=part).group_by("rule", maintain_order=True)
    summary = by_rule.agg(
        pl.col("ratio").mean().alias("mean ratio to the organiser's"),
        pl.col("ratio").filter(pl.col("part") == "2022").mean().alias("windows of 2022"),
        pl.col("ratio").filter(pl.col("part") != "2022").mean().alias("from 2023 on"),
        pl.col("ratio").max().alias("worst window"),
        (pl.col("holding").sum() / pl.col("cost").sum()).alias("holding, share of cost"),
    )
    days = pl.col("window").dt.to_string("%Y-%m-%d")
    return {
        "Rules, mean over windows": summary.with_columns(pl.col(pl.Float64).round(3)),
        "Cost of weeks 3 to 8, EUR": wide.with_columns(days, pl.col(pl.Float64).round(3)),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Play every window with every rule."""
    mapping = ingest.find_mapping("vn2")
    facts = ingest.read(read_source(options.data / "vn2"), mapping).tables
    costs = compared(game_of(facts), WINDOWS, Settings(), progress)
    notes = (
        "A window is named by its first week. Every rule starts it with 1.5 weeks of mean demand of the 8 "
        "weeks before on hand, nothing arriving in its first week and 1.1 weeks in its second.",
        "Series-weeks out of stock are left out of the costs and ask for nothing.",
        "Organiser: 13-week average without week-of-year factors, these put back, order up to 4 weeks.",
        "Look ahead, projected, order up to: the pipeline with its defaults and three rules of ordering.",
        "Rules and seasons were compared on all of these windows while they were made: none is held out.",
    )
    title = "The VN2 game on rolling windows of 599 shop series: cost of our orders and of usual rules"
    return BenchmarkOutcome("vn2", title, "plimsoll bench vn2", machine(), _tables(costs), notes)
