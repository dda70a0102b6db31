"""The mirror of cards: read whole once, kept by marks, resumed where it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities.mirror import CardMirror
from activities.pacing import Pace
from recoup.billing import renewals as reading
from recoup.ledger import Mirrored
from tests.cards.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIST = "/v1/subscriptions"


def people(stage: Stage, count: int) -> list[str]:
    """Customers with one subscription and one card each."""
    customers = []
    for _ in range(count):
        customer = stage.customer()
        stage.card(customer, (2031, 5))
        stage.subscribe(customer, stage.clock.now() + timedelta(days=10))
        customers.append(customer)
    return customers


async def test_each_subscription_is_kept_with_the_card_it_will_be_charged_with(stage: Stage) -> None:
    """A subscription's own default beats the customer's; what ends, is sent or has no card is known for what it is."""
    soon = stage.clock.now() + timedelta(days=10)

    def prepare() -> dict[str, str]:
        plain, own, leaving = stage.customer(), stage.customer(), stage.customer()
        first = stage.card(plain, (2031, 5))
        stage.card(own, (2032, 6))
        second = stage.card(own, (2030, 7), default=False, kind="other")
        stage.card(leaving, (2033, 1))
        stage.subscribe(plain, soon)
        stage.subscribe(own, soon, default_payment_method=second)
        stage.subscribe(leaving, soon, cancel_at_period_end=True)
        return {"plain": plain, "own": own, "leaving": leaving, "first": first, "second": second}

    ids = await stage.in_thread(prepare)
    result = await stage.mirrored()
    assert result.imported == 3
    (mine,) = stage.ledger.mirror.of_customer(ids["plain"])
    assert (mine.card.method, mine.card.brand, mine.card.exp_year, mine.card.exp_month) == (
        ids["first"],
        "visa",
        2031,
        5,
    )
    (renewal,) = mine.renewals
    assert (renewal.amount, renewal.currency, renewal.interval, renewal.interval_count) == (
        4900,
        "usd",
        "month",
        1,
    )
    assert abs(renewal.renews_at - soon) < timedelta(seconds=2)
    (other,) = stage.ledger.mirror.of_customer(ids["own"])
    assert (other.card.method, other.card.brand) == (ids["second"], "mastercard")
    assert stage.ledger.mirror.of_customer(ids["leaving"]) == []
    assert stage.ledger.mirror.renewals_of(ids["leaving"]) == []


async def test_between_imports_only_marked_customers_are_read(stage: Stage) -> None:
    """A second run a day later reads nobody but who was marked; a week later it reads all again, and what is gone goes."""
    changed, gone = await stage.in_thread(people, stage, 2)
    await stage.mirrored()
    before = stage.requests(LIST)
    assert (await stage.mirrored()).imported == 0
    assert stage.requests(LIST) == before, "nothing was due"

    stage.ledger.mirror.mark(changed, stage.clock.now())
    stage.ledger.mirror.mark(changed, stage.clock.now())
    (card,) = stage.ledger.mirror.of_customer(changed)
    await stage.in_thread(stage.expire, card.card.method, (2035, 2))
    result = await stage.mirrored()
    assert (result.caught_up, result.imported) == (1, 0)
    assert stage.ledger.mirror.of_customer(changed)[0].card.exp_year == 2035
    assert stage.ledger.mirror.marked(10) == []

    def cancel_unheard() -> None:
        for subscription in stage.api.subscriptions.list({"customer": gone}).data:
            stage.api.subscriptions.cancel(subscription.id)
        stage.sandbox.pass_time(days=7, hours=1)

    await stage.in_thread(cancel_unheard)
    assert (await stage.mirrored()).imported == 1
    assert stage.ledger.mirror.of_customer(gone) == []
    assert len(stage.ledger.mirror.of_customer(changed)) == 1


async def test_a_customer_whom_stripe_does_not_know_holds_up_nobody(stage: Stage) -> None:
    """A mark for a customer that is gone is done with, like any other."""
    (known,) = await stage.in_thread(people, stage, 1)
    stage.ledger.mirror.mark("cus_gone", stage.clock.now())
    stage.ledger.mirror.mark(known, stage.clock.now())
    assert (await stage.mirrored()).caught_up == 2
    assert stage.ledger.mirror.marked(10) == []
    assert len(stage.ledger.mirror.of_customer(known)) == 1


async def test_an_import_that_was_ended_goes_on_where_it_was(
    idle: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two of three pages somebody ends it; the next one reads the third page alone, and all are there."""
    monkeypatch.setattr(reading, "PAGE", 2)
    customers = await idle.in_thread(people, idle, 5)
    pages: list[Any] = []
    monkeypatch.setattr(Pace, "wait_for", lambda *_: pages.append(1))
    first = CardMirror(idle.sandbox.client(), idle.ledger, idle.clock, Pace(idle.ledger, idle.clock, 20.0))
    assert await idle.in_thread(first.import_page)
    await idle.in_thread(first.import_page)
    stopped = idle.ledger.mirror.last_import()
    assert stopped is not None
    assert (stopped.seen, stopped.finished_at) == (4, None)

    second = CardMirror(idle.sandbox.client(), idle.ledger, idle.clock, Pace(idle.ledger, idle.clock, 20.0))
    assert not (await idle.in_thread(second.import_page)).more
    assert len(pages) == 3
    assert all(idle.ledger.mirror.of_customer(customer) for customer in customers)
    done = idle.ledger.mirror.last_import()
    assert done is not None
    assert (done.seen, done.finished_at is not None) == (5, True)


async def test_an_import_whose_place_is_lost_begins_again(idle: Stage) -> None:
    """Where Stripe does not know any more where the last page ended, the first page comes next, and nothing stays stuck."""
    (customer,) = await idle.in_thread(people, idle, 1)
    now = idle.clock.now()
    begun = idle.ledger.mirror.begin_import(now, now)
    assert begun is not None
    idle.ledger.mirror.write_page(begun, Mirrored(), 100, "sub_gone", now)
    mirror = CardMirror(idle.sandbox.client(), idle.ledger, idle.clock, Pace(idle.ledger, idle.clock, 20.0))
    assert (await idle.in_thread(mirror.import_page)).more
    assert not (await idle.in_thread(mirror.import_page)).more
    assert len(idle.ledger.mirror.of_customer(customer)) == 1
