"""``recoup channel``: what is stopped for a customer, and opening it again; over the real Stripe of the tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.addressing import AddressKeys
from recoup.ledger import Ledger, NewStop
from recoup.rules.channels import Channel, StopReason
from tests.cli.conftest import Recoup
from tests.fixtures.sandbox import KEY, ROOT, Sandbox, running_sandbox
from tests.ledger.builders import NOW, a_case, a_message

SECRET = "a secret of the tests"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    world = ROOT / "recoup" / "worlds" / "demo.yaml"
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), world) as running:
        yield running


@pytest.fixture
def customer(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A customer of the sandbox, whom the settings know."""
    monkeypatch.setenv("RECOUP_STRIPE__API_BASE", sandbox.address)
    monkeypatch.setenv("RECOUP_STRIPE__API_KEY", KEY)
    monkeypatch.setenv("RECOUP_LINK_SECRETS", json.dumps([SECRET]))
    monkeypatch.setenv("RECOUP_TEMPORAL__ADDRESS", "127.0.0.1:9")
    return str(sandbox.client().v1.customers.create({"email": "short@example.com"}).id)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'recoup.db'}")
    ledger.migrate()
    yield ledger
    ledger.close()


def test_an_operator_stops_and_opens_a_channel(recoup: Recoup, ledger: Ledger, customer: str) -> None:
    """Each word says what came of it, is kept with who said it and why, and says so when it changes nothing."""
    words = ("--reason", "they asked on the phone", "--operator", "anna")
    said = [recoup("channel", word, customer, *words).out for word in ("stop", "stop", "open", "open")]
    assert said == [
        f"{customer}: email is stopped.\n",
        f"{customer}: email was stopped already.\n",
        f"{customer}: email is open again.\n",
        f"{customer}: email was not stopped.\n",
    ]
    told = [(event.kind, event.actor) for event in ledger.events.since(0)]
    assert told == [("channel_stopped", "anna"), ("channel_opened", "anna")]


def test_an_address_that_bounced_is_found_and_opened(recoup: Recoup, ledger: Ledger, customer: str) -> None:
    """The ledger knows no more than a hash: the customer's present address is read at Stripe and leads to it."""
    (subject,) = AddressKeys([SECRET]).of("SHORT@example.com")
    new = NewStop(
        channel=Channel.EMAIL, subject=subject, reason=StopReason.BOUNCED, detail="Permanent/General"
    )
    ledger.channels.stop(new, NOW)
    shown = recoup("channel", "show", customer).out
    assert shown == "2026-11-22 09:00 email stopped, bounced (Permanent/General), by system\n"
    assert "address/" not in recoup("channel", "show", customer, "--json").out
    recoup("channel", "open", customer, "--reason", "mended")
    assert recoup("channel", "show", customer).out == f"Nothing is stopped for {customer}.\n"


def test_what_did_not_reach_the_customer_shows_on_the_case(
    recoup: Recoup, ledger: Ledger, customer: str
) -> None:
    """`recoup case` tells of the message that was not sent, and of the channel that is stopped."""
    ledger.cases.open(a_case(customer=customer), NOW)
    new = NewStop(channel=Channel.EMAIL, subject=customer, customer=customer, reason=StopReason.UNSUBSCRIBED)
    ledger.channels.stop(new, NOW)
    ledger.messages.reserve(a_message(customer=customer), NOW)
    ledger.messages.mark_stopped("in_1/payment_failed", "mail to the customer is stopped", NOW)
    out = recoup("case", "in_1").out
    assert "message_stopped by system" in out
    assert "because mail to the customer is stopped" in out
    assert "email stopped, unsubscribed, by system" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--channel", "pigeon"), "--channel pigeon is not a channel"),
        (("--operator", "Anna Nowak"), "--operator cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(
    recoup: Recoup, ledger: Ledger, customer: str, arguments: tuple[str, ...], sentence: str
) -> None:
    """A channel that there is not, and a name that is none of an account."""
    said = recoup("channel", "stop", customer, "--reason", "x", *arguments)
    assert said.code == 2
    assert sentence in said.sentence


def test_a_customer_that_stripe_does_not_know(recoup: Recoup, ledger: Ledger, customer: str) -> None:
    """Opening needs their address, so an unknown one is told."""
    said = recoup("channel", "open", f"{customer}x", "--reason", "x")
    assert said.code == 2
    assert f"Stripe has no customer {customer}x" in said.sentence
