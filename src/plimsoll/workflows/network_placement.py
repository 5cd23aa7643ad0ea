"""Guaranteed-service placement over the lanes and bills of material of the plan in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from scipy import special

from plimsoll import __version__
from plimsoll.domain.errors import SettingError, did_you_mean
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.network_result import PlacementResult, PlacementTotals
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.bounds import Bound, NormalBound, QuantileBound, quantile_bound
from plimsoll.network.model import Network, arrays
from plimsoll.network.placement import Placement, place
from plimsoll.network.placement_trees import Stages
from plimsoll.network.structure import Arrays
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.network import KEY, network_of, plan_of
from plimsoll.workflows.settings import libraries

KIND = "placement"
YEAR = 365.0  # days
STEPS = ("Read the plan", "Place the buffers", "Publish")
BOUNDS = ("quantile", "normal")
HOLDS = 1e-9  # days; less of a net time is none
DIGITS = 3  # of times in days: with a common unit they add up without rounding
_READ = ("network_stage", "network_arc", "planning_point", "demand_estimate")


@dataclass(frozen=True, slots=True)
class PlacementOptions:
    """What the demand bound covers, how it is made, and how long networks that are no trees may take."""

    service: float = 0.95
    bound: str = "quantile"
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.bound not in BOUNDS:
            what = f"There is no demand bound '{self.bound}'."
            raise SettingError(what, remedy=did_you_mean(self.bound, BOUNDS) or f"Use {' or '.join(BOUNDS)}.")
        if not 0.5 <= self.service < 1.0:
            what = f"service = {self.service} is no share that a bound on demand can cover."
            raise SettingError(what, remedy="Give a share from 0.5 to below 1, such as 0.95.")
        if self.seconds <= 0.0:
            what = f"The placement cannot take {self.seconds} seconds."
            raise SettingError(what, remedy="Give some seconds, such as 60.")


@dataclass(frozen=True, slots=True)
class _Company:
    """The stages of all networks, sources first, and their problem.

    `stages` has the columns of `network_stage` and `holding_cost`, money per unit and day; `stages.height`
    may be less than the stages of `trees`: ways that take time themselves are stages at its end.
    """

    stages: pl.DataFrame
    numbers: Arrays
    trees: Stages
    bound: Bound


def place_network(
    folder: Path, options: PlacementOptions | None = None, *, at: datetime, progress: Progress = silent
) -> PlacementResult:
    """Place the safety stock of a whole company's networks by guaranteed service, and publish the result.

    The placement is exact (Graves & Willems 2000; Humair & Willems 2011; see `plimsoll.network.placement`)
    over lanes and bills of material in force: every stage quotes a time that it keeps, and holds what its
    demand bound asks for over its net time. It advises where to decouple; the plan's own levels do not
    change.

    Parameters
    ----------
    folder : the workspace
    options : demand bound and time
    at : moment of the command
    progress : told at the start of each step

    Raises
    ------
    WorkspaceError : no plan yet
    InputError : no network
    SettingError : options out of range
    """
    options = options or PlacementOptions()
    with Workspace.open(folder) as workspace:
        progress(STEPS[0], 0, len(STEPS))
        plan = plan_of(workspace)
        network = network_of(workspace, plan)
        read = {name: workspace.result(name, plan.id) for name in _READ}
        progress(STEPS[1], 1, len(STEPS))
        placed, totals = placement_of(read, options)
        progress(STEPS[2], 2, len(STEPS))
        # A search that time stops may end elsewhere the next time: what it reached is part of its name.
        reached = {"cost": repr(totals.cost), "bound": repr(totals.bound), "late": totals.late}
        parameters = {
            "plan_run": plan.fingerprint, "service": options.service, "demand_bound": options.bound,
            "seconds": options.seconds, "reached": reached,
        }  # fmt: skip
        inputs, used = plan.manifest["inputs"], libraries("pytoulbar2")
        manifest = Manifest(KIND, __version__, plan.as_of, plan.seed, parameters, inputs, used)
        run_id = workspace.publish_run(KIND, {"network_placement": placed}, manifest, at=at)
    return PlacementResult(network, run_id, options.service, options.bound, placed, totals)


def placement_of(
    tables: Mapping[str, pl.DataFrame], options: PlacementOptions
) -> tuple[pl.DataFrame, PlacementTotals]:
    """Return the table `network_placement` and its totals.

    Parameters
    ----------
    tables : network_stage, network_arc, planning_point; with the quantile bound demand_estimate
    options : demand bound and time

    Conventions
    -----------
    Time is in days, the time of a stage its lead time and review interval. With the quantile bound, which
    counts whole days, times are rounded up, else to a thousandth of a day. Customers of a stage wait at
    most its max_service_days; a stage without customers of its own quotes what it likes. Stages that a
    finding took out of the network are left out.
    """
    started = perf_counter()
    company = _company(tables, options)
    found = place(company.trees, company.bound, seconds=options.seconds)
    took = perf_counter() - started
    n = company.stages.height
    stage = np.arange(n)
    net = np.where(found.net[:n] > HOLDS, found.net[:n], 0.0)
    safety = company.bound.safety(stage, net)
    placed = company.stages.select(
        *KEY,
        "network_id",
        inbound_days=pl.Series(found.inbound[:n]),
        service_days=pl.Series(found.service[:n]),
        net_days=pl.Series(net),
        late_days=pl.Series(found.late[:n]),
        base_stock_qty=pl.Series(company.bound.base_stock(stage, net)),
        safety_qty=pl.Series(safety),
        safety_value=pl.Series(safety) * pl.col("unit_cost"),
        cost_per_year=pl.Series(found.cost[:n] * YEAR),
        holds=pl.Series(safety > 0.0),
        reason=_reason(pl.Series(net), pl.Series(safety)),
    )
    return table("network_placement").conform(placed), _totals(company, found, placed, took)


def _reason(net: pl.Series, safety: pl.Series) -> pl.Expr:
    """Return the code of the reason for what a stage holds."""
    serves = pl.col("own_mean_per_day") > 0
    return (
        pl.when(pl.col("mean_per_day") <= 0).then(pl.lit("no_demand"))
        .when(~pl.col("may_hold")).then(pl.lit("may_not_hold"))
        .when((net > 0) & (safety <= 0)).then(pl.lit("rarely_asked"))
        .when(serves & (net > 0)).then(pl.lit("serves_customers"))
        .when(serves).then(pl.lit("customers_wait"))
        .when(net > 0).then(pl.lit("decouples"))
        .otherwise(pl.lit("passes_on"))
    )  # fmt: skip


def _totals(company: _Company, found: Placement, placed: pl.DataFrame, took: float) -> PlacementTotals:
    trees, numbers = company.trees, company.numbers
    stage = np.arange(len(trees.time))

    def cost(service: Floats, inbound: Floats) -> float:
        net = np.maximum(inbound + trees.time - service, 0.0)
        return float(company.bound.cost(stage, net).sum()) * YEAR

    several = np.diff(numbers.starts) > 1
    size = np.bincount(found.network)
    # a network of several stages has several; ways that take time add to one and make none
    connected = size > 1
    return PlacementTotals(
        cost=float(found.total.sum()) * YEAR,
        bound=float(np.minimum(found.bound, found.total).sum()) * YEAR,
        each_holds=cost(*_followed(trees, np.where(trees.may_hold, 0.0, np.inf))),
        customers_hold=cost(*_followed(trees, np.where(trees.may_hold, trees.latest, np.inf))),
        value=float(placed["safety_value"].sum()),
        networks=int(several.sum()),
        proven=int(found.proven[connected].sum()),
        single=int((~several).sum()),
        late=int((placed["late_days"] > 0).sum()),
        seconds=took,
    )


def _followed(trees: Stages, quoted: Floats) -> tuple[Floats, Floats]:
    """Return service and inbound times where every stage quotes a given time, or earlier if it can."""
    inbound, service = trees.inbound.copy(), np.zeros(len(trees.time))
    into: list[list[int]] = [[] for _ in trees.time]
    for up, down in zip(trees.up.tolist(), trees.down.tolist(), strict=True):
        into[down].append(up)
    waiting = [len(ups) for ups in into]
    out: list[list[int]] = [[] for _ in trees.time]
    for down, ups in enumerate(into):
        for up in ups:
            out[up].append(down)
    ready = [k for k, n in enumerate(waiting) if n == 0]
    while ready:
        k = ready.pop()
        inbound[k] = max([inbound[k], *(service[up] for up in into[k])])
        service[k] = min(inbound[k] + trees.time[k], quoted[k])
        for down in out[k]:
            waiting[down] -= 1
            if waiting[down] == 0:
                ready.append(down)
    return service, inbound


def _company(tables: Mapping[str, pl.DataFrame], options: PlacementOptions) -> _Company:
    """Return the stages that can be placed, their arcs and their demand bound."""
    arcs = tables["network_arc"]
    known = tables["network_stage"].filter(
        pl.col("refused_reason").is_null(), pl.col("stage_days").is_not_null()
    )
    inner = arcs.filter("in_force", pl.col("kind") != "outside")
    numbers = arrays(Network(known, inner, [], 0.0))
    rates = tables["planning_point"].select(*KEY, "holding_rate_eff")
    stages = known[numbers.row].join(rates, on=KEY, how="left", maintain_order="left")
    stages = stages.with_columns(
        holding_cost=pl.col("unit_cost") * pl.col("holding_rate_eff").fill_null(0.0) / YEAR
    )
    trees, ways = _trees(stages, inner, numbers, whole=options.bound == "quantile")
    bound = _quantile(stages, tables["demand_estimate"], options, ways) if options.bound == "quantile" else (
        _normal(stages, options, ways)
    )  # fmt: skip
    return _Company(stages, numbers, trees, bound)


def _trees(stages: pl.DataFrame, arcs: pl.DataFrame, numbers: Arrays, *, whole: bool) -> tuple[Stages, int]:
    """Return the problem, and how many ways between stages take time: each is a stage that holds nothing."""
    time = (stages["stage_days"] + stages["review_days"]).to_numpy()
    on_way = arcs.select(pl.when(pl.col("kind") == "bill").then("mean_days").fill_null(0.0)).to_series()
    extra = on_way.fill_null(0.0).clip(0.0).to_numpy()[numbers.arc]
    long = np.flatnonzero(extra > 0.0)
    n, ways = stages.height, len(long)
    via = n + np.arange(ways)
    down = numbers.down.copy()
    down[long] = via
    up = np.concatenate([numbers.up, via])
    down = np.concatenate([down, numbers.down[long]])
    time = np.concatenate([time, extra[long]])
    serves = (stages["own_mean_per_day"] > 0).to_numpy()
    latest = np.where(serves, stages["max_service_days"].fill_null(0.0).to_numpy(), np.inf)
    names = stages.select(pl.format("{} @ {}", *KEY)).to_series().to_list()
    return Stages(
        up,
        down,
        np.ceil(time - HOLDS) if whole else np.round(time, DIGITS),
        np.zeros(n + ways),
        np.concatenate([latest, np.full(ways, np.inf)]),
        np.concatenate([stages["may_hold"].to_numpy(), np.zeros(ways, dtype=bool)]),
        [*names, *(f"way {k + 1}" for k in range(ways))],
    ), ways


def _normal(stages: pl.DataFrame, options: PlacementOptions, ways: int) -> NormalBound:
    z = float(special.ndtri(options.service))
    rows = (_padded(stages[name], ways) for name in ("holding_cost", "sd_per_day", "mean_per_day"))
    holding_cost, sd, mean = rows
    return NormalBound(holding_cost, z, sd, mean)


def _padded(column: pl.Series, ways: int) -> Floats:
    return np.concatenate([column.fill_null(0.0).to_numpy().astype(np.float64), np.zeros(ways)])


def _quantile(
    stages: pl.DataFrame, estimates: pl.DataFrame, options: PlacementOptions, ways: int
) -> QuantileBound:
    """Return the bound by the estimates of the stages; one without is quiet."""
    known = (
        stages.select(KEY).with_row_index("at").join(estimates, on=KEY, how="inner", maintain_order="left")
    )
    at: Ints = known["at"].cast(pl.Int64).to_numpy()
    cost = _padded(stages["holding_cost"], ways)
    share = np.full(len(cost), options.service)
    few = quantile_bound(known, cost[at], share[at])
    parts = {name: np.zeros(len(cost)) for name in ("mean", "within", "level")} | {"step": np.ones(len(cost))}
    for name, values in parts.items():
        values[at] = getattr(few, name)
    return QuantileBound(cost, share, parts["mean"], parts["within"], parts["level"], parts["step"])
