"""A tour of the sandbox: the real SDK calls every endpoint, in every state that changes the shape of an answer.

Every answer is kept as it came (:mod:`tests.sandbox.recorder`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stripe

from recoup.sandbox import resources  # noqa: F401  registers the endpoints
from recoup.sandbox.http.api import Api
from recoup.sandbox.http.routing import router
from recoup.sandbox.objects.payments import create_dispute
from recoup.sandbox.sandbox import Options, Sandbox
from recoup.sandbox.service import hosted
from tests.sandbox.recorder import InProcess

DAY = 86_400
BACK = "https://example.com/back"


@dataclass
class Tour:
    """The sandbox, a client of it, and what the stops of the tour leave for one another."""

    sandbox: Sandbox
    transport: InProcess
    kept: dict[str, str] = field(default_factory=dict)

    @classmethod
    def through(cls, directory: Path) -> Tour:
        """A finished tour of a new sandbox in this folder."""
        sandbox = Sandbox(Options(directory, "http://127.0.0.1:8420"))
        tour = cls(sandbox, InProcess(Api(sandbox, router), router))
        for stop in _STOPS:
            stop(tour)
        sandbox.store.close()
        return tour

    @property
    def v1(self) -> Any:
        """The SDK's services; untyped, for the tour also sends what its types do not allow."""
        return stripe.StripeClient("sk_test_tour", http_client=self.transport).v1

    def pass_days(self, days: float) -> None:
        """Let virtual time go by, with all that falls due in it."""
        self.sandbox.timeline.advance(self.sandbox.clock.now() + days * DAY)

    def refused(self, call: Any, *arguments: Any) -> None:
        """A call that must be refused."""
        try:
            call(*arguments)
        except stripe.StripeError:
            return
        raise AssertionError("the call was not refused")

    def customer(self, card: str, **more: Any) -> Any:
        """A new customer with this card as the default."""
        customer = self.v1.customers.create({"email": "ada@example.com", "name": "Ada Example", **more})
        method = self.v1.payment_methods.attach(card, {"customer": customer.id})
        settings = {"default_payment_method": method.id}
        return self.v1.customers.update(customer.id, {"invoice_settings": settings})

    def subscription(self, customer: Any, **more: Any) -> Any:
        """A new subscription of the customer."""
        items = [{"price": self.kept["price"], "quantity": 2}]
        return self.v1.subscriptions.create({"customer": customer.id, "items": items, **more})

    def failing(self) -> tuple[Any, Any, Any]:
        """A customer whose renewal has just failed, with the subscription and its open invoice."""
        customer = self.customer("pm_card_visa")
        subscription = self.subscription(customer)
        method = self.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
        self.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        self.pass_days(32)
        invoice = self.v1.invoices.list({"subscription": subscription.id, "status": "open"}).data[0]
        return customer, self.v1.subscriptions.retrieve(subscription.id), invoice

    def draft(self, customer: Any, **more: Any) -> Any:
        """A draft invoice over one item."""
        self.v1.invoice_items.create({"customer": customer.id, "amount": 2900, "currency": "eur"})
        params = {
            "customer": customer.id,
            "currency": "eur",
            "pending_invoice_items_behavior": "include",
            **more,
        }
        return self.v1.invoices.create(params)


def _catalog(tour: Tour) -> None:
    v1 = tour.v1
    v1.accounts.retrieve_current()
    product = v1.products.create({"name": "Team plan", "metadata": {"a": "b"}})
    v1.products.retrieve(product.id)
    v1.products.update(product.id, {"description": "For teams"})
    v1.products.list({"limit": 1})
    recurring = {"interval": "month"}
    price = v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 2900, "recurring": recurring}
    )
    v1.prices.create({"product": product.id, "currency": "eur", "unit_amount": 500})
    v1.prices.retrieve(price.id)
    v1.prices.update(price.id, {"nickname": "Team"})
    v1.prices.list({"product": product.id, "expand": ["data.product"]})
    tour.kept.update(product=product.id, price=price.id)


def _endpoints(tour: Tour) -> None:
    v1 = tour.v1
    wanted = {"url": "http://127.0.0.1:9/hook", "enabled_events": ["coupon.created"]}
    endpoint = v1.webhook_endpoints.create(wanted)
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(endpoint.id)
    tour.refused(v1.webhook_endpoints.retrieve, endpoint.id)


