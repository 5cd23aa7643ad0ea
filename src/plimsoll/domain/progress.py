"""How long work reports where it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Called by workflows at the start of each step; the doors decide how it looks."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps are finished and `step` begins."""


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""
