"""An identity provider that speaks OpenID Connect: authorization code with PKCE, ID token checked in full.

Sources: OpenID Connect Core 1.0 (section 3.1), Discovery 1.0, RFC 7636 (PKCE, S256), RFC 9207 in spirit: an
answer counts only for the issuer it was asked of.
"""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from threading import Lock
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from plimsoll.domain.accounts import LogInRefused

SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
TIMEOUT_S, LARGEST_ANSWER, LEEWAY_S = 10, 1_000_000, 60
KEPT = timedelta(hours=1)
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderFailed(LogInRefused):
    """The provider did not answer, or not as it should; `detail` is for the log, not for the page."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        what = "The log-in with your company account did not work."
        super().__init__(
            what, done="Nobody was logged in.", remedy="Try again; if it stays so, tell an admin."
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the browser keeps while it is at the provider; all random but the page it wanted."""

    state: str
    nonce: str
    verifier: str
    wanted: str


class IdentityProvider:
    """One provider, its addresses and keys read when first needed and again every hour; threads share it.

    Parameters
    ----------
    issuer : as in its discovery document; https, or http on this machine
    client_id, secret : under which Plimsoll is registered there; without a secret PKCE alone stands for it
    """

    def __init__(self, issuer: str, client_id: str, secret: str = "") -> None:
        self.issuer, self.client_id, self._secret = issuer, client_id, secret
        self._lock = Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at: datetime | None = None

    def authorization_url(self, attempt: Attempt, *, redirect_uri: str, scopes: str, at: datetime) -> str:
        """Return where the browser is sent to log in."""
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = self._known(at)["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def claims(self, code: str, attempt: Attempt, *, redirect_uri: str, at: datetime) -> dict[str, Any]:
        """Return what the provider says of the person, for the code that the browser brought back.

        Raises
        ------
        ProviderFailed : the provider is down or refuses the code, or its ID token is not signed by its
            keys, not for us, not of this attempt, or out of date
        """
        known = self._known(at)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
            "client_id": self.client_id,
        }
        methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if self._secret and "client_secret_basic" in methods:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        elif self._secret:
            fields["client_secret"] = self._secret
        answer = _json(Request(known["token_endpoint"], urlencode(fields).encode(), headers))  # noqa: S310 - checked by `_known`
        return self._verified(str(answer.get("id_token", "")), attempt.nonce, at)

    def _verified(self, id_token: str, nonce: str, at: datetime) -> dict[str, Any]:
        """Return the claims of an ID token after every check of Core 3.1.3.7."""
        offered = self._known(at).get("id_token_signing_alg_values_supported") or SIGNED_BY
        allowed = [name for name in SIGNED_BY if name in offered]
        try:
            try:
                token = jwt.decode(id_token, self._key_set(at), algorithms=allowed)
            except JoseError:  # signed by a key that is newer than what we know, or by nobody
                token = jwt.decode(id_token, self._key_set(at, anew=True), algorithms=allowed)
            jwt.JWTClaimsRegistry(
                now=int(at.timestamp()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(token.claims)
        except (JoseError, ValueError, TypeError) as error:
            detail = f"ID token refused: {type(error).__name__}: {error}"
            raise ProviderFailed(detail) from error
        claims: dict[str, Any] = token.claims
        party = claims.get("azp", self.client_id)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if party != self.client_id or (several and "azp" not in claims):
            detail = f"ID token refused: made for '{party}'"
            raise ProviderFailed(detail)
        return claims

    def _known(self, at: datetime) -> dict[str, Any]:
        """Return the provider's discovery document, checked."""
        with self._lock:
            if self._read_at is None or at - self._read_at > KEPT:
                url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = _json(Request(url, headers={"Accept": "application/json"}))  # noqa: S310 - checked by the settings
                if found.get("issuer") != self.issuer:
                    detail = f"the discovery document is of {found.get('issuer')!r}, not of {self.issuer!r}"
                    raise ProviderFailed(detail)
                for name in ENDPOINTS:
                    _check_address(name, found.get(name), self.issuer)
                self._metadata, self._keys, self._read_at = found, None, at
            return self._metadata

    def _key_set(self, at: datetime, *, anew: bool = False) -> KeySet:
        url = self._known(at)["jwks_uri"]
        with self._lock:
            if self._keys is None or anew:
                self._keys = KeySet.import_key_set(_json(Request(url)))  # type: ignore[arg-type]  # noqa: S310
            return self._keys


class _NoRedirects(HTTPRedirectHandler):
    """A provider answers itself: following it elsewhere could lead into the company's own network."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return that no redirect is followed."""


def _opener() -> OpenerDirector:
    return build_opener(_NoRedirects())


def _json(request: Request) -> dict[str, Any]:
    """Return the JSON object that an address answers."""
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            text = answer.read(LARGEST_ANSWER + 1)
    except HTTPError as error:
        said = error.read(500).decode(errors="replace")
        detail = f"{request.full_url} answered {error.code}: {said}"
        raise ProviderFailed(detail) from error
    except (OSError, HTTPException) as error:
        detail = f"{request.full_url} did not answer: {error}"
        raise ProviderFailed(detail) from error
    try:
        found = json.loads(text) if len(text) <= LARGEST_ANSWER else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        detail = f"{request.full_url} did not answer with a JSON object of at most 1 MB"
        raise ProviderFailed(detail)
    return found


def _check_address(name: str, url: object, issuer: str) -> None:
    """Refuse an address of the discovery document over which secrets would travel in the open."""
    parts = urlsplit(url if isinstance(url, str) else "")
    on_this_machine = {parts.hostname, urlsplit(issuer).hostname} <= LOOPBACK
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine)):
        detail = f"the discovery document's {name} is not an https address: {url!r}"
        raise ProviderFailed(detail)
