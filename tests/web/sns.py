"""SNS as the tests play it: a signing certificate made here, and messages signed with it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from recoup.errors import ConnectionFailed
from recoup.web.ses.envelope import signed_text
from tests.web.doubles import NOW

TOPIC = "arn:aws:sns:eu-central-1:123456789012:recoup-mail"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"
CONFIRM = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t1"


@cache
def key() -> rsa.RSAPrivateKey:
    """The key of the tests' SNS."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(
    begins: datetime = NOW - timedelta(days=1), ends: datetime = NOW + timedelta(days=1)
) -> bytes:
    """Its certificate."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key().public_key())
    made = made.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    return made.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Aws:
    """What can be read at AWS's addresses, and what was read."""

    pages: dict[str, bytes] = field(default_factory=lambda: {CERTIFICATE: certificate(), CONFIRM: b"<ok/>"})
    asked: list[str] = field(default_factory=list)

    def __call__(self, address: str) -> bytes:
        self.asked.append(address)
        if address not in self.pages:
            raise ConnectionFailed("SNS did not answer: ConnectError")
        return self.pages[address]


def envelope(message: Any = "hello", *, version: str = "2", **more: Any) -> dict[str, Any]:
    """A signed message; ``more`` are its other fields, signed along."""
    fields: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-11-22T09:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **more,
    }
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1 is SHA-1
    signature = key().sign(signed_text(fields), PKCS1v15(), digest)
    return fields | {"Signature": base64.b64encode(signature).decode()}


def confirmation(**more: Any) -> dict[str, Any]:
    """The message that asks whether a subscription is wanted."""
    values = {"Type": "SubscriptionConfirmation", "Token": "t1", "SubscribeURL": CONFIRM}
    return envelope("You have chosen to subscribe", **values | more)


def _mail(provider_id: str, tags: dict[str, list[str]] | None, to: list[str] | None = None) -> dict[str, Any]:
    return {
        "messageId": provider_id,
        "timestamp": "2026-11-22T08:59:00.000Z",
        "destination": to or ["short@example.com"],
        "tags": tags or {},
    }


def bounce(
    kind: str = "Permanent", *, provider_id: str = "ses-1", address: str = "short@example.com", **more: Any
) -> dict[str, Any]:
    """What SES tells of a mail that came back, as event publishing has it."""
    told = {
        "bounceType": kind,
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": address, "status": "5.1.1", "diagnosticCode": f"smtp; 550 5.1.1 <{address}>"}
        ],
        "timestamp": "2026-11-22T08:59:30.000Z",
    }
    return {
        "eventType": "Bounce",
        "bounce": told,
        "mail": _mail(provider_id, more.get("tags"), more.get("to")),
    }


def complaint(kind: str | None = "abuse", provider_id: str = "ses-1") -> dict[str, Any]:
    """What SES tells of a mail that was called spam, as identity notifications have it."""
    told: dict[str, Any] = {
        "complainedRecipients": [{"emailAddress": "short@example.com"}],
        "timestamp": "2026-11-22T08:59:30.000Z",
    }
    told |= {"complaintFeedbackType": kind} if kind else {}
    return {"notificationType": "Complaint", "complaint": told, "mail": _mail(provider_id, None)}
