"""A promise to pay: what waits for its day, what does not, and what follows it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import Access, Case, MessageState, Outcome, Trigger
from recoup.rules.customer_page import CustomerPage
from recoup.rules.declines import Decline, read
from recoup.rules.policy import Campaign, Retries, RetryMode, Timing
from recoup.rules.promising import refusal
from recoup.rules.steps import StepKind, next_step
from recoup.rules.suspension import suspend_at
from tests.rules.cases import START, a_case
from tests.rules.test_next_step_properties import LIMIT, answer, campaigns, declines

DAY = timedelta(days=1)


def told(case: Case) -> Case:
    """The customer was told of the failure at once."""
    return fold.message_done(case, "payment_failed", MessageState.SENT, START)


def test_attempts_and_reminders_wait_for_the_day_and_the_attempt_comes_first() -> None:
    """Promised on day 2 for day 6: nothing on day 3 and 5; one attempt on day 6, then the reminder that had waited."""
    case = fold.promised(told(a_case()), START + 2 * DAY, START + 6 * DAY)
    step = next_step(case, case.campaign, START + 2 * DAY)
    assert (step.kind, step.trigger, step.due_at) == (
        StepKind.ATTEMPT, Trigger.PROMISE, START + 6 * DAY,
    )  # fmt: skip
    assert step.because == "the customer promised to pay by 08 Nov 2026 08:00 UTC"
    after = fold.attempt_declined(case, Trigger.PROMISE, START + 6 * DAY, case.decline, "pm_1")
    assert (after.retries_made, after.attempts_made) == (0, 1)
    reminder = next_step(after, after.campaign, START + 6 * DAY)
    assert (reminder.key, reminder.because) == ("reminder", step.because)
    sent = fold.message_done(after, "reminder", MessageState.SENT, START + 6 * DAY)
    later = next_step(sent, sent.campaign, START + 6 * DAY)
    assert (later.kind, later.trigger) == (StepKind.ATTEMPT, Trigger.SCHEDULE)


def test_a_new_card_does_not_wait() -> None:
    """What the customer sets in motion is tried at once; where it is refused the promised day keeps its attempt."""
    case = fold.promised(told(a_case()), START, START + 5 * DAY)
    case = fold.method_updated(case, "pm_2/2030-1", Trigger.CARD_UPDATE)
    step = next_step(case, case.campaign, START + DAY)
    assert (step.trigger, step.due_at) == (Trigger.CARD_UPDATE, START + DAY)
    soft = Decline(code="insufficient_funds", brand="visa")
    refused = fold.attempt_declined(fold.attempt_begun(case), Trigger.CARD_UPDATE, START + DAY, soft, "pm_2")
    step = next_step(refused, refused.campaign, START + DAY)
    assert (step.trigger, step.due_at) == (Trigger.PROMISE, START + 5 * DAY)


@pytest.mark.parametrize("code", ["lost_card", "authentication_required"])
def test_a_promise_forbids_no_bank_anything(code: str) -> None:
    """A card that must not be tried again is not, on no day; the reminder still waits for the promised one."""
    case = fold.promised(told(a_case(Decline(code=code, brand="visa"))), START + DAY, START + 6 * DAY)
    step = next_step(case, case.campaign, START + DAY)
    assert (step.kind, step.due_at) == (StepKind.MESSAGE, START + 6 * DAY)
    assert {each.kind for each in step.candidates} == {StepKind.MESSAGE, StepKind.SUSPEND}


def test_a_limit_puts_the_promised_attempt_off_and_it_is_still_the_promised_one() -> None:
    """The guard says "not before" on the very day: the attempt is made then, and counts as the promise's."""
    case = fold.promised(told(a_case()), START, START + 4 * DAY)
    limited = fold.attempt_not_made(
        fold.attempt_begun(case), Trigger.PROMISE, START + 9 * DAY, "the network allows no more"
    )
    attempts = [
        each.due_at for each in next_step(limited, limited.campaign, START + 4 * DAY).candidates
        if each.kind is StepKind.ATTEMPT
    ]  # fmt: skip
    assert attempts == [START + 9 * DAY]


