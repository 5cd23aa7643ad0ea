"""The settings file: TOML sections, read strictly."""

import tomllib
from pathlib import Path
from typing import Any

from plimsoll.domain.errors import WorkspaceError, first_keys

DEFAULT_TEXT = "# Settings of this Plimsoll workspace; what is not set here has its default.\n"


def parse(content: bytes, file: Path) -> dict[str, dict[str, Any]]:
    """Return the sections of a settings file.

    Raises
    ------
    WorkspaceError : not UTF-8 or not TOML (with the line), or an option outside any section

    Examples
    --------
    >>> parse(b"demand.bucket = 'week'", Path("plimsoll.toml"))
    {'demand': {'bucket': 'week'}}
    """
    try:
        settings = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"The settings '{file}' are not UTF-8 text (at line {line})."
        raise WorkspaceError(what, remedy="Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        what = f"The settings '{file}' cannot be read: {error}."
        raise WorkspaceError(what, remedy="Correct that line.") from error
    if loose := [name for name, value in settings.items() if not isinstance(value, dict)]:
        what = f"The settings '{file}' have options outside any section: {first_keys(loose)}."
        raise WorkspaceError(what, remedy="Put each under its [section].")
    return settings
