"""Croston's method: size and interval smoothed apart."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import CROSTON

METHOD = Method(
    name="croston",
    code=CROSTON,
    rank=5,
    formula="z <- z + a (y - z), p <- p + a (q - p) when y > 0; m = z / p; v = s2 / p + z2 (1 - 1/p) / p",
    source="Croston 1972",
    when="two demands and at least 10 % of the periods without",
    applies=lambda facts: (facts.n_demands >= 2) & (facts.zero_share >= 0.1),
)
