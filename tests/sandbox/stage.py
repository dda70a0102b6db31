"""A sandbox to play on: the real SDK against it over HTTP, its control API, and an endpoint for its webhooks."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import stripe

from recoup.sandbox.resources.events import make_endpoint
from recoup.sandbox.sandbox import Options, Sandbox
from recoup.sandbox.server import Server
from recoup.worlds import World

DAY = 86_400
SECRET = "whsec_for_tests"


@dataclass
class Receiver:
    """An endpoint for webhooks; ``answer`` says what it answers to the n-th delivery."""

    answer: Callable[[int], int] = lambda _: 200
    received: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    # The sender was killed in the middle of it.
                    self.close_connection = True
                    return
                receiver.received.append((dict(self.headers), body.decode()))
                self.send_response(receiver.answer(len(receiver.received)))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was received, as JSON."""
        return [json.loads(body) for _, body in self.received]

    @property
    def types(self) -> list[str]:
        """The types of the received events."""
        return [event["type"] for event in self.events]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Stage:
    """One sandbox with its client."""

    def __init__(self, directory: Path, world: World | None = None, receiver: Receiver | None = None) -> None:
        def build(address: str) -> Sandbox:
            sandbox = Sandbox(Options(directory, address, directory / "clock", world))
            if receiver is not None:
                with sandbox.work() as work:
                    if work.first("webhook_endpoint", {}) is None:
                        make_endpoint(work, receiver.url, ["*"], SECRET)
            return sandbox

        self.server = Server(build)
        self.server.start()
        self.url = self.server.address
        self.stripe = self.client()
        self.api = self.stripe.v1

    def client(self, key: str = "sk_test_sandbox", **options: Any) -> stripe.StripeClient:
        """A client of the unchanged SDK."""
        options.setdefault("max_network_retries", 2)
        return stripe.StripeClient(key, base_addresses={"api": self.url}, **options)

    def close(self) -> None:
        """Stop the sandbox."""
        self.server.stop()

    # -------------------------------------------------------------- control

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control API; a refusal comes back as its sentence."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=method)  # noqa: S310  own address
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  same
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error)

    def switch(self, **values: Any) -> None:
        """Set switches."""
        answer = self.control("POST", "switches", values)
        assert "switches" in answer, answer

    def fault(self, fault: str, **rule: Any) -> None:
        """Put a fault rule in force."""
        answer = self.control("POST", "faults", {"fault": fault, **rule})
        assert isinstance(answer, list), answer

    def forward(self, **by: float) -> float:
        """Move the clock by ``days``, ``hours`` and ``seconds``; answers the moment reached."""
        seconds = by.get("days", 0) * DAY + by.get("hours", 0) * 3600 + by.get("seconds", 0)
        return float(self.control("POST", "clock", {"by": seconds})["now"])

    def settle(self) -> None:
        """Wait until every webhook that is due has been delivered or has failed."""
        assert self.server.sandbox.sender.drain(10)

    def books(self) -> dict[str, dict[str, Any]]:
        """The sandbox's books by invoice."""
        return {entry["id"]: entry for entry in self.control("GET", "books")}

    # -------------------------------------------------------------- what tests start from

    def customer(self, card: str | None = "pm_card_visa", **params: Any) -> stripe.Customer:
        """A customer whose default is this card."""
        details: Any = {"email": "anna@example.com", "name": "Anna", **params}
        customer = self.api.customers.create(details)
        if card is not None:
            self.use_card(customer.id, card)
        return customer

    def use_card(self, customer: str, card: str) -> str:
        """Attach a card and make it the customer's default; its id."""
        method = self.api.payment_methods.attach(card, {"customer": customer})
        self.api.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
        return method.id

    def price(self, amount: int = 1000, interval: str = "month") -> str:
        """A recurring price; its id."""
        product = self.api.products.create({"name": "Plan"})
        price = self.api.prices.create(
            {
                "currency": "eur",
                "unit_amount": amount,
                "product": product.id,
                "recurring": {"interval": interval},
            }
        )
        return price.id

    def subscription(self, customer: str, **params: Any) -> stripe.Subscription:
        """A monthly subscription of 10.00 EUR."""
        items = params.pop("items", None) or [{"price": self.price()}]
        details: Any = {"customer": customer, "items": items, **params}
        return self.api.subscriptions.create(details)

    def failed_renewal(
        self, card: str = "pm_card_chargeCustomerFail"
    ) -> tuple[stripe.Subscription, stripe.Invoice]:
        """A subscription whose second invoice has just failed with this card."""
        customer = self.customer()
        subscription = self.subscription(customer.id)
        self.use_card(customer.id, card)
        self.control("POST", "clock", {"to": period_end(subscription)})
        renewed = self.api.subscriptions.retrieve(subscription.id)
        return renewed, self.latest_invoice(subscription.id)

    def latest_invoice(self, subscription: str) -> stripe.Invoice:
        """The newest invoice of a subscription."""
        latest = self.api.subscriptions.retrieve(subscription).latest_invoice
        assert isinstance(latest, str)
        return self.api.invoices.retrieve(latest)

    def status(self, subscription: str) -> str:
        """The status of a subscription."""
        return self.api.subscriptions.retrieve(subscription).status

    def intent(self, invoice: str) -> dict[str, Any]:
        """The invoice's default PaymentIntent with its latest charge."""
        expand = ["data.payment.payment_intent.latest_charge"]
        payments = self.api.invoice_payments.list({"invoice": invoice, "expand": expand})
        found = next(entry for entry in payments.data if entry.is_default)
        intent: dict[str, Any] = found.to_dict()["payment"]["payment_intent"]
        return intent


def period_end(subscription: stripe.Subscription) -> int:
    """When the subscription's present period ends."""
    return int(subscription["items"].data[0].current_period_end)
