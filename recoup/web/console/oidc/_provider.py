"""The provider, over HTTP: what it says of itself, its keys, and the code that it changes into an ID token."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from recoup.errors import ConnectionFailed
from recoup.settings import OidcSettings
from recoup.web.console.oidc._begun import LOGGED_OUT, Begun
from recoup.web.console.oidc._people import Person, person_in
from recoup.web.console.oidc._refusing import Problem, Refused
from recoup.web.console.oidc._safe import travels_safely
from recoup.web.console.oidc._tokens import Expected, UnknownKey, claims_of, keys_in

PATIENCE_SECONDS = 8.0
"""For one answer of the provider; somebody waits for it."""
KEPT_FOR = timedelta(hours=1)
"""How long what the provider says of itself, and its keys, are taken as said; a key that is unknown is looked up at once."""


class Endpoints(BaseModel):
    """The part of the discovery document that we need."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    end_session_endpoint: str | None = None
    """OpenID Connect RP-Initiated Logout 1.0; not every provider has it."""


class Provider:
    """An identity provider; safe to be asked from several threads."""

    def __init__(self, oidc: OidcSettings, back: str) -> None:
        """``back`` is our address to which it sends people."""
        assert oidc.issuer is not None
        self.oidc = oidc
        self._issuer, self._back = oidc.issuer, back
        self._known: tuple[datetime, Endpoints] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def check(self, now: datetime) -> str:
        """Ask for all that can be had without a person; what it calls itself.

        Raises:
            ConnectionFailed: it does not answer, or not as a provider does.
        """
        try:
            issuer = self._endpoints(now).issuer
            self._signers(now)
        except Refused as refused:
            raise ConnectionFailed(f"Nobody can log in through {self._issuer}: {refused}") from refused
        return issuer

    def begin(self, now: datetime) -> tuple[str, Begun]:
        """The address to which to send a person, and what their browser has to bring back; raises :class:`Refused`."""
        endpoints = self._endpoints(now)
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        with self._client(endpoints) as client:
            address, _ = client.create_authorization_url(
                endpoints.authorization_endpoint,
                state=begun.state,
                code_verifier=begun.verifier,
                nonce=begun.nonce,
            )
        return str(address), begun

    def finish(self, answer: Mapping[str, str], begun: Begun, now: datetime) -> Person:
        """Whom the provider vouches for in what the browser brought back; raises :class:`Refused`."""
        endpoints = self._endpoints(now)
        self._is_its_answer(answer, endpoints)
        if "error" in answer:
            raise Refused(Problem.DENIED, f"the provider answered {_code(answer['error'])}")
        if not answer.get("code"):
            raise Refused(Problem.ANSWER, "the provider sent no code")
        told = self._redeem(answer["code"], begun, endpoints)
        token = told.get("id_token")
        if not isinstance(token, str):
            raise Refused(Problem.ANSWER, "the provider sent no ID token: is openid among its scopes?")
        expected = Expected(self._issuer, self.oidc.client_id, begun.nonce)
        try:
            claims = claims_of(token, self._signers(now), expected, told.get("access_token"), now)
        except UnknownKey:
            claims = self._with_new_keys(token, expected, told.get("access_token"), now)
        person = person_in(claims, self.oidc.roles_claim, self.oidc.roles)
        return replace(person, token=token if endpoints.end_session_endpoint else "")

    def end(self, token: str | None, now: datetime) -> str | None:
        """The address at which whom this ID token is about ends their session at the provider; None where it announces none.

        Back they come to where log-ins come back to, since that address is registered there. Without a token the provider asks
        whom it is to log out.

        Raises:
            Refused: the provider does not answer.
        """
        where = self._endpoints(now).end_session_endpoint
        if where is None or not travels_safely(where):
            return None
        said = {"client_id": self.oidc.client_id, "post_logout_redirect_uri": self._back, "state": LOGGED_OUT}
        query = urlencode(said | ({"id_token_hint": token} if token else {}))
        return f"{where}{'&' if urlsplit(where).query else '?'}{query}"

    def _is_its_answer(self, answer: Mapping[str, str], endpoints: Endpoints) -> None:
        """RFC 9207: an answer may say who gives it, and then it must be this one."""
        promised = endpoints.authorization_response_iss_parameter_supported
        if answer.get("iss", None if promised else self._issuer) != self._issuer:
            raise Refused(Problem.ANSWER, "the answer is another provider's")

    def _with_new_keys(
        self, token: str, expected: Expected, access_token: object, now: datetime
    ) -> dict[str, Any]:
        self._keys = None
        try:
            return claims_of(token, self._signers(now), expected, access_token, now)
        except UnknownKey:
            raise Refused(Problem.ANSWER, "none of the provider's keys has signed the ID token") from None

    def _redeem(self, code: str, begun: Begun, endpoints: Endpoints) -> dict[str, Any]:
        try:
            with self._client(endpoints) as client:
                told = client.fetch_token(
                    endpoints.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                    redirect_uri=self._back,
                )
        except OAuthError as error:
            raise Refused(
                Problem.ANSWER, f"the provider does not take the code: {_code(error.error)}"
            ) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise Refused(
                Problem.AWAY, f"the provider does not change the code ({type(error).__name__})"
            ) from error
        return dict(told)

    def _client(self, endpoints: Endpoints) -> Any:
        # In the body where that is allowed: of the header, providers differ in how they read a secret with signs in it.
        posted = "client_secret_post" in endpoints.token_endpoint_auth_methods_supported
        return OAuth2Client(
            client_id=self.oidc.client_id,
            client_secret=self.oidc.client_secret.get_secret_value(),
            token_endpoint_auth_method="client_secret_post" if posted else "client_secret_basic",
            scope=" ".join(self.oidc.scopes),
            redirect_uri=self._back,
            code_challenge_method="S256",
            timeout=PATIENCE_SECONDS,
            verify=_trusted(),
        )

    def _endpoints(self, now: datetime) -> Endpoints:
        if self._known is not None and now - self._known[0] < KEPT_FOR:
            return self._known[1]
        told = _read(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            endpoints = Endpoints.model_validate(told)
        except ValidationError as error:
            raise Refused(Problem.AWAY, "the provider does not say where its endpoints are") from error
        if endpoints.issuer != self._issuer:
            raise Refused(Problem.AWAY, f"the provider calls itself {endpoints.issuer[:200]}")
        addresses = (endpoints.authorization_endpoint, endpoints.token_endpoint, endpoints.jwks_uri)
        if not all(map(travels_safely, addresses)):
            raise Refused(Problem.AWAY, "the provider names an endpoint that is not https")
        self._known = now, endpoints
        return endpoints

    def _signers(self, now: datetime) -> KeySet:
        kept = self._keys
        if kept is None or now - kept[0] >= KEPT_FOR:
            kept = self._keys = now, keys_in(_read(self._endpoints(now).jwks_uri))
        return kept[1]


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed; to read them takes longer than the rest of a log-in."""
    return httpx2.create_ssl_context()


def _read(address: str) -> Any:
    try:
        answer = httpx2.get(address, timeout=PATIENCE_SECONDS, follow_redirects=False, verify=_trusted())
        answer.raise_for_status()
        return answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Refused(
            Problem.AWAY, f"{address} does not answer as a provider does ({type(error).__name__})"
        ) from error


def _code(told: object) -> str:
    """An error's code as OAuth has it; whatever else may stand there is left out of the log."""
    text = str(told)
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= 60 else "an error"
