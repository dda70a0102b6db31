"""Who somebody is by the claims of an ID token that was checked: whose account it is, what to call it, and its role."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recoup.ledger import ELSEWHERE, Role

_LONGEST_STEM = 40
_NEITHER = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider vouches for."""

    identity: str
    """What the ledger knows the account by: a hash of issuer and subject, which never change. Addresses and names do."""
    called: str
    """What to call the account, as far as letters of account names go."""
    role: Role | None
    token: str = field(default="", repr=False)
    """The ID token, where the provider ends sessions: by it the provider knows whom to log out."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names for the account, each longer and less likely to be somebody else's."""
        digest = self.identity.removeprefix(ELSEWHERE)
        return tuple(f"{self.called}-{digest[:length]}" for length in (6, 12, 18))


def person_in(claims: Mapping[str, Any], roles_claim: str, roles: Mapping[str, str]) -> Person:
    """Who it is by these claims."""
    whole = json.dumps([claims["iss"], claims["sub"]])
    identity = ELSEWHERE + hashlib.sha256(whole.encode()).hexdigest()
    given = [Role(roles[value]) for value in _values(claims, roles_claim) if value in roles]
    highest = max(given, key=list(Role).index, default=None)
    return Person(identity, _called(claims), highest)


def _values(claims: Mapping[str, Any], wanted: str) -> list[str]:
    """The values of a claim: of that name, even one with dots in it, otherwise along a dotted path."""
    found: Any = claims
    for part in [wanted] if wanted in claims else wanted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if wanted == "email" and claims.get("email_verified") not in (True, "true"):
        # Some providers let people write whatever address they like into it.
        return []
    values = found if isinstance(found, list) else [found]
    return [value for value in values if isinstance(value, str)]


def _called(claims: Mapping[str, Any]) -> str:
    """The name without what account names cannot have; of an address only what stands before the @: names go to Temporal."""
    for claim in ("preferred_username", "email", "name"):
        told = claims.get(claim)
        plain = unicodedata.normalize("NFKD", told.partition("@")[0] if isinstance(told, str) else "")
        stem = (
            _NEITHER.sub(".", plain.encode("ascii", "ignore").decode()).strip(".")[:_LONGEST_STEM].rstrip(".")
        )
        if stem:
            return stem.lower()
    return "user"