def test_a_promise_puts_the_suspension_off_and_the_last_notice_with_it() -> None:
    """Promised on day 17 for day 22, one day after the suspension's: the notice goes out then, and its three days follow."""
    case = fold.promised(told(a_case()), START + 17 * DAY, START + 22 * DAY)
    case = case.model_copy(update={"retries_made": 4, "last_attempt_at": START + 12 * DAY})
    assert suspend_at(case, case.campaign) == START + 22 * DAY
    tried = fold.attempt_declined(case, Trigger.PROMISE, START + 22 * DAY, case.decline, "pm_1")
    notice = next_step(tried, tried.campaign, START + 22 * DAY)
    assert notice.key == "last_notice"
    warned = fold.message_done(tried, "last_notice", MessageState.SENT, START + 22 * DAY)
    last = next_step(warned, warned.campaign, START + 22 * DAY)
    assert (last.kind, last.due_at) == (StepKind.SUSPEND, START + 25 * DAY)


def test_whoever_was_warned_already_is_suspended_on_the_promised_day_at_the_earliest() -> None:
    """The last notice is out; the promise moves the end, and its attempt comes before it."""
    case = told(a_case(campaign=Campaign(retries=Retries(after_days=()))))
    case = fold.message_done(case, "last_notice", MessageState.SENT, START + 18 * DAY)
    case = fold.promised(case, START + 19 * DAY, START + 24 * DAY)
    step = next_step(case, case.campaign, START + 21 * DAY)
    assert (step.trigger, step.due_at) == (Trigger.PROMISE, START + 24 * DAY)
    refused = fold.attempt_declined(case, Trigger.PROMISE, START + 24 * DAY, case.decline, "pm_1")
    assert next_step(refused, refused.campaign, START + 24 * DAY).kind is StepKind.SUSPEND


def test_no_plan_is_made_while_a_promise_waits() -> None:
    """With ``timing: planned`` the promised day needs no plan; after its attempt the planner is asked again."""
    campaign = Campaign(retries=Retries(timing=Timing.PLANNED))
    case = fold.promised(told(a_case(campaign=campaign)), START, START + 4 * DAY)
    assert next_step(case, campaign, START).trigger is Trigger.PROMISE
    refused = fold.attempt_declined(case, Trigger.PROMISE, START + 4 * DAY, case.decline, "pm_1")
    assert next_step(refused, campaign, START + 4 * DAY).kind is StepKind.LOOK


def test_an_attempt_that_never_reached_the_bank_is_still_owed_to_the_promise() -> None:
    """It vanished: nothing is asked for beside the promise, whose day has come."""
    case = fold.promised(told(a_case()), START, START + 4 * DAY)
    gone = fold.attempt_vanished(
        fold.attempt_open(case, Trigger.PROMISE, 1, START + 4 * DAY), Trigger.PROMISE
    )
    assert gone.untried is None
    assert next_step(gone, gone.campaign, START + 4 * DAY).trigger is Trigger.PROMISE


def test_the_promised_attempt_that_pays_is_a_retry_that_paid() -> None:
    """Recoup made it, on a day of the customer's choice."""
    case = fold.promised(told(a_case()), START, START + 4 * DAY)
    paid = fold.attempt_paid(fold.attempt_begun(case), Trigger.PROMISE, START + 4 * DAY, "the bank approved")
    assert paid.outcome is Outcome.RECOVERED_BY_RETRY


