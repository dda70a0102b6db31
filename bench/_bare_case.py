"""The baseline of a whole case: a workflow with as many activities and timers, none of which does anything."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bench-bare"


@activity.defn
async def nothing() -> None:
    """Do nothing."""


@workflow.defn
class BareCase:
    """Six activities and three timers, as a case that its second retry wins has."""

    @workflow.run
    async def run(self) -> None:
        for number in range(6):
            await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=10))
            if number < 3:
                await workflow.sleep(timedelta(milliseconds=50))


async def main(temporal: str, namespace: str) -> None:
    """Work until the process is told to stop."""
    client = await Client.connect(temporal, namespace=namespace)
    async with Worker(client, task_queue=QUEUE, workflows=[BareCase], activities=[nothing]):
        print("serving", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
