"""Passwords of operators: argon2id, with the parameters that RFC 9106 (section 4) recommends where memory is scarce."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from recoup.errors import ConfigurationError
from recoup.ledger import ELSEWHERE

SHORTEST = 12
LONGEST = 200
"""Longer ones cost more than they protect."""

PARAMETERS = RFC_9106_LOW_MEMORY

_hasher = PasswordHasher.from_parameters(PARAMETERS)
_NOBODYS = _hasher.hash("the password of an account that does not exist")


def hashed(password: str) -> str:
    """What is kept of a password.

    Raises:
        ConfigurationError: it is too short, or absurdly long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigurationError(f"A password has {SHORTEST} to {LONGEST} characters; choose another one")
    return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password; of an account that does not exist, or has none, it never is, and finding that out takes as long."""
    if len(password) > LONGEST:
        return False
    known = kept if kept is not None and not kept.startswith(ELSEWHERE) else None
    try:
        _hasher.verify(known or _NOBODYS, password)
    except (VerificationError, InvalidHashError):
        return False
    return known is not None
