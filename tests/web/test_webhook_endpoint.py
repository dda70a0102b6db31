"""What the webhook endpoint refuses, and that a refusal changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.settings import Settings
from recoup.web.webhooks.endpoint import intake_from, is_live_key
from recoup.web.webhooks.signature import sign
from tests.web import stripe_events as told
from tests.web.conftest import OLD_SECRET, SECRET, Hook
from tests.web.doubles import NOW, FakeGateway, StandingClock

PATH = "/webhooks/stripe"


@pytest.fixture
def untouched(ledger: Ledger, gateway: FakeGateway) -> Iterator[None]:
    """Nothing was begun, told or written down."""
    yield
    assert (gateway.begun, gateway.told, gateway.updates) == ({}, [], [])
    assert ledger.events.since(0) == []


@pytest.mark.usefixtures("untouched")
def test_without_a_signature(web: TestClient) -> None:
    """An unsigned body is 400, with the reason."""
    response = web.post(PATH, content=told.body(told.failed()))
    assert response.status_code == 400
    assert response.json() == {"error": "the header Stripe-Signature is missing"}


@pytest.mark.usefixtures("untouched")
def test_with_a_signature_of_somebody_else(hook: Hook) -> None:
    """A body signed with an unknown secret is 400."""
    assert "does not fit" in hook(told.failed(), secret="whsec_unknown", expect=400)["error"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("seconds", "word"), [(-301, "old"), (301, "future")])
def test_from_another_time(web: TestClient, clock: StandingClock, seconds: int, word: str) -> None:
    """Too old and dated in the future are 400, by Recoup's clock."""
    body = told.body(told.failed())
    header = sign(body, SECRET, clock.now() + timedelta(seconds=seconds))
    response = web.post(PATH, content=body, headers={"Stripe-Signature": header})
    assert response.status_code == 400
    assert word in response.json()["error"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large(web: TestClient, settings: Settings, chunked: bool) -> None:
    """A body over the limit is 413, whether it announces its length or not."""
    body = b"{" + b" " * settings.starter.max_body_bytes + b"}"
    content: Any = iter([body[:1000], body[1000:]]) if chunked else body
    response = web.post(PATH, content=content, headers={"Stripe-Signature": sign(body, SECRET, NOW)})
    assert response.status_code == 413
    assert "larger than" in response.json()["error"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b'"text"', b"7", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000]
)
def test_not_a_json_object(hook: Hook, body: bytes) -> None:
    """Signed but no JSON object is 400, however odd."""
    assert "not" in hook(body, expect=400)["error"]


@pytest.mark.usefixtures("untouched")
def test_of_the_other_mode(hook: Hook) -> None:
    """A live event at a starter with a test key is 400: its ids would mean nothing."""
    event = told.event("invoice.payment_failed", told.invoice(), livemode=True)
    assert hook(event, expect=400)["error"] == "this is a live event, and Recoup runs with a test key"


@pytest.mark.parametrize(
    ("key", "live"),
    [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_1", False), ("sandbox", None)],
)
def test_the_mode_of_a_key(key: str, live: bool | None) -> None:
    """Secret and restricted keys tell their mode; another form tells nothing, and then every mode is let in."""
    assert is_live_key(key) is live


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "event",
    [
        {"object": "v2.core.event", "id": "evt_1", "type": "v1.invoice_payment.paid"},
        {"hello": "world"},
        {},
        {**told.failed(), "id": "evt \x00"},
        {**told.failed(), "data": None},
        {**told.failed(), "type": "Jan Kowalski <jan@example.com>"},
    ],
)
def test_not_understood_is_acknowledged_and_logged(hook: Hook, event: dict[str, Any]) -> None:
    """A thin event and every other shape is 200 with a reason in the log, so that Stripe does not send it for days."""
    with capture_logs() as logs:
        hook(event)
    [line] = [line for line in logs if line["event"] == "webhook_not_understood"]
    assert line["because"]
    assert "Kowalski" not in json.dumps(logs)


def test_an_unknown_type_is_acknowledged_and_counted(hook: Hook, ledger: Ledger) -> None:
    """A type Recoup has no use for is 200, and its delivery is noted."""
    event = told.event("payout.paid", {"id": "po_1"})
    hook(event)
    assert ledger.webhooks.get(event["id"]) is not None


def test_every_configured_secret_is_accepted(hook: Hook, gateway: FakeGateway) -> None:
    """While a secret is being rolled, both work."""
    for number, secret in enumerate((OLD_SECRET, SECRET)):
        hook(told.failed(id=f"in_{number}"), secret=secret)
    assert list(gateway.begun) == ["in_0", "in_1"]


def test_unavailable_says_when_to_come_again(
    web: TestClient, gateway: FakeGateway, clock: StandingClock
) -> None:
    """503 has a Retry-After and tells nothing of the inside."""
    gateway.away = True
    body = told.body(told.failed())
    response = web.post(PATH, content=body, headers={"Stripe-Signature": sign(body, SECRET, clock.now())})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "30"
    assert response.json() == {"error": "not accepted yet; please send it again"}


def test_nothing_personal_is_logged(hook: Hook) -> None:
    """A webhook full of names and addresses leaves ids and reasons in the log."""
    with capture_logs() as logs:
        hook(told.failed())
        hook(told.event("invoice.paid", told.paid_invoice()))
    text = json.dumps(logs, default=str)
    assert "in_1" in text
    assert "Kowalski" not in text
    assert "jan@example.com" not in text


@pytest.mark.parametrize("secrets", [(), (SecretStr(""),)])
def test_a_starter_without_secrets_does_not_start(
    settings: Settings, clock: StandingClock, secrets: tuple[SecretStr, ...]
) -> None:
    """Without a signing secret nothing could be trusted; the sentence names the setting."""
    stripe = settings.stripe.model_copy(update={"webhook_secrets": secrets})
    with pytest.raises(ConfigurationError, match="RECOUP_STRIPE__WEBHOOK_SECRETS"):
        intake_from(settings.model_copy(update={"stripe": stripe}), clock)


def test_other_methods_are_not_served(web: TestClient) -> None:
    """A GET of the webhook address is 405: there is nothing to see."""
    assert web.get(PATH).status_code == 405
