"""Bounces and complaints over SNS: who is let in, what is stopped, which cases hear of it, and that nothing personal stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Response

from activities.contracts import MessageReturned
from recoup.addressing import AddressKeys
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.rules.case import MessageState
from recoup.rules.channels import Channel, StopReason
from recoup.settings import Settings, load_settings
from recoup.web.ses import Returns, SesIntake, fetch_from_aws, ses_router
from starter import assemble
from tests.ledger.builders import a_message
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock
from tests.web.sns import (
    CERTIFICATE,
    CONFIRM,
    TOPIC,
    Aws,
    bounce,
    certificate,
    complaint,
    confirmation,
    envelope,
)

PATH = "/webhooks/ses"
KEYS = AddressKeys(["an old secret of addresses", "the secret of addresses"])
HASH = KEYS.of("short@example.com")[0]


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def ses(aws: Aws, ledger: Ledger, gateway: FakeGateway, clock: StandingClock) -> Iterator[TestClient]:
    """The route over a real ledger."""
    app = FastAPI()
    intake = SesIntake(frozenset([TOPIC]), aws, clock, 100_000)
    app.include_router(ses_router(intake, Returns(ledger, gateway, KEYS, clock)))
    with TestClient(app) as client:
        yield client


def _post(ses: TestClient, told: dict[str, Any], expect: int = 200) -> dict[str, Any]:
    response = ses.post(PATH, content=json.dumps(told), headers={"Content-Type": "text/plain; charset=UTF-8"})
    assert response.status_code == expect, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _sent(book: Book, key: str = "in_1/last_notice", provider_id: str | None = "ses-1") -> None:
    book.ledger.messages.reserve(a_message(key, case_id=key.split("/", maxsplit=1)[0]), NOW)
    book.ledger.messages.begin_sending(key, NOW)
    if provider_id is not None:
        book.ledger.messages.mark_sent(key, provider_id, NOW)


def _stop(ledger: Ledger) -> StopReason | None:
    found = ledger.channels.stopped(Channel.EMAIL, KEYS.of("short@example.com"))
    return found.reason if found else None


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_permanent_bounce_stops_the_address(ses: TestClient, ledger: Ledger, version: str) -> None:
    """Signed by either version: nothing more goes there, under whichever secret it is looked for."""
    assert _post(ses, envelope(bounce(), version=version)) == {"received": True, "did": "stopped"}
    assert _stop(ledger) is StopReason.BOUNCED
    assert ledger.channels.stopped(Channel.EMAIL, [HASH]) is not None


def test_the_cases_hear_that_their_message_came_back(
    ses: TestClient, book: Book, gateway: FakeGateway
) -> None:
    """The message has said nothing any more, and every open case of the customer is told of it."""
    book.case("in_1")
    book.case("in_2")
    _sent(book)
    _post(ses, envelope(bounce()))
    row = book.ledger.messages.get("in_1/last_notice")
    assert row is not None
    assert (row.state, row.because) == (MessageState.RETURNED, "it came back: Permanent/General")
    assert sorted(gateway.signals) == [("in_1", "message_returned"), ("in_2", "message_returned")]
    news = gateway.told[0][2]
    assert isinstance(news, MessageReturned)
    assert news.message == "in_1/last_notice"
    assert [stop.customer for stop in book.ledger.channels.of_customer("cus_1")] == ["cus_1"]


def test_a_bounce_that_comes_before_the_senders_answer_is_known_by_its_tag(
    ses: TestClient, book: Book, gateway: FakeGateway
) -> None:
    """The message is still in our hands, or never got an answer: the tag says which it was."""
    book.case("in_1")
    _sent(book, provider_id=None)
    _post(ses, envelope(bounce(tags={"key": ["in_1-last_notice"]})))
    row = book.ledger.messages.get("in_1/last_notice")
    assert row is not None
    assert row.state is MessageState.RETURNED
    assert gateway.signals == [("in_1", "message_returned")]


def test_a_message_that_a_copy_brought_has_not_come_back(
    ses: TestClient, book: Book, gateway: FakeGateway
) -> None:
    """One of two addresses bounced: that one is stopped and the message has been said. Both did: it has come back."""
    book.case("in_1")
    _sent(book)
    both = ["short@example.com", "Books <books@example.org>"]
    _post(ses, envelope(bounce(to=both)))
    row = book.ledger.messages.get("in_1/last_notice")
    assert row is not None
    assert row.state is MessageState.SENT
    assert _stop(book.ledger) is StopReason.BOUNCED
    assert gateway.signals == []
    _post(ses, envelope(bounce(to=both, address="books@example.org"), MessageId="another"))
    row = book.ledger.messages.get("in_1/last_notice")
    assert row is not None
    assert row.state is MessageState.RETURNED
    assert gateway.signals == [("in_1", "message_returned")]


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_passing_bounce_is_only_recorded(
    ses: TestClient, book: Book, gateway: FakeGateway, kind: str
) -> None:
    """The event stands in the ledger, nothing is stopped, no case hears of it."""
    book.case("in_1")
    _sent(book)
    assert _post(ses, envelope(bounce(kind)))["did"] == "recorded"
    (event,) = [each for each in book.ledger.events.of_case("in_1") if each.kind == "mail_bounced"]
    assert event.data == {"message": "in_1/last_notice", "detail": f"{kind}/General"}
    assert _stop(book.ledger) is None
    assert gateway.told == []


@pytest.mark.parametrize(("kind", "stop"), [("abuse", True), (None, True), ("not-spam", False)])
def test_a_complaint_stops_the_address(
    ses: TestClient, book: Book, gateway: FakeGateway, kind: str | None, stop: bool
) -> None:
    """Unless the reader said that it is no spam. The message has arrived, so no case is told that it came back."""
    book.case("in_1")
    _sent(book)
    _post(ses, envelope(complaint(kind)))
    assert _stop(book.ledger) is (StopReason.COMPLAINED if stop else None)
    row = book.ledger.messages.get("in_1/last_notice")
    assert row is not None
    assert row.state is MessageState.SENT
    assert gateway.told == []


def test_the_same_message_of_sns_counts_once(
    ses: TestClient, book: Book, clock: StandingClock, gateway: FakeGateway
) -> None:
    """Told again, also after an operator opened the channel, it changes nothing."""
    book.case("in_1")
    _sent(book)
    _post(ses, envelope(bounce()))
    book.ledger.channels.open(Channel.EMAIL, "cus_1", [HASH], NOW, actor="anna", because="mended")
    count = len(book.ledger.events.since(0))
    assert _post(ses, envelope(bounce()))["did"] == "repeated"
    assert len(book.ledger.events.since(0)) == count
    assert _stop(book.ledger) is None
    assert len(gateway.told) == 1


def test_what_temporal_did_not_take_is_told_again(ses: TestClient, book: Book, gateway: FakeGateway) -> None:
    """The first delivery is answered with 503; the next one tells the case, and everything stands once."""
    book.case("in_1")
    _sent(book)
    gateway.away = True
    _post(ses, envelope(bounce()), expect=503)
    gateway.away = False
    assert _post(ses, envelope(bounce()))["did"] == "stopped"
    assert gateway.signals == [("in_1", "message_returned")]
    kinds = [event.kind for event in book.ledger.events.since(0)]
    assert [kinds.count(kind) for kind in ("mail_bounced", "channel_stopped", "message_returned")] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    "message",
    ["Successfully validated SNS topic for Amazon SES event publishing.", "[]", {"eventType": "Delivery"}],
)
def test_what_recoup_has_no_use_for_is_acknowledged(ses: TestClient, ledger: Ledger, message: Any) -> None:
    """Other texts and events of the topic change nothing."""
    if isinstance(message, dict):
        message |= {"mail": bounce()["mail"]}
    assert _post(ses, envelope(message))["did"] == "ignored"
    assert ledger.events.since(0) == []


def test_a_subscription_to_an_allowed_topic_is_confirmed(ses: TestClient, aws: Aws) -> None:
    """The address that SNS names is asked once for each time that it asks."""
    assert _post(ses, confirmation())["did"] == "confirmed"
    assert aws.asked == [CERTIFICATE, CONFIRM]


def test_an_unsubscription_is_told_to_the_operator(ses: TestClient, aws: Aws) -> None:
    """It is logged as an error, and nothing is asked for."""
    with capture_logs() as logs:
        _post(ses, confirmation(Type="UnsubscribeConfirmation"))
    assert any(line["event"] == "ses_unsubscribed" and line["log_level"] == "error" for line in logs)
    assert CONFIRM not in aws.asked


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com.example/x.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/x.pem",
        "https://s3.eu-central-1.amazonaws.com/x.pem",
        "https://evil.sns.eu-central-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=x&y=.pem",
        "https://sns.eu-central-1.amazonaws.com/x.txt",
        "https://[",
    ],
)
def test_a_certificate_from_elsewhere_is_never_read(
    ses: TestClient, aws: Aws, ledger: Ledger, address: str
) -> None:
    """Only SNS's own hosts over https are asked; everything else is refused before anything is fetched."""
    aws.pages[address] = certificate()
    assert "address of SNS" in _post(ses, envelope(bounce(), SigningCertURL=address), expect=400)["error"]
    assert aws.asked == []
    assert ledger.events.since(0) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": json.dumps(bounce(address="other@example.com"))},
        {"MessageId": "another"},
        {"Timestamp": "2026-11-22T09:00:01.000Z"},
        {"Subject": "added"},
        {"Signature": "AAAA"},
        {"Signature": "not base64"},
        {"SignatureVersion": "1"},
        {"Type": "SubscriptionConfirmation"},
    ],
)
def test_what_sns_did_not_sign_is_refused(ses: TestClient, ledger: Ledger, changed: dict[str, str]) -> None:
    """Each field that is signed is held by the signature."""
    assert "does not fit" in _post(ses, envelope(bounce()) | changed, expect=400)["error"]
    assert ledger.events.since(0) == []
    assert ledger.webhooks.get("sns/another") is None


