"""A customer at a browser: follows the link of a mail, fills in forms, confirms at the bank. Plain HTTP, no script."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx2

from recoup.demo._forms import Form, Seen, read_page

_MOST_CONFIRMATIONS = 3
_TRIES = 5
_PAUSE_SECONDS = 0.3
_COME_BACK_LATER = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


class Stuck(Exception):
    """A page did not offer what a customer needs to go on; the message says what, and where."""


@dataclass(frozen=True, slots=True)
class CardInHand:
    """A card as its owner reads it out."""

    number: str
    month: int
    year: int

    @property
    def fields(self) -> dict[str, str]:
        """What goes into a card form."""
        return {"number": self.number, "expiry": f"{self.month:02d} / {self.year % 100:02d}", "cvc": "123"}


class Browser:
    """One sitting of one customer; cookies last as long."""

    def __init__(self, mounts: Mapping[str, httpx2.AsyncBaseTransport] | None = None) -> None:
        """``mounts`` are pages that are not reached over the network, by the beginning of their address."""
        self._client = httpx2.AsyncClient(
            follow_redirects=True, trust_env=False, timeout=30, verify=_ssl_context(), mounts=mounts
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def open(self, address: str) -> Seen:
        """Look at a page; nothing happens by that."""
        return await self._page("GET", address)

    async def change_card(self, update_link: str, card: CardInHand) -> None:
        """From the link of a mail over the update page to Stripe's portal, and a new card there.

        Raises:
            Stuck: a page did not lead on.
        """
        page = await self.open(update_link)
        onward = next((form for form in page.forms if form.method == "post"), None)
        if onward is None:
            raise Stuck("the update page has no button that leads to the portal")
        page = await self._send(onward, {}, page)
        await self._confirm(await self._send(_wanted(page, "number"), card.fields, page))

    async def pay_with_card(self, invoice_link: str, card: CardInHand) -> None:
        """Pay on the hosted invoice page with a card typed in there.

        Raises:
            Stuck: a page did not lead on.
        """
        page = await self.open(invoice_link)
        await self._confirm(await self._send(_wanted(page, "number"), card.fields, page))

    async def pay_with_saved_card(self, invoice_link: str) -> None:
        """Pay on the hosted invoice page with the card on file, which is also where 3-D Secure is passed.

        Raises:
            Stuck: a page did not lead on.
        """
        page = await self.open(invoice_link)
        await self._confirm(await self._send(_wanted(page, "method", "saved"), {}, page))

    async def refuse_at_bank(self, invoice_link: str) -> None:
        """Try to pay with the card on file, and fail the bank's 3-D Secure.

        Raises:
            Stuck: a page did not lead on, or the bank never asked.
        """
        page = await self.open(invoice_link)
        page = await self._send(_wanted(page, "method", "saved"), {}, page)
        await self._send(_wanted(page, "decision", "refuse"), {"decision": "refuse"}, page)

    async def pay_otherwise(self, invoice_link: str, method: str) -> None:
        """Pay on the hosted invoice page by ``blik`` or ``bank_transfer``.

        Raises:
            Stuck: a page did not lead on.
        """
        page = await self.open(invoice_link)
        code = {"code": "123456"} if method == "blik" else {}
        await self._confirm(await self._send(_wanted(page, "method", method), code, page))

    async def promise(self, update_link: str, in_days: int) -> None:
        """Promise on the page behind the link of a mail to pay in so many days.

        Raises:
            Stuck: the page takes no promise, or none for so long.
        """
        page = await self._onward(update_link, "promise")
        await self._send(_wanted(page, "days", str(in_days)), {"days": str(in_days)}, page)

    async def cancel(self, update_link: str) -> None:
        """Cancel there everything that is open.

        Raises:
            Stuck: the page offers no way out.
        """
        page = await self._onward(update_link, "cancel")
        # Where there are several, "all of them" is the last choice, which is what the form holds.
        await self._send(_wanted(page, "subscription"), {}, page)

    async def _onward(self, update_link: str, topic: str) -> Seen:
        """One of the other ways that the page leads to."""
        page = await self.open(update_link)
        way = next((link for link in page.links if link.endswith(f"/{topic}")), None)
        if way is None:
            raise Stuck(f"the update page has no way to {topic}")
        return await self.open(way)

    async def _confirm(self, page: Seen) -> None:
        """Say yes to the bank as often as it asks; a form for card data that is still there means that it said no."""
        for _ in range(_MOST_CONFIRMATIONS):
            question = page.form_with("decision", "approve")
            if question is None:
                break
            page = await self._send(question, {"decision": "approve"}, page)
        if page.form_with("number") or page.form_with("decision"):
            raise Stuck(f"the payment or the card was not accepted at {_place(page.address)}")

    async def _send(self, form: Form, values: Mapping[str, str], page: Seen) -> Seen:
        try:
            filled = form.filled(values)
        except LookupError as error:
            raise Stuck(f"{error} at {_place(page.address)}") from error
        return await self._page("POST", form.action, filled)

    async def _page(self, method: str, address: str, form: Mapping[str, str] | None = None) -> Seen:
        """People try again when a page says that it cannot be shown just now."""
        said = "nothing"
        for patience in range(_TRIES, 0, -1):
            try:
                answer = await self._client.request(
                    method, address, data=dict(form) if form is not None else None
                )
            except httpx2.TransportError as error:
                said = type(error).__name__
            else:
                if answer.status_code not in _COME_BACK_LATER:
                    return _read(answer)
                said = str(answer.status_code)
            if patience > 1:
                await asyncio.sleep(_PAUSE_SECONDS)
        raise Stuck(f"{_place(address)} answered {said}")


@cache
def _ssl_context() -> ssl.SSLContext:
    """One for all browsers: reading the certificates takes longer than a whole sitting."""
    return httpx2.create_ssl_context()


def _read(answer: httpx2.Response) -> Seen:
    if answer.status_code == HTTPStatus.PAYMENT_REQUIRED or answer.is_success:
        return read_page(str(answer.url), answer.text)
    raise Stuck(f"{_place(str(answer.url))} answered {answer.status_code}")


def _wanted(page: Seen, name: str, value: str | None = None) -> Form:
    form = page.form_with(name, value)
    if form is None:
        raise Stuck(f"{_place(page.address)} offers no form with {name}{f' {value}' if value else ''}")
    return form


def _place(address: str) -> str:
    """The beginning of an address, without what is secret in it."""
    parts = httpx2.URL(address)
    return f"{parts.host}:{parts.port}{parts.path[:4]}…"
