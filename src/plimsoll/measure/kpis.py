"""The key figures of a company or its parts: ratios of sums of the ledger, each as `domain.kpis` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.kpis import ACTUAL, KPIS, Kpi, split_column
from plimsoll.domain.tables import table
from plimsoll.measure.health import KEY
from plimsoll.measure.kpi_ledger import added

COMPANY, UNKNOWN, NOTHING = "company", "unknown", "There is nothing of it in these days."
OF_PLAN = ("held_value", "excess_obsolete_value", "at_risk_value", "buffer_value", "daily_demand_value")
OF_LINES = ("lines", "full_lines", "asked_value", "served_value", "demand_value", "cogs", "sales_value")
LEVELS = {"company": "all", "category": "category", "class": "abc", "location": "location", "item": "item",
          "segment": "segment"}  # fmt: skip
GROUP = ["group", "period"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What key figures are drawn from.

    Parameters
    ----------
    ledger : table `kpi_ledger` of one source
    periods : period, days: those looked at, with the days that they tell of
    points : table `kpi_point`
    orders : table `kpi_order` of the source
    accuracy, calibration : tables of a check of the forecasts, if there is one
    replans : period, hours: an import with new facts each, to the first plan of them
    """

    ledger: pl.DataFrame
    periods: pl.DataFrame
    points: pl.DataFrame = field(default_factory=table("kpi_point").empty)
    orders: pl.DataFrame = field(default_factory=table("kpi_order").empty)
    accuracy: pl.DataFrame = field(default_factory=table("accuracy").empty)
    calibration: pl.DataFrame = field(default_factory=table("calibration").empty)
    replans: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"period": pl.Date(), "hours": pl.Float64()})
    )


