"""Properties of the decision that hold for every case, decline, campaign and moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, Outcome, Trigger
from recoup.rules.codes import CODES, MASTERCARD_ADVICE, visa
from recoup.rules.declines import Decline, DeclineClass, read
from recoup.rules.policy import Campaign, Ending, LastNotice, MessageStep, Retries, RetryMode
from recoup.rules.steps import StepKind, next_step
from tests.rules.cases import START, a_case

LIMIT = 200

declines = st.builds(
    Decline,
    code=st.sampled_from([*CODES, "a_code_of_tomorrow"]),
    advice_code=st.sampled_from([None, "do_not_try_again", "try_again_later", "confirm_card_data"]),
    network_decline_code=st.sampled_from([None, "51", "05", *sorted(visa.never())]),
    network_advice_code=st.sampled_from([None, *MASTERCARD_ADVICE]),
    brand=st.sampled_from([None, "visa", "mastercard", "amex"]),
    kind=st.sampled_from([None, "issuer_declined", "blocked"]),
)


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    window = draw(st.floats(1, 60))
    moments = sorted(draw(st.lists(st.floats(0, window), max_size=4)))
    retries = sorted(set(draw(st.lists(st.floats(0.01, window), max_size=8))))
    grace = draw(st.floats(0, 30))
    return Campaign(
        messages=(
            MessageStep(template="payment_failed", after_days=0),
            *(MessageStep(template="reminder", after_days=day) for day in moments),
        ),
        retries=Retries(
            mode=draw(st.sampled_from(RetryMode)),
            after_days=tuple(retries),
            min_gap_days=draw(st.floats(0, 2)),
        ),
        window_days=window,
        grace_days=grace,
        warning=LastNotice(days_before=draw(st.floats(0, (window + grace) * 0.9))),
        ending=draw(st.sampled_from(Ending)),
    )


def play(case: Case, data: st.DataObject, until: int = LIMIT) -> list[tuple[str, datetime, Case]]:
    """Play a case to its end: what it does, when, and the case it was decided on."""
    now = START
    done: list[tuple[str, datetime, Case]] = []
    for _ in range(until):
        step = next_step(case, case.campaign, now)
        assert step.because
        if step.kind is StepKind.END:
            return [*done, ("end", now, case)]
        if step.due_at is None:
            case = fold.resumed(case, now)
            continue
        now = max(now, step.due_at) + timedelta(seconds=data.draw(st.integers(0, 7200)))
        done.append((step.kind.value, now, case))
        case = answer(case, step.kind, step.key, step.trigger, now, data)
    raise AssertionError("the case did not end")


def answer(
    case: Case, kind: StepKind, key: str | None, trigger: Trigger | None, now: datetime, data: st.DataObject
) -> Case:
    if kind is StepKind.MESSAGE:
        state = data.draw(st.sampled_from([MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED]))
        return fold.message_done(case, key or "", state, now)
    if kind is StepKind.ATTEMPT:
        return fold.attempt_declined(case, trigger or Trigger.SCHEDULE, now, data.draw(declines), "pm_1")
    if kind is StepKind.PERSON:
        return fold.person_needed(case, "asked")
    if kind is StepKind.SUSPEND:
        return fold.suspended(case, "nothing was paid")
    if kind is StepKind.CLOSE:
        return fold.closed(case, case.outcome or Outcome.CLOSED_EXCLUDED, "x", now)
    if kind is StepKind.RESTORE:
        return fold.restored(case)
    if kind is StepKind.RELEASE:
        return fold.released(case)
    raise AssertionError(kind)


@given(declines, campaigns(), st.data())
def test_every_case_that_nobody_pays_ends_suspended(
    decline: Decline, campaign: Campaign, data: st.DataObject
) -> None:
    """Whatever the banks say and however the messages fare, a case ends, and it ends suspended."""
    played = play(a_case(decline, campaign), data)
    assert played[-1][2].outcome is Outcome.LOST_SUSPENDED


@given(declines, campaigns(), st.data())
def test_attempts_keep_to_the_campaign_and_the_banks_wishes(
    decline: Decline, campaign: Campaign, data: st.DataObject
) -> None:
    """No more attempts than the budget, none too near to the one before, none sooner than asked, none after a final no."""
    attempts = [(now, case) for kind, now, case in play(a_case(decline, campaign), data) if kind == "attempt"]
    assert len(attempts) <= len(campaign.retries.after_days)
    for now, case in attempts:
        assert case.not_before is None or now >= case.not_before
        assert case.decline is not None
        assert read(case.decline).decline_class in (DeclineClass.SOFT, DeclineClass.CONFIG)
        if case.last_attempt_at is not None:
            assert now - case.last_attempt_at >= timedelta(days=campaign.retries.min_gap_days) - timedelta(
                seconds=1
            )


@given(declines, campaigns(), st.data())
def test_nobody_is_suspended_without_notice(
    decline: Decline, campaign: Campaign, data: st.DataObject
) -> None:
    """Before each suspension a last notice was confirmed, and the promised days lie between."""
    for kind, now, case in play(a_case(decline, campaign), data):
        if kind == "suspend":
            notices = [
                sent.at
                for sent in case.messages
                if sent.key.startswith("last_notice") and sent.state == "sent"
            ]
            assert notices
            assert now - max(notices) >= timedelta(days=campaign.warning.days_before) - timedelta(seconds=1)


@given(declines, campaigns(), st.data())
def test_no_message_is_sent_twice(decline: Decline, campaign: Campaign, data: st.DataObject) -> None:
    """Each key of a message is used once in the life of a case."""
    keys = [sent.key for sent in play(a_case(decline, campaign), data)[-1][2].messages]
    assert len(keys) == len(set(keys))


@given(declines, campaigns(), st.integers(0, 90 * 86400))
def test_the_same_question_has_the_same_answer(decline: Decline, campaign: Campaign, seconds: int) -> None:
    """The decision is a function: asked twice, also of a copy that went through JSON, it answers the same."""
    case, now = a_case(decline, campaign), START + timedelta(seconds=seconds)
    copy = Case.model_validate_json(case.model_dump_json())
    assert next_step(case, campaign, now) == next_step(copy, copy.campaign, now)
