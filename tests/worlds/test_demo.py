"""The world that ships with Recoup has a customer for every way a failed payment can go."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from recoup.worlds import PastAttempt, PaymentRequest, World, demo_world_path, load_world

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
PAY = PaymentRequest(4900, "pln")


@pytest.fixture(scope="module")
def demo() -> World:
    """The world of the demo."""
    return load_world(demo_world_path())


def outcomes(world: World, card: str, *days: float) -> list[str]:
    """The outcomes of attempts on these days, one after the other."""
    times = [START + timedelta(days=day) for day in days]
    return [
        world.issuer_answer(card, PAY, [PastAttempt(time) for time in times[:number]], now).outcome
        for number, now in enumerate(times)
    ]


def test_every_renewal_fails_first(demo: World) -> None:
    """No customer of the demo pays at the first attempt, or there would be nothing to see."""
    for customer in demo.customers.values():
        assert customer.pays_with is not None
        assert outcomes(demo, customer.pays_with, 0) != ["approved"], customer.name


def test_the_stories_go_as_told(demo: World) -> None:
    """A later retry wins, a pause is honoured or starts again, and what is stolen or empty is never approved."""
    assert outcomes(demo, "anna_debit", 0, 1, 3) == ["declined", "declined", "approved"]
    assert outcomes(demo, "martin_pause", 0, 2) == ["declined", "approved"]
    assert outcomes(demo, "martin_pause", 0, 1, 2.5, 4.5) == ["declined", "declined", "declined", "approved"]
    assert outcomes(demo, "elena_3ds", 0) == ["authentication_required"]
    for never in ("george_stolen", "tomasz_old", "zofia_empty"):
        assert set(outcomes(demo, never, 0, 1, 3, 7, 12, 30)) == {"declined"}


def test_new_cards_work(demo: World) -> None:
    """Every card that a customer brings is saved and charged."""
    save = PaymentRequest(0, "pln", off_session=False, saving=True)
    brought = [act.card for customer in demo.customers.values() for act in customer.behaviour if act.card]
    assert len(brought) >= 3
    for card in brought:
        assert demo.issuer_answer(card, save, [], START).outcome == "approved"
        assert outcomes(demo, card, 0) == ["approved"]


def test_the_cast_is_mixed(demo: World) -> None:
    """Polish and English speakers, three currencies, and at least six different declines and five different endings."""
    customers = demo.customers.values()
    codes = {
        demo.issuer_answer(customer.pays_with or "", PAY, [], START).decline_code for customer in customers
    }
    assert {customer.locale[:2] for customer in customers} == {"pl", "en"}
    assert {sub.currency for customer in customers for sub in customer.subscriptions} == {"pln", "usd", "eur"}
    assert len(codes) >= 6
    assert all(customer.expects for customer in customers)
    assert len({customer.expects for customer in customers} | {"returned"}) >= 5


def test_nobody_real_is_written_to(demo: World) -> None:
    """Every address is of a domain that is reserved for examples."""
    for customer in demo.customers.values():
        assert customer.email.endswith("@example.com"), customer.email


def test_the_world_survives_being_written_as_json(demo: World) -> None:
    """A world written out and read again is the same."""
    assert (
        World.model_validate_json(json.dumps(demo.model_dump(mode="json", by_alias=True, exclude_unset=True)))
        == demo
    )
