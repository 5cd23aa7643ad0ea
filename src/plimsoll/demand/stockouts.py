"""When demand could not be seen for want of stock: from flags, and from what stock records say."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.panel import KEY, MICRO, Panel, in_micro
from plimsoll.demand.params import DemandParams
from plimsoll.demand.records import dated_daily, from_records, readable_shelves
from plimsoll.domain.calendar import Bucket, period_index
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

STANDARD_ERRORS = 2.0  # by which sales before a stock-out must be above the usual to count as cut short
EVIDENCE_MIN = 5
LEAST_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """How much of each period of a panel was seen, aligned with its values.

    `share`: of the period's time, 1 if all of it; `piece`: share of its time in which stock ran out (a
    day, or 1 where no more is known), so that `sold`, the units of that time, is the least that demand
    can have been; `n_inferred`: points with stock-outs that no flag names.
    """

    share: Floats
    piece: Floats
    sold: Floats
    n_inferred: int

    @property
    def unseen(self) -> Flags:
        """Periods of which nothing was seen."""
        return np.asarray((self.share <= 0) & (self.piece <= 0))

    @property
    def hidden(self) -> Flags:
        """Periods of which some demand may not have been seen."""
        return np.asarray((self.share < 1) | (self.piece > 0))


def may_hide(known: dict[str, pl.DataFrame], points: pl.DataFrame, params: DemandParams) -> bool:
    """Return whether there is any trace of stock-outs to look at."""
    if params.stockouts == "ignored":
        return False
    if not known["availability"]["in_stock"].all():
        return True
    return params.stockouts == "inferred" and readable_shelves(known, points).height > 0


def seen_of(
    panel: Panel, known: dict[str, pl.DataFrame], points: pl.DataFrame, params: DemandParams, *, as_of: date
) -> Seen:
    """Return how much of the demand of each period could be seen.

    A flag that covers a whole period leaves it unseen, or cut short where there were sales. Finer
    flags leave a share of its time: days out count nothing, the day on which stock ran out is cut short. What
    came before a run of flags without sales was cut short too, if such periods (days) sell more than
    usual throughout: so it looks when stock runs out, and not when a record is missing.

    Parameters
    ----------
    panel : demand of the points
    known : canonical tables as known on the day
    points : table `planning_point`, sorted by key
    params : which sources count
    as_of : day of knowledge
    """
    daily = dated_daily(known["demand"])
    out, length = _flagged(known["availability"], panel.bucket, params, as_of)
    whole = [out] if length in ("period", panel.bucket) else []
    days = [] if whole else [_as_days(out, length)]
    n_inferred = 0
    if params.stockouts == "inferred":
        more = from_records(known, points, panel.bucket, params, as_of=as_of)
        n_inferred = more.join(out, on=KEY, how="anti").select(KEY).n_unique()
        (days if daily else whole).append(more)
    place = _Place(panel, points.select(KEY).with_row_index("point"))
    n = len(panel.values)
    share, piece, sold = np.ones(n), np.zeros(n), np.zeros(n)
    if days:
        lines = known["demand"] if daily else known["demand"].clear()
        out_days = pl.concat(days).filter(pl.col("date") <= as_of).unique()
        place.by_day(out_days, lines, share, piece, sold)
    if whole:
        cut = place.whole(pl.concat(whole), share)
        piece[cut], sold[cut] = 1.0, panel.values[cut]
    return Seen(share, piece, sold, n_inferred)


def _flagged(
    availability: pl.DataFrame, bucket: Bucket, params: DemandParams, as_of: date
) -> tuple[pl.DataFrame, str]:
    """Return the flags that say out of stock, and the time that one covers: day, week, month or period.

    Flags all on firsts of months cover a month, flags all on one day of the week a week.
    """
    known = availability.filter(pl.col("date") <= as_of)
    out = known.filter(~pl.col("in_stock")).select(*KEY, "date")
    if params.stockouts == "ignored":
        out = out.clear()
    if params.flag_days != "auto":
        return out, params.flag_days
    dates = known["date"].unique()
    if len(dates) < 2:
        return out, "period"
    if (dates.dt.day() == 1).all():
        return out, "month"
    return out, "week" if dates.dt.weekday().n_unique() == 1 else "day"


def _as_days(out: pl.DataFrame, length: str) -> pl.DataFrame:
    """Return flags that cover longer times as one row a day."""
    if length == "day":
        return out
    end = pl.col("date").dt.offset_by("1mo" if length == "month" else "1w").dt.offset_by("-1d")
    return out.with_columns(pl.date_ranges("date", end)).explode("date")


class _Place:
    """Where the periods of a panel lie in its values."""

    def __init__(self, panel: Panel, keys: pl.DataFrame) -> None:
        self.panel = panel
        self.keys = keys
        self.lengths = np.diff(panel.bounds)

    def of(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, Ints]:
        """Return the rows with their point, those outside the histories left out, and their places."""
        panel = self.panel
        found = rows.join(self.keys, on=KEY, maintain_order="left").with_columns(
            period=period_index(pl.col("date"), panel.start, panel.bucket)
        )
        point = found["point"].to_numpy().astype(np.int64)
        local = found["period"].to_numpy() - (panel.n_calendar - self.lengths[point])
        inside = (local >= 0) & (local < self.lengths[point])
        return found.filter(pl.Series(inside)), (panel.bounds[point] + local)[inside]

    def whole(self, out: pl.DataFrame, share: Floats) -> Flags:
        """Return the periods cut short: flagged ones with sales (without, they are unseen), and before."""
        values, bounds = self.panel.values, self.panel.bounds
        _, at = self.of(out)
        flag = np.zeros(len(values), dtype=np.bool_)
        flag[at] = True
        cut = flag & (values > 0)
        share[flag] = np.where(values[flag] > 0, 1.0, 0.0)
        first = np.flatnonzero(flag & (values <= 0))
        first = first[~np.isin(first, bounds[:-1])]
        before = first[~flag[first - 1]] - 1
        owner = np.repeat(np.arange(len(bounds) - 1), self.lengths)
        seen = ~flag
        n = np.bincount(owner[seen], minlength=len(bounds) - 1)
        usual = np.bincount(owner[seen], values[seen], minlength=len(bounds) - 1) / np.maximum(n, 1)
        if sells_more(values[before], usual[owner[before]]):
            cut[before[values[before] > 0]] = True
        return cut

    def by_day(
        self, days: pl.DataFrame, demand: pl.DataFrame, share: Floats, piece: Floats, units: Floats
    ) -> None:
        """Write the share of each period in stock, and that of the days when stock ran out, with units."""
        sold = demand.group_by(*KEY, "date").agg(in_micro().sum())
        rows = (
            days.join(self.keys, on=KEY)
            .sort("point", "date")
            .join(sold, on=[*KEY, "date"], how="left", maintain_order="left")
            .with_columns(
                goes_on=(pl.col("date").diff().dt.total_days() == 1) & (pl.col("point").diff() == 0),
                ran_out=pl.col("micro").fill_null(0) > 0,
            )
        )
        eve = (
            rows.filter(~pl.col("goes_on").fill_null(value=False), ~pl.col("ran_out"))
            .select(*KEY, "point", pl.col("date").dt.offset_by("-1d"))
            .join(sold, on=[*KEY, "date"], how="left", maintain_order="left")
            .with_columns(ran_out=pl.col("micro").fill_null(0) > 0)
        )
        owner = np.repeat(np.arange(len(self.lengths)), self.lengths)
        total = np.bincount(owner, self.panel.values, len(self.lengths))
        span = self.lengths * (30.0 if self.panel.bucket == "month" else 7.0)
        usual = total / np.maximum(span - np.bincount(rows["point"].to_numpy(), minlength=len(span)), 1.0)
        names = [*KEY, "date", "micro", "ran_out"]
        marked = [rows.select(names)]
        if sells_more(eve["micro"].fill_null(0).to_numpy() / MICRO, usual[eve["point"].to_numpy()]):
            marked.append(eve.filter("ran_out").select(names))
        placed, at = self.of(pl.concat(marked))
        month = self.panel.bucket == "month"
        length = placed["date"].dt.month_end().dt.day().to_numpy() if month else np.full(len(at), 7)
        ran_out = placed["ran_out"].to_numpy().astype(np.float64)
        n = len(share)
        share -= np.bincount(at, (1.0 - ran_out) / length, n)
        share[share < LEAST_SHARE] = 0.0
        piece += np.bincount(at, ran_out / length, n)
        units += np.bincount(at, ran_out * placed["micro"].fill_null(0).to_numpy() / MICRO, n)


def sells_more(sold: Floats, usual: Floats) -> bool:
    """Return whether sales are above the usual by more than chance.

    Examples
    --------
    >>> sells_more(np.array([3.0, 2.0, 2.5, 3.0, 2.0]), np.ones(5)), sells_more(np.ones(5), np.ones(5))
    (True, False)
    """
    some = usual > 0
    if some.sum() < EVIDENCE_MIN:
        return False
    relative = sold[some] / usual[some] - 1.0
    return bool(relative.mean() > STANDARD_ERRORS * relative.std(ddof=1) / np.sqrt(some.sum()))
