"""A case: the recovery of one failed invoice, as the rules see it.

A :class:`Case` is everything :func:`recoup.rules.steps.next_step` looks at, and nothing personal: ids, codes, amounts and
moments. It is immutable; :mod:`recoup.rules.fold` has the functions that answer "what is the case after this happened".
"""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire
from recoup.rules.customer_page import DEFAULT_PROMISE_DAYS
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.people import Question, Stopping
from recoup.rules.policy import Campaign
from recoup.rules.weaving import StripeTries

RULES_VERSION = 1
"""Version of the decisions in this package; a case remembers the one it began with."""


class Stage(StrEnum):
    """Where a case stands; the same words in the workflow, the ledger, the search attributes and the pages."""

    OPEN = "open"
    """Taken up; the customer has not been told yet."""
    NOTIFIED = "notified"
    """The customer has been told; no attempt is planned."""
    WAITING = "waiting"
    """The next attempt has its date."""
    RETRYING = "retrying"
    """An attempt is under way, or its result is not known yet."""
    WARNED = "warned"
    """The last notice before the suspension has gone out."""
    PAUSED = "paused"
    """An operator has stopped the clock for a while."""
    PERSON = "person"
    """A person must decide before anything more happens."""
    RECOVERED = "recovered"
    LOST = "lost"
    CLOSED = "closed"

    @property
    def is_final(self) -> bool:
        """Whether the case has ended."""
        return self in FINAL_STAGES


FINAL_STAGES = frozenset({Stage.RECOVERED, Stage.LOST, Stage.CLOSED})


class Outcome(StrEnum):
    """How a case ended and what brought it there: exactly one for each case."""

    RECOVERED_BY_RETRY = "recovered_by_retry"
    RECOVERED_BY_STRIPE = "recovered_by_stripe"
    """A retry that Stripe made by itself collected it; not to be counted as Recoup's doing."""
    RECOVERED_BY_CARD_UPDATE = "recovered_by_card_update"
    RECOVERED_BY_ACCOUNT_UPDATER = "recovered_by_account_updater"
    RECOVERED_BY_CUSTOMER = "recovered_by_customer"
    """The customer paid the invoice, on Stripe's hosted page for instance."""
    RECOVERED_BY_OPERATOR = "recovered_by_operator"
    RECOVERED_OUTSIDE = "recovered_outside"
    """Paid outside Stripe: a bank transfer, cash, a credit."""
    LOST_SUSPENDED = "lost_suspended"
    LOST_CANCELLED = "lost_cancelled"
    """The subscription ended, and not by our suspension; who wanted it is not known."""
    LOST_CANCELLED_BY_CUSTOMER = "lost_cancelled_by_customer"
    """The customer cancelled on the page behind the update link: voluntary churn."""
    CLOSED_VOIDED = "closed_voided"
    CLOSED_UNCOLLECTIBLE = "closed_uncollectible"
    CLOSED_DISPUTED = "closed_disputed"
    CLOSED_STOPPED = "closed_stopped"
    """An operator stopped the recovery; neither won nor lost."""
    CLOSED_EXCLUDED = "closed_excluded"
    """Never a case for Recoup: a first invoice, nothing owed, already closed before."""

    @property
    def stage(self) -> Stage:
        """The final stage that belongs to this outcome."""
        return Stage(self.value.split("_", 1)[0])

    @property
    def is_voluntary(self) -> bool:
        """Whether the customer chose to leave: churn that no retry could have prevented."""
        return self is Outcome.LOST_CANCELLED_BY_CUSTOMER


class Trigger(StrEnum):
    """Why an attempt is made."""

    SCHEDULE = "schedule"
    CARD_UPDATE = "card_update"
    ACCOUNT_UPDATER = "account_updater"
    MANUAL = "manual"
    STRIPE = "stripe"
    """Stripe made it by itself; Recoup only counts it."""
    CUSTOMER = "customer"
    """The customer made it, on a page of Stripe's."""
    PROMISE = "promise"
    """The day has come by which the customer promised to pay."""


OUTCOME_OF_TRIGGER: dict[Trigger, Outcome] = {
    Trigger.SCHEDULE: Outcome.RECOVERED_BY_RETRY,
    Trigger.STRIPE: Outcome.RECOVERED_BY_STRIPE,
    Trigger.CARD_UPDATE: Outcome.RECOVERED_BY_CARD_UPDATE,
    Trigger.ACCOUNT_UPDATER: Outcome.RECOVERED_BY_ACCOUNT_UPDATER,
    Trigger.MANUAL: Outcome.RECOVERED_BY_OPERATOR,
    Trigger.CUSTOMER: Outcome.RECOVERED_BY_CUSTOMER,
    Trigger.PROMISE: Outcome.RECOVERED_BY_RETRY,
}


