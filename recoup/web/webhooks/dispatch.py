"""Carrying out what a webhook asks for: ask the ledger, tell Temporal, then write it down; in this order.

The delivery is acknowledged when all three are done. What was told to Temporal may be told again without harm, so a
delivery that broke off anywhere is simply repeated by Stripe; only one that was acknowledged counts as seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from starlette.concurrency import run_in_threadpool

from activities.contracts import CardUpdated, StartCase
from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.rules.base import Wire
from recoup.rules.money import Money
from recoup.temporal.returns import begin_case
from recoup.web.stripe_side import Billing
from recoup.web.webhooks._mirror import touched_by
from recoup.web.webhooks._plan import Begin, Plan, Planner, Tell, Update
from recoup.web.webhooks.commands import Command, Record
from recoup.web.webhooks.shapes import Event

_log = structlog.get_logger(__name__)


class Gateway(Protocol):
    """The part of :class:`recoup.temporal.gateway.CaseGateway` that the web process needs."""

    async def begin(
        self,
        start: StartCase,
        *,
        customer: str | None = None,
        subscription: str | None = None,
        due: Money | None = None,
    ) -> bool:
        """Begin a case."""
        ...

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        """Signal a case."""
        ...

    async def card_updated(self, update: CardUpdated) -> None:
        """Begin a card update."""
        ...

    async def check(self) -> None:
        """Whether Temporal answers."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """The event that was delivered."""

    event_id: str
    type: str
    object_id: str | None
    created: datetime
    touched: str | None = None
    """The customer whose cards or subscriptions may be other ones now."""

    @classmethod
    def of(cls, event: Event) -> Delivery:
        """What is kept of an event."""
        created = datetime.fromtimestamp(event.created, UTC)
        return cls(event.id, event.type, event.object_id, created, touched_by(event))


@dataclass(frozen=True, slots=True)
class Done:
    """What a delivery came to."""

    repeated: bool = False
    did: tuple[str, ...] = ()


class Dispatcher:
    """Carries out commands, any number of times, in any order."""

    def __init__(self, ledger: Ledger, gateway: Gateway, billing: Billing, clock: Clock) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._billing = billing
        self._clock = clock
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def dispatch(self, delivery: Delivery, commands: Sequence[Command]) -> Done:
        """Act on one delivery.

        Raises:
            ConnectionFailed: Temporal, Stripe or the database did not take its part; nothing counts as seen.
        """
        # Deliveries of one event wait for each other, so that the second one finds what the first one wrote.
        lock = self._under_way.setdefault(delivery.event_id, asyncio.Lock())
        async with lock:
            at = self._clock.now()
            plan = await run_in_threadpool(self._plan_new, delivery, commands, at)
            if plan is None:
                return Done(repeated=True)
            did, unheard = await self._carry_out(plan)
            if unheard:
                plan, told = await self._plan_again(plan, delivery, commands, at)
                did += told
            await run_in_threadpool(self._ledger.as_one, lambda: self._write_down(delivery, plan, at))
        counted = ["counted a refused charge"] * len(plan.charges)
        return Done(did=(*did, *counted, *(note.because for note in plan.notes), *plan.ignored))

    async def _carry_out(self, plan: Plan) -> tuple[list[str], bool]:
        """Do all of it; also whether a case that must hear does not run."""
        done = [await self._act(act) for act in plan.acts]
        return [did for did, _ in done], not all(heard for _, heard in done)

    async def _plan_again(
        self, before: Plan, delivery: Delivery, commands: Sequence[Command], at: datetime
    ) -> tuple[Plan, list[str]]:
        """A case may have ended between the plan and the act; then its end says what is to be done instead."""
        after = await run_in_threadpool(self._plan, delivery, commands, at)
        if after.acts == before.acts:
            return before, []
        return after, (await self._carry_out(after))[0]

    def _plan(self, delivery: Delivery, commands: Sequence[Command], at: datetime) -> Plan:
        planner = Planner(self._ledger, self._billing, delivery.event_id, at, delivery.created)
        return planner.plan(commands)

    def _plan_new(self, delivery: Delivery, commands: Sequence[Command], at: datetime) -> Plan | None:
        """The plan; None where the event was acted on before, which is counted."""
        if self._ledger.webhooks.get(delivery.event_id) is None:
            return self._plan(delivery, commands, at)
        self._count(delivery, at)
        return None

    async def _act(self, act: Begin | Tell | Update) -> tuple[str, bool]:
        """What was done, and whether everybody heard who must."""
        match act:
            case Begin():
                return await self._begin(act), True
            case Tell():
                heard = await self._gateway.tell(act.case_id, act.signal.value, act.payload)
                if not heard and act.must_hear:
                    _log.warning("case_does_not_run", case=act.case_id, signal=act.signal.value)
                did = f"told {act.case_id} {act.signal.value}" if heard else f"{act.case_id} does not run"
                return did, heard or not act.must_hear
            case Update():
                await self._gateway.card_updated(act.update)
                return f"began the card update of {act.update.customer}", True

    async def _begin(self, act: Begin) -> str:
        start = act.start
        begun = await begin_case(
            self._gateway, start, customer=act.customer, subscription=act.subscription, due=act.due
        )
        if begun:
            return f"began the case of {start.invoice}"
        _log.info("case_not_begun_again", invoice=start.invoice)
        return f"the case of {start.invoice} has run before"

    def _write_down(self, delivery: Delivery, plan: Plan, at: datetime) -> None:
        for charge in plan.charges:
            self._ledger.attempts.observe(charge, at)
        for index, note in enumerate(plan.notes):
            self._note(delivery, index, note, at)
        if delivery.touched is not None:
            self._ledger.mirror.mark(delivery.touched, at)
        self._count(delivery, at)

    def _note(self, delivery: Delivery, index: int, note: Record, at: datetime) -> None:
        self._ledger.events.append(
            note.kind,
            at,
            invoice=note.invoice,
            customer=note.customer,
            actor="stripe",
            data={"because": note.because, "event": delivery.event_id, **note.data},
            unique=f"webhook/{delivery.event_id}/{index}",
        )

    def _count(self, delivery: Delivery, at: datetime) -> None:
        self._ledger.webhooks.seen(delivery.event_id, delivery.type, delivery.object_id, delivery.created, at)
