"""The global model: trees that learn from all series at once."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import LEARNED

METHOD = Method(
    name="learned",
    code=LEARNED,
    rank=13,
    formula="demand of the compound method at the level l f(x), f boosted trees on all series",
    source="Ke et al. 2017 (LightGBM); Montero-Manso & Hyndman 2021 (global models)",
    when="two demands, where all series together hold enough windows and LightGBM is installed",
    applies=lambda facts: facts.n_demands >= 2,
)
