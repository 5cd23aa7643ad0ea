"""Stress tests of a workspace: what each disruption of a set would do to the plan in force."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from plimsoll import __version__, scenarios
from plimsoll.domain.disruptions import Disruption, disruptions_in
from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.scenario_result import STRESS_TABLES, StressResult
from plimsoll.domain.scenarios import Scenario
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.scenario_rerun import Base, Tables, currency_of, read_base
from plimsoll.workflows.settings import libraries, settings_in_force

KIND = "stress"


def stress_workspace(
    folder: Path,
    who: Person,
    *,
    at: datetime,
    document: str | None = None,
    progress: Progress = silent,
) -> StressResult:
    """Test the plan in force against many disruptions, and publish what they do.

    Parameters
    ----------
    document : disruptions as TOML, see `domain.disruptions`; by default each supplier out, each lane slow and
        each of the largest customers asking for more, by the options of `[scenarios]`

    Raises
    ------
    InputError : a document that is not usable, or names what the plan does not have; nothing is run
    """
    require(who, "start_run")
    with Workspace.open(folder) as workspace:
        progress("Read the plan", 0, 2)
        started = perf_counter()
        base = read_base(workspace)
        params = settings_in_force(workspace, at).scenarios
        usual = scenarios.usual_disruptions(base.tables, base.known["demand"], params, as_of=base.as_of)
        asked = usual if document is None else disruptions_in(document)
        read = perf_counter()
        progress("Disruptions", 1, 2)
        tables = stressed(base, asked, params.horizon_days)
        seconds = {"Read the plan": read - started, "Disruptions": perf_counter() - read}
        told = params.model_dump(mode="json")
        given = [
            each.change.as_data() | {"name": each.name, "probability": each.probability} for each in asked
        ]
        parameters: dict[str, Any] = {"scenarios": told, "plan": base.run.id}
        parameters |= {} if document is None else {"disruptions": given}
        inputs = {"plan": base.run.fingerprint}
        manifest = Manifest(KIND, __version__, base.as_of, base.run.seed, parameters, inputs, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    return StressResult(folder, run_id, base.run.id, base.as_of, base.currency, tables, told, seconds)


def stressed(base: Base, disruptions: Sequence[Disruption], horizon: int) -> Tables:
    """Return what disruptions do to a plan, after all their names were found in it."""
    every = Scenario("stress", tuple(each.change for each in disruptions))
    scenarios.check_names(every, base.tables["planning_point"], base.known)
    flows = scenarios.flows_of(base.tables, base.known["open_orders"], as_of=base.as_of)
    return scenarios.stress(flows, disruptions, base.known["demand"], horizon, as_of=base.as_of)


def load_stress(folder: Path, who: Person) -> StressResult:
    """Return the stress test in force, its items in the person's scope."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            what = f"The workspace '{folder}' has no stress test yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll scenario {folder} stress`.")
        tables = {name: workspace.result(name, run.id) for name in STRESS_TABLES}
        currency = currency_of(workspace, workspace.run(run.manifest["parameters"]["plan"]))
    tables["stress_item"] = scoped(tables["stress_item"], who)
    parameters = run.manifest["parameters"]
    return StressResult(
        folder, run.id, parameters["plan"], run.as_of, currency, tables, parameters["scenarios"]
    )
