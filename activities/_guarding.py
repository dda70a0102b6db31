"""The network guard as an attempt meets it: which history counts for the method that is about to be charged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from stripe import StripeClient

from activities.complaints import hear_complaints
from activities.contracts import AttemptOrder
from recoup.billing import ChargeState, InvoiceState, read_all_charges
from recoup.billing.invoices import Method, charges_of_customer
from recoup.ledger import AttemptCounts, AttemptRow, Ledger, ObservedCharge, Verdict
from recoup.rules.case import Trigger
from recoup.rules.codes import scheme_of
from recoup.rules.declines import Decline
from recoup.rules.networks import MONTH, may_attempt

_NEW_METHOD = frozenset({Trigger.CARD_UPDATE, Trigger.ACCOUNT_UPDATER})


def recognised(method: Method, charges: Sequence[ChargeState]) -> Method:
    """The method with the card that its charges show, where Stripe tells no fingerprint of the method itself (old sources).

    Where the charges show none either the method's id stands for the card.
    """
    if method.fingerprint is not None or scheme_of(method.type) is not None:
        return method
    shown = next((charge for charge in charges if charge.method == method.id and charge.fingerprint), None)
    if shown is None:
        return method.model_copy(update={"fingerprint": method.id})
    return method.model_copy(update={"fingerprint": shown.fingerprint, "brand": method.brand or shown.brand})


def network_guard(
    order: AttemptOrder, state: InvoiceState, method: Method, others: Sequence[ChargeState], cap: int
) -> Callable[[AttemptCounts], Verdict]:
    """The question that the ledger asks in the transaction that counts the attempt.

    A card answers for everything it has seen. Any other method answers for this debt alone: the attempts of ``others``, above
    all Stripe's own, and ours.
    """

    def verdict(counts: AttemptCounts) -> Verdict:
        attempts, last = counts.attempts, counts.final_no.decline if counts.final_no else None
        if scheme_of(method.type) is not None:
            presented = _by_others(order, state, method, others, counts)
            attempts = (*presented, *(past.at for past in counts.of_debt))
            last = _refused_debit(order, method)
        said = may_attempt(method.brand, attempts, last, counts.at, cap, method.type)
        return Verdict(allowed=said.allowed, because=said.because, not_before=said.not_before)

    return verdict


def changed(row: AttemptRow, state: InvoiceState) -> str | None:
    """What is not any more as the reservation has frozen it."""
    if (state.remaining.amount, state.remaining.currency) != (row.amount, row.currency):
        return "what is owed changed after the attempt was reserved"
    if state.method is None or state.method.id != row.payment_method:
        return "the payment method changed after the attempt was reserved"
    return None


def refused_since(
    ledger: Ledger, row: AttemptRow, method: Method | None, at: datetime, cap: int
) -> str | None:
    """Why a reserved attempt must not go out any more: what else its card has seen since then.

    Only a card can have seen more; any other method answers for this debt alone, which has one attempt at a time.
    """
    if row.fingerprint is None or method is None or scheme_of(method.type) is not None:
        return None
    counts = ledger.attempts.seen_besides(row, at)
    last = counts.final_no.decline if counts.final_no else None
    said = may_attempt(row.brand, counts.attempts, last, at, cap)
    return None if said.allowed else said.because


def count_others(
    client: StripeClient,
    ledger: Ledger,
    state: InvoiceState,
    latest: Sequence[ChargeState],
    at: datetime,
) -> tuple[list[ChargeState], list[ChargeState]]:
    """Read the charges that are not ours, and count the refused ones in case no webhook has told of them.

    ``latest`` are the latest charges of the invoice's payments; the earlier ones of each are read here. What else the customer's
    cards have seen, for whatever debt, is counted too: while nobody listened Stripe may have tried the same card for several, and
    the customer may have disputed one.

    Returns:
        The charges of this invoice that are not ours, and all that were read: what a card may be recognised by.
    """
    ours = {row.charge for row in ledger.attempts.of_invoice(state.id)}
    read = read_all_charges(client, latest)
    others = [charge for charge in read if charge.id not in ours]
    for charge in others:
        _count(ledger, state, charge, at, invoice=state.id)
    known = {charge.id for charge in read}
    besides = [each for each in charges_of_customer(client, state.customer) if each.id not in known]
    for charge in besides:
        if charge.fingerprint is not None and charge.at > at - MONTH:
            _count(ledger, state, charge, at, invoice=None)
    failed_at = min((charge.at for charge in read), default=at)
    hear_complaints(client, ledger, state.id, state.customer, [*read, *besides], failed_at, at)
    return others, [*read, *besides]


def _count(
    ledger: Ledger, state: InvoiceState, charge: ChargeState, at: datetime, *, invoice: str | None
) -> None:
    if charge.status != "failed":
        return
    seen = ObservedCharge(
        charge=charge.id,
        invoice=invoice,
        customer=state.customer,
        fingerprint=charge.fingerprint,
        brand=charge.brand,
        amount=charge.amount or state.remaining.amount,
        currency=charge.currency or state.remaining.currency,
        failed=True,
        decline=charge.decline,
        made_at=charge.at,
    )
    ledger.attempts.observe(seen, at)


def _by_others(
    order: AttemptOrder,
    state: InvoiceState,
    method: Method,
    others: Sequence[ChargeState],
    counts: AttemptCounts,
) -> tuple[datetime, ...]:
    """When others presented the debt to this method; Stripe's own count leaves attempts through the API out.

    To one that came later Stripe may have presented it too, where its own retries are left on: the charges tell.
    """
    shown = tuple(min(charge.at, counts.at) for charge in others if charge.method == method.id)
    first_of_ours = counts.of_debt[0].trigger if counts.of_debt else order.trigger
    if first_of_ours in _NEW_METHOD:
        return shown
    first = min((charge.at for charge in others), default=counts.at)
    missing = max(state.attempt_count, 1) - len(shown)
    return (*shown, *(min(first, counts.at),) * missing)


def _refused_debit(order: AttemptOrder, method: Method) -> Decline | None:
    """Why this method refused this debt; a new mandate starts afresh, even for the same account."""
    if order.trigger in _NEW_METHOD or order.decline is None or order.decline.method_type != method.type:
        return None
    return order.decline
