"""What issuers answer: phases in their order, pauses kept, nothing but the seed left to chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.worlds import Card, Debit, Decline, Haste, PastAttempt, PaymentRequest, Phase
from recoup.worlds._base import Duration
from recoup.worlds.issuer import answer, draw

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
PAY = PaymentRequest(4900, "pln")
CONFIRMED = PaymentRequest(4900, "pln", off_session=False, authenticated=True)
FUNDS = Decline(decline_code="insufficient_funds", advice_code="try_again_later", network_decline_code="51")
STOLEN = Decline(decline_code="stolen_card")


def card(*phases: Phase) -> Card:
    """A card with this story."""
    return Card(brand="visa", issuer=phases)


def after(*hours: float) -> list[PastAttempt]:
    """Attempts so many hours after the start."""
    return [PastAttempt(START + timedelta(hours=hour)) for hour in hours]


def outcome(of: Card, hour: float, *before: float) -> str:
    """The outcome of an attempt at this hour, after others at those hours."""
    return answer(of, PAY, after(*before), START + timedelta(hours=hour)).outcome


def test_a_refusal_carries_every_code_of_the_world() -> None:
    """A declined answer has the world's codes in the words of a charge outcome."""
    said = answer(card(Phase(declines=FUNDS)), PAY, [], START)
    assert (said.outcome, said.code, said.decline_code) == ("declined", "card_declined", "insufficient_funds")
    assert (said.advice_code, said.network_decline_code, said.network_advice_code) == (
        "try_again_later",
        "51",
        None,
    )
    assert (said.type, said.reason) == ("issuer_declined", "insufficient_funds")
    assert said.network_status == "declined_by_network"


def test_codes_that_stripe_repeats_are_repeated() -> None:
    """An expired card's error has expired_card as its code too, unless the world says otherwise."""
    assert Decline(decline_code="expired_card").error_code == "expired_card"
    assert Decline(decline_code="do_not_honor").error_code == "card_declined"
    assert Decline(decline_code="do_not_honor", code="account_closed").error_code == "account_closed"


def test_a_block_never_reaches_the_network() -> None:
    """What Stripe's own rules refuse was not sent to the network and names its rule."""
    block = Decline(decline_code="generic_decline", type="blocked", reason="highest_risk_level")
    said = answer(card(Phase(declines=block)), PAY, [], START)
    assert (said.type, said.reason, said.network_status) == (
        "blocked",
        "highest_risk_level",
        "not_sent_to_network",
    )


def test_a_card_without_a_story_approves() -> None:
    """Without phases, and after the last one, the issuer approves."""
    assert outcome(card(), 0) == "approved"
    assert outcome(card(Phase(declines=FUNDS, for_attempts=1)), 1, 0) == "approved"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 12))
def test_phases_come_in_their_order(lengths: list[int], before: int) -> None:
    """Each counted phase answers as many attempts as it says, in its turn, and then the issuer approves."""
    phases = [
        Phase(declines=Decline(decline_code=f"reason_{number}"), for_attempts=length)
        for number, length in enumerate(lengths)
    ]
    expected = [f"reason_{number}" for number, length in enumerate(lengths) for _ in range(length)]
    said = answer(card(*phases), PAY, after(*range(before)), START + timedelta(hours=before))
    assert said.decline_code == (expected[before] if before < len(expected) else None)


@given(st.floats(0, 200), st.lists(st.floats(0, 200), max_size=5))
def test_a_pause_is_counted_from_the_first_attempt(pause: float, later: list[float]) -> None:
    """With `until` every attempt before the end is refused and the first after it approved, whatever was tried between."""
    story = card(Phase(declines=FUNDS, until=Duration(hours=pause)), Phase(approves=True))
    before = sorted([0.0, *(hour for hour in later if hour < pause)])
    end = START + Duration(hours=pause).length
    assert answer(story, PAY, after(*before), end).outcome == "approved"
    if pause > 0.01:
        assert answer(story, PAY, after(*before), end - timedelta(seconds=1)).outcome == "declined"


def test_a_quiet_pause_starts_again_with_every_attempt() -> None:
    """With `until_quiet_for` a bank that is asked too soon wants the whole pause once more."""
    story = card(Phase(declines=FUNDS, until_quiet_for=Duration(days=2)))
    assert outcome(story, 48, 0) == "approved"
    assert outcome(story, 47, 0) == "declined"
    assert outcome(story, 49, 0, 47) == "declined"
    assert outcome(story, 95, 0, 47) == "approved"


def test_a_phase_can_end_at_a_moment() -> None:
    """With `until_at` the calendar alone decides."""
    story = card(Phase(declines=FUNDS, until_at=START + timedelta(days=1)))
    assert outcome(story, 23.9) == "declined"
    assert outcome(story, 24) == "approved"


