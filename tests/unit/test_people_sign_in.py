"""Who gets in, for how long, and what it costs to guess: over a workspace, with the clock in hand."""

import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from plimsoll.domain.accounts import LogInRefused, TooManyAttempts
from plimsoll.domain.decisions import Stale, Unknown
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.integrations import passwords
from plimsoll.store import audit_log
from plimsoll.store import people as stored_people
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import people
from plimsoll.workflows.people_params import OidcParams, PeopleParams, WebParams
from plimsoll.workflows.sign_in import SignIn, csrf_of

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
GOOD, BETTER, WRONG = "four words nobody joins", "five more words nobody joins", "wrong"
ROOT = owner("root")
NIGHTLY = "nightly"
SECOND, MINUTE, HOUR, DAY = (timedelta(**{name: 1}) for name in ("seconds", "minutes", "hours", "days"))


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes of the same kind that cost next to nothing."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "shop"
    Workspace.create(folder).close()
    return folder


@pytest.fixture
def folder(template, tmp_path):
    return shutil.copytree(template, tmp_path / "shop")


@pytest.fixture
def door(folder):
    made = SignIn(folder)
    yield made
    made.close()


@pytest.fixture
def kim(door, folder):
    people.add_user(folder, "kim", {"name": "Kim Lee", "role": "planner"}, ROOT, at=AT, password=GOOD)
    return "kim"


def log_in(door, name="kim", password=GOOD, at=AT, address="192.0.2.1", **more):
    return door.log_in(name, password, address=address, at=at, **more)


def stored(folder):
    """Everything the database and its journal hold, as bytes."""
    with Workspace.open(folder) as workspace, workspace.transaction("look") as db:
        db.execute(text("SELECT 1"))
    return b"".join(file.read_bytes() for file in folder.glob("plimsoll.db*"))


def events(folder):
    frame, _ = audit_log.page(Workspace.open(folder), size=100)
    return [(row["actor"], row["action"], row["object_id"]) for row in frame.reverse().to_dicts()]


def test_a_session_stands_for_the_person(folder, door, kim):
    session = log_in(door, " KIM ")
    known = door.by_session(session.secret, at=AT + MINUTE)
    assert known.person == Person("kim", "Kim Lee", "planner") == session.person
    assert known.csrf == csrf_of(session.secret) != session.secret
    assert session.seconds == 12 * 3600
    assert people.users(folder, ROOT)[0].last_login_at == AT


@pytest.mark.parametrize("secret", ["", "x", "plm_x", "'; DROP TABLE person; --", "\udcff", "x" * 100_000])
def test_made_up_secrets_stand_for_nobody(door, kim, secret):
    assert door.by_session(secret, at=AT) is None
    assert door.by_token(secret, at=AT) is None


def test_secrets_are_not_in_the_database(folder, door, kim):
    session = log_in(door)
    token, _ = people.make_token(folder, "nightly", 30, session.person, at=AT)
    code = people.password_code(folder, "kim", ROOT, at=AT)
    held = stored(folder)
    assert b"Kim Lee" in held
    for secret in (GOOD, session.secret, token, code, csrf_of(session.secret)):
        assert secret.encode() not in held
    said = json.dumps(audit_log.page(Workspace.open(folder), size=100)[0].to_dicts(), default=str)
    assert "argon2" in held.decode(errors="replace")
    assert "argon2" not in said


@pytest.mark.parametrize(
    ("name", "password"),
    [("kim", "wrong"), ("kim", ""), ("nobody", GOOD), ("", ""), ("kim", GOOD + " "), ("kım", GOOD)],
)
def test_wrong_names_and_passwords_get_one_answer(door, kim, name, password):
    with pytest.raises(LogInRefused) as refused:
        log_in(door, name, password)
    assert refused.value.what == "The user name or the password is not right."


def test_unknown_names_cost_a_hash_too(door, kim, monkeypatch):
    asked = []
    monkeypatch.setattr(passwords, "is_password", lambda typed, kept: asked.append(kept) or False)
    for name in ("kim", "nobody"):
        with pytest.raises(LogInRefused):
            log_in(door, name)
    assert [kept is None for kept in asked] == [False, True]


