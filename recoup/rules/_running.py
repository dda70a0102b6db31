"""What a case without an outcome does next: an event's request first, otherwise the earliest of what the campaign plans."""

from __future__ import annotations

from datetime import datetime, timedelta

from recoup.rules.approving import approval_step
from recoup.rules.base import days
from recoup.rules.case import Access, Case, MessageState, Template, Trigger
from recoup.rules.declines import Decline, Reading, read
from recoup.rules.holding import far_enough, gathered, gathering, held
from recoup.rules.overdue import next_day
from recoup.rules.policy import Campaign, MessageStep, RetryMode, Timing
from recoup.rules.promising import promised_attempt, put_off
from recoup.rules.step import Candidate, Step, StepKind
from recoup.rules.stopping import stopping_step
from recoup.rules.suspension import (
    notice_due,
    notices_of,
    renewed_notice_due,
    restrict_at,
    suspend_at,
    was_warned,
)
from recoup.rules.telling_now import asked_step
from recoup.rules.weaving import beside_stripe, first_clear

SECOND_NOTICE_AFTER = timedelta(hours=12)
"""A last notice that may not have arrived is sent once more after this long."""

_WHY_UNTRIED = {
    Trigger.CARD_UPDATE: "the customer has a new payment method, so the open invoice is collected at once",
    Trigger.ACCOUNT_UPDATER: "the bank renewed the card's data, so the open invoice is collected at once",
    Trigger.MANUAL: "an operator asked for an attempt now",
}


def running_step(case: Case, campaign: Campaign, now: datetime) -> Step:
    """The next step of a case that has no outcome yet."""
    if case.unsettled is not None:
        return settle_step(case, now)
    if case.mark_paid:
        return Step(
            kind=StepKind.MARK_PAID,
            due_at=now,
            because="an operator says the invoice was paid outside Stripe",
        )
    if (stopping := stopping_step(case, now)) is not None:
        return stopping
    asked = untried_step(case, case.untried, now) if case.untried is not None else None
    if asked is not None and asked.is_due(now):
        return asked
    said = asked_message(case, now)
    if (waits := _held_step(case)) is not None:
        return _first_of(waits, asked, said)
    if case.stale:
        return Step(kind=StepKind.LOOK, due_at=now, because="an attempt that was not Recoup's has failed")
    if case.is_return:
        return _first_of(asked or _return_step(case, now), said)
    if asked is None and _wants_a_plan(case, campaign, now):
        because = "the moment of the next attempt is chosen from what is known now"
        return Step(kind=StepKind.LOOK, due_at=now, because=because)
    if case.access is Access.SUSPENDED and asked is not None:
        # What was asked for may have to wait until after the suspension; only that attempt is left to be made then.
        return asked
    return _planned_step(case, campaign, now)


def settle_step(case: Case, now: datetime) -> Step:
    """Find out what became of the attempt that has no answer yet."""
    because = f"attempt {case.unsettled} has no final answer yet; nothing else is charged before it has"
    if case.unsettled == 0:
        because = "an attempt was called off, and it has to be found out whether it had been sent already"
    return Step(kind=StepKind.SETTLE, due_at=case.check_at or now, because=because)


def _held_step(case: Case) -> Step | None:
    """What holds the campaign: a person's decision, or an operator's pause. The customer may act meanwhile."""
    if case.person_because is not None:
        return Step(kind=StepKind.PERSON, due_at=None, because=case.person_because)
    if case.paused_until is not None:
        because = "an operator paused the case until then"
        return Step(kind=StepKind.RESUME, due_at=case.paused_until, because=because)
    return None


def _first_of(step: Step, *asked: Step | None) -> Step:
    """The step, or what somebody asked for where that comes before it."""
    for other in asked:
        if other is not None and other.due_at is not None:
            step = other if step.due_at is None or other.due_at < step.due_at else step
    return step


def asked_message(case: Case, now: datetime) -> Step | None:
    """The message that an operator asked for: now, or when what holds it lets it go; with what else the case weighs."""
    step = asked_step(case, lambda wanted: _template(wanted, case.decline), now)
    return held(case, step) if step is not None else None


def untried_step(case: Case, trigger: Trigger, now: datetime) -> Step:
    """The attempt that a new method or an operator asks for: at once, or when the limit that holds it allows."""
    because = _WHY_UNTRIED.get(trigger, "an attempt was asked for")
    due = now
    if case.not_before and case.not_before > now:
        due = case.not_before
        because = f"{because}, but {case.not_before_because or 'not before this moment'}"
    return Step(kind=StepKind.ATTEMPT, due_at=due, because=because, trigger=trigger)


def _return_step(case: Case, now: datetime) -> Step:
    """A return lives for one attempt; when that fails the customer is told, and may come again."""
    if case.message("reminder") is None:
        because = (
            "the attempt after the suspension failed too, and the customer should know that nothing was paid"
        )
        template = _template(Template.REMINDER, case.decline)
        told = Step(kind=StepKind.MESSAGE, due_at=now, because=because, template=template, key="reminder")
        return held(case, told)
    because = "nothing was paid, so the suspension stays"
    return Step(kind=StepKind.SUSPEND, due_at=case.suspend_not_before or now, because=because)