def kpis(
    evidence: Evidence,
    by: str = COMPANY,
    *,
    each_period: bool = False,
    source: str = ACTUAL,
    targets: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Return the key figures of each group, over all periods together or of each period.

    What is added first: of a point, days and values over the periods; then points. So the inventory value of
    a group is the sum of the mean stock of its points, over the days that are known of each. Of figures by
    plan, the last plan of the periods counts. Figures of a year are brought to 365.25 days.

    Parameters
    ----------
    evidence : ledger and what goes with it
    by : company, category, class, variability, location, supplier, item or segment (what customers asked for
        alone); what has none is `unknown`
    each_period : each period by itself
    source : name of the ledger's source in the answer
    targets : targets by key figure

    Returns
    -------
    Table `kpi`, with a row for every figure that can be split so; value null where the data do not tell.
    """
    column = split_column(by)
    periods = evidence.periods
    rows = _grouped(evidence.ledger, evidence.points, column).join(
        periods.select("period"), on="period", how="semi"
    )
    orders = _grouped(evidence.orders, evidence.points, column).join(
        periods.select("period"), on="period", how="semi"
    )
    if by == "segment":
        told = ("asked_value", "served_value", "lines", "full_lines")
        rows = orders.with_columns(
            pl.when(pl.col("lines") > 0).then(pl.col(name)).alias(name) for name in told
        )
    if not each_period:
        rows = _last_plan(rows).with_columns(period=pl.lit(None, dtype=pl.Date))
        orders = orders.with_columns(period=pl.lit(None, dtype=pl.Date))
        days = float(periods["days"].sum())
        periods = pl.DataFrame(
            {"period": [None], "days": [days]}, schema={"period": pl.Date, "days": pl.Float64}
        )
    totals = _sums(rows, periods)
    if totals.is_empty() and by == COMPANY and not each_period:  # nothing is known of it, and that is said
        whole = pl.DataFrame({"group": [COMPANY], "period": [None]}, schema_overrides={"period": pl.Date})
        totals = whole.join(totals, on=GROUP, how="left", nulls_equal=True)
    sums = totals.join(_order_sums(orders), on=GROUP, how="left", nulls_equal=True)
    sums = sums.join(
        _forecasts(evidence, by, each_period=each_period), on=GROUP, how="left", nulls_equal=True
    )
    if by == COMPANY:
        sums = sums.join(
            _replans(evidence, each_period=each_period), on="period", how="left", nulls_equal=True
        )
    goals = targets or {}
    found = [_figure(sums, name, each, goals.get(name)) for name, each in KPIS.items() if _has(each, by)]
    return table("kpi").conform(pl.concat(found).with_columns(source=pl.lit(source), by=pl.lit(by)))


def _has(figure: Kpi, by: str) -> bool:
    """Return whether a figure can be split so at all."""
    if by == "segment":
        sums = {figure.top, figure.bottom}
        return figure.grain == "order" or sums <= {*OF_LINES} or (figure.top in ("wape", "bias"))
    if figure.grain == "run":
        return by == COMPANY
    if figure.top == "calibration_gap":
        return by in ("company", "class")
    return figure.grain != "forecast" or by in LEVELS


def _grouped(rows: pl.DataFrame, points: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the rows with the group that each belongs to."""
    if not column:
        return rows.with_columns(group=pl.lit(COMPANY))
    if column not in rows.columns and column in points.columns:
        rows = rows.join(points.select(*KEY, column), on=KEY, how="left", maintain_order="left")
    if column not in rows.columns:  # segments are known of orders alone
        return rows.with_columns(group=pl.lit(UNKNOWN))
    return rows.with_columns(group=pl.col(column).fill_null(UNKNOWN))


def _last_plan(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the figures of the last plan only."""
    names = [name for name in OF_PLAN if name in rows.columns]
    told = rows.filter(pl.any_horizontal(pl.col(names).is_not_null())) if names else rows.clear()
    last = pl.lit(told["period"].max(), dtype=pl.Date)
    return rows.with_columns(
        pl.when(pl.col("period") == last).then(pl.col(name)).alias(name) for name in names
    )


def point_sums(rows: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of each point that figures are drawn from, values as means over the days known.

    Parameters
    ----------
    rows : rows of `kpi_ledger`, as far as their columns are known, with the columns group and period that
        they are added up by
    periods : period, days: the days looked at

    Returns
    -------
    pl.DataFrame
        group, period, item_id, location_id, the sums of the ledger, and inventory: mean stock at cost over
        the days known; carrying: its cost a year; cogs_held: cost of goods sold a year, of points whose stock
        is known; expedite: money a year; watched_years.
    """
    sums = [column.name for column in table("kpi_ledger").columns if column.dtype == pl.Float64]
    missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in sums if name not in rows.columns]
    known = rows.with_columns(missing).with_columns(pl.col(sums).cast(pl.Float64)).sort(*GROUP, *KEY)
    years, held = pl.col("days") / DAYS_PER_YEAR, pl.col("stock_days") > 0
    return (
        added(known.select(*GROUP, *KEY, *sums), [*GROUP, *KEY])
        .join(periods, on="period", how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            inventory=pl.when(held).then(pl.col("stock_value_days") / pl.col("stock_days")),
            carrying=pl.when(held).then(pl.col("carrying_cost") / pl.col("stock_days") * DAYS_PER_YEAR),
            cogs_held=pl.when(held).then(pl.col("cogs").fill_null(0.0) / years),
            expedite=pl.col("expedite_cost") / years,
            watched_years=pl.col("watched_days") / DAYS_PER_YEAR,
        )
    )


def _sums(rows: pl.DataFrame, periods: pl.DataFrame) -> pl.DataFrame:
    """Return the sums that figures are ratios of, and what share of days and demand the data tell of."""
    points = point_sums(rows, periods).rename(
        {"held_value": "held", "excess_obsolete_value": "excess_obsolete", "at_risk_value": "at_risk",
         "buffer_value": "buffer", "daily_demand_value": "daily_demand"}
    )  # fmt: skip
    numbers = [name for name, kind in points.schema.items() if kind == pl.Float64]
    return (
        added(points.select(*GROUP, *numbers), GROUP)
        .with_columns(
            fill=_ratio("served_value", "asked_value"),
            of_days=_ratio("stock_days", "days").clip(0.0, 1.0),
            of_demand=_ratio("asked_value", "demand_value").clip(0.0, 1.0),
        )
        .sort(GROUP)
    )


def _ratio(top: str, bottom: str) -> pl.Expr:
    return pl.when(pl.col(bottom) > 0).then(pl.col(top) / pl.col(bottom))


def _order_sums(orders: pl.DataFrame) -> pl.DataFrame:
    """Return orders that tell of shipment, those on time and in full, and those that are perfect."""
    each = (
        orders.drop_nulls("order_id")
        .group_by(*GROUP, "order_id")
        .agg(pl.col("lines", "full_lines", "silent_lines").sum(), pl.col("returned").any())
    )
    told, full = pl.col("silent_lines") == 0, pl.col("full_lines") == pl.col("lines")
    counts = each.group_by(GROUP).agg(
        all_orders=pl.len().cast(pl.Float64),
        orders=told.sum().cast(pl.Float64),
        otif_orders=(told & full).sum().cast(pl.Float64),
        perfect_orders=(told & full & ~pl.col("returned")).sum().cast(pl.Float64),
    )
    names = ("orders", "otif_orders", "perfect_orders")
    return counts.with_columns(
        pl.when(pl.col("orders") > 0).then(pl.col(name)).alias(name) for name in names
    ).with_columns(of_orders=_ratio("orders", "all_orders"))


def _forecasts(evidence: Evidence, by: str, *, each_period: bool) -> pl.DataFrame:
    """Return the figures of a check of the forecasts by group: of all its origins, or the last a period."""
    names = ("wape", "mape", "bias", "pinball", "mase")
    checked = evidence.accuracy.filter(pl.col("level") == LEVELS.get(by, ""))
    checked = checked.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(name) for name in names if name not in checked.columns
    )
    group = (pl.lit(COMPANY) if by == COMPANY else pl.col("group")).alias("group")
    if each_period:
        starts = evidence.periods.sort("period")
        checked = (
            checked.drop_nulls("origin")
            .sort("origin")
            .join_asof(starts.select("period"), left_on="origin", right_on="period", coalesce=False)
            .drop_nulls("period")
            .unique(["group", "period"], keep="last", maintain_order=True)
            .select(*GROUP, *names)
        )
        return checked.with_columns(group, calibration_gap=pl.lit(None, dtype=pl.Float64))
    whole = checked.filter(pl.col("origin").is_null()).select(
        group, *names, period=pl.lit(None, dtype=pl.Date)
    )
    kept = {"company": "all", "class": "abc"}.get(by, "")
    own = pl.col("level").is_null() & (pl.col("service") == "units") & (pl.col("group") == kept)
    gap = evidence.calibration.filter(own).select(
        group=pl.lit(COMPANY) if by == COMPANY else pl.col("value"), calibration_gap="gap"
    )
    return whole.join(gap, on="group", how="left")


