"""Put the network of the plan in force to the test: promised against simulated, and against each alone."""

from datetime import datetime
from pathlib import Path

import polars as pl

from plimsoll import __version__, policy, targets
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.network_result import OF_PROOF, NetworkResult
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.tables import table
from plimsoll.network.check import check as check_points
from plimsoll.network.compare import compare as compare_points
from plimsoll.network.world_run import WorldRun
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.network import KEY, KIND, network_of, plan_of, proof_of
from plimsoll.workflows.settings import Settings, libraries

CHECK, COMPARE = "check", "compare"
STEPS = ("Read the plan", "Promised against simulated", "Each place alone against network", "Publish")
_READ = ("planning_point", "demand_estimate", "lead_time_estimate", "target", "network_stage", "policy")


def prove_network(
    folder: Path,
    *,
    check: bool = True,
    compare: bool = False,
    at: datetime,
    progress: Progress = silent,
    run: WorldRun | None = None,
) -> NetworkResult:
    """Simulate the network of the plan in force, and put what was found in force as its proof.

    Parameters
    ----------
    folder : the workspace
    check : hold promised against simulated service and stock of every point
    compare : hold each place alone against the network at the same simulated service
    at : moment of the command
    progress : told at the start of each step
    run : how long and how often is simulated; default: that of `WorldRun` with the plan's seed

    Returns
    -------
    NetworkResult
        What an earlier proof of the same plan and the same run found besides is kept. Items that end (table
        `last_time_buy`) are not simulated.

    Raises
    ------
    WorkspaceError : no plan yet
    InputError : no network, or none whose places replenish each other
    """
    with Workspace.open(folder) as workspace:
        progress(STEPS[0], 0, len(STEPS))
        plan = plan_of(workspace)
        network = network_of(workspace, plan)
        _refuse_nothing(network, network["network_service"])
        chosen = run or WorldRun(seed=plan.seed)
        # Echelons are named by the places as they are known now, which the plan's inputs need not tell.
        places = workspace.fact_hashes().get("locations", "")
        terms: dict[str, object] = {"plan_run": plan.fingerprint, "run": _as_data(chosen), "places": places}
        done, tables = _kept(proof_of(workspace, plan), network, terms)
        wanted = {CHECK: check, COMPARE: compare}
        todo = [name for name, is_wanted in wanted.items() if is_wanted and name not in done]
        if not todo:
            return network
        ending = workspace.result("last_time_buy", plan.id) if "last_time_buy" in plan.tables else None
        read = _lasting({name: workspace.result(name, plan.id) for name in _READ}, ending, network)
        if CHECK in todo:
            progress(STEPS[1], 1, len(STEPS))
            tables |= _checked(read, network, chosen)
        if COMPARE in todo:
            progress(STEPS[2], 2, len(STEPS))
            tables |= _compared(read, network, plan, chosen)
        progress(STEPS[3], 3, len(STEPS))
        manifest = Manifest(
            KIND,
            __version__,
            plan.as_of,
            plan.seed,
            terms | {"asked": sorted(done | set(todo))},
            plan.manifest["inputs"],
            libraries(),
        )
        workspace.publish_run(KIND, tables, manifest, at=at)
        return network_of(workspace, plan)


def _refuse_nothing(network: NetworkResult, service: pl.DataFrame) -> None:
    if service.height:
        return
    what = f"No place that holds stock replenishes another in {network.run_id}."
    why = "Bills of material connect places too, but only transfers can be put to this test."
    raise InputError(what, why=why, remedy="Import the lanes between your places, then plan again.")


def _lasting(
    read: dict[str, pl.DataFrame], ending: pl.DataFrame | None, network: NetworkResult
) -> dict[str, pl.DataFrame]:
    """Return the tables without items that end: no year like the coming days awaits them."""
    if ending is None or ending.is_empty():
        return read
    gone = ending["item_id"].unique().implode()
    _refuse_nothing(network, network["network_service"].filter(~pl.col("item_id").is_in(gone)))
    return {name: frame.filter(~pl.col("item_id").is_in(gone)) for name, frame in read.items()}


def _kept(
    earlier: RunRecord | None, network: NetworkResult, terms: dict[str, object]
) -> tuple[set[str], dict[str, pl.DataFrame]]:
    """Return what an earlier proof on the same terms has done, and its tables."""
    if earlier is None:
        return set(), {}
    known = earlier.manifest["parameters"]
    if any(known.get(name) != value for name, value in terms.items()):
        return set(), {}
    return set(known["asked"]), {name: network[name] for name in OF_PROOF if name in earlier.tables}


def _as_data(run: WorldRun) -> dict[str, object]:
    return {name: getattr(run, name) for name in WorldRun.__slots__}


def _checked(read: dict[str, pl.DataFrame], network: NetworkResult, run: WorldRun) -> dict[str, pl.DataFrame]:
    """Return the tables network_check and network_echelon."""
    found = check_points(read, kinds=network.kinds, run=run)
    echelons = table("network_echelon").conform(found.echelons)
    return {"network_check": found.points, "network_echelon": echelons}


def _compared(
    read: dict[str, pl.DataFrame], network: NetworkResult, plan: RunRecord, run: WorldRun
) -> dict[str, pl.DataFrame]:
    """Return the tables network_comparison, network_saving and network_moved."""
    options = Settings.model_validate(
        {name: given for name, given in plan.manifest["parameters"].items() if name in Settings.model_fields}
    )
    alone = read | {"target": _targets_alone(read, options)}
    found = compare_points(alone, options.policy, kinds=network.kinds, run=run)
    places = [name for name in found.items.columns if name in set(found.echelons["echelon"])]
    moved = found.items.with_columns(
        all=pl.col("on_hand_network_value") - pl.col("on_hand_alone_value")
    ).unpivot([*places, "all"], index="item_id", variable_name="echelon", value_name="change_value")
    return {
        "network_comparison": found.echelons,
        "network_saving": table("network_saving").conform(found.saving.fill_nan(None)),
        "network_moved": table("network_moved").conform(moved),
    }


def _targets_alone(read: dict[str, pl.DataFrame], options: Settings) -> pl.DataFrame:
    """Return the targets as they were before the network changed any: those of the plan elsewhere."""
    points, estimates = read["planning_point"], read["demand_estimate"]
    by_rule = targets.assign(points, estimates, options.targets)
    before = policy.allocate(points, estimates, by_rule, options.targets, options.policy).target
    changed = read["target"].filter(target_source="network").select(KEY)
    rest = read["target"].join(changed, on=KEY, how="anti")
    return table("target").conform(pl.concat([rest, before.join(changed, on=KEY, how="semi")]))
