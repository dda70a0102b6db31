"""The kinds of fault: what each does, and what a run must be like for it to be met."""

from __future__ import annotations

from enum import StrEnum


class Story(StrEnum):
    """What the customer's bank and the customer do when nothing goes wrong in between."""

    SOON = "soon"
    """The bank refuses a few times for want of funds, then approves."""
    NEVER = "never"
    """The bank refuses for ever; the case ends in a suspension."""
    NEW_CARD = "new_card"
    """The card is gone; the customer brings a new one after some days."""
    COMES_BACK = "comes_back"
    """Suspended first; afterwards the customer brings a new card."""
    PAYS = "pays"
    """The customer pays on the invoice's page after some days."""
    CANCELS = "cancels"
    """The customer cancels after some days."""
    CROWD = "crowd"
    """Four subscriptions fail on one card: the networks' limits are reached."""


class Method(StrEnum):
    """What the customer pays with."""

    CARD = "card"
    DEBIT = "sepa_debit"
    """A bank account: the answer to an attempt comes days later."""
    ASKS = "card_that_asks"
    """A card whose bank wants to see the customer (3-D Secure)."""


class Fault(StrEnum):
    """Everything that is done to a run, by its name in the report."""

    # The worker is killed at an effect.
    CRASH_BEFORE_PAY = "crash_before_pay"
    CRASH_AFTER_PAY = "crash_after_pay"
    CRASH_BEFORE_CHANGE = "crash_before_change"
    CRASH_AFTER_CHANGE = "crash_after_change"
    CRASH_BEFORE_READ = "crash_before_read"
    CRASH_BEFORE_RECORD = "crash_before_record"
    CRASH_AFTER_RECORD = "crash_after_record"
    CRASH_BEFORE_MESSAGE = "crash_before_message"
    CRASH_AFTER_MESSAGE = "crash_after_message"
    CRASH_BEFORE_ACCESS = "crash_before_access"
    CRASH_AFTER_ACCESS = "crash_after_access"
    # Stripe and the way to it.
    PAY_ANSWER_LOST = "pay_answer_lost"
    PAY_NOT_REACHED = "pay_not_reached"
    PAY_ERROR_BEFORE = "pay_500_before"
    PAY_ERROR_AFTER = "pay_500_after"
    PAY_RATE_LIMITED = "pay_429"
    PAY_TIMED_OUT = "pay_timed_out"
    KEY_EXPIRED = "key_expired"
    READ_ERROR = "read_500"
    READ_RATE_LIMITED = "read_429"
    READ_NOT_REACHED = "read_not_reached"
    CHANGE_ANSWER_LOST = "change_answer_lost"
    CHANGE_NOT_REACHED = "change_not_reached"
    CHANGE_ERROR = "change_500"
    CHANGE_RATE_LIMITED = "change_429"
    # The ledger.
    LEDGER_REFUSED = "ledger_refused"
    LEDGER_ANSWER_LOST = "ledger_answer_lost"
    # Mail and the company's backend.
    MAIL_REFUSED = "mail_refused"
    MAIL_ANSWER_LOST = "mail_answer_lost"
    BACKEND_DOWN = "backend_down"
    # Temporal and the workers.
    RESULT_LOST = "result_lost"
    WORKER_AWAY = "worker_away"
    CUT_OFF = "worker_cut_off"
    CONTINUED = "continued_as_new"
    # The starter and its webhooks.
    TEMPORAL_AWAY = "temporal_away"
    STARTER_DOWN = "starter_down"
    STARTER_DIED = "starter_died"
    WEBHOOK_LATE = "webhook_late"
    WEBHOOK_DOUBLED = "webhook_doubled"
    WEBHOOKS_SHUFFLED = "webhooks_shuffled"
    WEBHOOK_LOST = "webhook_lost"
    # People at the worst moment: after our last read, before our charge.
    PAID_BETWEEN = "paid_between"
    PAID_AT_ONCE = "paid_at_once"
    CANCELLED_BETWEEN = "cancelled_between"
    CARD_BETWEEN = "card_updated_between"
    DISPUTED_BETWEEN = "disputed_between"
    VOIDED_BETWEEN = "voided_between"
    WRITTEN_OFF_BETWEEN = "written_off_between"
    CREDITED_BETWEEN = "credited_between"
    # People just before our read, whose webhooks are late.
    PAID_BEFORE_READ = "paid_before_read"
    CANCELLED_BEFORE_READ = "cancelled_before_read"
    VOIDED_BEFORE_READ = "voided_before_read"
    CREDITED_BEFORE_READ = "credited_before_read"
    # Operators.
    RETRY_NOW = "operator_retries"
    PAUSED = "operator_pauses"
    STOPPED = "operator_stops"
    MARKED_PAID = "operator_marks_paid"


