"""The frame around every page: who is there, which plan is in force, where one can go."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from plimsoll.domain.people import Person


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation: its address, words, icon and how much waits there ("" for nothing)."""

    href: str
    title: str
    icon: str
    current: bool
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message: `kind` is good, warn, bad or live; `undo` is a form's address that takes it back."""

    kind: str
    text: str
    detail: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame shows; every template gets it as `shell`."""

    company: str
    run_id: str
    as_of: date | None
    currency: str
    person: Person | None
    csrf: str
    theme: str
    places: tuple[tuple[Place, ...], ...]
    messages: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Base of what a page receives; `template` is the file that shows it."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Problem(Context):
    """Something that went wrong or is not allowed: what, why, what was done and what to do."""

    template: ClassVar[str] = "problem.html"
    status: int
    title: str
    what: str
    why: str = ""
    done: str = ""
    remedy: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Told(Context):
    """Messages alone, as the answer to a request that changes nothing on the page."""

    template: ClassVar[str] = "toast.html"
    messages: tuple[Notice, ...]
