"""Quantiles of estimated lead times, read off their atoms."""

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.waiting import LEAST_SHAPE, waiting_laws


def quantiles(
    lead_times: pl.DataFrame, levels: Floats, params: SupplyParams, *, given_at_most: Floats | None = None
) -> Floats:
    """Return quantiles of lead times, atoms read as curves with a tail (`waiting.waiting_laws`).

    Parameters
    ----------
    lead_times : rows with `atom_days` and `atom_probability`, (n,)
    levels : [p] (L,) probabilities from 0 to 1
    params : options
    given_at_most : [c] (n,) days; quantiles of the law given L <= c. For orders that can only be on file
        if they were received by some day.

    Returns
    -------
    (n, L) days, not negative.

    Examples
    --------
    >>> law = pl.DataFrame({"atom_days": [[10.0, 20.0, 30.0]], "atom_probability": [[0.25, 0.5, 0.25]]})
    >>> quantiles(law, np.array([0.0, 0.5, 0.9]), SupplyParams()).round(1).tolist()
    [[5.0, 20.0, 29.5]]
    >>> quantiles(law, np.array([0.5]), SupplyParams(), given_at_most=np.array([20.0])).tolist()
    [[15.0]]
    """
    laws = waiting_laws(
        lead_times["atom_days"],
        lead_times["atom_probability"],
        shape=LEAST_SHAPE,
        least_share=params.tail_min_share,
    )
    reached = np.ones(lead_times.height) if given_at_most is None else 1.0 - laws.survival(given_at_most)
    return np.maximum(np.column_stack([laws.days_at(1.0 - level * reached) for level in levels]), 0.0)
