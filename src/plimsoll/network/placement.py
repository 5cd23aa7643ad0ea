"""Exact guaranteed-service placement on any acyclic network, with a proof, or with bound and gap."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.maths.arguments import checked
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.network.bounds import WHOLE, Bound
from plimsoll.network.placement_cells import PROVEN, Shown, proved
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import NOBODY, Problem, problem_of, settled, ties_of
from plimsoll.network.placement_start import improved
from plimsoll.network.placement_tables import entries, tables_of
from plimsoll.network.placement_trees import Stages, place_trees

Flags = NDArray[np.bool_]

SECONDS = 60.0
VALUES = 40_000  # candidates in all up to which a network is solved over all of them
ENTRIES = 2_000_000  # of pair tables, likewise
SHARE = 0.4  # of the time left that this may take


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a placement holds stock, one entry a stage, and what is proved of it, one entry a network.

    `network` : (stages,) number of the connected network that the stage belongs to
    `inbound`, `service`, `net` : (stages,) SI, S and x = SI + T - S, in the unit of the stage times; the
    stage holds where x > 0
    `cost` : (stages,) money per unit of time
    `late` : (stages,) how much later than `latest` the stage's customers are served; above 0 only where
    stages that may not hold stock make the promise impossible, and then it is as early as can be
    `total` : (networks,) cost of the placement, money per unit of time
    `bound` : (networks,) money per unit of time; no placement of the network costs less
    `limit` : (networks,) what ended the search: "" where the placement is proved, else "time" or "nodes"
    """

    network: Ints
    inbound: Floats
    service: Floats
    net: Floats
    cost: Floats
    late: Floats
    total: Floats
    bound: Floats
    limit: tuple[str, ...]

    @property
    def gap(self) -> Floats:
        """Return the share of each network's cost that could at most be saved, about 0 where it is proved."""
        some = np.where(self.total > 0.0, self.total, 1.0)
        return np.where(self.total > 0.0, np.maximum(1.0 - self.bound / some, 0.0), 0.0)

    @property
    def proven(self) -> Flags:
        """Return which networks' placements are proved to be the best, to a relative 1e-8."""
        return np.asarray(self.gap <= PROVEN)


def place(network: Stages, bound: Bound, *, seconds: float = SECONDS) -> Placement:
    """Return the least-cost service times of any acyclic networks, each proved or with its gap.

        least sum_k c_k(x_k)   with   x_k = SI_k + T_k - S_k >= 0,   SI_k >= si_k,   S_k <= s_k,
                                      S_i <= SI_j on every arc i -> j

    (Graves & Willems 2000; Humair & Willems 2011.) Trees go to the kernel for trees. Other networks are
    reduced to few shared times (`placement_problem`). Where the values that these take at vertices are
    few, the best choice of them is found by elimination and a weighted constraint solver; else bounds over
    cells are refined until they meet the best placement (`placement_cells`). Exact for real times with a
    normal bound; with a quantile bound all times must be whole, and the best whole ones are found.

    Parameters
    ----------
    network : stages, times and arcs; need not be trees; double arcs count once
    bound : demand bound and holding cost of the stages, in the unit of their times
    seconds : time for all networks together that are no trees; what is shown till then is returned

    Raises
    ------
    InputError : arcs go round in a circle or leave the stages; with a quantile bound, times that are not
        whole. The stages are named.

    Examples
    --------
    A part goes into two modules of one product, which ships at once; the part is cheap:

    >>> from plimsoll.network.bounds import NormalBound
    >>> diamond = Stages.of([(0, 1), (0, 2), (1, 3), (2, 3)], [8, 2, 5, 1], latest=[np.inf] * 3 + [0])
    >>> bound = NormalBound(np.array([1.0, 9.0, 9.0, 9.0]), 1.0, np.ones(4), np.ones(4))
    >>> placed = place(diamond, bound)
    >>> placed.service.tolist(), placed.net.tolist(), placed.proven.tolist()
    ([0.0, 2.0, 5.0, 0.0], [8.0, 0.0, 0.0, 6.0], [True])
    """
    checked("seconds", seconds, above=0)
    network = _checked_arcs(network)
    label = _networks(network)
    count = int(label.max(initial=-1)) + 1
    sizes, arcs = np.bincount(label, minlength=count), np.bincount(label[network.up], minlength=count)
    found, shown, limit = np.zeros((4, len(label))), np.zeros((2, count)), [""] * count
    trees = np.flatnonzero((arcs < sizes)[label])
    placed = place_trees(*_part(network, bound, trees, np.flatnonzero((arcs < sizes)[label[network.up]])))
    found[:, trees] = placed.inbound, placed.service, placed.net, placed.cost
    shown[:] = np.bincount(label, found[3], count)
    order, arc_order = np.argsort(label, kind="stable"), np.argsort(label[network.up], kind="stable")
    first, first_arc = bounds_of(sizes), bounds_of(arcs)
    end = perf_counter() + seconds
    others = np.flatnonzero(arcs >= sizes)
    for at in others[np.argsort(sizes[others], kind="stable")].tolist():  # the small ones first
        stages = order[first[at] : first[at + 1]]
        own = arc_order[first_arc[at] : first_arc[at + 1]]
        stages = _flow_order(network, stages, own)
        part, part_bound = _part(network, bound, stages, own)
        problem = problem_of(part, part_bound)
        best = _solved(problem, lambda: end - perf_counter())
        found[:, stages] = settled(problem, best.values, part.inbound)
        total = float(found[3, stages].sum())
        shown[:, at] = total, min(best.bound, total)
        if best.gap > PROVEN:
            limit[at] = "time" if end <= perf_counter() else "nodes"
    late = found[1] - network.latest
    late = np.where(late > WHOLE, late, 0.0)
    return Placement(label, found[0], found[1], found[2], found[3], late, shown[0], shown[1], tuple(limit))