def test_a_missing_hash_is_held_against_one_of_the_same_cost(monkeypatch):
    tried = []

    class Hasher(passwords.PasswordHasher):
        def verify(self, kept, typed):
            tried.append(kept.rsplit("$", 2)[0])
            return super().verify(kept, typed)

    monkeypatch.setattr(passwords, "_HASHER", Hasher(1, 8, 1))
    passwords._nobodys.cache_clear()
    assert passwords.is_password(GOOD, passwords.hash_password(GOOD))
    assert not passwords.is_password("nobody has this password", None)
    assert tried[0] == tried[1]


def test_a_password_is_the_same_from_every_keyboard():
    kept = passwords.hash_password("Käfer im großen Glas")
    assert kept.startswith("$argon2id$")
    assert passwords.is_password("Ka\u0308fer im großen Glas", kept)
    assert not passwords.is_password("Kafer im großen Glas", kept)
    assert not passwords.is_password(GOOD, "not a hash")


def test_hashes_of_older_parameters_are_renewed_at_log_in(folder, door, kim, monkeypatch):
    def kept():
        with Workspace.open(folder).reading() as db:
            return db.scalar(text("SELECT password_hash FROM person"))

    log_in(door)
    before = kept()
    log_in(door, at=AT + MINUTE)
    assert kept() == before
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(2, 16, 1))
    log_in(door, at=AT + 2 * MINUTE)
    assert kept() != before
    assert "m=16,t=2" in kept()


def test_a_session_ends_when_nobody_clicks(door, kim):
    session = log_in(door)
    assert door.by_session(session.secret, at=AT + 119 * MINUTE) is not None
    door._later.submit(lambda: None).result()  # the visit is noted
    assert door.by_session(session.secret, at=AT + 238 * MINUTE) is not None
    door._later.submit(lambda: None).result()
    assert door.by_session(session.secret, at=AT + 358 * MINUTE) is None


def test_a_session_ends_in_any_case(door, kim):
    session = log_in(door)
    for hour in range(1, 12):
        assert door.by_session(session.secret, at=AT + hour * HOUR) is not None
        door._later.submit(lambda: None).result()
    assert door.by_session(session.secret, at=AT + 12 * HOUR - SECOND) is not None
    assert door.by_session(session.secret, at=AT + 12 * HOUR) is None


def test_log_in_gives_a_new_secret_and_ends_the_old(door, kim):
    first = log_in(door)
    second = log_in(door, instead_of=first.secret)
    assert first.secret != second.secret
    assert len(second.secret) >= 43  # 256 bits
    assert door.by_session(first.secret, at=AT) is None
    assert door.by_session(second.secret, at=AT) is not None


def test_log_out_ends_this_session_only(door, kim):
    here, there = log_in(door), log_in(door)
    door.log_out(here.secret)
    assert door.by_session(here.secret, at=AT) is None
    assert door.by_session(there.secret, at=AT) is not None


def test_roles_and_locks_count_from_the_next_click(folder, door, kim):
    session = log_in(door)
    token, _ = people.make_token(folder, "nightly", 30, session.person, at=AT)
    people.change_user(folder, "kim", {"role": "viewer", "locations": ["DC1"]}, ROOT, at=AT)
    for known in (door.by_session(session.secret, at=AT), door.by_token(token, at=AT)):
        assert (known.person.role, known.person.locations) == ("viewer", ("DC1",))
    people.lock_user(folder, "kim", ROOT, at=AT)
    assert door.by_session(session.secret, at=AT) is None
    assert door.by_token(token, at=AT) is None
    with pytest.raises(LogInRefused, match="not right"):
        log_in(door)
    people.lock_user(folder, "kim", ROOT, at=AT, locked=False)
    assert door.by_session(session.secret, at=AT) is None  # the session is gone for good
    assert log_in(door, at=AT + MINUTE).person.role == "viewer"


