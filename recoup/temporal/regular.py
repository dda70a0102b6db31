"""All that Recoup does regularly, as the settings want it."""

from __future__ import annotations

from temporalio.client import Client

from recoup.settings import Settings
from recoup.temporal.digesting import keep_digest_schedule
from recoup.temporal.expiring import keep_card_schedule
from recoup.temporal.sweeping import keep_schedule
from recoup.temporal.training import keep_training_schedule


async def keep_regular(client: Client, settings: Settings) -> tuple[str, ...]:
    """Make, correct or take away every schedule; what was done, in words.

    Raises:
        ConnectionFailed: Temporal did not answer, or does not let this client keep schedules.
    """
    done = [
        await keep_schedule(client, settings.sweep.every_hours),
        await keep_card_schedule(client, settings.cards.every_hours),
        await keep_training_schedule(client, settings.timing.train_every_hours),
        await keep_digest_schedule(
            client, wanted=bool(settings.figures.digest_to), hour=settings.figures.digest_hour
        ),
    ]
    return tuple(what for what in done if what is not None)
