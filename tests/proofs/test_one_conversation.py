"""Five subscriptions in three currencies fail in one night: one message, one link, one card, five payments, one thank-you.

Played through the sandbox, the starter, the workflows, the activities and the ledger; what went out is counted at Stripe, at the
mailbox and at the company's backend.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from recoup.messages import Outbox
from recoup.rules.case import AttemptState, Outcome
from tests.proofs.households import PLANS, Household
from tests.proofs.lives import Chapter, Life, Post
from tests.proofs.reckoning import effects_of
from tests.proofs.test_lives import directory  # noqa: F401 - a fixture
from tests.proofs.theatre import Theatre, count_sent

FAILS_AT = 2
"""The hour at which the renewals come: at night."""


def brings_a_good_card(life: Life) -> None:
    """The customer has a card that pays whatever is asked of it."""
    life.bring("good")


@pytest.mark.parametrize("count", [2, pytest.param(500, marks=pytest.mark.slow)])
def test_five_subscriptions_are_one_conversation(
    count: int,
    directory: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So many customers at once, each told once of five failures, paying all five with one card, exactly once each."""
    posts = [Post(random.Random(number), in_order=number == 0) for number in range(count)]
    with Theatre(directory / "theatre", posts, Household, FAILS_AT).open() as theatre:
        count_sent(theatre, monkeypatch)
        theatre.play([Chapter(0.6, brings_a_good_card), Chapter(4)])
        assert set(theatre.statuses) == {200}
        assert theatre.host.problems == {}
        books = Counter(
            (book["customer"], book["status"], len(book["successful_charges"]), book["failed_charges"])
            for book in theatre.sandbox.control("books")
            if book["billing_reason"] == "subscription_cycle"
        )
        effects = effects_of(theatre)
        for life in theatre.lives:
            assert isinstance(life, Household)
            assert books[life.customer, "paid", 1, 1] == len(PLANS)
            _assert_one_conversation(theatre, life, effects[life.number])
        _assert_all_is_in_it(theatre, directory / "theatre" / "outbox")


def _assert_one_conversation(theatre: Theatre, life: Household, effects: Counter[str]) -> None:
    mails = {name: times for name, times in effects.items() if name.startswith("mail")}
    assert mails == {"mail payment_failed": 1, "mail recovered": 1}, life.number
    assert effects["POST /v1/invoices/…/pay"] == len(PLANS)
    cases = theatre.ledger.cases.recovered_of_customer(life.customer, theatre.began)
    assert [case.outcome for case in cases] == [Outcome.RECOVERED_BY_CARD_UPDATE] * len(PLANS)
    for case in cases:
        (attempt,) = theatre.ledger.attempts.of_invoice(case.invoice)
        assert attempt.state is AttemptState.PAID
    for subscription in life.subscriptions:
        assert life.api.subscriptions.retrieve(subscription).status == "active"
    assert effects["rows of messages"] == 2
    assert effects["event message_covered"] == 2 * (len(PLANS) - 1)


def _assert_all_is_in_it(theatre: Theatre, place: Path) -> None:
    """The first customer's mail, read: five invoices, one link, a total for each currency, in the morning."""
    outbox, life = Outbox(place), theatre.lives[0]
    mails = [mail for mail in outbox.list() if mail.to == life.email]
    (first,) = (mail for mail in mails if "did not go through" in mail.subject)
    text = outbox.text(first.id) or ""
    assert text.count("Invoice ") == len(PLANS)
    assert text.count("/u/") == 1
    total = next(line for line in text.splitlines() if line.startswith("Total: "))
    assert all(amount in total for amount in ("€58.00", "$158.00", "PLN"))
    (row,) = (row for row in theatre.ledger.messages.of_customer(life.customer, theatre.began)
              if row.template == "payment_failed")  # fmt: skip
    assert row.sending_at is not None
    assert 8 <= row.sending_at.hour < 9
