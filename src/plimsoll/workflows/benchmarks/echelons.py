"""One network against each place alone, and promises against simulation: a demo and a generated family."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.network.check import check
from plimsoll.network.compare import Compared, compare
from plimsoll.network.links import KEY
from plimsoll.network.size import size
from plimsoll.network.world_run import WorldRun
from plimsoll.policy import PolicyParams
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.benchmarks.echelon_family import echelons_of, family
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.pipeline import decide
from plimsoll.workflows.settings import Settings

NETWORKS, DEMO_ITEMS, DEMO_SEED = 200, 2000, 7
FAMILY_RUN = WorldRun(days=1456, replications=16)
DEMO_RUN = WorldRun(days=728, replications=16)
AT = datetime(2026, 10, 31, tzinfo=UTC)
Tables = Mapping[str, pl.DataFrame]


def planned_family(n: int) -> dict[str, pl.DataFrame]:
    """Return the tables of n generated networks with the policies of the network."""
    tables = family(n)
    names = ("planning_point", "demand_estimate", "target", "lead_time_estimate")
    points, estimates, target, lead_times = (tables[name] for name in names)
    sized = size(points, estimates, target, lead_times, PolicyParams())
    return tables | {"policy": sized.policies}


def planned_demo(n_items: int) -> tuple[dict[str, pl.DataFrame], dict[str, str]]:
    """Return the tables of the plan of a demo company of that size, and the kind of each location."""
    settings = Settings()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "company")
        build_demo(path, n_items=n_items, seed=DEMO_SEED, at=AT)
        with Workspace.open(path) as workspace:
            imported = workspace.import_in_force()
            facts = workspace.facts()
    as_of = imported.as_of if imported else date(2026, 10, 31)
    made = decide(facts, settings, as_of=as_of, seed=1)
    tables = {
        "planning_point": made.points,
        "demand_estimate": made.lives.estimates,
        "lead_time_estimate": made.lead_times,
        "target": made.allocation.target,
        "policy": made.sized.policies,
    }
    kinds = made.complete.tables["locations"].select("location_id", "kind").drop_nulls()
    return tables, dict(kinds.iter_rows())


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Check and compare the family and the demo company; `--points` gives the items of the demo company."""
    n_items = options.points[0] if options.points else DEMO_ITEMS
    progress(f"{NETWORKS} generated networks", 0, 4)
    made = planned_family(NETWORKS)
    of_place = echelons_of(made["planning_point"])
    checked = {"family": check(made, kinds=of_place, run=FAMILY_RUN).echelons}
    progress("Each place alone", 1, 4)
    compared = {"family": compare(made, PolicyParams(), kinds=of_place, run=FAMILY_RUN, each=True)}
    progress(f"Demo company of {n_items:,} items", 2, 4)
    tables, kinds = planned_demo(n_items)
    apart = tables["policy"].filter(pl.col("policy") != "none").select(KEY)
    checked["demo"] = check(tables, kinds=kinds, others=apart, run=DEMO_RUN).echelons
    progress("Each place alone", 3, 4)
    compared["demo"] = compare(tables, PolicyParams(), kinds=kinds, run=DEMO_RUN)
    named = {"family": f"{NETWORKS} generated networks", "demo": f"demo company of {n_items:,} items"}
    return BenchmarkOutcome(
        "echelons",
        "One network against each place alone at equal simulated service, and its promises",
        f"plimsoll bench echelons --points {n_items}",
        machine(),
        {f"Promise and simulation, {named[name]}": _promises(table) for name, table in checked.items()}
        | {f"Stock by echelon, {named[name]}": _stock(found) for name, found in compared.items()}
        | {"Saving of the network at equal service, share of stock alone": _saving(compared, named)},
        _notes(compared),
    )


def _promises(echelons: pl.DataFrame) -> pl.DataFrame:
    percent = [
        (100.0 * pl.col(name)).round(2).alias(told)
        for name, told in (
            ("fill_own_est", "promised %"), ("fill_own_sim", "simulated %"), ("fill_own_error", "error"),
            ("fill_own_value_est", "at cost, promised %"), ("fill_own_value_sim", "simulated, at cost %"),
            ("fill_all_est", "all demand, promised %"), ("fill_all_sim", "all demand, simulated %"),
        )
    ]  # fmt: skip
    stock = (100.0 * (pl.col("on_hand_sim_value") / pl.col("on_hand_est_value") - 1.0)).round(1)
    gap = pl.col("gap_points").round(2).alias("gap, points")
    return echelons.select("echelon", "feeds", "points", *percent, gap, stock.alias("stock above promise, %"))


def _stock(found: Compared) -> pl.DataFrame:
    return found.echelons.select(
        "echelon",
        "feeds",
        pl.col("n_points").alias("points"),
        (100.0 * pl.col("fill_alone_sim")).round(2).alias("fill alone %"),
        (100.0 * pl.col("fill_network_sim")).round(2).alias("fill network %"),
        pl.col("on_hand_alone_value").round(0).alias("stock alone"),
        pl.col("on_hand_network_value").round(0).alias("stock network"),
        pl.col("difference_value").round(0).alias("difference"),
        pl.col("on_way_network_value").round(0).alias("on the way"),
    )


def _saving(compared: Mapping[str, Compared], named: Mapping[str, str]) -> pl.DataFrame:
    both = [found.saving.rename({"value": named[name]}) for name, found in compared.items()]
    joined = both[0].join(both[1], on="measure", how="left", maintain_order="left")
    return joined.with_columns(pl.col(pl.Float64).round(4))


def _notes(compared: Mapping[str, Compared]) -> tuple[str, ...]:
    factor = float(compared["demo"].factor[0])
    world = compared["demo"].world
    return (
        f"A world of days, {DEMO_RUN.replications} replications; each location reviews on days of its own. "
        "Lead times and levels of demand are drawn once a replication, so orders never overtake each other.",
        "Equal service: share of customers' demand at cost that is met at once. Family: in every network, by "
        "one factor of what its targets leave unserved; demo company: in all together "
        f"(factor {factor:.3f}).",
        "Family: 2-4 echelons, four classes of demand, with and without lots; what the plan is told of "
        "demand and lead times is the truth. Middle: places between the source and the branches.",
        f"Demo company: {world.unlike_means} feeding places whose estimated mean is more than 10 % from the "
        f"sum of those below and their customers; {world.unlike_variances} whose variance is. 'not "
        "connected' has neither source nor claimant of ours: its gap is that of laws and lots alone.",
        "Interval of the saving of all: middle 95 % of 1,000 draws of the networks anew.",
    )
