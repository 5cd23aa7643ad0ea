"""A whole network simulated: service, stock and cost of every stage, with standard errors.

The order of events is that of `plimsoll.domain.calendar` over all stages, written down in
`plimsoll.maths.kernels.network_simulation`. Every replication has its own demand and lead times, which
depend on the seed, its number and the stages' names and on nothing else: rules are compared on the same
draws (common random numbers), and results do not depend on threads.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.errors import SettingError
from plimsoll.maths.kernels.network_simulation import run_replications
from plimsoll.maths.kernels.network_simulation_draws import Laws, demand_draws, lead_draws
from plimsoll.maths.kernels.network_simulation_state import N_LINE, N_SITE, Network, Trouble
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.simulation_arrays import Disruption, law_arrays, network_arrays, trouble_arrays
from plimsoll.network.simulation_measures import Sums, arc_table, measures, stage_table
from plimsoll.network.simulation_sites import Sites

CHUNK = 16  # replications that one thread takes at a time


@dataclass(frozen=True, slots=True)
class SimulationRun:
    """How long and how often a network is run.

    Parameters
    ----------
    periods, warm_up : [T] periods of a replication, and those at its start that are not counted
    replications : [R] independent runs, the batches that standard errors rest on
    seed : of all draws, 0 <= seed < 2^63
    level : (R, n) factor of mean demand by replication, for a mean that is itself uncertain; 1 by default.
        A negative binomial keeps its shape, a normal its coefficient of variation, tables are stretched
    demand : (R, n, T) customers' demand instead of the laws; surges are not applied to it
    disruptions : what goes wrong, see `Disruption`
    traced : replication of which every period is kept
    confidence : of the intervals
    """

    periods: int = 1000
    warm_up: int = 100
    replications: int = 1000
    seed: int = 1
    level: Floats | None = None
    demand: Floats | None = None
    disruptions: tuple[Disruption, ...] = ()
    traced: int | None = None
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation came to.

    Parameters
    ----------
    stages : one row a stage: stage; the measures of `plimsoll.network.simulation_measures.measures`, and
        their standard errors `<measure>_se`; null where a stage was never asked
    arcs : one row an arc: from_stage, to_stage; fill_rate of the orders on it, and mean units owed,
        in_transit and waiting (components at the assembly), with standard errors
    cost_mean, cost_se : cost of the network per period
    half_width : factor of a standard error that makes an interval at the confidence of the run
    sums : sums by replication, of which all of this is made
    site_trace, line_trace : (T, n, N_SITE), (T, a + n, N_LINE) of the traced replication, or empty;
        columns in `plimsoll.maths.kernels.network_simulation_state`
    """

    stages: pl.DataFrame
    arcs: pl.DataFrame
    cost_mean: float
    cost_se: float
    half_width: float
    sums: Sums = field(repr=False)
    site_trace: Floats = field(repr=False)
    line_trace: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draws:
    """The random part of some replications, as the simulation draws it.

    Parameters
    ----------
    demand : (R, n, T) units asked by customers
    lead : (R, a + n, T) periods, of what leaves on a line in each period: arcs, then a line a stage
    """

    demand: Floats
    lead: Ints


