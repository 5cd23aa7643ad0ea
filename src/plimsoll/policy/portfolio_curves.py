"""The cost-to-service curve of the company and of its segments, and the targets chosen on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.kernels import portfolio as kernel
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.policy.at_levels import at_levels
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.portfolio_choice import Choice, least_value
from plimsoll.policy.portfolio_hulls import UNIFORM, Hulls, hulls_of
from plimsoll.policy.size import KEY
from plimsoll.targets import TargetParams

STEPS = 48  # prices of service along the curve
LOW, HIGH = 0.5, 0.9998  # goals between whose prices they lie
UNKNOWN = "unknown"
SEGMENTS = {
    "company": pl.lit("company"),
    "abc": pl.col("abc"),
    "class": pl.concat_str("abc", "xyz"),
    "category": pl.col("category"),
    "location": pl.col("location_id"),
    "criticality": pl.col("criticality"),
}


@dataclass(frozen=True, slots=True)
class Segments:
    """The groups that points are counted in.

    `numbers`: keys, and a column of numbers for each grouping of `SEGMENTS`; `names`: number, by, segment;
    `about`: the points in words.
    """

    numbers: pl.DataFrame
    names: pl.DataFrame
    about: pl.DataFrame

    def sums(self, keys: pl.DataFrame, amounts: Floats) -> Floats:
        """Return the sums (G, K) of amounts (n, K) of these points."""
        at = keys.join(self.numbers, on=KEY, how="left", maintain_order="left").drop(KEY).to_numpy()
        out = np.zeros((self.names.height, amounts.shape[1]))
        for column in at.T:
            for k in range(amounts.shape[1]):
                out[:, k] += np.bincount(column, amounts[:, k], minlength=len(out))
        return out


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A company's points with their curves, ready to be asked.

    `now`: what the plan's levels promise, by its name in table `cost_curve` (`at_levels.at_levels`).
    """

    hulls: Hulls
    segments: Segments
    now: dict[str, pl.DataFrame]


def segments_of(points: pl.DataFrame, target: pl.DataFrame) -> Segments:
    """Return the segments of planning points: the company first, then by class, category and place."""
    about = points.select(*KEY, "category").join(
        target.select(*KEY, "abc", "xyz", "criticality"), on=KEY, how="left", maintain_order="left"
    )
    named = about.select(*KEY, **{by: of.fill_null(UNKNOWN) for by, of in SEGMENTS.items()})
    long = named.unpivot(list(SEGMENTS), index=KEY, variable_name="by", value_name="segment")
    order = pl.col("by").replace_strict({by: at for at, by in enumerate(SEGMENTS)}, return_dtype=pl.Int64)
    names = long.select("by", "segment").unique().sort(order, "segment").with_row_index("number")
    numbers = named.select(KEY)
    for by in SEGMENTS:
        of = names.filter(by=by).select("number", pl.col("segment").alias(by))
        joined = named.select(by).join(of, on=by, how="left", maintain_order="left")
        numbers = numbers.with_columns(joined["number"].cast(pl.Int64).alias(by))
    return Segments(numbers, names, about)


def portfolio_of(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    levels: Mapping[str, pl.DataFrame],
    params: TargetParams,
    sizing: PolicyParams,
) -> Portfolio:
    """Return a company's points with their curves.

    Parameters
    ----------
    points, demand_estimate, target, params, sizing : as of `plimsoll.policy.allocate`
    levels : name of a curve -> the levels there, as of `at_levels.at_levels`
    """
    segments = segments_of(points, target)
    given = (points, demand_estimate, target)
    hulls = hulls_of(*given, params, sizing, segments.numbers)
    return Portfolio(
        hulls, segments, {name: at_levels(*given, each, params, sizing) for name, each in levels.items()}
    )


