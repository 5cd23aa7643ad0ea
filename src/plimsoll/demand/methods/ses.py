"""Simple exponential smoothing."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import SES

METHOD = Method(
    name="ses",
    code=SES,
    rank=2,
    formula="l <- l + a (y - l); M = n l; V = s2 (n + a n(n-1) + a2 n(n-1)(2n-1)/6) + n2 s2 / N",
    source="Brown 1959; Hyndman, Koehler, Ord & Snyder 2008, section 6.2",
    when="demand in at least 40 % of the periods",
    applies=lambda facts: (facts.n_demands >= 2) & (facts.zero_share <= 0.6),
)
