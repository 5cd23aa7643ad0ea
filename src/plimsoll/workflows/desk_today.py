"""What the desk answers at a glance: the day's page, what waits, and the search box."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import polars as pl

from plimsoll.domain.decisions import TO_SEND
from plimsoll.domain.desk_result import Count, Found, Head, Row, TodayView
from plimsoll.domain.exceptions import NEWS
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person, scoped
from plimsoll.store import jobs, outbox
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.desk_lists import as_rows
from plimsoll.workflows.desk_load import NO_PLAN
from plimsoll.workflows.desk_work import Work

TWENTY, NEWS_SHOWN, CHANGES_SHOWN, PARTS_SHOWN, JOBS_SHOWN, FOUND_SHOWN = 20, 5, 20, 60, 10, 8
AT_WORK = ("queued", "running")
# name, list, the question, and the column of money that goes with it
COUNTS: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("to decide", "recommendations", {"status": "proposed"}, "value"),
    ("to approve", "recommendations", {"status": "submitted"}, "value_eff"),
    ("to send", "recommendations", {"status": ",".join(TO_SEND)}, "value_eff"),
    ("open exceptions", "exceptions", {"status": "open"}, "money_lost"),
    ("to release", "cash", {}, "cash_to_release"),
    ("late orders", "orders", {"overdue_days__gt": "0"}, "order_value"),
    ("errors in the data", "findings", {"severity": "error"}, "money_at_risk"),
)


def today(work: Work | None, workspace: Workspace, head: Head, who: Person, at: datetime) -> TodayView:
    """Return what a person opens the day with; without a plan only what is under way."""
    under_way = tuple(
        jobs.jobs(workspace, at=at, size=JOBS_SHOWN).filter(pl.col("status").is_in(AT_WORK)).to_dicts()
    )
    pending = tuple(outbox.deliveries(workspace, pending=True).to_dicts())
    if work is None or head.as_of is None:
        return TodayView(head, 0, (), 0.0, 0.0, None, (), {}, 0, NO_PLAN, (), under_way, pending)
    shot = work.snapshot
    of_items = shot.lists["items"].select(Query(), who).sums
    worked = work.shown("exceptions", who)
    twenty = worked.page(Query.read({"status": "open", "size": str(TWENTY)}, worked.columns), who)
    first = [row["exception_id"] for row in twenty.rows]
    asked = {"status": "open", "kind": ",".join(NEWS), "size": str(TWENTY + NEWS_SHOWN)}
    news = worked.page(Query.read(asked, worked.columns), who).rows
    changes = shot.lists["changes"].page(Query(size=CHANGES_SHOWN), who)
    return TodayView(
        head=head,
        age_days=max((at.date() - head.as_of).days, 0),
        counts=tuple(_counts(work, who)),
        money_at_risk=of_items["money_at_risk"],
        cash_to_release=of_items["cash_to_release"],
        readiness=shot.readiness,
        exceptions=tuple(twenty.rows),
        parts=_parts(work, first, who),
        n_exceptions=twenty.total,
        exceptions_missing=worked.missing,
        changes=tuple(changes.rows),
        news=tuple(row for row in news if row["exception_id"] not in first)[:NEWS_SHOWN],
        jobs=under_way,
        deliveries=pending,
    )


def waiting(work: Work, who: Person) -> dict[str, int]:
    """Return how many lines and exceptions wait for somebody."""
    names = ("to decide", "to approve") if who.may("approve") else ("to decide",)
    found = {each.name: each.n for each in _counts(work, who, {*names, "open exceptions"})}
    return {
        "recommendations": sum(found.get(name, 0) for name in names),
        "exceptions": found.get("open exceptions", 0),
    }


def search(work: Work, text: str, who: Person) -> tuple[Found, ...]:
    """Return what holds the text in its name, exact names first."""
    shot = work.snapshot
    if text in shot.number and (places := as_rows(scoped(shot.places(text), who).head(FOUND_SHOWN))):
        return tuple(_found_item(row) for row in places)
    query = Query(text=text, size=FOUND_SHOWN)
    few = replace(query, size=3)
    found = []
    if text.startswith(shot.head.run_id):
        lines = work.lines.page(few, who).rows
        found += [Found("line", row["line_id"], row["sentence"], (row["line_id"],)) for row in lines]
    found += [_found_item(row) for row in shot.lists["items"].page(query, who).rows]
    found += [
        Found("supplier", row["from_location_id"], f"{row['n_orders']:,} orders", (row["from_location_id"],))
        for row in work.shown("suppliers", who).page(few, who).rows
    ]
    found += [
        Found("exception", row["exception_id"], row["title"], (row["exception_id"],))
        for row in work.shown("exceptions", who).page(few, who).rows
    ]
    return tuple(found)


def _counts(work: Work, who: Person, names: set[str] | None = None) -> Iterator[Count]:
    """Yield how many rows each question of `COUNTS`, or those named, has, and what they are worth."""
    for name, listing, params, money in COUNTS:
        if names is not None and name not in names:
            continue
        shown = work.shown(listing, who)
        if not set(params) - {"overdue_days__gt"} <= set(shown.columns):
            continue
        query = Query.read(params, shown.columns)
        chosen = shown.select(query, who)
        yield Count(listing, name, query.url(), chosen.total, chosen.sums.get(money) or 0.0)


def _parts(work: Work, ids: list[str], who: Person) -> dict[str, list[Row]]:
    """Return what each exception is made of, most money first, as far as it is in scope."""
    parts = work.snapshot.parts
    wanted = scoped(parts.filter(pl.col("exception_id").cast(pl.String).is_in(ids)), who)
    by_money = wanted.sort("money_lost", descending=True, maintain_order=True)
    rows = by_money.group_by("exception_id", maintain_order=True).head(PARTS_SHOWN)
    found: dict[str, list[Row]] = {name: [] for name in ids}
    for row in rows.to_dicts():
        found[row["exception_id"]].append(row)
    return found


def _found_item(row: Row) -> Found:
    words = ", ".join(text for text in (row["description"], row["location_id"]) if text)
    return Found("item", row["item_id"], words, (row["item_id"], row["location_id"]))
