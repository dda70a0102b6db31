"""What a message says: the facts that its template is filled with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from activities._listing import Listed
from activities.contracts import MessageOrder
from recoup.billing.customers import Contact
from recoup.messages import Company, MessageFacts, OpenInvoice, reason_for
from recoup.rules.case import Template


def facts_of(
    order: MessageOrder,
    contact: Contact,
    listed: Sequence[Listed],
    company: Company,
    update_url: str,
    zone: str,
    now: datetime,
) -> MessageFacts:
    """What this message says to this customer at this moment; ``zone`` is for those of whom none is known."""
    return MessageFacts(
        template=order.template,
        company=company,
        customer_name=contact.name,
        locale=contact.locales,
        reason=reason_for(order.decline),
        items=tuple(_shown(each) for each in listed),
        update_url=update_url,
        next_retry_at=order.next_attempt_at,
        suspend_on=now if order.template is Template.SUSPENDED else _earliest_end(order, listed),
        timezone=contact.timezone or zone,
        written_at=now,
    )


def _shown(listed: Listed) -> OpenInvoice:
    """With the end of its access, where the message gives notice of it."""
    return listed.item.model_copy(update={"suspend_on": listed.says.suspend_at})


def _earliest_end(order: MessageOrder, listed: Sequence[Listed]) -> datetime | None:
    """The first day on which an access would end, of what the message speaks of."""
    notice = order.template is Template.LAST_NOTICE
    ends = [each.says.suspend_at if notice else each.suspend_at for each in listed]
    return min((at for at in ends if at is not None), default=None)