def _solved(problem: Problem, left: Callable[[], float]) -> Shown:
    """Return the best values of one network's variables and a bound: over all candidates, or by cells."""
    ties = ties_of(problem)
    known = Shown(problem.low, problem.cost(problem.low), 0.0)
    if known.cost == 0.0:
        return known
    lists = _whole(problem) if problem.is_whole else ties.closed(VALUES)
    if len(lists[0]) and entries(problem, np.array([len(v) for v in lists])) <= ENTRIES:
        found = solve(tables_of(problem, lists), known.cost * (1.0 + PROVEN), SHARE * left())
        if found.at is not None:
            values = problem.completed(np.array([v[k] for v, k in zip(lists, found.at, strict=True)]))
            known = Shown(values, problem.cost(values), 0.0)
        known = Shown(known.values, known.cost, min(found.bound, known.cost))
        if known.gap <= PROVEN:
            return known
    start = improved(problem, ties, known.values, lambda: SHARE * left())
    cost = problem.cost(start)
    if cost < known.cost:
        known = Shown(start, cost, min(known.bound, cost))
    return proved(problem, known, left)


def _whole(problem: Problem) -> list[Ints]:
    """Return every whole time of every variable; empty lists if they are too many."""
    if (problem.high - problem.low).sum() > VALUES:
        return [problem.low[:0] for _ in problem.low]
    return [np.arange(low, high + 1) for low, high in zip(problem.low, problem.high, strict=True)]


def _checked_arcs(network: Stages) -> Stages:
    """Return a network without double arcs."""
    n = len(network.time)
    arcs = np.unique(np.stack([network.up, network.down], axis=1), axis=0)
    outside = ((arcs < 0) | (arcs >= n)).any(axis=1)
    if outside.any():
        named = first_keys([f"{up} -> {down}" for up, down in arcs[outside]])
        what = f"{outside.sum()} arcs lead to stages that are not among the {n} given: {named}."
        raise InputError(what, remedy="Give stage numbers from 0 on.")
    return replace(network, up=arcs[:, 0].copy(), down=arcs[:, 1].copy())


def _networks(network: Stages) -> Ints:
    """Return the number of the connected network of every stage; none may have a circle."""
    n = len(network.time)
    pairs = coo_array((np.ones(len(network.up), dtype=np.int8), (network.up, network.down)), shape=(n, n))
    _, strong = connected_components(pairs.tocsr(), connection="strong")
    round_trip = np.bincount(strong, minlength=1)[strong] > 1
    round_trip[network.up[network.up == network.down]] = True
    if round_trip.any():
        stages = np.flatnonzero(round_trip)
        what = f"Arcs go round in circles through {len(stages)} stages: {network.named(stages)}."
        why = "No stage of a circle can be served before it serves itself."
        raise InputError(what, why=why, remedy="Take out one arc of each circle.")
    return np.asarray(connected_components(pairs.tocsr(), directed=False)[1], dtype=np.int64)


def _flow_order(network: Stages, stages: Ints, arcs: Ints) -> Ints:
    """Return stages with suppliers before their customers."""
    customers: dict[int, list[int]] = {k: [] for k in stages.tolist()}
    missing = dict.fromkeys(customers, 0)
    for up, down in zip(network.up[arcs].tolist(), network.down[arcs].tolist(), strict=True):
        customers[up].append(down)
        missing[down] += 1
    order = [k for k, n in missing.items() if n == 0]
    for k in order:  # grows while it is read
        for down in customers[k]:
            missing[down] -= 1
            if missing[down] == 0:
                order.append(down)
    return np.array(order, dtype=np.int64)


def _part(network: Stages, bound: Bound, stages: Ints, arcs: Ints) -> tuple[Stages, Bound]:
    """Return some stages with the arcs between them, and their bound, numbered in the order given."""
    place = np.full(len(network.time), NOBODY)
    place[stages] = np.arange(len(stages))
    names = [network.names[k] for k in stages] if len(network.names) else [str(k) for k in stages]
    part = Stages(
        place[network.up[arcs]],
        place[network.down[arcs]],
        network.time[stages],
        network.inbound[stages],
        network.latest[stages],
        network.may_hold[stages],
        names,
    )
    own = {f.name: np.broadcast_to(getattr(bound, f.name), place.shape)[stages] for f in fields(bound)}
    return part, replace(bound, **own)  # type: ignore[arg-type]
