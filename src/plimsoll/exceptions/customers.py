"""Customers who ask for more or less than they used to, over all that they buy."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.exceptions.chance import thinned
from plimsoll.exceptions.params import ExceptionParams

POINT = ["item_id", "location_id"]
BASE_DAYS = 364  # before the window: whole weeks, each season once
LEAST_DAYS = 91  # of history before the window, below which there is no usual
MOST_USUAL = 5.0  # usual lines that one line counts as at most: one large order is no change of level
PARTS = (1 / 3, 2 / 3, 1.0)
MEDIAN_SD = 0.6744897501960817  # median of the size of a standard normal deviate
LEAST_SD = 2.0  # standard deviations below which a change is not looked at closer
FOUND = {
    "customer_id": pl.String(),
    "expected": pl.Float64(),
    "came": pl.Float64(),
    "p_value": pl.Float64(),
    "odds": pl.Float64(),
    "since": pl.Date(),
    "factor": pl.Float64(),
    "n_items": pl.Int64(),
}


def changed_customers(demand: pl.DataFrame, params: ExceptionParams, *, as_of: date) -> pl.DataFrame:
    """Return the customers whose demand changed its level lately, beyond chance.

        w = min(quantity / mean quantity of the item, 5)          usual lines that a line counts as
        p = P(sum w B >= n),  B = 1 with chance s = f t / (f t + T)        (`chance.thinned`)

    n usual lines came in the last t days, T are the days before; f is how much more all other customers ask
    for lately, so that season and holidays are nobody's change. If nothing changed, each line of the customer
    fell into the window with chance s, as large as it is: large lines make the long tail that they do in
    life. phi is how much wider than that the customer's own weeks scattered before, as lines come together,
    at least as the ordinary customer's; and by how much more ordinary customers are off in this very window.
    Windows of a third, two thirds and the whole of `window_days`; the level `false_alarm` is shared equally
    among all customers and windows.

    Parameters
    ----------
    demand : table `demand` as known on the day; lines without a customer tell nothing here
    params : options
    as_of : day of knowledge; later lines are not read

    Returns
    -------
    pl.DataFrame
        Columns of `FOUND`, one row a customer: `factor` is demand lately by what it would be.
    """
    start = as_of - timedelta(days=params.window_days)
    lines = _lines(demand, start, as_of)
    first = lines["date"].min() if lines.height else None
    if not isinstance(first, date) or (start - first).days < LEAST_DAYS:
        return pl.DataFrame(schema=FOUND)
    base_days = min(BASE_DAYS, (start - first).days + 1)
    lines = lines.filter(pl.col("date") > start - timedelta(days=base_days))
    base, late = lines.filter(pl.col("date") <= start), lines.filter(pl.col("date") > start)
    usual = base.group_by("customer_id").agg(before=pl.col("w").sort().sum()).sort("customer_id")
    wide = _scatter(base, usual, start, base_days)
    days = [round(params.window_days * part) for part in PARTS]
    tests = pl.concat(_tested(lines, wide, start, n, base_days, as_of) for n in days)
    return _raised(tests, late, params, as_of)


def _lines(demand: pl.DataFrame, start: date, as_of: date) -> pl.DataFrame:
    """Return customers' lines of the window and before it, each in usual lines of its item."""
    recent = demand.filter(
        pl.col("date").is_between(start - timedelta(days=BASE_DAYS), as_of, closed="right"),
        pl.col("customer_id").is_not_null(),
        pl.col("quantity") > 0,
        pl.col("kind").fill_null("sale") == "sale",
    ).select("date", *POINT, "customer_id", "quantity")
    before = pl.col("quantity").filter(pl.col("date") <= start).mean().over("item_id")
    usual = pl.coalesce(before, pl.col("quantity").mean().over("item_id"))
    return recent.with_columns(w=(pl.col("quantity") / usual).clip(0.0, MOST_USUAL))


def _scatter(base: pl.DataFrame, usual: pl.DataFrame, start: date, base_days: int) -> pl.DataFrame:
    """Return the customers with how much wider their weeks scatter than if each line came by itself."""
    n_weeks = base_days // 7
    week = (pl.lit(start) - pl.col("date")).dt.total_days() // 7
    own = (
        base.with_columns(week=week)
        .filter(pl.col("week") < n_weeks)
        .group_by("customer_id", "week")
        .agg(n=pl.col("w").sort().sum(), of_lines=(pl.col("w") ** 2).sort().sum())
        .group_by("customer_id")
        .agg(
            mean=pl.col("n").sort().sum() / n_weeks,
            squares=(pl.col("n") ** 2).sort().sum() / n_weeks,
            of_lines=pl.col("of_lines").sort().sum() / n_weeks,
        )
        .sort("customer_id")
        .with_columns(phi=(pl.col("squares") - pl.col("mean") ** 2) / pl.col("of_lines"))
    )
    middle = own["phi"].median()
    ordinary = max(middle, 1.0) if isinstance(middle, float) else 1.0
    known = own.select("customer_id", phi=pl.max_horizontal("phi", pl.lit(ordinary)))
    return usual.join(known, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("phi").fill_null(ordinary)
    )