def _customers(tour: Tour) -> None:
    v1 = tour.v1
    address = {"city": "Kraków", "country": "PL"}
    customer = tour.customer(
        "pm_card_visa", address=address, preferred_locales=["pl-PL"], metadata={"a": "b"}
    )
    v1.customers.retrieve(
        customer.id, {"expand": ["invoice_settings.default_payment_method", "subscriptions"]}
    )
    v1.customers.list({"email": "ada@example.com"})
    v1.customers.payment_methods.list(customer.id)
    default = customer.invoice_settings.default_payment_method
    v1.customers.payment_methods.retrieve(customer.id, default)
    v1.customers.delete(customer.id)
    v1.customers.retrieve(customer.id)
    tour.refused(v1.customers.update, customer.id, {"name": "Nobody"})
    tour.refused(v1.customers.create, {"nmae": "misspelt"})


def _payment_methods(tour: Tour) -> None:
    v1 = tour.v1
    customer = v1.customers.create({})
    typed = {"number": "5555555555554444", "exp_month": 4, "exp_year": 2031, "cvc": "123"}
    card = v1.payment_methods.create({"type": "card", "card": typed, "billing_details": {"name": "Ada"}})
    v1.payment_methods.attach(card.id, {"customer": customer.id})
    v1.payment_methods.update(card.id, {"card": {"exp_year": 2033}})
    v1.payment_methods.retrieve(card.id, {"expand": ["customer"]})
    debit = v1.payment_methods.create(
        {"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}
    )
    v1.payment_methods.attach(debit.id, {"customer": customer.id})
    v1.payment_methods.list({"customer": customer.id})
    v1.payment_methods.detach(card.id)
    tour.refused(
        v1.payment_methods.attach, "pm_card_chargeDeclinedInsufficientFunds", {"customer": customer.id}
    )
    tour.kept.update(debtor=customer.id, debit=debit.id)


def _subscriptions(tour: Tour) -> None:
    v1 = tour.v1
    customer = tour.customer("pm_card_visa")
    subscription = tour.subscription(customer, metadata={"a": "b"}, description="Team")
    expand = ["latest_invoice.payments", "default_payment_method", "customer"]
    v1.subscriptions.retrieve(subscription.id, {"expand": expand})
    item = v1.subscription_items.list({"subscription": subscription.id}).data[0]
    v1.subscription_items.retrieve(item.id)
    own = customer.invoice_settings.default_payment_method
    v1.subscriptions.update(subscription.id, {"default_payment_method": own})
    v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "keep_as_draft"}})
    v1.subscriptions.update(subscription.id, {"pause_collection": ""})
    until = item.current_period_end + 86_400
    v1.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void", "resumes_at": until}})
    v1.subscriptions.update(subscription.id, {"pause_collection": ""})
    small: Any = {
        "currency": "eur", "unit_amount": 400, "product": item.price.product, "recurring": {"interval": "month"},
    }  # fmt: skip
    smaller = v1.prices.create(small)
    v1.prices.retrieve(smaller.id, {"expand": ["product"]})
    v1.subscriptions.update(
        subscription.id,
        {"items": [{"id": item.id, "price": smaller.id}], "proration_behavior": "none"},
    )
    v1.subscriptions.list({"customer": customer.id, "status": "all"})
    v1.subscriptions.pause(subscription.id, {"type": "subscription"})
    v1.subscriptions.retrieve(subscription.id)
    v1.subscriptions.resume(subscription.id, {"billing_cycle_anchor": {"type": "now"}})
    v1.subscriptions.list({"customer": customer.id})
    v1.subscriptions.cancel(subscription.id, {"invoice_now": False, "prorate": False})
    tour.refused(v1.subscriptions.resume, subscription.id)
    tour.subscription(customer, trial_period_days=7)
    tour.subscription(customer, collection_method="send_invoice", days_until_due=7)
    tour.subscription(v1.customers.create({}), payment_behavior="default_incomplete")


