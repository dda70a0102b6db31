"""Excluding a customer: nothing of theirs is begun any more, and what is open is told."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.contracts import Activity
from activities.note_contracts import Noted
from activities.people_contracts import ExcludeCustomer
from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.temporal.excluding import Exclusion, exclude
from recoup.temporal.gateway import CaseGateway


@dataclass
class Exclusions:
    """The activity behind an operator's word that a customer is to be left alone."""

    ledger: Ledger
    clock: Clock
    gateway: CaseGateway

    @activity.defn(name=Activity.EXCLUDE_CUSTOMER.value)
    async def exclude(self, order: ExcludeCustomer) -> Noted:
        """Keep it in the ledger first, so that no case begins beside it; then tell the customer's other open cases."""
        wanted = Exclusion(order.customer, order.actor, order.because, order.request)
        await exclude(self.ledger, self.gateway, wanted, self.clock.now(), but=order.case_id)
        return Noted(at=self.clock.now())
