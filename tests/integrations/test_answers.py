"""Odd answers of a receiver: without an end, drop by drop, from elsewhere; over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.integrations import _http
from recoup.ledger import DeliveryState
from tests.integrations.stage import Inbox, Stage, webhook


@pytest.fixture
def inbox(httpserver: HTTPServer) -> Inbox:
    """A receiver that takes everything until it is told otherwise."""
    inbox = Inbox()
    httpserver.expect_request("/hooks", method="POST").respond_with_handler(inbox)
    return inbox


@pytest.mark.parametrize("pause_seconds", [0.0, 0.05], ids=["without an end", "drop by drop"])
def test_an_answer_that_never_ends_holds_nobody(
    stage: Stage, httpserver: HTTPServer, pause_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver may answer with as many bytes as it likes, as slowly as it likes: its status is taken, and the worker goes on."""
    monkeypatch.setattr(_http, "MOST_BYTES", 100_000)
    gone = threading.Event()

    def endless(_: Request) -> Response:
        def drops() -> Iterator[bytes]:
            while not gone.wait(pause_seconds):
                yield b"x" * (1 if pause_seconds else 10_000)

        return Response(drops(), status=200)

    httpserver.expect_request("/hooks").respond_with_handler(endless)
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    courier = stage.courier(company)
    monkeypatch.setattr(courier.destination._http, "_patience", 0.2)  # type: ignore[attr-defined]
    began = time.monotonic()
    try:
        assert courier.run().delivered == 1
    finally:
        gone.set()
    assert time.monotonic() - began < 5


def test_a_redirect_is_not_followed(stage: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """A receiver that moved, or was taken over, cannot have the event sent on to another address; it is tried again here."""
    httpserver.expect_request("/elsewhere").respond_with_handler(inbox)
    moved = Response(status=308, headers={"Location": httpserver.url_for("/elsewhere")})
    inbox.answers = [moved]
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    assert stage.look(company).delivered == 0
    assert len(inbox.got) == 1
    assert [row.state for row in stage.late("company")] == [DeliveryState.WAITING]