def _drafts(tour: Tour) -> None:
    v1 = tour.v1
    customer = tour.customer("pm_card_visa")
    item = v1.invoice_items.create(
        {"customer": customer.id, "amount": 100, "currency": "eur", "description": "x"}
    )
    v1.invoice_items.retrieve(item.id)
    v1.invoice_items.list({"customer": customer.id, "pending": True})
    priced = {"price": v1.prices.list({"product": tour.kept["product"]}).data[0].id}
    v1.invoice_items.create({"customer": customer.id, "pricing": priced})
    invoice = tour.draft(customer)
    v1.invoices.update(invoice.id, {"description": "Manual", "metadata": {"a": "b"}})
    v1.invoices.line_items.list(invoice.id)
    v1.invoices.delete(invoice.id)
    paid = tour.draft(customer)
    v1.invoices.finalize_invoice(paid.id)
    v1.invoices.pay(paid.id)
    tour.refused(v1.invoices.pay, paid.id)
    note = v1.credit_notes.create({"invoice": paid.id, "amount": 100, "refund_amount": 100})
    v1.credit_notes.retrieve(note.id)
    v1.credit_notes.list({"invoice": paid.id})
    v1.invoices.send_invoice(tour.draft(customer, collection_method="send_invoice", days_until_due=3).id)
    wanted = {"customer": customer.id, "amount": 50, "currency": "eur", "confirm": True}
    wanted["payment_method"] = v1.payment_methods.list({"customer": customer.id}).data[0].id
    part = v1.payment_intents.create(wanted)
    v1.invoices.attach_payment(
        v1.invoices.finalize_invoice(tour.draft(customer).id).id, {"payment_intent": part.id}
    )
    v1.invoices.void_invoice(v1.invoices.finalize_invoice(tour.draft(customer).id).id)
    v1.invoices.mark_uncollectible(v1.invoices.finalize_invoice(tour.draft(customer).id).id)
    v1.invoices.pay(v1.invoices.finalize_invoice(tour.draft(customer).id).id, {"paid_out_of_band": True})


def _failures(tour: Tour) -> None:
    v1 = tour.v1
    customer, subscription, invoice = tour.failing()
    assert subscription.status == "past_due"
    expand = ["data.payment.payment_intent.latest_charge"]
    payment = v1.invoice_payments.list({"invoice": invoice.id, "expand": expand}).data[0]
    intent = payment.payment.payment_intent
    v1.invoice_payments.retrieve(payment.id)
    v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}})
    v1.payment_intents.retrieve(intent.id, {"expand": ["payment_method", "latest_charge"]})
    v1.payment_intents.list({"customer": customer.id})
    v1.charges.list({"payment_intent": intent.id})
    v1.invoices.update(invoice.id, {"auto_advance": False})
    v1.invoices.retrieve(
        invoice.id, {"expand": ["payments", "confirmation_secret", "customer", "default_payment_method"]}
    )
    tour.refused(v1.invoices.pay, invoice.id, {"off_session": True})
    _authentication(tour, customer, invoice)
    good = v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    v1.invoices.pay(invoice.id, {"payment_method": good.id})
    charge = v1.charges.list({"customer": customer.id}).data[0]
    v1.charges.retrieve(charge.id, {"expand": ["payment_intent", "customer", "refunds"]})
    refund = v1.refunds.create({"charge": charge.id, "amount": 100, "reason": "requested_by_customer"})
    v1.refunds.retrieve(refund.id)
    v1.refunds.list({"charge": charge.id})
    _dispute(tour, charge.id)


def _authentication(tour: Tour, customer: Any, invoice: Any) -> None:
    asks = tour.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    for off_session in (True, False):
        tour.refused(
            tour.v1.invoices.pay, invoice.id, {"payment_method": asks.id, "off_session": off_session}
        )
    payment = tour.v1.invoice_payments.list(
        {"invoice": invoice.id, "expand": ["data.payment.payment_intent"]}
    )
    assert payment.data[0].payment.payment_intent.next_action is not None


def _dispute(tour: Tour, charge: str) -> None:
    with tour.sandbox.work() as work:
        dispute = create_dispute(work, work.get("charge", charge), "fraudulent", work.now + 7 * DAY)["id"]
    tour.v1.disputes.retrieve(dispute)
    tour.v1.disputes.list({"charge": charge})


def _debits(tour: Tour) -> None:
    v1 = tour.v1
    debtor = v1.customers.retrieve(tour.kept["debtor"])
    invoice = v1.invoices.finalize_invoice(tour.draft(debtor).id)
    v1.invoices.pay(invoice.id, {"payment_method": tour.kept["debit"]})
    v1.invoices.retrieve(invoice.id, {"expand": ["payments.data.payment.payment_intent.latest_charge"]})
    tour.pass_days(4)
    assert v1.invoices.retrieve(invoice.id).status == "paid"


