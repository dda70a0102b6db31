"""Rows of the operators' console. Passwords and session tokens are never kept: only hashes of them are."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from recoup.rules.base import Frozen


class Role(StrEnum):
    """What an account may do in the console; each may do what those before it may."""

    VIEWER = "viewer"
    """Sees everything."""
    OPERATOR = "operator"
    """Acts on cases."""
    ADMIN = "admin"
    """Sees the log, delivers again to other systems, and makes tokens for programs."""

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what needs that one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class SessionKind(StrEnum):
    """What a session is used by."""

    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - the name of a kind
    """A program, with a token that an admin made."""


class Result(StrEnum):
    """What became of an action."""

    DONE = "done"
    REFUSED = "refused"
    """The case, the ledger or the console itself said no."""
    FAILED = "failed"
    """No answer came: it may have been done."""


ELSEWHERE = "oidc:"
"""What stands in place of a password begins so, for an account that an identity provider vouches for."""


class UserRow(Frozen):
    """An operator's account."""

    name: str
    role: Role
    password: str
    """The hash that argon2 made, which names its own parameters; or, after ``oidc:``, the hash of whom an identity provider knows."""
    created_at: datetime
    password_at: datetime
    disabled_at: datetime | None

    @property
    def is_local(self) -> bool:
        """Whether it logs in with a password that is kept here."""
        return not self.password.startswith(ELSEWHERE)


class SessionRow(Frozen):
    """A browser that has logged in, or a program with a token."""

    id: str
    """The SHA-256 of the secret that the browser or the program shows."""
    user: str
    kind: SessionKind
    label: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class LogRow(Frozen):
    """One thing that somebody did, or tried to do, in the console."""

    id: int
    at: datetime
    actor: str
    action: str
    case_id: str | None
    subject: str | None
    reason: str | None
    result: Result
    because: str | None
    data: dict[str, Any]


class NewLog(Frozen):
    """What is to be written into the log."""

    actor: str
    action: str
    result: Result = Result.DONE
    case_id: str | None = None
    subject: str | None = None
    reason: str | None = None
    because: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
