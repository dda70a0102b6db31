"""Collecting an invoice exactly once.

The order of things is the safeguard: the ledger reserves the attempt with its number and freezes its parameters; then the
invoice is read once more; then Stripe is asked, with the key ``recoup/{invoice}/{number}``. An answer that does not come is
never taken for a refusal: the same key is sent again while Stripe remembers it, afterwards only reading decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import stripe
from stripe import CardError, InvalidRequestError, StripeClient
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities._double_payments import DoublePayments
from activities._ending import BEING_PAID, ended_for_us
from activities._guarding import changed, count_others, network_guard, recognised, refused_since
from activities._not_made import not_made, nothing_sent
from activities._own_payment import answer_to, latest_payment, our_payment, stands
from activities._unwanted_payments import UnwantedPayments, given_back
from activities._waits import DEBIT_CHECK, KEY_LIFETIME, QUICK_TRIES, QUIET
from activities.contracts import AttemptOrder, AttemptReport, SettleOrder
from activities.records import report_unknown
from activities.stripe_tries import NearStripe, clear_from, retries_of, tries_of_stripe
from recoup.billing import ChargeState, InvoiceState, read_charges, read_invoice
from recoup.billing.client import NETWORK_RETRIES
from recoup.billing.invoices import is_being_paid
from recoup.billing.outcomes import charge_of_error, read_decline
from recoup.clock import Clock
from recoup.learning.facts import keep_card
from recoup.ledger import AttemptResult, AttemptRow, Ledger, ReserveAttempt
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.declines import Decline, read
from recoup.rules.fold import NO_METHOD
from recoup.rules.networks import DEFAULT_CAP
from recoup.rules.policy import RacedPayments, RetryMode
from recoup.rules.weaving import StripeTries, beside_stripe

_PAY_EXPAND = ["payments.data.payment.payment_intent"]


@dataclass
class Collector:
    """Makes attempts and finds out what became of them."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    cap: int = DEFAULT_CAP
    """The operator's own limit of attempts on one card in 30 days."""
    raced: RacedPayments = RacedPayments.REFUND
    """What becomes of our payment where the customer paid at the same moment."""
    reading_only: bool = False
    """Settle by what can be read, and never ask Stripe to pay: for attempts that no case stands behind any more."""

    def collect(self, order: AttemptOrder) -> AttemptReport:
        """Make the attempt that this order asks for, or go on with it where it was left."""
        row = self._begun(order)
        if row is None:
            reserved = self._reserve(order)
            if isinstance(reserved, AttemptReport):
                return reserved
            row = reserved
        return self._carry_on(row)

    def _begun(self, order: AttemptOrder) -> AttemptRow | None:
        """This order's own attempt, or another of the invoice that is open or has paid it: none is begun beside it."""
        rows = self.ledger.attempts.of_invoice(order.invoice)
        own = next((row for row in rows if row.request == order.request), None)
        return own or next((row for row in rows if stands(row)), None)

    def settle(self, order: SettleOrder) -> AttemptReport:
        """Find out what became of an attempt that has no final answer yet."""
        rows = self.ledger.attempts.of_invoice(order.invoice)
        if order.number == 0:
            standing = next((row for row in rows if stands(row)), None)
            return self._carry_on(standing) if standing else nothing_sent(self.clock.now(), order.trigger)
        row = next((row for row in rows if row.number == order.number), None)
        if row is None:
            raise ApplicationError(
                f"The ledger knows no attempt {order.number} of {order.invoice}", non_retryable=True
            )
        return self._carry_on(row)

    def _reserve(self, order: AttemptOrder) -> AttemptRow | AttemptReport:
        """Number and freeze the attempt; a report instead where there is nothing to attempt."""
        state = read_invoice(self.client, order.invoice)
        if ended := ended_for_us(self.ledger, state):
            return not_made(self.clock.now(), order.trigger, ended[1], ended=ended[0])
        charges = read_charges(self.client, order.invoice)
        if is_being_paid(charges):
            return not_made(
                self.clock.now(), order.trigger, BEING_PAID, not_before=self.clock.now() + DEBIT_CHECK
            )
        if near := self._near_stripe(order.case_id, order.trigger, state, charges):
            return not_made(
                self.clock.now(), order.trigger, near.because, not_before=near.clear, stripe=near.tries
            )
        if state.method is None:
            return not_made(self.clock.now(), order.trigger, "the customer has no payment method to charge")
        others, shown = count_others(self.client, self.ledger, state, charges, self.clock.now())
        method = recognised(state.method, shown)
        keep_card(self.ledger, order.case_id, order.invoice, order.customer, method, self.clock.now())
        reservation = self.ledger.attempts.reserve(
            ReserveAttempt(
                invoice=order.invoice,
                case_id=order.case_id,
                request=order.request,
                trigger=order.trigger,
                payment_method=method.id,
                fingerprint=method.fingerprint,
                brand=method.brand,
                amount=state.remaining.amount,
                currency=state.remaining.currency,
                latest_charge=charges[0].id if charges else None,
            ),
            self.clock.now(),
            guard=network_guard(order, state, method, others, self.cap),
        )
        if reservation.refused is not None:
            return not_made(
                self.clock.now(),
                order.trigger,
                reservation.refused.because,
                not_before=reservation.refused.not_before,
            )
        if reservation.attempt is None:
            raise ApplicationError(f"The ledger gave no attempt for {order.invoice}", non_retryable=True)
        return reservation.attempt

    def _near_stripe(
        self, case_id: str, trigger: Trigger, state: InvoiceState, charges: list[ChargeState] | None = None
    ) -> NearStripe | None:
        """Whether Stripe has just tried by itself or soon will: the last look at its schedule before ours is sent."""
        retries = retries_of(self.ledger, case_id)
        if retries.mode is not RetryMode.WEAVE or trigger is not Trigger.SCHEDULE:
            return None
        seen = read_charges(self.client, state.id) if charges is None else charges
        tries = tries_of_stripe(self.ledger, retries, state, seen)
        clear = clear_from(trigger, retries, tries, self.clock.now())
        because = beside_stripe(retries.stripe_distance_hours)
        return NearStripe(because, clear, tries) if clear is not None else None

    def _carry_on(self, row: AttemptRow) -> AttemptReport:
        """Bring an attempt one step further, from whatever state it is in."""
        if row.state.is_settled:
            return self._report(row)
        if row.state is not AttemptState.RESERVED:
            return self._find_out(row)
        return self._withdraw(row, "Stripe was never asked") if self.reading_only else self._begin(row)

    def _begin(self, row: AttemptRow) -> AttemptReport:
        """Stripe has not been asked yet: read once more what is true now, then ask."""
        state = read_invoice(self.client, row.invoice)
        if ended := ended_for_us(self.ledger, state):
            return self._withdraw(row, ended[1], ended=ended[0])
        if near := self._near_stripe(row.case_id, row.trigger, state):
            return self._withdraw(row, near.because, stripe=near.tries)
        if outdated := self._outdated(row, state):
            return self._withdraw(row, outdated)
        sent = self.ledger.attempts.mark_sent(row.id, self.clock.now())
        # Another worker may have settled it meanwhile; then it is not ours to send any more.
        return self._report(sent) if sent.state.is_settled else self._pay(sent)

    def _outdated(self, row: AttemptRow, state: InvoiceState) -> str | None:
        """Why what was reserved is not to be sent any more: another attempt, with what is true now, takes its place."""
        if because := changed(row, state):
            return because
        if activity.is_cancelled():
            return "the case has heard something else meanwhile"
        if self.clock.now() - row.reserved_at >= QUIET:
            return "it was reserved long ago, and what its card has seen since must be counted first"
        return refused_since(self.ledger, row, state.method, self.clock.now(), self.cap)

    def _pay_again(self, row: AttemptRow) -> AttemptReport:
        """The same key and parameters once more, unless another worker has settled the attempt meanwhile."""
        before = self.ledger.attempts.ask_again(row.id, self.clock.now())
        # Without retries of the SDK's: an answer that Stripe repeats is then known to be an earlier request's.
        return self._report(before) if before.state.is_settled else self._pay(before, retries=0)

    def _pay(self, row: AttemptRow, retries: int = NETWORK_RETRIES) -> AttemptReport:
        """Ask Stripe, with the frozen parameters and the attempt's own key."""
        try:
            paid = self.client.v1.invoices.pay(
                row.invoice,
                {"payment_method": row.payment_method, "off_session": True, "expand": _PAY_EXPAND},
                {"idempotency_key": row.key, "max_network_retries": retries},
            )
        except CardError as error:
            return self._declined(row, read_decline(self.client, error), charge_of_error(error))
        except InvalidRequestError as error:
            return self._refused(row, error)
        except stripe.RateLimitError:
            # Refused before execution: the same key goes out again when Temporal tries again.
            raise
        except (stripe.APIConnectionError, stripe.APIError, stripe.IdempotencyError) as error:
            return self._unanswered(row, error)
        return self._answered(row, paid.to_dict())

    def _answered(self, row: AttemptRow, invoice: dict[str, Any]) -> AttemptReport:
        charge, intent, status = latest_payment(invoice)
        if invoice.get("status") == "paid":
            charges = read_charges(self.client, row.invoice)
            ours = our_payment(row, charges)
            charge, intent = (ours.id, ours.payment_intent) if ours else (charge, intent)
            state = read_invoice(self.client, row.invoice)
            return self._paid(row, charge, intent, "the bank approved", charges, state)
        if status == "processing":
            return self._pending(row, charge, intent)
        if status == "requires_action":
            return self._declined(row, Decline(code="authentication_required"), charge)
        # Neither paid nor refused: reading may tell more, and asking the same at once would only be answered the same.
        self.ledger.attempts.mark_unknown(row.id, self.clock.now(), "Stripe answered without a result")
        return self._find_out(row, may_send=False)

    def _paid(
        self,
        row: AttemptRow,
        charge: str | None,
        intent: str | None,
        because: str,
        charges: list[ChargeState],
        state: InvoiceState,
    ) -> AttemptReport:
        """Our attempt was paid; whether more came in than was due is looked at before it is settled."""
        for race in (DoublePayments, UnwantedPayments):
            race(self.client, self.ledger, self.clock, self.raced).look(row, charge, charges, state)
        result = AttemptResult(state=AttemptState.PAID, charge=charge, payment_intent=intent, because=because)
        return self._settled(row, result)

    def _declined(self, row: AttemptRow, decline: Decline, charge: str | None) -> AttemptReport:
        known = decline if decline.brand else decline.model_copy(update={"brand": row.brand})
        report_unknown(self.ledger, known, self.clock.now(), row.invoice)
        reading = read(known)
        result = AttemptResult(
            state=AttemptState.DECLINED,
            charge=charge,
            decline=known,
            decline_class=reading.decline_class,
            because=reading.because,
        )
        return self._settled(row, result)

    def _refused(self, row: AttemptRow, error: InvalidRequestError) -> AttemptReport:
        """Stripe would not even try: the invoice has ended meanwhile, or the method cannot be charged."""
        state = read_invoice(self.client, row.invoice)
        charges = read_charges(self.client, row.invoice)
        if ended_for_us(self.ledger, state):
            return self._ended_meanwhile(row, state, charges)
        if is_being_paid(charges):
            return self._skip(row, BEING_PAID)
        if error.code in ("lock_timeout", "idempotency_key_in_use", "rate_limit"):
            return self._unanswered(row, error)
        if read(asked := Decline(code=error.code or "")).needs_authentication:
            answered = answer_to(row, charges)
            return self._declined(row, asked, answered.id if answered else None)
        result = AttemptResult(
            state=AttemptState.DECLINED,
            decline=NO_METHOD,
            decline_class=read(NO_METHOD).decline_class,
            because=f"Stripe cannot charge this payment method ({error.code or 'invalid request'})",
        )
        return self._settled(row, result)

    def _unanswered(self, row: AttemptRow, error: stripe.StripeError) -> AttemptReport:
        """No answer, a conflict or a failure of Stripe's: it may have charged. Never a decline."""
        why = f"no final answer from Stripe ({type(error).__name__}, HTTP {error.http_status or 'none'})"
        stored = (error.headers or {}).get("idempotent-replayed") == "true"
        # The key was used for something else, before the ledger was restored from a copy say: it will never do for this.
        stored = stored or isinstance(error, stripe.IdempotencyError)
        if stored and self.clock.now() - row.counted_at >= QUIET:
            # Stripe stored its own failure under the key and will only repeat it; reading showed that nothing was charged.
            return self._skip(row, "Stripe failed and charged nothing")
        self.ledger.attempts.mark_unknown(row.id, self.clock.now(), why)
        if activity.info().attempt < QUICK_TRIES and not stored:
            raise ApplicationError(f"Attempt {row.number} of {row.invoice}: {why}") from None
        return self._open_report(row, AttemptState.UNKNOWN, why, QUIET)

    def _find_out(self, row: AttemptRow, *, may_send: bool = True) -> AttemptReport:
        """Stripe was asked and no final answer is known: read, then decide what may be done."""
        state = read_invoice(self.client, row.invoice)
        charges = read_charges(self.client, row.invoice)
        if ended_for_us(self.ledger, state):
            return self._ended_meanwhile(row, state, charges)
        if answered := answer_to(row, charges):
            if answered.status == "failed":
                return self._declined(row, answered.decline or Decline(), answered.id)
            return self._pending(row, answered.id, answered.payment_intent)
        now, sent = self.clock.now(), row.sent_at or row.reserved_at
        if may_send and now - sent < KEY_LIFETIME and self._may_go_out_again(row, state, charges):
            return self._pay_again(row)
        if now - max(sent, row.counted_at) >= QUIET:
            return self._give_up(row)
        return self._open_report(row, AttemptState.UNKNOWN, "the attempt may still be under way", QUIET)

    def _may_go_out_again(self, row: AttemptRow, state: InvoiceState, charges: list[ChargeState]) -> bool:
        """The key stands for the frozen amount and method, and the guard for each request: what is true now may forbid it."""
        if self.reading_only or activity.is_cancelled() or changed(row, state):
            return False
        if self._near_stripe(row.case_id, row.trigger, state, charges):
            return False
        count_others(self.client, self.ledger, state, charges, self.clock.now())
        refused = refused_since(self.ledger, row, state.method, self.clock.now(), self.cap)
        return refused is None and ended_for_us(self.ledger, state) is None

    def _ended_meanwhile(
        self, row: AttemptRow, state: InvoiceState, charges: list[ChargeState]
    ) -> AttemptReport:
        """The invoice has ended while this attempt was open: was it this attempt that paid it?"""
        ours = our_payment(row, charges)
        if state.status == "paid" and ours is not None:
            because = "the bank approved"
            if row.state is not AttemptState.PENDING:
                because = "the bank approved; the answer was lost and found again by reading"
            return self._paid(row, ours.id, ours.payment_intent, because, charges, state)
        outcome, because = ended_for_us(self.ledger, state) or (
            Outcome.CLOSED_EXCLUDED,
            "the invoice has ended",
        )
        answered = answer_to(row, charges)
        if answered is not None and answered.status == "failed":
            report = self._declined(row, answered.decline or Decline(), answered.id)
            return report.model_copy(update={"ended": outcome, "because": because})
        if state.is_payable and (waits := self._may_still_pay(row, charges, answered)):
            return waits
        return self._skip(row, because, ended=outcome)

    def _may_still_pay(
        self, row: AttemptRow, charges: list[ChargeState], answered: ChargeState | None
    ) -> AttemptReport | None:
        """Cancelled, disputed or written off, but payable: what was sent before may yet come through, and must be known."""
        if answered is not None:
            return self._pending(row, answered.id, answered.payment_intent)
        if row.state is AttemptState.PENDING and is_being_paid(charges):
            return self._open_report(row, row.state, "the bank still has the debit", DEBIT_CHECK)
        if self.clock.now() - max(row.sent_at or row.reserved_at, row.counted_at) < QUIET:
            return self._open_report(row, AttemptState.UNKNOWN, "it may still be under way", QUIET)
        return None

    def _withdraw(
        self,
        row: AttemptRow,
        because: str,
        *,
        ended: Outcome | None = None,
        stripe: StripeTries | None = None,
    ) -> AttemptReport:
        """Skip what was only reserved; another worker may have begun to send it just now, and then its answer counts."""
        now = self.clock.now()
        withdrawn = self.ledger.attempts.withdraw(row.id, because, now)
        if not withdrawn.state.is_settled:
            return self._open_report(withdrawn, withdrawn.state, "somebody is sending it just now", QUIET)
        return self._report(withdrawn).model_copy(update={"ended": ended, "stripe": stripe})

    def _give_up(self, row: AttemptRow) -> AttemptReport:
        """Nothing came of it in the quiet time; another worker may have asked again since the row was read."""
        because = "Stripe never executed the attempt"
        given = self.ledger.attempts.give_up(row.id, because, self.clock.now(), asked_until=row.counted_at)
        if given.state.is_settled:
            return self._report(given)
        return self._open_report(given, given.state, "the attempt may still be under way", QUIET)

    def _pending(self, row: AttemptRow, charge: str | None, intent: str | None) -> AttemptReport:
        because = "the bank has accepted the debit; its result takes days"
        self.ledger.attempts.mark_pending(row.id, self.clock.now(), charge=charge, payment_intent=intent)
        return self._open_report(row, AttemptState.PENDING, because, DEBIT_CHECK)

    def _skip(self, row: AttemptRow, because: str, *, ended: Outcome | None = None) -> AttemptReport:
        result = AttemptResult(state=AttemptState.SKIPPED, because=because)
        return self._settled(row, result).model_copy(update={"ended": ended})

    def _settled(self, row: AttemptRow, result: AttemptResult) -> AttemptReport:
        return self._report(self.ledger.attempts.settle(row.id, result, self.clock.now()))

    def _report(self, row: AttemptRow) -> AttemptReport:
        ended, because = given_back(self.ledger, row) or (None, row.because or row.state.value)
        return AttemptReport(
            at=self.clock.now(),
            number=row.number,
            state=row.state,
            trigger=row.trigger,
            because=because,
            decline=row.decline,
            payment_method=row.payment_method,
            ended=ended,
        )

    def _open_report(
        self, row: AttemptRow, state: AttemptState, because: str, wait: timedelta
    ) -> AttemptReport:
        now = self.clock.now()
        return AttemptReport(
            at=now, number=row.number, state=state, trigger=row.trigger, because=because, check_at=now + wait
        )
