"""What the workflows about cards before they fail and their activities say to each other.

The rules of :mod:`activities.contracts` hold here too.
"""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire

MIRROR_WORKFLOW = "MirrorCards"


class CardActivity(StrEnum):
    """The activities by the names under which the worker registers them."""

    IMPORT_PAGE = "cards.import_page"
    CATCH_UP = "cards.catch_up"


class KeepMirror(Wire):
    """Begins ``MirrorCards``; the sums are set only when a long import continues as new."""

    imported: int = 0
    caught_up: int = 0
    importing: bool = False
    """Whether the marked customers have been read already."""


class Imported(Wire):
    """One page of an import."""

    at: Moment
    looked: int
    more: bool


class CatchUpOrder(Wire):
    """Read some customers whose cards or subscriptions changed."""

    marked_before: Moment | None = None
    """Those marked later wait for the next time; None for the first page, which answers with its moment."""


class CaughtUp(Wire):
    """Customers that were read again."""

    at: Moment
    read: int
    more: bool
    marked_before: Moment


class MirrorResult(Wire):
    """What keeping the mirror came to."""

    imported: int
    """Subscriptions that were read in an import."""
    caught_up: int
    """Customers that were read again because something of theirs had changed."""
