"""When a message is due: late ones, gathered ones, and the words at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.rules import fold
from recoup.rules.case import MessageState, Outcome
from recoup.rules.policy import Campaign, MessageStep, Retries
from recoup.rules.steps import next_step
from tests.rules.cases import START, a_case
from tests.rules.test_next_step import DAY, decide, told


@pytest.mark.parametrize(("spacing", "moved"), [(24, True), (0, False)])
def test_a_late_reminder_moves_the_next_one(spacing: int, *, moved: bool) -> None:
    """Held back until nine hours before the next reminder, which says the same: a day lies between them. Older cases go on as they began."""
    case = told(a_case(spacing_hours=spacing)).model_copy(update={"retries_made": 4})
    late = START + 10 * DAY - timedelta(hours=9)
    case = fold.message_done(case, "reminder", MessageState.SENT, late)
    step = decide(case, late)
    assert (step.key, step.due_at) == ("reminder/2", late + DAY if moved else START + 10 * DAY)
    assert ("went out late" in step.because) is moved


def test_reminders_that_the_campaign_wants_near_each_other_stay_so() -> None:
    """A campaign with twelve hours between two messages keeps twelve hours, whatever made the first one late."""
    first = MessageStep(template="payment_failed", after_days=0)
    messages = (first, *(MessageStep(template="reminder", after_days=day) for day in (0.5, 1)))
    case = told(
        a_case(spacing_hours=24, campaign=Campaign(messages=messages, retries=Retries(after_days=())))
    )
    assert decide(case).due_at == START + DAY / 2
    late = START + 0.9 * DAY
    case = fold.message_done(case, "reminder", MessageState.SENT, late)
    assert decide(case, late).due_at == late + DAY / 2


def test_gathering_delays_the_first_and_the_last_word_alone() -> None:
    """Fifteen minutes from the failure to the first message, and from the end to the thank-you; none where the customer has no other case."""
    case = a_case(gather_minutes=15)
    assert next_step(case, case.campaign, START).due_at == START + timedelta(minutes=15)
    told = fold.message_done(case, "payment_failed", MessageState.SENT, START)
    paid = fold.ended(told, Outcome.RECOVERED_BY_RETRY, "paid")
    at = START + timedelta(days=1)
    for alone, wait in ((False, timedelta(minutes=15)), (True, timedelta(0))):
        over = fold.closed(paid, Outcome.RECOVERED_BY_RETRY, "paid", at, alone=alone)
        step = next_step(over, over.campaign, at)
        assert (step.key, step.due_at) == ("recovered", at + wait)
