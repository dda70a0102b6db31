"""What a sweep looks at, page by page: the ledger's rows and Stripe's open invoices, and which of them look wrong.

What comes out are candidates: whether a workflow tends to them is asked afterwards, by the activity.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from stripe import InvalidRequestError, StripeClient

from activities.customer_words import cancelled_at
from activities.pacing import Pace
from activities.sweep_contracts import Finding, Look, LookOrder
from activities.wish_contracts import CANCELLED
from recoup.billing import ended_as, read_charges, read_invoice
from recoup.billing.invoices import InvoiceState, is_failed_renewal, object_of
from recoup.billing.subscriptions import open_invoices_of
from recoup.clock import Clock
from recoup.ledger import AccessMeans, AccessRow, CaseRow, Ledger
from recoup.rules.case import AttemptState, Outcome
from recoup.rules.money import Money

LONG_WITHOUT_RESULT = timedelta(minutes=30)
"""Longer than any activity and its quick repeats take: who has not settled an attempt by now has forgotten it."""

ROWS = 50
"""Rows of the ledger on a page that asks nobody else."""
READ_ROWS = 25
"""Rows of the ledger on a page that reads an invoice for each."""
INVOICES = 100
"""Invoices on a page of Stripe's, the most that there can be."""

_SUBSCRIPTION = "data.parent.subscription_details.subscription"
_GONE = ("canceled", "incomplete_expired")


@dataclass(frozen=True)
class Seen:
    """One page: how much was on it, what looks wrong, and where the next one begins."""

    looked: int
    candidates: list[Finding]
    after: str | None


