"""Logging in: who may try how often, what a browser carries afterwards, and what a form proves with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from recoup.clock import Clock
from recoup.ledger import Ledger, NewLog, Result, SessionKind, SessionRow, UserRow
from recoup.settings import ConsoleSettings
from recoup.web.console.passwords import matches

ACCOUNT_BURST, ACCOUNT_A_SECOND = 5.0, 1 / 180
"""So many tries for one account at once, then one in three minutes ..."""
ADDRESS_BURST, ADDRESS_A_SECOND = 20.0, 1 / 30
"""... and from one address."""
TOKEN_PREFIX = "rcp_"  # noqa: S105 - by which people know what it is
_LONGEST_NAME = 60


LIVE = "/live"
"""Where open pages wait for news."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose request it is, and the secret that proves it."""

    session: SessionRow
    user: UserRow
    secret: str


class TooOften(Exception):
    """Somebody tries passwords faster than a person does."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of browsers and of programs."""

    ledger: Ledger
    settings: ConsoleSettings
    clock: Clock

    @property
    def is_secure(self) -> bool:
        """Whether operators come over https."""
        return urlsplit(self.settings.public_url).scheme == "https"

    @property
    def cookie(self) -> str:
        """The cookie's name; the prefix has browsers refuse it from any other host, path or over http."""
        return "__Host-recoup" if self.is_secure else "recoup_console"

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """A new session's secret; None where name and password do not belong together.

        Raises:
            TooOften: so many were tried that this one is not even looked at.
        """
        name, now = name[:_LONGEST_NAME], self.clock.now()
        self.count_try(address)
        self._count("account", name, ACCOUNT_A_SECOND, ACCOUNT_BURST)
        user = self.ledger.console.user(name)
        known = user if user is not None and user.disabled_at is None else None
        if not matches(known.password if known else None, password) or known is None:
            refused = NewLog(actor=name, action="login", result=Result.REFUSED)
            self.ledger.console.log(refused, now)
            return None
        return self.begin(known)

    def begin(self, user: UserRow, **how: str) -> str:
        """A new session of who has proved to be this account; its secret."""
        secret, now = secrets.token_urlsafe(32), self.clock.now()
        until = now + timedelta(hours=self.settings.session_hours)
        self.ledger.console.open_session(hash_of(secret), user.name, now, until)
        self.ledger.console.log(NewLog(actor=user.name, action="login", data=how), now)
        return secret

    def count_try(self, address: str) -> None:
        """Count a try from an address.

        Raises:
            TooOften: there were too many.
        """
        self._count("address", address, ADDRESS_A_SECOND, ADDRESS_BURST)

    def make_token(self, user: str, label: str, days: int) -> str:
        """A program's secret; it is shown once and kept nowhere."""
        secret, now = TOKEN_PREFIX + secrets.token_urlsafe(32), self.clock.now()
        until = now + timedelta(days=days)
        self.ledger.console.open_session(hash_of(secret), user, now, until, SessionKind.TOKEN, label)
        return secret

    def of(self, request: Request) -> Identity | None:
        """Whose request it is: a browser's by its cookie, a program's by its token."""
        kind, secret = SessionKind.BROWSER, request.cookies.get(self.cookie)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            kind, secret = SessionKind.TOKEN, token.strip()
        if not secret:
            return None
        now, idle = self.clock.now(), timedelta(minutes=self.settings.idle_minutes)
        found = self.ledger.console.session(hash_of(secret), now, idle)
        if found is None or found[0].kind is not kind:
            return None
        if _is_use(request) and now - found[0].seen_at > timedelta(seconds=30):
            self.ledger.console.seen(found[0].id, now)
        return Identity(*found, secret)

    def keep(
        self, response: Response, secret: str, name: str | None = None, lasts: timedelta | None = None
    ) -> None:
        """Have the browser carry a secret until it is closed, or for so long."""
        age = None if lasts is None else int(lasts.total_seconds())
        response.set_cookie(
            name or self.cookie,
            secret,
            max_age=age,
            path="/",
            httponly=True,
            samesite="lax",
            secure=self.is_secure,
        )

    def forget(self, response: Response, name: str | None = None) -> None:
        """Have the browser drop it."""
        response.delete_cookie(
            name or self.cookie, path="/", httponly=True, samesite="lax", secure=self.is_secure
        )

    def _count(self, what: str, name: str, a_second: float, burst: float) -> None:
        # Names and addresses are people's: the ledger counts by a hash of them.
        bucket = f"login/{what}/{hash_of(name)[:32]}"
        if self.ledger.rates.take(bucket, 1, a_second, burst, self.clock.now(), patience=0) is None:
            raise TooOften


def hash_of(secret: str) -> str:
    """What is kept of a secret that nobody can guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """What a form of ours carries: only who has the secret can know it, and it does not tell the secret."""
    return hashlib.sha256(b"form/" + secret.encode()).hexdigest()


def is_ours(secret: str | None, token: str | None) -> bool:
    """Whether a form was made for this browser."""
    return bool(secret and token) and hmac.compare_digest(form_token(secret or ""), token or "")


def local_path(wanted: str | None) -> str:
    """Where to go after logging in: a path of this console and nothing else, whatever was asked for."""
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or not wanted.isascii() or not wanted.isprintable() or "\\" in wanted:
        return "/"
    return wanted


def _is_use(request: Request) -> bool:
    """Whether a person does something; a page that refreshes itself does not keep its session alive."""
    return request.headers.get("recoup-refresh") is None and request.url.path != LIVE
