"""What browser tests share: a workbench that listens, a Chromium, and people who use it and take pictures."""

import asyncio
import os
import shutil
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from plimsoll.integrations import passwords
from plimsoll.web.app import create_app, utc_now
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.sign_in import SignIn

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PATIENCE_MS = 15_000  # the machine may have other work
START_S = 60
LAPTOP, TABLET = {"width": 1366, "height": 768}, {"width": 820, "height": 1180}
AT = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)  # the day of the company's plan
WORD = "four words nobody joins"
OF_STATUSES = ("Failed to load resource", "Response Status Error Code")  # `_answered` has the status itself
ASKS_MORE = "[data-chart], [hx-trigger*=load]"  # on a page that is not whole when it has loaded
PICTURES = Path(os.environ.get("PLIMSOLL_ARTEFACTS") or "build/screenshots")


class Server:
    """The workbench of a folder behind a real server on a free port of this machine."""

    def __init__(self, folder, clock):
        self.folder, self.app = folder, create_app(folder, clock=clock)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_level="warning", access_log=False, lifespan="on")
        self.server = uvicorn.Server(config)
        served = self.server.serve([listening])
        self.thread = threading.Thread(target=asyncio.run, args=(served,), daemon=True)

    def __enter__(self):
        self.thread.start()
        late = time.monotonic() + START_S
        while not self.server.started and self.thread.is_alive() and time.monotonic() < late:
            time.sleep(0.05)
        assert self.server.started, "the server did not start"
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(START_S)


class Visitor:
    """Somebody at a browser of their own. What a good page never does is collected in `faults`."""

    def __init__(self, browser, server, pictures, **look):
        self.server, self.pictures, self.faults = server, pictures, []
        look = {"viewport": LAPTOP, "locale": "en-GB", "accept_downloads": True} | look
        self.context = browser.new_context(base_url=server.address, **look)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)
        self.expected = set()  # statuses that the test provokes

    def _console(self, message):
        if message.type in ("error", "warning") and not message.text.startswith(OF_STATUSES):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request):
        own = request.url.startswith((f"{self.server.address}/", "data:", "blob:"))
        if not own:
            self.faults.append(f"asked outside: {request.url}")

    def _answered(self, response):
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.status}: {response.request.method} {response.url}")

    def go(self, href):
        """Go to a page, and wait until it has what it asks for by itself."""
        self.page.goto(href)
        if self.page.locator(ASKS_MORE).count():
            self.page.wait_for_load_state("networkidle")
        return self.page

    def log_in(self, name, word=WORD):
        """Log in by the form."""
        self.page.goto("/login")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(word)
        self.page.get_by_role("button", name="Log in").click()
        return self

    def picture(self, name, *, whole=False):
        """Keep a picture of the page among the artefacts."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=whole, animations="disabled")

    def toast(self, text):
        """Wait until a message in the corner says a text."""
        self.page.locator("#toasts .toast", has_text=text).last.wait_for()


@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium without a window.

    Closed with its module: Playwright keeps an event loop running, in which other tests could not run theirs.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def plain_passwords():
    """Passwords that are cheap to check: nothing here is worth guessing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        yield


@pytest.fixture(scope="session")
def workbench(api_company, plain_passwords, tmp_path_factory):
    """A server on a copy of the planned company, on the day of its plan."""
    folder = shutil.copytree(api_company, tmp_path_factory.mktemp("browser") / "demo")
    with Server(folder, lambda: AT) as server:
        yield server


@pytest.fixture(scope="session")
def newborn(plain_passwords, tmp_path_factory):
    """A server on a small company without a plan and without users, and the code of its first link."""
    folder = tmp_path_factory.mktemp("newborn") / "demo"
    build_demo(folder, n_items=50, seed=3, at=utc_now())
    door = SignIn(folder)
    code = door.first_code(at=utc_now())
    door.close()
    with Server(folder, utc_now) as server:
        yield server, code


@pytest.fixture
def visitors(chromium):
    """A function that lets somebody sit down at a browser; at the end every page they saw must be clean."""
    seated = []

    def sit(server, name="", **look):
        seated.append(Visitor(chromium, server, PICTURES, **look))
        return seated[-1].log_in(name) if name else seated[-1]

    yield sit
    for visitor in seated:
        visitor.context.close()
    assert [fault for visitor in seated for fault in visitor.faults] == []


@pytest.fixture
def visitor(visitors, workbench):
    """A function that lets somebody sit down at the planned company's workbench."""
    return lambda name="", **look: visitors(workbench, name, **look)