def test_guessing_is_made_slow(door, kim):
    waits = []
    at = AT
    for _ in range(40):
        try:
            log_in(door, password=WRONG, at=at)
        except TooManyAttempts as error:
            waits.append(error.wait_s)
            at += error.wait_s * SECOND
        except LogInRefused:
            pass
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] == 15 * 60
    with pytest.raises(TooManyAttempts):  # even the right one waits
        log_in(door, password=WRONG, at=at + 15 * MINUTE) if not waits else log_in(door, at=at - SECOND)


def test_the_right_password_after_the_wait_clears_the_name(door, kim):
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG)
    with pytest.raises(TooManyAttempts, match="Try again in 1 s"):
        log_in(door)
    log_in(door, at=AT + SECOND)
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG, at=AT + 2 * SECOND)


def test_hammering_at_a_name_does_not_lock_its_owner_out_for_longer(door, kim):
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG)
    for _ in range(50):
        with pytest.raises(TooManyAttempts):
            log_in(door, password=WRONG, address="198.51.100.7")
    assert log_in(door, at=AT + SECOND)


def test_an_unknown_name_is_slowed_alike(door, kim):
    answers = {}
    for name in ("kim", "nobody"):
        answers[name] = []
        for _ in range(8):
            with pytest.raises(LogInRefused) as refused:
                log_in(door, name, "wrong", address=f"of {name}")
            answers[name].append(str(refused.value))
    assert answers["kim"] == answers["nobody"]


def test_an_address_that_tries_many_names_is_slowed(door, kim):
    for n in range(30):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, f"name{n}", "wrong", address="203.0.113.9")
    with pytest.raises(TooManyAttempts):
        log_in(door, "another", "wrong", address="203.0.113.9")
    assert log_in(door, address="192.0.2.1")


def test_failures_are_forgotten_after_a_day(door, kim):
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG)
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG, at=AT + DAY)


def test_many_attempts_at_once_do_not_slip_through(door, kim):
    def attempt(_):
        try:
            log_in(door, password=WRONG)
        except TooManyAttempts:
            return "waits"
        except LogInRefused:
            return "tried"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    assert answers.count("tried") == 5


def test_who_watches_sees_log_ins_and_refusals(door, kim, caplog):
    with caplog.at_level(logging.INFO, "plimsoll.security"):
        log_in(door)
        with pytest.raises(LogInRefused):
            log_in(door, "kim\n{}", "my secret guess")
    seen = [json.loads(line) for line in caplog.messages]
    assert [line["event"] for line in seen] == ["logged_in", "log_in_refused"]
    assert "secret guess" not in caplog.text


def test_the_first_admin_is_made_by_a_link_that_works_once(folder, door):
    code = door.first_code(at=AT)
    assert door.welcome(code, at=AT) == ""
    with pytest.raises(InputError, match="first that anybody tries"):
        door.accept_welcome(code, "password1234", username="kim", at=AT)
    session = door.accept_welcome(code, GOOD, username="Kim", name="Kim Lee", at=AT)
    assert session.person == Person("kim", "Kim Lee", "admin")
    assert door.by_session(session.secret, at=AT)
    assert door.first_code(at=AT) is None
    for again in (code, "x", ""):
        with pytest.raises(LogInRefused, match="not good any more"):
            door.accept_welcome(again, BETTER, username="eve", at=AT)
    assert [user.username for user in people.users(folder, ROOT)] == ["kim"]


def test_the_first_link_ends_with_its_time_and_with_the_next(door):
    old = door.first_code(at=AT)
    new = door.first_code(at=AT + HOUR)
    for code, at in ((old, AT + HOUR), (new, AT + 25 * HOUR)):
        with pytest.raises(LogInRefused, match="not good any more"):
            door.welcome(code, at=at)


