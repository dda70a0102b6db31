"""What holds for every decline, whatever Stripe and the networks write: no crash, the strictest wins, pauses are kept."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recoup.rules import fold
from recoup.rules.case import MessageState, Trigger
from recoup.rules.codes import CODES, MASTERCARD_ADVICE, SCHEMES, STRIPE_ADVICE, VISA
from recoup.rules.declines import Decline, DeclineClass, Reading, forbidden, read, unknown_codes
from recoup.rules.networks import may_attempt
from recoup.rules.policy import Campaign, MessageStep, Retries
from recoup.rules.steps import StepKind, next_step
from tests.rules.cases import START, a_case

any_text = st.none() | st.text(max_size=30)
networks = ["05", "0", "AM04", "AC04", "R01", "R07", *(row.code for row in VISA)]
fields: dict[str, st.SearchStrategy[Any]] = {
    "advice_code": st.sampled_from(sorted(STRIPE_ADVICE)) | any_text,
    "network_decline_code": st.sampled_from(networks) | any_text,
    "network_advice_code": st.sampled_from(sorted(MASTERCARD_ADVICE)) | any_text,
    "kind": st.sampled_from(["issuer_declined", "blocked", "invalid"]) | any_text,
    "brand": st.sampled_from(["visa", "mastercard", "amex"]) | any_text,
    "method_type": st.sampled_from(["card", "blik", *SCHEMES]) | st.text(max_size=20),
}
declines = st.builds(Decline, code=st.sampled_from(sorted(CODES)) | st.text(max_size=30), **fields)
SEVERITY = {kind: rank for rank, kind in enumerate(("soft", "config", "action", "hard", "fraud"))}


def no_milder(before: Reading, after: Reading) -> bool:
    """Whether the second reading is at least as strict as the first."""
    return (
        SEVERITY[after.decline_class] >= SEVERITY[before.decline_class]
        and (before.may_retry or not after.may_retry)
        and (after.wait >= before.wait or not after.may_retry)
    )


@given(declines, st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_everything_can_be_read(decline: Decline, on: date | None) -> None:
    """No text in any field, on no day, makes reading fail, and every reading explains itself."""
    reading = read(decline, on)
    assert reading.because
    assert reading.wait >= timedelta(0)
    assert reading.unknown == bool(unknown_codes(decline))
    assert (forbidden(decline, on) is None) or not reading.may_retry


@given(declines, st.sampled_from(["advice_code", "network_advice_code"]), st.data())
def test_advice_never_makes_a_refusal_milder(decline: Decline, field: str, data: st.DataObject) -> None:
    """The same decline with one more piece of advice is read at least as strictly."""
    bare = decline.model_copy(update={field: None})
    advised = decline.model_copy(update={field: data.draw(fields[field])})
    assert no_milder(read(bare), read(advised))


@given(declines)
def test_a_block_and_a_final_category_never_make_a_refusal_milder(decline: Decline) -> None:
    """Blocked, or in Visa's category 1: whatever else is known, the card is not tried again."""
    for prohibition in ({"kind": "blocked"}, {"brand": "visa", "network_decline_code": "46"}):
        forbade = decline.model_copy(update=prohibition)
        assert forbidden(forbade) is not None
        assert not read(forbade).may_retry
        assert read(forbade).decline_class in (DeclineClass.HARD, DeclineClass.FRAUD)


@given(declines)
def test_a_suspicion_stays_one(decline: Decline) -> None:
    """No advice turns a fraudulent code into anything else, and the customer never reads more than a refusal."""
    reading = read(decline.model_copy(update={"code": "stolen_card"}))
    assert (reading.decline_class, reading.reason) == (DeclineClass.FRAUD, "bank_refused")


@given(declines)
def test_what_is_forbidden_passes_no_guard(decline: Decline) -> None:
    """The guard refuses for good whatever the reading forbids, for cards and for debits."""
    if forbidden(decline) is not None:
        said = may_attempt(decline.brand, [], decline, START, method_type=decline.method_type)
        assert (said.allowed, said.not_before) == (False, None)


EAGER = Campaign(
    messages=(MessageStep(template="payment_failed", after_days=0),),
    retries=Retries(after_days=(0.01, 0.02, 0.5, 1, 2, 3, 4, 12), min_gap_days=0),
    window_days=30,
)


def told(decline: Decline) -> Any:
    """A case as it begins: refused at the start, the customer told."""
    case = fold.declined(a_case(campaign=EAGER), decline, START)
    return fold.message_done(case, "payment_failed", MessageState.SENT, START)


@given(declines)
def test_the_first_refusals_pause_is_kept(decline: Decline) -> None:
    """From the very first refusal on, however eager the campaign: no attempt before the pause, none where none may be."""
    reading, step = read(decline), next_step(told(decline), EAGER, START)
    if step.kind is StepKind.ATTEMPT:
        assert reading.may_retry
        assert step.due_at is not None
        assert step.due_at >= START + reading.wait - timedelta(seconds=1)
    else:
        assert not reading.may_retry


@given(declines)
def test_a_refusal_that_others_met_is_heeded_too(decline: Decline) -> None:
    """A decline that was read after somebody else's attempt starts its own pause."""
    seen = START + timedelta(days=1)
    case = fold.looked(fold.failed_again(told(Decline(code="insufficient_funds"))), decline, seen)
    step = next_step(case, EAGER, seen)
    if step.kind is StepKind.ATTEMPT:
        assert step.due_at is not None
        assert step.due_at >= seen + read(decline).wait - timedelta(seconds=1)


@given(declines)
def test_the_number_of_retries_is_limited(decline: Decline) -> None:
    """While the answer stays the same no more scheduled attempts are planned than the reading allows."""
    case, now, made = told(decline), START, 0
    while (step := next_step(case, EAGER, now)).kind is StepKind.ATTEMPT:
        assert step.due_at is not None
        now, made = max(now, step.due_at), made + 1
        case = fold.attempt_declined(case, Trigger.SCHEDULE, now, decline, "pm_1")
    most = read(decline).most_retries
    assert most is None or made <= most


def test_an_unknown_code_gets_two_more_tries() -> None:
    """The safe default is a limited number of attempts, not none and not the whole campaign."""
    case, now, made = told(Decline(code="a_code_of_tomorrow")), START, 0
    while (step := next_step(case, EAGER, now)).kind is StepKind.ATTEMPT:
        assert step.due_at is not None
        now, made = max(now, step.due_at), made + 1
        case = fold.attempt_declined(case, Trigger.SCHEDULE, now, case.decline, "pm_1")
    assert made == 2
