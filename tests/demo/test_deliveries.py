"""Webhooks of one failure, many times and in any order: one case, one first message, at most one charge."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from recoup.billing import stripe_client
from recoup.clock import FileClock
from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.run import cast_of
from recoup.demo.stack import WEBHOOK_SECRET, Plan, Stack
from recoup.worlds import load_world

pytestmark = pytest.mark.stack

WORLD = Path(__file__).with_name("one_customer.yaml")
TIMES = 20
AT_ONCE = 4


async def _events(stack: Stack, failed_from: int) -> list[dict[str, object]]:
    """Everything that Stripe had to tell since this moment, oldest first."""
    client = stripe_client(stack.settings.stripe)
    listed = await asyncio.to_thread(client.v1.events.list, {"limit": 100, "created": {"gte": failed_from}})
    return [event.to_dict() for event in reversed(listed.data)]


async def _deliver(stack: Stack, events: list[dict[str, object]]) -> list[int]:
    """Post the events to the starter, signed, a few at a time; answers the statuses."""
    assert stack.settings.clock_file is not None
    clock = FileClock(stack.settings.clock_file)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(client: httpx2.AsyncClient, event: dict[str, object]) -> int:
        async with gate:
            body, moment = json.dumps(event, default=str), int(clock.now().timestamp())
            mac = hmac.new(WEBHOOK_SECRET.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
            headers = {"Stripe-Signature": f"t={moment},v1={mac}", "Content-Type": "application/json"}
            answer = await client.post(f"{stack.starter_url}/webhooks/stripe", content=body, headers=headers)
            return answer.status_code

    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        return list(await asyncio.gather(*(one(client, event) for event in events)))


@pytest.mark.parametrize("seed", [1])
async def test_one_failure_told_twenty_times_is_one_case(
    tmp_path: Path, temporal_binary: Path, seed: int
) -> None:
    """Twenty deliveries of one payment_failed, shuffled among its neighbours, make one case, one first message, one charge."""
    stack, world = Stack(Plan(tmp_path / "stack", WORLD)), load_world(WORLD)
    try:
        await stack.start()
        async with cast_of(stack, world) as cast:
            await stack.control.add_faults({"fault": "drop", "event": "*"})
            await stack.control.move_to(cast.until)
            events = await _events(stack, int(cast.until.timestamp()) - 60)
            kinds = Counter(str(event["type"]) for event in events)
            assert kinds["invoice.payment_failed"] == 1
            assert len(kinds) > 3
            failed = next(event for event in events if event["type"] == "invoice.payment_failed")
            parcels = [*events * 3, *[failed] * (TIMES - 3)]
            random.Random(seed).shuffle(parcels)
            assert set(await _deliver(stack, parcels)) == {200}

            await stack.control.clear_faults()
            await Driver(stack.control, Cases(stack.client), cast.people, cast.until).run()
            begun = [each async for each in stack.client.list_workflows("WorkflowType = 'RecoveryCase'")]
            assert len(begun) == 1
            assert [row.outcome for row in cast.ledger.cases.list_all()] == ["recovered_by_retry"]
            assert Counter(mail.template for mail in cast.outbox.list()) == {
                "payment_failed": 1,
                "recovered": 1,
            }
            owed = [entry for entry in await stack.control.books() if not entry["paid_out_of_band"]]
            assert [(entry["status"], len(entry["successful_charges"])) for entry in owed] == [("paid", 1)]
            paid = [each for each in await stack.control.requests() if each["path"].endswith("/pay")]
            assert len(paid) == 1
    finally:
        await stack.stop()
