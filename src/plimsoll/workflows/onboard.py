"""Bring a company's data in: make the workspace, read a source through a mapping, put the facts in force."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__, ingest
from plimsoll.domain.findings import findings_frame
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.results import ImportOutcome
from plimsoll.integrations import read_source
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.settings import libraries, settings_in_force

STEPS = ("Read files", "Check rows", "Publish")
SAVED_MAPPING = "mapping.toml"


@dataclass(frozen=True, slots=True)
class ChosenMapping:
    """The mapping of an import, how it is called, and its text if it was proposed just now."""

    mapping: ingest.Mapping
    name: str
    proposed_text: str = ""


def init_workspace(folder: Path, settings_text: str = "") -> Path:
    """Make an empty workspace and return its path."""
    with Workspace.create(folder, settings_text) as workspace:
        return workspace.path


def import_source(
    folder: Path, source: Path, *, mapping: str | None = None, at: datetime, progress: Progress = silent
) -> ImportOutcome:
    """Read a source into a workspace and put it in force; the same source again changes nothing.

    Parameters
    ----------
    folder : the workspace
    source : folder, file or workbook of tables
    mapping : a mapping file or the name of a shipped one; else the one saved in the workspace;
        else one is proposed, and saved there for editing
    at : moment of the command, for the log only
    progress : told at the start of each step

    Returns
    -------
    ImportOutcome
        Rows kept and set aside by table, findings, and the mapping in text if it was proposed.
        Tables that the source does not have stay as they were.
    """
    started = perf_counter()
    with Workspace.open(folder) as workspace:
        settings = settings_in_force(workspace, at)
        progress(STEPS[0], 0, len(STEPS))
        saved = workspace.path / SAVED_MAPPING
        name = mapping or (str(saved) if saved.exists() else "")
        given = ingest.find_mapping(name) if name else None
        raws = read_source(source, encoding=given.source.encoding if given else None)
        chosen = ChosenMapping(given, name) if given else _proposed(raws)
        if chosen.proposed_text:
            saved.write_text(chosen.proposed_text, encoding="utf-8")
        progress(STEPS[1], 1, len(STEPS))
        result = ingest.read(raws, chosen.mapping, settings.ingest)
        as_of = _day_of_knowledge(workspace, chosen.mapping, result.tables)
        progress(STEPS[2], 2, len(STEPS))
        parameters = {
            "mapping": ingest.mapping_text(chosen.mapping, ()),
            "currency": chosen.mapping.source.currency or "",
            "ingest": settings.ingest.model_dump(),
        }
        inputs = _hashes(source, raws)
        manifest = Manifest("import", __version__, as_of, 0, parameters, inputs, libraries())
        findings = findings_frame(result.findings)
        record = workspace.publish_import(
            result.tables | _remarks(workspace, result.tables, findings, result.quarantine), manifest, at=at
        )
    set_aside = result.quarantine.group_by("table").len().sort("table")
    return ImportOutcome(
        workspace=folder,
        source=str(source),
        is_new=record.is_new,
        as_of=as_of,
        rows={name: frame.height for name, frame in result.tables.items()},
        quarantined=dict(set_aside.iter_rows()),
        findings=findings,
        mapping_name=chosen.name,
        mapping_file=saved if chosen.proposed_text else None,
        mapping_text=chosen.proposed_text,
        seconds={"Import": perf_counter() - started},
    )


def _proposed(raws: list[RawTable]) -> ChosenMapping:
    mapping = ingest.propose(raws)
    return ChosenMapping(mapping, "proposed", ingest.mapping_text(mapping))


def _day_of_knowledge(workspace: Workspace, mapping: ingest.Mapping, tables: dict[str, pl.DataFrame]) -> date:
    """Return the day that the facts speak of: the mapping's, else the last day in old or new tables."""
    if mapping.source.as_of is not None:
        return mapping.source.as_of
    before = workspace.import_in_force()
    days = [ingest.last_known_day(tables), before.as_of if before else None]
    return max((day for day in days if day is not None), default=date(1970, 1, 1))


def _remarks(
    workspace: Workspace,
    tables: Iterable[str],
    findings: pl.DataFrame,
    quarantine: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Return findings and quarantine of this import, and the earlier ones on tables that carry over."""
    spoken = pl.col("table").is_in([*tables, *findings["table"], *quarantine["table"], "source"])
    earlier = workspace.facts(["finding", "quarantine"])
    return {
        "finding": pl.concat([findings, earlier["finding"].filter(~spoken)]).sort("code", "table"),
        "quarantine": pl.concat([quarantine, earlier["quarantine"].filter(~spoken)]),
    }


def _hashes(source: Path, raws: Iterable[RawTable]) -> dict[str, str]:
    """Return the SHA-256 of every file that was read, by name."""
    hashes = {}
    for name in sorted({raw.source.split(":")[0] for raw in raws}):
        file = source / name if source.is_dir() else source
        with file.open("rb") as content:
            hashes[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return hashes
