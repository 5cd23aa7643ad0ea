"""Which periods are replayed, and on which of their days a rule is asked."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from plimsoll.domain.calendar import EVERY, Bucket, last_complete_start, period_start, periods_between
from plimsoll.domain.errors import InputError
from plimsoll.replay.params import ReplayParams

YEAR = {"week": 52, "month": 12}
QUARTER = {"week": 13, "month": 3}


@dataclass(frozen=True, slots=True)
class Clock:
    """The periods of a replay.

    `ends`: last day of each column; column 0 is the day before the first replayed period, on which a rule
    first orders, column t is replayed period t; `moments`: columns at the end of which a rule is asked,
    `every` periods apart.
    """

    bucket: Bucket
    ends: tuple[date, ...]
    moments: tuple[int, ...]
    every: int

    @property
    def periods(self) -> int:
        """Number of replayed periods."""
        return len(self.ends) - 1

    @property
    def start(self) -> date:
        """Day on which the replay begins: the last one before its first period."""
        return self.ends[0]


def clock_of(first: date, as_of: date, bucket: Bucket, params: ReplayParams) -> Clock:
    """Return the periods replayed of a history from its first day of demand to `as_of`.

    Parameters
    ----------
    first : first day of demand
    as_of : day of knowledge; the last whole period before it is the last one replayed
    bucket : length of a period
    params : number of periods, history before them, and how often a rule is asked

    Raises
    ------
    InputError
        If less history than `history_periods` lies before the replay.

    Examples
    --------
    >>> clock = clock_of(date(2026, 1, 5), date(2026, 11, 21), "week", ReplayParams(periods=16))
    >>> clock.start, clock.ends[-1], clock.moments
    (datetime.date(2026, 7, 26), datetime.date(2026, 11, 15), (0, 13))
    """
    last = last_complete_start(as_of, bucket)
    known = max(periods_between(period_start(first, bucket), last, bucket), 0)
    year = YEAR[bucket]
    periods = params.periods or (year if known - year >= params.history_periods else known // 3)
    if known - periods < params.history_periods or not periods:
        what = f"{known} {bucket}s of demand are known up to {as_of}: too few to replay {periods} of them."
        why = f"A rule needs {params.history_periods} {bucket}s of history before its first decision."
        remedy = "Replay fewer periods, import a longer history, or lower history_periods in [replay]."
        raise InputError(what, why=why, remedy=remedy)
    starts = pl.Series([last]).dt.offset_by(f"{1 - periods}{EVERY[bucket][1:]}")[0]
    following = pl.date_range(
        starts, pl.Series([last]).dt.offset_by(EVERY[bucket])[0], EVERY[bucket], eager=True
    )
    ends = tuple(day - timedelta(days=1) for day in following)
    every = params.every or QUARTER[bucket]
    return Clock(bucket, ends, tuple(range(0, periods, every)), every)
