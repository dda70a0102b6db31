"""One message as senders get it, shared by the tests of the senders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict

from recoup.messages import Mailbox, build_mime, compose, message_id, sample_facts
from recoup.rules.case import Template

KEY = "recovery/in_1/payment_failed"
SENDER = "billing@northwind.example"
RECIPIENT = "anna@customer.example"
TAGS = {"template": "payment_failed", "locale": "pl", "case": "recovery/in_1"}
MESSAGE_ID = message_id(KEY, "northwind.example")
WRITTEN = compose(sample_facts(Template.PAYMENT_FAILED, "pl"))
MIME = build_mime(
    WRITTEN,
    sender=Mailbox(name="Northwind", address=SENDER),
    recipient=RECIPIENT,
    message_id=MESSAGE_ID,
    date=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
)


class Envelope(TypedDict):
    """What a sender is told beside the message."""

    sender: str
    recipient: str
    key: str
    tags: dict[str, str]


ENVELOPE: Envelope = {"sender": SENDER, "recipient": RECIPIENT, "key": KEY, "tags": TAGS}
