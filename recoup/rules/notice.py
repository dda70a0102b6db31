"""What the company's own product may tell a customer of a payment that failed: how urgent it is. Pure."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.case import Access


class NoticeLevel(StrEnum):
    """How urgent it is, the least first."""

    NONE = "none"
    """Nothing to tell: nothing is open, or the customer has not been told of it yet."""
    PAYMENT_FAILED = "payment_failed"
    """A payment failed."""
    AUTHENTICATION_NEEDED = "authentication_needed"
    """The customer's bank waits for them to confirm a payment (3-D Secure)."""
    LAST_NOTICE = "last_notice"
    """The last notice has gone out: access ends on a day that it names."""
    RESTRICTED = "restricted"
    """Access is restricted."""
    SUSPENDED = "suspended"
    """Access is suspended."""

    @property
    def rank(self) -> int:
        """Larger is more urgent."""
        return tuple(NoticeLevel).index(self)


def level_of(*, access: Access | None, told: bool, noticed: bool, confirm: bool) -> NoticeLevel:
    """How urgent one open invoice is.

    ``access`` is its subscription's, where Recoup has ever touched it; ``told`` says that its first message has come to an end, whatever
    became of it, ``noticed`` the same of the last notice, ``confirm`` that the bank waits for the customer. Nothing shows before the
    first message: what a silent retry may still settle is nobody's worry.
    """
    if access is Access.SUSPENDED:
        return NoticeLevel.SUSPENDED
    if access is Access.RESTRICTED:
        return NoticeLevel.RESTRICTED
    if not told:
        return NoticeLevel.NONE
    if noticed:
        return NoticeLevel.LAST_NOTICE
    return NoticeLevel.AUTHENTICATION_NEEDED if confirm else NoticeLevel.PAYMENT_FAILED
