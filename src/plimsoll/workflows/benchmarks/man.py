"""A real manufacturer's history replayed with goals of service: Plimsoll and the usual rules."""

import numpy as np

from plimsoll.domain.calendar import PERIOD_DAYS
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows.benchmarks.game import Game, read_history
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions
from plimsoll.workflows.benchmarks.sweeps import compared, outcome

TRAIN, EVERY = 90, 4


def game(options: BenchmarkOptions) -> Game:
    """Return the items asked for at least once in training, with their lead times, minima and costs."""
    history = read_history(options, "man", "week")
    active = np.asarray((history.demand[:, :TRAIN] > 0.0).any(axis=1))
    items = history.items.filter(active)
    return Game(
        name="man",
        bucket="week",
        start=history.start,
        items=tuple(items["item_id"]),
        demand=history.demand[active],
        lead=np.rint(items["lead_time_days_set"].to_numpy() / PERIOD_DAYS["week"]).astype(np.int64),
        moq=items["min_order_qty"].fill_null(0.0).to_numpy(),
        cost=items["unit_cost"].to_numpy(),
        train=TRAIN,
        every=EVERY,
    )


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Play the last 58 weeks with every rule at many goals, in units and in value."""
    played = game(options)
    title = "Inventory against service on a real manufacturer's 148 weeks"
    notes = (
        f"{len(played.items):,} items with demand in the first {TRAIN} weeks; lead times of 7 or 16 weeks "
        "and minimum orders as typed; inventory in EUR at unit cost.",
    )
    return outcome(options, played, title, compared(played, progress), notes)
