"""What workflows, activities and the processes around them say to each other: names, orders, reports, signals.

Only ids, codes, amounts, moments and reasons stand here: no names, no addresses, nothing a history should not keep.
Fields are only ever added, and added with a default, so that a running case can read what an older release wrote.
"""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire
from recoup.rules.case import (
    AttemptState,
    Case,
    MessageState,
    Outcome,
    PlannedAttempt,
    Stage,
    Template,
    Trigger,
)
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.policy import Ending
from recoup.rules.step import Step
from recoup.rules.weaving import StripeTries

TASK_QUEUE = "recoup"


class Activity(StrEnum):
    """The activities by the names under which the worker registers them."""

    TAKE_UP = "payments.take_up"
    LOOK = "payments.look"
    MARK_PAID = "payments.mark_paid"
    WRITE_OFF = "payments.write_off"
    ATTEMPT = "payments.attempt"
    SETTLE = "payments.settle"
    RELEASE = "payments.release"
    ADOPT_METHOD = "payments.adopt_method"
    FAILED_RENEWALS = "payments.failed_renewals"
    SEND_MESSAGE = "messages.send"
    SUSPEND = "access.suspend"
    RESTRICT = "access.restrict"
    RESTORE = "access.restore"
    CANCEL_AT_LAST = "access.cancel_at_last"
    CLOSE_CASE = "records.close_case"
    CASES_OF_CUSTOMER = "records.cases_of_customer"
    TELL_STAGE = "people.stage"
    ASSIGN_CASE = "people.assign"
    MOVE_CASE = "people.move"
    EXCLUDE_CUSTOMER = "people.exclude"
    TELL_CASE = "cases.tell"
    NOTE = "records.note"


class StartCase(Wire):
    """Begins ``recovery/{invoice}``; ``case`` is set only when a long case continues as new."""

    invoice: str
    at: Moment
    """When the starter's clock saw the failure."""
    event: str | None = None
    return_number: int = 1
    """2 and up for returns after a suspension."""
    method: MethodUpdated | None = None
    """The new payment method that brought a suspended customer back."""
    paid: InvoicePaid | None = None
    """The payment that brought a suspended customer back."""
    case: Case | None = None
    acts: int = 0
    """How many acts the case had ordered when it continued as new; requests go on counting from it."""


class Happened(Wire):
    """Something happened outside; ``at`` is the teller's clock."""

    at: Moment
    event: str | None = None
    """Stripe's event id, where one told it."""


class MethodUpdated(Happened):
    """The customer's payment method for this debt is new or renewed."""

    method: str
    version: str
    """Changes with every new card or expiry: one immediate attempt is made for each version."""
    cause: Trigger = Trigger.CARD_UPDATE


class InvoicePaid(Happened):
    """The invoice is paid, and not by an attempt of ours."""

    outside: bool = False
    """Paid outside Stripe."""
    by_stripe: bool = False
    """Collected by a retry that Stripe made by itself."""


class FailedAgain(Happened):
    """An attempt that was not ours has failed; the details are read by the case when it needs them."""

    coming: Moment | None = None
    """When Stripe tries next by itself, where it was told."""


class MessageReturned(Happened):
    """A message that had gone out came back for good."""

    message: str
    """Its key in the ledger."""


class PauseUntil(Wire):
    """An operator stops the clock of a case."""

    at: Moment
    until: Moment
    reason: str
    operator: str


class OperatorRequest(Wire):
    """An operator's word to a case: who asks and why. ``operator`` is an account name, not a person's name."""

    at: Moment
    reason: str
    operator: str


class WhatWillHappen(Wire):
    """The answer to an operator's update: the step that follows and why."""

    stage: Stage
    next: Step
    asked: Step | None = None
    """The attempt that was asked for, where it is still to be made: when, and what it waits for if not for now."""


class CaseView(Wire):
    """What the query ``case`` answers."""

    case: Case
    next: Step
    now: Moment
    waiting: bool
    """Whether the case sleeps until ``next.due_at`` or an event; otherwise it is acting."""


class CaseResult(Wire):
    """How a case ended."""

    case_id: str
    outcome: Outcome
    because: str
    attempts: int


class Decision(Wire):
    """One decision as the ledger keeps it: what was known, what else was possible, what was chosen and why."""

    at: Moment
    step: Step
    known: dict[str, str | int | None]
    rules_version: int
    propensity: float = 1.0
    model: str | None = None
    """The version of the learned model that chose the moment, where one did."""


class Order(Wire):
    """What every order to an activity carries."""

    case_id: str
    invoice: str
    customer: str
    subscription: str | None
    request: str
    """Unique for this act of this case: a repeated order with the same request has its effect once."""
    decision: Decision


class TakeUp(Wire):
    """Look at a failed invoice and open its case, if it is one."""

    invoice: str
    at: Moment
    return_number: int
    workflow_id: str
    run_id: str
    method: MethodUpdated | None = None
    """The new method that brings a suspended customer back."""


class TakenUp(Wire):
    """The case as it begins, or the reason why there is none."""

    at: Moment
    case: Case | None
    because: str
    outcome: Outcome | None = None
    """Set where the invoice had already ended when it was looked at."""


