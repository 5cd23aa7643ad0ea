"""What people type into forms, read with care: what does not fit is refused in words."""

import re
from dataclasses import dataclass
from datetime import date
from math import isfinite

from fastapi import Request

from plimsoll.domain.errors import InputError, first_keys

MOST_LETTERS = 2000
SHOWN_LETTERS, DAY_LETTERS = 40, 10


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a form as texts, each with all values it was given; files are not among them."""

    given: dict[str, list[str]]

    def text(self, name: str, longest: int = MOST_LETTERS) -> str:
        """Return a text without blanks around it, "" where it is not given; a longer one is refused."""
        text = (self.given.get(name) or [""])[-1].strip()  # a field named without a value
        if len(text) > longest:
            what = f"The text has {len(text):,} letters; {longest:,} are the most."
            raise InputError(what, done="Nothing was changed.", remedy="Shorten it.")
        return text

    def many(self, name: str) -> list[str]:
        """Return all values of a field that was given several times."""
        return self.given.get(name, [])

    def whole(self, name: str) -> int:
        """Return a whole number that the page itself put there; anything else is refused."""
        text = self.text(name, SHOWN_LETTERS)
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
            what = f"The form came without a readable '{name}'."
            raise InputError(what, done="Nothing was changed.", remedy="Reload the page and repeat it.")
        return int(text)

    def quantity(self, name: str) -> float | None:
        """Return a quantity of 0 or more, None where none is given.

        Raises InputError for anything else. A comma is refused rather than guessed: to some it begins the
        decimals, to others it parts the thousands.
        """
        text = self.text(name, SHOWN_LETTERS).replace(" ", "").replace("\u00a0", "").replace("\u202f", "")
        if not text:
            return None
        number = float(text) if re.fullmatch(r"\d{1,15}(\.\d{0,9})?|\.\d{1,9}", text, re.ASCII) else None
        if number is None or not isfinite(number):
            what = f"'{first_keys([text])}' is not a quantity."
            remedy = "Type a number of 0 or more, such as 1500 or 2.5, without a comma."
            raise InputError(what, done="Nothing was changed.", remedy=remedy)
        return number

    def day(self, name: str) -> date | None:
        """Return a day, None where none is given; anything but 2026-11-30 is refused."""
        text = self.text(name, SHOWN_LETTERS)
        if not text:
            return None
        try:
            return date.fromisoformat(text if len(text) == DAY_LETTERS else "")
        except ValueError:
            what = f"'{first_keys([text])}' is not a date."
            raise InputError(what, done="Nothing was changed.", remedy="Type it as 2026-11-30.") from None


async def fields(request: Request) -> Fields:
    """Return the fields of the form that was sent, for routes to depend on."""
    form = await request.form()
    given: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            given.setdefault(name, []).append(value)
    return Fields(given)
