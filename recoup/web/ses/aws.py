"""The two addresses that an SNS message names, and reading them: the signing certificate, and the confirmation.

Whoever sends a message may write any address into it, so neither is asked before it is known to be SNS's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx2

from recoup.errors import ConnectionFailed

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 100_000
_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-[0-9]{1,2}\.amazonaws\.com")

Fetch = Callable[[str], bytes]
"""Reads an https address of SNS's; raises :class:`ConnectionFailed` where it cannot be read now."""


def is_certificate_address(address: str) -> bool:
    """Whether this is where SNS keeps its signing certificates."""
    if not _is_sns(address):
        return False
    parts = urlsplit(address)
    return parts.path.endswith(".pem") and not parts.query


def is_confirmation_address(address: str, topic: str) -> bool:
    """Whether asking this address confirms a subscription to this very topic, and does nothing else."""
    if not _is_sns(address):
        return False
    asked = parse_qs(urlsplit(address).query)
    return asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [topic]


def _is_sns(address: str) -> bool:
    try:
        parts = urlsplit(address)
        # The whole of it, so that no user, no port and no other spelling of the host comes along.
        return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        return False


def fetch_from_aws(address: str) -> bytes:
    """Read an address over the network, without following redirects.

    Raises:
        ConnectionFailed: no answer, another one than 200, or more than a certificate can be.
    """
    try:
        read = b""
        with httpx2.stream("GET", address, timeout=TIMEOUT_SECONDS, follow_redirects=False) as answer:
            for part in answer.iter_bytes():
                read += part
                if len(read) > MOST_BYTES:
                    break
    except httpx2.HTTPError as error:
        raise ConnectionFailed(f"SNS did not answer: {type(error).__name__}") from None
    if answer.status_code != 200 or len(read) > MOST_BYTES:
        raise ConnectionFailed(f"SNS answered {answer.status_code} with {len(read)} bytes")
    return read
