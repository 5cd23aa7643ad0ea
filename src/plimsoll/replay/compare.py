"""Rules side by side: the figures with their intervals, and where the difference comes from."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR, PERIOD_DAYS, Bucket
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.replay.intervals import interval, resample
from plimsoll.replay.params import ReplayParams

DIFFERENCE, RECORDED = "difference", "recorded"
FEW = 1e-9


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as a ratio of two sums over items (over 1 without the second), and its promise likewise."""

    unit: str
    top: str
    bottom: str
    definition: str
    promise: tuple[str, str] | None = None


FIGURES = {
    "inventory_value": Figure("money", "inventory", "", "Mean stock at the end of a period, at cost."),
    "fill_rate": Figure(
        "share", "served", "asked",
        "Customers' demand served from stock in the period that asked, at price. Recorded: shipped by the "
        "promised day, or in the period that asked.",
    ),
    "turns": Figure(
        "per year", "cogs", "inventory",
        "Customers' demand served, of a year at cost, over mean stock. Recorded: units shipped, or else "
        "asked for.",
    ),
    "expedite_spend": Figure(
        "money per year", "expedite", "",
        "Each stock-out that begins is expedited once, at the cost of the lane, for every rule alike. "
        "Recorded: freight of expedited receipts.",
    ),
    "cycle_service": Figure(
        "share", "good_cycles", "cycles",
        "Replenishment cycles without a stock-out, of points with a promise where the rule makes any.",
        ("cycles_promised", "cycles"),
    ),
    "unit_service": Figure(
        "share", "held_served", "held_asked",
        "All demand served from stock in its period, at price, of points with a promise where the rule "
        "makes any.",
        ("held_promised", "held_asked"),
    ),
    "line_fill_rate": Figure(
        "share", "full_lines", "lines", "Customers' order lines served in full from stock in their period."
    ),
    "period_service": Figure(
        "share", "full_periods", "demand_periods", "Periods with demand in which stock served all of it."
    ),
    "orders": Figure("orders per year", "orders", "", "Replenishment orders placed."),
}  # fmt: skip
OF_RULES = (
    "inventory", "cogs", "asked", "served", "expedite", "cycles", "good_cycles", "cycles_promised",
    "held_asked", "held_served", "held_promised", "lines", "full_lines", "demand_periods", "full_periods",
    "orders",
)  # fmt: skip


def by_item(ledger: pl.DataFrame, bucket: Bucket) -> pl.DataFrame:
    """Return the sums behind the figures of one rule, one row an item in key order.

    Parameters
    ----------
    ledger : table `ledger` of one rule
    bucket : length of a period, to count by the year
    """
    years = pl.col("periods") * (PERIOD_DAYS[bucket] / DAYS_PER_YEAR)
    cost, price, share = pl.col("unit_cost"), pl.col("unit_price"), pl.col("customer_share")
    cycled, held = (_promised_at(ledger, name) for name in ("cycle_service_est", "fill_rate_est"))
    sums = ledger.with_columns(
        inventory=pl.col("on_hand_mean_qty") * cost,
        cogs=(pl.col("served_qty") + pl.col("paid_back_qty")) * share * cost / years,
        asked=pl.col("demand_qty") * share * price,
        served=pl.col("served_qty") * share * price,
        expedite=pl.col("shortages") * pl.col("expedite_cost") / years,
        cycles=pl.col("cycles") * cycled,
        good_cycles=pl.col("good_cycles") * cycled,
        cycles_promised=pl.col("cycles") * pl.col("cycle_service_est"),
        held_asked=pl.col("demand_qty") * price * held,
        held_served=pl.col("served_qty") * price * held,
        held_promised=pl.col("demand_qty") * price * pl.col("fill_rate_est"),
        orders=pl.col("orders") / years,
    )
    known = [
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in OF_RULES
    ]
    return sums.group_by("item_id").agg(known).sort("item_id")


def _promised_at(ledger: pl.DataFrame, name: str) -> pl.Expr:
    """Return 1 where there is a promise and else 0; 1 everywhere for a rule that makes none."""
    makes_any = ledger[name].is_not_null().any()
    return (pl.col(name).is_not_null() if makes_any else pl.lit(value=True)).cast(pl.Float64)


def figures(
    ledger: pl.DataFrame,
    rules: tuple[str, ...],
    past: pl.DataFrame,
    bucket: Bucket,
    params: ReplayParams,
    *,
    seed: int,
) -> pl.DataFrame:
    """Return the table `replay_figure`: every rule, what the records say, and the first rule less the second.

    Parameters
    ----------
    ledger : table `ledger` of all rules, on the same points
    rules : names in order; the first two are compared
    past : what the records say, from `past.recorded`
    bucket : length of a period
    params : number of resamples
    seed : seed of the resamples

    Notes
    -----
    Rules are resampled on the same draws of items, so the interval of a difference is paired.
    """
    items = ledger.select("item_id").unique().sort("item_id")
    frames = {rule: by_item(ledger.filter(pl.col("rule") == rule), bucket) for rule in rules}
    frames[RECORDED] = items.join(past, on="item_id", how="left", maintain_order="left")
    names = [(rule, column) for rule, frame in frames.items() for column in frame.columns[1:]]
    matrix = np.column_stack([floats(frames[rule][column]) for rule, column in names])
    sums = dict(zip(names, matrix.sum(axis=0).tolist(), strict=True)) if len(items) else {}
    drawn = resample(matrix, params.resamples, seed).sums
    resampled = {name: drawn[:, at] for at, name in enumerate(names)}
    unknown = {(rule, column) for rule, column in names if frames[rule][column].null_count() == len(items)}
    rows = []
    for name, figure in FIGURES.items():
        values = {}
        for rule in frames:
            needed = {(rule, column) for column in (figure.top, figure.bottom) if column}
            if needed & unknown or not needed <= sums.keys():
                rows.append(_row(name, rule, figure, None, None))
                continue
            value = _ratio({key: np.array([sums[key]]) for key in needed}, rule, figure)
            values[rule] = (value, _ratio(resampled, rule, figure))
            rows.append(
                _row(name, rule, figure, *values[rule], promised=_promised(sums, unknown, rule, figure))
            )
        if len(rules) > 1 and set(rules[:2]) <= values.keys():
            (one, many), (other, others) = values[rules[0]], values[rules[1]]
            rows.append(_row(name, DIFFERENCE, figure, one - other, many - others))
    n = ledger.filter(pl.col("rule") == rules[0]).height
    counted = int(past["n_counted"].sum() or 0)
    frame = pl.DataFrame(rows, schema={**table("replay_figure").schema, "n_points": pl.Int64()})
    is_count = (pl.col("rule") == RECORDED) & pl.col("figure").is_in(["inventory_value", "turns"])
    return table("replay_figure").conform(
        frame.with_columns(n_points=pl.when(is_count).then(counted).otherwise(n))
    )


