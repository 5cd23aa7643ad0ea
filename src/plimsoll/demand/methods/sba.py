"""The Syntetos-Boylan approximation: Croston without its bias."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import SBA

METHOD = Method(
    name="sba",
    code=SBA,
    rank=6,
    formula="m = (1 - a/2) z / p, z and p as Croston's",
    source="Syntetos & Boylan 2005, eq. 8",
    when="two demands and at least 10 % of the periods without",
    applies=lambda facts: (facts.n_demands >= 2) & (facts.zero_share >= 0.1),
)
