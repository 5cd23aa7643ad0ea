"""The global model and the compound demand of the series itself, half and half."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import BLEND

METHOD = Method(
    name="learned_blend",
    code=BLEND,
    rank=14,
    formula="the compound method at the geometric mean of its own level and that of learned",
    source="Bates & Granger 1969; equal weights after Clemen 1989",
    when="where learned applies",
    applies=lambda facts: facts.n_demands >= 2,
)
