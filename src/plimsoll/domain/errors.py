"""The family of errors that Plimsoll raises, all of one shape."""

from collections.abc import Iterable
from difflib import get_close_matches

KEYS_SHOWN = 5


class PlimsollError(Exception):
    """Something that a person has to know: what, where, why it matters, what to do.

    Parameters
    ----------
    what : one sentence with the count and the first keys
    why : why it matters
    remedy : what the reader can do
    done : what was done meanwhile
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", remedy: str = "", done: str = "") -> None:
        self.what, self.why, self.remedy, self.done = what, why, remedy, done
        super().__init__(" ".join(part for part in (what, why, done, remedy) if part))

    def as_dict(self) -> dict[str, str]:
        """Return the error as data, the same shape for terminal, JSON and API."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "why": self.why,
            "done": self.done,
            "remedy": self.remedy,
        }


class InputError(PlimsollError):
    """The user's data or mapping cannot be used."""

    exit_code = 2


class SettingError(PlimsollError):
    """A parameter or option is unknown or out of range."""

    exit_code = 2


class WorkspaceError(PlimsollError):
    """The workspace is missing, locked, damaged or cannot be written."""

    exit_code = 3


def first_keys(keys: Iterable[object], shown: int = KEYS_SHOWN) -> str:
    """Return the first keys as text, with an ellipsis when there are more.

    Examples
    --------
    >>> first_keys(["A", "B"])
    'A, B'
    >>> first_keys(range(9))
    '0, 1, 2, 3, 4, …'
    """
    texts: list[str] = []
    for key in keys:
        if len(texts) == shown:
            texts.append("…")
            break
        texts.append(str(key))
    return ", ".join(texts)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known word, or an empty string.

    Examples
    --------
    >>> did_you_mean("quantty", ["quantity", "date"])
    "Did you mean 'quantity'?"
    """
    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else ""
