"""What a case is after something happened: pure functions from a case to the next one.

A case with an outcome is not changed by later news, with one exception: the answer to an attempt of our own that was under
way says who really paid. What is asked for while an attempt is under way is kept for after it.
"""

from __future__ import annotations

from datetime import datetime

from recoup.rules.base import days
from recoup.rules.case import (
    OUTCOME_OF_TRIGGER,
    Access,
    AttemptState,
    Case,
    MessageState,
    Outcome,
    PlannedAttempt,
    Promise,
    PutOff,
    SentMessage,
    Stage,
    Trigger,
)
from recoup.rules.declines import Decline, read
from recoup.rules.policy import Timing
from recoup.rules.promising import after_attempt
from recoup.rules.suspension import was_warned
from recoup.rules.weaving import StripeTries

NO_METHOD = Decline(code="no_payment_method")
NEW_METHOD = frozenset({Trigger.CARD_UPDATE, Trigger.ACCOUNT_UPDATER})
"""What asks for an attempt with another method than the one that was declined."""
PLANNED = frozenset({Trigger.SCHEDULE, Trigger.PROMISE})
"""What the case asks for by itself."""
NEVER = "do_not_try_again"
"""Stripe's advice code for a method that must not be tried again; the guard's final no is kept in the same word."""


def ended(case: Case, outcome: Outcome, because: str) -> Case:
    """The recovery is over; the first outcome stands. An attempt without an answer keeps waiting for it."""
    if case.outcome is not None:
        return case
    over = {"outcome": outcome, "because": because, "untried": None, "person_because": None}
    return case.model_copy(update=over | {"failed_step": None})


def message_done(
    case: Case, key: str, state: MessageState, at: datetime, covered_by: str | None = None
) -> Case:
    """A message was sent, counts as sent, was said by another case's, or can never be."""
    sent = SentMessage(key=key, at=at, state=state, covered_by=covered_by)
    left = tuple(held for held in case.put_off if held.key != key)
    update: dict[str, object] = {"messages": (*case.messages, sent), "put_off": left}
    if case.asked_message is not None and case.asked_message.key == key:
        update["asked_message"] = None
    return case.model_copy(update=update)


def message_put_off(case: Case, key: str, until: datetime, because: str) -> Case:
    """A message that was due may not go out before a moment."""
    left = tuple(held for held in case.put_off if held.key != key)
    return case.model_copy(update={"put_off": (*left, PutOff(key=key, until=until, because=because))})


def message_returned(case: Case, *messages: str) -> Case:
    """Messages that had gone out came back: what they said, for this case or for others, has not reached the customer."""
    if case.outcome is not None:
        return case
    back = {"state": MessageState.RETURNED}
    seen = tuple(
        sent.model_copy(update=back)
        if not {f"{case.id}/{sent.key}", sent.covered_by}.isdisjoint(messages)
        else sent
        for sent in case.messages
    )
    return case.model_copy(update={"messages": seen})


def attempt_begun(case: Case) -> Case:
    """An attempt is under way; whatever is asked for from now on is another one."""
    return case.model_copy(update={"untried": None})


def still_wanted(case: Case, trigger: Trigger) -> Case:
    """The attempt that was asked for has not been made after all; the schedule and a promised day ask by themselves."""
    if case.outcome is not None or case.untried is not None or trigger in PLANNED:
        return case
    return case.model_copy(update={"untried": trigger})


def attempt_paid(
    case: Case, trigger: Trigger, at: datetime, because: str, payment_method: str | None = None
) -> Case:
    """One of our attempts collected the invoice."""
    if case.closed_at is not None:
        return case
    by = (_told_meanwhile(case, payment_method) and case.untried) or trigger
    paid = {"outcome": OUTCOME_OF_TRIGGER[by], "because": because, "untried": None}
    return _counted(case, by, at).model_copy(update=paid)


def payment_given_back(case: Case, trigger: Trigger, at: datetime, outcome: Outcome, because: str) -> Case:
    """One of our attempts collected the invoice when the customer did not want it any more, and was given back."""
    if case.closed_at is not None:
        return case
    over = {"outcome": outcome, "because": because, "untried": None}
    return _counted(case, trigger, at).model_copy(update=over)


def attempt_declined(
    case: Case, trigger: Trigger, at: datetime, decline: Decline | None, payment_method: str | None
) -> Case:
    """One of our attempts was refused; the bank's wish for a pause is kept, except before another method is tried."""
    update: dict[str, object] = {"payment_method": payment_method, "planned": None}
    by = trigger
    if case.untried in NEW_METHOD:
        if _told_meanwhile(case, payment_method):
            by, update["untried"] = case.untried, None
        else:
            update |= {"not_before": None, "not_before_because": None}
    return declined(_counted(case, by, at), decline or Decline(), at).model_copy(update=update)


