"""Send accepted lines out of the door, exactly once, and see that they arrived."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.people import Person, require
from plimsoll.integrations import batch_files, webhook
from plimsoll.store import outbox
from plimsoll.store.workspace import EXPORTS, Workspace
from plimsoll.workflows.decision_params import ExportParams, in_force
from plimsoll.workflows.pending import matches
from plimsoll.workflows.pilot_hold import held_items

WEBHOOK = "webhook"
SECRET = "PLIMSOLL_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
# What leaves of a line, in this order; units as in table `line`, ISO dates.
COLUMNS = {
    "reference": "reference",
    "batch_id": "batch_id",
    "line_id": "line_id",
    "action": "kind",
    "order_id": "order_id",
    "order_line": "order_line",
    "item_id": "item_id",
    "description": "description",
    "from_location_id": "from_location_id",
    "to_location_id": "to_location_id",
    "quantity": "quantity_decided",
    "unit": "unit",
    "order_date": "order_date",
    "due_date": "date_decided",
    "unit_cost": "unit_cost",
    "value": "value_decided",
    "decided_by": "decided_by",
    "approved_by": "approved_by",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how its delivery went: by channel the target, and what is still owed with why."""

    batch_id: str
    created_at: datetime
    created_by: str
    n_lines: int
    value: float
    delivered: dict[str, str] = field(default_factory=dict)
    owed: dict[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the batch as data for JSON."""
        plain = {name: getattr(self, name) for name in ("batch_id", "created_by", "n_lines", "value")}
        return plain | {
            "created_at": self.created_at.isoformat(),
            "delivered": self.delivered,
            "owed": self.owed,
        }


def export(
    folder: Path, who: Person, *, formats: Sequence[str] = ("csv", "xlsx", "json"), at: datetime
) -> Batch | None:
    """Send every accepted or changed line in a person's scope; None if none waits.

    From the one transaction on that makes the batch, its lines are exported and its deliveries owed: to
    files `exports/BATCH.FORMAT` in the workspace, and to the webhook if one is set. What does not succeed
    now is done by `deliver_pending`. Lines that a pilot holds back go on waiting.

    Parameters
    ----------
    formats : csv, xlsx, json
    at : moment of the export
    """
    require(who, "export")
    if unknown := sorted(set(formats) - batch_files.FORMATS.keys()):
        what = f"There is no format '{unknown[0]}'."
        raise InputError(what, remedy=f"Known: {', '.join(batch_files.FORMATS)}.")
    if not formats:
        what = "No format was chosen."
        raise InputError(what, remedy=f"Choose some of {', '.join(batch_files.FORMATS)}.")
    with Workspace.open(folder) as workspace:
        url = in_force(workspace, "export", ExportParams, at).webhook_url
        targets = {name: f"{EXPORTS}/{{batch}}.{name}" for name in dict.fromkeys(formats)}
        targets |= {WEBHOOK: url} if url else {}
        made = outbox.make_batch(workspace, who, targets, at=at, held=held_items(workspace, at.date()))
        if made is None:
            return None
        _deliver(workspace, at, made.batch_id)
        return _batch(workspace, made.batch_id)


def deliver_pending(folder: Path, *, at: datetime, at_once: bool = False) -> list[Batch]:
    """Try again whatever is owed and due, and return the batches concerned; files are due always.

    Called when a server starts and from time to time, by `plimsoll export --pending`, and after a crash:
    a file is written again under the same name with the same bytes, and the webhook is sent the same body
    with the same key, so that nothing counts twice.

    Parameters
    ----------
    at_once : also send to the webhook what is not due yet
    """
    with Workspace.open(folder) as workspace:
        owed = outbox.deliveries(workspace, pending=True)["batch_id"].unique(maintain_order=True)
        for batch_id in owed:
            _deliver(workspace, at, batch_id, at_once=at_once)
        return [_batch(workspace, batch_id) for batch_id in owed]


def deliver_again(folder: Path, batch_id: str, who: Person, *, at: datetime) -> Batch:
    """Try at once what is still owed of a batch: the same bytes under the same key, so nothing counts twice.

    Raises
    ------
    Unknown : there is no such batch
    Forbidden : the role does not allow it
    """
    require(who, "deliver")
    with Workspace.open(folder) as workspace:
        _deliver(workspace, at, _known(workspace, batch_id), at_once=True)
        return _batch(workspace, batch_id)


def deliveries(folder: Path, batch_id: str, who: Person) -> pl.DataFrame:
    """Return how each delivery of a batch went: channel, target, status, attempts, last error and moments."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return outbox.deliveries(workspace).filter(pl.col("batch_id") == _known(workspace, batch_id))


def batches(folder: Path, who: Person) -> pl.DataFrame:
    """Return all batches, the latest first, with `delivered` and `owed`: channels divided by spaces."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        made, sent = outbox.batches(workspace), outbox.deliveries(workspace)
    is_done = pl.col("status") == "done"
    by_batch = sent.group_by("batch_id").agg(
        delivered=pl.col("channel").filter(is_done).str.join(" "),
        owed=pl.col("channel").filter(~is_done).str.join(" "),
        last_error=pl.col("last_error").filter(~is_done).str.join(" "),
    )
    return made.join(by_batch, on="batch_id", how="left", maintain_order="left")


def batch_rows(folder: Path, batch_id: str, who: Person) -> pl.DataFrame:
    """Return the lines of a batch as they left; an unknown batch is Unknown."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _rows(workspace, _known(workspace, batch_id))


def mark_received(folder: Path, *, at: datetime) -> int:
    """Mark the sent lines that the import in force shows as received, and return how many; see `matches`."""
    with Workspace.open(folder) as workspace:
        lines = outbox.open_lines(workspace).filter(pl.col("status") == "exported")
        if lines.is_empty() or workspace.import_in_force() is None:
            return 0
        facts = workspace.facts(["open_orders", "receipts"])
        in_force_now = workspace.fact_hashes().get("open_orders", "")
        known, stale = [], []
        for run_id in lines["run_id"].unique().sort():
            planned_with = workspace.run(run_id).manifest["inputs"].get("open_orders", "")
            if planned_with == in_force_now:
                stale.append(run_id)  # the facts are those that the plan knew: they cannot show its lines
            orders = workspace.facts_of_hash("open_orders", planned_with)
            known.append(orders.select(pl.lit(run_id).alias("run_id"), "order_id", "line"))
        later = lines.filter(~pl.col("run_id").is_in(stale))
        taken = outbox.orders_seen(workspace)
        found = matches(later, facts["open_orders"], facts["receipts"], pl.concat(known), taken)
        return outbox.receive(workspace, found, at=at)


def _deliver(workspace: Workspace, at: datetime, batch_id: str, *, at_once: bool = False) -> None:
    """Do what is owed of one batch; what fails stays owed, with the reason."""
    owed = outbox.deliveries(workspace, pending=True).filter(pl.col("batch_id") == batch_id)
    if owed.is_empty():
        return
    rows, head = _rows(workspace, batch_id), _head(workspace, batch_id)
    for row in owed.iter_rows(named=True):
        channel = row["channel"]
        if channel == WEBHOOK:
            if at_once or row["next_try_at"] <= at:
                _send(workspace, row, batch_files.as_json(rows, head), at)
            continue
        content = batch_files.FORMATS[channel](rows, head)
        try:
            batch_files.write_whole(workspace.path / row["target"], content)
        except OSError as error:
            outbox.failed(workspace, batch_id, channel, error.strerror or str(error), next_try_at=at)
        else:
            digest = hashlib.sha256(content).hexdigest()
            outbox.delivered(workspace, batch_id, channel, digest, at=at)


def _send(workspace: Workspace, row: dict[str, Any], body: bytes, at: datetime) -> None:
    """Send a batch to the webhook; whoever claims the attempt makes it alone."""
    batch_id, params = row["batch_id"], in_force(workspace, "export", ExportParams, at)
    wait = min(FIRST_WAIT * 2 ** min(row["attempts"], 16), LONGEST_WAIT)
    if not outbox.claim(workspace, batch_id, WEBHOOK, row["attempts"], next_try_at=at + wait):
        return
    secret = os.environ.get(SECRET, "")
    try:
        if not secret:
            what = f"The variable {SECRET} is not set: the receiver could not tell that this is ours."
            raise webhook.NotTaken(what)
        webhook.post(row["target"], body, key=batch_id, secret=secret, seconds=params.webhook_seconds)
    except PlimsollError as error:
        outbox.failed(workspace, batch_id, WEBHOOK, str(error), next_try_at=at + wait)
    else:
        outbox.delivered(workspace, batch_id, WEBHOOK, hashlib.sha256(body).hexdigest(), at=at)


def _rows(workspace: Workspace, batch_id: str) -> pl.DataFrame:
    lines = outbox.batch_lines(workspace, batch_id)
    return lines.select(pl.col(name).alias(shown) for shown, name in COLUMNS.items())


def _head(workspace: Workspace, batch_id: str) -> dict[str, Any]:
    made = outbox.batches(workspace).filter(pl.col("batch_id") == batch_id)
    return made.row(0, named=True)


def _known(workspace: Workspace, batch_id: str) -> str:
    if outbox.batches(workspace).filter(pl.col("batch_id") == batch_id).is_empty():
        what = "There is no such batch."
        raise Unknown(what, remedy="A batch is named like batch-000001.")
    return batch_id


def _batch(workspace: Workspace, batch_id: str) -> Batch:
    sent = outbox.deliveries(workspace).filter(pl.col("batch_id") == batch_id)
    done = pl.col("status") == "done"
    return Batch(
        **_head(workspace, batch_id),
        delivered=dict(sent.filter(done).select("channel", "target").iter_rows()),
        owed=dict(sent.filter(~done).select("channel", "last_error").iter_rows()),
    )
