"""The mirror of cards: reading Stripe for it, page by page and politely."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from stripe import InvalidRequestError, StripeClient
from temporalio import activity

from activities._failures import stripe_errors
from activities.card_contracts import CardActivity, CatchUpOrder, CaughtUp, Imported
from activities.pacing import Pace
from recoup.billing.renewals import RenewalsPage, read_customer_renewals, read_renewals
from recoup.clock import Clock
from recoup.ledger import ImportRow, Ledger, Mirrored

CUSTOMERS = 50
"""Marked customers on a page: one request to Stripe for each."""


@dataclass
class CardMirror:
    """The activities of :mod:`workflows.mirror`."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    pace: Pace
    import_every: timedelta = timedelta(days=7)
    """How long a reading of all subscriptions is good for; webhooks tell what changes in between."""

    @activity.defn(name=CardActivity.IMPORT_PAGE.value, no_thread_cancel_exception=True)
    def import_page(self) -> Imported:
        """Read the next page of an import that is under way or due; how far it came is the ledger's to know."""
        now = self.clock.now()
        due = self.ledger.mirror.begin_import(now, now - self.import_every)
        if due is None:
            return Imported(at=now, looked=0, more=False)
        self.pace.wait_for()
        read_at = self.clock.now()
        with stripe_errors("list the subscriptions"):
            page = self._page(due)
        if page is None:
            self.ledger.mirror.restart_import(due)
            return Imported(at=read_at, looked=0, more=True)
        self.ledger.mirror.write_page(due, page, page.looked, page.after, read_at)
        return Imported(at=self.clock.now(), looked=page.looked, more=page.after is not None)

    @activity.defn(name=CardActivity.CATCH_UP.value, no_thread_cancel_exception=True)
    def catch_up(self, order: CatchUpOrder) -> CaughtUp:
        """Read marked customers again, oldest mark first. What is marked from now on waits: there is always an end."""
        until = order.marked_before or self.clock.now()
        marks = [mark for mark in self.ledger.mirror.marked(CUSTOMERS) if mark.marked_at <= until]
        for mark in marks:
            self.pace.wait_for()
            read_at = self.clock.now()
            with stripe_errors(f"list the subscriptions of {mark.customer}"):
                found = self._customer(mark.customer)
            self.ledger.mirror.write_customer(mark, found, read_at)
        more = len(marks) == CUSTOMERS
        return CaughtUp(at=self.clock.now(), read=len(marks), more=more, marked_before=until)

    def _page(self, due: ImportRow) -> RenewalsPage | None:
        """None where Stripe does not know any more where the page before ended."""
        try:
            return read_renewals(self.client, due.after)
        except InvalidRequestError as error:
            if due.after is None or error.param != "starting_after":
                raise
            return None

    def _customer(self, customer: str) -> Mirrored:
        """Nothing at all of a customer whom Stripe does not know any more."""
        try:
            return read_customer_renewals(self.client, customer)
        except InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return Mirrored()