def _told_meanwhile(case: Case, used: str | None) -> bool:
    """Whether the method told of while an attempt was under way is the very one that the attempt used."""
    if case.untried not in NEW_METHOD or not case.tried_methods or used is None:
        return False
    return case.tried_methods[-1].partition("/")[0] == used != case.payment_method


def declined(case: Case, decline: Decline, at: datetime) -> Case:
    """The debt was refused at this moment, whoever tried: what the bank said, and until when it wants to be left alone."""
    reading = read(decline)
    update: dict[str, object] = {"decline": decline, "not_before": None, "not_before_because": None}
    if case.untried is Trigger.MANUAL and not reading.may_retry:
        update["untried"] = None
    if reading.wait:
        update |= {"not_before": at + reading.wait, "not_before_because": reading.because}
    return case.model_copy(update=update)


def attempt_open(case: Case, trigger: Trigger, number: int, check_at: datetime) -> Case:
    """An attempt has no final answer yet."""
    return case.model_copy(update={"unsettled": number, "unsettled_trigger": trigger, "check_at": check_at})


def attempt_called_off(case: Case, trigger: Trigger, at: datetime) -> Case:
    """An attempt was called off between two tries; whether it had been sent before has to be found out."""
    return attempt_open(case, trigger, 0, at)


def attempt_answered(case: Case) -> Case:
    """The bank has answered about an attempt that was waiting for it: its result can be read now."""
    return case if case.unsettled is None else case.model_copy(update={"check_at": None})


def attempt_not_made(case: Case, trigger: Trigger, not_before: datetime | None, because: str) -> Case:
    """An attempt was not sent: a limit asks to wait, or this method must not be charged at all."""
    left = _settled(case)
    if not_before is None:
        final = case.decline.model_copy(update={"advice_code": NEVER}) if case.decline else NO_METHOD
        return left.model_copy(update={"decline": final})
    if case.untried in NEW_METHOD:
        return left
    limit = {"not_before": not_before, "not_before_because": because}
    return still_wanted(left.model_copy(update=limit), trigger)


def attempt_vanished(case: Case, trigger: Trigger) -> Case:
    """An attempt without an answer turned out never to have reached a bank: it is free to be made again."""
    return still_wanted(_settled(case), trigger)


def _settled(case: Case) -> Case:
    return case.model_copy(update={"unsettled": None, "unsettled_trigger": None, "check_at": None})


def _counted(case: Case, trigger: Trigger, at: datetime) -> Case:
    return _settled(case).model_copy(
        update={
            "attempts_made": case.attempts_made + 1,
            "retries_made": case.retries_made + (1 if trigger is Trigger.SCHEDULE else 0),
            "last_attempt_at": at,
            "promise": after_attempt(case.promise, trigger, at),
        }
    )


def method_updated(case: Case, version: str, trigger: Trigger) -> Case:
    """There is a new or renewed payment method: one immediate attempt, once for each version."""
    if case.outcome is not None or version in case.tried_methods:
        return case
    return case.model_copy(
        update={
            "untried": trigger,
            "tried_methods": (*case.tried_methods, version),
            "not_before": None,
            "not_before_because": None,
            "failed_step": None,
        }
    )


def failed_again(case: Case, coming: datetime | None = None) -> Case:
    """An attempt that was not ours has failed: the decline has to be read again. ``coming`` is Stripe's next one, if told."""
    if case.outcome is not None:
        return case
    told = case if coming is None else stripe_seen(case, StripeTries(coming=coming))
    return told.model_copy(update={"stale": True, "planned": None})


def stripe_seen(case: Case, read: StripeTries | None) -> Case:
    """Stripe's own attempts were read again; ``None`` where they are switched off or nobody looked."""
    return case if read is None else case.model_copy(update={"stripe": case.stripe.updated(read)})


def looked(case: Case, decline: Decline | None, at: datetime) -> Case:
    """The invoice was read again; a refusal that somebody else's attempt met counts from this moment."""
    fresh = case.model_copy(update={"stale": False})
    return declined(fresh, decline, at) if decline is not None else fresh


def attempt_planned(case: Case, planned: PlannedAttempt | None) -> Case:
    """The next scheduled attempt has its moment. Where a look brought no plan, the days of the campaign hold."""
    if case.campaign.retries.timing is not Timing.PLANNED:
        return case
    if planned is None:
        made, days_of = case.retries_made, case.campaign.retries.after_days
        at = case.failed_at + days(days_of[made]) if made < len(days_of) else None
        planned = PlannedAttempt(at=at, because="it could not be planned, so the campaign's own day holds")
    return case.model_copy(update={"planned": planned})


def invoice_paid(case: Case, outside: bool, by_stripe: bool) -> Case:
    """The invoice is paid, and not by us."""
    if outside:
        return ended(case, Outcome.RECOVERED_OUTSIDE, "the invoice was paid outside Stripe")
    if by_stripe:
        return ended(
            case, Outcome.RECOVERED_BY_STRIPE, "a retry that Stripe made by itself collected the invoice"
        )
    return ended(case, Outcome.RECOVERED_BY_CUSTOMER, "the customer paid the invoice")


