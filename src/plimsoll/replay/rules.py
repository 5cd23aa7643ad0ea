"""The rules that come with a replay: the plan's, the company's, the textbook's, and a user's function."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.rules import LEVELS, Moment
from plimsoll.replay.messages import NO_SETTINGS, REASONS

WHOLE_UNITS = 1.0  # the multiple where none is set, as in plimsoll.replenish.lots
MOST_CALLS = 2000  # of a function that fails, in search of the items at which it does


def _answer(rows: pl.DataFrame) -> pl.DataFrame:
    """Return exactly the columns of `LEVELS`; absent ones are null."""
    absent = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in LEVELS.items() if name not in rows.columns
    ]
    return rows.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in LEVELS.items())


def _multiple(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then(name).otherwise(WHOLE_UNITS).alias("order_multiple")


@dataclass(frozen=True, slots=True)
class PlanRule:
    """The plan's own policies, estimated anew at every moment by the code that makes the plan.

    Where an item ends, nothing is bought beyond the level of its last buy and nothing after its last
    order day; a last buy that is due is taken at once, up to that level. A point that the plan has given
    up, such as that of an item with a successor, orders nothing. With a `goal` the targets are those of
    the least stock that serves this share of all demand at cost.
    """

    name: str = "ours"
    is_revised: bool = True
    goal: float | None = None

    def levels(self, moment: Moment) -> pl.DataFrame:
        """Return the policies of the day."""
        position = pl.col("on_hand") + pl.col("on_order") - pl.col("backlog")
        is_due = pl.col("last_level_qty").is_not_null()
        is_over = (pl.col("last_order_date") < moment.as_of) | pl.col("policy").is_null()
        policies = moment.policy(self.goal)
        rows = moment.state.join(policies, on=KEY, how="left", maintain_order="left")
        return _answer(
            rows.with_columns(
                _multiple("order_multiple"),
                kind=pl.when(is_due).then(pl.lit("given")).otherwise(pl.col("policy").fill_null("none")),
                order_now_qty=pl.when(is_due).then((pl.col("last_level_qty") - position).clip(0.0)),
                order_limit_qty=pl.when(is_over).then(0.0),
                cycle_service_est=pl.when(pl.col("policy") != "none").then("cycle_service_est"),
                fill_rate_est=pl.when(pl.col("policy") != "none").then("fill_rate_est"),
            )
        )


@dataclass(frozen=True, slots=True)
class StaticRule:
    """The rule of an ERP: a typed lead time and a safety stock, set once at the start and left.

        s = d T + safety stock,   T = typed lead time + review,   S = s + lot

    d is the mean daily demand known on the first day; the safety stock is z sigma root T (the column
    `classic_safety_stock_qty` of the policy), or `safety_days` of mean demand.
    """

    name: str = "static"
    is_revised: bool = False
    safety_days: float | None = None

    def levels(self, moment: Moment) -> pl.DataFrame:
        """Return the levels of the first day."""
        return _answer(_static(moment, self.safety_days))


def _static(moment: Moment, safety_days: float | None) -> pl.DataFrame:
    """Return the points with the static rule's levels."""
    rows = moment.policy().select(
        *KEY,
        "min_order_qty",
        "order_multiple",
        "lot_qty",
        "classic_reorder_point_qty",
        "classic_safety_stock_qty",
        "mean_per_day_est",
    )
    reorder = pl.col("classic_reorder_point_qty")
    if safety_days is not None:
        reorder = reorder - pl.col("classic_safety_stock_qty") + safety_days * pl.col("mean_per_day_est")
    is_held = reorder > 0
    return rows.with_columns(
        _multiple("order_multiple"),
        kind=pl.when(is_held).then(pl.lit("s_S")).otherwise(pl.lit("none")),
        reorder_point_qty=reorder,
        order_up_to_qty=reorder + pl.max_horizontal("lot_qty", pl.lit(1.0)),
    )


@dataclass(frozen=True, slots=True)
class CurrentRule:
    """The minimum and maximum in the company's system: order up to the maximum at or below the minimum.

    With a maximum that is not above the minimum the rule orders up to the minimum at every review. Where
    there is neither, the static rule stands in. The settings are today's, taken back to the start.
    """

    name: str = "current"
    is_revised: bool = False
    safety_days: float | None = None

    def levels(self, moment: Moment) -> pl.DataFrame:
        """Return the company's settings."""
        low, high = pl.coalesce("current_min", pl.lit(0.0)), pl.col("current_max")
        is_pair = (high > low).fill_null(value=False)
        is_set = pl.any_horizontal(pl.col("current_min", "current_max").is_not_null())
        settings = moment.points.select(*KEY, "current_min", "current_max")
        stand_in = _static(moment, self.safety_days).drop("lot_qty")
        joined = settings.join(stand_in, on=KEY, how="left", maintain_order="left")
        own_kind = pl.when(is_pair).then(pl.lit("s_S")).otherwise(pl.lit("base_stock"))
        return _answer(
            joined.with_columns(
                kind=pl.when(is_set).then(own_kind).otherwise(pl.col("kind").fill_null("none")),
                reorder_point_qty=pl.when(is_set).then(low).otherwise("reorder_point_qty"),
                order_up_to_qty=pl.when(is_set & is_pair)
                .then(high)
                .when(is_set)
                .then(low)
                .otherwise("order_up_to_qty"),
                order_multiple=pl.col("order_multiple").fill_null(WHOLE_UNITS),
            )
        )


def without_settings(points: pl.DataFrame) -> list[Finding]:
    """Return the finding about points without minimum and maximum, at which another rule stands in."""
    bare = points.filter(pl.all_horizontal(pl.col("current_min", "current_max").is_null()))
    return [NO_SETTINGS.finding(bare.height, keys_of(bare, KEY))] if bare.height else []