def test_the_first_link_is_dead_once_somebody_is_there(folder, door):
    code = door.first_code(at=AT)
    people.add_user(folder, "ann", {"role": "admin"}, ROOT, at=AT, password=GOOD)
    with pytest.raises(LogInRefused, match="not good any more"):
        door.accept_welcome(code, GOOD, username="eve", at=AT)


def test_a_link_sets_a_users_password_and_ends_the_sessions(folder, door, kim):
    session = log_in(door)
    code = people.password_code(folder, "kim", ROOT, at=AT)
    assert door.welcome(code, at=AT) == "kim"
    begun = door.accept_welcome(code, BETTER, username="eve", at=AT)  # the name of the link counts
    assert begun.person.username == "kim"
    with pytest.raises(LogInRefused, match="not good any more"):
        door.accept_welcome(code, GOOD, at=AT)
    assert door.by_session(session.secret, at=AT) is None
    assert log_in(door, password=BETTER)
    people.lock_user(folder, "kim", ROOT, at=AT)
    code = people.password_code(folder, "kim", ROOT, at=AT)
    with pytest.raises(LogInRefused, match="not good any more"):
        door.accept_welcome(code, GOOD, at=AT)


def test_one_changes_ones_own_password_by_the_old_one(folder, door, kim):
    here, there = log_in(door), log_in(door)
    change = people.change_password
    with pytest.raises(LogInRefused, match="old password"):
        change(folder, "wrong", BETTER, here.person, at=AT, session=here.secret)
    with pytest.raises(InputError, match="12 to 200"):
        change(folder, GOOD, "short", here.person, at=AT, session=here.secret)
    change(folder, GOOD, BETTER, here.person, at=AT, session=here.secret)
    assert door.by_session(here.secret, at=AT)
    assert door.by_session(there.secret, at=AT) is None
    assert log_in(door, password=BETTER)


def test_a_token_opens_what_it_says_until_it_ends(folder, door, kim):
    session = log_in(door)
    secret, made = people.make_token(
        folder, "nightly", 30, session.person, at=AT, limits={"role": "viewer", "locations": ["DC1"]}
    )
    assert secret.startswith("plm_")
    assert secret.startswith(made.start)
    assert len(made.start) < 12
    known = door.by_token(secret, at=AT + DAY)
    assert known.csrf == ""
    assert known.person == Person("kim", "Kim Lee", "viewer", ("DC1",), token=NIGHTLY)
    door._later.submit(lambda: None).result()
    assert people.tokens(folder, session.person)[0].last_used_at == AT + DAY
    assert door.by_token(secret, at=AT + 30 * DAY) is None
    people.withdraw_token(folder, made.id, session.person, at=AT + DAY)
    assert door.by_token(secret, at=AT + DAY) is None
    assert people.tokens(folder, session.person)[0].withdrawn_by == "kim"


def test_tokens_are_no_way_up(folder, door, kim):
    kims = log_in(door).person
    with pytest.raises(Forbidden, match="cannot be admin"):
        people.make_token(folder, "up", 30, kims, at=AT, limits={"role": "admin"})
    with pytest.raises(Forbidden, match="may not add, change and lock"):
        people.make_token(folder, "up", 30, kims, at=AT, username="ann")
    for days in (0, -1, 366):
        with pytest.raises(InputError, match="1 to 365 days"):
            people.make_token(folder, "long", days, kims, at=AT)
    secret, _ = people.make_token(folder, "nightly", 30, kims, at=AT)
    bot = door.by_token(secret, at=AT).person
    for refused in (
        lambda: people.make_token(folder, "child", 365, bot, at=AT),
        lambda: people.change_password(folder, GOOD, BETTER, bot, at=AT, session=""),
    ):
        with pytest.raises(Forbidden, match="An API token cannot"):
            refused()


def test_others_tokens_are_not_there(folder, door, kim):
    _, made = people.make_token(folder, "nightly", 30, log_in(door).person, at=AT)
    people.add_user(folder, "eve", {"role": "approver"}, ROOT, at=AT, password=BETTER)
    eve = log_in(door, "eve", BETTER).person
    with pytest.raises(Unknown):
        people.withdraw_token(folder, made.id, eve, at=AT)
    with pytest.raises(Forbidden):
        people.tokens(folder, eve, every=True)
    assert people.tokens(folder, eve) == []
    assert [token.name for token in people.tokens(folder, ROOT, every=True)] == ["nightly"]


