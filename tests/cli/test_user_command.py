"""`plimsoll user` as people and programs use it: every command, its JSON, its refusals."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from plimsoll.cli.user import user_app
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.integrations import passwords
from plimsoll.store import audit_log
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.sign_in import SignIn

GOOD, BETTER = "four words nobody joins", "five more words nobody joins"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes of the same kind that cost next to nothing."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))


@pytest.fixture
def folder(tmp_path):
    Workspace.create(tmp_path / "shop").close()
    return tmp_path / "shop"


@pytest.fixture
def run(folder):
    """Run `plimsoll user FOLDER …`; returns what it printed, or raises what it refused with."""

    def call(*words, typed=""):
        given = [str(folder), *map(str, words)]
        answer = CliRunner(env={"COLUMNS": "140"}).invoke(user_app, given, input=typed)
        if isinstance(answer.exception, PlimsollError):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    return call


def log_in(folder, name, password):
    door = SignIn(folder)
    try:
        return door.log_in(name, password, address="", at=datetime.now(UTC)).person  # noqa: TID251 - as the command
    finally:
        door.close()


def test_a_user_from_in_to_out(run, folder):
    assert "no user yet" in run("list")
    words = ("add", "Kim", "--role", "planner", "--name", "Kim Lee", "--location", "DC1", "--password-stdin")
    assert "kim is let in: planner, places: DC1, categories: all." in run(*words, typed=f"{GOOD}\n")
    run("add", "ann", "--role", "admin", "--no-password")
    assert log_in(folder, "kim", GOOD).locations == ("DC1",)
    assert "kim is changed: approver" in run("role", "kim", "approver")
    run("scope", "kim", "--category", "pumps", "--category", "valves")
    run("limit", "kim", "5000")
    kim = log_in(folder, "kim", GOOD)
    assert (kim.role, kim.locations, kim.categories) == ("approver", None, ("pumps", "valves"))
    assert kim.approval_limit == 5000
    run("limit", "kim", "role")
    assert log_in(folder, "kim", GOOD).approval_limit is None
    run("password", "kim", "--password-stdin", typed=f"{BETTER}\n")
    assert log_in(folder, "kim", BETTER)
    run("lock", "kim")
    with pytest.raises(PlimsollError, match="not right"):
        log_in(folder, "kim", BETTER)
    run("unlock", "kim")
    assert log_in(folder, "kim", BETTER)
    shown = run("list")
    assert "pumps, valves" in shown
    assert GOOD not in shown


def test_lists_are_data_too(run):
    run("add", "kim", "--no-password", "--email", "kim@acme.com")
    (kim,) = json.loads(run("list", "--json"))
    assert (kim["username"], kim["role"], kim["way_in"], kim["email"]) == (
        "kim",
        "viewer",
        "none",
        "kim@acme.com",
    )
    assert not any("hash" in name for name in kim)


def test_a_token_is_printed_once_and_withdrawn(run, folder):
    run("add", "bot", "--role", "planner", "--no-password")
    first = run("token", "bot", "--name", "nightly", "--days", "30").splitlines()[0]
    given = json.loads(run("token", "bot", "--name", "report", "--role", "viewer", "--json"))
    door = SignIn(folder)
    now = datetime.now(UTC)  # noqa: TID251 - as the command
    roles = [door.by_token(secret, at=now).person.role for secret in (first, given["token"])]
    assert roles == ["planner", "viewer"]
    assert first[:8] in run("tokens")
    assert first not in run("tokens", "bot", "--json")
    run("withdraw", "1")
    assert door.by_token(first, at=now) is None
    door.close()


def test_a_link_sets_a_password(run, folder):
    run("add", "vera", "--no-password")
    path = json.loads(run("link", "vera", "--json"))["path"]
    assert run("link", "vera").startswith("/welcome?code=")
    door = SignIn(folder)
    door.accept_welcome(path.partition("code=")[2], GOOD, at=datetime.now(UTC))  # noqa: TID251 - as the command
    door.close()
    assert log_in(folder, "vera", GOOD).username == "vera"


def test_who_did_it_is_in_the_log(run, folder, monkeypatch):
    monkeypatch.setattr("plimsoll.cli.user.getuser", lambda: "operator")
    run("add", "kim", "--no-password")
    frame, _ = audit_log.page(Workspace.open(folder))
    assert frame.select("actor", "action", "object_id").rows() == [("operator", "add_user", "kim")]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("add", "kim"), "no terminal to ask"),
        (("add", "kim", "--password-stdin"), "12 to 200 characters"),
        (("add", "kim lee", "--no-password"), "cannot be a user name"),
        (("add", "kim", "--no-password", "--role", "boss"), "no role 'boss'"),
        (("role", "nobody", "viewer"), "no user 'nobody'"),
        (("limit", "kim", "much"), "'much' is not an amount"),
        (("limit", "kim", "nan"), "approval limit"),
        (("withdraw", "7"), "no API token 7"),
        (("token", "kim", "--name", "x", "--days", "400"), "1 to 365 days"),
    ],
)
def test_refusals_say_what_and_change_nothing(run, folder, words, why):
    if words[0] in ("limit", "token"):
        run("add", "kim", "--no-password")
    before = audit_log.last_seq(Workspace.open(folder))
    with pytest.raises(PlimsollError, match=why):
        run(*words)
    assert audit_log.last_seq(Workspace.open(folder)) == before


def test_passwords_are_no_arguments(run):
    with pytest.raises(AssertionError, match="No such option"):
        run("add", "kim", "--password", GOOD)
    with pytest.raises(InputError, match="12 to 200"):
        run("add", "kim", "--password-stdin", typed="short\n")
