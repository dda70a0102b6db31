"""A customer with two subscriptions who asks for something on the page, and short ways to send its forms."""

from __future__ import annotations

from datetime import timedelta

from fastapi.testclient import TestClient

from activities.customer_words import CUSTOMER_CANCELLED, CUSTOMER_PROMISED
from recoup.billing.plans import Plan
from recoup.ledger import Ledger
from recoup.rules.customer_page import CustomerPage
from recoup.rules.money import Money
from recoup.web.stripe_side import Subscribed
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, open_invoice

FORM = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
BIG = Plan(price="price_big", name="Team plan", amount=Money(amount=9900, currency="pln"), interval="month")
SMALL = Plan(
    price="price_small", name="Solo plan", amount=Money(amount=2900, currency="pln"), interval="month"
)
EVERYTHING = CustomerPage(
    promise_days=5,
    smaller_plans={"price_big": ("price_small", "price_yearly", "price_gone")},
    pause_days=(30, 60),
)


def subscribed(id_: str = "sub_1", **more: object) -> Subscribed:
    """A subscription of the big plan in its period."""
    values = {
        "id": id_,
        "status": "past_due",
        "plans": (BIG.model_copy(update={"name": None}),),
        "renews_at": NOW + timedelta(days=28),
    }
    return Subscribed(**(values | more))  # type: ignore[arg-type]


def two_subscriptions(billing: FakeBilling, book: Book) -> str:
    """A customer with two subscriptions of which something is open; the path of the link."""
    billing.invoices = (
        open_invoice("in_2", subscription="sub_2", description="Storage"),
        open_invoice("in_1"),
    )
    billing.subscribed = (subscribed(), subscribed("sub_2", plans=()))
    yearly = SMALL.model_copy(update={"price": "price_yearly", "interval": "year"})
    billing.plans = {"price_big": BIG, "price_small": SMALL, "price_yearly": yearly}
    book.case("in_1")
    book.case("in_2", subscription="sub_2")
    return book.link()


def send(web: TestClient, path: str, **form: str) -> str:
    """Send a form; where it leads to."""
    response = web.post(path, data=form, headers=FORM)
    assert response.status_code == 303, response.text
    return response.headers["location"]


def promised(ledger: Ledger, case: str, days: float) -> None:
    """What the case's activity writes when it takes a promise."""
    until = (NOW + timedelta(days=days)).isoformat()
    ledger.events.append(
        CUSTOMER_PROMISED, NOW, case_id=case, invoice=case, customer="cus_1", data={"until": until}
    )


def cancelled(ledger: Ledger, invoice: str, subscription: str) -> None:
    """What the activity writes when a customer cancels."""
    data = {"subscription": subscription, "when": "now", "because": "x"}
    ledger.events.append(
        CUSTOMER_CANCELLED, NOW, case_id=invoice, invoice=invoice, customer="cus_1", data=data
    )
