"""SES: the message arrives whole, and every way to fail is sorted into never, again and unclear."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.messages import (
    CannotLookUp,
    SendRefused,
    SendUnavailable,
    SendUnclear,
    SesSettings,
)
from recoup.messages.ses import SesSender
from tests.messages.sample import ENVELOPE, KEY, MESSAGE_ID, MIME, RECIPIENT, SENDER, WRITTEN

REGION = "eu-central-1"
SEND = "/v2/email/outbound-emails"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up credentials, and no look at the machine's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture
def ses() -> Iterator[Any]:
    """SES as moto plays it."""
    with mock_aws():
        yield boto3.session.Session().client("sesv2", region_name=REGION)


def sender(**settings: Any) -> SesSender:
    """A sender with short timeouts."""
    return SesSender(
        SesSettings(region=REGION, connect_timeout_seconds=1, read_timeout_seconds=0.5, **settings)
    )


@pytest.fixture
def endpoint(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A server of our own in SES's place."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", httpserver.url_for("").rstrip("/"))
    return httpserver


def test_the_message_arrives_whole(ses: Any) -> None:
    """SES gets the MIME message as it was built, for the one recipient, from the sender."""
    ses.create_email_identity(EmailIdentity=SENDER)
    receipt = sender().send(MIME, **ENVELOPE)
    [sent] = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert (sent.id, sent.source, set(sent.destinations)) == (receipt.provider_id, SENDER, {RECIPIENT})
    message = message_from_string(sent.raw_data, policy=default)
    assert message["Message-ID"] == MESSAGE_ID
    assert message["Subject"] == WRITTEN.subject
    assert sent.raw_data.replace("\r\n", "\n").encode() == MIME.replace(b"\r\n", b"\n")


def test_an_unverified_sender_is_never_tried_again(ses: Any) -> None:
    """SES's refusal is final, and its words, which may name an address, are not repeated."""
    with pytest.raises(SendRefused, match="MessageRejected") as raised:
        sender().send(MIME, **ENVELOPE)
    assert "@" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_tags_and_configuration_set_go_along(endpoint: HTTPServer) -> None:
    """Delivery reports will carry our tags: only characters SES allows, and the key among them."""
    bodies: list[dict[str, Any]] = []

    def answer(request: Request) -> Response:
        bodies.append(request.get_json())
        return Response('{"MessageId": "ses-1"}', content_type="application/json")

    endpoint.expect_request(SEND, method="POST").respond_with_handler(answer)
    assert sender(configuration_set="recoup").send(MIME, **ENVELOPE).provider_id == "ses-1"
    assert bodies[0]["ConfigurationSetName"] == "recoup"
    assert bodies[0]["Destination"] == {"ToAddresses": [RECIPIENT]}
    assert bodies[0]["FromEmailAddress"] == SENDER
    assert {tag["Name"]: tag["Value"] for tag in bodies[0]["EmailTags"]} == {
        "template": "payment_failed",
        "locale": "pl",
        "case": "recovery-in_1",
        "key": "recovery-in_1-payment_failed",
    }


def test_copies_go_along(ses: Any) -> None:
    """One message for all of them, under one id of SES."""
    ses.create_email_identity(EmailIdentity=SENDER)
    sender().send(MIME, **ENVELOPE, copies=("books@example.org",))
    [sent] = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert set(sent.destinations) == {RECIPIENT, "books@example.org"}


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("MessageRejected", 400, SendRefused),
        ("MailFromDomainNotVerifiedException", 400, SendRefused),
        ("AccountSuspendedException", 400, SendRefused),
        ("BadRequestException", 400, SendRefused),
        ("NotFoundException", 404, SendRefused),
        ("TooManyRequestsException", 429, SendUnavailable),
        ("LimitExceededException", 400, SendUnavailable),
        ("SendingPausedException", 400, SendUnavailable),
        ("ThrottlingException", 400, SendUnavailable),
        ("ExpiredTokenException", 403, SendUnavailable),
        ("AccessDeniedException", 403, SendUnavailable),
        ("ServiceUnavailable", 503, SendUnavailable),
        ("InternalFailure", 500, SendUnclear),
        ("GatewayTimeout", 504, SendUnclear),
    ],
)
def test_what_ses_says_is_sorted(
    endpoint: HTTPServer, code: str, status: int, error: type[Exception]
) -> None:
    """Each answer is never, again or unclear, and SES is asked once: the SDK repeats nothing by itself."""
    calls: list[int] = []

    def answer(_request: Request) -> Response:
        calls.append(1)
        body = f'{{"message": "{RECIPIENT} is unhappy"}}'
        return Response(body, status, {"x-amzn-ErrorType": code}, content_type="application/json")

    endpoint.expect_request(SEND).respond_with_handler(answer)
    with pytest.raises(error, match=code) as raised:
        sender().send(MIME, **ENVELOPE)
    assert raised.type is error
    assert RECIPIENT not in str(raised.value)
    assert calls == [1]


def test_no_answer_is_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the message and stays silent may have sent it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SendUnclear, match="ReadTimeoutError"):
            sender().send(MIME, **ENVELOPE)


def test_an_unreadable_answer_is_unclear(endpoint: HTTPServer) -> None:
    """An answer that is no JSON does not say whether the message went out."""
    endpoint.expect_request(SEND).respond_with_data("<html>", content_type="text/html")
    with pytest.raises(SendUnclear):
        sender().send(MIME, **ENVELOPE)


def test_nobody_listening_is_not_sent(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    """Without a connection nothing was sent; the check says that SES does not answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{free_port}")
    with pytest.raises(SendUnavailable, match="EndpointConnectionError"):
        sender().send(MIME, **ENVELOPE)
    with pytest.raises(ConnectionFailed, match="SES does not answer"):
        sender().check()


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials are for an operator to mend; the message waits."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SendUnavailable, match="NoCredentialsError"):
        sender().send(MIME, **ENVELOPE)
    with pytest.raises(ConfigurationError, match="credentials"):
        sender().check()


def test_without_a_region_the_setting_is_named() -> None:
    """A sender without a region cannot be made, and says what to set."""
    with pytest.raises(ConfigurationError, match=r"mail\.ses\.region"):
        SesSender(SesSettings())


@pytest.mark.parametrize(("enabled", "fine"), [("true", True), ("false", False)])
def test_the_check_tells_when_sending_is_switched_off(endpoint: HTTPServer, enabled: str, fine: bool) -> None:
    """An account that may not send is told before the first message."""
    endpoint.expect_request("/v2/email/account").respond_with_data(
        f'{{"SendingEnabled": {enabled}}}', content_type="application/json"
    )
    if fine:
        sender().check()
    else:
        with pytest.raises(ConfigurationError, match="switched off"):
            sender().check()


def test_the_check_tells_when_ses_refuses_the_credentials(endpoint: HTTPServer) -> None:
    """Wrong credentials are a mistake of configuration, told with SES's code."""
    endpoint.expect_request("/v2/email/account").respond_with_data(
        "{}", 403, {"x-amzn-ErrorType": "AccessDeniedException"}, content_type="application/json"
    )
    with pytest.raises(ConfigurationError, match="AccessDeniedException"):
        sender().check()


def test_ses_has_no_memory() -> None:
    """Whether a message was sent cannot be looked up."""
    with pytest.raises(CannotLookUp):
        sender().find(KEY)
