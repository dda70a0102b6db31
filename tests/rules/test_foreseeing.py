"""What an operator's word would bring about: shown before it is said, and refused where the case would refuse it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from recoup.rules import fold
from recoup.rules.case import Outcome, Stage, Trigger
from recoup.rules.declines import Decline
from recoup.rules.foreseeing import Asked, foresee
from recoup.rules.people import StopEnding
from recoup.rules.step import StepKind
from recoup.rules.steps import next_step
from recoup.rules.stopping import stopped
from tests.rules.cases import a_case

DAY = timedelta(days=1)


def asked(word: str, **more: Any) -> Asked:
    return Asked(word=word, operator="kim", reason="the test says so", **more)


SOFT = a_case().model_copy(update={"decline": Decline(code="insufficient_funds")})
NOW = SOFT.failed_at + DAY


@pytest.mark.parametrize(
    ("said", "stage", "kind"),
    [
        (asked("retry_now"), Stage.RETRYING, StepKind.ATTEMPT),
        (asked("pause_until", until=NOW + DAY), Stage.PAUSED, StepKind.RESUME),
        (asked("mark_paid_outside"), None, StepKind.MARK_PAID),
        (asked("stop"), None, StepKind.CLOSE),
        (asked("stop", ending="cancel"), None, StepKind.SUSPEND),
        (asked("stop", ending="write_off"), None, StepKind.WRITE_OFF),
        (asked("hand_over", to="ada"), Stage.PERSON, StepKind.PERSON),
    ],
)
def test_the_step_that_would_follow(said: Asked, stage: Stage | None, kind: StepKind) -> None:
    """The effect of a word is the step that the case would take next, with its reason."""
    seen = foresee(SOFT, said, NOW)
    assert seen.refused is None
    assert seen.next.kind is kind
    assert stage is None or seen.stage is stage
    assert seen.next.because


def test_a_stop_that_cannot_be_made_waits_for_another_word() -> None:
    """Where Stripe refuses for good to cancel, a person may do it again, or stop in another way."""
    stuck = fold.step_failed(stopped(SOFT, StopEnding.CANCEL, "asked to"), "suspend", "Stripe said no")
    assert next_step(stuck, stuck.campaign, NOW).kind is StepKind.PERSON
    assert foresee(stuck, asked("resume"), NOW).next.kind is StepKind.SUSPEND
    assert foresee(stuck, asked("stop", ending="write_off"), NOW).next.kind is StepKind.WRITE_OFF
    assert foresee(stuck, asked("stop"), NOW).next.kind is StepKind.CLOSE


def test_words_that_move_no_step_leave_it() -> None:
    """A note and an assignment change nothing of what comes next."""
    before = foresee(SOFT, asked("note"), NOW).next
    assert foresee(SOFT, asked("assign", to="ada"), NOW).next == before


def test_a_retry_that_has_to_wait_says_until_when() -> None:
    """An attempt that a limit holds is shown with its moment, and with what holds it."""
    held = SOFT.model_copy(update={"not_before": NOW + DAY, "not_before_because": "the bank asked for 24 h"})
    seen = foresee(held, asked("retry_now"), NOW)
    assert seen.asked is not None
    assert (seen.asked.due_at, seen.asked.trigger) == (NOW + DAY, Trigger.MANUAL)
    assert "the bank asked for 24 h" in seen.asked.because


def test_longer_grace_moves_the_suspension() -> None:
    """The suspension among the steps to come lies so many days later."""

    def suspension(word: Asked) -> Any:
        return next(
            each.due_at for each in foresee(SOFT, word, NOW).next.candidates if each.what == "suspend"
        )

    assert suspension(asked("extend_grace", days=3)) == suspension(asked("note")) + 3 * DAY


@pytest.mark.parametrize(
    ("case", "said", "because"),
    [
        (fold.ended(SOFT, Outcome.CLOSED_VOIDED, "voided"), asked("retry_now"), "has ended"),
        (SOFT.model_copy(update={"unsettled": 2}), asked("retry_now"), "could charge twice"),
        (SOFT.model_copy(update={"decline": Decline(code="stolen_card")}), asked("retry_now"), "not allowed"),
        (SOFT, asked("pause_until", until=NOW), "future"),
        (SOFT.model_copy(update={"subscription": None}), asked("stop", ending="pause"), "no subscription"),
        (stopped(SOFT, StopEnding.CANCEL, "asked to"), asked("retry_now"), "is being stopped"),
        (SOFT, asked("resume"), "neither paused nor waiting"),
        (SOFT, asked("approve"), "does not wait"),
        (SOFT, asked("promise_to_pay", until=NOW + 300 * DAY), "at most"),
        (SOFT.model_copy(update={"is_return": True}), asked("extend_grace", days=1), "no grace"),
    ],
)  # fmt: skip
def test_what_would_be_refused(case: Any, said: Asked, because: str) -> None:
    """A word that the case would refuse is shown with the sentence of the refusal, and changes nothing."""
    seen = foresee(case, said, NOW)
    assert because in str(seen.refused)
    assert seen.next == foresee(case, asked("note"), NOW).next


def test_an_unknown_word_is_a_mistake() -> None:
    """A word that nobody knows is not shown as one without effect."""
    with pytest.raises(ValueError, match="sing"):
        foresee(SOFT, asked("sing"), NOW)
