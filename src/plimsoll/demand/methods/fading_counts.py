"""Counts that forget quickly, for series whose recent demand has fallen."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import FADING

METHOD = Method(
    name="fading_counts",
    code=FADING,
    rank=4,
    formula="M and V as for negative_binomial, with the weight `fading_smoothing` of the last period",
    source="Snyder, Ord & Beaumont 2012; Trigg 1964 for watching the errors",
    when="two demands, and recent demand below the average by more than three standard errors",
    applies=lambda facts: (facts.n_demands >= 2) & facts.fades,
)