@dataclass(frozen=True)
class Looks:
    """The five looks."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    pace: Pace
    max_age: timedelta

    def page(self, order: LookOrder) -> Seen:
        """One page of one look."""
        looks: dict[Look, Callable[[str | None], Seen]] = {
            Look.UNSETTLED_ATTEMPTS: self._unsettled_attempts,
            Look.ENDED_INVOICES: self._ended_invoices,
            Look.STOPPED_CASES: self._stopped_cases,
            Look.WITHHELD_ACCESS: self._withheld_access,
            Look.FORGOTTEN_INVOICES: self._forgotten_invoices,
        }
        return looks[order.look](order.after)

    def has_failed(self, invoice: str) -> bool:
        """Whether the invoice's latest attempt is over: a bank debit under way may yet pay it."""
        self.pace.wait_for()
        charges = read_charges(self.client, invoice)
        return not charges or (charges[0].status != "pending" and charges[0].intent_status != "processing")

    def _unsettled_attempts(self, after: str | None) -> Seen:
        old = self.clock.now() - LONG_WITHOUT_RESULT
        rows = self.ledger.attempts.list_unsettled(old, ROWS, int(after or 0))
        found = [
            Finding(
                look=Look.UNSETTLED_ATTEMPTS,
                subject=row.key,
                because=f"attempt {row.number} is {row.state} since {row.reserved_at:%Y-%m-%d %H:%M} UTC",
                case_id=row.case_id,
                invoice=row.invoice,
                customer=row.customer,
                attempt=row.number,
            )
            for row in rows
        ]
        return Seen(len(rows), found, str(rows[-1].id) if len(rows) == ROWS else None)

    def _ended_invoices(self, after: str | None) -> Seen:
        rows = self.ledger.cases.open_after(after or "", READ_ROWS)
        alone = self.ledger.exclusions.among({row.customer for row in rows})
        found = [finding for row in rows if (finding := self._ended(row) or _unheard(row, alone)) is not None]
        return Seen(len(rows), found, rows[-1].id if len(rows) == READ_ROWS else None)

    def _ended(self, case: CaseRow) -> Finding | None:
        state = self._read(case.invoice)
        outcome, because = _end_of(state)
        if outcome is Outcome.LOST_CANCELLED and cancelled_at(self.ledger, case.invoice, case.customer):
            outcome, because = Outcome.LOST_CANCELLED_BY_CUSTOMER, CANCELLED
        if outcome is None or self._case_knows(case, outcome):
            return None
        return _about(case, Look.ENDED_INVOICES, because).model_copy(
            update={"outcome": outcome, "by_stripe": state is not None and self._collected_by_stripe(state)}
        )

    def _case_knows(self, case: CaseRow, outcome: Outcome) -> bool:
        """What ended it is the case's own doing: its attempt that paid, its suspension that cancels.

        Asked after the invoice was read: the attempt is always written down before it can pay.
        """
        latest = self.ledger.attempts.latest(case.invoice)
        if latest is not None and (not latest.state.is_settled or latest.state is AttemptState.PAID):
            return True
        access = self.ledger.access.get(case.subscription) if case.subscription else None
        ours = access is not None and access.how is AccessMeans.CANCELLED
        return outcome is Outcome.LOST_CANCELLED and ours

    def _collected_by_stripe(self, state: InvoiceState) -> bool:
        """The best guess: Stripe's retries were on, and it made more than the first attempt, which had failed."""
        takeover = self.ledger.invoices.takeover(state.id)
        taken_over = takeover is not None and takeover.released_at is None
        return not taken_over and not state.paid_off_stripe and state.attempt_count > 1

    def _stopped_cases(self, after: str | None) -> Seen:
        rows = self.ledger.cases.open_after(after or "", ROWS)
        found = [
            _about(row, Look.STOPPED_CASES, "the case is open, but no workflow carries it") for row in rows
        ]
        return Seen(len(rows), found, rows[-1].id if len(rows) == ROWS else None)

    def _withheld_access(self, after: str | None) -> Seen:
        rows = self.ledger.access.suspended_after(after or "", READ_ROWS)
        found = [finding for row in rows if (finding := self._withheld(row)) is not None]
        return Seen(len(rows), found, rows[-1].subscription if len(rows) == READ_ROWS else None)

    def _withheld(self, row: AccessRow) -> Finding | None:
        case = self.ledger.cases.get(row.case_id) if row.case_id else None
        if case is None or self.ledger.cases.open_of_subscription(row.subscription):
            return None
        state = self._read(case.invoice)
        outcome, why = _end_of(state)
        # What was written off was not paid: an operator decides about that access.
        if outcome is None or outcome in (Outcome.CLOSED_UNCOLLECTIBLE, Outcome.LOST_CANCELLED):
            return None
        left = state is not None and state.subscription_status in _GONE
        if (left and row.how is not AccessMeans.CANCELLED) or self._owes(row.subscription):
            return None
        because = f"the subscription is suspended, but nothing of it is owed: {why}"
        return _about(case, Look.WITHHELD_ACCESS, because).model_copy(
            update={"subject": row.subscription, "subscription": row.subscription, "outcome": outcome}
        )

    def _owes(self, subscription: str) -> bool:
        self.pace.wait_for()
        return bool(open_invoices_of(self.client, subscription))

    def _read(self, invoice: str) -> InvoiceState | None:
        """The invoice; None where Stripe has it no more."""
        self.pace.wait_for()
        try:
            return read_invoice(self.client, invoice)
        except InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise

    def _forgotten_invoices(self, after: str | None) -> Seen:
        self.pace.wait_for()
        since = int((self.clock.now() - self.max_age).timestamp())
        found = self.client.v1.invoices.list(
            {
                "status": "open",
                "collection_method": "charge_automatically",
                "created": {"gte": since},
                "limit": INVOICES,
                "expand": [_SUBSCRIPTION],
                **({"starting_after": after} if after else {}),
            }
        )
        page = [invoice.to_dict() for invoice in found.data]
        failed = [data for data in page if is_failed_renewal(data) and not _has_left(data)]
        known = self.ledger.cases.known([data["id"] for data in failed])
        findings = [_forgotten(data) for data in failed if data["id"] not in known]
        alone = self.ledger.exclusions.among({each.customer for each in findings if each.customer})
        candidates = [each for each in findings if each.customer not in alone]
        return Seen(len(page), candidates, page[-1]["id"] if found.has_more and page else None)


def _end_of(state: InvoiceState | None) -> tuple[Outcome | None, str]:
    if state is None:
        return Outcome.CLOSED_VOIDED, "Stripe has the invoice no more"
    return ended_as(state) or (None, "")


def _about(case: CaseRow, look: Look, because: str) -> Finding:
    return Finding(
        look=look,
        subject=case.id,
        because=because,
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        subscription=case.subscription,
    )


def _unheard(case: CaseRow, alone: Collection[str]) -> Finding | None:
    """An open case of a customer who is excluded: Temporal was away when that was said."""
    if case.customer not in alone:
        return None
    because = "the customer is excluded, and the case has not heard of it"
    return _about(case, Look.ENDED_INVOICES, because).model_copy(update={"outcome": Outcome.CLOSED_STOPPED})


def _subscription_of(data: dict[str, Any]) -> dict[str, Any]:
    return object_of(data["parent"]["subscription_details"]["subscription"])


def _has_left(data: dict[str, Any]) -> bool:
    """The subscription has ended: what is left of it is not Recoup's to win back."""
    return _subscription_of(data).get("status") in _GONE


def _forgotten(data: dict[str, Any]) -> Finding:
    return Finding(
        look=Look.FORGOTTEN_INVOICES,
        subject=data["id"],
        because="the renewal failed and is still owed, but it has no case",
        case_id=data["id"],
        invoice=data["id"],
        customer=object_of(data["customer"]).get("id"),
        subscription=_subscription_of(data).get("id"),
        due=Money(amount=data["amount_remaining"], currency=data["currency"]),
    )