def simulate(sites: Sites, run: SimulationRun | None = None) -> Simulated:
    """Return service, stock and cost of a network under its rules.

    With n stages, T periods and R replications it takes R (17 n + 9 (a + n)) 8 bytes beside (n + a) T 8 bytes
    a thread, and about n T R steps.

    Parameters
    ----------
    sites : network with rules and demand, from `plimsoll.network.simulation_sites.sites`
    run : how long and how often

    Raises
    ------
    SettingError
        If the run has no counted period or no replication, or arrays of another shape.
    InputError
        If a disruption names what is not there.

    Examples
    --------
    A shop that asks one unit a period, supplied a period later from a plant that holds nothing and waits
    two periods for each: three units are always on their way to the shop.

    >>> from plimsoll.network.simulation_sites import sites
    >>> two = sites({"stage": ["plant", "shop"], "up_to": [0, 3], "lead_time": [1, 0],
    ...              "demand": ["none", "table"], "demand_pmf": [None, [0.0, 1.0]]},
    ...             {"from_stage": ["plant"], "to_stage": ["shop"]})
    >>> simulate(two, SimulationRun(periods=50, warm_up=10, replications=2)).stages["fill_rate"].to_list()
    [None, 1.0]
    """
    chosen = run or SimulationRun()
    _check(sites, chosen)
    net, laws = network_arrays(sites), law_arrays(sites, chosen.level)
    trouble = trouble_arrays(sites, chosen.periods, chosen.disruptions)
    lines = len(laws.track)
    sums = Sums(
        np.zeros((chosen.replications, sites.stages.height, N_SITE)),
        np.zeros((chosen.replications, lines, N_LINE)),
        chosen.periods - chosen.warm_up,
    )
    in_chunks(
        lambda begin, end: _run(begin, end, chosen, (net, laws, trouble), sums, None),
        0, chosen.replications, CHUNK,
    )  # fmt: skip
    site_trace, line_trace = np.zeros((0, 0, 0)), np.zeros((0, 0, 0))
    if chosen.traced is not None:
        site_trace = np.zeros((chosen.periods, sites.stages.height, N_SITE))
        line_trace = np.zeros((chosen.periods, lines, N_LINE))
        traces = (site_trace, line_trace)
        _run(chosen.traced, chosen.traced + 1, chosen, (net, laws, trouble), None, traces)
    cost = measures(sites, sums)["cost_mean"]
    by_run = cost.influence.sum(axis=1)
    return Simulated(
        stage_table(sites, sums), arc_table(sites, sums), float(np.sum(cost.estimate)),
        float(np.std(by_run, ddof=1) / np.sqrt(len(by_run))) if len(by_run) > 1 else float("nan"),
        sums.half_width(chosen.confidence), sums, site_trace, line_trace,
    )  # fmt: skip


def draws(sites: Sites, run: SimulationRun, first: int = 0, count: int = 1) -> Draws:
    """Return demand and lead times of replications first..first + count - 1, for a check by other means."""
    laws = law_arrays(sites, run.level)
    demand = np.zeros((count, sites.stages.height, run.periods))
    lead = np.zeros((count, len(laws.lead_key), run.periods), np.int64)
    if run.demand is None:
        level = _rows(run.level, first, first + count, 2)
        surge = trouble_arrays(sites, run.periods, run.disruptions).surge
        demand_draws(run.seed, first, laws, level, surge, demand)
    else:
        demand[:] = run.demand[first : first + count]
    lead_draws(run.seed, first, laws, lead)
    return Draws(demand, lead)


def _run(
    begin: int,
    end: int,
    run: SimulationRun,
    arrays: tuple[Network, Laws, Trouble],
    sums: Sums | None,
    traces: tuple[Floats, Floats] | None,
) -> None:
    """Run some replications in the kernel, for their sums or for the trace of one."""
    net, laws, trouble = arrays
    lines = len(laws.track)
    empty = np.zeros((0, 0, 0))
    site = np.zeros((end - begin, len(net.opening), N_SITE)) if sums is None else sums.site[begin:end]
    line = np.zeros((end - begin, lines, N_LINE)) if sums is None else sums.line[begin:end]
    run_replications(
        begin, run.seed, run.periods, run.warm_up, net, laws,
        _rows(run.level, begin, end, 2), _rows(run.demand, begin, end, 3), trouble,
        site, line, *(traces or (empty, empty)),
    )  # fmt: skip


def _rows(array: NDArray[np.float64] | None, begin: int, end: int, dimensions: int) -> Floats:
    if array is None:
        return np.zeros((0,) * dimensions)
    return np.array(array[begin:end], dtype=np.float64, order="C")


def _check(sites: Sites, run: SimulationRun) -> None:
    """Refuse a run that cannot be made."""
    n, problems = sites.stages.height, []
    if run.replications < 1 or not 0 <= run.warm_up < run.periods:
        problems.append("it needs a replication, and a period after the warm-up")
    if not 0 <= run.seed < 2**63 or not 0 < run.confidence < 1:
        problems.append("the seed must lie in 0..2^63 - 1 and the confidence between 0 and 1")
    if run.traced is not None and not 0 <= run.traced < run.replications:
        problems.append("the traced replication is not one of them")
    for name, array, shape in (
        ("level", run.level, (run.replications, n)),
        ("demand", run.demand, (run.replications, n, run.periods)),
    ):
        if array is not None and (
            array.shape != shape or not np.all(array >= 0) or not np.all(np.isfinite(array))
        ):
            problems.append(f"{name} must be {shape} numbers of at least 0, and is {array.shape}")
    if problems:
        what = f"This simulation cannot be run: {'; '.join(problems)}."
        raise SettingError(what, remedy="Change the run.")
