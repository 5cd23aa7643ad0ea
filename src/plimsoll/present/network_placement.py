"""A guaranteed-service placement in words and figures."""

from typing import Any

import polars as pl

from plimsoll.domain.network_result import PlacementResult
from plimsoll.present.network_words import kind_order, kind_words
from plimsoll.present.numbers import count, days, money, number, percent

BOUNDS = {
    "normal": "the normal bound, mean demand and z spreads of it",
    "quantile": "the quantile of each point's own law of demand",
}


def placement_sentences(result: PlacementResult) -> list[str]:
    """Return what the placement costs, against two simple ones, and what is proved of it."""
    totals, currency = result.totals, result.network.currency
    cost = money(totals.cost, currency)
    said = [
        f"Each place quotes a time that it keeps, and holds what {BOUNDS[result.demand_bound]} at "
        f"{percent(result.service)} asks for meanwhile; more than that is expedited.",
        f"Placed at least cost, safety stock of {money(totals.value, currency)} costs {cost} a year; with "
        f"every place holding for itself {money(totals.each_holds, currency)} "
        f"({_more(totals.each_holds, totals.cost)}), with "
        f"stock only where there are customers {money(totals.customers_hold, currency)} "
        f"({_more(totals.customers_hold, totals.cost)}).",
        _proof(result),
    ]
    if totals.late:
        wait = "has" if totals.late == 1 else "have"
        said.append(
            f"{count(totals.late, 'point')} that may not hold stock {wait} customers, who wait for the "
            "lead time."
        )
    return said


def _more(other: float, cost: float) -> str:
    return f"{percent(other / cost - 1.0)} more" if cost > 0 else "the same"


def _proof(result: PlacementResult) -> str:
    totals = result.totals
    least = money(totals.bound, result.network.currency)
    bound = f"no placement costs less than {least} (gap {_gap(totals.gap)})"
    share = percent(totals.proven / totals.networks, 0) if totals.networks else "100 %"
    return (
        f"Proved best: {totals.proven:,} of {count(totals.networks, 'network')} ({share}), besides "
        f"{count(totals.single, 'single point')}; {bound}; {number(totals.seconds, 1)} seconds."
    )


def _gap(gap: float) -> str:
    """Return a gap as a share.

    Examples
    --------
    >>> _gap(1e-12), _gap(0.0123)
    ('0 %', '1.23 %')
    """
    return "0 %" if gap < 1e-8 else percent(gap, 2)


def placement_lines(result: PlacementResult) -> list[list[str]]:
    """Return by kind of place: points, how many hold, safety stock and its cost a year."""
    found = (
        result.table.with_columns(kind=result.network.echelon())
        .group_by("kind")
        .agg(pl.len(), pl.col("holds").sum(), pl.col("safety_value", "cost_per_year").sum())
        .sort(kind_order("kind"), "kind")
    )
    currency = result.network.currency
    return [
        [
            kind_words(row["kind"]), f"{row['len']:,}", f"{row['holds']:,}",
            money(row["safety_value"], currency), money(row["cost_per_year"], currency),
        ]
        for row in found.to_dicts()
    ]  # fmt: skip


def largest(result: PlacementResult, top: int) -> list[list[str]]:
    """Return the places that hold although nobody but places of ours draws on them, the dearest first."""
    found = result.table.filter(reason="decouples").sort(
        "cost_per_year", descending=True, maintain_order=True
    )
    currency = result.network.currency
    return [
        [
            f"{row['item_id']} @ {row['location_id']}",
            *(days(row[f"{name}_days"]) for name in ("inbound", "service", "net")),
            *(money(row[name], currency) for name in ("safety_value", "cost_per_year")),
        ]
        for row in found.head(top).to_dicts()
    ]


def placement_data(result: PlacementResult) -> dict[str, Any]:
    """Return the placement as data, all its rows included."""
    totals = result.totals
    return {
        "run_id": result.run_id,
        "plan_id": result.network.run_id,
        "currency": result.network.currency,
        "service": result.service,
        "demand_bound": result.demand_bound,
        "cost_per_year": totals.cost,
        "bound_per_year": totals.bound,
        "gap": totals.gap,
        "each_holds_per_year": totals.each_holds,
        "customers_hold_per_year": totals.customers_hold,
        "safety_value": totals.value,
        "networks": totals.networks,
        "proven": totals.proven,
        "single": totals.single,
        "late": totals.late,
        "seconds": totals.seconds,
        "network_placement": result.table.to_dicts(),
    }