def _tested(
    lines: pl.DataFrame, wide: pl.DataFrame, start: date, days: int, base_days: int, as_of: date
) -> pl.DataFrame:
    """Return each customer's demand of a window against what was to be expected, and its chance."""
    late = pl.col("date") > as_of - timedelta(days=days)
    looked = lines.filter(late | (pl.col("date") <= start))
    came = looked.group_by("customer_id").agg(
        came=pl.col("w").filter(late).sort().sum(), squares=(pl.col("w") ** 2).sort().sum()
    )
    both = wide.join(came, on="customer_id", how="left", maintain_order="left")
    others = (pl.col("came").sum() - pl.col("came")) / (pl.col("before").sum() - pl.col("before"))
    level = pl.when(others.is_finite() & (others > 0)).then(others).otherwise(days / base_days)
    both = both.with_columns(expected=pl.col("before") * level, share=level / (1.0 + level))
    total = pl.col("before") + pl.col("came")
    sd = (pl.col("squares") * pl.col("phi") * pl.col("share") * (1.0 - pl.col("share"))).sqrt()
    both = both.with_columns(off=pl.col("came") - total * pl.col("share"))
    # How far ordinary customers are off in this very window: demand that moves for longer than a week, and
    # items that come and go, are nobody's change (the empirical null of Efron 2004).
    usual_off = both.select((pl.col("off") / sd).abs().median() / MEDIAN_SD).item()
    wider = max(usual_off, 1.0) if isinstance(usual_off, float) and np.isfinite(usual_off) else 1.0
    both = both.with_columns(phi=pl.col("phi") * wider**2)
    unlike = both.filter(pl.col("off").abs() > LEAST_SD * wider * sd).with_row_index("row")
    # A deficit is an excess of what stayed before.
    up = pl.col("off") > 0
    cases = unlike.select(
        share=pl.when(up).then("share").otherwise(1.0 - pl.col("share")),
        came=pl.when(up).then("came").otherwise("before"),
        phi="phi",
    )
    each = looked.join(unlike.select("customer_id", "row"), on="customer_id").sort("row", "w")
    chance = thinned(
        each["w"].to_numpy(),
        each["row"].cast(pl.Int64).to_numpy(),
        *(cases[name].to_numpy() for name in ("share", "came", "phi")),
    )
    told = unlike.select("customer_id", p_value=pl.Series(np.minimum(2.0 * chance, 1.0), dtype=pl.Float64))
    return both.join(told, on="customer_id", how="left", maintain_order="left").select(
        "customer_id", "expected", "came", pl.col("p_value").fill_null(1.0), days=pl.lit(days, dtype=pl.Int64)
    )


def _raised(tests: pl.DataFrame, late: pl.DataFrame, params: ExceptionParams, as_of: date) -> pl.DataFrame:
    """Return the customers whose change chance does not explain, by their clearest window."""
    n_tests = tests.height
    factor = pl.col("came") / pl.col("expected")
    found = (
        tests.with_columns(factor=factor)
        .filter(
            pl.col("p_value") < params.false_alarm / n_tests,
            (pl.col("factor") - 1.0).abs() >= params.change_share,
        )
        .sort("p_value", "days", "customer_id")
        .unique("customer_id", keep="first", maintain_order=True)
        .sort("customer_id")
    )
    bought = late.group_by("customer_id").agg(n_items=pl.col("item_id").n_unique().cast(pl.Int64))
    since = pl.lit(as_of) - pl.duration(days=pl.col("days"))
    return (
        found.join(bought, on="customer_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("n_items").fill_null(0),
            odds=1.0 / (pl.col("p_value") * n_tests).clip(1e-6),
            since=since.cast(pl.Date),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in FOUND.items())
    )


def extra_demand(
    demand: pl.DataFrame, changed: pl.DataFrame, params: ExceptionParams, *, as_of: date
) -> pl.DataFrame:
    """Return what the changed customers ask for more (or less) than before at each point, units a day.

        extra = usual rate of the customer at the point x (factor - 1)

    The usual rate is that of the year before the window. Returns customer_id, item_id, location_id,
    `extra_per_day` and `usual_per_day` (units a day).
    """
    start = as_of - timedelta(days=params.window_days)
    lines = _lines(demand, start, as_of)
    first = lines["date"].min() if lines.height else None
    if changed.is_empty() or not isinstance(first, date):
        keys = {name: pl.String() for name in ("customer_id", *POINT)}
        return pl.DataFrame(schema=keys | {"usual_per_day": pl.Float64(), "extra_per_day": pl.Float64()})
    days = max(min(BASE_DAYS, (start - first).days + 1), 1)
    return (
        lines.filter(pl.col("date") <= start)
        .join(changed.select("customer_id", "factor"), on="customer_id")
        .group_by("customer_id", *POINT)
        .agg(usual_per_day=pl.col("quantity").sort().sum() / days, factor=pl.col("factor").first())
        .with_columns(extra_per_day=pl.col("usual_per_day") * (pl.col("factor") - 1.0))
        .drop("factor")
        .sort("customer_id", *POINT)
    )
