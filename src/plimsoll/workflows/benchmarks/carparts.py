"""Car spare parts replayed with goals of service: Plimsoll and the usual rules."""

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows.benchmarks.game import monthly_game
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions
from plimsoll.workflows.benchmarks.sweeps import compared, outcome

TRAIN = 33


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Play the last 18 months with every rule at many goals."""
    played = monthly_game(options, "carparts", TRAIN)
    title = "Inventory against service on 51 months of car spare parts"
    note = f"{len(played.items):,} items; parts that are no longer recorded at the end are left out."
    return outcome(options, played, title, compared(played, progress), (note,))
