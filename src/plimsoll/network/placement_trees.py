"""Guaranteed-service placement on networks that are trees, thousands of them in one call, each exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.maths.arguments import checked
from plimsoll.maths.kernels import placement_tree as kernel
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.network.bounds import WHOLE, Bound, NormalBound

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stages:
    """Stages and arcs of any number of networks, in any order; an arc leads from a supplier to its customer.

    A tree may branch both ways (assembly, distribution, mixed). One stage alone is a tree too.

    Parameters
    ----------
    up, down : (arcs,) stage numbers of the supplying and the supplied stage
    time : (stages,) T, own time with the review interval, at least 0
    inbound : (stages,) si, service time of suppliers outside the network
    latest : (stages,) s, longest service time that the stage's own customers accept; inf without customers
    may_hold : (stages,) False: the stage keeps no stock, x = 0
    names : names of the stages for messages; their numbers if empty
    """

    up: Ints
    down: Ints
    time: Floats
    inbound: Floats
    latest: Floats
    may_hold: Flags
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        checked("time", self.time, least=0)
        checked("inbound", self.inbound, least=0)
        checked("latest", self.latest, least=0, finite=False)

    @classmethod
    def of(
        cls,
        arcs: ArrayLike,
        time: ArrayLike,
        *,
        inbound: ArrayLike = 0.0,
        latest: ArrayLike = np.inf,
        may_hold: ArrayLike = True,
        names: Sequence[str] = (),
    ) -> "Stages":
        """Return trees from pairs (supplier, customer); a single value counts for every stage."""
        pairs = np.asarray(arcs, dtype=np.int64).reshape(-1, 2)
        own = np.atleast_1d(np.asarray(time, dtype=np.float64))
        first = np.broadcast_to(np.asarray(inbound, dtype=np.float64), own.shape)
        last = np.broadcast_to(np.asarray(latest, dtype=np.float64), own.shape)
        hold = np.broadcast_to(np.asarray(may_hold, dtype=bool), own.shape)
        return cls(pairs[:, 0], pairs[:, 1], own, first, last, hold, names)

    def named(self, stages: Ints) -> str:
        """Return the first of some stages as text."""
        return first_keys([self.names[k] for k in stages] if len(self.names) else stages.tolist())


@dataclass(frozen=True, slots=True)
class TreePlacement:
    """Where a least-cost placement holds stock, one entry a stage.

    `tree` : number of the stage's tree.
    `inbound`, `service`, `net` : SI, S and x = SI + T - S, in the unit of the stage times; the stage holds
    where x > 0.
    `cost` : money per unit of time. Their sum is the least there is, by dynamic programming.
    `late` : how much later than `latest` the stage's customers are served; above 0 only where stages
    that may not hold stock make the promise impossible, and then it is as early as can be.
    """

    tree: Ints
    inbound: Floats
    service: Floats
    net: Floats
    cost: Floats
    late: Floats


def place_trees(trees: Stages, bound: Bound) -> TreePlacement:
    """Return the least-cost service times of every tree (Graves & Willems 2000; kernel `placement_tree`).

        least sum_k c_k(x_k)   with   x_k = SI_k + T_k - S_k >= 0,   SI_k >= si_k,   S_k <= s_k,
                                      S_i <= SI_j on every arc i -> j

    With a normal bound the result is exact for any real times; with a quantile bound all times must be
    whole, and the best whole service times are found.

    Parameters
    ----------
    trees : stages, times and arcs
    bound : demand bound and holding cost of the stages, in the unit of the trees' times

    Raises
    ------
    InputError : the arcs form a loop or leave the stages; with a quantile bound, times that are not whole.
        The stages are named.

    Examples
    --------
    A plant feeds a shop; the plant's stock is cheap, the shop serves at once:

    >>> pair = Stages.of([(0, 1)], [5, 1], latest=[np.inf, 0])
    >>> placed = place_trees(pair, NormalBound(np.array([1.0, 4.0]), 2.0, np.full(2, 10.0), np.ones(2)))
    >>> placed.service.tolist(), placed.net.tolist()
    ([0.0, 0.0], [5.0, 1.0])
    """
    tree = _trees_of(trees)
    order = np.argsort(tree, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    near, near_bounds, is_customer = _neighbours(rank[trees.up], rank[trees.down], len(order))
    given = np.empty((kernel.N_GIVEN, len(order)))
    for row, values in (
        (kernel.TIME, trees.time),
        (kernel.INBOUND, trees.inbound),
        (kernel.LATEST, trees.latest),
        (kernel.HOLDS, trees.may_hold),
        (kernel.COEF, bound.coefficient if isinstance(bound, NormalBound) else 0.0),
    ):
        given[row] = np.broadcast_to(values, order.shape)[order]
    graph = (bounds_of(np.bincount(tree)), near, near_bounds, is_customer)
    if isinstance(bound, NormalBound):
        tables, table_bounds = np.empty(0), np.zeros(len(order) + 1, dtype=np.int64)
    else:
        given[[kernel.TIME, kernel.INBOUND]] = whole_times(trees)[:, order]
        given[kernel.LATEST] = np.floor(given[kernel.LATEST] + WHOLE)
        safety, table_bounds = bound.tables(order, kernel.longest_net(*graph, given))
        tables = safety * np.repeat(bound.holding_cost[order], np.diff(table_bounds))
    found = kernel.place(*graph, given, tables, table_bounds, not isinstance(bound, NormalBound))
    inbound, service, net, cost = (
        found[row, rank] for row in (kernel.IN, kernel.OUT, kernel.NET, kernel.COST)
    )
    late = service - trees.latest
    return TreePlacement(tree, inbound, service, net, cost, np.where(late > WHOLE, late, 0.0))


def _trees_of(trees: Stages) -> Ints:
    """Return the number of each stage's tree, in the order of their first stages."""
    n = len(trees.time)
    outside = (np.minimum(trees.up, trees.down) < 0) | (np.maximum(trees.up, trees.down) >= n)
    if outside.any():
        arcs = [f"{up} -> {down}" for up, down in zip(trees.up[outside], trees.down[outside], strict=True)]
        what = f"{len(arcs)} arcs lead to stages that are not among the {n} given: {first_keys(arcs)}."
        raise InputError(what, remedy="Give stage numbers from 0 on.")
    pairs = coo_array((np.ones(len(trees.up), dtype=np.int8), (trees.up, trees.down)), shape=(n, n))
    count, label = connected_components(pairs.tocsr(), directed=False)
    arcs_in = np.bincount(label[trees.up], minlength=count)
    looped = np.flatnonzero(arcs_in[label] >= np.bincount(label, minlength=count)[label])
    if len(looped):
        what = f"{len(looped)} stages are in networks with a loop or a double arc: {trees.named(looped)}."
        why = "Two stages of a tree are joined by one path."
        raise InputError(
            what, why=why, remedy="Place these networks with the solver for any acyclic network."
        )
    return np.asarray(label, dtype=np.int64)


def _neighbours(up: Ints, down: Ints, n: int) -> tuple[Ints, Ints, Ints]:
    """Return the neighbours of every stage, where they begin, and 1 for those who are its customers."""
    stage, other = np.concatenate([up, down]), np.concatenate([down, up])
    is_customer = np.concatenate([np.ones_like(up), np.zeros_like(down)])
    order = np.argsort(stage, kind="stable")
    return other[order], bounds_of(np.bincount(stage, minlength=n)), is_customer[order]


def whole_times(trees: Stages) -> Floats:
    """Return stage and inbound times when all are whole."""
    times = np.array([trees.time, trees.inbound])
    whole: Floats = np.rint(times)
    broken = np.flatnonzero((np.abs(times - whole) > WHOLE).any(axis=0))
    if len(broken):
        what = f"The times of {len(broken)} stages are not whole: {trees.named(broken)}."
        why = "A quantile bound is known at whole times, and between them it is not concave."
        remedy = "Round the times up, take a smaller unit of time, or use the normal bound."
        raise InputError(what, why=why, remedy=remedy)
    return whole
