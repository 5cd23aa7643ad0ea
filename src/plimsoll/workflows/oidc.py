"""Log in with the company's account: the provider says who it is, the settings say who is let in."""

import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from plimsoll.domain.accounts import LogInRefused, plain
from plimsoll.domain.accounts import role as sound_role
from plimsoll.domain.accounts import username as sound_username
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import ROLES, Role
from plimsoll.integrations.oidc import Attempt, IdentityProvider, ProviderFailed
from plimsoll.store import people
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.people_params import OidcParams
from plimsoll.workflows.sign_in import NewSession, SignIn, tell

SECRET = "PLIMSOLL_OIDC_SECRET"  # noqa: S105 - the variable's name
BY = "oidc"
NOT_LET_IN = "Your company account is not let in here."
ASK = "Ask an admin of this workspace to let you in."


class ProviderLogIn:
    """Log-in through the provider of `[oidc]`; its client secret comes from PLIMSOLL_OIDC_SECRET."""

    def __init__(self, door: SignIn) -> None:
        self._door, self._options = door, door.oidc
        given = os.environ.get(SECRET, "")
        self._provider = IdentityProvider(door.oidc.issuer, door.oidc.client_id, given)

    def start(self, redirect_uri: str, wanted: str, *, at: datetime) -> tuple[str, str]:
        """Return where to send the browser, and the text that it keeps in a cookie until it is back."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, wanted)
        scopes = self._options.scopes
        url = self._provider.authorization_url(attempt, redirect_uri=redirect_uri, scopes=scopes, at=at)
        return url, urlsafe_b64encode(json.dumps(asdict(attempt)).encode()).decode()

    def finish(
        self,
        given: Mapping[str, str],
        kept: str,
        redirect_uri: str,
        *,
        address: str,
        at: datetime,
        instead_of: str = "",
    ) -> tuple[NewSession, str]:
        """Begin the session of the person whom the provider sent back, and return the page that was wanted.

        Parameters
        ----------
        given : parameters of the callback's address
        kept : what the browser kept of the start
        redirect_uri : as at the start

        Raises
        ------
        LogInRefused : it was not started in this browser, the provider refuses, or the person is not let in
        """
        attempt = _attempt(kept)
        state = given.get("state", "")
        if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
            what = "This log-in was not begun in this browser, or too long ago."
            raise LogInRefused(what, done="Nobody was logged in.", remedy="Begin again from the log-in page.")
        try:
            if "code" not in given:
                raise ProviderFailed(f"it said: {given.get('error', 'nothing')[:200]}")  # noqa: EM102, TRY301
            claims = self._provider.claims(given["code"], attempt, redirect_uri=redirect_uri, at=at)
        except ProviderFailed as error:
            tell("provider_failed", error.detail, address)
            raise
        _check_domain(claims, self._options)
        subject = str(claims["sub"])
        with Workspace.open(self._door.folder) as workspace, workspace.transaction("log in") as db:
            issuer = self._options.issuer
            row = people.of_provider(db, issuer, subject) or self._linked(db, claims, subject, at)
            if row is None:
                row = self._added(db, claims, subject, at)
            elif self._options.role_claim:  # who is in no group any more is not let in any more
                people.change(db, row, {"role": self._role(claims)}, action="change_user", by=BY, at=at)
            if row.locked_at is not None:
                raise LogInRefused(NOT_LET_IN, remedy=ASK)
            begun = self._door.begun(db, row, at=at, instead_of=instead_of)
        tell("logged_in", begun.person.username, address)
        return begun, attempt.wanted

    def _linked(self, db: Any, claims: Mapping[str, Any], subject: str, at: datetime) -> Any:
        """Return the user that an admin entered with the person's verified address, from now on linked."""
        email = verified_email(claims)
        if not (self._options.link_by_email and email):
            return None
        found = [row for row in people.of_email(db, email) if row.oidc_subject is None]
        if len(found) != 1:
            return None
        people.link(db, found[0], self._options.issuer, subject, by=BY, at=at)
        return found[0]

    def _added(self, db: Any, claims: Mapping[str, Any], subject: str, at: datetime) -> Any:
        """Return a new user for a person whom the settings let in."""
        email, role = verified_email(claims), self._role(claims)
        if not self._options.create_users:
            raise LogInRefused(NOT_LET_IN, remedy=ASK)
        try:
            name = sound_username(str(claims.get(self._options.username_claim) or email))
            shown = plain(str(claims.get("name") or name)[:200], "name")
            new = people.NewAccount(name, shown, role, email, oidc=(self._options.issuer, subject))
            return people.add(db, new, by=BY, at=at)
        except InputError as error:  # the name is not usable or somebody else's: never guess who it is
            raise LogInRefused(NOT_LET_IN, why=error.what, remedy=ASK) from error

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """Return the role that the groups give, else the default one; without either nobody is let in."""
        role = granted_role(claims, self._options) or self._options.default_role
        if not role:
            raise LogInRefused(NOT_LET_IN, why="None of your groups there has a role here.", remedy=ASK)
        return sound_role(role)


def granted_role(claims: Mapping[str, Any], options: OidcParams) -> Role | None:
    """Return the highest role that the person's groups give, or None where they give none.

    Examples
    --------
    >>> given = {"role_claim": "groups", "role_values": {"planner": ["plan"], "admin": ["it"]}}
    >>> options = OidcParams(issuer="https://id.example", client_id="p", **given)
    >>> granted_role({"groups": ["it", "plan"]}, options), granted_role({"groups": "plan"}, options)
    ('admin', 'planner')
    >>> granted_role({"groups": []}, options) is None
    True
    """
    if not options.role_claim:
        return None
    value = claims.get(options.role_claim)
    groups = {value} if isinstance(value, str) else {str(one) for one in value or ()}
    given = [role for role in ROLES if groups & set(options.role_values.get(role, ()))]
    return given[-1] if given else None


def verified_email(claims: Mapping[str, Any]) -> str:
    """Return the email address if the provider vouches for it, else "": anybody can type an address."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else ""


def _check_domain(claims: Mapping[str, Any], options: OidcParams) -> None:
    allowed = {domain.casefold().lstrip("@") for domain in options.allowed_domains}
    if allowed and verified_email(claims).rpartition("@")[2].casefold() not in allowed:
        raise LogInRefused(NOT_LET_IN, remedy=ASK)


def _attempt(kept: str) -> Attempt | None:
    """Return what the browser kept, or None where that is not readable."""
    try:
        given = json.loads(urlsafe_b64decode(kept))
        return Attempt(**{name: str(given[name]) for name in ("state", "nonce", "verifier", "wanted")})
    except (ValueError, KeyError, TypeError):
        return None
