"""Where the database of a workspace is: a file in it, or a PostgreSQL server by URL."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from plimsoll.domain.errors import SettingError
from plimsoll.domain.params import Params

VARIABLE = "PLIMSOLL_DATABASE_URL"
SECTION = "database"
EXAMPLE = "postgresql+psycopg://plimsoll@dbserver/plimsoll"


class DatabaseParams(Params):
    """Where runs, decisions and people are kept."""

    url: str = Field(
        default="",
        description=f"PostgreSQL database, like {EXAMPLE}, without password: that belongs in the variable"
        f" {VARIABLE}, which goes before this, or in ~/.pgpass; default: a SQLite file in the workspace",
    )


def database_url(settings: dict[str, dict[str, Any]], file: Path) -> URL:
    """Return the URL of a workspace's database.

    Parameters
    ----------
    settings : sections of the settings file
    file : the SQLite file that is used when neither the environment nor the settings name a server

    Raises
    ------
    SettingError : no URL, not one of PostgreSQL, or a password in the settings file

    Examples
    --------
    >>> database_url({"database": {"url": "postgresql+psycopg://ann:secret@db/shop"}}, Path("plimsoll.db"))
    Traceback (most recent call last):
    plimsoll.domain.errors.SettingError: The [database] url in the settings file holds a password...
    """
    given = DatabaseParams.read(settings.get(SECTION, {}), SECTION).url
    from_environment = os.environ.get(VARIABLE, "")
    if not (from_environment or given):
        return URL.create("sqlite", database=file.as_posix())
    source = VARIABLE if from_environment else f"[{SECTION}] url"
    try:
        url = make_url(from_environment or given)
    except ArgumentError as error:
        what = f"{source} is not the URL of a database."  # not shown: it may hold a password
        raise SettingError(what, remedy=f"Write it like {EXAMPLE}.") from error
    if url.get_backend_name() != "postgresql":
        what = f"{source} names a {url.get_backend_name()} database, which Plimsoll does not know."
        raise SettingError(what, remedy=f"Write it like {EXAMPLE}, or leave it out.")
    if url.password and not from_environment:
        what = f"The [{SECTION}] url in the settings file holds a password."
        why = "The file is copied and backed up; whoever reads it could read and change everything."
        raise SettingError(what, why=why, remedy=f"Set the whole URL as {VARIABLE}, or use ~/.pgpass.")
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
