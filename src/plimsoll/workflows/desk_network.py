"""Networks as the desk shows them: items by what their places hold together, and one of them drawn."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.network_result import NetworkResult
from plimsoll.domain.people import Person, scoped
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.desk_lists import plain
from plimsoll.workflows.desk_snapshot import Snapshot
from plimsoll.workflows.network import draw, kinds_of

KEY = ["item_id", "location_id"]
MOST_ITEMS = 60  # items drawn with one: parts, and what they go into
OF_SERVICE = ("on_hand_alone_value", "on_hand_network_value", "wait_days_est", "fill_rate_est")
DRAWN_FROM = ("planning_point", "policy", "outlook", "network_stage")


@dataclass(frozen=True, slots=True)
class NetworkView:
    """The network of one item: `lines` as of `workflows.network.draw`, in scope, with their source."""

    item_id: str
    lines: pl.DataFrame
    currency: str


def with_money(
    stages: pl.DataFrame, service: pl.DataFrame, points: pl.DataFrame, single: dict[str, pl.DataFrame]
) -> pl.DataFrame:
    """Return stages with what is held there, alone and in the network, and with the stock of today.

    Parameters
    ----------
    stages : the list `network`
    service : table `network_service`
    points : table `planning_point`
    single : inventory_health and outlook, row by row as the points
    """
    today = points.select(
        *KEY,
        on_hand_value=single["inventory_health"]["on_hand_value"],
        money_at_risk=single["outlook"]["money_at_risk"],
    )
    held = stages.join(service.select(*KEY, *OF_SERVICE), on=KEY, how="left", maintain_order="left")
    return held.join(today, on=KEY, how="left", maintain_order="left")


def networks(stages: pl.DataFrame, who: Person) -> pl.DataFrame:
    """Return the items whose places hang together, each with the sums over its places in scope.

    Columns: item_id, description, category, network_id, n_places, n_levels, on_hand_value (today),
    on_hand_alone_value and on_hand_network_value (on average, sized one by one and together), saved_value
    (their difference), wait_days_est (the longest expected wait for a source), money_at_risk.
    """
    connected = pl.col("n_upstream") + pl.col("n_downstream") > 0
    names = ("on_hand_value", "on_hand_alone_value", "on_hand_network_value", "money_at_risk")
    found = (
        scoped(stages.filter(connected), who)
        .group_by("item_id", maintain_order=True)
        .agg(
            pl.col("description", "category", "network_id").first(),
            pl.len().cast(pl.Int64).alias("n_places"),
            pl.col("depth").n_unique().cast(pl.Int64).alias("n_levels"),
            pl.col(names).sum(),
            pl.col("wait_days_est").max(),
        )
    )
    return found.with_columns(saved_value=pl.col("on_hand_alone_value") - pl.col("on_hand_network_value"))


def network_view(workspace: Workspace, shot: Snapshot, item_id: str, who: Person) -> NetworkView:
    """Return the network of an item, with its parts and what it goes into.

    Raises Unknown where the item has no network, or none of its places is in scope.
    """
    if scoped(shot.places(item_id), who).is_empty():
        what = f"There is no item '{item_id[:80]}'."
        raise Unknown(what, remedy="Look it up in the list of networks.")
    items = _around(shot, item_id)
    tables = _tables(shot, items, who)
    if (tables["network_stage"]["item_id"] == item_id).sum() == 0:
        what = f"'{item_id[:80]}' is not part of a network."
        raise Unknown(what, remedy="Its page tells how it is planned by itself.")
    known = workspace.facts(["locations"])["locations"].drop_nulls("kind")
    assert shot.head.as_of is not None  # noqa: S101 - a snapshot is of a plan
    result = NetworkResult(
        workspace=workspace.path,
        run_id=shot.head.run_id,
        as_of=shot.head.as_of,
        currency=shot.head.currency,
        kinds=kinds_of(known, tables["network_stage"]),
        tables=tables,
    )
    sources = tables["network_stage"].select(*KEY, "from_location_id")
    lines = draw(result, item_id).join(sources, on=KEY, how="left", maintain_order="left")
    return NetworkView(item_id, lines, shot.head.currency)


def _around(shot: Snapshot, item_id: str) -> list[str]:
    """Return the item, what goes into it and what it goes into, level by level; at most `MOST_ITEMS`."""
    arcs = shot.tables["network_arc"].frame.select(pl.col("item_id", "from_item_id").cast(pl.String))
    bills = arcs.filter(pl.col("item_id") != pl.col("from_item_id")).unique()
    found = [item_id]
    for of, to in (("item_id", "from_item_id"), ("from_item_id", "item_id")):
        level = [item_id]
        while level and len(found) < MOST_ITEMS:
            level = bills.filter(pl.col(of).is_in(level))[to].unique().sort().to_list()
            level = [item for item in level if item not in found]
            found += level
    return found[:MOST_ITEMS]


def _tables(shot: Snapshot, items: list[str], who: Person) -> dict[str, pl.DataFrame]:
    """Return the tables that a drawing reads, of these items and what is in scope."""
    places = pl.concat([scoped(shot.places(item), who) for item in items if item in shot.number])
    rows = places["row"]
    tables = {name: plain(shot.point_tables[name][rows]) for name in DRAWN_FROM}
    stages = tables["network_stage"].drop_nulls("network_id")
    tables["network_stage"] = stages
    for name in ("network_arc", "network_service"):
        some = [shot.tables[name].of(shot.number[item]) for item in items if item in shot.number]
        tables[name] = plain(pl.concat(some)).join(stages.select(KEY), on=KEY, how="semi")
    is_outside = pl.col("kind") == "outside"
    inside = tables["network_arc"].filter(~is_outside).join(
        stages.select(from_item_id="item_id", from_location_id="location_id"),
        on=["from_item_id", "from_location_id"],
        how="semi",
    )  # fmt: skip
    tables["network_arc"] = pl.concat([inside, tables["network_arc"].filter(is_outside)])
    return tables
