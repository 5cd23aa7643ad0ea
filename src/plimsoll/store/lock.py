"""One writer at a time: a lock that the operating system gives back when its holder dies."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from plimsoll.domain.errors import WorkspaceError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = "plimsoll.lock"
FAR = 1 << 30  # Windows locks bytes: lock one behind the text, so that others can read the text


def _take(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the workspace for writing; a second writer is told at once who holds it.

    The lock is on the open file, not in its presence: the file stays, and after `kill -9` or a
    power cut nobody has to clear anything. The text in it (process, host) is only for the message.

    Raises
    ------
    WorkspaceError : another writer, in this or another process, holds the workspace
    """
    path = folder / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _take(descriptor):
            since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
            holder = os.read(descriptor, 200).decode(errors="replace") or "another program"
            what = f"The workspace '{folder}' is in use by {holder} since {since:%Y-%m-%d %H:%M:%S} UTC."
            why = "Two writers at once could each undo the other's work."
            raise WorkspaceError(what, why=why, remedy="Wait until it has finished, or stop it.")
        with suppress(OSError):  # a full disk is told by the writer, who can clean up
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}".encode())
        yield
    finally:
        os.close(descriptor)
