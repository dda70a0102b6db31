"""Who may read a customer's notice: whoever the company's backend gave a proof, for a while. And whose word the answer is.

The proof is made by the backend, for the customer who is logged in there, in one line of any language:
``HMAC-SHA256(secret, "{customer}.{until}")`` as hexadecimal digits, with ``until`` in seconds since 1970. The body of the answer is
signed with the same secret in the same way.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from recoup.errors import ConfigurationError
from recoup.settings import Settings

SHORTEST_SECRET = 16
LONGEST = timedelta(days=7)
"""No proof holds for longer: it stands in addresses, and addresses are kept in many places."""
_CUSTOMER = re.compile(r"cus_[A-Za-z0-9_]{1,200}")
_SECONDS = re.compile(r"[0-9]{1,11}")


@dataclass(frozen=True, slots=True)
class Proofs:
    """Reads proofs, and signs answers with the secret that the proof was made with."""

    secrets: tuple[bytes, ...]

    def secret_of(self, customer: str, until: str, proof: str, at: datetime) -> bytes | None:
        """The secret behind a proof that holds at this moment; None for one that does not, whatever is wrong with it."""
        if not _CUSTOMER.fullmatch(customer) or not _SECONDS.fullmatch(until):
            return None
        left = int(until) - at.timestamp()
        if not 0 < left <= LONGEST.total_seconds():
            return None
        made = f"{customer}.{until}".encode()
        return next((each for each in self.secrets if _same(digest(each, made), proof)), None)


def digest(secret: bytes, what: bytes) -> str:
    """The signature, in hexadecimal digits."""
    return hmac.new(secret, what, hashlib.sha256).hexdigest()


def notice_proofs(settings: Settings) -> Proofs | None:
    """What the settings name; None where no notice is wanted.

    Raises:
        ConfigurationError: a secret that could be guessed.
    """
    found: Sequence[SecretStr] = settings.notice.secrets
    secrets = tuple(secret.get_secret_value().encode() for secret in found)
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise ConfigurationError(
            f"The notice cannot be signed: RECOUP_NOTICE__SECRETS must be a JSON list of secrets with at least {SHORTEST_SECRET} characters each"
        )
    return Proofs(secrets) if secrets else None


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.lower().encode("utf-8", "replace"))
