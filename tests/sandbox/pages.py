"""A sandbox behind a real port, a Stripe client of it, and a visitor of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import stripe

from recoup.sandbox.sandbox import Options, Sandbox
from recoup.sandbox.server import Server
from recoup.worlds import World

BACK = "http://127.0.0.1:9/back"
GOOD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123"}


@dataclass
class Shop:
    """A company that bills with the sandbox, and its customer's browser."""

    server: Server
    browser: httpx2.Client

    @property
    def v1(self) -> Any:
        """The services of the real SDK, over HTTP."""
        return stripe.StripeClient("sk_test_shop", base_addresses={"api": self.server.address}).v1

    def customer(self, card: str | None = "pm_card_visa") -> Any:
        """A customer with this card as the default."""
        customer = self.v1.customers.create({"name": "Ada Example", "email": "ada@example.com"})
        if card is None:
            return customer
        method = self.v1.payment_methods.attach(card, {"customer": customer.id})
        settings = {"default_payment_method": method.id}
        return self.v1.customers.update(customer.id, {"invoice_settings": settings})

    def invoice(self, customer: Any, currency: str = "pln", amount: int = 12900) -> Any:
        """An open invoice of the customer."""
        item = {"customer": customer.id, "amount": amount, "currency": currency, "description": "Team plan"}
        self.v1.invoice_items.create(item)
        params = {"customer": customer.id, "currency": currency, "pending_invoice_items_behavior": "include"}
        return self.v1.invoices.finalize_invoice(self.v1.invoices.create(params).id)

    def portal(self, customer: Any, after: str = "redirect") -> str:
        """The address of a portal session in which the customer can change the card, and nothing else."""
        completion: dict[str, Any] = {"type": after}
        if after == "redirect":
            completion["redirect"] = {"return_url": BACK}
        flow = {"type": "payment_method_update", "after_completion": completion}
        params = {"customer": customer.id, "return_url": BACK, "flow_data": flow}
        return str(self.v1.billing_portal.sessions.create(params).url)

    def post(self, address: str, **form: str) -> httpx2.Response:
        """Post a form, and go nowhere after it."""
        return self.browser.post(address, data=form)

    def get(self, address: str) -> httpx2.Response:
        """Look at a page."""
        return self.browser.get(address)

    def pass_seconds(self, seconds: float) -> None:
        """Let virtual time go by."""
        self.server.sandbox.timeline.advance(self.server.sandbox.clock.now() + seconds)

    def default(self, customer: Any) -> str | None:
        """The last digits of the customer's default card."""
        expand = {"expand": ["invoice_settings.default_payment_method"]}
        method = self.v1.customers.retrieve(customer.id, expand).invoice_settings.default_payment_method
        return method.card.last4 if method else None

    def status(self, invoice: Any) -> str:
        """The status of an invoice now."""
        return str(self.v1.invoices.retrieve(invoice.id).status)

    def charges(self, customer: Any, status: str = "succeeded") -> list[Any]:
        """The charges of a customer that ended so."""
        return [one for one in self.v1.charges.list({"customer": customer.id}).data if one.status == status]

    def events(self) -> list[str]:
        """The types of all events, newest first."""
        return [event.type for event in self.v1.events.list({"limit": 100}).data]


@contextmanager
def open_shop(directory: Path, world: World | None = None) -> Iterator[Shop]:
    """A shop that closes at the end."""
    server = Server(lambda address: Sandbox(Options(directory, address, world=world)))
    server.start()
    try:
        with httpx2.Client(trust_env=False) as browser:
            yield Shop(server, browser)
    finally:
        server.stop()
