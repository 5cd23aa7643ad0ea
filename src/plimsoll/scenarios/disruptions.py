"""The disruptions that every company has to reckon with: suppliers out, lanes slow, customers in a hurry."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from plimsoll.domain.disruptions import Disruption
from plimsoll.domain.scenarios import Change
from plimsoll.scenarios.params import ScenarioParams

YEAR = timedelta(days=365)


def usual_disruptions(
    tables: Mapping[str, pl.DataFrame], demand: pl.DataFrame, params: ScenarioParams, *, as_of: date
) -> tuple[Disruption, ...]:
    """Return each supplier out, each lane slow, and each of the largest customers asking for more.

    Parameters
    ----------
    tables : planning_point of the plan
    demand : table `demand`, for the customers: by what they asked for in the last year at price or else cost
    params : how long, how much, and how likely
    as_of : day of knowledge
    """
    points = tables["planning_point"].filter("planned")
    bought = points.filter(supply_kind="purchase")
    found = [
        Disruption(
            f"{name} out", params.outage_per_year, Change("outage", days=params.outage_days, from_=name)
        )
        for name in bought["from_location_id"].unique().sort()
    ]
    ways = points.filter(pl.col("supply_kind") != "production").select("from_location_id", "location_id")
    found += [
        Disruption(
            f"{source} > {place} slow",
            params.slow_per_year,
            Change("delay", factor=params.slow_factor, from_=source, location=place),
        )
        for source, place in ways.unique().sort("from_location_id", "location_id").iter_rows()
    ]
    last = as_of + timedelta(days=round(params.surge_days))
    first, factor = as_of + timedelta(days=1), params.surge_factor
    return tuple(found) + tuple(
        Disruption(
            f"{name} asks for more",
            params.surge_per_year,
            Change("demand", factor, customer=name, start=first, end=last),
        )
        for name in _largest(demand, tables["planning_point"], params.top_customers, as_of)
    )


def _largest(demand: pl.DataFrame, points: pl.DataFrame, most: int, as_of: date) -> list[str]:
    prices = points.select("item_id", "location_id", "unit_price_eff")
    return (
        demand.filter(
            pl.col("customer_id").is_not_null(), pl.col("date") > as_of - YEAR, pl.col("quantity") > 0
        )
        .join(prices, on=["item_id", "location_id"])
        .group_by("customer_id")
        .agg(value=(pl.col("quantity") * pl.col("unit_price_eff")).sum())
        .sort(pl.col("value").round(2), "customer_id", descending=[True, False])
        .head(most)["customer_id"]
        .to_list()
    )
