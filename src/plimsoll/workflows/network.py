"""Look at the network of the plan in force: what is held where, and the part of it around one item."""

from pathlib import Path

import polars as pl

from plimsoll import __version__
from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.network_result import OF_PLAN, OF_PROOF, NetworkResult
from plimsoll.network.drawing import describe
from plimsoll.network.model import Network
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace

KIND, PLAN = "network", "plan"
KEY = ["item_id", "location_id"]
DRAWN_FROM = ("planning_point", "policy", "outlook")
_NEEDED = ("network_stage", "network_arc", "network_service")


def review_network(folder: Path) -> NetworkResult:
    """Return the network of the plan in force of a workspace.

    Raises
    ------
    WorkspaceError : no plan yet, or one made before plans knew networks
    InputError : nothing of ours replenishes or goes into anything else
    """
    with Workspace.open(folder) as workspace:
        return network_of(workspace, plan_of(workspace))


def load_network(folder: Path) -> NetworkResult | None:
    """Return the network of the plan in force, None where there is none to show."""
    try:
        return review_network(folder)
    except (InputError, WorkspaceError):
        return None


def plan_of(workspace: Workspace) -> RunRecord:
    """Return the plan in force, or say why its network cannot be looked at."""
    run = workspace.latest_run(PLAN)
    if run is None:
        what = f"The workspace '{workspace.path}' has no plan yet."
        raise WorkspaceError(what, remedy=f"Run `plimsoll plan {workspace.path}`.")
    if not set(run.tables).issuperset(_NEEDED):
        what = f"{run.id} was made by an earlier version, which did not look at the network."
        raise WorkspaceError(what, remedy=f"Run `plimsoll plan {workspace.path}` again.")
    return run


def network_of(workspace: Workspace, plan: RunRecord) -> NetworkResult:
    """Return the network of a plan, with its proof where one was made of it."""
    names = [name for name in (*OF_PLAN, *DRAWN_FROM) if name in plan.tables]
    tables = {name: workspace.result(name, plan.id) for name in names}
    if not _connected(tables["network_arc"]).height:
        what = f"{plan.id} has no network: no place of yours replenishes another."
        why = "All stocking points are replenished from outside, so each is sized by itself, which is right."
        remedy = (
            "If your plants or DCs do replenish other places, import that: lanes whose from_location_id is a "
            "place of yours, or transfers among the receipts; for what goes into what, a bill of material."
        )
        raise InputError(what, why=why, remedy=remedy)
    proof = proof_of(workspace, plan)
    if proof is not None:
        made = [name for name in OF_PROOF if name in proof.tables]
        tables |= {name: workspace.result(name, proof.id) for name in made}
    known = workspace.facts(["locations"])["locations"].drop_nulls("kind")
    imported = workspace.import_in_force()
    of_data = str(imported.manifest["parameters"].get("currency", "")) if imported else ""
    return NetworkResult(
        workspace=workspace.path,
        run_id=plan.id,
        as_of=plan.as_of,
        currency=plan.manifest["parameters"]["plan"]["currency"] or of_data,
        kinds=kinds_of(known, tables["network_stage"]),
        tables=tables,
        proof_id=proof.id if proof else "",
    )


def proof_of(workspace: Workspace, plan: RunRecord) -> RunRecord | None:
    """Return the proof in force if it was made of this plan, and by this version: its tables are known."""
    run = workspace.latest_run(KIND)
    if run is None or run.version != __version__:
        return None
    return run if run.manifest["parameters"].get("plan_run") == plan.fingerprint else None


def kinds_of(known: pl.DataFrame, stages: pl.DataFrame) -> dict[str, str]:
    """Return the kind of every location; where none is known, how far down from the sources it stands.

    Parameters
    ----------
    known : location_id and kind, as far as kinds are known
    stages : table `network_stage`
    """
    least = stages.group_by("location_id").agg(pl.col("depth").min())
    by_depth = least.select("location_id", pl.format("depth {}", "depth"))
    return dict(by_depth.iter_rows()) | dict(known.select("location_id", "kind").iter_rows())


def _connected(arcs: pl.DataFrame) -> pl.DataFrame:
    """Return the arcs in force between stages of ours."""
    return arcs.filter("in_force", pl.col("kind") != "outside")


def draw(result: NetworkResult, item_id: str, placement: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the network of an item line by line as drawn, with what is held at each stage and why.

    Parameters
    ----------
    result : the network
    item_id : the item
    placement : table `network_placement`, to draw that instead of the plan

    Returns
    -------
    pl.DataFrame
        What `plimsoll.network.drawing.describe` returns, with description, unit, echelon, and the columns of
        `network_service` (of the placement: of that), buffer and level of the policy and stock of today.

    Raises
    ------
    InputError : no such item, with the nearest name
    """
    network = Network(result["network_stage"], result["network_arc"], [], 0.0)
    lines = describe(network, item_id)
    held = result["network_service"].drop("depth") if placement is None else placement.drop("network_id")
    shown = (
        result["planning_point"].select(*KEY, "description", "unit"),
        held.rename({"reason": "held_reason"}),
        result["policy"].select(
            *KEY, "policy", "policy_reason", "reorder_point_qty", "order_up_to_qty", "buffer_qty",
            promised_fill="fill_rate_est",
        ),
        result["outlook"].select(*KEY, "on_hand_qty", "counted_date"),
    )  # fmt: skip
    for frame in shown:
        lines = lines.join(frame, on=KEY, how="left", maintain_order="left")
    return lines.with_columns(echelon=result.echelon())
