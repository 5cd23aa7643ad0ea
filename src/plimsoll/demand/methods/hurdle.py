"""Zero-inflated counts: whether there is demand, and how much."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import HURDLE

METHOD = Method(
    name="zero_inflated_nb",
    code=HURDLE,
    rank=8,
    formula="B ~ BetaBinomial(n, A, A'), D | B = B units + NB(mean B (z - 1), variance B s2 + B2 s2 / k)",
    source="Mullahy 1986 (hurdle); Lambert 1992 (zero inflation)",
    when="four demands and at least 10 % of the periods without",
    applies=lambda facts: (facts.n_demands >= 4) & (facts.zero_share >= 0.1),
)
