"""The message as bytes: both parts whole, recognisable, and nothing injected."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recoup.messages import (
    Composed,
    Mailbox,
    SendRefused,
    build_mime,
    compose,
    message_id,
    sample_facts,
    usable_address,
)
from recoup.rules.case import Template

SENDER = Mailbox(
    name="Zażółć, Sp. z o.o.", address="billing@northwind.example", reply_to="help@northwind.example"
)
WRITTEN = compose(sample_facts(Template.PAYMENT_FAILED, "pl"))
ID = message_id("recovery/in_1/payment_failed", "northwind.example")
DATE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def built(composed: Composed = WRITTEN, **changes: Any) -> bytes:
    """The sample message, with some arguments replaced."""
    arguments = {"sender": SENDER, "recipient": "anna@example.org", "message_id": ID, "date": DATE, **changes}
    return build_mime(composed, **arguments)


def parsed(mime: bytes) -> EmailMessage:
    """What a mail program reads."""
    return message_from_bytes(mime, _class=EmailMessage, policy=default)


def part(message: EmailMessage, kind: str) -> str:
    """One part's text, with plain line ends."""
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_both_parts_arrive_whole() -> None:
    """Text and HTML, with Polish letters and long links, read back exactly as they were written."""
    message = parsed(built())
    assert message.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "plain") == WRITTEN.text
    assert part(message, "html").rstrip("\n") == WRITTEN.html.rstrip("\n")


def test_the_headers_say_who_and_what() -> None:
    """Names outside ASCII survive, answers go to support, and machines are told not to answer."""
    message = parsed(built(headers={"List-Unsubscribe": "<https://northwind.example/x>"}))
    assert message["From"].addresses[0].display_name == "Zażółć, Sp. z o.o."
    assert message["From"].addresses[0].addr_spec == "billing@northwind.example"
    assert message["To"] == "anna@example.org"
    assert message["Reply-To"] == "help@northwind.example"
    assert message["Subject"] == WRITTEN.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "pl"
    assert message["Date"].datetime == DATE
    assert message["List-Unsubscribe"] == "<https://northwind.example/x>"


def test_the_bytes_suit_every_server() -> None:
    """Pure ASCII, CRLF line ends only, no line longer than SMTP allows."""
    mime = built()
    assert mime.isascii()
    assert mime.count(b"\n") == mime.count(b"\r\n")
    assert max(len(line) for line in mime.split(b"\r\n")) <= 998


def test_the_same_message_is_the_same_bytes() -> None:
    """Built twice, a message is the same to the last byte, its Message-ID and boundary too."""
    assert built() == built()
    assert message_id("a", "x.example") == message_id("a", "x.example") != message_id("b", "x.example")


def test_the_message_id_tells_nothing() -> None:
    """No part of the key can be read from the Message-ID."""
    assert "in_1" not in ID
    assert ID.endswith("@northwind.example>")
    assert parsed(built())["Message-ID"] == ID


@pytest.mark.parametrize(
    "recipient",
    [
        "anna@example.org\r\nBcc: all@example.org",
        "anna@example.org\nX: y",
        "anna@example.org, eve@example.org",
        "Anna <anna@example.org>",
        "anna",
        "@example.org",
        "anna@",
        "anna@exa mple.org",
        "anna@example..org",
        "żółw@example.org",
        '"a b"@example.org',
        "",
    ],
)
def test_an_address_that_could_do_harm_is_refused(recipient: str) -> None:
    """Line breaks, several addresses and unusable ones end as a refusal that does not repeat the address."""
    with pytest.raises(SendRefused) as raised:
        built(recipient=recipient)
    assert "example" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_an_international_domain_is_written_in_ascii() -> None:
    """A domain with its own letters goes out in the form every server knows."""
    assert usable_address("anna@żółw.example") == "anna@xn--w-uga1v8h.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nBcc: all@example.org"),
        ("X-A", "b\nc"),
        ("X-A\r\nBcc", "all@example.org"),
        ("X A", "b"),
        ("Bcc", "all@example.org"),
        ("subject", "x"),
        ("", "x"),
    ],
)
def test_a_header_that_could_do_harm_is_refused(name: str, value: str) -> None:
    """Neither a header's name nor its value can bring another header, and the message's own cannot be replaced."""
    with pytest.raises(ValueError, match=r"cannot be added|one line"):
        built(headers={name: value})


@given(name=st.text(max_size=60), subject=st.text(max_size=200))
def test_no_text_makes_a_further_header(name: str, subject: str) -> None:
    """Whatever stands in a sender's name or a subject, the message is refused or has the same headers as always."""
    try:
        message = parsed(
            built(
                WRITTEN.model_copy(update={"subject": subject}),
                sender=SENDER.model_copy(update={"name": name}),
            )
        )
    except ValueError:
        return
    assert message.keys() == parsed(built()).keys()
    assert message["To"] == "anna@example.org"


def test_a_sender_that_is_no_address_is_told() -> None:
    """A mailbox with an unusable address cannot be made."""
    with pytest.raises(ValidationError, match="not a mail address"):
        Mailbox(name="x", address="nowhere")
