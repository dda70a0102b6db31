"""The channels over which a customer hears from us, and why one of them is stopped."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from recoup.rules.base import Frozen


class Channel(StrEnum):
    """A way to reach a customer; the same words stand in the ledger."""

    EMAIL = "email"
    SMS = "sms"

    @property
    def word(self) -> str:
        """For people to read."""
        return _WORDS[self]


_WORDS = {Channel.EMAIL: "mail", Channel.SMS: "texting"}


class StopReason(StrEnum):
    """Why nothing goes out over a channel."""

    BOUNCED = "bounced"
    """The address is gone: what was sent to it came back for good."""
    COMPLAINED = "complained"
    """Whoever reads the address called a message of ours spam."""
    UNSUBSCRIBED = "unsubscribed"
    """The customer wants no more of it."""
    OPERATOR = "operator"
    """An operator stopped it."""


_WHY = {
    StopReason.BOUNCED: "what went to the address came back for good",
    StopReason.COMPLAINED: "the reader called a message spam",
    StopReason.UNSUBSCRIBED: "the customer unsubscribed",
    StopReason.OPERATOR: "an operator stopped it",
}


class Stopped(Frozen):
    """A channel over which nothing goes out."""

    channel: Channel
    reason: StopReason
    at: datetime

    @property
    def because(self) -> str:
        """The reason in words, with its day."""
        return f"{self.channel.word} to the customer is stopped: {_WHY[self.reason]} ({self.at:%Y-%m-%d})"
