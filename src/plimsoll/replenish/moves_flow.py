"""The moves that bring most money after their cost: a flow of least cost, with a charge for each move."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from plimsoll.maths.kernels.charged_flow import MOST_PAIRS, best_flows
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

BATCH = 24  # pairs solved in one call; items do not touch each other, so batches lose nothing
NODES = 2_000  # of the search tree of a batch
GAP = 1e-6  # share of the money by which a batch may miss the optimum


@dataclass(frozen=True, slots=True)
class Flow:
    """Places that have (A), places that want (B), and P pairs between them.

    `origin`, `target`: (P,) the two places of a pair; `unit_cost`, `fixed_cost`: (P,) money a unit and
    money a move; `has`, `has_value`: (A, K) whole units in K tranches and the money that a unit brings
    when it leaves, falling by tranche; `wants`, `wants_value`: (B, K) the same where it arrives.
    """

    origin: Ints
    target: Ints
    unit_cost: Floats
    fixed_cost: Floats
    has: Floats
    has_value: Floats
    wants: Floats
    wants_value: Floats


def best_moves(flow: Flow) -> Floats:
    """Return the units (P,) to move.

        max  Σ v_ak s_ak + Σ v_bk r_bk − Σ c_p f_p − Σ F_p z_p
        s.t. Σ_k s_ak = Σ_{p from a} f_p,   Σ_k r_bk = Σ_{p to b} f_p,   f_p <= u_p z_p,   z_p in {0, 1}

    Given z the rest is a network flow with whole bounds, whose matrix is totally unimodular (Ahuja,
    Magnanti & Orlin 1993, theorem 11.11): units come out whole without being asked to.

    Parameters
    ----------
    flow : places, pairs and money

    Returns
    -------
    (P,) whole units.

    Notes
    -----
    Connected parts of at most 10 pairs are solved by trying every set of pairs
    (`maths.kernels.charged_flow`), larger ones as the mixed-integer program above by HiGHS. A batch of
    these that needs more than 2,000 nodes of the search gives its best moves so far. Equal inputs give
    equal moves: no clock is involved.
    """
    units = np.zeros(len(flow.origin))
    if not len(units):
        return units
    part = _parts(flow)
    is_small = (np.bincount(part) <= MOST_PAIRS)[part]
    rows = _together(part, is_small)
    starts = np.flatnonzero(np.diff(part[rows], prepend=-1))
    units[rows] = best_flows(
        np.append(starts, len(rows)),
        flow.origin[rows],
        flow.target[rows],
        flow.unit_cost[rows],
        flow.fixed_cost[rows],
        flow.has,
        flow.has_value,
        flow.wants,
        flow.wants_value,
    )
    for rows in _batches(part, ~is_small):
        units[rows] = _solved(flow, rows)
    return units


def _parts(flow: Flow) -> Ints:
    """Return the number of the connected part of every pair."""
    n_origins, n = len(flow.has), len(flow.origin)
    size = n_origins + len(flow.wants)
    graph = coo_array((np.ones(n), (flow.origin, n_origins + flow.target)), shape=(size, size))
    label = np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
    return label[flow.origin]


def _together(part: Ints, chosen: Flags) -> Ints:
    """Return the chosen pairs, those of a part side by side."""
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(part[rows], kind="stable")]


def _batches(part: Ints, chosen: Flags) -> list[Ints]:
    """Return the chosen pairs in batches of whole parts, a part alone where it is large."""
    rows = _together(part, chosen)
    if not len(rows):
        return []
    starts = np.flatnonzero(np.diff(part[rows], prepend=-1))
    cuts = [0]
    for end in np.append(starts[1:], len(rows)):
        if end - cuts[-1] >= BATCH or end == len(rows):
            cuts.append(int(end))
    return [rows[lo:hi] for lo, hi in pairwise(cuts)]


def _solved(flow: Flow, pairs: Ints) -> Floats:
    origins, a = np.unique(flow.origin[pairs], return_inverse=True)
    targets, b = np.unique(flow.target[pairs], return_inverse=True)
    has, wants = flow.has[origins], flow.wants[targets]
    most = np.minimum(has.sum(axis=1)[a], wants.sum(axis=1)[b])
    n, k = len(pairs), has.shape[1]
    sizes = (has.size, wants.size, n, n)
    first = np.concatenate([[0], np.cumsum(sizes)])
    money = [-flow.has_value[origins].ravel(), -flow.wants_value[targets].ravel()]
    costs = np.concatenate([*money, flow.unit_cost[pairs], flow.fixed_cost[pairs]])
    moved = first[2] + np.arange(n)

    def balance(parts: int, at: int, of: Ints) -> csr_array:
        row = np.concatenate([np.repeat(np.arange(parts), k), of])
        column = np.concatenate([at + np.arange(parts * k), moved])
        value = np.concatenate([np.ones(parts * k), -np.ones(n)])
        return csr_array((value, (row, column)), shape=(parts, first[4]))

    ones = np.arange(n)
    charged = csr_array(
        (np.concatenate([np.ones(n), -most]), (np.tile(ones, 2), np.concatenate([moved, moved + n]))),
        shape=(n, first[4]),
    )
    equal = vstack([balance(len(origins), 0, a), balance(len(targets), first[1], b)])
    upper = np.concatenate([has.ravel(), wants.ravel(), most, np.ones(n)])
    found = milp(
        costs,
        integrality=np.repeat([0, 0, 0, 1], sizes),
        bounds=Bounds(0.0, upper),
        constraints=[LinearConstraint(equal, 0.0, 0.0), LinearConstraint(charged, -np.inf, 0.0)],
        options={"node_limit": NODES, "mip_rel_gap": GAP},
    )
    if found.x is None:  # moving nothing is feasible, so only a failure of the solver comes here
        return np.zeros(n)
    return np.asarray(np.rint(found.x[first[2] : first[3]]))
