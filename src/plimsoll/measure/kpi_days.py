"""The days that key figures tell of."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.calendar import EVERY, Bucket


@dataclass(frozen=True, slots=True)
class Days:
    """The days that a ledger tells of, both counted, and the length of its periods.

    `grace`: the period by whose end a line without a promised day is in time: that of the plan's demand.
    `known`: the last day that anything is known of; None for the last day.
    """

    first: date
    last: date
    bucket: Bucket
    grace: Bucket = "week"
    known: date | None = None

    def frame(self) -> pl.DataFrame:
        """Return the periods with their days: period, days (those inside), whole (all of them inside).

        Examples
        --------
        >>> Days(date(2026, 10, 10), date(2026, 11, 30), "month").frame().rows()
        [(datetime.date(2026, 10, 1), 22.0, False), (datetime.date(2026, 11, 1), 30.0, True)]
        """
        every = EVERY[self.bucket]
        start = pl.Series([self.first]).dt.truncate(every)[0]
        periods = pl.DataFrame({"period": pl.date_range(start, self.last, every, eager=True)})
        after = pl.col("period").dt.offset_by(every)
        inside = pl.min_horizontal(after, pl.lit(self.last).dt.offset_by("1d")) - pl.max_horizontal(
            "period", pl.lit(self.first)
        )
        return periods.select(
            "period",
            days=inside.dt.total_days().cast(pl.Float64),
            whole=inside == after - pl.col("period"),
        )
