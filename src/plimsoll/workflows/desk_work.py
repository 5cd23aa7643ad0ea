"""What people did, laid over the plan that the desk shows: read anew only where something changed."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl

from plimsoll.domain.decisions import STATUSES, value_decided
from plimsoll.domain.desk_lists import LISTS
from plimsoll.domain.overridden import overrides_frame
from plimsoll.domain.people import SYSTEM, Person, in_scope
from plimsoll.store import decisions, exceptions, glance, jobs, outbox, overrides
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.desk_lists import Recent, ShownList, searchable
from plimsoll.workflows.desk_network import networks
from plimsoll.workflows.desk_scope import findings_seen, is_limited, overrides_seen, scores_seen
from plimsoll.workflows.desk_snapshot import Snapshot

STATUS = pl.Enum(list(STATUSES))
OF_LINE = (
    "status", "version", "quantity_set", "date_set", "reason_code", "reason_text", "decided_by", "decided_at",
    "batch_id",
)  # fmt: skip
OF_EXCEPTION = (
    "owner", "due", "snoozed_until", "outcome", "text", "version", "changed_at", "changed_by", "episode",
)  # fmt: skip
OF_EFFECT = ("quantity_eff", "date_eff", "value_eff")
FEW = 5000  # changed lines up to which the others are not looked at again
# A row is about several points, of which a person may see some.
GROUPED = ("exceptions", "networks", "overrides", "suppliers", "lanes", "findings")
FRESH = ("jobs", "exports")  # they change without an event in the log
LISTS_KEPT, JOBS_SHOWN = 64, 500


@dataclass(frozen=True)
class Work:
    """What the database told up to the event `seq`, and the lists made of it with a plan's tables.

    `states` has the last state of every line that somebody decided on; `lines` the plan's lines with
    theirs. Lists are made when somebody first asks for them, and kept until the next change.
    """

    workspace: Workspace
    seq: int
    snapshot: Snapshot
    at: datetime
    states: pl.DataFrame
    lines: ShownList
    made: Recent[ShownList]

    def shown(self, name: str, who: Person) -> ShownList:
        """Return a list as a person sees it; the rows in scope are chosen when it is asked."""
        if name == "recommendations":
            return self.lines
        if name == "decisions":
            return self._decisions
        if name in self.snapshot.lists and not (name in GROUPED and is_limited(who)):
            return self.snapshot.lists[name]
        if name in FRESH:
            return self._list(name, who)
        scope = (who.locations, who.categories) if name in GROUPED else ()
        return self.made.get((name, scope), lambda: self._list(name, who))

    @cached_property
    def _decisions(self) -> ShownList:
        return self._list("decisions", SYSTEM)

    def line_rows_of(self, item: int) -> pl.Series:
        """Return the row numbers of the plan's lines of an item, by its number."""
        return self.snapshot.line_rows.of(item)["row"]

    def _list(self, name: str, who: Person) -> ShownList:
        spec = LISTS[name]
        frame = self._grouped(name, who) if name in GROUPED else self._of_database(name)
        made = ShownList(
            searchable(frame, spec.search),
            spec,
            self.snapshot.missing.get(name, ""),
            is_scoped=name in GROUPED,
        )
        made.warm()
        return made

    def _grouped(self, name: str, who: Person) -> pl.DataFrame:
        if name == "exceptions":
            return self._exceptions(who)
        if name == "overrides":
            return overrides_seen(self._of_database(name), self.snapshot, who)
        if name in ("suppliers", "lanes"):
            return scores_seen(name, self.snapshot, who)
        if name == "findings":
            return findings_seen(self.snapshot, who)
        return networks(self.snapshot.lists["network"].frame, who)

    def _of_database(self, name: str) -> pl.DataFrame:
        if name == "decisions":
            return _with_effect(self.states)
        if name == "overrides":
            found = overrides_frame(overrides.list_overrides(self.workspace), at=self.at)
            moments = pl.col("created_at", "withdrawn_at").str.to_datetime(time_unit="us", time_zone="UTC")
            return found.with_columns(moments)
        if name == "runs":
            return glance.runs(self.workspace)
        if name == "exports":
            return _with_deliveries(outbox.batches(self.workspace), outbox.deliveries(self.workspace))
        return jobs.jobs(self.workspace, at=self.at, size=JOBS_SHOWN)

    def _exceptions(self, who: Person) -> pl.DataFrame:
        """Return the exceptions with a part in scope, the money of such parts, and how they are worked."""
        found = self.snapshot.exceptions
        limit = in_scope(who, self.snapshot.parts.columns)
        if limit is not None:
            seen = self.snapshot.parts.filter(limit).group_by(pl.col("exception_id").cast(pl.String))
            point = pl.struct(pl.col("item_id", "location_id").cast(pl.String))
            sums = seen.agg(pl.col("money_lost").sum(), n_points=point.n_unique().cast(pl.Int64))
            score = pl.col("money_lost") * pl.col("probability")
            found = (
                found.drop("money_lost", "n_points").join(sums, on="exception_id").with_columns(score=score)
            )
        return with_records(found, exceptions.exception_records(self.workspace), self.snapshot)