@pytest.mark.parametrize(
    ("changes", "days", "words"),
    [
        ({}, 5, None),
        ({}, 5.1, "5 days at most"),
        ({}, 0, "must be for the future"),
        ({"promise_days": 0}, 3, "takes no promise"),
        ({"access": Access.SUSPENDED}, 3, "suspended already"),
        ({"is_return": True}, 3, "suspended already"),
        ({"campaign": Campaign(retries=Retries(mode=RetryMode.WEAVE))}, 3, "Stripe's own retries"),
        ({"campaign": Campaign(retries=Retries(mode=RetryMode.OBSERVE))}, 3, "Stripe's own retries"),
    ],
)
def test_a_promise_keeps_within_the_policy(
    changes: dict[str, object], days: float, words: str | None
) -> None:
    """It is taken for as many days as the case allows, while there is something that waiting can still spare."""
    said = refusal(a_case(**changes), START + days * DAY, START)  # type: ignore[arg-type]
    assert (said is None) if words is None else (said is not None and words in said)


def test_a_promise_is_taken_once() -> None:
    """The second one is refused, also when the first one's day is past, and changes nothing."""
    case = fold.promised(a_case(), START, START + DAY)
    assert "once for each case" in str(refusal(case, START + 9 * DAY, START + 8 * DAY))
    assert fold.promised(case, START + DAY, START + 3 * DAY) == case


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"smaller_plans": {"price_big": []}}, "price_big must name other prices"),
        ({"smaller_plans": {"price_big": ["price_big"]}}, "price_big must name other prices"),
        ({"pause_days": [60, 30]}, "pause_days must rise"),
        ({"promise_days": 31}, "less than or equal to 30"),
    ],
)
def test_a_page_that_cannot_work_is_refused(page: dict[str, object], words: str) -> None:
    """What the policy's customer_page offers must make sense."""
    with pytest.raises(ValueError, match=words):
        CustomerPage.model_validate(page)


def promised_life(case: Case, data: st.DataObject) -> list[tuple[str, datetime, Case, Trigger | None]]:
    """Play a case to its end; at some moment of it the customer promises to pay."""
    now, promises = START, data.draw(st.floats(0, 40)) * DAY + START
    length = data.draw(st.floats(0.01, 30)) * DAY
    done: list[tuple[str, datetime, Case, Trigger | None]] = []
    for _ in range(LIMIT):
        step = next_step(case, case.campaign, now)
        if step.kind is StepKind.END:
            return done
        if step.due_at is None:
            case = fold.resumed(case, now)
            continue
        due = max(now, step.due_at)
        if case.promise is None and case.outcome is None and promises <= due:
            now = max(now, promises)
            case = fold.promised(case, now, now + length)
            continue
        now = due + timedelta(seconds=data.draw(st.integers(0, 7200)))
        done.append((step.kind.value, now, case, step.trigger))
        case = answer(case, step.kind, step.key, step.trigger, now, data)
    raise AssertionError("the case did not end")


@given(declines, campaigns(), st.data())
def test_nothing_of_the_campaigns_happens_before_a_promised_day(
    decline: Decline, campaign: Campaign, data: st.DataObject
) -> None:
    """Between a promise and its day: no attempt, no reminder, no last notice, no suspension; the case still ends suspended."""
    life = promised_life(a_case(decline, campaign), data)
    for kind, now, case, _ in life:
        if case.promise is None or not case.promise.at <= now < case.promise.until:
            continue
        assert kind in ("message", "person"), kind
        if kind == "message":
            key = next_step(case, campaign, now).key or ""
            assert key.split("/")[0] in ("payment_failed", "authentication_needed")
    assert [kind for kind, *_ in life].count("suspend") == 1


@given(declines, campaigns(), st.data())
def test_a_promise_brings_one_attempt_which_the_bank_allows(
    decline: Decline, campaign: Campaign, data: st.DataObject
) -> None:
    """At most one attempt of the promise's, on its day or later, never sooner than asked, none after a final no."""
    promised = [
        (now, case)
        for kind, now, case, trigger in promised_life(a_case(decline, campaign), data)
        if kind == "attempt" and trigger is Trigger.PROMISE
    ]
    assert len(promised) <= 1
    for now, case in promised:
        assert case.promise is not None
        assert now >= case.promise.until
        assert case.not_before is None or now >= case.not_before
        assert case.decline is not None
        assert read(case.decline).may_retry
