"""What a stopped channel means for a message, and for a case that must warn before it suspends."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, Outcome, Stage, Template
from recoup.rules.channels import Channel, Stopped, StopReason
from recoup.rules.contact import Hours, QuietHours
from recoup.rules.conversation import History, Said, Told, Wish, may_tell
from recoup.rules.steps import Step, StepKind, next_step, stage_of
from recoup.rules.suspension import suspend_at, was_warned
from tests.rules.cases import START, a_case

STOP = Stopped(channel=Channel.EMAIL, reason=StopReason.UNSUBSCRIBED, at=START)
NIGHT = Hours(ZoneInfo("UTC"), QuietHours(begin="07:00", end="09:00"))
DAY = timedelta(days=1)


def _wish(template: Template = Template.REMINDER) -> Wish:
    return Wish(
        key=f"in_1/{template}",
        name=template,
        invoice="in_1",
        customer="cus_1",
        template=template,
        channel="email",
    )


@pytest.mark.parametrize("template", list(Template))
def test_a_stopped_channel_lets_nothing_out(template: Template) -> None:
    """No message is above it, not the last notice either, and none waits for the morning first: the answer gives the reason."""
    answer = may_tell(_wish(template), History(told=(), sent=(), stopped=STOP), NIGHT, START)
    assert not answer.is_yes
    assert answer.stopped == STOP
    assert answer.not_before is None
    assert answer.because == "mail to the customer is stopped: the customer unsubscribed (2026-11-02)"


def test_what_another_message_has_said_still_counts_as_said() -> None:
    """A channel that was stopped afterwards does not undo it."""
    told = Told(
        message="in_2/payment_failed",
        template=Template.PAYMENT_FAILED,
        channel="email",
        state=MessageState.SENT,
        at=START,
        said=Said.OPEN,
    )
    answer = may_tell(_wish(), History(told=(told,), sent=(), stopped=STOP), NIGHT, START)
    assert (answer.covered_by, answer.stopped) == (told, None)


def _warned(state: MessageState, key: str = "last_notice") -> Case:
    case = fold.message_done(a_case(), "payment_failed", MessageState.SENT, START)
    case = case.model_copy(update={"decline": None, "retries_made": 4})
    for name in ("reminder", "reminder/2"):
        case = fold.message_done(case, name, MessageState.SENT, START + 10 * DAY)
    return fold.message_done(case, key, state, START + 18 * DAY)


def _due(case: Case) -> Step:
    now = suspend_at(case, case.campaign)
    return next_step(case, case.campaign, now)


def test_a_last_notice_that_no_channel_takes_waits_for_a_person() -> None:
    """Nothing is suspended; once a person has told the customer, the days of the warning begin."""
    case = _warned(MessageState.STOPPED)
    step = _due(case)
    assert step.kind is StepKind.PERSON
    assert "every channel to the customer is stopped" in step.because
    asked = fold.person_needed(case, step.because)
    now = suspend_at(case, case.campaign)
    back = fold.resumed(asked, now)
    assert was_warned(back)
    assert suspend_at(back, back.campaign) == now + case.campaign.warning.days_before * DAY
    assert next_step(back, back.campaign, suspend_at(back, back.campaign)).kind is StepKind.SUSPEND


def test_a_last_notice_that_came_back_is_sent_once_more_and_then_waits_for_a_person() -> None:
    """It counts as said no more; the second try goes out at once, and where it cannot the case waits."""
    sent = _warned(MessageState.SENT)
    assert _due(sent).kind is StepKind.SUSPEND
    back = fold.message_returned(sent, "in_1/last_notice")
    assert not was_warned(back)
    again = next_step(back, back.campaign, START + 19 * DAY)
    assert (again.kind, again.key) == (StepKind.MESSAGE, "last_notice/2")
    assert again.due_at == START + 18 * DAY
    stopped = fold.message_done(back, "last_notice/2", MessageState.STOPPED, START + 19 * DAY)
    assert _due(stopped).kind is StepKind.PERSON


def test_a_renewed_notice_that_is_stopped_waits_for_a_person_too() -> None:
    """The first one arrived, but named a day that is past: a person who gave longer must tell of the new day."""
    case = fold.message_done(
        _warned(MessageState.SENT), "last_notice/3", MessageState.STOPPED, START + 30 * DAY
    )
    assert _due(case).kind is StepKind.PERSON
    told = fold.resumed(fold.person_needed(case, "x"), START + 33 * DAY)
    assert _due(told).kind is StepKind.SUSPEND


def test_what_came_back_of_another_case_came_back_for_this_one_too() -> None:
    """A case whose last notice was another's hears the same; other messages and ended cases stay as they are."""
    case = fold.message_done(a_case(), "last_notice", MessageState.SENT, START, "in_9/last_notice")
    assert fold.message_returned(case, "in_9/last_notice").messages[0].state is MessageState.RETURNED
    assert fold.message_returned(case, "in_9/reminder") == case
    over = fold.invoice_paid(case, outside=False, by_stripe=False)
    assert fold.message_returned(over, "in_9/last_notice") == over


def test_who_heard_nothing_is_neither_notified_nor_thanked() -> None:
    """The stage says so, and the recovery ends in silence."""
    case = fold.message_done(a_case(), "payment_failed", MessageState.STOPPED, START)
    step = next_step(case, case.campaign, START + timedelta(hours=1))
    assert stage_of(case, step, START) is Stage.OPEN
    paid = fold.invoice_paid(case, outside=False, by_stripe=False)
    closed = fold.closed(paid, Outcome.RECOVERED_BY_CUSTOMER, "paid", START)
    assert next_step(closed, closed.campaign, START).kind is StepKind.END
