"""AWS text messages: the call has the form that AWS describes, and every way to fail is sorted into never, again and unclear."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.errors import ConfigurationError
from recoup.messages import CannotLookUp, SendOptedOut, SendRefused, SendUnavailable, SendUnclear, SmsSettings
from recoup.messages.sms import AwsSmsSender
from tests.messages.test_ses import credentials

__all__ = ["credentials"]

NUMBER = "+48123456789"
ENVELOPE: Any = {
    "sender": "NORTHWIND",
    "recipient": NUMBER,
    "key": "in_1/last_notice",
    "tags": {"template": "last_notice", "locale": "pl", "case": "in_1"},
}


@pytest.fixture
def endpoint(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A server of our own in AWS's place; the SDK builds the call from AWS's own description of it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", httpserver.url_for("").rstrip("/"))
    return httpserver


def _sender(**more: Any) -> AwsSmsSender:
    values: dict[str, Any] = {"kind": "aws", "origin": "NORTHWIND", "region": "eu-central-1"}
    return AwsSmsSender(
        SmsSettings(**values | {"connect_timeout_seconds": 1, "read_timeout_seconds": 0.5, **more})
    )


def _answers(endpoint: HTTPServer, body: Any, status: int = 200) -> None:
    endpoint.expect_request("/", method="POST").respond_with_json(body, status)


def test_the_text_arrives_as_it_was_written(endpoint: HTTPServer) -> None:
    """One call: number, origin, text, transactional, and the tags for AWS's events; AWS's name of it comes back."""
    _answers(endpoint, {"MessageId": "sms-1"})
    receipt = _sender(configuration_set="recoup").send("Zażółć €".encode(), **ENVELOPE)
    assert receipt.provider_id == "sms-1"
    ((request, _),) = endpoint.log
    assert request.headers["X-Amz-Target"] == "PinpointSMSVoiceV2.SendTextMessage"
    assert json.loads(request.data) == {
        "DestinationPhoneNumber": NUMBER,
        "OriginationIdentity": "NORTHWIND",
        "MessageBody": "Zażółć €",
        "MessageType": "TRANSACTIONAL",
        "Context": {"template": "last_notice", "locale": "pl", "case": "in_1", "key": "in_1/last_notice"},
        "ConfigurationSetName": "recoup",
    }


@pytest.mark.parametrize(
    ("code", "reason", "status", "kind"),
    [
        ("ValidationException", "INVALID_PARAMETER", 400, SendRefused),
        ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", 400, SendOptedOut),
        ("ConflictException", "RESOURCE_NOT_ACTIVE", 400, SendUnavailable),
        ("ResourceNotFoundException", None, 400, SendUnavailable),
        ("AccessDeniedException", None, 400, SendUnavailable),
        ("ThrottlingException", None, 400, SendUnavailable),
        ("ServiceQuotaExceededException", None, 400, SendUnavailable),
        ("InternalServerException", None, 500, SendUnclear),
    ],
)
def test_each_refusal_is_sorted(
    endpoint: HTTPServer, code: str, reason: str | None, status: int, kind: type[Exception]
) -> None:
    """What lies with the number is final, what an operator can mend is tried again; asked once, and the number stays out of it."""
    body = {"__type": code, "Message": f"not to {NUMBER}"} | ({"Reason": reason} if reason else {})
    _answers(endpoint, body, status)
    with pytest.raises(kind, match=reason or code) as raised:
        _sender().send(b"x", **ENVELOPE)
    assert NUMBER not in str(raised.value)
    assert len(endpoint.log) == 1


def test_no_answer_is_unclear(endpoint: HTTPServer) -> None:
    """Cut off in the middle, it may have been sent, and is not sent again by the SDK."""

    def hang(_: Request) -> Response:
        import time

        time.sleep(0.8)
        return Response("{}")

    endpoint.expect_request("/", method="POST").respond_with_handler(hang)
    with pytest.raises(SendUnclear):
        _sender().send(b"x", **ENVELOPE)
    with pytest.raises(CannotLookUp):
        _sender().find("in_1/last_notice")


def test_no_connection_is_surely_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, so it may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", f"http://127.0.0.1:{port}")
    with pytest.raises(SendUnavailable):
        _sender().send(b"x", **ENVELOPE)


def test_the_settings_are_whole() -> None:
    """An origin is needed, and the parts have a limit."""
    with pytest.raises(ValidationError, match="origin must be set"):
        SmsSettings(kind="aws")
    with pytest.raises(ValidationError, match="max_parts"):
        SmsSettings(max_parts=11)


def test_check_says_what_is_wrong(endpoint: HTTPServer) -> None:
    """Credentials that AWS refuses are a sentence for the operator."""
    _answers(endpoint, {"__type": "AccessDeniedException", "Message": "no"}, 400)
    with pytest.raises(ConfigurationError, match="AccessDenied"):
        _sender().check()


def test_missing_credentials_are_for_an_operator_to_mend(
    endpoint: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials the text waits, and the check says what is missing instead of calling AWS away."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match="credentials"):
        _sender().check()
