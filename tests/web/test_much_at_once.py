"""The customer's page where there is much of something: invoices, looks."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from tests.web.conftest import Book
from tests.web.doubles import FakeBilling, StandingClock, open_invoice


@pytest.fixture
def owing(billing: FakeBilling, book: Book) -> str:
    """A customer with one case, and the path of the link."""
    billing.invoices = (open_invoice(),)
    book.case()
    return book.link()


def test_looking_without_end_does_not_ask_stripe_without_end(
    web: TestClient, owing: str, ledger: Ledger, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever loads the page in a loop, any part of it, soon gets 429 and costs no request of those that attempts need too."""
    monkeypatch.setattr("recoup.web.customer._guarding.LOOKS", 3.0)
    paths = (owing, f"{owing}/promise", f"{owing}/done", owing, f"{owing}/done")
    answers = [web.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "60"
    clock.move(seconds=2)
    assert web.get(owing).status_code == 200


def test_with_many_invoices_the_ways_to_pay_stay_near(
    web: TestClient, book: Book, billing: FakeBilling
) -> None:
    """Twenty invoices are in sight, the others unfold with their sum on the fold; all can be paid, and the total is over all."""
    billing.invoices = tuple(open_invoice(f"in_{n:02}", 100, "eur") for n in range(25))
    for invoice in billing.invoices:
        book.case(invoice.id)
    text = web.get(book.link()).text
    shown, folded = text.split("<details>", 1)
    assert shown.count("Invoice ACME-") == 20
    assert "<summary>and 5 more invoices, together €5.00</summary>" in folded
    assert folded.split("</details>")[0].count("Invoice ACME-") == 5
    assert text.count('href="https://invoice.stripe.example/') == 25
    assert '<span class="figure">€25.00</span>' in text
    billing.invoices = billing.invoices[:20]
    assert "<details>" not in web.get(book.link()).text
