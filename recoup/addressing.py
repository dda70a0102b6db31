"""Knowing an address again without keeping it: keyed hashes, which say nothing to whoever has the ledger and not the key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress

from pydantic import SecretStr

from recoup.messages import usable_address, usable_number
from recoup.settings import Settings


class AddressKeys:
    """Makes the names under which the ledger knows addresses."""

    def __init__(self, secrets: Sequence[str | SecretStr]) -> None:
        """The last secret makes new names, all are looked for."""
        keys = [key.get_secret_value() if isinstance(key, SecretStr) else key for key in secrets]
        self._keys = [key.encode() for key in reversed(keys)]

    def of(self, address: str | None) -> tuple[str, ...]:
        """Every name under which this mail address or phone number may be known, the newest secret's first.

        Large and small letters are the same. None for no address, or for what is none: nothing can have been sent there.
        """
        known = _known(address or "")
        if known is None:
            return ()
        return tuple(f"address/{_digest(key, known)}" for key in self._keys)


def _known(address: str) -> str | None:
    for checked in (usable_number, usable_address):
        with suppress(ValueError):
            return checked(address).lower()
    return None


def _digest(key: bytes, address: str) -> str:
    return hmac.new(key, b"recoup/address/" + address.encode(), hashlib.sha256).hexdigest()


def address_keys(settings: Settings) -> AddressKeys:
    """The keys that the settings name."""
    return AddressKeys(settings.address_secrets or settings.link_secrets)