def read_work(
    workspace: Workspace, snapshot: Snapshot, before: Work | None, *, seq: int, at: datetime
) -> Work:
    """Return what people did up to now.

    Parameters
    ----------
    snapshot : the plan that is shown
    before : what was known before, of this plan or another; None reads everything
    seq : the last event, asked for before anything is read, so that nothing is missed
    at : moment, for overrides that expire
    """
    known = before if before is not None and before.snapshot is snapshot else None
    new = decisions.states(workspace, known.seq if known else None)
    if known is None:
        return Work(workspace, seq, snapshot, at, new, _lines(snapshot, new), Recent(LISTS_KEPT))
    states = _newest(known.states, new)
    lines = _renewed(known.lines, snapshot, new) if new.height <= FEW else _lines(snapshot, states)
    # As many events as lines with a new one: nothing but lines changed. Overrides expire by the day.
    is_lines = seq - known.seq == new.height and known.at.date() == at.date()
    made: Recent[ShownList] = known.made if is_lines else Recent(LISTS_KEPT)
    return Work(workspace, seq, snapshot, at, states, lines, made)


def with_states(
    lines: pl.DataFrame, states: pl.DataFrame, run_id: str, *, otherwise: str = "proposed"
) -> pl.DataFrame:
    """Return a plan's lines with what people decided: status, quantity, date and money in force, who and why.

    A line that nobody decided on is in version 0 and has the status `otherwise`.
    """
    known = states.filter(pl.col("run_id") == run_id).select("line_no", *OF_LINE)
    joined = lines.join(known, on="line_no", how="left", maintain_order="left")
    return _with_effect(joined).with_columns(
        pl.col("status").fill_null(otherwise).cast(STATUS),
        pl.col("version").fill_null(0),
        pl.col("reason_code", "reason_text", "decided_by").fill_null(""),
    )


def with_records(found: pl.DataFrame, records: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Return exceptions with how people work them; one that nobody works, or that came back, is open.

    A snoozed one is open again from its day on, by the day of the plan.
    """
    known = records.select("exception_id", *OF_EXCEPTION, "closed_at", status="status")
    joined = found.join(known, on="exception_id", how="left", maintain_order="left")
    made_at, day = snapshot.exceptions_made_at or snapshot.head.made_at, snapshot.head.as_of
    is_back = (pl.col("status") == "closed") & (pl.col("closed_at") < made_at)
    is_awake = (pl.col("status") == "snoozed") & (pl.col("snoozed_until") <= day)
    status = pl.when(pl.col("status").is_null() | is_back | is_awake).then(pl.lit("open"))
    return joined.with_columns(
        status=status.otherwise(pl.col("status")), version=pl.col("version").fill_null(0)
    ).drop("closed_at")


def _lines(snapshot: Snapshot, states: pl.DataFrame) -> ShownList:
    shown = ShownList(
        with_states(snapshot.lines, states, snapshot.head.run_id),
        LISTS["recommendations"],
        snapshot.missing.get("recommendations", ""),
        orders=snapshot.line_orders,
        choices=snapshot.line_choices,
        stable=frozenset(snapshot.lines.columns),
    )
    shown.warm()
    return shown


def _renewed(known: ShownList, snapshot: Snapshot, new: pl.DataFrame) -> ShownList:
    """Return the plan's lines with a few of them in a new state, the others as they were."""
    mine = new.filter(pl.col("run_id") == snapshot.head.run_id)
    if mine.is_empty():
        return known
    is_new = pl.col("line_no").is_in(mine["line_no"].implode())
    rows = snapshot.lines.select(is_new.arg_true()).to_series().to_numpy()
    fresh = with_states(snapshot.lines[rows], mine, snapshot.head.run_id).select(OF_LINE + OF_EFFECT)
    place = np.arange(known.frame.height)
    place[rows] = known.frame.height + np.arange(len(rows))
    both = pl.concat([known.frame.select(OF_LINE + OF_EFFECT), fresh])
    return known.renewed(known.frame.with_columns(both.select(pl.all().gather(place))))


def _newest(known: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    if new.is_empty():
        return known
    kept = known.join(new.select("line_id"), on="line_id", how="anti", maintain_order="left")
    return pl.concat([kept, new])


def _with_effect(states: pl.DataFrame) -> pl.DataFrame:
    return states.with_columns(
        quantity_eff=pl.coalesce("quantity_set", "quantity"),
        date_eff=pl.coalesce("date_set", "due_date"),
        value_eff=value_decided(),
    )


def _with_deliveries(batches: pl.DataFrame, deliveries: pl.DataFrame) -> pl.DataFrame:
    """Return batches with the channels they travel by, and whether one has not been through."""
    travel = deliveries.group_by("batch_id").agg(
        pending=(pl.col("status") == "pending").any(), channels=pl.col("channel").sort().str.join(", ")
    )
    joined = batches.join(travel, on="batch_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("pending").fill_null(value=False), pl.col("channels").fill_null(""))
