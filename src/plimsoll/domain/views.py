"""A saved view: the question that a person asks of a list again and again, under a name."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewView:
    """A view to be kept; `query` is the question part of the list's address."""

    list_name: str
    name: str
    query: str
    shared: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A view as it is kept.

    `shared` tells whether everybody may use it; only its owner can change or forget it.
    """

    id: int
    username: str
    list_name: str
    name: str
    query: str
    shared: bool
    created_at: datetime