class AttemptState(StrEnum):
    """What is known of an attempt; the same words stand in the ledger."""

    RESERVED = "reserved"
    """Numbered and frozen; Stripe has not been asked."""
    SENT = "sent"
    """Stripe was asked; no answer is recorded."""
    PAID = "paid"
    DECLINED = "declined"
    PENDING = "pending"
    """Accepted but not final, as bank debits are for days."""
    UNKNOWN = "unknown"
    """No answer came back: it may have charged."""
    SKIPPED = "skipped"
    """Not sent, because what was read just before forbade it."""

    @property
    def is_settled(self) -> bool:
        """Whether the result is final."""
        return self in SETTLED_STATES


SETTLED_STATES = frozenset({AttemptState.PAID, AttemptState.DECLINED, AttemptState.SKIPPED})


class MessageState(StrEnum):
    """What became of a message; the same words stand in the ledger."""

    RESERVED = "reserved"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    """Was being sent when the sender died or did not answer: counts as sent, is never repeated, is not a confirmation."""
    FAILED = "failed"
    """Refused for good: no address, rejected by the sender."""
    STOPPED = "stopped"
    """Never sent: every channel on which it could have gone out is stopped."""
    RETURNED = "returned"
    """Was sent, and came back: the address is gone."""

    @property
    def is_silenced(self) -> bool:
        """Whether the customer did not get it, for want of a channel that reaches them."""
        return self in (MessageState.STOPPED, MessageState.RETURNED)


class Template(StrEnum):
    """The messages there are."""

    PAYMENT_FAILED = "payment_failed"
    AUTHENTICATION_NEEDED = "authentication_needed"
    REMINDER = "reminder"
    LAST_NOTICE = "last_notice"
    SUSPENDED = "suspended"
    RECOVERED = "recovered"
    CARD_EXPIRING = "card_expiring"
    """Before anything fails: the card will not last to the next payment."""
    CARD_REFRESH = "card_refresh"
    """Before anything fails: many cards are being replaced, and this may be one of them."""


class Access(StrEnum):
    """What the customer may use, as far as Recoup had a say."""

    FULL = "full"
    RESTRICTED = "restricted"
    """Less than before, as the company's backend sees fit; the subscription at Stripe is as it was."""
    SUSPENDED = "suspended"


class SentMessage(Wire):
    """One message of the case that was sent, or counts as sent."""

    key: str
    """Its place in the campaign: ``payment_failed``, ``reminder/2``, ``last_notice``."""
    at: Moment
    state: MessageState = MessageState.SENT
    covered_by: str | None = None
    """The key of the message, of another case of the customer's, that has said it."""


class PutOff(Wire):
    """A message that was due and may not go out yet."""

    key: str
    until: Moment
    because: str


class AskedMessage(Wire):
    """A message that an operator asked for."""

    template: Template
    key: str
    """``reminder/by_hand/1``: never one of the campaign's own."""


class PlannedAttempt(Wire):
    """When the next scheduled attempt should be made, as it was planned from what was known then."""

    at: Moment | None
    """``None``: none is worth it before something else happens."""
    because: str
    expected: float = 0.0
    """The chance that it is approved."""
    model: str | None = None
    """The version of the learned model that chose it; nothing where the prior did."""
    propensity: float = 1.0
    """How likely this moment was to be chosen; less than 1 where it was drawn among some that are about as good."""


class Promise(Wire):
    """A customer's word that a debt will be paid by a day."""

    at: Moment
    """When it was given."""
    until: Moment
    tried: bool = False
    """Whether the attempt of its day has been made."""


