"""What is open for a customer and how urgent it is, from the ledger alone: a front end that polls must not cost requests to Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recoup.ledger import CaseRow, Ledger
from recoup.rules.case import Access, MessageState, Template
from recoup.rules.conversation import Said
from recoup.rules.declines import read
from recoup.rules.money import Money, totals
from recoup.rules.notice import NoticeLevel, level_of
from recoup.web.customer import History, history_of
from recoup.web.standing import is_under_way, newest_decline, suspension_of

_AHEAD = (MessageState.RESERVED, MessageState.SENDING)


@dataclass(frozen=True, slots=True)
class Open:
    """One invoice that the customer has to be told of."""

    invoice: str
    number: str | None
    subscription: str | None
    due: Money
    """What was to be paid when it was last tried."""
    level: NoticeLevel
    suspend_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands."""

    open: tuple[Open, ...]

    @property
    def level(self) -> NoticeLevel:
        """The most urgent of what is open."""
        return max((each.level for each in self.open), key=lambda level: level.rank, default=NoticeLevel.NONE)

    @property
    def totals(self) -> tuple[Money, ...]:
        """What is owed, for each currency."""
        return totals(each.due for each in self.open)

    @property
    def suspend_at(self) -> datetime | None:
        """The first day on which an access ends."""
        return min((each.suspend_at for each in self.open if each.suspend_at is not None), default=None)


def standing_of(ledger: Ledger, customer: str, now: datetime, telling: str | None = None) -> Standing:
    """Read it: open cases and suspensions; what the customer cancelled, and what is being paid at this moment, is left out.

    ``telling`` is a case that is about to tell the customer: the answer is that for afterwards.
    """
    cases = [*ledger.cases.open_of_customer(customer), *ledger.cases.suspended_of_customer(customer)]
    if not cases:
        return Standing(())
    history = history_of(ledger, customer, now)
    found = (
        _open(ledger, case, history, now, is_told=case.id == telling)
        for case in cases
        if case.invoice not in history.cancelled
    )
    return Standing(tuple(each for each in found if each is not None))


def _open(ledger: Ledger, case: CaseRow, history: History, now: datetime, *, is_told: bool) -> Open | None:
    if is_under_way(ledger, case.invoice):
        return None
    level = _level(ledger, case, is_told=is_told)
    if level is NoticeLevel.NONE:
        return None
    attempts = ledger.attempts.of_invoice(case.invoice)
    newest: CaseRow | None = None if level is NoticeLevel.SUSPENDED else case
    ends = suspension_of(ledger, newest, history.promises.get(case.id)) if newest else None
    return Open(
        invoice=case.invoice,
        number=case.number,
        subscription=case.subscription,
        due=Money(amount=attempts[-1].amount if attempts else case.amount, currency=case.currency),
        level=level,
        suspend_at=ends if ends is not None and ends > now else None,
    )


def _level(ledger: Ledger, case: CaseRow, *, is_told: bool) -> NoticeLevel:
    row = ledger.access.get(case.subscription) if case.subscription else None
    access = Access.SUSPENDED if case.is_return or not case.is_open else row.state if row else None
    said = [row for row in ledger.messages.said_of(case.invoice) if row.stands_for is not None]
    done = [row for row in ledger.messages.of_case(case.id) if row.state not in _AHEAD]
    decline = newest_decline(ledger, case)
    return level_of(
        access=access,
        told=is_told or bool(done) or any(_is_out(ledger, row.message) for row in said),
        noticed=any(row.template is Template.LAST_NOTICE for row in done)
        or any(row.said is Said.NOTICE and _is_out(ledger, row.message) for row in said),
        confirm=decline is not None and read(decline).needs_authentication,
    )


def _is_out(ledger: Ledger, message: str) -> bool:
    row = ledger.messages.get(message)
    return row is not None and row.state not in _AHEAD
