"""The training of models from outside: its schedule."""

from __future__ import annotations

from temporalio.client import Client

from activities.timing_contracts import TRAINING_WORKFLOW, StartTraining
from recoup.clock import Clock
from recoup.temporal.scheduling import Regular, keep

TRAINING = Regular(
    name="the training of the timing model",
    schedule="recoup-timing",
    workflow=TRAINING_WORKFLOW,
    runs="timing/scheduled",
    now="timing/now",
)


async def keep_training_schedule(
    client: Client, every_hours: float, clock: Clock | None = None
) -> str | None:
    """Make the schedule of the training as it is wanted; see :func:`recoup.temporal.scheduling.keep`."""
    return await keep(client, TRAINING, StartTraining(by="schedule"), every_hours, clock)
