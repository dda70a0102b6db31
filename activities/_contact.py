"""The gate in front of every message, for one customer: their clock, their days off, and what the ledger is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from activities.contracts import MessageOrder, MessageReport
from recoup.billing.customers import Contact
from recoup.billing.places import days_off
from recoup.ledger import Gate, NewMessage
from recoup.rules.base import days
from recoup.rules.case import MessageState
from recoup.rules.contact import ContactPolicy, Hours
from recoup.rules.conversation import Answer, Wish, may_tell

_BEFORE, _AHEAD = timedelta(days=2), timedelta(days=400)
"""Days off are looked up for so long: nobody waits for longer."""


def wish_of(new: NewMessage, order: MessageOrder | None, subjects: tuple[str, ...] = ()) -> Wish:
    """What wants to go out: of a case where it has ordered it, otherwise about no invoice."""
    return Wish(
        key=new.key,
        name=order.key if order else new.template,
        invoice=order.invoice if order else None,
        customer=new.customer,
        template=new.template,
        channel=new.channel,
        subjects=subjects,
    )


def gate_for(wish: Wish, contact: Contact, rules: ContactPolicy, zone: str, now: datetime) -> Gate:
    """What the ledger is asked before this message goes out; ``zone`` is for customers of whom none is known."""
    hours = hours_of(contact, rules, zone, now)
    span = days(rules.budget.days) if rules.budget else timedelta(0)
    return Gate(wish, now - span, lambda history: may_tell(wish, history, hours, now))


def hours_of(contact: Contact, rules: ContactPolicy, zone: str, now: datetime) -> Hours:
    """When this customer may be written to."""
    found = ZoneInfo(contact.timezone or rules.default_timezone or zone)
    off: Mapping[date, str] = {}
    if rules.working_days_only:
        country = contact.country or rules.default_country
        today = now.astimezone(found).date()
        off = days_off(country, contact.state, today - _BEFORE, today + _AHEAD)
    return Hours(found, rules.quiet_hours, off, rules.budget)


def not_sent(order: MessageOrder, answer: Answer, now: datetime) -> MessageReport:
    """The report of a message that the gate has kept from being sent."""
    if (covered := answer.covered_by) is not None:
        return MessageReport(
            at=now,
            key=order.key,
            state=covered.state,
            because=answer.because,
            covered_by=covered.message,
            said_at=covered.at,
        )
    state, until = MessageState.RESERVED, whole(answer.not_before or now)
    return MessageReport(at=now, key=order.key, state=state, because=answer.because, not_before=until)


def whole(moment: datetime) -> datetime:
    """The next whole second: asked again a part of one too early, the gate would say the same."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)
