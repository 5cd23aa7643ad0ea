"""The plain normal: the reference that others are compared with."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import NORMAL

METHOD = Method(
    name="normal",
    code=NORMAL,
    rank=1,
    formula="D ~ N(n m, n s2), m and s2 the mean and variance of all periods",
    source="Silver, Pyke & Thomas 2017, chapter 6",
    when="scored everywhere as the reference; used from 10 units a period with a cv up to 0.5",
    applies=lambda facts: (facts.mean >= 10.0) & (facts.sd <= 0.5 * facts.mean),
)
