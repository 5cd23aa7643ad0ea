"""What the checks look at: the company's facts as known on a day, and what the stages made of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from plimsoll.domain.tables import table


@dataclass(frozen=True, slots=True)
class Company:
    """Facts and results, read only.

    `given` holds the canonical tables as imported (known at `as_of`), `known` the same completed with
    what the data imply, `results` the result tables of the plan by name; a table that was not computed
    is absent there and empty through `result`.
    """

    as_of: date
    given: dict[str, pl.DataFrame]
    known: dict[str, pl.DataFrame]
    results: dict[str, pl.DataFrame] = field(default_factory=dict)
    _memory: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def result(self, name: str) -> pl.DataFrame:
        """Return a result table; empty where it was not computed."""
        return self.results.get(name, table(name).empty())

    def once(self, name: str, work: "Callable[[Company], pl.DataFrame]") -> pl.DataFrame:
        """Return what `work` makes of the company, made on the first call and kept under the name."""
        if name not in self._memory:
            self._memory[name] = work(self)
        return self._memory[name]
