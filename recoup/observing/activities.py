"""Timing activities, whatever becomes of them."""

from __future__ import annotations

import time
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from recoup.metrics import ACTIVITIES


class Timed(Interceptor):
    """Times each activity."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        """Put the clock around the activity."""
        return _Timing(next)


class _Timing(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
        began, result = time.monotonic(), "failed"
        try:
            answer = await super().execute_activity(input)
            result = "done"
            return answer
        finally:
            name = activity.info().activity_type
            ACTIVITIES.labels(name, result).observe(time.monotonic() - began)
