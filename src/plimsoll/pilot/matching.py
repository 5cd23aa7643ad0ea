"""Pairs of like items: the nearest neighbours on standardised measures, each used once."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from plimsoll.maths.ragged import Floats, Ints

NEAREST = 40  # neighbours of each item that are looked at, beside as many others as there are items


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of the m pairs: one of the items asked for, its partner, and how far apart they are."""

    asked: Ints
    partner: Ints
    distance: Floats


def standardised(measures: Floats) -> Floats:
    """Return measures (n, k) less their mean, over their standard deviation; a constant one becomes 0.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = measures - measures.mean(axis=0)
    spread = measures.std(axis=0)
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12))


def nearest_pairs(measures: Floats, group: Ints, asked: Ints, pool: Ints) -> Pairs:
    """Return each asked item with a partner of its own group, none used twice, at least total distance.

    With z the standardised measures, pairs minimise the sum of |z_i - z_j| within each group: optimal
    matching (Rosenbaum 1989) rather than greedy, whose result depends on the order of the items.

    Parameters
    ----------
    measures : (n, k), already standardised
    group : (n,) partners come from the same group only
    asked : rows that want a partner
    pool : rows that may be one, none of them among `asked`

    Returns
    -------
    Pairs
        In the order of `asked`; items of a group with too few partners are left without, the farthest.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [0.2], [1.1]])
    >>> nearest_pairs(line, np.zeros(4, dtype=np.int64), np.array([0, 1]), np.array([2, 3])).partner.tolist()
    [2, 3]
    """
    found: list[tuple[Ints, Ints, Floats]] = []
    for one in np.unique(group[asked]):
        wanting, free = asked[group[asked] == one], pool[group[pool] == one]
        if not len(free):
            continue
        apart = cdist(measures[wanting], measures[free])
        kept = _near(apart)
        apart = apart[:, kept]
        rows, columns = linear_sum_assignment(apart)
        found.append((wanting[rows], free[kept][columns], apart[rows, columns]))
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, np.zeros(0))
    asked_rows, partners, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(np.argsort(asked)[np.searchsorted(np.sort(asked), asked_rows)], kind="stable")
    return Pairs(asked_rows[order], partners[order], distance[order])


def _near(apart: Floats) -> Ints:
    """Return the columns worth looking at: the nearest of each row, so that large pools stay quick."""
    rows, columns = apart.shape
    if columns <= 2 * rows + NEAREST:
        return np.arange(columns)
    nearest = np.argpartition(apart, NEAREST - 1, axis=1)[:, :NEAREST]
    best = np.argsort(apart.min(axis=0), kind="stable")[:rows]  # enough for a partner each
    return np.asarray(np.union1d(nearest, best))


def differences(one: Floats, other: Floats) -> Floats:
    """Return the standardised difference of each measure between two groups (Austin 2009).

        d = (mean_1 - mean_2) / sqrt((var_1 + var_2) / 2)

    0 where both are constant and alike, infinite where they are constant and differ.

    Examples
    --------
    >>> round(float(differences(np.array([[1.0], [3.0]]), np.array([[0.0], [2.0]]))[0]), 3)
    0.707
    """
    apart = one.mean(axis=0) - other.mean(axis=0)
    spread = np.sqrt((_variance(one) + _variance(other)) / 2)
    same = np.abs(apart) <= 1e-12
    far = np.copysign(np.inf, apart)
    return np.asarray(np.where(same, 0.0, np.divide(apart, spread, out=far, where=spread > 1e-12)))


def _variance(values: Floats) -> Floats:
    return np.asarray(values.var(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1]))


def tossed(pairs: Pairs, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return fence and control rows: in each pair a coin decides who is in the fence."""
    heads = rng.random(len(pairs.asked)) < 0.5
    return np.where(heads, pairs.asked, pairs.partner), np.where(heads, pairs.partner, pairs.asked)


def balanced(
    measures: Floats, fence: Ints, control: Ints, distance: Floats, limit: float, least: int
) -> Ints:
    """Return the pairs kept so that no standardised difference is above the limit.

    The farthest pairs are left out a twentieth at a time, down to `least`; then what is left is returned
    as it is, and its balance tells that it is not reached.

    Parameters
    ----------
    measures : (n, k) of all items
    fence, control : (m,) rows of the pairs
    distance : (m,) within each pair
    limit : largest absolute difference
    least : pairs below which none is left out
    """
    kept = np.argsort(distance, kind="stable")
    while len(kept) > least:
        worst = np.abs(differences(measures[fence[kept]], measures[control[kept]])).max(initial=0.0)
        if worst <= limit:
            break
        kept = kept[: max(len(kept) - max(len(kept) // 20, 1), least)]
    return np.sort(kept)