def floats(column: pl.Series) -> Floats:
    """Return a column as numbers, 0 where it is not known."""
    return np.asarray(column.cast(pl.Float64).fill_null(0.0).to_numpy(), dtype=np.float64)


def _ratio(sums: dict[tuple[str, str], Floats], rule: str, figure: Figure) -> Floats:
    top = sums[rule, figure.top]
    if not figure.bottom:
        return top
    bottom = sums[rule, figure.bottom]
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > FEW))


def _promised(
    sums: dict[tuple[str, str], float], unknown: set[tuple[str, str]], rule: str, figure: Figure
) -> float | None:
    if figure.promise is None:
        return None
    top, bottom = ((rule, column) for column in figure.promise)
    if top not in sums or top in unknown or sums[bottom] <= FEW:
        return None
    return sums[top] / sums[bottom]


def _row(
    name: str,
    rule: str,
    figure: Figure,
    value: Floats | None,
    drawn: Floats | None,
    *,
    promised: float | None = None,
) -> dict[str, object]:
    ends = interval(drawn) if drawn is not None else [None] * 4
    known = None if value is None or not np.isfinite(value[0]) else float(value[0])
    low_90, high_90, low_95, high_95 = ends if known is not None else [None] * 4
    return {
        "figure": name, "rule": rule, "unit": figure.unit, "value": known,
        "low_90": low_90, "high_90": high_90, "low_95": low_95, "high_95": high_95,
        "promised": promised, "n_points": 0, "definition": figure.definition,
    }  # fmt: skip


def differences(ledger: pl.DataFrame, after: str, before: str) -> pl.DataFrame:
    """Return the table `replay_difference`: where the stock of one rule differs from that of another.

    By class of the first day; by part: `lots`, half the mean order at cost, and `buffers`, the rest (safety
    stock and timing); by direction: points with less, with more and with the same stock.

    Parameters
    ----------
    ledger : table `ledger`
    after, before : the rules compared
    """
    keys = ["item_id", "location_id"]
    stock = pl.col("on_hand_mean_qty") * pl.col("unit_cost")
    half_order = pl.when(pl.col("orders") > 0).then(pl.col("ordered_qty") / pl.col("orders") / 2)
    price = pl.col("unit_price") * pl.col("customer_share")
    parts = {}
    for name, rule in (("after", after), ("before", before)):
        parts[name] = ledger.filter(pl.col("rule") == rule).select(
            *keys,
            "abc",
            stock.alias(name),
            pl.min_horizontal(half_order.fill_null(0.0) * pl.col("unit_cost"), stock).alias(f"lots_{name}"),
            (pl.col("demand_qty") * price).alias("asked"),
            (pl.col("served_qty") * price).alias(f"served_{name}"),
        )
    both = parts["after"].join(parts["before"].drop("abc", "asked"), on=keys, validate="1:1")
    change = pl.col("after") - pl.col("before")
    direction = (
        pl.when(change < -FEW)
        .then(pl.lit("less"))
        .when(change > FEW)
        .then(pl.lit("more"))
        .otherwise(pl.lit("same"))
    )
    split = both.with_columns(direction=direction, abc=pl.col("abc").fill_null("?"))
    frames = [_grouped(split, by) for by in ("abc", "direction")]
    lots = split.select(
        pl.lit("lots").alias("group"), after="lots_after", before="lots_before",
    )  # fmt: skip
    rest = split.select(
        pl.lit("buffers").alias("group"),
        after=pl.col("after") - pl.col("lots_after"),
        before=pl.col("before") - pl.col("lots_before"),
    )
    frames.append(
        pl.concat([lots, rest])
        .group_by("group")
        .agg(
            by=pl.lit("part"),
            n_points=pl.len().cast(pl.Int64),
            inventory_before=pl.col("before").sum(),
            inventory_after=pl.col("after").sum(),
        )
    )
    found = pl.concat(frames, how="diagonal")
    change = pl.col("inventory_after") - pl.col("inventory_before")
    return table("replay_difference").conform(found.with_columns(inventory_change=change))


def _grouped(split: pl.DataFrame, by: str) -> pl.DataFrame:
    asked = pl.col("asked").sum()
    return split.group_by(group=by).agg(
        by=pl.lit(by),
        n_points=pl.len().cast(pl.Int64),
        inventory_before=pl.col("before").sum(),
        inventory_after=pl.col("after").sum(),
        fill_rate_before=pl.when(asked > FEW).then(pl.col("served_before").sum() / asked),
        fill_rate_after=pl.when(asked > FEW).then(pl.col("served_after").sum() / asked),
    )
