"""The update page of somebody whose bank waits for their confirmation (3-D Secure)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import AttemptResult
from recoup.rules.case import AttemptState
from recoup.rules.declines import Decline
from tests.web.conftest import Book
from tests.web.doubles import FakeBilling, open_invoice

ASKED = Decline(code="authentication_required", brand="visa")
PLAIN = Decline(code="insufficient_funds", brand="visa")
SAYS = "Your bank asks you to confirm the payment yourself"


def test_the_page_leads_to_the_banks_question(web: TestClient, book: Book, billing: FakeBilling) -> None:
    """The page says what the bank wants and leads to Stripe's page of the invoice, which asks for it; a new card stays possible."""
    billing.invoices = (open_invoice(),)
    book.case(decline=ASKED)
    text = web.get(book.link()).text
    assert SAYS in text
    assert "Confirm the payment (PLN\u00a01,234.50)" in text
    assert text.count('href="https://invoice.stripe.example/in_1"') == 2
    assert text.index("Confirm the payment") < text.index("Update payment method")


def test_in_polish_too(web: TestClient, book: Book, billing: FakeBilling) -> None:
    """The same in Polish."""
    billing.locale = "pl"
    billing.invoices = (open_invoice(),)
    book.case(decline=ASKED)
    text = web.get(book.link()).text
    assert "Confirm" not in text
    assert 'href="https://invoice.stripe.example/in_1"' in text


@pytest.mark.parametrize(("first", "newest", "shown"), [(PLAIN, ASKED, True), (ASKED, PLAIN, False)])
def test_the_newest_refusal_counts(
    web: TestClient, book: Book, billing: FakeBilling, first: Decline, newest: Decline, shown: bool
) -> None:
    """A new card whose bank asks for confirmation brings the state; a plain refusal of one takes it away."""
    billing.invoices = (open_invoice(),)
    book.case(decline=first)
    assert (SAYS in web.get(book.link()).text) is not shown
    _refused(book, newest)
    assert (SAYS in web.get(book.link()).text) is shown


def test_nobody_is_asked_twice(web: TestClient, book: Book, billing: FakeBilling) -> None:
    """While a payment is under way there is nothing to confirm, nor without a page of Stripe's to do it on."""
    billing.invoices = (open_invoice(),)
    book.case(decline=ASKED)
    billing.invoices = (replace(open_invoice(), pay_url=None),)
    assert SAYS not in web.get(book.link()).text
    billing.invoices = (open_invoice(),)
    book.attempt(state=None)
    assert SAYS not in web.get(book.link()).text


def _refused(book: Book, decline: Decline) -> None:
    result = AttemptResult(state=AttemptState.DECLINED, decline=decline, because="the test says so")
    book.ledger.attempts.settle(book.attempt(), result, book.clock.now())
