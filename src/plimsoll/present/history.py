"""What estimates count otherwise than it is on record: demand put right, and demand made by production."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.results import PlanResult
from plimsoll.domain.tables import table
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, money, percent, quantity
from plimsoll.present.view import described

KINDS = table("history_change").column("kind").choices
POINT = ("item_id", "location_id")
TOP_COMPONENTS = 10


@dataclass(frozen=True, slots=True)
class Change:
    """Days or periods of history put right for one reason, with the largest of them as example."""

    kind: str
    reason: str
    rows: int
    points: int
    before: str
    after: str
    example: str


@dataclass(frozen=True, slots=True)
class Component:
    """One component whose demand follows from the making of its parents."""

    item: str
    description: str
    at: str
    quantity: str
    value: str
    parents: str


@dataclass(frozen=True, slots=True)
class Components:
    """Components with most money in their dependent demand, over how many weeks, and how many in all."""

    sentence: str
    lines: list[Component]


def changes(changed: pl.DataFrame) -> list[Change]:
    """Return what was put right in the history, by kind and reason; what a person refused does not count.

    Parameters
    ----------
    changed : table `history_change`, of a plan or of one stocking point

    Examples
    --------
    >>> from datetime import date
    >>> row = {"item_id": "A", "location_id": "DC1", "date": date(2026, 3, 2), "kind": "censored"}
    >>> row |= {"reason": "sold_out", "before": 4.0, "after": 9.5, "refused": False}
    >>> line, = changes(pl.DataFrame([row]))
    >>> line.kind, line.reason, line.example
    ('Demand that empty shelves hid', 'sold out', 'A at DC1, 2026-03-02: 4 on record, 9.5 counted')
    """
    size = (pl.col("after") - pl.col("before")).abs()
    largest = changed.filter(~pl.col("refused")).sort(-size, *POINT, "date", maintain_order=True)
    grouped = largest.group_by("kind", "reason", maintain_order=True).agg(
        pl.len().alias("rows"),
        pl.struct(POINT).n_unique().alias("points"),
        pl.col(*POINT, "date").first(),
        pl.col("before", "after").first().name.prefix("largest_"),
        pl.col("before", "after").sort().sum(),
    )
    order = pl.col("kind").replace_strict({kind: n for n, kind in enumerate(KINDS)}, return_dtype=pl.Int64)
    return [
        Change(
            kind=label("history", row["kind"]),
            reason=label("seen", row["reason"]),
            rows=row["rows"],
            points=row["points"],
            before=quantity(row["before"]),
            after=quantity(row["after"]),
            example=f"{row['item_id']} at {row['location_id']}, {row['date']}: "
            f"{quantity(row['largest_before'])} on record, {quantity(row['largest_after'])} counted",
        )
        for row in grouped.sort(order, -pl.col("rows").cast(pl.Int64), "reason").to_dicts()
    ]


def components(plan: PlanResult, top: int = TOP_COMPONENTS) -> Components:
    """Return the components whose demand production makes, most money first."""
    dependent = plan["dependent_demand"]
    if dependent.is_empty():
        return Components("", [])
    cost = plan["planning_point"].select(*POINT, "unit_cost_eff")
    summed = (
        dependent.sort(*POINT, "start")
        .group_by(*POINT, maintain_order=True)
        .agg(pl.col("mean_qty").sum(), pl.col("period_days").sum(), pl.col("parents").drop_nulls().first())
        .join(cost, on=POINT, how="left", maintain_order="left")
        .with_columns(value=pl.col("mean_qty") * pl.col("unit_cost_eff"))
    )
    ranked = summed.sort("value", "mean_qty", descending=True, nulls_last=True, maintain_order=True)
    lines = [
        Component(
            item=row["item_id"],
            description=row["description"] or "",
            at=row["location_id"],
            quantity=quantity(row["mean_qty"], row["unit"]),
            value=money(row["value"] or None, plan.currency),
            parents=parents(row["parents"]),
        )
        for row in described(plan, ranked.head(top), "location_id").to_dicts()
    ]
    weeks = round(float(summed["period_days"].to_numpy().max()) / 7)
    value = float(summed["value"].sum())
    worth = f" worth {money(value, plan.currency)}" if value > 0 else ""
    part = f", the {len(lines)} with most money" if summed.height > len(lines) else ""
    return Components(
        f"{count(summed.height, 'component')} at a place: the making of parents is expected to take units"
        f"{worth} in the coming {count(weeks, 'week')}{part}.",
        lines,
    )


def parents(text: str | None) -> str:
    """Return parents with their shares in words.

    Examples
    --------
    >>> parents("P-1:0.75;P-2:0.25"), parents(None)
    ('P-1 (75 %), P-2 (25 %)', '')
    """
    pairs = (pair.rsplit(":", 1) for pair in (text or "").split(";") if pair)
    return ", ".join(f"{name} ({percent(float(share), 0)})" for name, share in pairs)
