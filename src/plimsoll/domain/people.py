"""Who may do what: roles, the actions they allow, and the rows a person sees."""

from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from plimsoll.domain.errors import PlimsollError

Role = Literal["viewer", "planner", "approver", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what those before it may


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person does: the least role that may, and what it is in words."""

    role: Role
    meaning: str


ACTIONS: dict[str, Action] = {
    "view": Action("viewer", "see lists, items, runs, exceptions and the log of changes"),
    "save_view": Action("viewer", "keep a list's filter and order under a name"),
    "own_token": Action("viewer", "make and withdraw one's own API tokens"),
    "decide": Action("planner", "accept, change or refuse a recommendation within one's limit"),
    "work_exception": Action("planner", "own, snooze or close an exception"),
    "override": Action("planner", "set a target, lead time, policy or forecast over the computed one"),
    "start_run": Action("planner", "start a plan"),
    "export": Action("planner", "send accepted orders out of the door"),
    "stop_automatic": Action("planner", "stop acceptance by rule at once"),
    "deliver": Action("approver", "try again at once what could not be delivered"),
    "approve": Action("approver", "accept what is above a planner's limit"),
    "adopt_suggestion": Action("approver", "turn a suggestion into an override"),
    "set": Action("admin", "change settings, rules and limits; start acceptance by rule again"),
    "people": Action("admin", "add, change and lock users"),
}


class Forbidden(PlimsollError):
    """The person's role or scope does not allow it."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Person:
    """A person, or a program acting for one, with the rows in scope.

    `locations`, `categories`: the places and product groups in scope; None for all.
    `approval_limit`: money a line up to which the person decides alone; None for the limit of the role.
    `token`: the name of the API token through which a program acts; empty for the person.
    """

    username: str
    name: str
    role: Role
    locations: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    approval_limit: float | None = None
    token: str = ""

    def may(self, action: str) -> bool:
        """Return whether the role allows an action of `ACTIONS`.

        Examples
        --------
        >>> owner("kim").may("people"), Person("lee", "Lee", "viewer").may("decide")
        (True, False)
        """
        return ROLES.index(self.role) >= ROLES.index(ACTIONS[action].role)


SYSTEM = Person("plimsoll", "Plimsoll, by rule", "admin")


def owner(username: str) -> Person:
    """Return the person at the command line, who owns the files and may do everything."""
    return Person(username, username, "admin")


def require(person: Person, action: str) -> None:
    """Raise Forbidden unless the person's role allows the action."""
    if not person.may(action):
        needed = ACTIONS[action]
        what = f"{person.username} is {person.role} and may not {needed.meaning}."
        raise Forbidden(what, remedy=f"Ask somebody who is {needed.role}, or an admin to change the role.")


def in_scope(person: Person, columns: list[str]) -> pl.Expr | None:
    """Return the condition that a row is in a person's scope, or None where all are.

    The place is `to_location_id` or else `location_id`; rows without a place or category of their own
    are in nobody's limited scope. A frame without such a column is not limited by it.
    """
    place = next((name for name in ("to_location_id", "location_id") if name in columns), None)
    limits = [
        pl.col(column).is_in(list(allowed)).fill_null(value=False)
        for column, allowed in ((place, person.locations), ("category", person.categories))
        if column in columns and column is not None and allowed is not None
    ]
    return pl.all_horizontal(limits) if limits else None


def scoped(frame: pl.DataFrame, person: Person) -> pl.DataFrame:
    """Return the rows of a frame that are in a person's scope."""
    condition = in_scope(person, frame.columns)
    return frame if condition is None else frame.filter(condition)