def _planned_step(case: Case, campaign: Campaign, now: datetime) -> Step:
    planned = [
        held(case, put_off(case, step))
        for step in (
            asked_step(case, lambda wanted: _template(wanted, case.decline), now),
            _message(case, campaign, now),
            _confirmation(case),
            untried_step(case, case.untried, now) if case.untried else _attempt(case, campaign, now),
            _last_notice(case, campaign),
            _restriction(case, campaign),
            _suspension(case, campaign),
        )
        if step is not None
    ]
    planned.sort(key=lambda step: _order(step, now))
    candidates = tuple(
        Candidate(kind=step.kind, due_at=step.due_at, what=step.key or step.kind.value)
        for step in planned
        if step.due_at is not None
    )
    return planned[0].model_copy(update={"candidates": candidates})


_RANK = {
    StepKind.PERSON: 0,
    StepKind.MESSAGE: 2,
    StepKind.ATTEMPT: 3,
    StepKind.RESTRICT: 4,
    StepKind.APPROVAL: 5,
    StepKind.SUSPEND: 6,
}
_PROMISED_RANK = 1


def _order(step: Step, now: datetime) -> tuple[datetime, int]:
    """Earliest first; of what is due already, words before attempts and attempts before the suspension.

    What was promised comes before the words that waited for it: who has paid on the day is not reminded.
    """
    rank = _PROMISED_RANK if step.trigger is Trigger.PROMISE else _RANK[step.kind]
    return max(step.due_at or now, now), rank


def _message(case: Case, campaign: Campaign, now: datetime) -> Step | None:
    keys = message_keys(campaign.messages)
    dues = [case.failed_at + days(step.after_days) for step in campaign.messages]
    dues[0] = max(dues[0], case.failed_at + gathering(case))
    sent = [index for index, key in enumerate(keys) if case.message(key)]
    pending = list(range(sent[-1] + 1, len(keys))) if sent else [0]
    if (sent or case.message("last_notice")) and (notice := _last_notice_at(case, campaign, now)):
        pending = [index for index in pending if dues[index] > notice]
    if not pending:
        return None
    overdue = [index for index in pending if dues[index] <= now]
    index = overdue[-1] if overdue else pending[0]
    because = f"the campaign tells the customer on day {campaign.messages[index].after_days:g}"
    due = dues[index]
    if sent and (spaced := far_enough(case, keys[sent[-1]], dues[index] - dues[sent[-1]])) > due:
        due, because = spaced, f"{because}, but the message before it went out late"
    return Step(
        kind=StepKind.MESSAGE,
        due_at=due,
        because=because + (gathered(case) if index == 0 else ""),
        template=_template(campaign.messages[index].template, case.decline),
        key=keys[index],
    )


def _last_notice_at(case: Case, campaign: Campaign, now: datetime) -> datetime | None:
    """When the last notice went out, or now where it is due: what it says makes every earlier reminder pointless."""
    if (notice := case.message("last_notice")) is not None:
        return notice.at
    return now if notice_due(case, campaign) <= now else None


def message_keys(messages: tuple[MessageStep, ...]) -> tuple[str, ...]:
    """A key for each message of a campaign: its template, numbered from the second reminder on."""
    keys: list[str] = []
    for step in messages:
        count = sum(1 for key in keys if key.split("/")[0] == step.template)
        keys.append(step.template if count == 0 else f"{step.template}/{count + 1}")
    return tuple(keys)


def _template(wanted: str, decline: Decline | None) -> Template:
    """Where the bank waits for the customer's authentication every word says so, with the way to the page that finishes it."""
    if decline is not None and read(decline).needs_authentication:
        return Template.AUTHENTICATION_NEEDED
    return Template(wanted)


def _confirmation(case: Case) -> Step | None:
    """The bank asked for authentication only after the customer was written to: a new card, say. They are told at once."""
    tried = max((at for at in (case.last_attempt_at, case.stripe.last) if at is not None), default=None)
    if case.decline is None or tried is None or not read(case.decline).needs_authentication:
        return None
    if not case.messages or any(sent.at >= tried for sent in case.messages):
        return None
    told = sum(sent.key.split("/")[0] == Template.AUTHENTICATION_NEEDED for sent in case.messages)
    return Step(
        kind=StepKind.MESSAGE,
        due_at=tried,
        because="the bank now asks for the customer's authentication, which only they can give",
        template=Template.AUTHENTICATION_NEEDED,
        key=Template.AUTHENTICATION_NEEDED.value if told == 0 else f"authentication_needed/{told + 1}",
    )


def _wants_a_plan(case: Case, campaign: Campaign, now: datetime) -> bool:
    """Whether another attempt may follow, and only its moment is missing."""
    retries = campaign.retries
    if retries.timing is not Timing.PLANNED or retries.mode is RetryMode.OBSERVE or case.planned is not None:
        return False
    if promised_attempt(case) is not None:
        return False
    if case.retries_made >= len(retries.after_days) or now > case.failed_at + days(campaign.window_days):
        return False
    return case.decline is None or _may_retry(read(case.decline), case.retries_made)


