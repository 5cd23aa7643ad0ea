"""Multiplicative seasonal indices by calendar month, shrunk by evidence, on exponential smoothing."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import SEASONAL

METHOD = Method(
    name="seasonal",
    code=SEASONAL,
    rank=11,
    formula="s = 1 + (S - 1) max(0, 1 - 1/F), S demand of a month over its level; M = l sum s; V as for ses",
    source="Winters 1960; indices shrunk after James & Stein 1961, Miller & Williams 2003",
    when="scored from 1.2 years with 12 demands in at least 70 % of the periods; used from two years",
    applies=lambda facts: (
        (facts.n_demands >= 12) & (facts.n_periods >= 1.2 * facts.year) & (facts.zero_share <= 0.3)
    ),
    usable=lambda facts: facts.n_periods >= 2 * facts.year - 1,
    unusable_reason="seasonal_needs_two_years",
)
