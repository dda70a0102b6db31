"""People: what the ledger keeps of operators' words, of questions to them, and of the queue of cases that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.contracts import Activity
from activities.people_contracts import AssignCase, CaseNote, MoveCase, Noted
from recoup.clock import Clock
from recoup.ledger import Ledger


@dataclass
class People:
    """The activities that keep the audit record."""

    ledger: Ledger
    clock: Clock

    @activity.defn(name=Activity.NOTE_CASE.value, no_thread_cancel_exception=True)
    def note(self, order: CaseNote) -> Noted:
        """Keep a word or a question, and the stage where it is told."""
        now = self.clock.now()
        if order.stage is not None:
            self.ledger.cases.note(
                order.case_id,
                order.stage,
                now,
                next_kind=order.next_kind,
                next_at=order.next_at,
                next_because=order.because,
            )
        if order.kind is not None:
            self.ledger.events.append(
                order.kind,
                now,
                case_id=order.case_id,
                invoice=order.invoice,
                customer=order.customer,
                actor=order.actor,
                data=order.data,
                unique=order.request,
            )
        return Noted(at=now)

    @activity.defn(name=Activity.ASSIGN_CASE.value, no_thread_cancel_exception=True)
    def assign(self, order: AssignCase) -> Noted:
        """Keep whose the case is."""
        now = self.clock.now()
        because = order.because or "no reason was given"
        self.ledger.people.assign(
            order.case_id, order.to, now, actor=order.actor, because=because, unique=order.request
        )
        return Noted(at=now)

    @activity.defn(name=Activity.MOVE_CASE.value, no_thread_cancel_exception=True)
    def move(self, order: MoveCase) -> Noted:
        """Keep the campaign that the case goes on by."""
        now = self.clock.now()
        self.ledger.people.move(
            order.case_id,
            campaign=order.campaign.name,
            policy=order.campaign.model_dump(mode="json"),
            policy_version=order.version,
            priority=order.priority,
            at=now,
            actor=order.actor,
            because=order.because or "no reason was given",
            unique=order.request,
        )
        return Noted(at=now)