@dataclass(slots=True)
class FunctionRule:
    """A function of the user's own.

    It is given a frame in key order with item_id, location_id, history (units per line of demand known,
    as a list with `days`), on_hand, on_order, backlog, min_order_qty and order_multiple, and returns a frame
    with the keys and either `quantity`, ordered at once, or `reorder_point` and `order_up_to`, in force
    until it is asked again. Minimum and multiple are applied to what it orders.

    A function that stops is asked again for half of the items, and so on, until those at which it stops
    are found; `said` holds its first complaint.
    """

    name: str
    function: Callable[[pl.DataFrame], pl.DataFrame]
    is_revised: bool = True
    said: list[str] = field(default_factory=list)

    def levels(self, moment: Moment) -> pl.DataFrame:
        """Return what the function answers, or why its answer cannot be used."""
        calls = [0]
        given = _told(moment)
        parts = self._asked(given, calls)
        answer = pl.concat(parts, how="diagonal_relaxed") if parts else given.select(KEY)
        if all("failed" in part.columns for part in parts) and parts:
            what = f"Rule '{self.name}' stopped with an error at every point: {self.said[0]}"
            raise InputError(what, remedy="Correct the function and run the replay again.")
        return _answer(self._judged(given, answer))

    def _asked(self, given: pl.DataFrame, calls: list[int]) -> list[pl.DataFrame]:
        """Return the answers by parts; a part at which the function stops has a column `failed`."""
        if given.is_empty():
            return []
        calls[0] += 1
        try:
            answer = self.function(given)
            if not isinstance(answer, pl.DataFrame) or not set(KEY) <= set(answer.columns):
                what = f"it returned {type(answer).__name__}, not a frame with item_id and location_id"
                raise TypeError(what)  # noqa: TRY301 -- judged like any error of the function itself
        except Exception as error:  # noqa: BLE001 -- a user's function may raise anything
            self.said.append(f"{type(error).__name__}: {error}".rstrip(".") + ".")
            if given.height == 1 or calls[0] >= MOST_CALLS:
                return [given.select(KEY).with_columns(failed=True)]
            half = given.height // 2
            return self._asked(given[:half], calls) + self._asked(given[half:], calls)
        else:
            return [answer]

    def _judged(self, given: pl.DataFrame, answer: pl.DataFrame) -> pl.DataFrame:
        """Return the answers as levels, with the reason where one cannot be used."""
        for name in ("quantity", "reorder_point", "order_up_to", "failed"):
            if name not in answer.columns:
                answer = answer.with_columns(pl.lit(None).alias(name))
        numbers = ["quantity", "reorder_point", "order_up_to"]
        answer = answer.select(*KEY, "failed", pl.col(numbers).cast(pl.Float64, strict=False))
        once = answer.unique(KEY, keep="none").with_columns(is_told=True)
        rows = given.select(*KEY, "min_order_qty", "order_multiple").join(
            once, on=KEY, how="left", maintain_order="left"
        )
        has_levels = pl.col("reorder_point").is_not_null() & pl.col("order_up_to").is_not_null()
        is_number = pl.col(numbers).is_null() | (pl.col(numbers).is_finite() & (pl.col(numbers) > -1e-9))
        is_sound = pl.all_horizontal(is_number) & (pl.col("quantity").is_not_null() | has_levels)
        return rows.with_columns(
            _multiple("order_multiple"),
            kind=pl.when(pl.col("quantity").is_not_null()).then(pl.lit("given")).otherwise(pl.lit("s_S")),
            reorder_point_qty="reorder_point",
            order_up_to_qty="order_up_to",
            order_now_qty="quantity",
            refused=pl.when(pl.col("failed").fill_null(value=False))
            .then(pl.lit("rule_failed"))
            .when(pl.col("is_told").is_null())
            .then(pl.lit("rule_silent"))
            .when(~is_sound.fill_null(value=False))
            .then(pl.lit("rule_nonsense")),
        )


def _told(moment: Moment) -> pl.DataFrame:
    """Return what a user's function is given."""
    lines = (
        moment.known()["demand"]
        .filter(pl.col("quantity").is_not_null())
        .sort("date", "order_id", "line")
        .group_by(KEY, maintain_order=True)
        .agg(days="date", history="quantity")
    )
    settings = moment.points.select(
        *KEY, "launch_date", min_order_qty="min_order_qty_eff", order_multiple="order_multiple_eff"
    )
    return (
        moment.state.join(settings, on=KEY, how="left", maintain_order="left")
        .join(lines, on=KEY, how="left", maintain_order="left")
        .with_columns(pl.lit(moment.as_of).alias("as_of"))
    )


def refusals(levels: pl.DataFrame) -> pl.DataFrame:
    """Return the points at which a rule's answer cannot be used: item_id, location_id, reason.

    A level that is missing or no number refuses a point too, whoever answered.
    """
    needs = pl.col("kind").is_in(["s_S", "s_nQ", "base_stock"])
    sound = pl.col("order_up_to_qty").is_finite().fill_null(value=False)
    said = pl.coalesce(
        "refused",
        pl.when(pl.col("kind").is_null()).then(pl.lit("rule_silent")),
        pl.when(needs & ~sound).then(pl.lit("rule_nonsense")),
    )
    return levels.select(*KEY, said.alias("reason")).drop_nulls("reason")


def rule_reasons() -> tuple[str, ...]:
    """Return the reasons that lie with a rule, not with the data."""
    return tuple(code for code in REASONS if code.startswith("rule_"))
