"""What people do with an exception on a page, as the changes that the workflow takes."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from plimsoll.domain.errors import InputError
from plimsoll.domain.exceptions import OUTCOMES
from plimsoll.domain.people import Person
from plimsoll.web.forms import Fields

ENDINGS = tuple(OUTCOMES.items())
PAUSES = (("Tomorrow", 1), ("In 3 days", 3), ("Next week", 7), ("In a month", 30))


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to an exception: the workflow's arguments and the words of it."""

    changes: dict[str, Any]
    words: str


def pauses(today: date) -> tuple[tuple[str, str], ...]:
    """Return until when an exception can be put off: words and day."""
    return tuple((words, (today + timedelta(days=days)).isoformat()) for words, days in PAUSES)


def deed(form: Fields, who: Person, today: date) -> Deed:
    """Return what a form asks to be done with an exception.

    Raises InputError for anything that is not one of the deeds, and for a day in the past.
    """
    act = form.text("act", 40)
    if act == "own":
        return Deed({"owner": who.username}, "It is yours now.")
    if act == "leave":
        return Deed({"owner": ""}, "Nobody looks after it now.")
    if act == "due":
        return Deed({"due": _coming(form, today)}, "The due date is set.")
    if act == "snooze":
        until = _coming(form, today)
        return Deed({"snooze_until": until}, f"Put off until {until}.")
    if act == "close":
        outcome = form.text("outcome", 40)
        if outcome not in OUTCOMES:
            what = "It was not said how it ended."
            raise InputError(what, done="Nothing was changed.", remedy="Choose how it ended.")
        return Deed(
            {"closed": outcome, "text": form.text("text")}, "Closed. What you said is counted for the next."
        )
    if act == "reopen":
        return Deed({"reopen": True}, "Open again.")
    what = "The form did not say what to do with the exception."
    raise InputError(what, done="Nothing was changed.", remedy="Reload the page and repeat it.")


def _coming(form: Fields, today: date) -> date:
    until = form.day("day")
    if until is None or until < today:
        what = "A day in the future is needed."
        raise InputError(what, done="Nothing was changed.", remedy="Choose today or later.")
    return until
