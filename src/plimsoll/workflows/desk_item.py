"""All about one stocking point, put together from the frames of the desk."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_result import Bin, Fan, History, ItemView, Row
from plimsoll.domain.errors import did_you_mean
from plimsoll.domain.people import Person, scoped
from plimsoll.maths.ragged import Floats
from plimsoll.replenish.ahead import Paths, demand_ahead, stock_ahead
from plimsoll.workflows.desk_lists import as_rows, plain
from plimsoll.workflows.desk_snapshot import Snapshot
from plimsoll.workflows.desk_work import Work
from plimsoll.workflows.explain import Waterfalls, waterfalls

WEEKS_AHEAD, SHARE = 13, 0.8
MOST_ROWS, MOST_BINS = 200, 24
NOT_TO_COME = ("refused", "expired")
ORDERED = ("purchase", "transfer", "production")
MOVED = ("transshipment", "return")
NEW_DATE = ("expedite", "postpone")
OF_EARLY = ("item_id", "to_location_id", "quantity", "pulled_forward")
OF_WATERFALLS = ("planning_point", "demand_estimate", "policy", "outlook", "obsolescence")


def item_view(work: Work, item_id: str, location_id: str, who: Person) -> ItemView:
    """Return all that is known of a stocking point; raises Unknown where it is none or out of scope."""
    shot = work.snapshot
    place = scoped(shot.places(item_id), who).filter(pl.col("location_id").cast(pl.String) == location_id)
    if place.is_empty():
        what = f"There is no item '{item_id[:80]}' at '{location_id[:80]}'."
        raise Unknown(what, remedy=_near(shot, item_id, who))
    point = int(place["row"][0])
    rows = {name: _row(frame, point) for name, frame in shot.point_tables.items()}
    lists = _lists(work, item_id, location_id)
    day = shot.head.as_of
    assert day is not None  # noqa: S101 - a snapshot is of a plan
    starts, values = shot.past.of(point)
    quantities = [None if np.isnan(value) else float(value) for value in values]
    known = as_rows(place.drop("row"))[0]
    estimate = rows["demand_estimate"]
    forecast, stock, ordered = None, None, None
    if estimate.get("mean_per_day_est") is not None and known["planned"]:
        forecast, stock, ordered = _ahead(estimate, known, lists, day)
    steps = _waterfalls(work, item_id, location_id, point)
    return ItemView(
        run_id=shot.head.run_id,
        as_of=day,
        currency=shot.head.currency,
        item_id=item_id,
        location_id=location_id,
        point=known,
        rows=rows,
        lists=lists,
        history=History(shot.past.bucket, tuple(starts), tuple(quantities)),
        forecast=forecast,
        stock=stock,
        stock_with_orders=ordered,
        lead_time_days=_bins(lists["receipts"], known["from_location_id"]),
        level_steps=tuple(steps.level),
        level_qty=steps.level_qty,
        order_steps=tuple(steps.order),
        order_qty=steps.order_qty,
        places=tuple(as_rows(scoped(shot.places(item_id), who).drop("row"))),
    )


def _waterfalls(work: Work, item_id: str, location_id: str, point: int) -> Waterfalls:
    """Return how the level of a point comes about, and how today's order follows from it."""
    shot = work.snapshot
    item = shot.number[item_id]
    tables = {name: shot.point_tables[name].slice(point, 1) for name in OF_WATERFALLS}
    few = {name: _at(shot.tables[name].of(item), location_id) for name in ("recommendation", "last_time_buy")}
    few["line"] = _at(work.lines.frame.select(pl.col(OF_EARLY).gather(work.line_rows_of(item))), location_id)
    return waterfalls({name: plain(frame) for name, frame in (tables | few).items()})


def _near(shot: Snapshot, item_id: str, who: Person) -> str:
    """Return a hint at what the person may see: the item's places, or the nearest item."""
    places = scoped(shot.places(item_id), who)["location_id"].to_list()
    if places:
        return f"It is kept at {', '.join(map(str, places[:5]))}."
    # A hint must not tell of items out of a person's scope, and looking through all takes long.
    if who.locations is not None or who.categories is not None or len(shot.number) > 20_000:
        return "Look it up in the list of items."
    return did_you_mean(item_id[:80], shot.number) or "Look it up in the list of items."


def _row(frame: pl.DataFrame, number: int) -> Row:
    return frame.row(number, named=True)


def _lists(work: Work, item_id: str, location_id: str) -> dict[str, list[Row]]:
    """Return the rows of tables with several rows a point that concern it; each at most `MOST_ROWS`."""
    shot = work.snapshot
    item = shot.number[item_id]
    found = {name: _at(table.of(item), location_id) for name, table in shot.tables.items()}
    arcs = shot.tables["network_arc"].of(item)
    feeds = arcs.filter(pl.col("from_location_id").cast(pl.String) == location_id)
    found["network_fed"] = feeds.filter(pl.col("location_id").cast(pl.String) != location_id)
    found["receipts"] = found["receipts"].sort("received_date", descending=True)
    found["plan_change"] = _at(shot.changes.of(item), location_id)
    here = pl.any_horizontal(
        pl.col(name).cast(pl.String) == location_id for name in ("to_location_id", "from_location_id")
    )
    own = pl.col("item_id").cast(pl.String) == item_id
    rows = work.line_rows_of(item)
    found["lines"] = work.lines.frame.select(pl.all().gather(rows)).filter(here)
    found["decisions"] = work.states.filter(own, here).sort("decided_at", descending=True)
    parts = shot.parts.filter(own, pl.col("location_id").cast(pl.String) == location_id)
    ids = parts["exception_id"].cast(pl.String).unique().implode()
    found["exceptions"] = shot.exceptions.filter(pl.col("exception_id").is_in(ids))
    return {name: as_rows(frame.head(MOST_ROWS)) for name, frame in found.items()}