def test_only_admins_let_people_in(folder, kim):
    approver = Person("ann", "Ann", "approver")
    for refused in (
        lambda: people.users(folder, approver),
        lambda: people.add_user(folder, "eve", {}, approver, at=AT),
        lambda: people.change_user(folder, "kim", {"role": "admin"}, approver, at=AT),
        lambda: people.lock_user(folder, "kim", approver, at=AT),
        lambda: people.set_password(folder, "kim", BETTER, approver, at=AT),
        lambda: people.password_code(folder, "kim", approver, at=AT),
    ):
        with pytest.raises(Forbidden, match="add, change and lock users"):
            refused()


def test_somebody_stays_who_lets_people_in(folder, kim):
    people.add_user(folder, "ann", {"role": "admin"}, ROOT, at=AT, password=GOOD)
    for refused in (
        lambda: people.lock_user(folder, "ann", ROOT, at=AT),
        lambda: people.change_user(folder, "ann", {"role": "viewer"}, ROOT, at=AT),
    ):
        with pytest.raises(InputError, match="only admin"):
            refused()
    people.change_user(folder, "kim", {"role": "admin"}, ROOT, at=AT)
    assert people.lock_user(folder, "ann", ROOT, at=AT).locked_at == AT


def test_every_change_is_in_the_log_with_old_and_new(folder, kim):
    people.change_user(
        folder, "kim", {"role": "approver", "categories": ["pumps"], "approval_limit": 5000.0}, ROOT, at=AT
    )
    people.change_user(folder, "kim", {"role": "approver"}, ROOT, at=AT)  # nothing new, nothing logged
    people.set_password(folder, "kim", BETTER, ROOT, at=AT)
    frame, n = audit_log.page(Workspace.open(folder), object_id="kim", size=10)
    logged = [
        (row["action"], json.loads(row["old"]), json.loads(row["new"])) for row in frame.reverse().to_dicts()
    ]
    assert n == 3
    assert logged[0][0] == "add_user"
    assert logged[0][2]["role"] == "planner"
    assert logged[1] == (
        "change_user",
        {"role": "planner", "categories": None, "approval_limit": None},
        {"role": "approver", "categories": ["pumps"], "approval_limit": 5000.0},
    )
    assert logged[2] == ("set_password", {}, {})
    assert audit_log.verify(Workspace.open(folder)).broken == ""


def test_two_admins_on_one_user(folder, kim):
    seen = people.users(folder, ROOT)[0]
    people.change_user(folder, "kim", {"name": "Kimberly"}, ROOT, at=AT, version=seen.version)
    with pytest.raises(Stale, match="changed since"):
        people.change_user(folder, "kim", {"role": "viewer"}, ROOT, at=AT, version=seen.version)
    assert people.users(folder, ROOT)[0].role == "planner"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"role": "boss"}, "no role 'boss'"),
        ({"email": "kim"}, "not an email"),
        ({"email": "kim@"}, "not an email"),
        ({"approval_limit": float("nan")}, "approval limit"),
        ({"approval_limit": -1.0}, "approval limit"),
        ({"name": "Kim\x1b[2J"}, "one line"),
        ({"password_hash": "x"}, "no 'password_hash'"),
        ({"locations": ["DC1", ""]}, "scope is missing"),
    ],
)
def test_values_of_a_user_are_sound(folder, kim, given, why):
    with pytest.raises(InputError, match=why):
        people.change_user(folder, "kim", given, ROOT, at=AT)
    with pytest.raises(InputError, match=why):
        people.add_user(folder, "eve", given, ROOT, at=AT)
    assert [user.username for user in people.users(folder, ROOT)] == ["kim"]


