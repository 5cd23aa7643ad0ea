"""The Willemain-Smart-Schwarz bootstrap of interval demand."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import BOOTSTRAP

METHOD = Method(
    name="bootstrap",
    code=BOOTSTRAP,
    rank=9,
    formula="two-state Markov occurrence, sizes resampled and jittered: X* = 1 + floor(X + Z sqrt X)",
    source="Willemain, Smart & Schwarz 2004",
    when="five demands and at least 10 % of the periods without",
    applies=lambda facts: (facts.n_demands >= 5) & (facts.zero_share >= 0.1),
)
