"""Holt's method with a damped trend."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import HOLT

METHOD = Method(
    name="damped_trend",
    code=HOLT,
    rank=10,
    formula="l <- l + f b + a e, b <- f b + a b* e; M = sum l + b (f + ... + f^j)",
    source="Gardner & McKenzie 1985; Hyndman, Koehler, Ord & Snyder 2008, section 6.2",
    when="a rise by more than chance, ten demands, a year of periods or 26, half of them with demand",
    applies=lambda facts: (
        facts.rises
        & (facts.n_demands >= 10)
        & (facts.n_periods >= min(facts.year, 26))
        & (facts.zero_share <= 0.5)
    ),
)
