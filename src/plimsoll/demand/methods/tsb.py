"""Teunter-Syntetos-Babai: the probability of demand smoothed in every period, so that dead items fade."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import TSB

METHOD = Method(
    name="tsb",
    code=TSB,
    rank=7,
    formula="p <- p + b (1{y > 0} - p) every period, z <- z + a (y - z) when y > 0; m = p z",
    source="Teunter, Syntetos & Babai 2011",
    when="two demands and at least 10 % of the periods without",
    applies=lambda facts: (facts.n_demands >= 2) & (facts.zero_share >= 0.1),
)
