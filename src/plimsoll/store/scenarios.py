"""Scenarios that people keep: one document each in the workspace; saving and forgetting are in the log."""

from datetime import datetime

from plimsoll.store import audit_log, lake, rows
from plimsoll.store.faults import told
from plimsoll.store.workspace import Workspace

FOLDER = "scenarios"
SUFFIX = ".toml"


def names(workspace: Workspace) -> list[str]:
    """Return the names of the scenarios kept, in order."""
    with told("list the scenarios", workspace.path):
        return sorted(file.stem for file in (workspace.path / FOLDER).glob(f"[a-z0-9]*{SUFFIX}"))


def text(workspace: Workspace, name: str) -> str:
    """Return the document of a scenario kept, as of `names`."""
    with told("read the scenario", workspace.path):
        return (workspace.path / FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8")


def save(workspace: Workspace, name: str, document: str, author: str, *, at: datetime) -> None:
    """Keep the document of a scenario, in the place of the one of that name.

    Parameters
    ----------
    name : checked by the caller; it becomes the name of a file
    """
    folder = workspace.path / FOLDER
    before = {"document": text(workspace, name)} if name in names(workspace) else None
    with told("save the scenario", workspace.path):
        folder.mkdir(exist_ok=True)
        half = folder / f".{name}.half"
        half.write_text(document, encoding="utf-8")
        lake.sync(half)
    with workspace.transaction("save the scenario") as db:
        audit_log.append(
            db,
            at=rows.utc(at),
            actor=author,
            action="save",
            object_type="scenario",
            object_id=name,
            old=before,
            new={"document": document},
        )
        half.replace(folder / f"{name}{SUFFIX}")


def record_promotion(workspace: Workspace, name: str, author: str, done: list[str], *, at: datetime) -> None:
    """Put into the log that a scenario's changes became part of the base."""
    with workspace.transaction("record the promotion") as db:
        audit_log.append(
            db,
            at=rows.utc(at),
            actor=author,
            action="promote",
            object_type="scenario",
            object_id=name,
            old=None,
            new={"done": done},
        )
