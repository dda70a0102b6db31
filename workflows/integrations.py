"""One destination outside, kept up to date for as long as it is configured: deliver, wait, look again.

It remembers nothing: bookmarks and late deliveries stand in the ledger, so that it may be ended and begun at any time.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

    from activities.integration_contracts import (
        INTEGRATION_WORKFLOW,
        Delivered,
        DeliverOrder,
        IntegrationActivity,
        StartIntegration,
    )
    from workflows import _orders as orders

PASSES_IN_A_RUN = 200
"""So many passes go into one history: some two thousand events."""


@workflow.defn(name=INTEGRATION_WORKFLOW)
class Integration:
    """The deliveries to one destination."""

    @workflow.init
    def __init__(self, start: StartIntegration) -> None:
        self._destination = start.destination
        self._asked = False

    @workflow.run
    async def run(self, start: StartIntegration) -> None:
        for _ in range(PASSES_IN_A_RUN):
            self._asked = False
            done = await self._deliver()
            if done.gone:
                return
            if not done.more:
                await self._rest(timedelta(seconds=done.wait_seconds))
        workflow.continue_as_new(start)

    @workflow.signal
    def look_now(self) -> None:
        """Somebody wants it to look at once."""
        self._asked = True

    async def _deliver(self) -> Delivered:
        done: Delivered = await workflow.execute_activity(
            IntegrationActivity.DELIVER.value,
            DeliverOrder(destination=self._destination),
            result_type=Delivered,
            start_to_close_timeout=orders.START_TO_CLOSE,
            heartbeat_timeout=orders.HEARTBEAT,
            retry_policy=orders.RETRY,
            summary=orders.cut(f"deliver to {self._destination}"),
        )
        said = f"Last look: {done.delivered} delivered, {done.put_off} put off, {done.refused} parked."
        workflow.set_current_details(f"{said}\n\n{done.because}" if done.because else said)
        return done

    async def _rest(self, at_most: timedelta) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._asked, timeout=at_most, timeout_summary="until the next look"
            )
        except TimeoutError:
            return
