"""What a decision rule is, whoever wrote it: told a day and a state, it answers with levels."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

LEVELS = pl.Schema(
    {
        "item_id": pl.String(),
        "location_id": pl.String(),
        "kind": pl.String(),
        "reorder_point_qty": pl.Float64(),
        "order_up_to_qty": pl.Float64(),
        "min_order_qty": pl.Float64(),
        "order_multiple": pl.Float64(),
        "position_limit_qty": pl.Float64(),
        "order_limit_qty": pl.Float64(),
        "order_now_qty": pl.Float64(),
        "cycle_service_est": pl.Float64(),
        "fill_rate_est": pl.Float64(),
        "refused": pl.String(),
    }
)
KINDS = ("none", "base_stock", "s_S", "s_nQ", "given")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a rule is told when it is asked.

    Parameters
    ----------
    as_of : day of knowledge, the last of a period
    state : item_id, location_id, on_hand, on_order, backlog (units) in key order, after the day's demand
    points : table `planning_point` of the points that take part
    known : gives every fact table as it was known on the day
    policy : gives the table `policy` that the plan would have had on the day, with position_limit_qty,
        last_order_date and last_level_qty (the level of a last buy that is due) where an item ends; given a
        share, that of the plan with this goal for the whole portfolio
    """

    as_of: date
    state: pl.DataFrame
    points: pl.DataFrame
    known: Callable[[], dict[str, pl.DataFrame]]
    policy: Callable[..., pl.DataFrame]


class Rule(Protocol):
    """A decision rule: `levels` answers with the columns of `LEVELS`, one row a point.

    `kind` is one of `KINDS`; `given` orders `order_now_qty` once, now, and has no levels. Limits that are
    null do not bind. The services are promises to be held against what comes, null without any. `refused`
    says why a point cannot be decided; it is then left out of every rule's results. A rule that is not
    revised is asked once, on the first day.
    """

    @property
    def name(self) -> str:
        """Short name, as shown."""

    @property
    def is_revised(self) -> bool:
        """Whether it is asked again at each moment."""

    def levels(self, moment: Moment) -> pl.DataFrame:
        """Return the levels in force until the next moment."""
