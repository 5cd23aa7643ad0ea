"""The shelf of methods: what each one states about itself, and how they are found."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What a method may ask of the series before it is tried; arrays (n,).

    `mean` and `sd` are of a period, in units of demand (the divisor that all quantities share); `fades`,
    `rises`: recent demand is below, or above, the average by more than chance.
    """

    n_periods: Floats
    n_demands: Floats
    mean: Floats
    sd: Floats
    fades: Flags
    rises: Flags
    year: int

    @property
    def zero_share(self) -> Floats:
        """Share of the observed periods without demand."""
        return 1.0 - self.n_demands / np.maximum(self.n_periods, 1.0)


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its name, place among the kernels, formula, source, and when it applies.

    `rank` orders methods from simple to involved. `applies` says which series it is scored on;
    `usable` which of those it may be used for, with the reason where it may not.
    """

    name: str
    code: int
    rank: int
    formula: str
    source: str
    when: str
    applies: Callable[[SeriesFacts], Flags]
    usable: Callable[[SeriesFacts], Flags] | None = None
    unusable_reason: str = "not_finite"


@cache
def methods() -> tuple[Method, ...]:
    """Return every method on the shelf, the simplest first.

    Examples
    --------
    >>> [method.name for method in methods()][:3]
    ['compound', 'normal', 'ses']
    """
    package = import_module("plimsoll.demand.methods")
    found = [
        import_module(f"{package.__name__}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(sorted((module.METHOD for module in found), key=lambda method: method.rank))
