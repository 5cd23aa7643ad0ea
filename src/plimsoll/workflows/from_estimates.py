"""The stages from estimates to orders, as the plan and every scenario over it call them."""

from datetime import date

import polars as pl

from plimsoll import lifecycle, network, policy, replenish, targets
from plimsoll.domain.tables import table
from plimsoll.workflows.settings import Settings

Tables = dict[str, pl.DataFrame]


def assign_targets(
    points: pl.DataFrame, estimates: pl.DataFrame, settings: Settings
) -> tuple[pl.DataFrame, policy.Allocation]:
    """Return the targets by rule, and those that meet a goal of the portfolio, if one is set."""
    by_rule = targets.assign(points, estimates, settings.targets)
    return by_rule, policy.allocate(points, estimates, by_rule, settings.targets, settings.policy)


def size_together(
    points: pl.DataFrame,
    estimates: pl.DataFrame,
    target: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
    known: Tables,
    *,
    as_of: date,
) -> tuple[network.Network, network.Sized]:
    """Return the network, and the policies of its places together or, if so set, of each alone."""
    connected = network.build(points, lead_times, estimates, known, settings.network, as_of=as_of)
    return connected, size_connected(connected, points, estimates, target, lead_times, settings)


def size_connected(
    connected: network.Network,
    points: pl.DataFrame,
    estimates: pl.DataFrame,
    target: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
) -> network.Sized:
    """Return the policies of places of a network together or, if so set, of each alone."""
    if settings.network.model == "alone":
        policies = policy.size(points, estimates, target, settings.policy, lead_times)
        return network.Sized(policies, table("network_service").empty(), target, ())
    given = (points, estimates, target, lead_times, settings.policy)
    return network.size(*given, stages=connected.stages)


def orders_of_today(
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimates: pl.DataFrame,
    policies: pl.DataFrame,
    ends: Tables,
    known: Tables,
    settings: Settings,
    *,
    as_of: date,
) -> replenish.Recommendations:
    """Return today's orders, moves and outlook by the policies, limited where an item or its supply ends.

    `ends` : tables last_time_buy, obsolescence
    """
    return replenish.recommend(
        points,
        lead_times,
        estimates,
        lifecycle.limit_orders(policies, ends["last_time_buy"], ends["obsolescence"]),
        known["stock"],
        known["open_orders"],
        settings.replenish,
        as_of=as_of,
        bom=known["bom"],
    )


def lines_of(
    tables: Tables,
    facts: Tables,
    params: replenish.ReplenishParams,
    trust: pl.DataFrame | None = None,
    *,
    as_of: date,
) -> Tables:
    """Return all that is proposed for today: what to do with open orders, suppliers' orders, and the lines.

    `facts` : items, lanes and supplier_terms; `trust` : grades of a check of the forecasts, if there is one
    """
    limited = lifecycle.limit_orders(tables["policy"], tables["last_time_buy"], tables["obsolescence"])
    known = tables | facts | {"policy": limited}
    changes = replenish.order_changes(known, params, as_of=as_of)
    built = replenish.supplier_orders(known, facts["supplier_terms"], params, as_of=as_of)
    proposals = replenish.Proposals(
        tables["recommendation"], tables["move"], changes, built.pulled, built.waiting
    )
    evidence = replenish.Evidence(
        tables["planning_point"],
        tables["target"],
        tables["lead_time_estimate"],
        tables["demand_estimate"],
        tables["readiness"],
        trust,
    )
    lines = replenish.lines(proposals, evidence, as_of=as_of)
    return {"order_change": changes, "supplier_order": built.order, "line": lines}


def with_verdict(orders: pl.DataFrame, ready: pl.DataFrame) -> pl.DataFrame:
    """Return the orders with what the audit says of their points."""
    verdict = ready.select("item_id", to_location_id="location_id", readiness="verdict")
    keys = ["item_id", "to_location_id"]
    return orders.drop("readiness").join(verdict, on=keys, how="left", maintain_order="left")
