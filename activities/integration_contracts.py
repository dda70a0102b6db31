"""What the delivering workflows and their activity say to each other; the rules of :mod:`activities.contracts` hold here too."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire

INTEGRATION_WORKFLOW = "Integration"
LOOK_NOW = "look_now"
INTEGRATION_QUEUE = "recoup-integrations"
"""A task queue of its own: however slow a destination is, no case waits for a free place behind it."""


class IntegrationActivity(StrEnum):
    """The activity by the name under which the worker registers it."""

    DELIVER = "integrations.deliver"


class StartIntegration(Wire):
    """Begins ``integration/{destination}``."""

    destination: str


class DeliverOrder(Wire):
    """Deliver what there is, for a minute at most."""

    destination: str


class Delivered(Wire):
    """What a pass came to."""

    at: Moment
    delivered: int = 0
    put_off: int = 0
    refused: int = 0
    """Parked: refused, or dead after days."""
    more: bool = False
    """Whether something is left that could go at once."""
    wait_seconds: float = 30
    """When to look again, if nobody asks earlier."""
    gone: bool = False
    """The settings name no such destination (any more)."""
    because: str | None = None
    """What keeps it, where something does."""
