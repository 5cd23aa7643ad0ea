"""Counts with exponentially weighted mean and variance."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import NB

METHOD = Method(
    name="negative_binomial",
    code=NB,
    rank=3,
    formula="M = n m; V = n v + n2 v / n_eff, m and v exponentially weighted, v at least that of a Poisson",
    source="Snyder, Ord & Beaumont 2012",
    when="two demands",
    applies=lambda facts: facts.n_demands >= 2,
)