def test_another_topic_is_refused(ses: TestClient, aws: Aws) -> None:
    """Signed by SNS, of somebody else's topic: refused, and a subscription to it is never confirmed."""
    other = TOPIC.replace("123456789012", "999999999999")
    for told in (envelope(bounce(), TopicArn=other), confirmation(TopicArn=other)):
        assert "mail.ses.topics" in _post(ses, told, expect=403)["error"]
    assert aws.asked == []


@pytest.mark.parametrize(
    "address",
    [
        CONFIRM.replace("https", "http"),
        CONFIRM.replace("ConfirmSubscription", "Unsubscribe"),
        CONFIRM.replace("recoup-mail", "other"),
        "https://evil.example/?Action=ConfirmSubscription",
    ],
)
def test_only_this_subscription_is_confirmed(ses: TestClient, aws: Aws, address: str) -> None:
    """Even where the message is signed, no other address and no other act is asked for."""
    assert "would not confirm" in _post(ses, confirmation(SubscribeURL=address), expect=400)["error"]
    assert aws.asked == [CERTIFICATE]


def test_a_certificate_out_of_its_time_is_refused(ses: TestClient, aws: Aws) -> None:
    """One that has run out, and one that is none at all."""
    from datetime import timedelta

    aws.pages[CERTIFICATE] = certificate(NOW - timedelta(days=9), NOW - timedelta(days=1))
    assert "not valid now" in _post(ses, envelope(bounce()), expect=400)["error"]


