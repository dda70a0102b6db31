"""Everything that is known of one case, gathered for its page: the ledger's record, the workflow's answer, Stripe's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from activities.contracts import CaseView
from recoup.errors import RecoupError
from recoup.ledger import AccessRow, CaseRow, ChannelStopRow, ExclusionRow, LogRow
from recoup.messages import Outbox, OutboxMail
from recoup.rules.case import Stage
from recoup.rules.declines import Reading, read
from recoup.rules.policy import Campaign
from recoup.rules.step import Step
from recoup.web.console.desk import Desk
from recoup.web.console.stripe_view import Customer
from recoup.web.console.timeline import Entry, ahead, past


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One case."""

    row: CaseRow
    view: CaseView | None
    """The case as its workflow sees it; nothing of a case that has ended, or whose workflow did not answer."""
    away: str | None
    """Why the workflow did not answer."""
    customer: Customer | None
    stripe_away: str | None
    campaign: Campaign | None
    past: list[Entry]
    ahead: list[Entry]
    priority_because: tuple[str, ...]
    others: tuple[CaseRow, ...]
    """The customer's other cases, the newest first."""
    stops: tuple[ChannelStopRow, ...]
    access: AccessRow | None
    exclusion: ExclusionRow | None
    """Set while the customer is left alone."""
    log: tuple[LogRow, ...]

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return self.view.case.stage if self.view is not None and self.row.is_open else self.row.stage

    @property
    def next(self) -> Step | None:
        """What it does next, in its own words."""
        return self.view.next if self.view is not None and self.row.is_open else None

    @property
    def reading(self) -> Reading | None:
        """What the last refusal means."""
        decline = self.view.case.decline if self.view is not None else self.row.decline
        return read(decline) if decline is not None else None

    @property
    def last_day(self) -> float | None:
        """The day of the campaign on which it ends."""
        return self.campaign.suspend_after_days if self.campaign is not None else None

    @property
    def owner(self) -> str | None:
        """Whose it is."""
        return self.row.assigned_to

    @property
    def now(self) -> datetime | None:
        """The case's own clock."""
        return self.view.now if self.view is not None else None


async def gather(desk: Desk, row: CaseRow) -> CaseFile:
    """Read it all; a Stripe or a Temporal that does not answer leaves its part out and says so."""
    (view, away), (customer, stripe_away), record = await asyncio.gather(
        seen_by_itself(desk, row),
        run_in_threadpool(_asked_at_stripe, desk, row),
        run_in_threadpool(_recorded, desk, row),
    )
    step = view.next if view is not None and row.is_open else None
    return CaseFile(
        row=row,
        view=view,
        away=away,
        customer=customer,
        stripe_away=stripe_away,
        campaign=_campaign(row),
        past=record.past,
        ahead=ahead(step, row),
        priority_because=view.case.priority_because if view is not None else record.priority_because,
        others=record.others,
        stops=record.stops,
        access=record.access,
        exclusion=record.exclusion,
        log=record.log,
    )


async def seen_by_itself(desk: Desk, row: CaseRow) -> tuple[CaseView | None, str | None]:
    """The case as its workflow sees it, or why there is no answer."""
    if not row.is_open:
        return None, None
    try:
        return await desk.cases.view(row.id), None
    except RecoupError as error:
        return None, str(error)


def _asked_at_stripe(desk: Desk, row: CaseRow) -> tuple[Customer | None, str | None]:
    try:
        return desk.customers.customer(row.customer), None
    except RecoupError as error:
        return None, str(error)


@dataclass(frozen=True, slots=True)
class _Record:
    past: list[Entry]
    priority_because: tuple[str, ...]
    others: tuple[CaseRow, ...]
    stops: tuple[ChannelStopRow, ...]
    access: AccessRow | None
    exclusion: ExclusionRow | None
    log: tuple[LogRow, ...]


def _recorded(desk: Desk, row: CaseRow) -> _Record:
    ledger = desk.ledger
    told = ledger.events.of_customer(row.customer)
    events = [event for event in told if not ledger.attempts.has_told_of_itself(event)]
    messages = ledger.messages.of_case(row.id)
    chosen = [event for event in events if event.case_id == row.id and event.kind == "campaign_chosen"]
    return _Record(
        past=past(
            row,
            events,
            ledger.attempts.of_invoice(row.invoice),
            messages,
            ledger.decisions.of_case(row.id),
            _mails(desk, [message.provider_id for message in messages if message.provider_id]),
        ),
        priority_because=tuple(chosen[-1].data.get("priority_because") or ()) if chosen else (),
        others=tuple(other for other in ledger.browsing.of_customer(row.customer) if other.id != row.id),
        stops=tuple(ledger.channels.of_customer(row.customer)),
        access=ledger.access.get(row.subscription) if row.subscription else None,
        exclusion=ledger.exclusions.of(row.customer),
        log=tuple(ledger.console.logged(case_id=row.id, limit=20)),
    )


def _mails(desk: Desk, ids: list[str]) -> dict[str, OutboxMail]:
    """The messages as they were sent, by their keys; only an outbox keeps them."""
    if desk.settings.mail.kind != "outbox":
        return {}
    outbox = Outbox(desk.settings.mail.outbox)
    return {mail.key: mail for id_ in ids if (mail := outbox.get(id_)) is not None}


def _campaign(row: CaseRow) -> Campaign | None:
    try:
        return Campaign.model_validate(row.policy)
    except ValidationError:  # begun by another release
        return None
