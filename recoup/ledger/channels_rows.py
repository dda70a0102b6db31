"""What the ledger is told of stopped channels, and what it gives back."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime

from recoup.ledger.inputs import Id
from recoup.rules.base import Frozen
from recoup.rules.channels import Channel, Stopped, StopReason


class NewStop(Frozen):
    """A channel that is to be stopped, for a customer or for one address."""

    channel: Channel
    subject: Id
    """The customer, or the keyed hash of an address; never an address."""
    customer: str | None = None
    """Whose message it was that came back, where that is known."""
    reason: StopReason
    detail: str | None = None
    """The sender's code, or an operator's reason."""
    actor: str = "system"
    happened: AwareDatetime | None = None
    """When it happened, where that was before it was told."""


class ChannelStopRow(Frozen):
    """A channel that is stopped, or was."""

    channel: Channel
    subject: str
    customer: str | None
    reason: StopReason
    detail: str | None
    actor: str
    stopped_at: datetime
    opened_at: datetime | None
    opened_by: str | None

    @property
    def is_stopped(self) -> bool:
        """Whether nothing goes out over it now."""
        return self.opened_at is None

    @property
    def stopped(self) -> Stopped:
        """As the rules see it."""
        return Stopped(channel=self.channel, reason=self.reason, at=self.stopped_at)