def test_a_certificate_that_cannot_be_read_now_is_asked_for_again(ses: TestClient, aws: Aws) -> None:
    """503, so that SNS tells it again; the certificate is then read once for all messages."""
    page = aws.pages.pop(CERTIFICATE)
    _post(ses, envelope(bounce()), expect=503)
    aws.pages[CERTIFICATE] = page
    for _ in range(2):
        _post(ses, envelope(bounce()))
    assert aws.asked == [CERTIFICATE] * 2


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"Type": "Notification"}', "[" * 10_000])
def test_what_is_no_message_of_sns_is_refused(ses: TestClient, body: str) -> None:
    """However odd, it is a 400 with a reason."""
    response = ses.post(PATH, content=body)
    assert response.status_code == 400
    assert "the body is not" in response.json()["error"]


def test_no_address_stays_anywhere(ses: TestClient, book: Book, tmp_path: Path) -> None:
    """Neither the ledger's file nor the log holds the address that a report names."""
    book.case("in_1")
    _sent(book)
    with capture_logs() as logs:
        _post(ses, envelope(bounce()))
        _post(ses, envelope(complaint(), MessageId="another"))
        _post(
            ses,
            envelope({**bounce(), "bounce": {"bouncedRecipients": "short@example.com"}}, MessageId="third"),
        )
    assert "example.com" not in repr(logs)
    for file in tmp_path.glob("ledger.db*"):
        assert b"short@" not in file.read_bytes()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("x" * 200_000), "answered 200"),
        (Response(status=302, headers={"Location": "/pem"}), "answered 302"),
        (Response(status=404), "answered 404"),
    ],
)
def test_only_what_can_be_a_certificate_is_read(httpserver: HTTPServer, answer: Response, said: str) -> None:
    """No redirect is followed, and nothing is read without an end."""
    httpserver.expect_request("/pem").respond_with_data("certificate")
    httpserver.expect_request("/other").respond_with_response(answer)
    assert fetch_from_aws(httpserver.url_for("/pem")) == b"certificate"
    with pytest.raises(ConnectionFailed, match=said):
        fetch_from_aws(httpserver.url_for("/other"))


def test_without_topics_there_is_no_route(
    settings: Settings, ledger: Ledger, gateway: FakeGateway, billing: FakeBilling, clock: StandingClock
) -> None:
    """The starter listens to SNS only where a topic is named."""
    mail = settings.mail.model_copy(update={"ses": settings.mail.ses.model_copy(update={"topics": (TOPIC,)})})
    for changed, status in ((settings, 404), (settings.model_copy(update={"mail": mail}), 400)):
        client = TestClient(assemble(changed, ledger, gateway, billing, clock))
        assert client.post(PATH, content="{}").status_code == status


@pytest.mark.parametrize("topic", ["recoup-mail", "arn:aws:sqs:eu-central-1:123456789012:x", TOPIC + " "])
def test_a_topic_is_named_in_full(topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything but the ARN of a topic is refused when the settings are read."""
    from recoup.errors import ConfigurationError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"mail\.ses\.topics"):
        load_settings(mail={"ses": {"topics": [topic]}})
