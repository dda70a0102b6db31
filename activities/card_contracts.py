"""What the workflows about cards before they fail and their activities say to each other.

The rules of :mod:`activities.contracts` hold here too.
"""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire

MIRROR_WORKFLOW = "MirrorCards"
EXPIRING_WORKFLOW = "ExpiringCards"
REFRESH_WORKFLOW = "RefreshCards"


class CardActivity(StrEnum):
    """The activities by the names under which the worker registers them."""

    IMPORT_PAGE = "cards.import_page"
    CATCH_UP = "cards.catch_up"
    DUE_REMINDERS = "cards.due_reminders"
    REMIND = "cards.remind"
    SELECT_TARGETS = "refresh.select"
    WORK_TARGETS = "refresh.work"


class Told(StrEnum):
    """What became of one customer."""

    TOLD = "told"
    """The message was sent, or counts as sent."""
    LEFT = "left"
    """Nothing is to be said."""
    RENEWED = "renewed"
    """The card is another one, or renewed, by now."""
    FAILED = "failed"
    """The message was refused for good: no address, rejected by the sender, or no moment for it before the payment."""
    WAITS = "waits"
    """The customer must not be written to at this hour, or has heard enough for now."""


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


class StartExpiring(Wire):
    """Begins ``ExpiringCards``; all fields but the first two are set only when a long run continues as new."""

    by: str = "schedule"
    rests: bool = False
    """Whether it looks again when those may be written to who must not be now; otherwise a later run does."""
    next_look: Moment | None = None
    began_at: Moment | None = None
    mirrored: MirrorResult | None = None
    after: str = ""
    tally: ReminderTally | None = None


class DueOrder(Wire):
    """Look at one page of cards that expire."""

    after: str = ""
    """The last card of the page before."""


class Remind(Wire):
    """One card whose customer may have to be reminded; all that decides is read once more."""

    customer: str
    method: str


class DuePage(Wire):
    """What one page showed."""

    at: Moment
    looked: int
    found: tuple[Remind, ...]
    after: str | None
    """Where the next page begins; None after the last."""


class Reminded(Wire):
    """What became of one reminder."""

    at: Moment
    told: Told
    because: str
    not_before: Moment | None = None
    """When the customer may be written to."""


class ReminderTally(Wire):
    """The reminders of one run in figures."""

    looked: int = 0
    told: int = 0
    left: int = 0
    failed: int = 0
    waits: int = 0
    """Must not be written to yet; still due."""


class ExpiringResult(Wire):
    """What one run came to."""

    began_at: Moment
    ended_at: Moment
    mirror: MirrorResult
    tally: ReminderTally


class StartRefresh(Wire):
    """Begins ``RefreshCards``; all fields but the first three are set only when it continues as new."""

    name: str
    mirrored: bool = False
    """Whether the targets are selected from the mirror."""
    by: str = "recoup refresh"
    selected: bool = False
    paused: bool = False
    because: str = ""


class SelectOrder(Wire):
    """Take the next cards of the mirror in."""

    name: str
    after: str = ""


class Selected(Wire):
    """Cards that were taken in."""

    at: Moment
    added: int
    after: str | None
    """Where the next page begins; None after the last."""


class WorkOrder(Wire):
    """Work through some targets."""

    name: str


class RefreshTally(Wire):
    """A mass update in figures."""

    waiting: int = 0
    told: int = 0
    renewed: int = 0
    left: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All targets."""
        return self.waiting + self.done

    @property
    def done(self) -> int:
        """Those that nothing is left to do for."""
        return self.told + self.renewed + self.left + self.failed


class Worked(Wire):
    """What one page came to."""

    at: Moment
    tally: RefreshTally
    wait_seconds: float = 0
    """How long the rate, or the hours of all who wait, allow no further message."""


class RefreshProgress(Wire):
    """How far a mass update is."""

    tally: RefreshTally
    state: str
    """selecting, working, paused, stopped or finished."""
    because: str = ""


class RefreshResult(Wire):
    """How a mass update ended, for now: begun again it goes on with whoever waits."""

    tally: RefreshTally
    stopped: bool = False
    because: str = ""
