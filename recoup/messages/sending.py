"""What every sender of messages promises, and the three ways in which sending can fail.

The three failures are what the ledger needs to know: may the message be tried again, must it never be, or could it have
gone out already? Their texts hold codes only, never an address or what a server said: they end up in workflow histories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from recoup.errors import RecoupError
from recoup.rules.base import Frozen


class SendError(RecoupError):
    """A message was not sent, or may not have been."""


class SendRefused(SendError):
    """Never again: rejected, no such address, a sender that is not verified. The message has not been sent."""


class SendOptedOut(SendRefused):
    """Refused because whoever has the number asked to be written to no more."""


class SendUnavailable(SendError):
    """Surely not sent, and a later try may work: no connection, throttled, sending paused, credentials to mend."""


class SendUnclear(SendError):
    """The message was handed over and no answer came back: it may have been sent."""


class CannotLookUp(RecoupError):
    """This sender has no way to find out whether a message was sent."""


class SendReceipt(Frozen):
    """The message has been accepted."""

    provider_id: str
    """The name under which the provider knows it, as its delivery reports will."""


class Sender(Protocol):
    """Somewhere that messages can be handed to."""

    def send(
        self,
        mime: bytes,
        *,
        sender: str,
        recipient: str,
        key: str,
        tags: Mapping[str, str],
        copies: Sequence[str] = (),
    ) -> SendReceipt:
        """Hand one message over.

        ``mime`` is what :func:`recoup.messages.build_mime` made; ``sender`` and ``recipient`` are the plain addresses of
        the envelope; ``key`` is the message's own name (``recovery/in_1/reminder/2``); ``tags`` (template, locale, case)
        come back with the provider's delivery reports where it has such. ``copies`` get it too, where the provider takes them; what
        becomes of those is not what became of the message.

        :raises SendRefused: not sent, and it never will be.
        :raises SendUnavailable: surely not sent; try again later.
        :raises SendUnclear: may have been sent; look it up or leave it.
        """
        ...

    def find(self, key: str) -> str | None:
        """The provider's id of the message sent under this key, or ``None`` when none was sent.

        :raises CannotLookUp: this sender cannot know.
        """
        ...

    def check(self) -> None:
        """See whether messages could be sent, without sending one.

        :raises ConfigurationError: what is configured cannot work.
        :raises ConnectionFailed: the provider does not answer.
        """
        ...