def _hosted(tour: Tour) -> None:
    v1 = tour.v1
    for way in hosted.OTHER_WAYS:
        customer = tour.customer("pm_card_visa")
        invoice = v1.invoices.finalize_invoice(tour.draft(customer).id)
        with tour.sandbox.work() as work:
            hosted.pay_with_other(work, work.get("invoice", invoice.id), way)
        v1.charges.list({"customer": customer.id, "expand": ["data.payment_intent.payment_method"]})
    customer = tour.customer("pm_card_authenticationRequired")
    invoice = v1.invoices.finalize_invoice(tour.draft(customer).id)
    with tour.sandbox.work() as work:
        method = work.get("payment_method", customer.invoice_settings.default_payment_method)
        paid = hosted.pay_with_method(work, work.get("invoice", invoice.id), method)
        waiting = hosted.challenge(work, str(paid.authenticate_at).rsplit("/", 1)[-1])
        assert waiting is not None
        hosted.complete_challenge(work, waiting, passed=True)
    charge = v1.charges.list({"customer": customer.id}).data[0]
    assert charge.payment_method_details.card.three_d_secure is not None


def _intents(tour: Tour) -> None:
    v1 = tour.v1
    _, _, invoice = tour.failing()
    payment = v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    v1.payment_intents.confirm(
        payment.payment.payment_intent, {"payment_method": "pm_card_visa", "return_url": BACK}
    )
    customer = tour.customer("pm_card_visa")
    setup = v1.setup_intents.create({"customer": customer.id, "usage": "off_session"})
    v1.setup_intents.retrieve(setup.id)
    v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_mastercard"})
    asking = v1.setup_intents.create({"customer": customer.id})
    v1.setup_intents.confirm(
        asking.id, {"payment_method": "pm_card_authenticationRequired", "return_url": BACK}
    )
    v1.setup_intents.cancel(v1.setup_intents.create({"customer": customer.id}).id)
    v1.setup_intents.list({"customer": customer.id})
    refused = v1.setup_intents.create({"customer": customer.id})
    tour.refused(v1.setup_intents.confirm, refused.id, {"payment_method": "pm_card_chargeDeclined"})


def _pages(tour: Tour) -> None:
    v1 = tour.v1
    customer = tour.customer("pm_card_visa")
    flow = {
        "type": "payment_method_update",
        "after_completion": {"type": "redirect", "redirect": {"return_url": BACK}},
    }
    v1.billing_portal.sessions.create({"customer": customer.id, "return_url": BACK, "flow_data": flow})
    v1.billing_portal.sessions.create({"customer": customer.id})
    configuration = v1.billing_portal.configurations.list({"is_default": True}).data[0]
    v1.billing_portal.configurations.retrieve(configuration.id)
    v1.billing_portal.configurations.update(configuration.id, {"default_return_url": BACK})
    wanted = {"mode": "setup", "customer": customer.id, "currency": "eur", "success_url": BACK}
    session = v1.checkout.sessions.create(wanted)
    v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    v1.checkout.sessions.list({"customer": customer.id})
    v1.checkout.sessions.expire(session.id)


def _test_clocks(tour: Tour) -> None:
    v1 = tour.v1
    now = int(tour.sandbox.clock.now())
    clock = v1.test_helpers.test_clocks.create({"frozen_time": now, "name": "tour"})
    tour.customer("pm_card_visa", test_clock=clock.id)
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now + DAY})
    tour.pass_days(2)
    assert v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    v1.test_helpers.test_clocks.list()
    v1.test_helpers.test_clocks.delete(clock.id)


def _events(tour: Tour) -> None:
    page = tour.v1.events.list({"limit": 100})
    tour.v1.events.retrieve(page.data[0].id)
    for _ in page.auto_paging_iter():
        pass


_STOPS = (
    _catalog,
    _endpoints,
    _customers,
    _payment_methods,
    _subscriptions,
    _drafts,
    _events,
    _failures,
    _debits,
    _hosted,
    _intents,
    _pages,
    _test_clocks,
    _events,
)
