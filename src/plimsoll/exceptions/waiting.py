"""What waiting loses: demand that goes unmet between the day help could come and the day it comes later."""

import numpy as np
import polars as pl

from plimsoll.exceptions.evidence import State
from plimsoll.maths.ragged import Floats
from plimsoll.replenish.run_out import RunOut

NEVER = float("inf")  # days
CHANGES = {"stock": 0.0, "later": 0.0, "extra": 0.0}  # of a case that is as the plan says


def lost_by_waiting(state: State, cases: pl.DataFrame) -> Floats:
    """Return what is lost by acting at the next review instead of today, money, one a case.

        W = price x integral from h to h + R of E[dD(t); D(t) > y(t)]
          = price x sum over spells without arrival of  E[(D(t2) - y)+] - E[(D(t1) - y)+]

    h are the days until help comes that is asked for today (`State`), R the review interval, D(t) demand
    over t days (`replenish.run_out.RunOut`), and y(t) what is there, less what is owed, with what is
    expected to have come by t: open orders on the day by which they come with 50 % probability, today's line
    after its lead time. Help asked for at the next review comes at h + R. What is short before h nobody can
    mend any more, and what is short after h + R can be mended at the next review as well as today.

    Parameters
    ----------
    state : of `evidence.state_of`
    cases : row (number of the point in `state.points`), and how the case differs from what the plan says:
        stock (units more there at once); later (days by which all that comes from `origin` comes later:
        `NEVER`, or earlier below 0), on_time (whether orders of `origin` that are overdue have come);
        extra (units a day asked for more). Of a null nothing differs.

    Edge cases: what is not stocked has no demand to lose. Never below 0, and at most the demand of R.
    """
    points = state.points.select(
        "on_hand", "rate", "held", "help_days", "review_days", "ratio", "doubt", "price"
    )
    each = cases.with_columns(pl.col(name).fill_null(value) for name, value in CHANGES.items())
    each = each.hstack(points[each["row"].to_numpy()]).with_row_index("case")
    coming = each.select("case", "row", "later", "origin", "on_time").join(state.coming, on="row")
    moved = (pl.col("origin") == pl.col("from_location_id")).fill_null(value=False)
    here = moved & pl.col("is_overdue") & pl.col("on_time").fill_null(value=False)
    days = pl.col("day") + pl.when(moved).then("later").otherwise(0.0)
    arrivals = coming.select("case", "quantity", day=pl.when(here).then(0.0).otherwise(days.clip(0.0)))
    start = each.select("case", quantity=pl.col("on_hand") + pl.col("stock"), day=pl.lit(0.0))
    first, last = pl.col("help_days"), pl.col("help_days") + pl.col("review_days").clip(1.0)
    spells = (
        pl.concat([start, arrivals.select(start.columns)])
        .sort("case", "day", "quantity")
        .with_columns(
            there=pl.col("quantity").cum_sum().over("case"),
            until=pl.col("day").shift(-1).over("case").fill_null(NEVER),
        )
        .join(each.drop("stock", "later", "on_time", "origin"), on="case", maintain_order="left")
        .with_columns(begin=pl.max_horizontal("day", first), end=pl.min_horizontal("until", last))
        .filter(pl.col("end") > pl.col("begin"))
    )
    asked = (pl.col("rate") + pl.col("extra")).clip(0.0) * pl.col("held")
    law = RunOut(
        spells.select(asked).to_series().to_numpy(), spells["ratio"].to_numpy(), spells["doubt"].to_numpy()
    )
    there, begin, end = (spells[name].to_numpy() for name in ("there", "begin", "end"))
    units = np.maximum(law.short(end, there) - law.short(begin, there), 0.0)
    money = np.bincount(spells["case"].to_numpy(), units * spells["price"].to_numpy(), each.height)
    return np.asarray(money, dtype=np.float64)
