"""What an invoice's payments say beside their charges: one that waits for the customer, or was refused before any charge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stripe import StripeClient

from recoup.billing.invoices import ChargeState, Method, charges_of, list_payments, object_of
from recoup.billing.outcomes import decline_of_charge, decline_of_refusal
from recoup.rules.base import Wire
from recoup.rules.declines import AUTHENTICATION_CODES, Decline


class Unmade(Wire):
    """A charge that was not made, and why."""

    decline: Decline
    method: str | None
    """What would have been charged."""


class InvoicePayments(Wire):
    """An invoice's payments as they stand."""

    charges: tuple[ChargeState, ...]
    """The latest charge of each, newest first."""
    unmade: Unmade | None = None

    def decline(self, method: Method | None) -> Decline | None:
        """Why ``method`` does not pay: the charge that could not be made with it, or else the latest one's refusal."""
        if self.unmade is not None and method is not None and self.unmade.method in (None, method.id):
            return self.unmade.decline
        return decline_of_charge(self.latest)

    @property
    def latest(self) -> ChargeState | None:
        """The newest charge."""
        return self.charges[0] if self.charges else None

    @property
    def tried_with(self) -> str | None:
        """The method that was tried last; ``None`` where nothing tells."""
        if self.unmade is not None:
            return self.unmade.method
        return self.latest.method if self.latest else None


def read_payments(client: StripeClient, invoice: str) -> InvoicePayments:
    """Read an invoice's payments: one call."""
    return payments_of(list_payments(client, invoice))


def payments_of(payments: Sequence[dict[str, Any]]) -> InvoicePayments:
    """What a list of invoice payments says, each expanded down to its latest charge."""
    return InvoicePayments(
        charges=tuple(charges_of(payments)),
        unmade=next((unmade for payment in payments if (unmade := _unmade(payment))), None),
    )


def _unmade(payment: dict[str, Any]) -> Unmade | None:
    """What the invoice's own payment says where no charge says it.

    A bank, or a rule of the account's, can ask for 3-D Secure before there is any charge (Stripe, "PaymentIntent", status
    ``requires_action``); when that fails only the intent's ``last_payment_error`` tells of it.
    """
    intent = object_of((payment.get("payment") or {}).get("payment_intent"))
    if not payment.get("is_default", True):
        return None
    error = intent.get("last_payment_error") or {}
    if intent.get("status") == "requires_action":
        told = decline_of_refusal(error) if error else None
        needs = (
            told if told and told.code in AUTHENTICATION_CODES else Decline(code="authentication_required")
        )
        return Unmade(decline=needs, method=object_of(intent.get("payment_method")).get("id"))
    if intent.get("status") == "requires_payment_method" and error and not intent.get("latest_charge"):
        refused = object_of(error.get("payment_method")).get("id")
        return Unmade(decline=decline_of_refusal(error), method=refused)
    return None
