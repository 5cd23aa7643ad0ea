"""Failures of disk and database, told in the one shape of Plimsoll's errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from plimsoll.domain.errors import WorkspaceError

NOTHING_CHANGED = "Nothing was changed: what was in force before still is."
FREE_SPACE = "Free some space and run the command again."
PERMISSION = "Give this user permission to write there, or choose another workspace."
AGAIN = "Run again the import or plan that made it, or restore the workspace from a backup."
SERVER = "Check that the database server runs, that its address is right, and that this user may use it."
RESTORE = "Restore the workspace from a backup, or import the data into a new one."

REMEDY_BY_ERRNO: dict[int, str] = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EACCES: PERMISSION,
    errno.EPERM: PERMISSION,
    errno.EROFS: PERMISSION,
    errno.ENOENT: "Check the path; if files were deleted, restore them from a backup.",
    errno.ENOTDIR: "Give the path of a directory.",
}
REMEDY_BY_SQLITE: dict[str, str] = {
    "FULL": FREE_SPACE,
    "READONLY": PERMISSION,
    "CANTOPEN": PERMISSION,
    "BUSY": "Another program holds the database; close it and run the command again.",
    "IOERR": "Check that the disk is in order and not full.",
    "CORRUPT": RESTORE,
    "NOTADB": RESTORE,
}


@contextmanager
def told(doing: str, path: Path) -> Iterator[None]:
    """Turn what disk or database raise inside into a WorkspaceError.

    Parameters
    ----------
    doing : what was attempted, fitting after "could not"
    path : the workspace

    Examples
    --------
    >>> with told("publish the run", Path("shop")):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    plimsoll.domain.errors.WorkspaceError: Plimsoll could not publish the run in 'shop': No space left...
    """
    try:
        yield
    except OSError as error:
        cause = error.strerror or str(error)
        at = f" ({error.filename})" if error.filename else ""
        remedy = REMEDY_BY_ERRNO.get(error.errno or 0, "")
        what = f"Plimsoll could not {doing} in '{path}': {cause}{at}."
        raise WorkspaceError(what, done=NOTHING_CHANGED, remedy=remedy) from error
    except SQLAlchemyError as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        family = getattr(origin, "sqlite_errorname", "SQLITE_").split("_")[1]
        # The server adds the whole row to some messages; of a connection that failed every line counts.
        is_out = isinstance(error, OperationalError)
        said = " ".join((str(origin) if is_out else str(origin).partition("\n")[0]).split())
        what = f"Plimsoll could not {doing} in '{path}': the database says: {said.rstrip('.')}."
        remedy = REMEDY_BY_SQLITE.get(family, "")
        if type(origin).__module__.startswith("psycopg") and is_out:
            remedy = SERVER
        raise WorkspaceError(what, done=NOTHING_CHANGED, remedy=remedy) from error