def _due(case: Case, campaign: Campaign, now: datetime) -> tuple[datetime, str] | None:
    """When the next scheduled attempt is due by the plan, or else by the campaign; ``None`` where none is worth it."""
    if campaign.retries.timing is Timing.PLANNED and case.planned is not None:
        return None if case.planned.at is None else (case.planned.at, case.planned.because)
    day = next_day(case, campaign.retries.after_days, now)
    return None if day is None else (case.failed_at + days(day), f"the campaign retries on day {day:g}")


def _attempt(case: Case, campaign: Campaign, now: datetime) -> Step | None:
    retries = campaign.retries
    reading = read(case.decline) if case.decline else None
    if reading is not None and not _may_retry(reading, case.retries_made):
        return None
    if (promised := promised_attempt(case)) is not None:
        return promised
    if retries.mode is RetryMode.OBSERVE or case.retries_made >= len(retries.after_days):
        return None
    if (asked := _due(case, campaign, now)) is None:
        return None
    due, because = asked
    if case.last_attempt_at and case.last_attempt_at + days(retries.min_gap_days) > due:
        due = case.last_attempt_at + days(retries.min_gap_days)
        because = f"the campaign keeps {retries.min_gap_days:g} days between two attempts"
    if case.not_before and case.not_before > due:
        due = case.not_before
        because = case.not_before_because or "no attempt is allowed before this moment"
    if retries.mode is RetryMode.WEAVE:
        clear = first_clear(max(due, now), case.stripe, timedelta(hours=retries.stripe_distance_hours))
        if clear > max(due, now):
            due, because = clear, beside_stripe(retries.stripe_distance_hours)
    if due > case.failed_at + days(campaign.window_days):
        return None
    return Step(kind=StepKind.ATTEMPT, due_at=due, because=because, trigger=Trigger.SCHEDULE)


def _may_retry(reading: Reading, made: int) -> bool:
    """Whether the same method may be tried again without the customer, after so many scheduled attempts."""
    return reading.may_retry and (reading.most_retries is None or made < reading.most_retries)


def _last_notice(case: Case, campaign: Campaign) -> Step | None:
    due = notice_due(case, campaign)
    first, second = case.message("last_notice"), case.message("last_notice/2")
    if first is None:
        because = f"the suspension follows {campaign.warning.days_before:g} days later"
        return _notice_step(due, because, "last_notice")
    if first.state is MessageState.UNKNOWN and second is None:
        because = "the last notice may not have arrived, and it must before a suspension"
        return _notice_step(first.at + SECOND_NOTICE_AFTER, because, "last_notice/2")
    if first.state is MessageState.RETURNED and second is None:
        because = "the last notice came back, and it must arrive before a suspension"
        return _notice_step(first.at, because, "last_notice/2")
    if (renewed := renewed_notice_due(case, campaign)) is not None:
        because = f"the customer was given longer, and the suspension follows {campaign.warning.days_before:g} days later"
        return _notice_step(renewed, because, f"last_notice/{len(notices_of(case)) + 2}")
    return None


def _notice_step(due: datetime, because: str, key: str) -> Step:
    return Step(kind=StepKind.MESSAGE, due_at=due, because=because, template=Template.LAST_NOTICE, key=key)


def _restriction(case: Case, campaign: Campaign) -> Step | None:
    due = restrict_at(case, campaign)
    if due is None or case.access is not Access.FULL or not was_warned(case):
        return None
    because = f"nothing was paid by day {campaign.restrict_after_days:g}, and the last notice has gone out"
    return Step(kind=StepKind.RESTRICT, due_at=due, because=because)


_UNCONFIRMED = "the last notice could not be confirmed as sent"
_WHY_NOT_WARNED = {
    MessageState.STOPPED: "the last notice was not sent, because every channel to the customer is stopped",
    MessageState.RETURNED: "the last notice came back, so it has not reached the customer",
}


def _suspension(case: Case, campaign: Campaign) -> Step | None:
    notices = notices_of(case)
    due = suspend_at(case, campaign)
    if not notices or was_warned(case):
        return approval_step(case, campaign, due) or _suspend_step(case, campaign, due)
    if len(notices) == 1 and notices[-1].state in (MessageState.UNKNOWN, MessageState.RETURNED):
        return None
    because = f"{_WHY_NOT_WARNED.get(notices[-1].state, _UNCONFIRMED)}; a person must tell the customer, then resume the case"
    return Step(kind=StepKind.PERSON, due_at=due, because=because)


def _suspend_step(case: Case, campaign: Campaign, due: datetime) -> Step:
    because = _why_suspend(campaign)
    if case.question is not None and case.question.answer is not None:
        because = f"{because}; {case.question.answer}"
    return Step(kind=StepKind.SUSPEND, due_at=due, because=because)


def _why_suspend(campaign: Campaign) -> str:
    return (
        f"nothing was paid in {campaign.window_days:g} days, and {campaign.grace_days:g} days of grace are over"
        if campaign.grace_days
        else f"nothing was paid in {campaign.window_days:g} days"
    )
