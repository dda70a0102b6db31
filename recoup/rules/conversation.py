"""One conversation with each customer: whether a message has to be sent, was said by another one, or has to wait.

Several cases of a customer ask for messages of their own. Whoever is first speaks for all: each message lists the customer's
open invoices, and what it said of an invoice need not be said by that invoice's own case.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from recoup.rules.base import Frozen
from recoup.rules.case import MessageState, Template
from recoup.rules.channels import Stopped
from recoup.rules.contact import Hours, hold
from recoup.rules.telling_now import is_by_hand

EXEMPT = frozenset({Template.LAST_NOTICE, Template.SUSPENDED, Template.RECOVERED})
"""What is held by quiet hours alone, and neither by days off nor by the budget; it uses the budget up all the same."""

SAME_DAY = timedelta(hours=24)
"""A reminder or a last notice that is due so soon after another message said the same is not sent."""

SENDING_TAKES = timedelta(minutes=1)
"""After this long one looks again what became of a message that is being sent."""

LOST_AFTER = timedelta(minutes=10)
"""A message that is being sent for so long has lost its sender: longer than an activity may take."""


class Said(StrEnum):
    """What a message said of an invoice."""

    OPEN = "open"
    """That it is to be paid."""
    NOTICE = "notice"
    """That it is to be paid, and on which day access ends otherwise."""
    SUSPENDED = "suspended"
    """That access has ended because of it."""
    PAID = "paid"
    """That it is paid, with thanks."""


class Wish(Frozen):
    """A message that wants to go out: a case's, or one about no invoice."""

    key: str
    """Unique among all messages: ``in_1/reminder``."""
    name: str
    """Its place in the case's campaign: ``reminder``."""
    invoice: str | None
    """None before anything has failed: nothing else says what such a message would, and it is held by hours and budget alone."""
    customer: str
    template: Template
    channel: str
    subjects: tuple[str, ...] = ()
    """Under which names the ledger may know its channel as stopped: the customer, the keyed hashes of the address."""


class Told(Frozen):
    """What a message said of the wish's invoice."""

    message: str
    template: Template
    channel: str
    state: MessageState
    at: datetime
    """When it began to be sent."""
    said: Said
    stands_for: str | None = None
    """The key of the message of the invoice's own case that this counts as; the message's own key for its own invoice."""


class History(Frozen):
    """What the ledger knows when a message is asked for."""

    told: tuple[Told, ...]
    """What was said of the invoice, over all channels."""
    sent: tuple[datetime, ...]
    """When the customer was told something, over all cases and channels, as far back as the budget counts."""
    stopped: Stopped | None = None
    """Set where nothing may go out over the wish's channel."""


class Answer(Frozen):
    """Whether a message goes out. Exactly one of the fields says so; none set means yes."""

    because: str
    covered_by: Told | None = None
    """Another message has said it already."""
    not_before: datetime | None = None
    """It has to wait until then."""
    lost: str | None = None
    """Key of a message that may have said it, and whose sender is gone: look it up, then ask again."""
    stopped: Stopped | None = None
    """It never goes out over this channel."""

    @property
    def is_yes(self) -> bool:
        """Whether the message goes out now."""
        return (
            self.covered_by is None and self.not_before is None and self.lost is None and self.stopped is None
        )


YES = Answer(because="nothing stands against it")


def may_tell(wish: Wish, history: History, hours: Hours, now: datetime) -> Answer:
    """Whether this message goes out now. Pure; the ledger asks inside the transaction that marks it as being sent."""
    said = [told for told in history.told if _says(wish, told, now)]
    done = next((told for told in said if told.stands_for == wish.key), None)
    done = done or next((told for told in said if _has_arrived(wish, told)), None)
    if done is not None:
        return Answer(because=f"the message {done.message} has said it already", covered_by=done)
    if under_way := next((told for told in said if told.state is MessageState.SENDING), None):
        if now - under_way.at > LOST_AFTER:
            because = (
                f"the message {under_way.message} may have said it, and nobody knows whether it went out"
            )
            return Answer(because=because, lost=under_way.message)
        because = f"the message {under_way.message}, which says it too, is being sent"
        return Answer(because=because, not_before=now + SENDING_TAKES)
    if history.stopped is not None:
        return Answer(because=history.stopped.because, stopped=history.stopped)
    if wish.template in EXEMPT:
        hours = hours.urgent
    if (held := hold(hours, history.sent, now)) is not None:
        return Answer(because=held.because, not_before=held.until)
    return YES


_SAYS: dict[Template, tuple[Said, ...]] = {
    Template.LAST_NOTICE: (Said.NOTICE,),
    Template.SUSPENDED: (Said.SUSPENDED,),
    Template.RECOVERED: (Said.PAID,),
}


def _says(wish: Wish, told: Told, now: datetime) -> bool:
    """Whether another message said, or is saying, what this one would, and does not count as another of the case's already."""
    if told.message == wish.key or told.channel != wish.channel:
        return False
    by_hand = is_by_hand(wish.key) or is_by_hand(told.message)
    if told.stands_for is not None and (told.stands_for == wish.key or not by_hand):
        return told.stands_for == wish.key
    if told.said not in _SAYS.get(wish.template, (Said.OPEN, Said.NOTICE)):
        return False
    if wish.template is Template.AUTHENTICATION_NEEDED and (
        # That the bank waits for the customer is another thing than that nothing was paid, and is said of each payment anew.
        told.template is not wish.template
        or (wish.name.startswith(Template.AUTHENTICATION_NEEDED) and not is_by_hand(wish.key))
    ):
        return False
    # What was never said is new, however long ago the other message went out; what is said again is so on its day.
    first = wish.name == Template.PAYMENT_FAILED or wish.template in (Template.SUSPENDED, Template.RECOVERED)
    return first or told.at > now - SAME_DAY


def _has_arrived(wish: Wish, told: Told) -> bool:
    """A second last notice is there because the first may not have arrived: only a confirmed one stands for it."""
    if wish.template is Template.LAST_NOTICE and wish.name != Template.LAST_NOTICE:
        return told.state is MessageState.SENT
    return told.state in (MessageState.SENT, MessageState.UNKNOWN)
