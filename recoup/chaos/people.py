"""Customers and operators of a batch: what the stories say they do, and what they do at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import stripe
from stripe import StripeClient

from recoup.chaos.faults import Fault
from recoup.chaos.runs import Run
from recoup.chaos.world import new_card_of
from recoup.demo.browsing import Browser, CardInHand, Stuck
from recoup.demo.company import Product
from recoup.worlds import World


@dataclass
class People:
    """Acts for the customers and operators, over Stripe's pages and API, as they would themselves."""

    client: StripeClient
    world: World
    begin: Any
    """When the world began."""

    def do(self, run: Run, fault: Fault, invoice: str) -> bool:
        """What this fault has somebody do to this invoice; False where Stripe refuses it, so that it does not happen."""
        with contextlib.suppress(stripe.StripeError, Stuck):
            match fault:
                case Fault.PAID_BETWEEN | Fault.PAID_BEFORE_READ:
                    self.pay(run, invoice)
                case Fault.CANCELLED_BETWEEN | Fault.CANCELLED_BEFORE_READ:
                    self.cancel(run)
                case Fault.CARD_BETWEEN:
                    self.change_card(run)
                case Fault.VOIDED_BETWEEN | Fault.VOIDED_BEFORE_READ:
                    self.client.v1.invoices.void_invoice(invoice)
                case Fault.WRITTEN_OFF_BETWEEN:
                    self.client.v1.invoices.mark_uncollectible(invoice)
                case Fault.CREDITED_BETWEEN | Fault.CREDITED_BEFORE_READ:
                    self.credit(invoice)
            run.note("DONE", fault=fault, invoice=invoice)
            return True
        return False

    def pay(self, run: Run, invoice: str) -> None:
        """The customer pays on the invoice's page, with a good card."""
        link = self.client.v1.invoices.retrieve(invoice).hosted_invoice_url
        asyncio.run(_pay(str(link), self._card(run)))
        run.customer_paid[invoice] += 1

    def cancel(self, run: Run) -> None:
        """The customer cancels everything."""
        for subscription in run.subscriptions:
            with contextlib.suppress(stripe.InvalidRequestError):
                self.client.v1.subscriptions.cancel(subscription)

    def change_card(self, run: Run) -> None:
        """The customer brings a good card."""
        card = self._card(run)
        asyncio.run(Product(self.client).change_card(run.customer, card.number, (card.month, card.year)))

    def pay_for_more(self, run: Run) -> str:
        """The customer pays for something else, on that invoice's page; answers the invoice."""
        # Stripe takes one currency of a customer, that of the subscription.
        new: Any = {"customer": run.customer, "currency": run.plan.currency, "auto_advance": False}
        invoice = str(self.client.v1.invoices.create(new).id)
        what: Any = {"customer": run.customer, "invoice": invoice, "currency": run.plan.currency}
        more: Any = {**what, "amount": 700}
        self.client.v1.invoice_items.create(more)
        link = self.client.v1.invoices.finalize_invoice(invoice).hosted_invoice_url
        asyncio.run(_pay(str(link), self._card(run)))
        return invoice

    def credit(self, invoice: str) -> None:
        """The company takes half of the amount back."""
        owed = self.client.v1.invoices.retrieve(invoice).amount_remaining
        note: Any = {"invoice": invoice, "amount": owed // 2}
        self.client.v1.credit_notes.create(note)

    def _card(self, run: Run) -> CardInHand:
        card = self.world.cards[new_card_of(run.plan)]
        month, year = card.expiry(self.begin)
        return CardInHand(number=card.number or "", month=month, year=year)


async def _pay(link: str, card: CardInHand) -> None:
    async with Browser() as browser:
        await browser.pay_with_card(link, card)
