"""Reminders before a card expires: finding in the mirror who is due, and writing to them once for each card, expiry and step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

from activities._notices import Notice, Notices
from activities.card_contracts import CardActivity, DueOrder, DuePage, Remind, Reminded, Told
from recoup.ledger import MarkRow, Mirrored, MirroredCard, MirroredRenewal
from recoup.rules.case import MessageState, Template
from recoup.rules.expiring import ExpiringCards, Reminder, due_reminder

CARDS = 100
"""Cards of the mirror on a page; nobody else is asked for it."""

LONGEST_PERIOD = timedelta(days=3 * 366)
"""Stripe renews every three years at the latest: a card that expired before that was charged, or failed, since."""


@dataclass
class Reminders:
    """The activities of :mod:`workflows.expiring`."""

    notices: Notices
    rules: ExpiringCards

    def __post_init__(self) -> None:
        self.ledger = self.notices.messages.ledger
        self.clock = self.notices.messages.clock

    @activity.defn(name=CardActivity.DUE_REMINDERS.value, no_thread_cancel_exception=True)
    def due(self, order: DueOrder) -> DuePage:
        """One page of the mirror: who is due and was not told yet."""
        now, steps = self.clock.now(), self.rules.remind_days_before
        if not steps:
            return DuePage(at=now, looked=0, found=(), after=None)
        until = now + timedelta(days=steps[0])
        page = self.ledger.mirror.expiring(now - LONGEST_PERIOD, until, order.after, CARDS)
        found = tuple(
            Remind(customer=entry.card.customer, method=entry.card.method)
            for entry in page
            if (reminder := self._reminder(entry.card, list(entry.renewals))) is not None
            and not self._was_told(entry.card, reminder)
        )
        after = page[-1].card.method if len(page) == CARDS else None
        return DuePage(at=now, looked=len(page), found=found, after=after)

    @activity.defn(name=CardActivity.REMIND.value, no_thread_cancel_exception=True)
    def remind(self, order: Remind) -> Reminded:
        """Write to one customer, if Stripe says at this moment that it is still so."""
        if self.notices.owes(order.customer):
            return self._left("a payment of the customer's has failed, and its case speaks already")
        read_at = self.clock.now()
        found = self.notices.read(order.customer)
        mark = MarkRow(customer=order.customer, marked_at=read_at)
        self.ledger.mirror.write_customer(mark, found, read_at)
        card = next((card for card in found.cards if card.method == order.method), None)
        if card is None:
            return self._left("no renewal is charged to this card any more")
        renewals = _paid_with(card, found)
        reminder = self._reminder(card, renewals)
        if reminder is None:
            return self._left("no reminder is due: the card was renewed, or the renewal moved")
        became = self.notices.send(
            Notice(
                key=_key(card, reminder),
                template=Template.CARD_EXPIRING,
                card=card,
                renewal=renewals[reminder.rhythm],
                on=reminder.fails_at,
                link_valid_days=self.rules.link_valid_days,
                useless_from=reminder.fails_at,
            )
        )
        return Reminded(
            at=self.clock.now(), told=became.told, because=became.because, not_before=became.not_before
        )

    def _reminder(self, card: MirroredCard, renewals: list[MirroredRenewal]) -> Reminder | None:
        rhythms = [renewal.rhythm for renewal in renewals]
        return due_reminder(card.gone_at, rhythms, self.rules.remind_days_before, self.clock.now())

    def _was_told(self, card: MirroredCard, reminder: Reminder) -> bool:
        row = self.ledger.messages.get(_key(card, reminder))
        return row is not None and row.state not in (MessageState.RESERVED, MessageState.SENDING)

    def _left(self, because: str) -> Reminded:
        return Reminded(at=self.clock.now(), told=Told.LEFT, because=because)


def _paid_with(card: MirroredCard, found: Mirrored) -> list[MirroredRenewal]:
    return [renewal for renewal in found.renewals if renewal.method == card.method]


def _key(card: MirroredCard, reminder: Reminder) -> str:
    """One for each card, expiry and step."""
    return f"expiring/{card.method}/{card.exp_year}-{card.exp_month:02}/{reminder.step}"
