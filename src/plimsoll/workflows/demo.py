"""Build the demo company: its ERP export in a folder, and a workspace with that export imported."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from time import perf_counter

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import ImportOutcome
from plimsoll.examples.company import Company, generate, write
from plimsoll.store.faults import told
from plimsoll.workflows.onboard import import_source
from plimsoll.workflows.workspace import init_workspace

EXPORT = "erp"


def build_demo(
    folder: Path, *, n_items: int, seed: int, at: datetime, progress: Progress = silent
) -> ImportOutcome:
    """Generate the demo company into `folder/erp` and import it into the workspace `folder`.

    The truth behind the data (real rates and lead times, planted faults) is in `folder/erp/truth`;
    nothing but tests and curious people reads it.
    """
    progress("Make the workspace", 0, 3)
    path = init_workspace(folder)
    progress("Generate the company", 1, 3)
    start = perf_counter()
    company = generate(n_items, seed)
    with told("write the export of the demo company", path):
        _write_whole(company, path / EXPORT)
    generated = perf_counter() - start
    progress("Import its export", 2, 3)
    outcome = import_source(
        folder, path / EXPORT, mapping=str(path / EXPORT / "mapping.toml"), at=at, progress=silent
    )
    return replace(outcome, seconds={"Generate": generated} | outcome.seconds)


def _write_whole(company: Company, folder: Path) -> None:
    """Write the export under another name first, so that a stop leaves no half of it."""
    draft = folder.with_name(f".tmp-{folder.name}")
    rmtree(draft, ignore_errors=True)  # of a run that was killed
    try:
        write(company, draft)
        rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        rmtree(draft, ignore_errors=True)
