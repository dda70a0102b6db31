"""Stripe's own retries left on, through the whole stack over HTTP: who tries when, who wins, and how cases end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recoup.billing import stripe_client
from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import Cast, cast_of
from recoup.demo.stack import Plan, Stack
from recoup.ledger import CaseRow
from recoup.rules.case import Trigger
from recoup.worlds import load_world

pytestmark = pytest.mark.stack

WORLD = Path(__file__).with_name("beside_stripe.yaml")
DISTANCE = timedelta(hours=12)


@dataclass(frozen=True)
class Played:
    """A world that was played to its end under one mode."""

    stack: Stack
    cast: Cast

    def case(self, customer: str) -> CaseRow:
        """The case of one of the world's customers."""
        id_ = self.cast.seeded.customers[customer]
        return next(row for row in self.cast.ledger.cases.list_all() if row.customer == id_)

    def ours(self, customer: str) -> list[Trigger]:
        """Why each of our attempts was made."""
        return [row.trigger for row in self.cast.ledger.attempts.of_invoice(self.case(customer).invoice)]

    async def charges(self, customer: str) -> tuple[list[datetime], list[datetime]]:
        """When this customer was charged: by us, and by Stripe itself."""
        client = stripe_client(self.stack.settings.stripe)
        made = {row.charge for row in self.cast.ledger.attempts.of_invoice(self.case(customer).invoice)}
        listed = await asyncio.to_thread(
            client.v1.charges.list, {"customer": self.cast.seeded.customers[customer], "limit": 100}
        )
        failed_from = self.case(customer).failed_at - timedelta(minutes=1)
        told = [(each.id in made, datetime.fromtimestamp(each.created, UTC)) for each in listed.data]
        since = [(ours, at) for ours, at in told if at >= failed_from]
        return [at for ours, at in since if ours], [at for ours, at in since if not ours]


@asynccontextmanager
async def played(directory: Path, mode: str, **switches: str) -> AsyncIterator[Played]:
    """Play the world under a policy of this mode, until nothing is left to happen."""
    policy = directory / "mine.yaml"
    policy.write_text(f"version: 1\ncampaigns:\n- retries: {{mode: {mode}}}\n")
    stack, world = Stack(Plan(directory / "stack", WORLD, policy, switches=switches)), load_world(WORLD)
    try:
        await stack.start()
        async with cast_of(stack, world) as cast:
            await Driver(stack.control, Cases(stack.client), cast.people, cast.until).run()
            assert cast.people.stuck == []
            yield Played(stack, cast)
    finally:
        await stack.stop()


@pytest.mark.slow
async def test_observed_stripe_retries_and_recoup_does_the_rest(
    tmp_path: Path, temporal_binary: Path
) -> None:
    """No attempt of ours by schedule; Stripe's wins are Stripe's, a new card is collected at once, a cancellation is obeyed."""
    async with played(tmp_path, "observe") as world:
        assert world.case("short").outcome == "recovered_by_stripe"
        assert world.ours("short") == []
        assert world.case("refused").outcome == "recovered_by_card_update"
        assert world.ours("refused") == [Trigger.CARD_UPDATE]
        empty = world.case("empty")
        assert (empty.outcome, world.ours("empty")) == ("lost_cancelled", [])
        ours, stripes = await world.charges("empty")
        assert (ours, len(stripes)) == ([], 9)
        last = (stripes[0] - stripes[-1]) / timedelta(days=1)
        assert (empty.closed_at or empty.failed_at) - empty.failed_at < timedelta(days=last, hours=1)
        told = [str(mail.template) for mail in world.cast.outbox.list() if mail.to == "max@example.com"]
        assert sorted(told) == ["payment_failed", "reminder", "reminder"]


@pytest.mark.slow
async def test_woven_in_our_attempts_keep_away_from_stripes(tmp_path: Path, temporal_binary: Path) -> None:
    """Both try, never within twelve hours of each other, and the first attempt that the bank approves is the last one."""
    async with played(tmp_path, "weave", final_action="past_due") as world:
        assert world.case("short").outcome == "recovered_by_retry"
        assert world.ours("short") == [Trigger.SCHEDULE]
        assert world.case("refused").outcome == "recovered_by_card_update"
        empty = world.case("empty")
        assert empty.outcome == "lost_suspended"
        ours, stripes = await world.charges("empty")
        assert len(ours) >= 2
        assert len(stripes) == 9
        assert min(abs(mine - other) for mine in ours for other in stripes) >= DISTANCE
        assert len(ours) <= 4
        for entry in await world.stack.control.books():
            assert len(entry["successful_charges"]) <= 1