def test_a_card_that_worked_can_be_stolen() -> None:
    """A card may approve first and be refused for ever after."""
    story = card(Phase(approves=True, for_attempts=1), Phase(declines=STOLEN, always=True))
    assert outcome(story, 0) == "approved"
    assert [outcome(story, hour, *range(hour)) for hour in (1, 2, 9)] == ["declined"] * 3


def test_a_bank_can_ask_for_authentication_once() -> None:
    """Unauthenticated attempts are asked to authenticate; the authenticated one is approved, and those after it too."""
    story = card(Phase(needs_authentication=True, until_authenticated=True))
    asked = answer(story, PAY, after(0), START)
    assert (asked.outcome, asked.decline_code) == ("authentication_required", "authentication_required")
    assert answer(story, CONFIRMED, after(0), START).outcome == "approved"
    assert (
        answer(story, PAY, [*after(0), PastAttempt(START, authenticated=True)], START).outcome == "approved"
    )


def test_a_bank_can_ask_for_authentication_every_time() -> None:
    """Without an end the next attempt of a machine is asked again, though the last one was authenticated."""
    story = card(Phase(needs_authentication=True))
    assert answer(story, CONFIRMED, [], START).outcome == "approved"
    assert (
        answer(story, PAY, [PastAttempt(START, authenticated=True)], START).outcome
        == "authentication_required"
    )


def test_authentication_does_not_bring_money() -> None:
    """After 3-D Secure the phase that follows answers, with a refusal here."""
    story = card(Phase(needs_authentication=True, until_authenticated=True), Phase(declines=FUNDS))
    assert answer(story, CONFIRMED, [], START).decline_code == "insufficient_funds"


def test_saving_has_its_own_answer() -> None:
    """Saving a card asks for what the card says about saving, and never for its story of charges."""
    save = PaymentRequest(0, "pln", off_session=False, saving=True)
    confirmed = PaymentRequest(0, "pln", off_session=False, saving=True, authenticated=True)
    refused = Card(brand="visa", saving=FUNDS)
    checked = Card(brand="visa", saving="needs_authentication", issuer=(Phase(declines=FUNDS),))
    assert answer(card(Phase(declines=FUNDS)), save, [], START).outcome == "approved"
    assert answer(refused, save, [], START).decline_code == "insufficient_funds"
    assert answer(checked, save, [], START).outcome == "authentication_required"
    assert answer(checked, confirmed, [], START).outcome == "approved"


def test_a_debit_is_known_days_later() -> None:
    """A direct debit is processing first and says when and as what it will end."""
    debit = Debit(settles_after=Duration(days=4), issuer=(Phase(declines=FUNDS, for_attempts=1),))
    first = answer(debit, PAY, [], START)
    assert (first.outcome, first.settles_at) == ("processing", START + timedelta(days=4))
    assert first.settles_as is not None
    assert first.settles_as.decline_code == "insufficient_funds"
    second = answer(debit, PAY, after(0), START).settles_as
    assert second is not None
    assert second.outcome == "approved"


@given(st.integers(0, 2**63 - 1), st.integers(0, 30))
def test_chance_is_the_same_every_time(seed: int, before: int) -> None:
    """The same seed, card and number of attempts give the same answer, at any hour."""
    story = card(Phase(declines=FUNDS, succeeds_with_probability=0.5))
    said = {
        answer(story, PAY, after(*range(before)), START + timedelta(hours=hour), key="a", seed=seed).outcome
        for hour in (40, 41, 4000)
    }
    assert len(said) == 1


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_chance_keeps_its_share(chance: float) -> None:
    """Over many attempts the share that is approved is the one the world names."""
    story = card(Phase(declines=FUNDS, succeeds_with_probability=chance))
    approved = sum(
        answer(story, PAY, [], START, key=f"c{n}", seed=1).outcome == "approved" for n in range(2000)
    )
    assert abs(approved / 2000 - chance) < 0.04


@pytest.mark.parametrize(("pause", "share"), [(5, 0.25), (20, 0.5)])
def test_haste_loses_a_share_of_the_chance(pause: float, share: float) -> None:
    """An attempt within the time that a bank wants to be left alone has so much less chance; the pause itself is enough."""
    hasty = Haste(within=Duration(hours=20), loses=0.5)
    story = card(Phase(declines=FUNDS, succeeds_with_probability=0.5, too_soon=hasty))
    now = START + timedelta(hours=100 + pause)
    approved = sum(
        answer(story, PAY, after(0, 100), now, key=f"c{n}", seed=1).outcome == "approved" for n in range(2000)
    )
    assert abs(approved / 2000 - share) < 0.04


def test_draws_depend_on_every_argument() -> None:
    """Another seed, card or attempt is another draw."""
    assert len({draw(1, "a", 0), draw(2, "a", 0), draw(1, "b", 0), draw(1, "a", 1)}) == 4
