"""Stand-ins for the activities, registered under their names: an outside world that a test scripts.

What the workflow orders is kept, so that tests speak of effects: which attempts were made, what the customer was told.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.contracts import (
    AccessOrder,
    AccessReport,
    Activity,
    AttemptOrder,
    AttemptReport,
    Closed,
    CloseOrder,
    Looked,
    MessageOrder,
    MessageReport,
    PlainOrder,
    SettleOrder,
    TakenUp,
    TakeUp,
    TellCase,
)
from activities.note_contracts import Note, Noted
from activities.people_contracts import (
    AssignCase,
    CaseChange,
    ExcludeCustomer,
    LateCancel,
    LateCancelled,
    MoveCase,
    TellStage,
)
from activities.wish_contracts import NotePromise, PromiseToPay, WishActivity
from recoup.rules.case import Access, AttemptState, Case, MessageState, Outcome, PlannedAttempt, Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.policy import Campaign
from recoup.rules.weaving import StripeTries

SOFT = Decline(code="insufficient_funds", brand="visa")


class Hold:
    """An act that has begun and does not answer before it is let go."""

    def __init__(self) -> None:
        self._begun, self._free = threading.Event(), threading.Event()

    def wait(self) -> None:
        self._begun.set()
        assert self._free.wait(20), "the test never let go"

    async def begun(self) -> None:
        """Until it is under way."""
        assert await asyncio.to_thread(self._begun.wait, 20), "it never began"

    def let_go(self) -> None:
        self._free.set()


@dataclass
class Outside:
    """The world beyond the workflow. ``answers`` are given to attempts in order; when they run out, all are declined."""

    decline: Decline | None = SOFT
    answers: list[AttemptReport | str] = field(default_factory=list)
    campaign: Campaign = field(default_factory=Campaign)
    refuse: str | None = None
    return_number: int = 1
    ended_at_suspension: Outcome | None = None
    broken: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    """What cannot be reached for now; it is tried again."""
    held: dict[str, Hold] = field(default_factory=dict)
    """What does not answer before it is let go."""
    paid_with: str = "pm_1"
    led_to: Trigger | None = None
    """The next attempt is led to another one of the invoice, which had this trigger."""
    keep_tries: bool = False
    """Whether what cannot be reached counts as done each time it is tried."""
    given_back: bool = True
    """Whether what was paid twice is given back."""
    last_trigger: Trigger = Trigger.SCHEDULE
    suspended_already: bool = False
    look_again: timedelta | None = None
    """How long the suspension has to be put off."""
    ended_at_message: Outcome | None = None
    put_off: int = 0
    """So many messages are asked to wait for a moment that has passed."""
    stopped_from: str | None = None
    """From the message with this key on every channel to the customer is stopped."""
    stripe: StripeTries | None = None
    """What a look finds of Stripe's own attempts."""
    plans: list[float | None] = field(default_factory=list)
    """What looks plan, each so many days ahead, or nothing; when they run out, no plan is brought."""
    priority: int = 0
    notes: list[Note] = field(default_factory=list)
    """What the ledger was given to keep of people and their words."""
    changes: list[CaseChange] = field(default_factory=list)
    """What operators changed about the case in the ledger."""
    stages: list[TellStage] = field(default_factory=list)
    """What the queue of cases that wait for a person was told."""
    held_days: list[float] = field(default_factory=list)
    """How long a late cancellation is held, each time it is due."""
    told: list[TellCase] = field(default_factory=list)
    promises: list[PromiseToPay] = field(default_factory=list)
    """What was written down in the ledger."""
    done: list[tuple[str, str, datetime]] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    chosen: list[tuple[str, str | None, float]] = field(default_factory=list)
    """Of each act: the model that chose its moment, and how likely that was."""
    only_read: list[bool] = field(default_factory=list)
    """Of each look for what became of an attempt: whether nothing may be sent again."""

    def _did(self, kind: str, what: str, order: Any = None) -> datetime:
        if kind in self.broken:
            raise ApplicationError(f"{kind} is broken", non_retryable=True)
        if kind in self.away:
            if self.keep_tries:
                self.done.append((kind, what, order.decision.at))
            raise ApplicationError(f"{kind} cannot be reached")
        at = order.decision.at if order is not None else datetime.now(UTC)
        if order is not None:
            self.decisions.append(order.decision.step.because)
            self.requests.append(order.request)
            self.chosen.append((kind, order.decision.model, order.decision.propensity))
        self.done.append((kind, what, at))
        if kind in self.held:
            self.held[kind].wait()
        return at

    def hold(self, kind: str) -> Hold:
        """Keep the acts of this kind from answering until they are let go."""
        self.held[kind] = Hold()
        return self.held[kind]

    def kinds(self) -> list[str]:
        return [f"{kind}:{what}" for kind, what, _ in self.done]

    def days(self, kind: str) -> list[float]:
        """Days from the start of the case at which something of this kind was done."""
        start = self.done[0][2]
        return [round((at - start) / timedelta(days=1), 1) for what, _, at in self.done if what == kind]

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.take_up, self.attempt, self.settle, self.look, self.mark_paid, self.release, self.write_off,
            self.send, self.suspend, self.restore, self.close, self.tell, self.note, self.note_promise,
            self.restrict, self.stage, self.assign, self.move, self.exclude, self.cancel_at_last,
        ]  # fmt: skip

    @activity.defn(name=Activity.TAKE_UP.value)
    def take_up(self, order: TakeUp) -> TakenUp:
        if self.refuse:
            return TakenUp(at=order.at, case=None, because=self.refuse)
        self.done.append(("take_up", order.invoice, order.at))
        if "take_up" in self.held:
            self.held["take_up"].wait()
        returns = order.return_number > 1
        case = Case(
            id=order.invoice if not returns else f"{order.invoice}/r{order.return_number}",
            invoice=order.invoice,
            customer="cus_1",
            subscription="sub_1",
            due=Money(amount=4900, currency="usd"),
            failed_at=order.at,
            campaign=self.campaign,
            decline=self.decline,
            payment_method="pm_1",
            access=Access.SUSPENDED if returns else Access.FULL,
            is_return=returns,
            priority=self.priority,
            priority_because=("+80 a large account",) if self.priority else (),
        )
        return TakenUp(at=order.at, case=case, because="it is a case")

    def _attempted(self, order: AttemptOrder | SettleOrder) -> AttemptReport:
        at = order.decision.at
        if isinstance(order, SettleOrder) and order.number == 0 and not self.answers:
            trigger = order.trigger or Trigger.SCHEDULE
            state = AttemptState.SKIPPED
            return AttemptReport(at=at, number=0, state=state, trigger=trigger, because="never sent")
        number = sum(1 for kind, _, _ in self.done if kind == "attempt")
        answer = self.answers.pop(0) if self.answers else "declined"
        trigger = self.last_trigger = order.trigger or self.last_trigger
        if self.led_to is not None:
            trigger, self.led_to = self.led_to, None
        if isinstance(answer, AttemptReport):
            # What a limit forbids is never numbered.
            numbered = None if answer.not_before else number
            return answer.model_copy(update={"at": at, "number": numbered, "trigger": trigger})
        state = AttemptState(answer)
        return AttemptReport(
            at=at,
            number=number,
            state=state,
            trigger=trigger,
            because="the bank approved" if state is AttemptState.PAID else "the bank refused",
            decline=SOFT if state is AttemptState.DECLINED else None,
            payment_method=self.paid_with,
            check_at=at + timedelta(minutes=10) if state is AttemptState.UNKNOWN else None,
        )

    @activity.defn(name=Activity.ATTEMPT.value)
    def attempt(self, order: AttemptOrder) -> AttemptReport:
        self._did("attempt", order.trigger.value, order)
        return self._attempted(order)

    @activity.defn(name=Activity.SETTLE.value)
    def settle(self, order: SettleOrder) -> AttemptReport:
        self.only_read.append(order.only_read)
        self._did("settle", str(order.number), order)
        return self._attempted(order)

    @activity.defn(name=Activity.LOOK.value)
    def look(self, order: PlainOrder) -> Looked:
        at = self._did("look", "", order)
        planned = None
        if self.plans:
            ahead = self.plans.pop(0)
            moment = None if ahead is None else at + timedelta(days=ahead)
            because = f"planned {ahead} days ahead"
            planned = PlannedAttempt(at=moment, because=because, model="20260101-abc", propensity=0.25)
        return Looked(at=at, because="still open", decline=SOFT, stripe=self.stripe, planned=planned)

    @activity.defn(name=Activity.MARK_PAID.value)
    def mark_paid(self, order: PlainOrder) -> Looked:
        at = self._did("mark_paid", "", order)
        ended = Outcome.RECOVERED_OUTSIDE if self.given_back else None
        return Looked(at=at, because="told by an operator", ended=ended)

    @activity.defn(name=Activity.WRITE_OFF.value)
    def write_off(self, order: PlainOrder) -> Looked:
        at, ended = self._did("write_off", "", order), Outcome.CLOSED_UNCOLLECTIBLE
        return Looked(at=at, because=order.decision.step.because, ended=ended)

    @activity.defn(name=Activity.RELEASE.value)
    def release(self, order: PlainOrder) -> Looked:
        return Looked(at=self._did("release", "", order), because="given back")

    @activity.defn(name=Activity.SEND_MESSAGE.value)
    def send(self, order: MessageOrder) -> MessageReport:
        at = self._did("message", order.key, order)
        if self.put_off:
            self.put_off -= 1
            passed, state = at - timedelta(hours=1), MessageState.RESERVED
            return MessageReport(at=at, key=order.key, state=state, because="it is night", not_before=passed)
        ended = self.ended_at_message
        state = MessageState.FAILED if ended else MessageState.SENT
        if self.stopped_from is not None and self.stopped_from in [key for _, key, _ in self.done]:
            state = MessageState.STOPPED
        return MessageReport(at=at, key=order.key, state=state, because="sent", ended=ended)

    @activity.defn(name=Activity.SUSPEND.value)
    def suspend(self, order: AccessOrder) -> AccessReport:
        at = self._did("suspend", order.ending.value, order)
        later = at + self.look_again if self.look_again else None
        ended = self.ended_at_suspension
        return AccessReport(at=at, done=True, because="suspended", ended=ended, look_again_at=later)

    @activity.defn(name=Activity.RESTRICT.value)
    def restrict(self, order: AccessOrder) -> AccessReport:
        return AccessReport(at=self._did("restrict", "", order), done=True, because="restricted")

    @activity.defn(name=Activity.CANCEL_AT_LAST.value)
    def cancel_at_last(self, order: LateCancel) -> LateCancelled:
        self.done.append(("cancel", order.subscription, order.at))
        again = order.at + timedelta(days=self.held_days.pop(0)) if self.held_days else None
        return LateCancelled(at=order.at, done=again is None, because=order.because, look_again_at=again)

    @activity.defn(name=Activity.TELL_STAGE.value)
    def stage(self, order: TellStage) -> Noted:
        self.stages.append(order)
        return Noted(at=order.at)

    @activity.defn(name=Activity.ASSIGN_CASE.value)
    def assign(self, order: AssignCase) -> Noted:
        self.changes.append(order)
        return Noted(at=order.at)

    @activity.defn(name=Activity.MOVE_CASE.value)
    def move(self, order: MoveCase) -> Noted:
        self.changes.append(order)
        return Noted(at=order.at)

    @activity.defn(name=Activity.EXCLUDE_CUSTOMER.value)
    def exclude(self, order: ExcludeCustomer) -> Noted:
        self.changes.append(order)
        return Noted(at=order.at)

    @activity.defn(name=Activity.RESTORE.value)
    def restore(self, order: AccessOrder) -> AccessReport:
        return AccessReport(at=self._did("restore", "", order), done=True, because="restored")

    @activity.defn(name=Activity.CLOSE_CASE.value)
    def close(self, order: CloseOrder) -> Closed:
        at = self._did("close", order.outcome.value, order)
        gone = self.suspended_already
        return Closed(at=at, outcome=order.outcome, because=order.because, suspended=gone)

    @activity.defn(name=Activity.NOTE.value)
    def note(self, note: Note) -> Noted:
        if not any(known.request == note.request for known in self.notes):
            self.notes.append(note)
        return Noted(at=note.at)

    @activity.defn(name=WishActivity.NOTE_PROMISE.value)
    def note_promise(self, order: NotePromise) -> Noted:
        self.promises.append(order.promise)
        return Noted(at=order.promise.at)

    @activity.defn(name=Activity.TELL_CASE.value)
    def tell(self, order: TellCase) -> bool:
        self.told.append(order)
        return True
