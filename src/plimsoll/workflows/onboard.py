"""Bring a company's data in: read a source through a mapping, put the facts in force."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__, ingest
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.results import UNDATED, ImportOutcome
from plimsoll.integrations import read_source
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.settings import libraries, settings_in_force

STEPS = ("Read files", "Check rows", "Publish")
SAVED_MAPPING = "mapping.toml"
EARTH = timedelta(hours=14)  # by so much is it later somewhere than in UTC


@dataclass(frozen=True, slots=True)
class ChosenMapping:
    """The mapping of an import, how it is called, its text if it was proposed just now, and what to say."""

    mapping: ingest.Mapping
    name: str
    proposed_text: str = ""
    findings: tuple[Finding, ...] = ()


def import_source(
    folder: Path, source: Path, *, mapping: str | None = None, at: datetime, progress: Progress = silent
) -> ImportOutcome:
    """Read a source into a workspace and put it in force; the same source again changes nothing.

    Parameters
    ----------
    folder : the workspace
    source : folder, file or workbook of tables
    mapping : a mapping file or the name of a shipped one; else the one saved in the workspace;
        else, or where that names no tables, one is proposed, and saved there for editing
    at : moment of the command, for the log; rows dated later do not move the day of knowledge
    progress : told at the start of each step

    Returns
    -------
    ImportOutcome
        Rows kept and set aside by table, findings, and the mapping in text if it was proposed.
        Tables that the source does not have stay as they were.
    """
    started = perf_counter()
    today = (at.astimezone(UTC) + EARTH).date()
    with Workspace.open(folder) as workspace:
        settings = settings_in_force(workspace, at)
        progress(STEPS[0], 0, len(STEPS))
        saved = workspace.path / SAVED_MAPPING
        name = mapping or (str(saved) if saved.exists() else "")
        given = ingest.find_mapping(name) if name else None
        raws = read_source(source, encoding=given.source.encoding if given else None)
        chosen = _chosen(raws, given, name, workspace.fact_hashes(), today)
        if chosen.proposed_text:
            saved.write_text(chosen.proposed_text, encoding="utf-8")
        progress(STEPS[1], 1, len(STEPS))
        try:
            result = ingest.read(raws, chosen.mapping, settings.ingest)
        except InputError as error:
            if not chosen.proposed_text:
                raise
            done = f"Nothing was imported; the proposed mapping was saved: {saved}."
            raise InputError(error.what, why=error.why, remedy=error.remedy, done=done) from error
        as_of = _day_of_knowledge(workspace, chosen.mapping, result.tables, today)
        progress(STEPS[2], 2, len(STEPS))
        parameters = {
            "mapping": ingest.mapping_text(chosen.mapping, ()),
            "currency": chosen.mapping.source.currency or "",
            "ingest": settings.ingest.model_dump(),
        }
        inputs = _hashes(source, raws)
        manifest = Manifest("import", __version__, as_of, 0, parameters, inputs, libraries())
        ahead = [] if chosen.mapping.source.as_of else ingest.rows_ahead(result.tables, today)
        findings = findings_frame([*result.findings, *chosen.findings, *ahead])
        record = workspace.publish_import(
            result.tables | _remarks(workspace, result.tables, findings, result.quarantine), manifest, at=at
        )
    set_aside = result.quarantine.group_by("table").len().sort("table")
    return ImportOutcome(
        workspace=folder,
        source=str(source),
        is_new=record.is_new,
        as_of=as_of,
        rows={name: n for name, n in result.counts.select("table", "n_kept").rows() if name in result.tables},
        quarantined=dict(set_aside.iter_rows()),
        findings=findings,
        mapping_name=chosen.name,
        mapping_file=saved if chosen.proposed_text else None,
        mapping_text=chosen.proposed_text,
        seconds={"Import": perf_counter() - started},
    )


def _chosen(
    raws: list[RawTable], given: ingest.Mapping | None, name: str, held: Iterable[str], today: date
) -> ChosenMapping:
    """Return the mapping given, less what the source lacks and the workspace holds; or a proposed one."""
    if given is None or not given.tables:
        proposed = ingest.propose(raws, given, today=today)
        return ChosenMapping(proposed, "proposed", ingest.mapping_text(proposed))
    mapping, findings = given.without_absent(raws, set(held))
    return ChosenMapping(mapping, name, findings=tuple(findings))


def _day_of_knowledge(
    workspace: Workspace, mapping: ingest.Mapping, tables: dict[str, pl.DataFrame], today: date
) -> date:
    """Return the day that the facts speak of: the mapping's, else the last day in old or new tables."""
    if mapping.source.as_of is not None:
        return mapping.source.as_of
    before = workspace.import_in_force()
    days = [ingest.last_known_day(tables, today), before.as_of if before else None]
    return max((day for day in days if day is not None), default=UNDATED)


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
