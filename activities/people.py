"""People: whose a case is, which campaign they moved it to, and the queue of cases that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.contracts import Activity
from activities.note_contracts import Noted
from activities.people_contracts import AssignCase, MoveCase, TellStage
from recoup.clock import Clock
from recoup.ledger import Ledger


@dataclass
class People:
    """The activities that keep in the ledger what people do with cases."""

    ledger: Ledger
    clock: Clock

    @activity.defn(name=Activity.TELL_STAGE.value, no_thread_cancel_exception=True)
    def stage(self, order: TellStage) -> Noted:
        """Keep where the case stands, so that the queue shows it."""
        now = self.clock.now()
        self.ledger.cases.note(
            order.case_id,
            order.stage,
            now,
            next_kind=order.next_kind,
            next_at=order.next_at,
            next_because=order.because,
        )
        return Noted(at=now)

    @activity.defn(name=Activity.ASSIGN_CASE.value, no_thread_cancel_exception=True)
    def assign(self, order: AssignCase) -> Noted:
        """Keep whose the case is."""
        now = self.clock.now()
        self.ledger.people.assign(
            order.case_id, order.to, now, actor=order.actor, because=order.because, unique=order.request
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
            because=order.because,
            unique=order.request,
        )
        return Noted(at=now)
