"""Payloads that Temporal keeps and cannot read: AES-256-GCM under keys that only Recoup's own processes have.

What a workflow is given, hears and answers, the texts of its failures, its memo, its details and summaries are encrypted; search attributes and
workflow ids are not, which is why they hold ids and codes only. Each payload names its key, so that keys can be changed while
cases sleep: the last of ``temporal.payload_keys`` encrypts, all decrypt, and what was written before there was a key stays readable.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from recoup.errors import ConfigurationError, RecoupError
from recoup.temporal.payloads import plain_converter

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENCODING = b"binary/encrypted-aes256gcm"
KEY_ID = "recoup-key"
KEY_BYTES = 32
_NONCE_BYTES = 12
_FORM = "each of temporal.payload_keys must be NAME:KEY with the base64 of 32 random bytes as its key"


class CannotDecrypt(RecoupError):
    """A payload was written under a key that is not at hand, or is not what it was."""


class Encryption(PayloadCodec):
    """Encrypts and decrypts payloads."""

    def __init__(self, keys: Sequence[str | SecretStr]) -> None:
        """The last key encrypts, all decrypt.

        Raises:
            ConfigurationError: a key that cannot be used, or the package that uses it is missing.
        """
        self._keys = dict(_key(each) for each in keys)
        if len(self._keys) < len(keys) or not keys:
            raise ConfigurationError(f"Payloads cannot be encrypted: {_FORM}, and each NAME stands once")
        self._newest = list(self._keys)[-1]

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt each."""
        return [self.encrypted(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt each that is encrypted.

        Raises:
            CannotDecrypt: its key is not there, or it was changed.
        """
        return [self.decrypted(each) for each in payloads]

    def encrypted(self, payload: Payload) -> Payload:
        """One payload, metadata and all, under the newest key."""
        nonce = os.urandom(_NONCE_BYTES)
        named = self._newest.encode()
        sealed = self._keys[self._newest].encrypt(nonce, payload.SerializeToString(), named)
        return Payload(metadata={"encoding": ENCODING, KEY_ID: named}, data=nonce + sealed)

    def decrypted(self, payload: Payload) -> Payload:
        """What was encrypted; raises as :meth:`decode`."""
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        from cryptography.exceptions import InvalidTag

        named = payload.metadata.get(KEY_ID, b"")
        key = self._keys.get(named.decode("utf-8", "replace"))
        if key is None:
            raise CannotDecrypt(
                f"A payload is encrypted under the key {named.decode('utf-8', 'replace')}, which temporal.payload_keys does not hold"
            )
        nonce, sealed = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(key.decrypt(nonce, sealed, named))
        except InvalidTag:
            raise CannotDecrypt(
                f"A payload under the key {named.decode()} is not what it was, or the key has another value now"
            ) from None


def converter(keys: Sequence[str | SecretStr]) -> DataConverter:
    """The data converter of all of Recoup's processes; with keys it encrypts. Raises as :class:`Encryption`."""
    if not keys:
        return plain_converter
    return dataclasses.replace(
        plain_converter,
        payload_codec=Encryption(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _key(given: str | SecretStr) -> tuple[str, AESGCM]:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise ConfigurationError(
            "temporal.payload_keys is set, and payloads cannot be encrypted: install recoup[encryption]"
        ) from None
    text = given.get_secret_value() if isinstance(given, SecretStr) else given
    name, colon, written = text.partition(":")
    try:
        key = base64.b64decode(written, validate=True)
    except binascii.Error:
        key = b""
    if not colon or not name.isascii() or not name.isprintable() or not name or len(key) != KEY_BYTES:
        raise ConfigurationError(f"Payloads cannot be encrypted: {_FORM}")
    return name, AESGCM(key)
