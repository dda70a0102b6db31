"""Heartbeats for every activity: a worker that died is noticed in seconds, not when the longest activity would have ended.

What the dead worker held is then done again elsewhere. Should the first one be alive after all, cut off from Temporal alone,
the two meet in the ledger and in Stripe's idempotency key, never in a second charge.
"""

from __future__ import annotations

import asyncio
import inspect
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

INTERVAL = timedelta(seconds=3)
"""Well within the 15 seconds after which Temporal takes a worker for dead."""


class Heartbeats(Interceptor):
    """Beats for each running activity from the worker's event loop, whatever its thread is busy with."""

    def __init__(self, interval: timedelta = INTERVAL) -> None:
        self._interval = interval

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        """Put the beating around the activity."""
        return _Beating(next, self._interval)


class _Beating(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, interval: timedelta) -> None:
        super().__init__(following)
        self._interval = interval

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
        beating = asyncio.create_task(self._beat(in_thread=not inspect.iscoroutinefunction(input.fn)))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()

    async def _beat(self, *, in_thread: bool) -> None:
        while True:
            await asyncio.sleep(self._interval.total_seconds())
            # The heartbeat of an activity in a thread waits for this loop: called in it, it would stop the whole worker.
            if in_thread:
                await asyncio.to_thread(activity.heartbeat)
            else:
                activity.heartbeat()