def test_unknown_and_known_names(folder, kim):
    with pytest.raises(Unknown, match="Did you mean 'kim'"):
        people.lock_user(folder, "kin", ROOT, at=AT)
    with pytest.raises(InputError, match="'kim' already"):
        people.add_user(folder, "KIM", {}, ROOT, at=AT)


def test_without_a_password_nobody_gets_in(folder, door):
    people.add_user(folder, "bot", {"role": "planner"}, ROOT, at=AT)
    assert people.users(folder, ROOT)[0].way_in == "none"
    for guess in ("", "nobody has this password"):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, "bot", guess)
    secret, _ = people.make_token(folder, "nightly", 30, ROOT, at=AT, username="bot")
    assert door.by_token(secret, at=AT).person.username == "bot"


def test_passwords_may_be_off(folder, kim):
    (folder / "plimsoll.toml").write_text("[people]\npassword_login = false\n")
    door = SignIn(folder)
    with pytest.raises(LogInRefused, match="Nobody logs in by password"):
        log_in(door)
    door.close()


@pytest.mark.parametrize(
    ("params", "given", "why"),
    [
        (PeopleParams, {"idle_minutes": 0}, "greater than or equal to 5"),
        (PeopleParams, {"idle_minuets": 9}, "idle_minutes"),
        (WebParams, {"public_url": "http://plimsoll.example.com"}, "https://"),
        (WebParams, {"public_url": "javascript:alert(1)"}, "https://"),
        (OidcParams, {"issuer": "http://id.example.com", "client_id": "p"}, "https://"),
        (OidcParams, {"issuer": "https://id.example.com"}, "client_id"),
        (OidcParams, {"default_role": "boss"}, "viewer, planner"),
        (OidcParams, {"role_values": {"boss": ["x"]}}, "no role 'boss'"),
        (OidcParams, {"role_claim": "groups"}, "role_values"),
    ],
)
def test_settings_are_checked(params, given, why):
    with pytest.raises(SettingError, match=why):
        params.read(given, "people")


def test_both_databases_keep_people_alike(database, tmp_path):
    folder = tmp_path / "both"
    Workspace.create(folder).close()
    door = SignIn(folder)
    first = door.accept_welcome(door.first_code(at=AT), GOOD, username="ann", at=AT).person
    people.add_user(folder, "kim", {"role": "planner", "email": "Kim@Acme.com"}, first, at=AT, password=GOOD)
    changes = {"locations": ["DC1"], "approval_limit": 1234.5}
    changed = people.change_user(folder, "kim", changes, first, at=AT + SECOND, version=1)
    assert (changed.locations, changed.approval_limit, changed.version) == (("DC1",), 1234.5, 2)
    for _ in range(5):
        with pytest.raises(LogInRefused, match="not right"):
            log_in(door, password=WRONG)
    with pytest.raises(TooManyAttempts):
        log_in(door)
    session = log_in(door, at=AT + MINUTE)
    secret, made = people.make_token(folder, NIGHTLY, 30, session.person, at=AT + MINUTE)
    assert door.by_session(session.secret, at=AT + HOUR).person == session.person
    assert door.by_token(secret, at=AT + HOUR).person.token == NIGHTLY
    door._later.submit(lambda: None).result()
    assert people.tokens(folder, session.person)[0].last_used_at == AT + HOUR
    people.withdraw_token(folder, made.id, session.person, at=AT + HOUR)
    people.lock_user(folder, "kim", first, at=AT + HOUR)
    assert door.by_session(session.secret, at=AT + HOUR) is None
    assert [user.locked_at for user in people.users(folder, first)] == [None, AT + HOUR]
    with Workspace.open(folder).reading() as db:
        assert [row.username for row in stored_people.of_email(db, "kim@ACME.com")] == ["kim"]
    assert [action for _, action, _ in events(folder)] == [
        "add_user", "add_user", "change_user", "make_token", "withdraw_token", "lock_user",
    ]  # fmt: skip
    assert audit_log.verify(Workspace.open(folder)).broken == ""
    door.close()
