"""Secrets of Standard Webhooks: ``whsec_`` and base64 (standardwebhooks.com, "Signature scheme")."""

from __future__ import annotations

import base64
import binascii

from standardwebhooks.webhooks import Webhook

from recoup.errors import ConfigurationError

PREFIX = "whsec_"
SHORTEST = 16
"""Bytes; the specification asks for 24 to 64, and what is shorter than this could be guessed."""


def signer(secret: str, whose: str) -> Webhook:
    """What signs with this secret; ``whose`` names the setting that it stands in.

    Raises:
        ConfigurationError: it is not base64, which the library would read as another secret, or too short.
    """
    written = secret.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < SHORTEST:
        raise ConfigurationError(
            f"{whose} cannot be used: it must be {PREFIX} followed by base64 of at least {SHORTEST} bytes"
        )
    return Webhook(key)
