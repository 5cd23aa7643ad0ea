"""Who is it: log-in by password, sessions, API tokens, and one-time links, for the server."""

import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plimsoll.domain.accounts import (
    LogInRefused,
    TooManyAttempts,
    check_password,
    normalised,
    plain,
    through_token,
)
from plimsoll.domain.accounts import username as sound_username
from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.people import Person
from plimsoll.integrations import passwords
from plimsoll.store import people, ways_in
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.people_params import OidcParams, PeopleParams, WebParams

LOG = logging.getLogger("plimsoll.security")
WELCOME = "welcome"
NOT_RIGHT = "The user name or the password is not right."
SPENT = "This link is not good any more: it was used, has expired, or was never made."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks: the person, and for a browser the token that its changes have to bring."""

    person: Person
    csrf: str = ""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that has just begun; `secret` goes into the cookie and nowhere else."""

    person: Person
    secret: str
    seconds: int


class SignIn:
    """The door of a workspace, which is served as long as it stands; threads share one.

    The settings are read when it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        given = Workspace.open(folder, serving=True).settings()
        self.people = PeopleParams.read(given.get("people", {}), "people")
        self.web = WebParams.read(given.get("web", {}), "web")
        self.oidc = OidcParams.read(given.get("oidc", {}), "oidc")
        self._life = timedelta(hours=self.people.session_hours)
        self._noting: set[object] = set()
        self._later = ThreadPoolExecutor(1, "last-seen")
        passwords.prepare()

    def close(self) -> None:
        """Wait for what is still to be written, and stop serving the workspace."""
        self._later.shutdown()
        Workspace.stop_serving(self.folder)

    def log_in(
        self, username: str, password: str, *, address: str, at: datetime, instead_of: str = ""
    ) -> NewSession:
        """Begin a session for a name and password.

        Unknown names, wrong passwords and locked users get the same answer after the same time.

        Parameters
        ----------
        address : where the request came from; failed log-ins are counted by it and by the name
        instead_of : secret of the session that the browser had, which ends

        Raises
        ------
        LogInRefused : name or password is wrong, the user is locked, or passwords are not in use
        TooManyAttempts : too many failed; it was not tried
        """
        if not self.people.password_login:
            what = "Nobody logs in by password here."
            raise LogInRefused(what, remedy="Use the company's account.")
        name = normalised(username)
        by_name, by_address = f"user:{name}", f"address:{address}"
        free = {by_name: self.people.free_attempts, by_address: self.people.free_attempts_address}
        longest = timedelta(minutes=self.people.longest_wait_minutes)
        with Workspace.open(self.folder) as workspace:
            with workspace.transaction("count the log-in") as db:
                wait = ways_in.charge(db, free, longest=longest, at=at)
            if wait > timedelta():
                tell("log_in_delayed", name, address)
                raise TooManyAttempts(max(1, -(-wait // timedelta(seconds=1))))
            with workspace.reading() as db:
                row = people.found(db, name)
                kept = row.password_hash if row else None
                locked = row is None or row.locked_at is not None
            if not passwords.is_password(password, kept) or locked or kept is None:
                tell("log_in_refused", name, address)
                raise LogInRefused(
                    NOT_RIGHT, remedy="Try again, or ask an admin for a link to set a new one."
                )
            better = passwords.hash_password(password) if passwords.is_outdated(kept) else kept
            with workspace.transaction("log in") as db:
                ways_in.refund(db, by_name, by_address)
                row = people.known(db, name)
                row.password_hash = better
                begun = self.begun(db, row, at=at, instead_of=instead_of)
        tell("logged_in", name, address)
        return begun

    def begun(self, db: Any, row: Any, *, at: datetime, instead_of: str = "") -> NewSession:
        """Return a session of a user, begun within the transaction `db`."""
        end = at + self._life
        secret = ways_in.begin_session(db, row, at=at, expires_at=end, instead_of=instead_of)
        return NewSession(people.person(row), secret, round(self._life.total_seconds()))

    def by_session(self, secret: str, *, at: datetime) -> SignedIn | None:
        """Return who a session's secret stands for, as the user is now; None if it has ended."""
        if not secret:
            return None
        with Workspace.open(self.folder) as workspace, workspace.reading() as db:
            found = ways_in.session(db, secret)
            if found is None:
                return None
            session, row = found
            idle = timedelta(minutes=self.people.idle_minutes)
            if row.locked_at is not None or at >= min(session.expires_at, session.seen_at + idle):
                return None
            known, session_id = SignedIn(people.person(row), csrf_of(secret)), session.id
            is_due = at - session.seen_at > idle / 20
        if is_due:
            self._note(session_id, lambda db: ways_in.saw(db, session_id, at))
        return known

    def by_token(self, secret: str, *, at: datetime) -> SignedIn | None:
        """Return who a program acts for, with what the token leaves of the rights; None if it is no good."""
        with Workspace.open(self.folder) as workspace, workspace.reading() as db:
            found = ways_in.of_token(db, secret)
            if found is None:
                return None
            token, row = found
            if row.locked_at is not None or token.withdrawn_at is not None or at >= token.expires_at:
                return None
            known = SignedIn(through_token(people.person(row), ways_in.token(token)))
            token_id = token.id
            is_due = token.last_used_at is None or at - token.last_used_at > timedelta(minutes=5)
        if is_due:
            self._note(token_id, lambda db: ways_in.used(db, token_id, at))
        return known

    def log_out(self, secret: str) -> None:
        """End the session of a secret."""
        with Workspace.open(self.folder) as workspace, workspace.transaction("log out") as db:
            ways_in.end_session(db, secret)

    def first_code(self, *, at: datetime) -> str | None:
        """Return a new one-time code by which the first admin is made; None once there is a user."""
        with Workspace.open(self.folder) as workspace, workspace.transaction("make the first link") as db:
            if people.has_users(db):
                return None
            ways_in.drop_codes(db, WELCOME)
            end = at + timedelta(hours=self.people.link_hours)
            return ways_in.new_code(db, WELCOME, {"username": ""}, at=at, expires_at=end)

    def welcome(self, code: str, *, at: datetime) -> str:
        """Return the user that a code lets set a password, "" for the first admin.

        Raises LogInRefused for a code that is not good, or not any more.
        """
        with Workspace.open(self.folder) as workspace, workspace.reading() as db:
            content = ways_in.code(db, code, WELCOME, at=at)
            if content is None or (not content["username"] and people.has_users(db)):
                raise LogInRefused(SPENT, remedy="Ask an admin for a new one, or see `plimsoll user --help`.")
            return str(content["username"])

    def accept_welcome(
        self, code: str, password: str, *, at: datetime, username: str = "", name: str = "", address: str = ""
    ) -> NewSession:
        """Set a user's password, or make the first admin, by a code that is then spent; and log in.

        Parameters
        ----------
        username, name : of the first admin; not read for a user who is there already
        """
        invited = self.welcome(code, at=at)
        wanted = invited or sound_username(username)
        shown = "" if invited else plain(name or wanted, "name")
        check_password(password, username=wanted, name=shown)
        kept = passwords.hash_password(password)
        with Workspace.open(self.folder) as workspace, workspace.transaction("set the password") as db:
            content = ways_in.spend_code(db, code, WELCOME, at=at)
            if content is None or (not invited and people.has_users(db)):
                raise LogInRefused(SPENT)
            if invited:
                row = people.known(db, wanted)
                if row.locked_at is not None:
                    raise LogInRefused(SPENT)
                people.change(db, row, {"password_hash": kept}, action="set_password", by=wanted, at=at)
                ways_in.end_sessions(db, wanted)
            else:
                new = people.NewAccount(wanted, shown, "admin", password_hash=kept)
                row = people.add(db, new, by=wanted, at=at)
            begun = self.begun(db, row, at=at)
        tell("logged_in", wanted, address)
        return begun

    def _note(self, key: object, write: Callable[[Any], None]) -> None:
        """Write down when somebody was last seen, without letting the request wait for another writer."""
        if key in self._noting:
            return
        self._noting.add(key)

        def noted() -> None:
            try:
                with Workspace.open(self.folder) as workspace, workspace.transaction("note the visit") as db:
                    write(db)
            except PlimsollError:
                LOG.exception("The visit was not noted.")
            finally:
                self._noting.discard(key)

        self._later.submit(noted)


def csrf_of(secret: str) -> str:
    """Return the token that changes of a session have to bring; from it the secret cannot be told."""
    return hmac.new(secret.encode(errors="surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def tell(event: str, username: str, address: str) -> None:
    """Write a line for who watches over log-ins; a name as typed may be a password, so only its start."""
    LOG.info("%s", json.dumps({"event": event, "user": username[:40], "address": address}))
