"""The message as bytes: a text part and an HTML part, with headers nobody can inject into."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from recoup.messages.addresses import Address, header_address, usable_address
from recoup.messages.sending import SendRefused
from recoup.rules.base import Frozen

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RESERVED = frozenset(
    "bcc cc content-transfer-encoding content-type date from message-id mime-version reply-to return-path sender"
    " subject to".split()
)
_POLICY = SMTP.clone(cte_type="7bit")


class Composed(Frozen):
    """A written message, ready to be sent."""

    subject: str
    text: str
    html: str
    language: str
    """The language it is written in, as a tag: ``pl``, ``en-GB``."""


class Mailbox(Frozen):
    """Who the message comes from and where answers go."""

    name: str
    address: Address
    reply_to: Address | None = None


def message_id(key: str, domain: str) -> str:
    """The Message-ID for this key: always the same, so that a repeat can be recognised, and telling nothing."""
    return f"<{key_hash(key)}@{domain}>"


def key_hash(key: str) -> str:
    """A short name made of the key that is safe in file names, headers and addresses."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def build_mime(
    composed: Composed,
    *,
    sender: Mailbox,
    recipient: str,
    copies: Sequence[str] = (),
    message_id: str,
    date: datetime,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The whole message, pure ASCII with CRLF line ends; the same arguments give the same bytes.

    :param headers: further headers, such as List-Unsubscribe; those that the message itself is made of cannot be set.
    :raises SendRefused: the recipient's address is none that a message could be sent to.
    :raises ValueError: a header name or value that does not fit on one line.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = header_address(sender.name, sender.address)
    try:
        message["To"] = usable_address(recipient)
    except ValueError as error:
        raise SendRefused(f"the customer's address cannot be written to: {error}") from None
    if copies:
        message["Cc"] = ", ".join(usable_address(each) for each in copies)
    if sender.reply_to:
        message["Reply-To"] = sender.reply_to
    message["Subject"] = composed.subject
    message["Date"] = format_datetime(date.astimezone(UTC))
    message["Message-ID"] = message_id
    # Tells out-of-office and ticket systems not to answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    _add_further(message, headers or {})
    message.set_content(composed.text, cte="quoted-printable")
    message.add_alternative(composed.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = composed.language
    message.set_boundary(f"=_{key_hash(message_id)}")
    return message.as_bytes()


def _add_further(message: EmailMessage, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED:
            raise ValueError(f"{name!r} cannot be added as a header of a message")
        if not value.isprintable():
            raise ValueError(f"the value of the header {name} does not fit on one line")
        message[name] = value
