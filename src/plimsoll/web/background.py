"""What a server does by itself while it stands: read the plan, and deliver what is owed."""

import gc
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

from plimsoll.domain.errors import PlimsollError
from plimsoll.workflows.desk import Desk
from plimsoll.workflows.outbox import deliver_pending

LOG = logging.getLogger("plimsoll.web")
EVERY_S, STOP_S = 60.0, 15.0


class Background:
    """Threads beside the requests, from the server's start to its end.

    One reads the plan in force, so that the first visitor does not wait for all of it. The other delivers
    what a server before left owed when it was killed, and tries again what the webhook did not take.
    """

    def __init__(self, folder: Path, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._folder, self._desk, self._clock = folder, desk, clock
        self._end = Event()
        self._threads = (
            Thread(target=self._read, name="first-read", daemon=True),
            Thread(target=self._deliver, name="deliveries", daemon=True),
        )

    def start(self) -> None:
        """Start both."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let both end; a delivery under way is waited for, but not for ever: it would be done again."""
        self._end.set()
        for thread in self._threads:
            thread.join(STOP_S)

    def _read(self) -> None:
        try:
            self._desk.refresh()
            gc.collect()
            gc.freeze()  # what stays for the day need not be looked through again and again
        except PlimsollError as error:
            LOG.warning("The plan could not be read yet: %s", error)

    def _deliver(self) -> None:
        while not self._end.is_set():
            try:
                deliver_pending(self._folder, at=self._clock())
            except PlimsollError as error:
                LOG.warning("What is owed was not delivered: %s", error)
            except Exception:  # a fault of ours must not end the deliveries of the day
                LOG.exception("What is owed was not delivered.")
            self._end.wait(EVERY_S)