class Case(Wire):
    """The recovery of one failed invoice. Field meanings are those of the design's glossary in ``docs/architecture.md``."""

    id: str
    """The invoice id, with ``/r2``, ``/r3`` … for a return after a suspension."""
    invoice: str
    customer: str
    subscription: str | None
    due: Money
    failed_at: Moment
    """The first failed attempt; all days of the campaign count from here."""
    campaign: Campaign
    priority: int | None = None
    """How much the case matters, 0 to 100; nothing for one that began before there were priorities."""
    priority_because: tuple[str, ...] = ()
    rules_version: int = RULES_VERSION
    stage: Stage = Stage.OPEN
    decline: Decline | None = None
    """Why the latest attempt failed."""
    payment_method: str | None = None
    """The method the latest attempt used."""
    skips_overdue: bool = False
    """Whether days of the campaign that passed untried are left out, and not made up for one after the other."""
    retries_made: int = 0
    """Scheduled attempts so far; those after a card update or by an operator do not use up the budget."""
    attempts_made: int = 0
    """All attempts of this case so far."""
    last_attempt_at: Moment | None = None
    messages: tuple[SentMessage, ...] = ()
    put_off: tuple[PutOff, ...] = ()
    """Messages that wait for their moment: a night, a day off or the customer's budget holds them."""
    asked_message: AskedMessage | None = None
    """What an operator wants said now; nothing once it has gone out, or never can."""
    gather_minutes: int = 0
    """What happens to the customer within so many minutes is told in one message."""
    spacing_hours: int = 0
    """A reminder that came late moves the next one: so long lies between two of them, or what the campaign has between them."""
    untried: Trigger | None = None
    """Set while a new method or an operator's request waits for its immediate attempt."""
    tried_methods: tuple[str, ...] = ()
    """Each new method (id and expiry) that already had its immediate attempt."""
    unsettled: int | None = None
    """Number of the attempt whose result is not known yet; 0 while it has to be found out whether there is one."""
    unsettled_trigger: Trigger | None = None
    check_at: Moment | None = None
    """When an unsettled attempt is looked at again."""
    not_before: Moment | None = None
    """No attempt before this moment: the bank, the network or a limit asked for it."""
    not_before_because: str | None = None
    paused_until: Moment | None = None
    suspend_not_before: Moment | None = None
    """A payment of the customer's is on its way; its result is waited for."""
    promise: Promise | None = None
    """The customer's word to pay by a day; given once, it stays here when that day is past."""
    promise_days: float = DEFAULT_PROMISE_DAYS
    """For how many days ahead this case takes a promise; 0 for none."""
    grace_until: Moment | None = None
    """A person gave the customer longer than the campaign does: no suspension before this."""
    question: Question | None = None
    """Whether the suspension may be made: asked of people, and perhaps answered."""
    assigned_to: str | None = None
    """The operator whom the case was given to, an account name."""
    handed_over: bool = False
    """Whether ``person_because`` is an operator's wish, and no question of the case's own."""
    queued: bool = False
    """Whether the ledger has been told that the case waits for a person."""
    planned: PlannedAttempt | None = None
    """The next scheduled attempt, where the campaign lets it be planned; nothing between a refusal and the plan that follows."""
    stale: bool = False
    """An attempt that was not ours has failed since the decline was read."""
    stripe: StripeTries = StripeTries()
    """Stripe's own attempts at the invoice, where its retries were left on."""
    mark_paid: bool = False
    """An operator said that the invoice was paid outside; Stripe has to be told."""
    stopping: Stopping | None = None
    """An operator stopped the recovery with an end that still has to be brought about: nothing else is done before it."""
    paid_twice: bool = False
    """It was paid outside, as an operator said, and by an attempt that was under way then: ours has to be given back."""
    person_because: str | None = None
    """Set while a person must decide; says what about."""
    failed_step: str | None = None
    """The kind of step that failed for good; it is not done again before a person has looked or something new was told."""
    access: Access = Access.FULL
    outcome: Outcome | None = None
    because: str | None = None
    """Why the outcome is what it is."""
    closed_at: Moment | None = None
    """When the outcome was committed to the ledger."""
    released: bool = False
    """Whether the invoice was given back to Stripe's own retries."""
    is_return: bool = False
    """A return: the case of a suspended subscription whose customer came back."""

    @property
    def collects_by_itself(self) -> bool:
        """Whether the money may be asked for without a new word: not after the end, in a pause, or once it was stopped or paid outside."""
        held = self.paused_until is not None or self.stopping is not None or self.mark_paid
        return self.outcome is None and not held

    def message(self, key: str) -> SentMessage | None:
        """The message with this key, if it was sent or counts as sent."""
        return next((sent for sent in self.messages if sent.key == key), None)

    def waits(self, key: str | None) -> PutOff | None:
        """What the message with this key waits for, if it was put off."""
        return next((held for held in self.put_off if held.key == key), None)
