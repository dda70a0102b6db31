"""What every destination is asked for, and how it says that a delivery did not go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from recoup.integrations.published import EventType, PublicEvent


class Refused(Exception):
    """The destination said no to this one event: the same again would be refused again.

    The sentence holds no personal data and no secret.
    """

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class Unavailable(Exception):
    """It could not be delivered now: it is tried again."""

    def __init__(
        self,
        sentence: str,
        status: int | None = None,
        *,
        retry_after: float | None = None,
        everywhere: bool = False,
    ) -> None:
        """``retry_after`` are the seconds that the destination asks for; ``everywhere``: no other event would go either."""
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after
        self.everywhere = everywhere


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands with all their cases, at the moment of the delivery."""

    stage: str
    """The stage of the open case with the newest failure; of the event's case, where none is open."""
    due: str
    """What the open cases come to in whole units of :attr:`currency`, a decimal number: ``49.00``."""
    currency: str
    outcome: str
    """How the event's case ended; empty while any is open."""
    next_action: str | None
    """What comes next, when and why; empty for nothing, ``None`` where it could not be asked."""


@dataclass(frozen=True, slots=True)
class About:
    """What a delivery may ask beyond its event; only CRMs do."""

    standing: Callable[[], Standing]
    email: Callable[[], str | None]
    """The customer's address, read from Stripe at this moment: to find the record by, never to be kept or logged.

    Raises:
        Unavailable: Stripe did not answer.
    """


class Destination(Protocol):
    """A system outside."""

    name: str
    wanted: frozenset[EventType]

    def wants(self, event: PublicEvent) -> bool:
        """Whether it is told of this event at all."""
        ...

    def deliver(self, event: PublicEvent, about: About, *, repeated: bool) -> None:
        """Tell it. ``repeated``: an earlier try may have arrived, although no answer did.

        Raises:
            Refused: never again.
            Unavailable: later again.
        """
        ...
