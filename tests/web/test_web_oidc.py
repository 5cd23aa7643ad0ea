"""Log-in by the company's provider, against one that stands on this machine and can be made to lie."""

import hashlib
import hmac
import json
import shutil
import threading
import warnings
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from plimsoll.domain.people import owner
from plimsoll.integrations import passwords
from plimsoll.store import audit_log
from plimsoll.store.workspace import Workspace
from plimsoll.web.app import create_app
from plimsoll.workflows import people

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which HTTP library the client stands on is its own affair
    from starlette.testclient import TestClient

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
NOW = int(AT.timestamp())
ROOT = owner("root")
CLIENT, SECRET = "plimsoll", "s3cr:t/+"
BACK = "http://testserver/login/oidc/callback"
KEYS = {
    "first": RSAKey.generate_key(2048, {"kid": "first"}),
    "next": ECKey.generate_key("P-256", {"kid": "next"}),
}
STRANGE = RSAKey.generate_key(2048, {"kid": "first"})


class Provider:
    """An identity provider: `claims` is what it says of the person, `codes` what it has given out."""

    def __init__(self):
        self.codes, self.asked, self.changed = {}, [], {}
        self.key, self.published, self.algorithm = KEYS["first"], ["first"], "RS256"
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                answers = {"/.well-known/openid-configuration": provider.metadata, "/jwks": provider.jwks}
                self.answer(*((200, answers[self.path]()) if self.path in answers else (404, {})))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.answer(*provider.exchange(form, self.headers.get("Authorization", "")))

            def answer(self, status, content):
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", content)
                self.end_headers()
                self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.claims = {"sub": "7", "name": "Kim Lee", "preferred_username": "Kim", "email": "kim@acme.com",
                       "email_verified": True, "groups": ["plan"]}  # fmt: skip
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def metadata(self):
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        found = {name: f"{self.issuer}/{path}" for name, path in places.items()} | {"issuer": self.issuer}
        return found | self.changed.get("metadata", {})

    def jwks(self):
        return {"keys": [KEYS[name].as_dict(private=False) for name in self.published]}

    def authorize(self, url):
        """Return the address to which the person comes back after logging in there."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.codes["good"] = asked
        return f"{asked['redirect_uri']}?code=good&state={asked['state']}"

    def exchange(self, form, authorization):
        name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        asked = self.codes.pop(form.get("code"), None)
        digest = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (unquote_plus(name), unquote_plus(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if asked is None or digest.rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if "token" in self.changed:
            return self.changed["token"]
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": NOW, "exp": NOW + 300, "nonce": asked["nonce"]}
        claims = claims | self.claims | self.changed.get("claims", {})
        claims = {name: value for name, value in claims.items() if value is not None}
        if "forge" in self.changed:
            return 200, {"id_token": self.changed["forge"](claims)}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        token = jwt.encode(header, claims, self.key, algorithms=[header["alg"]])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes of the same kind that cost next to nothing."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "shop"
    Workspace.create(folder).close()
    people.add_user(folder, "ann", {"role": "admin", "name": "Ann"}, ROOT, at=AT)
    return folder


@pytest.fixture
def serve(template, tmp_path, provider, monkeypatch):
    monkeypatch.setenv("PLIMSOLL_OIDC_SECRET", SECRET)
    folder = shutil.copytree(template, tmp_path / "shop")
    started = []

    def start(**options):
        options = {"issuer": provider.issuer, "client_id": CLIENT} | options
        lines = [f"{name} = {json.dumps(value)}" for name, value in options.items() if name != "role_values"]
        lines += ["[oidc.role_values]"] if "role_values" in options else []
        lines += [f"{name} = {json.dumps(value)}" for name, value in options.get("role_values", {}).items()]
        (folder / "plimsoll.toml").write_text("[oidc]\n" + "\n".join(lines) + "\n")
        client = TestClient(create_app(folder, clock=lambda: AT), follow_redirects=False)
        client.__enter__()
        started.append(client)
        return client

    yield start
    for client in started:
        client.__exit__(None, None, None)


OPEN = {"create_users": True, "default_role": "viewer"}
GROUPS = {"role_claim": "groups", "role_values": {"planner": ["plan"], "admin": ["it"]}}


def go(client, provider, wanted="/today"):
    away = client.get(f"/login/oidc?next={wanted}")
    assert away.status_code == 303
    return client.get(provider.authorize(away.headers["location"]))


def who(client):
    state = client.app.state
    known = state.sign_in.by_session(client.cookies.get(state.cookie, ""), at=AT)
    return known.person if known else None


def accounts(client):
    return {user.username: user for user in people.users(client.app.state.folder, ROOT)}


def test_a_new_person_comes_in_and_back_to_the_page(serve, provider):
    client = serve(**OPEN)
    page = client.get("/login?next=/items").text
    assert 'href="/login/oidc?next=/items"' in page
    assert "Log in with your company account" in page
    inside = go(client, provider, "/items")
    assert (inside.status_code, inside.headers["location"]) == (303, "/items")
    assert (who(client).username, who(client).name, who(client).role) == ("kim", "Kim Lee", "viewer")
    added = accounts(client)["kim"]
    assert (added.email, added.way_in, added.created_by) == ("kim@acme.com", "provider", "oidc")
    logged, _ = audit_log.page(Workspace.open(client.app.state.folder), object_id="kim")
    assert logged.select("actor", "action").rows() == [("oidc", "add_user")]


def test_the_person_is_known_by_the_subject_ever_after(serve, provider):
    client = serve(**OPEN)
    go(client, provider)
    provider.claims |= {"preferred_username": "ann", "name": "Ann", "email": "ann@acme.com"}
    go(client, provider)
    assert who(client).username == "kim"
    assert set(accounts(client)) == {"ann", "kim"}


def test_nobody_takes_over_a_user_by_name(serve, provider):
    client = serve(**OPEN)
    provider.claims["preferred_username"] = "ann"
    answer = go(client, provider)
    assert answer.status_code == 401
    assert "not let in here" in answer.text
    assert who(client) is None
    assert accounts(client)["ann"].way_in == "none"


def test_unknown_people_stay_outside_unless_settings_let_them_in(serve, provider):
    for options in ({}, {"create_users": True}, {"default_role": "viewer"}):
        client = serve(**options)
        assert go(client, provider).status_code == 401
        assert who(client) is None
    assert set(accounts(client)) == {"ann"}


def test_groups_give_the_role_at_each_log_in(serve, provider):
    client = serve(create_users=True, **GROUPS)
    for groups, role in ((["plan"], "planner"), (["plan", "it"], "admin"), ("plan", "planner")):
        provider.claims["groups"] = groups
        go(client, provider)
        assert who(client).role == role
    provider.claims["groups"] = ["other"]
    client.cookies.clear()
    assert go(client, provider).status_code == 401
    assert who(client) is None


def test_a_user_is_linked_by_a_verified_address_only(serve, provider):
    client = serve(link_by_email=True)
    people.change_user(client.app.state.folder, "ann", {"email": "Ann@Acme.com"}, ROOT, at=AT)
    provider.claims |= {"email": "ann@acme.com", "email_verified": False}
    assert go(client, provider).status_code == 401
    provider.claims["email_verified"] = True
    assert go(client, provider).status_code == 303
    assert who(client).username == "ann"
    provider.claims |= {"sub": "8"}  # somebody else, who has the address now
    client.cookies.clear()
    assert go(client, provider).status_code == 401


@pytest.mark.parametrize(
    ("claims", "let_in"),
    [
        ({}, True),
        ({"email": "kim@ACME.com"}, True),
        ({"email": "kim@evil.com"}, False),
        ({"email": "kim@acme.com.evil.com"}, False),
        ({"email": "kim@evil-acme.com"}, False),
        ({"email_verified": None}, False),
        ({"email_verified": "true"}, False),
        ({"email": None}, False),
    ],
)
def test_only_the_companys_domain_is_let_in(serve, provider, claims, let_in):
    client = serve(allowed_domains=["acme.com"], **OPEN)
    provider.changed["claims"] = claims
    assert go(client, provider).status_code == (303 if let_in else 401)
    assert (who(client) is not None) == let_in


def test_a_locked_user_stays_outside(serve, provider):
    client = serve(**OPEN)
    go(client, provider)
    people.lock_user(client.app.state.folder, "kim", ROOT, at=AT)
    assert go(client, provider).status_code == 401
    assert who(client) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "never"},
        {"iat": NOW + 3600},
        {"nbf": NOW + 3600},
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_us_now_is_refused(serve, provider, claims):
    client = serve(**OPEN)
    provider.changed["claims"] = claims
    answer = go(client, provider)
    assert answer.status_code == 401
    assert "did not work" in answer.text
    assert who(client) is None


def by_hand(algorithm, claims, key=b""):
    """A token as an attacker writes it: any algorithm, any key."""
    parts = [{"alg": algorithm, "kid": "first"}, claims]
    text = ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    seal = hmac.digest(key, text.encode(), "sha256") if key else b""
    return f"{text}.{urlsafe_b64encode(seal).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "forge",
    [
        lambda claims: by_hand("none", claims),
        lambda claims: by_hand("HS256", claims, KEYS["first"].as_pem(private=False)),
        lambda claims: by_hand("HS256", claims, SECRET.encode()),
        lambda claims: by_hand("RS256", claims, b"x"),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, STRANGE),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims | {"sub": "8"}, KEYS["first"])[
            :-4
        ],
        lambda claims: "",
        lambda claims: "x.y.z",
    ],
    ids=["none", "public key", "client secret", "nonsense", "other key", "cut", "empty", "letters"],
)
def test_forged_signatures_are_refused(serve, provider, forge):
    client = serve(**OPEN)
    provider.changed["forge"] = lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "first"}, claims, KEYS["first"]
    )
    assert go(client, provider).status_code == 303  # the same claims, rightly signed
    client.cookies.clear()
    provider.changed["forge"] = forge
    assert go(client, provider).status_code == 401
    assert who(client) is None


def test_new_keys_of_the_provider_are_read(serve, provider):
    client = serve(**OPEN)
    assert go(client, provider).status_code == 303
    provider.key, provider.published, provider.algorithm = KEYS["next"], ["first", "next"], "ES256"
    client.cookies.clear()
    assert go(client, provider).status_code == 303
    assert provider.asked.count("/jwks") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize("state", ["", "x", None])
def test_an_answer_that_was_not_asked_for_here_is_refused(serve, provider, state):
    client = serve(**OPEN)
    back = provider.authorize(client.get("/login/oidc").headers["location"])
    if state is None:  # another browser brings it: the attacker's own log-in, meant for the victim
        client.cookies.clear()
    else:
        back = back.split("&state=")[0] + f"&state={state}"
    answer = client.get(back)
    assert answer.status_code == 401
    assert "not begun in this browser" in answer.text
    assert "good" in provider.codes  # the code was not even tried


def test_a_code_works_once(serve, provider):
    client = serve(**OPEN)
    away = client.get("/login/oidc").headers["location"]
    kept = {name: value for name, value in client.cookies.items() if "attempt" in name}
    back = provider.authorize(away)
    assert client.get(back).status_code == 303
    client.cookies.clear()
    client.cookies.update(kept)
    assert client.get(back).status_code == 401


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_a_provider_that_sends_us_elsewhere_is_refused(serve, provider, metadata):
    client = serve(**OPEN)
    provider.changed["metadata"] = metadata
    answer = client.get("/login/oidc")
    assert answer.status_code == 401
    assert "did not work" in answer.text
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "token",
    [
        (500, {"error": "x"}),
        (200, b"no json"),
        (200, [1]),
        (200, {}),
        (302, "/elsewhere"),
        (200, b" " * 2_000_000),
    ],
    ids=["down", "no json", "list", "empty", "redirect", "huge"],
)
def test_a_provider_that_fails_lets_nobody_in(serve, provider, token):
    client = serve(**OPEN)
    provider.changed["token"] = token
    assert go(client, provider).status_code == 401
    assert who(client) is None
    assert "/elsewhere" not in provider.asked


def test_a_provider_that_is_not_there(serve, provider):
    client = serve(issuer="http://127.0.0.1:9", **OPEN)
    assert client.get("/login/oidc").status_code == 401


def test_what_the_provider_says_no_to_is_told(serve, provider):
    client = serve(**OPEN)
    back = provider.authorize(client.get("/login/oidc").headers["location"])
    state = back.split("state=")[1]
    answer = client.get(f"/login/oidc/callback?error=<script>&state={state}")
    assert answer.status_code == 401
    assert "<script>" not in answer.text.split("<main", 1)[1]


def test_the_way_back_is_the_public_address(tmp_path, serve, provider):
    client = serve(**OPEN)
    settings = tmp_path / "shop" / "plimsoll.toml"
    settings.write_text(settings.read_text() + '[web]\npublic_url = "https://plimsoll.acme.com/"\n')
    with TestClient(create_app(tmp_path / "shop", clock=lambda: AT), follow_redirects=False) as public:
        away = public.get("/login/oidc")
        asked = parse_qs(urlsplit(away.headers["location"]).query)
        assert asked["redirect_uri"] == ["https://plimsoll.acme.com/login/oidc/callback"]
        assert "Secure" in away.headers["set-cookie"]
    assert client.get("/login/oidc").headers["location"].startswith(provider.issuer)


def test_without_a_provider_there_is_no_such_page(tmp_path):
    Workspace.create(tmp_path / "plain").close()
    with TestClient(create_app(tmp_path / "plain", clock=lambda: AT), follow_redirects=False) as client:
        assert client.get("/login/oidc").status_code == 404
        assert client.get("/login/oidc/callback?code=x&state=y").status_code == 404
        assert "oidc" not in client.get("/login").text


def test_discovery_is_read_again_after_an_hour(serve, provider):
    from plimsoll.integrations.oidc import Attempt, IdentityProvider

    known, attempt = IdentityProvider(provider.issuer, CLIENT), Attempt("s", "n", "v", "/")
    for hours in (0, 0.5, 1.5):
        known.authorization_url(attempt, redirect_uri=BACK, scopes="openid", at=AT + timedelta(hours=hours))
    assert len(provider.asked) == 2
