"""What several checks need to know of the company: costs, yearly use, the plan's view of a point."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.rows import LANE, POINT

YEAR = 365
LEVELS = 4  # places one above the other that pass demand up; deeper networks are not seen


def costs(company: Company) -> pl.DataFrame:
    """Return what a unit costs by item: the median lane price, or else the item's cost; null if unknown.

    Returns
    -------
    pl.DataFrame
        item_id, cost (money per unit), unit_price.
    """
    return company.once("costs", _costs)


def _costs(company: Company) -> pl.DataFrame:
    lanes = company.known["lanes"].filter(pl.col("unit_cost") > 0)
    paid = lanes.group_by("item_id").agg(pl.col("unit_cost").median().alias("lane_cost"))
    items = company.known["items"].select("item_id", "unit_cost", "unit_price")
    cost = pl.coalesce("lane_cost", pl.when(pl.col("unit_cost") > 0).then("unit_cost"))
    return items.join(paid, on="item_id", how="left").select("item_id", cost.alias("cost"), "unit_price")


def sources(company: Company) -> pl.DataFrame:
    """Return where each point is replenished from: the lane in force of the plan, else the first lane.

    Returns
    -------
    pl.DataFrame
        item_id, location_id, from_location_id; one row a point.
    """
    points = company.result("planning_point")
    if points.height:
        return points.select(*POINT, "from_location_id")
    lanes = company.known["lanes"].sort("priority", *LANE, nulls_last=True)
    first = lanes.unique(LANE[:2], keep="first", maintain_order=True)
    return first.select("item_id", pl.col("to_location_id").alias("location_id"), "from_location_id")


def yearly_use(company: Company) -> pl.DataFrame:
    """Return the units a year that each point needs for its own demand and for the points it feeds.

    The last 365 days count; a shorter history is scaled up. Returns do not count.

    Returns
    -------
    pl.DataFrame
        item_id, location_id, use (units per year, above 0 only).
    """
    return company.once("yearly use", _yearly_use)


def _yearly_use(company: Company) -> pl.DataFrame:
    days = pl.lit(company.as_of) - pl.col("date")
    first = company.known["demand"].select(days.dt.total_days().max()).item()
    window = max(1, min(YEAR, (first or 0) + 1))
    return _passed_up(company, _own_demand(company, days.dt.total_days() < window), 365.0 / window)


def ever_used(company: Company) -> pl.DataFrame:
    """Return the points that ever needed a unit, for themselves or for points they feed."""
    return company.once(
        "ever used", lambda company: _passed_up(company, _own_demand(company, pl.lit(value=True)), 1.0)
    ).select(POINT)


def _own_demand(company: Company, when: pl.Expr) -> pl.DataFrame:
    """Return each point's own demand in thousandths, which add up to the same figure in any order of rows."""
    thousandths = (pl.col("quantity") * 1000).round().cast(pl.Int64)
    asked = company.known["demand"].lazy().filter((pl.col("quantity") > 0) & when)
    return asked.group_by(POINT).agg(thousandths.sum().alias("use")).collect()


def _passed_up(company: Company, moving: pl.DataFrame, scale: float) -> pl.DataFrame:
    """Return demand in units with that of the points fed added, level by level."""
    points = sources(company)
    places = points.select("item_id", from_location_id="location_id")
    feeding = points.filter(pl.col("from_location_id") != pl.col("location_id"))
    feeding = feeding.join(places, on=["item_id", "from_location_id"], how="semi")
    total = [moving]
    for _ in range(LEVELS):
        moving = (
            moving.join(feeding, on=POINT)
            .group_by("item_id", pl.col("from_location_id").alias("location_id"))
            .agg(pl.col("use").sum())
        )
        total.append(moving)
    return pl.concat(total).group_by(POINT).agg(pl.col("use").sum() / 1000 * scale)


def newest_counts(company: Company) -> pl.DataFrame:
    """Return the latest stock count of each point."""
    return company.once("newest counts", _newest_counts)


def _newest_counts(company: Company) -> pl.DataFrame:
    return company.known["stock"].sort("date", *POINT).unique(POINT, keep="last", maintain_order=True)


def order_sizes(company: Company) -> pl.DataFrame:
    """Return the usual size of an order by lane, from receipts and open orders.

    Returns
    -------
    pl.DataFrame
        The lane's key, typical_qty (median units an order), largest_qty, n_orders.
    """
    return company.once("order sizes", _order_sizes)


def _order_sizes(company: Company) -> pl.DataFrame:
    key = [*LANE, "order_id"]
    parts = [company.known[name].select(*key, "quantity") for name in ("receipts", "open_orders")]
    orders = pl.concat(parts).drop_nulls(LANE).group_by(key).agg(pl.col("quantity").sum())
    size = pl.col("quantity")
    return orders.group_by(LANE).agg(typical_qty=size.median(), largest_qty=size.max(), n_orders=pl.len())


def nearest_factor(ratio: pl.Expr, factors: tuple[float, ...]) -> pl.Expr:
    """Return the factor whose logarithm is nearest to that of a ratio above 1.

    Examples
    --------
    >>> frame = pl.DataFrame({"ratio": [11.0, 130.0, 90.0]})
    >>> frame.select(nearest_factor(pl.col("ratio"), (12.0, 100.0, 144.0)))["ratio"].to_list()
    [12.0, 144.0, 100.0]
    """
    distances = [(ratio.log() - pl.lit(factor).log()).abs() for factor in factors]
    least = pl.min_horizontal(distances)
    return pl.coalesce(
        pl.when(distance == least).then(pl.lit(factor))
        for distance, factor in zip(distances, factors, strict=True)
    ).alias(ratio.meta.output_name())
