"""Lead-time distributions as a few atoms: shapes from residuals, moved and stretched to a mean and spread."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from plimsoll.maths.ragged import Floats, Ints, bounds_of, to_lists

ATOMS = 24
SAME = 1e-6  # a value at the edge of a bin belongs to the next
FLOOR_STEPS = 60  # each step closes most of the remaining gap in mean and spread
GAMMA_CV_STEP = 0.01
GAMMA_CV_MAX = 3.0


def bin_means(group: Ints, value: Floats, weight: Floats, n_groups: int) -> tuple[Floats, Floats]:
    """Return each group's values as the means of at most 24 bins of about equal weight.

    Parameters
    ----------
    group : (n,) group of each value
    value : (n,) values
    weight : (n,) weights, not negative; a group of weight 0 has no bins
    n_groups : number of groups G

    Returns
    -------
    atoms, probabilities, both (G, 24); an empty bin has probability 0. The mean is kept exactly,
    the spread within bins is lost and restored by `standardise`.

    Examples
    --------
    >>> atoms, probabilities = bin_means(np.zeros(48, dtype=int), np.arange(48.0), np.ones(48), 1)
    >>> atoms[0, :3].tolist(), float(probabilities.sum())
    ([0.5, 2.5, 4.5], 1.0)
    """
    order = np.lexsort((value, group))
    group, value, weight = group[order], value[order], weight[order]
    every = np.bincount(group, weights=weight, minlength=n_groups)
    every = np.where(every > 0, every, 1.0)
    before = np.cumsum(weight) - weight
    first = bounds_of(np.bincount(group, minlength=n_groups))[group]
    share = (before - before[first]) / every[group] if group.size else before
    cell = group * ATOMS + np.minimum((share * ATOMS + SAME).astype(np.int64), ATOMS - 1)
    count = np.bincount(cell, weights=weight, minlength=n_groups * ATOMS).reshape(n_groups, ATOMS)
    total = np.bincount(cell, weights=weight * value, minlength=n_groups * ATOMS).reshape(n_groups, ATOMS)
    return total / np.where(count > 0, count, 1.0), count / every[:, None]


def gamma_atoms(cv: Floats) -> tuple[Floats, Floats]:
    """Return gamma distributions of mean 1 as the means of 24 bins of equal probability.

        a = 1 / cv^2,   atom_j = 24 (F(q_j+1; a + 1) - F(q_j; a + 1)),   F(q_j; a) = j / 24

    Examples
    --------
    >>> atoms, probabilities = gamma_atoms(np.array([0.3]))
    >>> float((atoms * probabilities).sum().round(12))
    1.0
    """
    shape = 1.0 / np.square(cv)[:, None]
    edges = special.gammaincinv(shape, np.arange(1, ATOMS) / ATOMS)
    below = special.gammainc(shape + 1.0, edges)
    ends = np.ones((cv.size, 1))
    atoms = np.diff(np.hstack([0.0 * ends, below, ends]), axis=1) * ATOMS
    return atoms, np.full((cv.size, ATOMS), 1.0 / ATOMS)


def moments_of(atoms: Floats, probabilities: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each row of atoms."""
    mean = (atoms * probabilities).sum(axis=1)
    return mean, np.sqrt((np.square(atoms - mean[:, None]) * probabilities).sum(axis=1))


def standardise(atoms: Floats, probabilities: Floats) -> Floats:
    """Return the atoms moved and stretched to mean 0 and standard deviation 1; 0 where all are equal."""
    mean, sd = moments_of(atoms, probabilities)
    centred = atoms - mean[:, None]
    flat = sd <= 1e-9 * (1.0 + np.abs(mean))
    return np.where(flat[:, None], 0.0, centred / np.where(flat, 1.0, sd)[:, None])


def own_shapes(
    group: Ints, value: Floats, weight: Floats, n_groups: int, enough: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return each group's standardised atoms and probabilities, and whether it has a shape of its own.

    Those that have enough values, not all equal, have one.
    """
    used = enough[group]
    means, probabilities = bin_means(group[used], value[used], weight[used], n_groups)
    shape = standardise(means, probabilities)
    return shape, probabilities, enough & (np.abs(shape).max(axis=1) > 0)


def gamma_shapes(cv: Floats) -> tuple[Floats, Floats]:
    """Return standardised atoms and probabilities of gammas with these coefficients of variation, to 0.01."""
    steps = np.clip(np.round(cv / GAMMA_CV_STEP), 1, GAMMA_CV_MAX / GAMMA_CV_STEP).astype(np.int64)
    grid, nearest = np.unique(steps, return_inverse=True)
    means, probabilities = gamma_atoms(grid.astype(np.float64) * GAMMA_CV_STEP)
    return standardise(means, probabilities)[nearest], probabilities[nearest]


def stretch(mean: Floats, sd: Floats, shape: Floats, probabilities: Floats) -> Floats:
    """Return atoms of the given mean and spread in the form of a standardised shape, none below 0.

        atom_j = mean + sd shape_j
        where one is negative, repeatedly:  atom <- max(0, mean + sd standardise(atom))

    The repetition has atoms of the wanted mean and spread as its fixed point; a last division
    keeps the mean exactly where a spread of several means cannot be reached.

    Parameters
    ----------
    mean : [mu] (n,) days
    sd : [sigma] (n,) days
    shape : (n, 24) standardised atoms in ascending order
    probabilities : (n, 24)

    Examples
    --------
    >>> found = stretch(np.array([1.0]), np.array([1.5]), np.array([[-1.0, 1.0]]), np.array([[0.5, 0.5]]))
    >>> found.tolist()
    [[0.0, 2.0]]
    """
    atoms = mean[:, None] + sd[:, None] * shape
    low = np.flatnonzero((np.where(probabilities > 0, atoms, 0.0) < 0).any(axis=1))
    if low.size:
        m, s, p = mean[low, None], sd[low, None], probabilities[low]
        floored = np.maximum(atoms[low], 0.0)
        for _ in range(FLOOR_STEPS):
            floored = np.maximum(m + s * standardise(floored, p), 0.0)
        reached = (floored * p).sum(axis=1, keepdims=True)
        atoms[low] = floored * np.where(reached > 0, m / np.where(reached > 0, reached, 1.0), 0.0)
    return atoms


def as_lists(atoms: Floats, probabilities: Floats) -> tuple[pl.Series, pl.Series]:
    """Return rows of ascending atoms as two list columns, equal atoms merged and impossible ones dropped.

    Examples
    --------
    >>> values, shares = as_lists(np.array([[2.0, 2.0, 9.0]]), np.array([[0.25, 0.75, 0.0]]))
    >>> values.to_list(), shares.to_list()
    ([[2.0]], [[1.0]])
    """
    kept = probabilities > 0
    row, value, share = np.repeat(np.arange(len(kept)), kept.sum(axis=1)), atoms[kept], probabilities[kept]
    new = np.ones(row.size, dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (value[1:] > value[:-1])
    first = np.flatnonzero(new)
    merged = np.add.reduceat(share, first)
    bounds = bounds_of(np.bincount(row[first], minlength=atoms.shape[0]))
    merged /= np.repeat(np.add.reduceat(merged, bounds[:-1]), np.diff(bounds))
    return to_lists(value[first], bounds), to_lists(merged, bounds)
