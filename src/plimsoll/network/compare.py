"""One network against each place alone, at equal simulated service of customers: its worth, and where."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.network.equal_service import Shifted, shifted, stock_value, unserved
from plimsoll.network.links import KEY, connected, links
from plimsoll.network.simulation_measures import ratio
from plimsoll.network.world import World, world
from plimsoll.network.world_run import Seen, WorldRun, seen
from plimsoll.policy import PolicyParams
from plimsoll.policy import size as size_alone

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
RESAMPLES = 1000
TOP = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """One network and each place alone, simulated on the same draws at equal service of customers.

    `echelons` : table `network_comparison`, the sum last
    `items` : items whose stock changes most: values by echelon and in all
    `networks` : item_id, points, on_hand_alone_value, on_hand_network_value, saving_share, a row a tree
    `saving` : measure and value: quantiles of saving_share, saving of all, and its 95 % interval
    `factor` : (g,) by which what targets leave unserved was multiplied for the places alone
    `world` : what was simulated
    """

    echelons: pl.DataFrame
    items: pl.DataFrame
    networks: pl.DataFrame
    saving: pl.DataFrame
    factor: Floats
    world: World


def compare(
    tables: Mapping[str, pl.DataFrame],
    params: PolicyParams,
    *,
    kinds: Mapping[str, str] | None = None,
    run: WorldRun | None = None,
    each: bool = False,
) -> Compared:
    """Return what connected places hold together and alone, with customers served equally in simulation.

    The service is the share of customers' demand, at cost, that is met at once from stock wherever they
    ask: what is kept equal. The places alone are sized by `plimsoll.policy.size`, as if every source
    always delivered; then what all their targets leave unserved is multiplied by one factor, and they are
    sized anew, until a simulation of the whole network serves customers as that of the network's rules.

    Parameters
    ----------
    tables : planning_point, demand_estimate, lead_time_estimate, target and policy of the plan; targets
        that the network chose are put back (`rule_targets`)
    params : options of sizing
    kinds : kind of each location, which names the echelons
    run : how long and how often
    each : one factor a tree, so that each serves its customers equally; otherwise one for all
    """
    chosen = run or WorldRun()
    names = ("planning_point", "demand_estimate", "lead_time_estimate", "policy")
    points, estimates, lead_times, network = (tables[name] for name in names)
    target = rule_targets(tables["target"])
    alone = size_alone(points, estimates, target, params, lead_times)
    within = links(connected(points, tables.get("network_stage")), estimates, target, alone)
    place = world(within, points, estimates, lead_times, kinds)
    tree = np.unique(place.root, return_inverse=True)[1]
    group = tree if each else np.zeros_like(tree)

    def resize(factor: Floats) -> pl.DataFrame:
        by = place.points.select(KEY).with_columns(k=pl.Series(factor))
        now = _of(points, by), _of(target, by)
        return size_alone(
            _dearer(now[0], by), _of(estimates, by), _shifted_target(now[1], by), params, lead_times
        )

    together = seen(place, network, chosen)
    apart = shifted(place, resize, unserved(place, together, group), group, chosen)
    networks = _networks(place, together, apart, tree, each=each)
    return Compared(
        _echelons(place, apart.found, together),
        _moved(place, apart.found, together),
        networks,
        savings(networks, chosen.seed),
        apart.factor,
        place,
    )


def rule_targets(target: pl.DataFrame) -> pl.DataFrame:
    """Return the targets as they were before the network chose any: those of the segment's rule.

    The kind is the commonest of the rows that the network did not decide, for it is not kept.

    Parameters
    ----------
    target : table `target`
    """
    is_chosen = pl.col("target_source") == "network"
    kinds = target.filter(~is_chosen)["target_kind_eff"].value_counts(sort=True)
    kind = kinds["target_kind_eff"][0] if kinds.height else "fill"
    return target.with_columns(
        target_kind_eff=pl.when(is_chosen).then(pl.lit(kind)).otherwise("target_kind_eff"),
        target_service_eff=pl.when(is_chosen).then("target_service_opt").otherwise("target_service_eff"),
        target_source=pl.when(is_chosen).then(pl.lit("segment")).otherwise("target_source"),
    )


def _of(rows: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    return wanted.select(KEY).join(rows, on=KEY, how="left", maintain_order="left", validate="1:1")


def _shifted_target(target: pl.DataFrame, by: pl.DataFrame) -> pl.DataFrame:
    """Return the targets with what they leave unserved multiplied by k."""
    left = ((1.0 - pl.col("target_service_eff")) * by["k"]).clip(0.0, 1.0)
    return target.with_columns(target_service_eff=1.0 - left)


def _dearer(points: pl.DataFrame, by: pl.DataFrame) -> pl.DataFrame:
    """Return the points with shortage costs divided by k: economic targets move along."""
    return points.with_columns(shortage_cost=pl.col("shortage_cost") / by["k"])


def _networks(place: World, together: Seen, apart: Shifted, tree: Ints, *, each: bool) -> pl.DataFrame:
    """Return the value held in each tree, and the share saved."""
    alone = apart.value if each else stock_value(place, apart.found, tree)
    network = stock_value(place, together, tree)
    roots = np.unique(place.root)
    fill = [1.0 - unserved(place, found, tree) for found in (apart.found, together)]
    return place.points[roots].select("item_id").with_columns(
        points=pl.Series(np.bincount(tree)),
        fill_alone_sim=pl.Series(1.0 - apart.unserved if each else fill[0]),
        fill_network_sim=pl.Series(fill[1]),
        on_hand_alone_value=pl.Series(alone),
        on_hand_network_value=pl.Series(network),
        saving_share=pl.Series(_saved(alone, network)),
    )  # fmt: skip


def savings(networks: pl.DataFrame, seed: int = 1) -> pl.DataFrame:
    """Return quantiles of the share saved by tree, the share of all, and its interval.

    The interval is the middle 95 % of the share of all when trees are drawn anew (bootstrap; Efron &
    Tibshirani 1993, chapter 13).

    Parameters
    ----------
    networks : on_hand_alone_value, on_hand_network_value, saving_share, a row a tree

    Returns
    -------
    measure, value; shares of the value alone, positive where the network holds less
    """
    alone, network = (networks[f"on_hand_{name}_value"].to_numpy() for name in ("alone", "network"))
    n = max(networks.height, 1)
    drawn = rng_for(seed, "network comparison", "bootstrap").multinomial(n, np.full(n, 1.0 / n), RESAMPLES)
    shares = _saved(drawn @ alone, drawn @ network)
    low, high = np.quantile(shares, [0.025, 0.975])
    spread = {f"quantile {q:.0%}": networks["saving_share"].quantile(q, "linear") for q in QUANTILES}
    better = (networks["saving_share"].to_numpy() > 0.0).mean()
    total = float(_saved(alone.sum(keepdims=True), network.sum(keepdims=True))[0])
    told = spread | {
        "share of networks that hold less": better,
        "all": total,
        "all, low": low,
        "all, high": high,
    }
    return pl.DataFrame(
        {"measure": list(told), "value": list(told.values())}, schema_overrides={"value": pl.Float64}
    )


def _saved(alone: Floats, network: Floats) -> Floats:
    """Return the share saved, 0 where the places alone hold nothing."""
    return 1.0 - np.divide(network, alone, out=np.ones_like(alone), where=alone > 0.0)


def _echelons(place: World, alone: Seen, network: Seen) -> pl.DataFrame:
    """Return the table `network_comparison`."""
    names = place.points["echelon"].to_numpy()
    rows = []
    for echelon, feeds in sorted({*zip(names.tolist(), place.feeds.tolist(), strict=True)}):
        rows.append(
            _echelon(place, alone, network, np.flatnonzero((names == echelon) & (place.feeds == feeds)))
        )
        rows[-1] |= {"echelon": echelon, "feeds": feeds}
    every = _echelon(place, alone, network, np.arange(len(names))) | {"echelon": "all", "feeds": False}
    return table("network_comparison").conform(pl.DataFrame([*rows, every], infer_schema_length=None))


def _echelon(place: World, alone: Seen, network: Seen, at: Ints) -> dict[str, object]:
    """Return the figures of the points in these rows."""
    cost = place.points["unit_cost_eff"].to_numpy()[at]
    wanted = network.wanted[:, at] @ cost[:, None]
    served = [found.served[:, at] @ cost[:, None] for found in (alone, network)]
    fill = [_known(ratio(part, wanted).estimate) for part in served]
    held = [found.on_hand[:, at] @ cost for found in (alone, network)]
    way = [float((found.on_way[:, at] @ cost).mean()) for found in (alone, network)]
    runs = len(wanted)
    apart = held[1] - held[0]
    return {
        "n_points": len(at),
        "fill_alone_sim": fill[0],
        "fill_network_sim": fill[1],
        "fill_difference_error": _known(ratio(served[1] - served[0], wanted).se),
        "on_hand_alone_value": float(held[0].mean()),
        "on_hand_network_value": float(held[1].mean()),
        "difference_value": float(apart.mean()),
        "difference_error": float(apart.std(ddof=1) / np.sqrt(runs)) if runs > 1 else None,
        "on_way_alone_value": way[0],
        "on_way_network_value": way[1],
    }


def _known(value: Floats) -> float | None:
    return float(value[0]) if np.isfinite(value[0]) else None


def _moved(place: World, alone: Seen, network: Seen) -> pl.DataFrame:
    """Return the items whose stock changes most in money, with the change in each echelon."""
    cost = place.points["unit_cost_eff"].to_numpy()
    values = place.points.select("item_id", "echelon").with_columns(
        alone=pl.Series(alone.on_hand.mean(axis=0) * cost),
        network=pl.Series(network.on_hand.mean(axis=0) * cost),
    )
    change = (
        values.with_columns(change=pl.col("network") - pl.col("alone"))
        .pivot("echelon", index="item_id", values="change", aggregate_function="sum", sort_columns=True)
        .fill_null(0.0)
    )
    totals = values.group_by("item_id").agg(
        on_hand_alone_value=pl.col("alone").sum(), on_hand_network_value=pl.col("network").sum()
    )
    change_of = pl.sum_horizontal(
        pl.selectors.float().exclude("on_hand_alone_value", "on_hand_network_value").abs()
    )
    return (
        totals.join(change, on="item_id")
        .with_columns(moved_value=change_of / 2.0)
        .sort(pl.col("moved_value"), "item_id", descending=[True, False])
        .head(TOP)
    )