class AttemptOrder(Order):
    """Collect the invoice once."""

    trigger: Trigger
    due: Money
    decline: Decline | None = None


class SettleOrder(Order):
    """Find out what became of an attempt whose answer never came, or that is still pending."""

    number: int
    """0: whichever of the invoice was begun and called off; there may be none."""
    only_read: bool = False
    """Whether the money is not wanted any more: then nothing is sent again, and reading alone decides."""
    trigger: Trigger | None = None
    """Why the attempt was made, as the case remembers it."""


class AttemptReport(Wire):
    """What came of an attempt."""

    at: Moment
    number: int | None
    state: AttemptState
    trigger: Trigger
    because: str
    decline: Decline | None = None
    payment_method: str | None = None
    ended: Outcome | None = None
    """Set where the invoice or its subscription turned out to have ended: paid otherwise, voided, cancelled."""
    not_before: Moment | None = None
    """Set where a limit or the bank forbids an attempt until then."""
    check_at: Moment | None = None
    """When an unsettled attempt should be looked at again."""
    stripe: StripeTries | None = None
    """Stripe's own attempts as they were read, where its retries are left on."""


class MessageOrder(Order):
    """Tell the customer something."""

    template: Template
    key: str
    """Unique within the case."""
    decline: Decline | None = None
    next_attempt_at: Moment | None = None
    suspend_at: Moment | None = None
    link_valid_days: float
    must_arrive: bool = False
    """The last notice: an unclear result is not taken for sent."""


class MessageReport(Wire):
    """What became of a message."""

    at: Moment
    key: str
    state: MessageState
    because: str
    ended: Outcome | None = None
    """Set where a look at the invoice showed that there is nothing left to say about it."""
    not_before: Moment | None = None
    """Set where it may not go out before then; it was not sent, and is asked for again."""
    covered_by: str | None = None
    """The key of another case's message that has said it; it was not sent, and need not be."""
    said_at: Moment | None = None
    """When that other message went out."""


class AccessOrder(Order):
    """Suspend the subscription, or restore it."""

    ending: Ending


class AccessReport(Wire):
    """What was done about the access."""

    at: Moment
    done: bool
    because: str
    ended: Outcome | None = None
    """Set where the last look before the suspension found the invoice ended."""
    look_again_at: Moment | None = None
    """Set where a payment is on its way: nothing is suspended before its result can be known."""


class CloseOrder(Order):
    """Commit the outcome of a case."""

    outcome: Outcome
    because: str
    attempts: int = 0


class Closed(Wire):
    """The outcome that stands in the ledger."""

    at: Moment
    outcome: Outcome
    because: str
    suspended: bool = False
    """Whether the access is withheld, wholly or in part and whichever case did it: then this one has to restore it."""
    alone: bool = False
    """Whether no other case of the customer's is open or ended a moment ago: the last word need not wait for theirs."""


class PlainOrder(Order):
    """An order that needs no more than its case: look again, mark as paid outside, give the invoice back to Stripe."""


class Looked(Wire):
    """What a fresh look at the invoice showed, after whatever the order asked for was done."""

    at: Moment
    because: str
    decline: Decline | None = None
    ended: Outcome | None = None
    stripe: StripeTries | None = None
    """Stripe's own attempts as they were read, where its retries are left on."""
    planned: PlannedAttempt | None = None
    """The next scheduled attempt, where the campaign lets it be planned."""


class CardUpdated(Wire):
    """Begins ``card-update/{customer}/{method}``: a customer has a new or renewed payment method."""

    customer: str
    method: str
    at: Moment
    event: str | None = None
    cause: Trigger = Trigger.CARD_UPDATE
    chosen: bool = False
    """Whether the customer chose it for their subscriptions (default changed, set-up finished), or it only appeared."""
    happened: Moment | None = None
    """When it happened at Stripe, as far as is known; a late delivery tells of something old."""
    ahead: bool = False
    """Whether the customer chose it through the update link: then it is adopted although nothing has failed."""


class Adopted(Wire):
    """Whether the method became the one to collect with."""

    at: Moment
    adopted: bool
    version: str
    because: str


class CustomerQuestion(Wire):
    """Which cases does this customer have?"""

    customer: str


class CustomerCase(Wire):
    """One case a card update concerns."""

    case_id: str
    invoice: str
    begins: bool = False
    """Closed by suspension, or never begun: a (return) case is begun; otherwise the open case is signalled."""
    return_number: int = 1


class CustomerCases(Wire):
    """The customer's open and suspended cases, newest invoice first."""

    at: Moment
    cases: tuple[CustomerCase, ...]


class TellCase(Wire):
    """Tell one case that the method is new, or begin its return with the method or the payment that brings it back."""

    case: CustomerCase
    update: MethodUpdated | None = None
    paid: InvoicePaid | None = None


class CardUpdateResult(Wire):
    """What a card update set in motion."""

    adopted: bool
    cases: tuple[str, ...]
    because: str


StartCase.model_rebuild()
