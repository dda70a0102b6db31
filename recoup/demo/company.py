"""The company whose customers fail to pay: its backend, which is told who may use the product, and the product itself."""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook
from stripe import StripeClient

from recoup.clock import FileClock

TOLERANCE = timedelta(minutes=5)
"""How far a webhook's time may be from the backend's, as the Standard Webhooks specification recommends."""
STOPS_WITHIN_SECONDS = 0.1
"""How often it looks whether it should stop."""
_LARGEST_BODY = 100_000


@dataclass(frozen=True, slots=True)
class AccessNews:
    """One thing that the backend was told, and believed."""

    id: str
    type: str
    customer: str
    subscription: str | None
    at: datetime


class Company:
    """Receives the signed webhooks about access, as a company's own backend would."""

    def __init__(self, secret: str, clock_file: Path) -> None:
        self._webhook = Webhook(secret)
        self._clock = FileClock(clock_file)
        self._news: dict[str, AccessNews] = {}
        self._lock = threading.Lock()
        self.refused: list[str] = []
        """Why webhooks were turned away; empty when all is well."""
        self._server = _QuietServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOPS_WITHIN_SECONDS,), name="company", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/recoup"

    @property
    def news(self) -> list[AccessNews]:
        """What it was told, each change once, in the order in which it heard."""
        with self._lock:
            return list(self._news.values())

    def may_use(self, customer: str) -> bool:
        """Whether the customer has access, by the last word."""
        told = [news for news in self.news if news.customer == customer]
        return not told or told[-1].type != "access.suspended"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        """Take a webhook; answers the HTTP status."""
        id_, signatures = headers.get("webhook-id", ""), headers.get("webhook-signature", "").split(" ")
        try:
            at = datetime.fromtimestamp(int(headers.get("webhook-timestamp", "")), UTC)
            expected = self._webhook.sign(id_, at, body.decode())
        except (ValueError, OverflowError):
            return self._refuse("it could not be read")
        if not any(hmac.compare_digest(expected, signature) for signature in signatures):
            return self._refuse("its signature was wrong")
        if abs(self._clock.now() - at) > TOLERANCE:
            return self._refuse("it was too old, or from the future")
        told = json.loads(body)
        news = AccessNews(id_, told["type"], told["data"]["customer"], told["data"]["subscription"], at)
        with self._lock:
            self._news.setdefault(id_, news)
        return 204

    def _refuse(self, because: str) -> int:
        self.refused.append(because)
        return 400


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed in the middle of its word is no news here."""


def _handler_of(company: Company) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > _LARGEST_BODY:
                status, self.close_connection = 413, True
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = company.hear(headers, self.rfile.read(length))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class Product:
    """What customers can do in the company's own product, which speaks to Stripe itself."""

    def __init__(self, stripe: StripeClient) -> None:
        self._stripe = stripe

    async def cancel(self, subscription: str) -> None:
        """Cancel a subscription."""
        await asyncio.to_thread(self._stripe.v1.subscriptions.cancel, subscription)

    async def change_card(self, customer: str, number: str, expiry: tuple[int, int]) -> None:
        """Make a new card the customer's default."""
        await asyncio.to_thread(self._change_card, customer, number, expiry)

    def _change_card(self, customer: str, number: str, expiry: tuple[int, int]) -> None:
        month, year = expiry
        card = {"number": number, "exp_month": month, "exp_year": year, "cvc": "123"}
        wanted: Any = {"type": "card", "card": card}
        method = self._stripe.v1.payment_methods.create(wanted)
        self._stripe.v1.payment_methods.attach(method.id, {"customer": customer})
        default: Any = {"invoice_settings": {"default_payment_method": method.id}}
        self._stripe.v1.customers.update(customer, default)
