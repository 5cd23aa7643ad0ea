"""Service parts of 24 months replayed with goals of service: Plimsoll and the usual rules."""

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows.benchmarks.game import monthly_game
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions
from plimsoll.workflows.benchmarks.sweeps import compared, outcome

TRAIN = 14


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Play the last 10 months with every rule at many goals."""
    played = monthly_game(options, "auto", TRAIN)
    title = "Inventory against service on 24 months of service parts"
    return outcome(options, played, title, compared(played, progress), (f"{len(played.items):,} items.",))