KINDS: tuple[Fault, ...] = tuple(Fault)
ADDED = (
    Fault.CHANGE_ANSWER_LOST,
    Fault.CHANGE_NOT_REACHED,
    Fault.CHANGE_ERROR,
    Fault.CHANGE_RATE_LIMITED,
)
"""Kinds that come beside a run's other faults and have no turn of their own."""

ATTEMPTS = (Story.SOON, Story.NEVER, Story.CROWD)
SUSPENDS = (Story.NEVER, Story.COMES_BACK)
ANY = tuple(Story)

_AT_ATTEMPTS = frozenset(
    fault
    for fault in Fault
    if "pay" in fault.value.split("_")
    or fault.value.endswith(("_between", "_at_once", "_before_read"))
    or fault is Fault.KEY_EXPIRED
)
AT_ACCESS = frozenset({Fault.CRASH_BEFORE_ACCESS, Fault.CRASH_AFTER_ACCESS, Fault.BACKEND_DOWN})
"""Kinds that strike when the company's backend is told: once at the suspension, once more at the return."""


def stories_for(fault: Fault) -> tuple[Story, ...]:
    """The stories in which a fault is met."""
    if fault in AT_ACCESS:
        return SUSPENDS
    if fault is Fault.PAID_AT_ONCE:
        # Two payments meet only where the bank says yes to both.
        return (Story.SOON,)
    if fault is Fault.RETRY_NOW:
        # A card that is gone is never tried again, whoever asks.
        return ATTEMPTS
    return ATTEMPTS if fault in _AT_ATTEMPTS and fault is not Fault.CRASH_BEFORE_READ else ANY


RARE = (
    *sorted(AT_ACCESS),
    Fault.CARD_BETWEEN,
    Fault.VOIDED_BETWEEN,
    Fault.WRITTEN_OFF_BETWEEN,
    Fault.DISPUTED_BETWEEN,
    Fault.PAID_BEFORE_READ,
    Fault.VOIDED_BEFORE_READ,
    Fault.CRASH_BEFORE_PAY,
    Fault.PAY_ANSWER_LOST,
    Fault.PAY_ERROR_BEFORE,
    Fault.RETRY_NOW,
    Fault.STARTER_DIED,
)
"""Kinds that seldom find their moment, because a run is often over before."""
IN_TURN = tuple(fault for fault in KINDS if fault not in ADDED)
TURNS = (*IN_TURN, *RARE)
"""The kinds that come first in a run, in turn: twice where they are rare."""

OFTEN = {
    Fault.CRASH_BEFORE_READ: 12,
    Fault.READ_ERROR: 12,
    Fault.READ_RATE_LIMITED: 12,
    Fault.READ_NOT_REACHED: 12,
    Fault.CRASH_BEFORE_RECORD: 20,
    Fault.CRASH_AFTER_RECORD: 20,
    Fault.LEDGER_REFUSED: 25,
    Fault.LEDGER_ANSWER_LOST: 20,
    Fault.RESULT_LOST: 7,
    Fault.WORKER_AWAY: 7,
    Fault.CONTINUED: 6,
    Fault.WEBHOOK_LATE: 6,
    Fault.WEBHOOK_DOUBLED: 6,
    Fault.WEBHOOK_LOST: 6,
    Fault.TEMPORAL_AWAY: 3,
    Fault.STARTER_DOWN: 6,
    Fault.STARTER_DIED: 2,
    Fault.CHANGE_ANSWER_LOST: 3,
    Fault.CHANGE_NOT_REACHED: 3,
    Fault.CHANGE_ERROR: 3,
    Fault.CHANGE_RATE_LIMITED: 3,
    Fault.CRASH_BEFORE_MESSAGE: 4,
    Fault.CRASH_AFTER_MESSAGE: 4,
    Fault.MAIL_REFUSED: 4,
    Fault.MAIL_ANSWER_LOST: 4,
}
"""Of so many first opportunities in a run one is drawn; other faults strike at the first, or sometimes the second."""
