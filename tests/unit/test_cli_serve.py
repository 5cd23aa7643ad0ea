"""The place that several workers listen at."""

import pickle
import socket
import sys
from contextlib import ExitStack

import pytest

from plimsoll.cli import serve
from plimsoll.domain.errors import SettingError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux deals callers out")


def _callers(listening):
    """Return how many wait at a socket."""
    listening.setblocking(False)
    found = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def test_callers_are_dealt_out_to_all_workers_and_nobody_else_can_listen_there():
    with ExitStack() as held:
        shared = held.enter_context(serve._Shared.of(serve._listen("127.0.0.1", 0)))
        port = shared.getsockname()[1]
        sent = pickle.dumps(shared)
        workers = [held.enter_context(pickle.loads(sent)) for _ in range(2)]  # noqa: S301 - as spawned processes get it
        for worker in workers:
            worker.listen(100)
        for _ in range(60):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))
        found = [_callers(worker) for worker in workers]
        assert sum(found) == 60
        assert min(found) >= 8  # fewer in 60 fair throws: once in 1,000,000,000
        with pytest.raises(SettingError, match=f"Port {port}"):
            serve._listen("127.0.0.1", port)
