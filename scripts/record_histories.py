"""Record histories of cases, for the tests that replay them: ``python -m scripts.record_histories`` from the project's root.

Run it for a release: what is recorded stays, and every later version must be able to replay it.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import InvoicePaid, MethodUpdated, OperatorRequest, PauseUntil, StartCase
from recoup.rules.declines import Decline
from recoup.temporal import SEARCH_ATTRIBUTES
from tests.fixtures.temporal import find_temporal_binary
from tests.workflows.outside import Outside
from workflows.recovery import RecoveryCase

PLACE = Path("tests/workflows/histories")
_FLAGS = ("frontend.WorkflowTimeSkippingEnabled=true", 'history.timerProcessorMaxTimeShift="1ms"')
NOW = datetime.now(UTC)
WORD = OperatorRequest(at=NOW, reason="for the record", operator="ops")

SCENARIOS: dict[str, tuple[Outside, list[tuple[str, str, object]]]] = {
    "retry-wins": (Outside(answers=["declined", "paid"]), []),
    "suspended": (Outside(), []),
    "stolen-card": (Outside(decline=Decline(code="stolen_card", brand="visa")), []),
    "unknown-settled": (Outside(answers=["unknown", "paid"]), []),
    "card-updated": (
        Outside(decline=Decline(code="expired_card"), answers=["paid"]),
        [("signal", "payment_method_updated", MethodUpdated(at=NOW, method="pm_2", version="pm_2/2030-1"))],
    ),
    "paid-by-customer": (Outside(), [("signal", "invoice_paid", InvoicePaid(at=NOW))]),
    "paused-resumed-stopped": (
        Outside(),
        [
            (
                "update",
                "pause_until",
                PauseUntil(at=NOW, until=NOW + timedelta(days=9), reason="a promise", operator="ops"),
            ),
            ("update", "resume", WORD),
            ("update", "stop", WORD),
        ],
    ),
    "marked-paid": (Outside(), [("update", "mark_paid_outside", WORD)]),
}


async def record(env: WorkflowEnvironment, name: str) -> None:
    """Play one scenario and keep its history."""
    outside, words = SCENARIOS[name]
    queue = f"record-{uuid.uuid4()}"
    start = StartCase(invoice=f"in_{name.replace('-', '_')}", at=NOW)
    with ThreadPoolExecutor(2) as threads:
        async with Worker(
            env.client,
            task_queue=queue,
            workflows=[RecoveryCase],
            activities=outside.activities(),
            activity_executor=threads,
        ):
            if not words:
                handle = await env.client.start_workflow(RecoveryCase.run, start, id=queue, task_queue=queue)
            else:
                with env.with_time_skipping_disabled():
                    handle = await env.client.start_workflow(
                        RecoveryCase.run, start, id=queue, task_queue=queue
                    )
                await asyncio.sleep(1)
            for kind, about, payload in words:
                if kind == "signal":
                    await handle.signal(about, payload)
                else:
                    await handle.execute_update(about, payload)
            await handle.result()
            history = await handle.fetch_history()
    (PLACE / f"{name}.json").write_text(history.to_json() + "\n")


async def main() -> None:
    """Record every scenario."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(find_temporal_binary()),
        dev_server_log_level="never",
        dev_server_extra_args=[part for value in _FLAGS for part in ("--dynamic-config-value", value)],
        search_attributes=SEARCH_ATTRIBUTES,
        data_converter=pydantic_data_converter,
    ) as env:
        for name in SCENARIOS:
            await record(env, name)
            print(name, flush=True)


if __name__ == "__main__":
    PLACE.mkdir(parents=True, exist_ok=True)
    asyncio.run(main())