def _replans(evidence: Evidence, *, each_period: bool) -> pl.DataFrame:
    """Return the hours from new facts to a plan, added up, and how many times."""
    period = pl.col("period") if each_period else pl.lit(None, dtype=pl.Date).alias("period")
    known = evidence.replans.join(evidence.periods, on="period", how="semi").with_columns(period)
    return known.group_by("period").agg(
        replan_hours=pl.col("hours").sort().sum(), replans=pl.len().cast(pl.Float64)
    )


def _coverage(figure: Kpi) -> str | None:
    """Return the column that says of how much the data tell, for a figure that not all data may tell of."""
    parts = {figure.top, figure.bottom}
    if parts & {"inventory", "carrying"}:
        return "of_days"
    if parts & {"asked_value", "lines"}:
        return "of_demand"
    return "of_orders" if figure.grain == "order" else None


def _figure(sums: pl.DataFrame, name: str, figure: Kpi, target: float | None) -> pl.DataFrame:
    """Return one figure of every group."""
    top = pl.col(figure.top)
    bottom = pl.col(figure.bottom) if figure.bottom else pl.lit(None, dtype=pl.Float64)
    value = pl.when(bottom > 0).then(top / bottom) if figure.bottom else top
    unknown = top.is_null() | (bottom.is_null() if figure.bottom else pl.lit(value=False))
    covered = _coverage(figure)
    return sums.select(
        *GROUP,
        kpi=pl.lit(name),
        unit=pl.lit(figure.unit),
        value=value * figure.factor,
        top=top,
        bottom=bottom,
        coverage=pl.col(covered) if covered else pl.lit(None, dtype=pl.Float64),
        target=pl.lit(target, dtype=pl.Float64),
        missing=pl.when(unknown)
        .then(pl.lit(f"It needs {figure.needs}."))
        .when(value.is_null())
        .then(pl.lit(NOTHING)),
    )


def drill_down(evidence: Evidence, name: str, size: int | None = None) -> pl.DataFrame:
    """Return the rows of ledger or orders behind a figure, the largest first, of service what fell short.

    Parameters
    ----------
    evidence : ledger and what goes with it
    name : the key figure
    size : most rows; None for all
    """
    figure = KPIS[name]
    rows = evidence.orders if figure.grain == "order" else evidence.ledger
    rows = rows.join(evidence.periods.select("period"), on="period", how="semi")
    columns = BEHIND[name]
    known = rows.filter(pl.any_horizontal(pl.col(columns[:1]).is_not_null()))
    keys = [*("period", *KEY), *(("order_id", "customer_id") if figure.grain == "order" else ())]
    falls = [True] + [False] * len(keys)
    shown = known.select(*keys, *columns).sort(_weight(columns), *keys, descending=falls, nulls_last=True)
    return shown if size is None else shown.head(size)


def _weight(columns: Sequence[str]) -> pl.Expr:
    """Return what rows are ordered by: what fell short, or else the first column."""
    for whole, part in (("asked_value", "served_value"), ("lines", "full_lines")):
        if {whole, part} <= {*columns}:
            return pl.col(whole) - pl.col(part)
    return pl.col(columns[0])


# key figure -> the columns of ledger or orders that it is drawn from, the one that rows are ordered by first
STOCK = ("stock_value_days", "stock_days")
BEHIND: dict[str, tuple[str, ...]] = {
    "inventory_value": STOCK,
    "fill_rate": ("asked_value", "served_value", "asked_qty", "served_qty"),
    "turns": ("cogs", *STOCK),
    "expedite_spend": ("expedite_cost",),
    "days_of_inventory": (*STOCK, "cogs"),
    "excess_obsolete_share": ("excess_obsolete_value", "held_value"),
    "line_fill_rate": ("lines", "full_lines"),
    "otif": ("asked_value", "lines", "full_lines", "silent_lines"),
    "perfect_order_rate": ("asked_value", "lines", "full_lines", "silent_lines", "returned"),
    "stockout_frequency": ("stockouts_begun", "watched_days", "stockout_days"),
    "expedite_share": ("expedite_cost", "sales_value"),
    "service_per_million": ("served_value", "asked_value", *STOCK),
    "capital_at_risk": ("at_risk_value", "held_value"),
    "carrying_cost": ("carrying_cost", *STOCK),
    "safety_cover_days": ("buffer_value", "daily_demand_value"),
    "policy_changes": ("policy_changes", "policies"),
    "override_rate": ("lines_decided", "lines_overridden"),
}
