"""Compound demand: a rate whose evidence fades, times sizes drawn towards the usual."""

from plimsoll.demand.shelf import Method
from plimsoll.maths.kernels.demand_fit import COMPOUND

METHOD = Method(
    name="compound",
    code=COMPOUND,
    rank=0,
    formula="p = (k + a) / (n + b), level ~ (1, phi / (k + a) + tau0), f = g empirical + (1 - g) geometric",
    source="West & Harrison 1997, section 10.8; Robbins 1956; Panjer 1981",
    when="one demand",
    applies=lambda facts: facts.n_demands >= 1,
)
