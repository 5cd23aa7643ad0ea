"""A rate borrowed from similar items, for series with one demand or none."""

import numpy as np

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import POOLED

METHOD = Method(
    name="pooled_rate",
    code=POOLED,
    rank=12,
    formula="rate ~ Gamma(a + k, b + N), a and b from all series of the category; sizes geometric",
    source="Robbins 1956 (empirical Bayes); Silver, Pyke & Thomas 2017, section 9.7",
    when="never scored; the fallback where there is one demand or none",
    applies=lambda facts: np.zeros(len(facts.mean), dtype=np.bool_),
)
