"""What the web process asks of Stripe, asked of the sandbox through the unchanged SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recoup.rules.money import Money
from recoup.web.stripe_side import StripeAway, StripeBilling
from tests.sandbox.stage import Stage, period_end


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox for all of these tests; each makes its own customers."""
    running = Stage(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.close()


@pytest.fixture
def billing(stage: Stage) -> StripeBilling:
    return StripeBilling(stage.stripe)


def test_what_a_customer_owes(stage: Stage, billing: StripeBilling) -> None:
    """The open invoice with its number, plan, amount and hosted page, and the customer's languages."""
    _, invoice = stage.failed_renewal()
    customer = str(invoice.customer)
    stage.api.customers.update(
        customer, {"preferred_locales": ["pl", "en"], "metadata": {"timezone": "Europe/Warsaw"}}
    )
    owing = billing.owing(customer)
    assert (owing.locales, owing.timezone) == (("pl", "en"), "Europe/Warsaw")
    [found] = owing.invoices
    assert (found.id, found.number, found.due) == (
        invoice.id,
        invoice.number,
        Money(amount=1000, currency="eur"),
    )
    assert (found.description, invoice.lines.data[0].description) == ("Plan", "1 × Plan")
    assert found.pay_url == invoice.hosted_invoice_url
    assert billing.has_failed_renewal(customer)


def test_everything_that_is_owed_is_read(
    stage: Stage, billing: StripeBilling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into one answer of Stripe's is read with the next: a page that shows a part would show a wrong total."""
    monkeypatch.setattr("recoup.web.stripe_side._PAGE", 1)
    customer, price = stage.customer(), stage.price()
    made = [stage.subscription(customer.id, items=[{"price": price}]) for _ in range(2)]
    stage.use_card(customer.id, "pm_card_chargeCustomerFail")
    stage.control("POST", "clock", {"to": period_end(made[-1])})
    assert len(billing.owing(customer.id).invoices) == 2
    assert {each.id for each in billing.subscriptions(customer.id)} == {each.id for each in made}


def test_a_customer_who_owes_nothing(stage: Stage, billing: StripeBilling) -> None:
    """Paid invoices are not owed, and are no failed renewals."""
    customer = stage.customer()
    stage.subscription(customer.id)
    assert billing.owing(customer.id).invoices == ()
    assert not billing.has_failed_renewal(customer.id)


def test_the_portal_is_asked_for_each_time(stage: Stage, billing: StripeBilling) -> None:
    """Two askings are two sessions; the browser's tests follow one to its form and back."""
    customer = stage.customer()
    back, done = "https://a.example/u/t", "https://a.example/u/t/done"
    one, two = (billing.portal_address(customer.id, back=back, done=done) for _ in range(2))
    assert one != two


def test_a_configured_portal_is_asked_for(stage: Stage) -> None:
    """An unknown configuration is Stripe's to refuse; it is sent along."""
    billing = StripeBilling(stage.stripe, "bpc_unknown")
    with pytest.raises(StripeAway):
        billing.portal_address(stage.customer().id, back="https://a.example/", done="https://a.example/")


def test_whose_charge_it_was(stage: Stage, billing: StripeBilling) -> None:
    """The customer of a charge; None for one that Stripe does not know."""
    _, invoice = stage.failed_renewal()
    charge = stage.intent(str(invoice.id))["latest_charge"]
    assert billing.customer_of_charge(charge["id"]) == invoice.customer
    assert billing.customer_of_charge("ch_unknown") is None


def test_no_usable_answer_is_one_error(stage: Stage) -> None:
    """A wrong key, or a customer Stripe does not know: one sentence each."""
    with pytest.raises(StripeAway, match="what the customer owes"):
        StripeBilling(stage.stripe).owing("cus_unknown")
    with pytest.raises(StripeAway):
        StripeBilling(stage.client("not a key")).owing("cus_1")
