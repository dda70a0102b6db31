"""Telling the company's backend who may use the product: signed, told again until it is taken, and never sent on elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks.webhooks import Webhook
from werkzeug import Request, Response

from recoup.access import AccessChange, WebhookBackend
from recoup.errors import ConfigurationError, ConnectionFailed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHANGE = AccessChange(
    type="access.suspended", customer="cus_1", subscription="sub_1", invoice="in_1", case="in_1", because="unpaid"
)  # fmt: skip


def test_what_it_is_told_is_signed(httpserver: HTTPServer) -> None:
    """The standardwebhooks library verifies it; a change that is told again carries the same id."""
    got: list[Request] = []

    def take(request: Request) -> Response:
        request.get_data()
        got.append(request)
        return Response(status=204)

    httpserver.expect_request("/access").respond_with_handler(take)
    backend = WebhookBackend(httpserver.url_for("/access"), SECRET)
    for _ in range(2):
        backend.tell(CHANGE, id_="in_1/suspended", at=datetime.now(UTC))
    for request in got:
        said = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
        assert (said["type"], said["data"]["customer"]) == ("access.suspended", "cus_1")
    assert [request.headers["webhook-id"] for request in got] == ["in_1/suspended"] * 2


@pytest.mark.parametrize("status", [308, 404, 500])
def test_what_was_not_taken_has_to_be_told_again(httpserver: HTTPServer, status: int) -> None:
    """Any answer but a success is none, and nothing is sent on to where a redirect leads."""
    httpserver.expect_request("/elsewhere").respond_with_data("")
    moved = {"Location": httpserver.url_for("/elsewhere")}
    httpserver.expect_request("/access").respond_with_data("", status, moved)
    with pytest.raises(ConnectionFailed, match=f"answered {status} to access.suspended"):
        WebhookBackend(httpserver.url_for("/access"), SECRET).tell(CHANGE, id_="1", at=datetime.now(UTC))
    assert [request.path for request, _ in httpserver.log] == ["/access"]


def test_an_answer_that_never_ends_holds_nobody(httpserver: HTTPServer) -> None:
    """The status says everything; what follows it is not read."""

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 10_000

    httpserver.expect_request("/access").respond_with_response(Response(endless(), status=200))
    WebhookBackend(httpserver.url_for("/access"), SECRET).tell(CHANGE, id_="1", at=datetime.now(UTC))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_word!word!word!word!wordword", "whsec_c2hvcnQ="])
def test_a_secret_that_signs_nothing_is_refused(secret: str) -> None:
    """None, none in base64, one that could be guessed: one sentence that names the setting."""
    with pytest.raises(ConfigurationError, match=r"access\.webhook_secret"):
        WebhookBackend("https://app.example.com/access", secret)
