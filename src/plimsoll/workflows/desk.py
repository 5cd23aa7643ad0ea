"""The read model behind pages and API: what is in force, in memory, asked by many at once.

A snapshot of the plan in force is read once and never changes; what people did is laid over it, and only
that is read anew when the log of changes has a new event. When another plan comes into force, it is read
in the background while the one before is still shown.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import Any

import polars as pl

from plimsoll.domain.decisions import Unknown, line_key
from plimsoll.domain.desk_lists import list_spec
from plimsoll.domain.desk_result import Choice, Found, Group, Head, ItemView, LineView, Row, TodayView
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Condition, Listing, Params, Query
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.tables import table
from plimsoll.store import audit_log, decisions, glance
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import desk_today, explain
from plimsoll.workflows.desk_item import item_view
from plimsoll.workflows.desk_lists import ShownList, as_rows
from plimsoll.workflows.desk_load import EXCEPTIONS, NO_PLAN, PLAN, load
from plimsoll.workflows.desk_network import NetworkView, network_view
from plimsoll.workflows.desk_snapshot import Snapshot
from plimsoll.workflows.desk_supplier import SupplierView, supplier_view
from plimsoll.workflows.desk_work import Work, read_work, with_states
from plimsoll.workflows.lists_in_files import ASKED_OF_LINES, Proposed, as_csv, as_workbook, read_decisions

LOGGER = logging.getLogger(__name__)
FRESH_S = 0.05  # shorter than anybody notices, longer than a page takes
EVENTS_SHOWN, MOST_EVENTS = 50, 10_000
ASKED_OF_LOG = ("actor", "action", "object_type", "object_id")
AUDIT = pl.Schema(
    dict.fromkeys(ASKED_OF_LOG, pl.String()) | {"at": pl.Datetime("us", "UTC")}
)  # what the log can be asked by; it is read from the database page by page
BOUNDS_OF_LOG = {("at", "ge"): "since", ("at", "lt"): "until"}
CHOSEN_OF_LOG = ("actor", "action", "object_type")
ENDINGS = ("csv", "xlsx")


class Desk:
    """What pages and API show of a workspace; one is shared by all threads of a server.

    Parameters
    ----------
    folder : the workspace
    clock : gives the moment, for overrides that expire; without one, that of the plan counts

    Raises
    ------
    WorkspaceError : from every method, when the workspace cannot be read
    Unknown : for a list, item or line that does not exist or is out of the person's scope
    Forbidden : for a person who may not look
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] | None = None) -> None:
        self._workspace = Workspace.open(folder, serving=True)
        self._clock = clock
        self._lock = Lock()
        self._work: Work | None = None
        self._shown: tuple[str, str] = ("", "")  # the runs that are shown
        self._wanted: tuple[str, str] = ("", "")  # those that are in force, perhaps still being read
        self._seq = -1
        self._looked = (-1, 0.0)  # what this process had written when the database was asked last, and when
        self._reader: Thread | None = None

    def head(self) -> Head:
        """Return the company and the plan shown."""
        work = self._now()
        if work is None:
            return Head(self._workspace.path.name, "", None, "", None)
        head = work.snapshot.head
        if self._wanted == self._shown:
            return head
        return Head(head.company, head.run_id, head.as_of, head.currency, head.made_at, refreshing=True)

    def columns(self, name: str) -> pl.Schema:
        """Return the columns of a list that can be asked about, with their types."""
        list_spec(name)
        if name == "audit":
            return AUDIT
        work = self._now()
        return pl.Schema() if work is None else work.shown(name, NOBODY).columns

    def query(self, name: str, params: Params, *, ignored: Iterable[str] = ()) -> Query:
        """Return the question that a URL's parameters ask of a list; raises InputError for nonsense.

        Before the first plan a list has no columns: whatever is asked of it finds nothing, and is no mistake.
        """
        columns = self.columns(name)
        return Query.read(params, columns, ignored=ignored) if columns else Query()

    def listing(self, name: str, query: Query, who: Person) -> Listing:
        """Return the page asked for of what a person may see of a list."""
        require(who, "view")
        if name == "audit":
            return self._events(query, who)
        work = self._now()
        if work is None:
            list_spec(name)
            return Listing([], 0, query.page, query.size, {}, NO_PLAN)
        return self._list(work, name, who).page(query, who)

    def table(
        self, name: str, query: Query, who: Person, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return all rows of a selection in its order; for decisions on all that match, and for files.

        Of the log the latest `MOST_EVENTS`.
        """
        require(who, "view")
        if name == "audit":
            return self._found_events(replace(query, page=1, size=MOST_EVENTS), who)[0]
        work = self._now()
        if work is None:
            list_spec(name)
            return pl.DataFrame(schema=dict.fromkeys(columns or (), pl.String()))
        return self._list(work, name, who).table(query, who, columns)

    def choices(self, name: str, query: Query, who: Person, column: str) -> tuple[Choice, ...]:
        """Return the values that a column can be filtered by, with their counts under the other filters."""
        require(who, "view")
        work = self._now()
        if name == "audit" and column in CHOSEN_OF_LOG and who.locations is None and who.categories is None:
            return tuple(Choice(value, n) for value, n in audit_log.values(self._workspace, column))
        if work is None or name == "audit":
            return ()
        shown = self._list(work, name, who)
        return shown.choices(query, who, column) if column in shown.columns else ()

    def groups(self, name: str, query: Query, who: Person, column: str, money: str) -> tuple[Group, ...]:
        """Return what a column of money comes to by the values of another, the largest first."""
        require(who, "view")
        work = self._now()
        if work is None or name == "audit":
            return ()
        shown = self._list(work, name, who)
        return shown.groups(query, who, column, money) if {column, money} <= set(shown.columns) else ()

    def export(self, name: str, query: Query, who: Person, *, ending: str = "csv") -> bytes:
        """Return a selection as a file that can be edited and read back: csv, or xlsx for Excel."""
        if ending not in ENDINGS:
            what = f"There is no file of the kind '{ending[:20]}'."
            raise InputError(what, remedy=f"Use {' or '.join(ENDINGS)}.")
        frame = self.table(name, query, who)
        return as_csv(frame) if ending == "csv" else as_workbook(frame, name)

    def item(self, item_id: str, location_id: str, who: Person) -> ItemView:
        """Return all that is known of a stocking point."""
        require(who, "view")
        return item_view(self._planned(), item_id, location_id, who)

    def network(self, item_id: str, who: Person) -> NetworkView:
        """Return the network of an item line by line as drawn, with what is held at each place and why."""
        require(who, "view")
        work = self._planned()
        return network_view(self._workspace, work.snapshot, item_id, who)

    def supplier(self, name: str, who: Person) -> SupplierView:
        """Return what is known of a supplier; its lists are `lanes`, `orders` and `recommendations`."""
        require(who, "view")
        return supplier_view(self._planned(), name, who)

    def alternatives(self, item_id: str, location_id: str, who: Person) -> list[Row]:
        """Return what other service targets would cost at a stocking point; takes about a second."""
        require(who, "view")
        work = self._planned()
        point = scoped(work.snapshot.places(item_id), who)
        if point.filter(pl.col("location_id").cast(pl.String) == location_id).is_empty():
            what = f"There is no item '{item_id[:80]}' at '{location_id[:80]}'."
            raise Unknown(what)
        tables, settings = explain.point_tables(self._workspace.path, item_id, location_id)
        return explain.alternatives(tables, settings).to_dicts()

    def line(self, line_id: str, who: Person) -> LineView:
        """Return one line with what is behind it, of the plan shown or of an earlier one."""
        require(who, "view")
        work = self._planned()
        line = self._line(work, line_id, who)
        is_current = line_key(line_id)[0] == work.snapshot.head.run_id
        drivers = json.loads(line.pop("drivers") or "{}")
        places = work.snapshot.places(line["item_id"])
        point = places.filter(pl.col("location_id").cast(pl.String) == line["to_location_id"])
        told, _ = audit_log.page(self._workspace, object_type="line", object_id=line_id, size=EVENTS_SHOWN)
        rows = as_rows(point.drop("row"))
        return LineView(
            line, drivers, rows[0] if rows else None, tuple(map(_read_event, told.to_dicts())), is_current
        )

    def line_row(self, line_id: str, who: Person) -> Row:
        """Return one line as the list of recommendations shows it."""
        require(who, "view")
        return self._line(self._planned(), line_id, who)

    def today(self, who: Person, at: datetime) -> TodayView:
        """Return what a person opens the day with.

        Parameters
        ----------
        at : the moment, for the age of the plan
        """
        require(who, "view")
        return desk_today.today(self._now(), self._workspace, self.head(), who, at)

    def waiting(self, who: Person) -> dict[str, int]:
        """Return how many rows of a list wait for somebody, by the list's name."""
        work = self._now()
        return {} if work is None else desk_today.waiting(work, who)

    def search(self, text: str, who: Person) -> tuple[Found, ...]:
        """Return stocking points, lines, suppliers and exceptions whose names hold a text, best first."""
        require(who, "view")
        work = self._now()
        return () if work is None or not text.strip() else desk_today.search(work, text.strip(), who)

    def decisions_in(self, content: bytes, name: str, who: Person) -> Proposed:
        """Return what an edited file of recommendations asks for, before anything is done."""
        require(who, "decide")
        return read_decisions(content, name, self.table("recommendations", Query(), who, ASKED_OF_LINES))

    def refresh(self) -> None:
        """Bring what is shown up to date, and wait for it."""
        self._now()
        reader = self._reader
        if reader is not None:
            reader.join()
        self._now()

    def _list(self, work: Work, name: str, who: Person) -> ShownList:
        list_spec(name)
        return work.shown(name, who)

    def _planned(self) -> Work:
        work = self._now()
        if work is None:
            raise Unknown(NO_PLAN)
        return work

    def _now(self) -> Work | None:
        """Return what is known now: at most one small question to the database where nothing changed.

        A page asks many times. What this process wrote is known at once; what others wrote, such as the
        command line, within `FRESH_S`.
        """
        look = (self._workspace.n_written, monotonic())
        if look[0] == self._looked[0] and look[1] < self._looked[1] + FRESH_S:
            return self._work
        seq = decisions.last_seq(self._workspace)
        if seq != self._seq:
            with self._lock:
                if seq > self._seq:
                    self._catch_up(seq)
        self._looked = look
        return self._work

    def _catch_up(self, seq: int) -> None:
        self._wanted = self._in_force()
        if self._work is None:
            self._show(load(self._workspace), self._wanted, seq)
            return
        if self._wanted != self._shown and (self._reader is None or not self._reader.is_alive()):
            self._reader = Thread(target=self._read, daemon=True, name="desk")
            self._reader.start()
        self._show(self._work.snapshot, self._shown, seq)

    def _in_force(self) -> tuple[str, str]:
        runs = glance.in_force(self._workspace)
        return runs.get(PLAN, ""), runs.get(EXCEPTIONS, "")

    def _show(self, snapshot: Snapshot | None, runs: tuple[str, str], seq: int) -> None:
        if snapshot is None:
            self._seq = seq
            return
        moment = self._clock() if self._clock else snapshot.head.made_at
        assert moment is not None  # noqa: S101 - a plan was made at some moment
        if self._work is None or self._work.snapshot is not snapshot:
            self._workspace.hold(snapshot.head.run_id, {"line": snapshot.lines})
        self._work = read_work(self._workspace, snapshot, self._work, seq=seq, at=moment)
        self._shown, self._seq = runs, seq

    def _read(self) -> None:
        """Read the runs in force in the background, until those shown are in force."""
        try:
            while (runs := self._in_force()) != self._shown:
                snapshot = load(self._workspace, self._work.snapshot if self._work else None)
                with self._lock:
                    self._wanted = runs
                    self._show(snapshot, runs, decisions.last_seq(self._workspace))
        except Exception:
            # The plan before stays on the pages; the next change tries again.
            LOGGER.exception("The run %s could not be read; the one before is still shown.", self._wanted[0])

    def _line(self, work: Work, line_id: str, who: Person) -> Row:
        """Return a line with its state."""
        run_id, number = line_key(line_id)
        seen = scoped(self._rows_of_line(work, run_id, number), who)
        if seen.is_empty():
            what = f"There is no line '{line_id[:80]}'."
            raise Unknown(what, remedy="Look it up in the list of recommendations.")
        return as_rows(seen)[0]

    def _rows_of_line(self, work: Work, run_id: str, number: int) -> pl.DataFrame:
        """Return the row of a line with its state; of an earlier plan from its file."""
        wanted = pl.col("line_no") == number
        frame = work.lines.frame
        if run_id == work.snapshot.head.run_id:
            return frame[frame.select(wanted.arg_true()).to_series()]
        if not self._workspace.has_result("line", run_id):
            return frame.clear()
        row = self._workspace.result_rows("line", run_id, table("line").names, wanted)
        named = row.with_columns(line_id=pl.format("{}-{}", pl.lit(run_id), pl.col("line_no")))
        return with_states(named, work.states, run_id, otherwise="expired")

    def _events(self, query: Query, who: Person) -> Listing:
        """Return a page of the log."""
        found, total = self._found_events(query, who)
        rows = [_read_event(row) for row in found.to_dicts()]
        return Listing(rows, total, query.page, query.size)

    def _found_events(self, query: Query, who: Person) -> tuple[pl.DataFrame, int]:
        """Return events and how many there are; who sees only part of the company sees only their own."""
        asked: dict[str, Any] = {}
        for condition in query.conditions:
            name = BOUNDS_OF_LOG.get((condition.column, condition.operator), condition.column)
            asked[name] = condition.values[0] if name in BOUNDS_OF_LOG.values() else _only_value(condition)
        if who.locations is not None or who.categories is not None:
            asked["actor"] = who.username
        return audit_log.page(self._workspace, **asked, text=query.text, offset=query.offset, size=query.size)


NOBODY = Person("", "", "viewer")


def _only_value(condition: Condition) -> str:
    if condition.column not in ASKED_OF_LOG:
        what = "The log can be asked for moments by 'at__ge' and 'at__lt'."
        raise InputError(what)
    if condition.operator or len(condition.values) > 1:
        what = f"The log can be asked for one value of '{condition.column}' at a time."
        raise InputError(what)
    return str(condition.values[0])


def _read_event(event: dict[str, Any]) -> Row:
    """Return an event with its values before and after as data."""
    return event | {name: json.loads(event[name]) for name in ("old", "new")}