def promised(case: Case, at: datetime, until: datetime) -> Case:
    """The customer promised to pay by a moment; the first promise stands."""
    if case.outcome is not None or case.promise is not None:
        return case
    return case.model_copy(update={"promise": Promise(at=at, until=until)})


def paused(case: Case, until: datetime) -> Case:
    """An operator stopped the clock."""
    return case.model_copy(update={"paused_until": until})


def resumed(case: Case, at: datetime) -> Case:
    """The pause is over, or a person has decided what was asked: an unconfirmed last notice counts as delivered now."""
    update: dict[str, object] = {"paused_until": None, "person_because": None, "failed_step": None}
    update["handed_over"] = False
    notices = [sent for sent in case.messages if sent.key.startswith("last_notice")]
    asked = case.person_because is not None and case.failed_step is None and case.paused_until is None
    asked = asked and not case.handed_over
    if asked and notices and not was_warned(case):
        told = SentMessage(key="last_notice/person", at=at)
        update["messages"] = (*case.messages, told)
    return case.model_copy(update=update)


def person_needed(case: Case, because: str) -> Case:
    """A person must decide before the case goes on."""
    return case.model_copy(update={"person_because": because})


def step_failed(case: Case, kind: str, because: str) -> Case:
    """A step failed for good: it is not done again before a person has looked. Stripe's no to "paid outside" is final."""
    update: dict[str, object] = {"person_because": because, "failed_step": kind, "mark_paid": False}
    return case.model_copy(update=update)


def retry_requested(case: Case) -> Case:
    """An operator wants an attempt now; one that waits for a new method stays that method's."""
    asked = {"untried": case.untried or Trigger.MANUAL, "person_because": None, "failed_step": None}
    return case.model_copy(update=asked)


def marked_paid(case: Case) -> Case:
    """An operator says that the invoice was paid outside Stripe."""
    return case.model_copy(update={"mark_paid": True, "person_because": None, "failed_step": None})


def paid_twice(case: Case) -> Case:
    """The attempt that was under way when an operator said "paid outside" was paid as well."""
    return case.model_copy(update={"paid_twice": True})


def given_back(case: Case, outcome: Outcome | None, because: str) -> Case:
    """What was paid twice was looked at; ``outcome`` is set where ours was given back."""
    seen = case.model_copy(update={"paid_twice": False, "mark_paid": False})
    return seen if outcome is None else seen.model_copy(update={"outcome": outcome, "because": because})


def suspended(case: Case, because: str) -> Case:
    """Access is suspended: the case is lost, the way back stays open. An attempt asked for meanwhile is made first."""
    gone = case.model_copy(update={"access": Access.SUSPENDED})
    return gone if case.untried is not None else ended(gone, Outcome.LOST_SUSPENDED, because)


def suspension_put_off(case: Case, until: datetime) -> Case:
    """A payment is on its way: access does not end before its result can be known."""
    return case.model_copy(update={"suspend_not_before": until})


def closed(
    case: Case, outcome: Outcome, because: str, at: datetime, *, suspended: bool = False, alone: bool = False
) -> Case:
    """The outcome is committed; what the ledger kept is what counts, of the access too. ``alone``: no other case says its last word."""
    update: dict[str, object] = {"outcome": outcome, "because": because, "closed_at": at}
    if alone:
        update["gather_minutes"] = 0
    if suspended and case.access is Access.FULL:
        update["access"] = Access.SUSPENDED
    return case.model_copy(update=update | {"stage": Stage(outcome.stage)})


def restricted(case: Case) -> Case:
    """The access is restricted; the case goes on."""
    return case.model_copy(update={"access": Access.RESTRICTED})


def restored(case: Case) -> Case:
    """Access is back."""
    return case.model_copy(update={"access": Access.FULL})


def released(case: Case) -> Case:
    """The invoice is Stripe's again."""
    return case.model_copy(update={"released": True})


def attempt_folded(
    case: Case,
    trigger: Trigger,
    state: AttemptState,
    *,
    number: int | None,
    at: datetime,
    because: str,
    decline: Decline | None = None,
    payment_method: str | None = None,
    ended_as: Outcome | None = None,
    not_before: datetime | None = None,
    check_at: datetime | None = None,
) -> Case:
    """Fold the whole report of an attempt."""
    if state is AttemptState.PAID and ended_as is not None:
        return payment_given_back(case, trigger, at, ended_as, because)
    if state is AttemptState.PAID:
        return attempt_paid(case, trigger, at, because, payment_method)
    if ended_as is not None:
        return ended(_settled(case), ended_as, because)
    if state is AttemptState.DECLINED:
        return attempt_declined(case, trigger, at, decline, payment_method)
    if state is AttemptState.SKIPPED:
        if number is not None:
            return attempt_vanished(case, trigger)
        return attempt_not_made(case, trigger, not_before, because)
    return attempt_open(case, trigger, number or 0, check_at or at)
