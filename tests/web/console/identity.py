"""An identity provider on this machine: real HTTP, real signatures, and whatever lies a test has it tell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.settings import ConsoleSettings, OidcSettings
from tests.web.console.desk import ADDRESS
from tests.web.doubles import NOW

CLIENT, SECRET = "recoup-console", "a secret of the tests / with + signs"
KIM: dict[str, Any] = {
    "sub": "248289761001",
    "preferred_username": "Kim.Nowak@acme.example",
    "email": "kim.nowak@acme.example",
    "groups": ["everybody", "recoup-operators"],
}
ROLES = {"recoup-viewers": "viewer", "recoup-operators": "operator", "recoup-admins": "admin"}


@cache
def key(name: str) -> RSAKey:
    """A key pair; making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


@cache
def curve(name: str) -> ECKey:
    """A key pair of another kind."""
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"})


@dataclass
class Identity:
    """The provider, and what it has seen."""

    address: str
    claims: dict[str, Any] = field(default_factory=lambda: dict(KIM))
    """Who is at its log-in page."""
    lies: dict[str, Any] = field(default_factory=dict)
    """What the ID token says in place of the truth; nothing at all where it is None."""
    alg: str = "RS256"
    signer: Any = field(default_factory=lambda: key("first"))
    published: list[Any] = field(default_factory=lambda: [key("first")])
    of_itself: dict[str, Any] = field(default_factory=dict)
    """What the discovery document says in place of the truth."""
    error: str | None = None
    """What it sends people back with in place of a code."""
    asks: bool = False
    """Whether it shows a page of its own before it sends people back."""
    without_token: bool = False
    down: bool = False
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: list[dict[str, str]] = field(default_factory=list)
    """The sessions that were to be ended, as they were asked about."""

    def ends_sessions(self) -> None:
        """Announce that sessions can be ended."""
        self.of_itself["end_session_endpoint"] = f"{self.address}/logout"

    def settings(self, **more: Any) -> OidcSettings:
        """The settings of a console that trusts it."""
        given = {"issuer": self.address, "client_id": CLIENT, "client_secret": SECRET, "roles": ROLES}
        return OidcSettings.model_validate(given | more)

    def answer(self, request: Request) -> Response:
        """One request."""
        self.asked.append(request.path)
        if self.down:
            return Response("<h1>Bad gateway</h1>", 502)
        return {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": self._jwks,
            "/authorize": self._authorize,
            "/token": self._token,
            "/logout": self._logout,
        }[request.path](request)

    def _discovery(self, _: Request) -> Response:
        truth = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
        }
        return _json(truth | self.of_itself)

    def _jwks(self, _: Request) -> Response:
        told = [each.as_dict(private=False) for each in self.published]
        return _json({"keys": [{"kty": "AKP", "kid": "of another kind"}, *told]})

    def _authorize(self, request: Request) -> Response:
        if self.asks and request.method == "GET":
            return Response("<form method=post><button>Be Kim</button></form>", content_type="text/html")
        asked = dict(request.args)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"error": self.error} if self.error else {"code": code}
        back = f"{asked['redirect_uri']}?{urlencode(told | {'state': asked['state']})}"
        return Response("", 302, {"Location": back})

    def _token(self, request: Request) -> Response:
        form = dict(request.form)
        given = request.authorization
        who = (
            (given.username, given.password) if given else (form.get("client_id"), form.get("client_secret"))
        )
        if who != (CLIENT, SECRET):
            return _json({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        if (
            asked is None
            or asked["code_challenge"] != _base64(verifier)
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return _json({"error": "invalid_grant"}, 400)
        told = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300}
        if self.without_token:
            return _json(told)
        return _json(told | {"id_token": self._id_token(asked["nonce"])})

    def _logout(self, request: Request) -> Response:
        """The session here ends, and back one goes; as the standard has it, only to an address that is known."""
        asked = dict(request.args)
        self.ended.append(asked)
        assert asked["client_id"] == CLIENT
        assert asked["post_logout_redirect_uri"].endswith("/login/oidc/callback")
        back = f"{asked['post_logout_redirect_uri']}?{urlencode({'state': asked['state']})}"
        return Response("", 302, {"Location": back})

    def _id_token(self, nonce: str) -> str:
        now = int(NOW.timestamp())
        truth = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        said = {name: value for name, value in (truth | self.claims | self.lies).items() if value is not None}
        if self.alg == "none":
            return f"{_part({'alg': 'none'})}.{_part(said)}."
        if self.alg == "HS256":
            signed = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(said)}"
            public = self.published[0].as_pem(private=False)
            return f"{signed}.{_base64(hmac.new(public, signed.encode(), 'sha256').digest())}"
        return jwt.encode({"alg": self.alg, "kid": self.signer.kid}, said, self.signer, [self.alg])


def at(server: HTTPServer) -> Identity:
    """A fresh provider at this server."""
    server.clear()
    provider = Identity(server.url_for("").rstrip("/"))
    for path in ("/.well-known/openid-configuration", "/jwks", "/authorize", "/token", "/logout"):
        server.expect_request(path).respond_with_handler(provider.answer)
    return provider


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    """A server for the providers of several tests: to stop one takes half a second."""
    with HTTPServer("127.0.0.1") as running:
        yield running


@pytest.fixture
def idp(server: HTTPServer) -> Identity:
    """A provider that tells the truth."""
    return at(server)


@pytest.fixture
def oidc() -> dict[str, Any]:
    """Settings of a test's own."""
    return {}


@pytest.fixture
def more(idp: Identity, oidc: dict[str, Any]) -> dict[str, Any]:
    """A console that trusts it."""
    return {"console": ConsoleSettings(public_url=ADDRESS, oidc=idp.settings(**oidc))}


def to_the_provider(client: TestClient, wanted: str = "/") -> str:
    """Click on the link of the form; the address at the provider."""
    answer = client.get("/login/oidc", params={"next": wanted})
    assert answer.status_code == 303
    return str(answer.headers["location"])


@cache
def _window() -> httpx2.Client:
    # Plain HTTP on this machine: to read certificates would take longer than all else.
    return httpx2.Client(verify=False)


def at_the_provider(address: str) -> str:
    """Log in there; the address to which it sends back."""
    return str(_window().get(address).headers["location"]).removeprefix(ADDRESS)


def through(client: TestClient, wanted: str = "/") -> str:
    """All the way; where it ends."""
    answer = client.get(at_the_provider(to_the_provider(client, wanted)))
    assert answer.status_code == 303
    return str(answer.headers["location"])


def _json(said: Any, status: int = 200) -> Response:
    return Response(json.dumps(said), status, content_type="application/json")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(said: Any) -> str:
    return _base64(json.dumps(said).encode())
