"""The signature of a webhook: HMAC-SHA256 over ``{timestamp}.{raw body}``, as Stripe, "Verify webhook signatures", has it.

Stripe's own SDK checks the age against the machine's clock, and lets a signature from the future pass. Here the age is
checked on both sides, against Recoup's clock.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

SCHEME = "v1"
_MOST_SIGNATURES = 20


class BadSignature(Exception):
    """The request does not prove that Stripe sent it now; ``str(error)`` is the reason, fit to be answered."""


def check_signature(
    body: bytes, header: str | None, secrets: Sequence[str], now: datetime, tolerance: timedelta
) -> None:
    """Accept a body that one of the secrets signed at about this moment.

    Raises:
        BadSignature: no signature, one that cannot be read or does not fit, one that is too old or from the future.
    """
    if not header:
        raise BadSignature("the header Stripe-Signature is missing")
    stamp, signatures = _parse(header)
    payload = stamp.encode() + b"." + body
    fits = [
        hmac.compare_digest(hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest().encode(), given)
        for secret in secrets
        for given in signatures
    ]
    if not any(fits):
        raise BadSignature("the signature does not fit the body and any configured webhook secret")
    _check_age(stamp, now, tolerance)


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The header Stripe would send with this body; for tests and drills."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},{SCHEME}={digest}"


def _parse(header: str) -> tuple[str, list[bytes]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for key, _, value in pairs if key == "t"]
    signatures = [value.encode() for key, _, value in pairs if key == SCHEME]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit() and len(stamps[0]) <= 12):
        raise BadSignature("the header Stripe-Signature has no readable timestamp")
    if not signatures or len(signatures) > _MOST_SIGNATURES:
        raise BadSignature(f"the header Stripe-Signature has no signature of the scheme {SCHEME}")
    return stamps[0], signatures


def _check_age(stamp: str, now: datetime, tolerance: timedelta) -> None:
    # Compared as numbers: a signed stamp far beyond the calendar would not fit a datetime.
    age = now.astimezone(UTC).timestamp() - int(stamp)
    if age > tolerance.total_seconds():
        raise BadSignature(
            f"the signature is {age:.0f} s old; at most {tolerance.total_seconds():.0f} s are accepted"
        )
    if -age > tolerance.total_seconds():
        raise BadSignature(f"the signature is dated {-age:.0f} s in the future; check this machine's clock")