def cost_curves(portfolio: Portfolio, chosen: Choice | None) -> pl.DataFrame:
    """Return table `cost_curve`: what service costs in stock, of the company and of every segment.

    The optimised curve is the set of least stock + price x weighted demand short over prices of service:
    each step has the same price everywhere, so that the segments of a grouping add up to the company, and
    no levels of a segment with the service of a step have less stock.

    Parameters
    ----------
    portfolio : from `portfolio_of`
    chosen : the targets chosen, shown as a step of their own; None for none

    Edge cases: planned points at which nothing is held count as short. Without demand there is no curve.
    """
    hulls, segments = portfolio.hulls, portfolio.segments
    idle = segments.sums(hulls.idle_points.select(KEY), hulls.idle_points.select("demanded").to_numpy())

    def summed(picked: list[Ints]) -> tuple[Floats, Floats]:
        short = [hulls.demanded * hulls.short[at] for at in picked]
        value = [hulls.values * hulls.stock[at] for at in picked]
        both = segments.sums(hulls.points.select(KEY), np.column_stack([*short, *value]))
        return both[:, : len(picked)] + idle, both[:, len(picked) :]

    prices, frames = _prices(hulls), []
    if len(prices):
        best = summed([hulls.at_price(price) for price in prices])
        frames.append(_rows("optimised", *best, price=prices))
    if chosen:
        frames.append(_rows("chosen", *summed([chosen.vertices]), price=np.array([chosen.price])))
    uniform = np.zeros((segments.names.height, *hulls.uniform.shape[1:]))
    uniform[: len(hulls.uniform)] = hulls.uniform  # the last segments may hold nothing
    frames.append(_rows("single_target", uniform[:, 0] + idle, uniform[:, 1], target=UNIFORM))
    for name, now in portfolio.now.items():
        amounts = now.select(pl.col("demanded") * pl.col("short"), "stock_value").to_numpy()
        sums = segments.sums(now.select(KEY), amounts)
        frames.append(_rows(name, sums[:, :1], sums[:, 1:]))
    one = hulls.points.with_columns(n=1.0), hulls.idle_points.with_columns(n=1.0)
    every = pl.concat([frame.select(*KEY, "n", "demanded") for frame in one])
    totals = pl.DataFrame(
        segments.sums(every.select(KEY), every.select("n", "demanded").to_numpy()),
        schema=["n_points", "demanded"],
    )
    known = segments.names.hstack(totals).filter(pl.col("n_points") > 0)
    return _told(pl.concat(frames).join(known, on="number", how="inner", maintain_order="left"))


def _prices(hulls: Hulls) -> Floats:
    """Return rising prices of service along the curve, empty without demand."""
    high = least_value(hulls, HIGH).price
    low = least_value(hulls, LOW).price
    if not hulls.total > 0.0 or not high > 0.0:
        return np.empty(0)
    return np.geomspace(low if 0.0 < low < high else high * 1e-6, high, STEPS)


def _rows(
    curve: str, short: Floats, value: Floats, *, price: Floats | None = None, target: Floats | None = None
) -> pl.DataFrame:
    """Return the rows of one curve from sums (G, K) of weighted demand short and inventory value."""
    groups, steps = short.shape
    given = {"shadow_price": price, "target": target}
    return (
        pl.DataFrame(
            {
                "number": np.repeat(np.arange(groups), steps),
                "step": np.tile(np.arange(steps), groups),
                "short": short.ravel(),
                "inventory_value": value.ravel(),
                **{name: np.tile(each, groups) for name, each in given.items() if each is not None},
            },
            schema_overrides={"number": pl.UInt32},
        )
        .with_columns(
            *(pl.lit(None, dtype=pl.Float64).alias(name) for name, each in given.items() if each is None),
            curve=pl.lit(curve),
        )
        .select("number", "curve", "step", "short", "inventory_value", "shadow_price", "target")
    )


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    demanded, value = pl.col("demanded"), pl.col("inventory_value")
    asked = pl.when(demanded > 0)
    service = (1.0 - pl.col("short") / demanded).clip(0.0, 1.0)
    told = rows.with_columns(
        service=asked.then(service), next_point_value=asked.then(pl.col("shadow_price") * demanded * 0.01)
    ).with_columns(service_per_value=pl.when(value > 0).then(pl.col("service") / value))
    return table("cost_curve").conform(told.select(table("cost_curve").names))


def service_choices(portfolio: Portfolio, chosen: Choice, plan: str = "plan") -> pl.DataFrame:
    """Return table `service_choice`: the fill rate chosen for every point, beside that of the plan.

    Parameters
    ----------
    portfolio : from `portfolio_of`
    chosen : the targets
    plan : which of the levels in force are those of the plan
    """
    hulls, at = portfolio.hulls, chosen.vertices
    is_least = at == hulls.bounds[:-1]
    is_fixed = hulls.rules == kernel.FIXED
    is_floor = is_least & ((hulls.rules == kernel.FLOOR) | (hulls.floors > 0.0)) & ~is_fixed
    there = hulls.points.select(KEY).with_columns(
        fill_rate_chosen=pl.Series(hulls.fill[at]),
        stock_chosen_value=pl.Series(hulls.values * hulls.stock[at]),
        floor_service=pl.Series(hulls.floors),
        kept=pl.Series(np.select([is_fixed, is_floor], ["person", "floor"], "")),
    )
    now = portfolio.now[plan].select(*KEY, fill_rate_now="fill_rate", stock_now_value="stock_value")
    told = (
        portfolio.segments.about.join(there, on=KEY, how="left", maintain_order="left")
        .join(now, on=KEY, how="left", maintain_order="left")
        .filter(pl.col("fill_rate_chosen").is_not_null() | pl.col("fill_rate_now").is_not_null())
        .with_columns(pl.col("^(fill_rate|stock)_.*$").fill_null(0.0))
        .with_columns(
            change_value=pl.col("stock_chosen_value") - pl.col("stock_now_value"),
            kept=pl.when(pl.col("kept") != "").then("kept"),
            floor_service=pl.when(pl.col("floor_service") > 0).then("floor_service"),
        )
    )
    names = table("service_choice").names
    return table("service_choice").conform(told.sort(-pl.col("change_value").abs(), *KEY).select(names))
