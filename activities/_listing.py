"""What a message lists: the invoice it is about, and all that the customer owes beside it, or has paid along with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from stripe import StripeClient

from activities._ending import ended_for_us
from activities.contracts import MessageOrder
from recoup.billing.admission import refusal
from recoup.billing.customers import open_invoice
from recoup.billing.invoices import invoice_state
from recoup.ledger import CaseRow, Ledger, SaidOf
from recoup.messages import OpenInvoice
from recoup.rules.base import days
from recoup.rules.case import AttemptState, MessageState, Template
from recoup.rules.conversation import SAME_DAY, Said
from recoup.rules.policy import Campaign

_EXPAND = ["data.parent.subscription_details.subscription"]

_OWN = {
    Template.LAST_NOTICE: Said.NOTICE,
    Template.SUSPENDED: Said.SUSPENDED,
    Template.RECOVERED: Said.PAID,
}


_WENT_OUT = (MessageState.SENDING, MessageState.SENT, MessageState.UNKNOWN)


@dataclass(frozen=True)
class Listed:
    """One invoice of a message: how it is shown, and what is said of it."""

    item: OpenInvoice
    says: SaidOf
    subscription: str | None
    suspend_at: datetime | None = None
    """When its access ends if nothing is paid."""


@dataclass(frozen=True)
class Listing:
    """Finds what a message lists."""

    client: StripeClient
    ledger: Ledger

    def of(self, order: MessageOrder, now: datetime) -> list[Listed]:
        """The message's own invoice first, then the others, oldest failure first."""
        if order.template is Template.RECOVERED:
            others = list(self._recovered(order, now))
            own = self._retrieved(order.invoice)
        else:
            found = self._open(order.customer)
            own = found.get(order.invoice) or self._retrieved(order.invoice)
            others = list(self._owed(order, found, now))
        case = self.ledger.cases.get(order.case_id)
        says = SaidOf(
            invoice=order.invoice,
            said=_OWN.get(order.template, Said.OPEN),
            suspend_at=order.suspend_at if order.template is Template.LAST_NOTICE else None,
        )
        failed_at = case.failed_at if case else now
        mine = Listed(open_invoice(own, failed_at=failed_at), says, order.subscription, order.suspend_at)
        return [mine, *sorted(others, key=lambda listed: listed.item.failed_at)]

    # -- what is owed --------------------------------------------------------------------------------------------------

    def _owed(self, order: MessageOrder, found: dict[str, dict[str, Any]], now: datetime) -> Iterator[Listed]:
        """The customer's other open invoices: those of cases, of suspensions, and failed ones that will be cases soon."""
        running = {case.invoice: case for case in self.ledger.cases.open_of_customer(order.customer)}
        suspended = {case.invoice: case for case in self.ledger.cases.suspended_of_customer(order.customer)}
        known = self.ledger.cases.known(found)
        for invoice, data in found.items():
            case = running.get(invoice) or suspended.get(invoice)
            if invoice == order.invoice or not self._is_owed(data, case, is_new=invoice not in known):
                continue
            yield self._listed(order, data, case, now, is_suspended=invoice in suspended)

    def _is_owed(self, data: dict[str, Any], case: CaseRow | None, *, is_new: bool) -> bool:
        state = invoice_state(data)
        if case is None and not (is_new and data.get("attempted") and refusal(state) is None):
            return False
        attempt = self.ledger.attempts.unsettled(state.id)
        if attempt is not None and attempt.state is not AttemptState.RESERVED:
            return False  # A payment is on its way: who is asked for another one might pay twice.
        return state.is_open and ended_for_us(self.ledger, state) is None

    def _listed(
        self,
        order: MessageOrder,
        data: dict[str, Any],
        case: CaseRow | None,
        now: datetime,
        *,
        is_suspended: bool,
    ) -> Listed:
        said, ends = Said.OPEN, None
        if is_suspended and order.template is Template.SUSPENDED:
            said = Said.SUSPENDED
        elif case is not None and case.is_open and not case.is_return:
            ends, is_due = self._end(case, now)
            said = Said.NOTICE if is_due and order.template is Template.LAST_NOTICE else said
        says = SaidOf(invoice=data["id"], said=said, suspend_at=ends if said is Said.NOTICE else None)
        item = open_invoice(data, failed_at=case.failed_at if case else now)
        return Listed(item, says, case.subscription if case else None, ends)

    def _end(self, case: CaseRow, now: datetime) -> tuple[datetime | None, bool]:
        """When a case's access would end, and whether its last notice is due today and not said yet."""
        try:
            campaign = Campaign.model_validate(case.policy)
        except ValidationError:  # begun by another release
            return None, False
        planned = case.failed_at + days(campaign.suspend_after_days)
        notices = [
            row.suspend_at
            for row in self.ledger.messages.said_of(case.invoice)
            if row.said is Said.NOTICE and row.stands_for is not None and row.suspend_at is not None
        ]
        if notices:
            return max(planned, *notices), False
        due = planned - days(campaign.warning.days_before)
        if due > now + SAME_DAY:
            return planned, False
        return max(planned, now + days(campaign.warning.days_before)), True

    # -- what is paid --------------------------------------------------------------------------------------------------

    def _recovered(self, order: MessageOrder, now: datetime) -> Iterator[Listed]:
        """What the customer was told of, what has been paid today, and what nobody has thanked for yet."""
        for case in self.ledger.cases.recovered_of_customer(order.customer, now - SAME_DAY):
            said = self.ledger.messages.said_of(case.invoice)
            told = any(row.stands_for is not None for row in said)
            thanked = any(row.said is Said.PAID and self._went_out(row.message) for row in said)
            if case.invoice != order.invoice and told and not thanked:
                item = open_invoice(self._retrieved(case.invoice), failed_at=case.failed_at)
                yield Listed(item, SaidOf(invoice=case.invoice, said=Said.PAID), case.subscription)

    def _went_out(self, message: str) -> bool:
        row = self.ledger.messages.get(message)
        return row is not None and row.state in _WENT_OUT

    def _open(self, customer: str) -> dict[str, dict[str, Any]]:
        asked: Any = {"customer": customer, "status": "open", "limit": 100, "expand": _EXPAND}
        found = self.client.v1.invoices.list(asked)
        return {invoice.id: invoice.to_dict() for invoice in found.auto_paging_iter() if invoice.id}

    def _retrieved(self, invoice: str) -> dict[str, Any]:
        return self.client.v1.invoices.retrieve(invoice).to_dict()
