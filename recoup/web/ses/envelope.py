"""A message of SNS and its signature: AWS, "Verifying the signatures of Amazon SNS messages"."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
"""What is signed, in this order; a field that is not there is left out."""


class BadEnvelope(Exception):
    """The message does not prove that SNS sent it; ``str(error)`` is the reason, fit to be answered."""


class Envelope(BaseModel):
    """What SNS posts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] = Field(alias="Type")
    message_id: str = Field(alias="MessageId", min_length=1, max_length=100)
    topic: str = Field(alias="TopicArn")
    message: str = Field(alias="Message")
    timestamp: AwareDatetime = Field(alias="Timestamp")
    subject: str | None = Field(None, alias="Subject")
    token: str | None = Field(None, alias="Token")
    subscribe_url: str | None = Field(None, alias="SubscribeURL")
    signature_version: Literal["1", "2"] = Field(alias="SignatureVersion")
    signature: str = Field(alias="Signature")
    certificate_url: str = Field(alias="SigningCertURL")


def signed_text(fields: dict[str, object]) -> bytes:
    """The text that is signed, made of the fields as they were sent."""
    names = NOTIFICATION if fields.get("Type") == "Notification" else CONFIRMATION
    told = [f"{name}\n{fields[name]}\n" for name in names if fields.get(name) is not None]
    return "".join(told).encode()


def check_envelope(envelope: Envelope, fields: dict[str, object], certificate: bytes, now: datetime) -> None:
    """Accept a message that the holder of this certificate signed.

    Raises:
        BadEnvelope: the signature does not fit, or the certificate is none that can be used now.
    """
    key = _key(certificate, now)
    digest = hashes.SHA256() if envelope.signature_version == "2" else _sha1()
    try:
        given = base64.b64decode(envelope.signature, validate=True)
        key.verify(given, signed_text(fields), PKCS1v15(), digest)
    except (ValueError, InvalidSignature):
        raise BadEnvelope("the signature does not fit the message") from None


def _sha1() -> hashes.HashAlgorithm:
    return hashes.SHA1()  # noqa: S303 - what version 1 is; topics are set to version 2 by their owner


def _key(pem: bytes, now: datetime) -> RSAPublicKey:
    try:
        certificate: Certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except ValueError:
        raise BadEnvelope("the signing certificate cannot be read") from None
    moment = now.astimezone(UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise BadEnvelope("the signing certificate is not valid now")
    if not isinstance(key, RSAPublicKey):
        raise BadEnvelope("the signing certificate has no RSA key")
    return key
