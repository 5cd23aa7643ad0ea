"""What tests of the API share: a company with a plan, people of every role, and programs acting for them."""

import shutil
import warnings
from datetime import UTC, datetime, timedelta

import pytest

from plimsoll.domain.people import owner
from plimsoll.integrations import passwords
from plimsoll.web.app import create_app
from plimsoll.workflows import people
from plimsoll.workflows.attention import find_exceptions
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which HTTP library the client stands on is its own affair
    from starlette.testclient import TestClient

API_AT = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
API_WORD = "four words nobody joins"
API_ROLES = {"vic": "viewer", "kim": "planner", "lee": "approver", "ann": "admin"}


class Program:
    """A program with an API token."""

    def __init__(self, app, token):
        self.client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method, path, json=None, **headers):
        given = {"json": json} if json is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/api/v1{path}", headers=self.headers | named, **given)

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def post(self, path, json=None, **headers):
        return self("POST", path, json, **headers)


class Session:
    """A browser that is logged in, whose scripts send the session's token with what they change."""

    def __init__(self, app, name):
        self.client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        self.client.post("/login", data={"username": name, "password": API_WORD})
        self.csrf = self.client.get("/today").text.split('data-csrf="')[1].split('"')[0]

    def __call__(self, method, path, **given):
        headers = {"X-CSRF-Token": self.csrf} | given.pop("headers", {})
        return self.client.request(method, path, headers=headers, **given)


@pytest.fixture(scope="session")
def api_company(tmp_path_factory):
    """A demo company with plan, exceptions, a user of each role and `far`, who sees another place only."""
    folder = tmp_path_factory.mktemp("api") / "demo"
    build_demo(folder, n_items=60, seed=7, at=API_AT)
    make_plan(folder, at=API_AT)
    find_exceptions(folder, at=API_AT)
    root = owner("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        for name, role in API_ROLES.items():
            given = {"name": name.title(), "role": role}
            people.add_user(folder, name, given, root, at=API_AT, password=API_WORD)
        far = {"name": "Far", "role": "approver", "locations": ["NOWHERE"]}
        people.add_user(folder, "far", far, root, at=API_AT, password=API_WORD)
    return folder


def api_token(folder, name, *, days=30, at=API_AT, **limits):
    """Return the secret of a new token of a user."""
    made, _ = people.make_token(
        folder, f"of {name}", days, owner("root"), at=at, username=name, limits=limits
    )
    return made


@pytest.fixture
def api_app(api_company, tmp_path, monkeypatch):
    """The workbench of a copy of the company."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
    return create_app(shutil.copytree(api_company, tmp_path / "demo"), clock=lambda: API_AT)


@pytest.fixture
def program(api_app):
    """A function that returns a program of a user: `program("kim")`."""

    return _programs(api_app)


def _programs(app):
    def made(name, *, ago=0, days=30, **limits):
        at = API_AT - timedelta(days=ago)
        return Program(app, api_token(app.state.folder, name, days=days, at=at, **limits))

    return made


@pytest.fixture(scope="session")
def steady_app(api_company, tmp_path_factory):
    """A workbench whose people's work no test changes."""
    folder = shutil.copytree(api_company, tmp_path_factory.mktemp("steady") / "demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        return create_app(folder, clock=lambda: API_AT)


@pytest.fixture(scope="session")
def steady_program(steady_app):
    """A function that returns a program of a user; what it asks must change nothing."""
    return _programs(steady_app)


@pytest.fixture(scope="session")
def reader(steady_program):
    """A planner's program that changes nothing."""
    return steady_program("kim")


@pytest.fixture
def program_with(api_app):
    """A function that returns a program with a token as given."""
    return lambda secret: Program(api_app, secret)


@pytest.fixture
def session(api_app):
    """A function that logs a user in with a browser: `session("ann")`."""
    return lambda name: Session(api_app, name)


@pytest.fixture(scope="session")
def unknown(steady_app):
    """A client that nobody is logged in with, for what changes nothing."""
    return TestClient(steady_app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def stranger(api_app):
    """A client that nobody is logged in with."""
    return TestClient(api_app, raise_server_exceptions=False, follow_redirects=False)


class Pages:
    """A browser without scripts of a user, whose clicks are those of one with scripts."""

    def __init__(self, app, name):
        self.session = Session(app, name)
        self.desk = app.state.desk

    def get(self, path, **headers):
        return self.session.client.get(path, headers=headers)

    def part(self, path):
        return self.get(path, **{"HX-Request": "true"})

    def post(self, path, **data):
        return self.session.client.post(path, data={"csrf_token": self.session.csrf} | data)

    def click(self, path, **data):
        return self.session("POST", path, data=data, headers={"HX-Request": "true"})


@pytest.fixture
def pages_app(api_app):
    """The workbench of a copy of the company, for tests that change it."""
    return api_app


@pytest.fixture
def pages_kim(api_app):
    """A planner's browser."""
    return Pages(api_app, "kim")


@pytest.fixture
def pages_vic(api_app):
    """A viewer's browser."""
    return Pages(api_app, "vic")


@pytest.fixture
def pages_ann(api_app):
    """An admin's browser."""
    return Pages(api_app, "ann")


@pytest.fixture(scope="session")
def pages_reader(steady_app):
    """A planner's browser that changes nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        return Pages(steady_app, "kim")


@pytest.fixture
def idle(monkeypatch):
    """Plans that are started do not run."""

    class Ended:
        def wait(self):
            return 0

    monkeypatch.setattr("plimsoll.workflows.jobs.subprocess.Popen", lambda *_, **__: Ended())
