"""What Stripe itself tries with an invoice, where its own retries are left on: when, and whether it was Stripe that collected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recoup.billing import ChargeState, InvoiceState
from recoup.ledger import Ledger
from recoup.rules.case import Trigger
from recoup.rules.policy import Retries, RetryMode
from recoup.rules.weaving import StripeTries, first_clear

PAYMENT_FAILED = "webhook.payment_failed"
"""Kind of the ledger's events about failed payments; their ``attempt_count`` tells Stripe's own attempts from others."""


@dataclass(frozen=True)
class NearStripe:
    """Why a scheduled attempt is not made beside one of Stripe's own, and from when on it may be."""

    because: str
    clear: datetime
    tries: StripeTries | None


def retries_of(ledger: Ledger, case_id: str) -> Retries:
    """How the campaign that a case carries retries."""
    row = ledger.cases.get(case_id)
    return Retries.model_validate(row.policy["retries"]) if row is not None else Retries()


def tries_of_stripe(
    ledger: Ledger, retries: Retries, state: InvoiceState, charges: Sequence[ChargeState]
) -> StripeTries | None:
    """Stripe's attempts at an invoice as a reading shows them; ``None`` where Recoup alone retries.

    A charge that is not ours may be the customer's own; a distance kept from it too does no harm.
    """
    if retries.mode is RetryMode.OWN:
        return None
    ours = {row.charge for row in ledger.attempts.of_invoice(state.id)}
    others = [charge.at for charge in charges if charge.id not in ours]
    return StripeTries(last=max(others, default=None), coming=state.next_payment_attempt)


def clear_from(
    trigger: Trigger, retries: Retries, tries: StripeTries | None, now: datetime
) -> datetime | None:
    """When an attempt keeps its distance from Stripe's own ones; ``None`` where it does so now, or need not.

    A card update and an operator's wish do not wait for Stripe's schedule.
    """
    if tries is None or trigger is not Trigger.SCHEDULE:
        return None
    clear = first_clear(now, tries, timedelta(hours=retries.stripe_distance_hours))
    return clear if clear > now else None


def tries_told(ledger: Ledger, invoice: str, customer: str) -> int:
    """How many automatic attempts at the invoice were told as failed."""
    told = ledger.events.of_kind(PAYMENT_FAILED, customer, invoice)
    counts = [row.data.get("attempt_count") for row in told]
    return max((count for count in counts if isinstance(count, int)), default=0)


def collected_by_stripe(ledger: Ledger, invoice: str, customer: str, attempt_count: int) -> bool:
    """The best guess: Stripe's retries were on, and one more automatic attempt was made than is known to have failed.

    Only Stripe's automatic attempts raise ``attempt_count``: neither Recoup's nor the customer's do.
    """
    takeover = ledger.invoices.takeover(invoice)
    if takeover is not None and takeover.released_at is None:
        return False
    return 0 < tries_told(ledger, invoice, customer) < attempt_count
