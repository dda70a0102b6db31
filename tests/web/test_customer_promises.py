"""A promise to pay, given on the page: to every open case that takes one, and shown from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from recoup.rules.customer_page import CustomerPage
from recoup.rules.policy import Campaign, Retries, RetryMode
from tests.web.asking import EVERYTHING, promised, send, two_subscriptions
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock, open_invoice


@pytest.fixture
def offered() -> CustomerPage:
    """A page that offers everything there is."""
    return EVERYTHING


@pytest.fixture
def owing(billing: FakeBilling, book: Book) -> str:
    """A customer with two subscriptions of which something is open, and the path of the link."""
    return two_subscriptions(billing, book)


def test_a_promise_goes_to_every_open_case(web: TestClient, owing: str, gateway: FakeGateway) -> None:
    """The form offers the policy's five days by their dates; the one that was chosen reaches both cases."""
    page = web.get(f"{owing}/promise").text
    assert page.count('type="radio"') == 5
    for words in (
        "Friday, November 27, 2026",
        "On that day we try your payment method once",
        "PLN\u00a02,469.00",
    ):
        assert words in page, words
    assert send(web, f"{owing}/promise", days="3") == owing
    assert [(case, name) for case, name, _ in gateway.words] == [
        ("in_2", "promise_to_pay"), ("in_1", "promise_to_pay"),
    ]  # fmt: skip
    assert {word.until for _, _, word in gateway.words} == {NOW + timedelta(days=3)}
    assert {word.operator for _, _, word in gateway.words} == {"customer"}


def test_a_promise_that_was_given_is_shown_and_not_asked_for_again(
    web: TestClient, owing: str, gateway: FakeGateway, ledger: Ledger
) -> None:
    """The page says by when, the suspension's day has moved, and the button pressed twice does nothing twice."""
    promised(ledger, "in_1", 5)
    promised(ledger, "in_2", 5)
    text = web.get(owing).text
    assert "You have promised to pay by Friday, November 27, 2026" in text
    assert f"{owing}/promise" not in text
    assert send(web, f"{owing}/promise", days="5") == owing
    assert gateway.words == []


def test_a_promise_moves_the_day_that_the_page_names(
    web: TestClient, owing: str, ledger: Ledger, clock: StandingClock
) -> None:
    """Promised for a day after the one of the suspension, which follows as long after it as a warning is before."""
    clock.move(days=17)
    for case in ("in_1", "in_2"):
        promised(ledger, case, 22)
    assert "December 17, 2026" in web.get(owing).text


def test_a_promise_covers_what_has_none_yet(
    web: TestClient, owing: str, gateway: FakeGateway, ledger: Ledger
) -> None:
    """One case has its promise; the other one, that came later, may still be promised."""
    promised(ledger, "in_1", 2)
    send(web, f"{owing}/promise", days="4")
    assert [case for case, _, _ in gateway.words] == ["in_2"]


@pytest.mark.parametrize("days", ["6", "0", "", "two"])
def test_only_the_policys_days_can_be_promised(
    web: TestClient, owing: str, gateway: FakeGateway, days: str
) -> None:
    """Any other number leads back to the form."""
    assert send(web, f"{owing}/promise", days=days) == f"{owing}/promise"
    assert gateway.words == []


def test_no_promise_where_stripe_retries_or_the_access_is_gone(
    web: TestClient, billing: FakeBilling, book: Book
) -> None:
    """Nobody could hold Stripe's own retries until that day, and a suspension is ended by a payment alone."""
    billing.invoices = (open_invoice("in_1"), open_invoice("in_2"))
    weaving = Campaign(retries=Retries(mode=RetryMode.WEAVE)).model_dump(mode="json")
    book.case("in_1", policy=weaving)
    book.end(book.case("in_2"), Outcome.LOST_SUSPENDED)
    link = book.link()
    assert f"{link}/promise" not in web.get(link).text


def test_a_case_that_refuses_does_not_keep_the_others(
    web: TestClient, owing: str, gateway: FakeGateway
) -> None:
    """One case has ended in that moment: the other one has its promise all the same."""
    gateway.refusing = {"in_2"}
    assert send(web, f"{owing}/promise", days="3") == owing
    assert [case for case, _, _ in gateway.words] == ["in_1"]