def _at(frame: pl.DataFrame, location_id: str) -> pl.DataFrame:
    """Return the rows of a place, and those of no place of their own."""
    place = next((name for name in ("to_location_id", "location_id") if name in frame.columns), None)
    if place is None or frame.is_empty():
        return frame
    return frame.filter(pl.col(place).is_null() | (pl.col(place).cast(pl.String) == location_id))


def _ahead(estimate: Row, point: Row, lists: dict[str, list[Row]], day: date) -> tuple[Fan, Fan, Fan]:
    """Return demand by week, and stock at the ends of weeks without and with today's lines."""
    days = [7.0 * week for week in range(1, WEEKS_AHEAD + 1)]
    dates = tuple(day + timedelta(days=int(ahead)) for ahead in days)
    total = demand_ahead(estimate, days, SHARE)
    weekly = _weekly(estimate, days)
    there = (point["on_hand_qty"] or 0.0) - (point["backlog_qty"] or 0.0)
    coming = [(_arrival(order, day), order["quantity"]) for order in lists["arrival_risk"]]
    lost = point["unmet_demand_eff"] == "lost"
    paths = [
        stock_ahead(there, _by_week(events, day), total, is_lost=lost)
        for events in (coming, [*coming, *_from_lines(lists, point["location_id"], day)])
    ]
    return _fan(dates, weekly), _fan(dates, paths[0]), _fan(dates, paths[1])


def _weekly(estimate: Row, days: list[float]) -> Paths:
    """Return demand of each week: the bounds are those of a week alone, as expected in that week."""
    mean = np.diff(demand_ahead(estimate, [0.0, *days], SHARE)[0])
    alone = [
        demand_ahead(estimate | {"mean_per_day_est": each / 7.0, "coming_qty": None}, [7.0], SHARE)
        for each in mean
    ]
    return mean, np.array([low[0] for _, low, _ in alone]), np.array([high[0] for _, _, high in alone])


def _arrival(order: Row, day: date) -> date:
    """Return when an open order is expected: when due, or if that is past or unknown by its lead time."""
    due = order["due_date"]
    if due is not None and due > day:
        return due  # type: ignore[no-any-return]
    return max(order["arrival_median_date"] or day, day + timedelta(days=1))


def _from_lines(lists: dict[str, list[Row]], here: str, day: date) -> list[tuple[date, float]]:
    """Return what today's lines bring and take, with the state they are in."""
    orders = {(order["order_id"], order["line"]): order for order in lists["arrival_risk"]}
    events: list[tuple[date, float]] = []
    for line in lists["lines"]:
        kind, quantity, when = line["kind"], line["quantity_eff"], line["date_eff"]
        if line["status"] in NOT_TO_COME:
            continue
        if kind in (*ORDERED, *MOVED):
            is_in = line["to_location_id"] == here
            events.append((when if is_in else line["order_date"], quantity if is_in else -quantity))
        elif order := orders.get((line["order_id"], line["order_line"])):
            events.append((_arrival(order, day), -quantity))
            events += [(when, quantity)] if kind in NEW_DATE and when else []
    return events


def _by_week(events: Iterable[tuple[date | None, float]], day: date) -> Floats:
    """Return the units that come in each coming week; what comes on its last day counts in it."""
    found = np.zeros(WEEKS_AHEAD)
    for when, quantity in events:
        week = max(((when or day) - day).days - 1, 0) // 7
        if week < WEEKS_AHEAD:
            found[week] += quantity
    return found


def _fan(dates: tuple[date, ...], paths: Paths) -> Fan:
    mean, low, high = (tuple(path.tolist()) for path in paths)
    return Fan(dates, mean, low, high, SHARE)


def _bins(receipts: list[Row], source: Any) -> tuple[Bin, ...]:
    """Return how many receipts of the lane in force took how many days, in bins of equal width."""
    taken = [
        (row["received_date"] - row["ordered_date"]).days
        for row in receipts
        if row["from_location_id"] == source and row["ordered_date"] is not None
    ]
    days = [each for each in taken if each >= 0]
    if not days:
        return ()
    low, high = min(days), max(days)
    width = next(step for step in (1, 2, 5, 7, 14, 28, 56, 112, 10_000) if (high - low) // step < MOST_BINS)
    counts = np.bincount((np.array(days) - low // width * width) // width)
    return tuple(Bin(low // width * width + place * width, int(n)) for place, n in enumerate(counts))
