"""Build the demo company: its ERP export in a folder, and a workspace with that export imported."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import ImportOutcome
from plimsoll.examples.company import generate, write
from plimsoll.workflows.onboard import import_source, init_workspace

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
    write(company, path / EXPORT)
    generated = perf_counter() - start
    progress("Import its export", 2, 3)
    outcome = import_source(
        folder, path / EXPORT, mapping=str(path / EXPORT / "mapping.toml"), at=at, progress=silent
    )
    return replace(outcome, seconds={"Generate": generated} | outcome.seconds)
