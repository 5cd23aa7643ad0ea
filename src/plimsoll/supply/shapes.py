"""The form of each lead-time distribution: of its lane with enough receipts, or its supplier, or a gamma."""

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply import atoms
from plimsoll.supply.censored import survival_weights
from plimsoll.supply.credibility import Pooled, inside, pool
from plimsoll.supply.levels import Levels, Sample, Samples, Tree
from plimsoll.supply.params import SupplyParams


def shapes(
    rows: Ints, cv: Floats, levels: Levels, samples: Samples, tree: Tree, params: SupplyParams
) -> tuple[Floats, Floats]:
    """Return standardised atoms and probabilities of these nodes.

    Residuals of a supplier's deliveries are taken about the pooled means of its lanes: about raw
    means, lanes with one or two deliveries would show no spread. Open orders hand their mass to
    longer lead times (`censored.survival_weights`).

    Parameters
    ----------
    rows : (n,) node of each row
    cv : (n,) coefficient of variation, for the gamma
    levels : what the levels say
    samples : observations
    tree : groups
    params : options
    """
    by = levels.by_supplier.take(tree.supplier_of_lane)
    pooled = pool(
        levels.by_lane,
        Pooled(np.ones(by.n.size), by.mean, by.var),
        inside(levels.by_lane, tree.supplier_of_lane, tree.mode.size).take(tree.supplier_of_lane),
        levels.k["lane"],
        levels.k["lane_spread"],
    )
    sd = np.sqrt(np.where(pooled.var > 0, pooled.var, 1.0))

    def residual(sample: Sample) -> Sample:
        lane = sample.group
        days = (sample.days - pooled.mean[lane]) / sd[lane]
        return Sample(tree.supplier_of_lane[lane], days, sample.weight)

    shape, share = atoms.gamma_shapes(cv)
    of_supplier = (tree.supplier[rows], residual(samples.lane), residual(samples.open_lane), tree.mode.size)
    for at, received, still_open, n_groups in (
        of_supplier,
        (tree.lane[rows], samples.lane, samples.open_lane, sd.size),
    ):
        own, own_share, usable = _own(received, still_open, n_groups, params)
        known = usable[at]
        shape[known], share[known] = own[at[known]], own_share[at[known]]
    return shape, share


def _own(
    received: Sample, still_open: Sample, n_groups: int, params: SupplyParams
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return each group's shape from its own lead times, and whether it has enough of them."""
    enough = np.bincount(received.group, weights=received.weight, minlength=n_groups)
    weight = received.weight
    if still_open.group.size:
        group = np.concatenate([received.group, still_open.group])
        is_open = np.repeat([0, 1], [received.group.size, still_open.group.size])
        steps, _ = survival_weights(
            group,
            np.concatenate([received.days, still_open.days]),
            np.concatenate([weight, still_open.weight]),
            is_open,
            n_groups,
        )
        weight = steps[: received.group.size]
    least = params.shape_min_receipts - 1e-6
    shape, share, usable = atoms.own_shapes(received.group, received.days, weight, n_groups, enough >= least)
    total = share.sum(axis=1, keepdims=True)
    return shape, share / np.where(total > 0, total, 1.0), usable
