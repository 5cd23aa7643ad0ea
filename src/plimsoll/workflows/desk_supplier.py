"""All about one supplier, put together from the frames of the desk: how late it is, and how long it takes."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_result import Bin, Row
from plimsoll.domain.people import Person, scoped
from plimsoll.workflows.desk_lists import as_rows
from plimsoll.workflows.desk_work import Work

MOST_BINS, WIDTHS = 24, (1, 2, 5, 7, 14, 28, 56, 112)
FEWEST_OF_MONTH = 3  # deliveries below which a month says nothing
DELIVERY = ["to_location_id", "ordered_date", "promised_date", "received_date"]


@dataclass(frozen=True, slots=True)
class Month:
    """Deliveries received in a month: its first day, how many, days from order to receipt at 10, 50, 90 %."""

    start: date
    n: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class SupplierView:
    """One supplier as the plan in force knows it.

    `scores` are its rows of the list `suppliers`, one a kind of order. `lateness` counts its deliveries in
    scope by days after the promise, `months` tells its lead times; a delivery is the lines with the same
    dates and place.
    """

    name: str
    scores: tuple[Row, ...]
    lateness: tuple[Bin, ...]
    months: tuple[Month, ...]
    n_deliveries: int
    n_items: int


def supplier_view(work: Work, name: str, who: Person) -> SupplierView:
    """Return what is known of a supplier; raises Unknown where nothing is."""
    scores = work.shown("suppliers", who).frame.filter(_is(name))
    received = work.snapshot.tables["receipts"].frame.filter(_is(name))
    seen = scoped(received, who)
    if scores.is_empty() and seen.is_empty():
        what = f"There is no supplier '{name[:80]}'."
        raise Unknown(what, remedy="Look it up in the list of suppliers.")
    deliveries = seen.select(DELIVERY).unique()
    taken = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    late = (pl.col("received_date") - pl.col("promised_date")).dt.total_days()
    return SupplierView(
        name=name,
        scores=tuple(as_rows(scores)),
        lateness=_bins(deliveries.select(late.alias("days")).drop_nulls()["days"]),
        months=_months(
            deliveries.select("received_date", days=taken).drop_nulls().filter(pl.col("days") >= 0)
        ),
        n_deliveries=deliveries.height,
        n_items=seen["item_id"].n_unique(),
    )


def _is(name: str) -> pl.Expr:
    return pl.col("from_location_id").cast(pl.String) == name


def _bins(days: pl.Series) -> tuple[Bin, ...]:
    """Return how many deliveries came how many days late, in bins of equal width of which one begins at 0.

    The far ends beyond the 1st and 99th percentile are told in the outermost bins.
    """
    if days.is_empty():
        return ()
    values = days.to_numpy()
    low, high = (int(np.floor(end)) for end in np.percentile(values, (1, 99)))
    width = next((step for step in WIDTHS if (high - low) // step < MOST_BINS), WIDTHS[-1])
    first = low // width
    places = np.clip(values // width, first, high // width).astype(np.int64) - first
    counts = np.bincount(places)
    return tuple(Bin(int(first + place) * width, int(n)) for place, n in enumerate(counts))


def _months(taken: pl.DataFrame) -> tuple[Month, ...]:
    found = (
        taken.group_by(pl.col("received_date").dt.truncate("1mo").alias("start"))
        .agg(
            pl.len(),
            *(pl.col("days").quantile(share, "linear").alias(f"at_{share}") for share in (0.1, 0.5, 0.9)),
        )
        .filter(pl.col("len") >= FEWEST_OF_MONTH)
        .sort("start")
    )
    return tuple(Month(*row) for row in found.rows())
