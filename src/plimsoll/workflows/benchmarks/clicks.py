"""People who click in the workbench of a server, each with a session and a connection of their own."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from threading import Thread
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl

FORM = "application/x-www-form-urlencoded"
WAIT_S, LOG_IN = 60.0, "/login"
FASTER = "somebody was faster"
LINE = re.compile(r'/recommendations/([a-z]+-\d+-\d+)/accept\?version=(\d+)"')
POINT = re.compile(r'href="(/items/[^"?]+)')
SORTED = re.compile(r'<th[^>]*>\s*<a[^>]*href="([^"]+)"')
CSRF = re.compile(r'data-csrf="([0-9a-f]+)"')
CHOICES = ("to_location_id", "abc", "confidence")
TO_DECIDE = {"status": "proposed", "kind": "purchase"}  # what can be accepted and changed
FOUND, REDIRECT, CONFLICT = 300, 303, 409


@dataclass(frozen=True, slots=True)
class Click:
    """One request as the browser saw it: what it was, milliseconds to the last byte, and how it went."""

    what: str
    ms: float
    status: int
    error: str = ""


@dataclass
class Browser:
    """A session with one connection that is kept open; `clicks` is what it did so far."""

    port: int
    cookie: str = ""
    csrf: str = ""
    clicks: list[Click] = field(default_factory=list)
    connection: HTTPConnection | None = None

    def get(self, what: str, path: str, *, is_part: bool = False) -> str:
        """Return what a page, or with `is_part` a part of one, answers."""
        return self._ask(what, "GET", path, None, {"HX-Request": "true"} if is_part else {})

    def post(self, what: str, path: str, form: dict[str, Any]) -> str:
        """Return what a click that changes something answers."""
        headers = {"HX-Request": "true", "X-CSRF-Token": self.csrf, "Content-Type": FORM}
        return self._ask(what, "POST", path, urlencode(form), headers)

    def log_in(self, name: str, password: str) -> None:
        """Begin a session."""
        form = urlencode({"username": name, "password": password})
        self._ask("log in", "POST", LOG_IN, form, {"Content-Type": FORM})
        found = CSRF.search(self.get("today", "/today"))
        self.csrf = found[1] if found else ""

    def close(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _ask(self, what: str, method: str, path: str, body: str | None, headers: dict[str, str]) -> str:
        began = perf_counter()
        try:
            status, text = self._answer(method, path, body, headers | {"Cookie": self.cookie})
        except (OSError, HTTPException) as error:
            self.close()
            self.clicks.append(Click(what, _ms(began), 0, f"{type(error).__name__}: {error}"))
            return ""
        is_good = status < FOUND or (status == REDIRECT and path == LOG_IN)
        # Two people on one line: the second is told who was first. That is an answer, not an error.
        told = "" if is_good else FASTER if status == CONFLICT else f"{status} {method} {path}"
        self.clicks.append(Click(what, _ms(began), status, told))
        return text if is_good else ""

    def _sent(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> HTTPResponse:
        if self.connection is None:
            fresh = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
            fresh.connect()
            fresh.request(method, path, body, headers)
            answer = fresh.getresponse()
            self.connection = fresh
            return answer
        self.connection.request(method, path, body, headers)
        return self.connection.getresponse()

    def _answer(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        try:
            answer = self._sent(method, path, body, headers)
        except (RemoteDisconnected, ConnectionError):
            if self.connection is None:
                raise
            # The server had closed a connection at rest; browsers then take a new one and say nothing.
            self.close()
            answer = self._sent(method, path, body, headers)
        text = answer.read().decode()
        given = answer.headers.get("Set-Cookie", "")
        if given.startswith("plimsoll"):
            self.cookie = given.partition(";")[0]
        return answer.status, text


def round_of_clicks(browser: Browser, rng: np.random.Generator, pause: Callable[[], bool]) -> None:
    """Do what a planner does: the day, the worklist, filter, sort, page, decide, look at items.

    Parameters
    ----------
    pause : waits between two clicks as people do, and tells whether to go on
    """
    steps = (_worklist, _items, _about)
    for place in rng.permutation(len(steps)):  # or all would decide at the same moment
        if not steps[int(place)](browser, rng, pause):
            return


def _worklist(browser: Browser, rng: np.random.Generator, pause: Callable[[], bool]) -> bool:
    browser.get("today", "/today")
    if not pause():
        return False
    # Everybody decides somewhere else in the list, as people do who share the work.
    place = {"page": int(rng.integers(1, 200))}
    page = browser.get("worklist", f"/recommendations?{urlencode(TO_DECIDE | place)}")
    lines = LINE.findall(page)
    column = str(rng.choice(CHOICES))
    found = re.search(rf'<select name="{column}".*?</select>', page, re.DOTALL)
    values = re.findall(r'<option value="([^"]+)"', found[0]) if found else []
    if not pause():
        return False
    if values:
        asked = urlencode(TO_DECIDE | {column: unescape(str(rng.choice(values)))})
        browser.get("worklist, filtered", f"/recommendations?{asked}", is_part=True)
    if not pause():
        return False
    if orders := SORTED.findall(page):
        browser.get("worklist, sorted", unescape(str(rng.choice(orders))), is_part=True)
    return pause() and _decide(browser, rng, lines, pause)


def _decide(
    browser: Browser, rng: np.random.Generator, lines: list[tuple[str, str]], pause: Callable[[], bool]
) -> bool:
    if not lines:
        return True
    (first, version), (second, other) = (lines[int(row)] for row in rng.integers(0, len(lines), 2))
    browser.get("line opened", f"/recommendations/{first}", is_part=True)
    if not pause():
        return False
    browser.post("line accepted", f"/recommendations/{first}/accept?version={version}", {})
    if not pause():
        return False
    form = {
        "version": other,
        "quantity": int(rng.integers(1, 500)),
        "reason": "customer_news",
        "text": "Load",
    }
    browser.post("line changed", f"/recommendations/{second}/change", form)
    return pause()


def _items(browser: Browser, rng: np.random.Generator, pause: Callable[[], bool]) -> bool:
    page = browser.get("items", f"/items?page={int(rng.integers(1, 2000))}")
    points = [unescape(point) for point in POINT.findall(page)]
    for _ in range(2):
        if not pause():
            return False
        if points:
            browser.get("item", str(rng.choice(points)))
    if not pause():
        return False
    browser.get("search box", f"/search?q={rng.choice(['pump', 'valve+8', 'steel', 'dc1'])}", is_part=True)
    return pause()


def _about(browser: Browser, rng: np.random.Generator, pause: Callable[[], bool]) -> bool:
    other = str(rng.choice(["/suppliers", "/cash", "/exceptions", "/audit"]))
    browser.get(f"page {other}", other)
    return pause()


def all_at_once(browsers: list[Browser], seconds: float, think: tuple[float, float], seed: int) -> float:
    """Let everybody click for some seconds, and return how long it took until the last answer.

    Parameters
    ----------
    think : least and most seconds between two clicks of a person
    """
    began = perf_counter()
    end = began + seconds

    def click(number: int) -> None:
        rng = np.random.default_rng([seed, number])

        def pause() -> bool:
            sleep(rng.uniform(*think))
            return perf_counter() < end

        if pause():
            while perf_counter() < end:
                round_of_clicks(browsers[number], rng, pause)

    threads = [Thread(target=click, args=(number,), daemon=True) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - began


def told(clicks: list[Click]) -> pl.DataFrame:
    """Return a row for each kind of click and one for all: how many, milliseconds, errors."""
    kinds = sorted({click.what for click in clicks})
    rows = [_row(kind, [click for click in clicks if click.what == kind]) for kind in kinds]
    return pl.DataFrame([*rows, _row("all", clicks)], infer_schema_length=None)


def _row(what: str, clicks: list[Click]) -> dict[str, object]:
    p50, p95 = np.percentile([click.ms for click in clicks] or [np.nan], [50, 95])
    return {
        "what": what,
        "clicks": len(clicks),
        "p50 ms": round(float(p50), 1),
        "p95 ms": round(float(p95), 1),
        "most ms": round(max((click.ms for click in clicks), default=float("nan")), 1),
        "errors": sum(click.error not in ("", FASTER) for click in clicks),
        FASTER: sum(click.error == FASTER for click in clicks),
    }


def _ms(began: float) -> float:
    return 1000.0 * (perf_counter() - began)
