"""Excluding a customer: nothing of theirs is begun any more, and what is open is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.contracts import Activity
from activities.note_contracts import Noted
from activities.people_contracts import CustomerExcluded, ExcludeCustomer
from recoup.clock import Clock
from recoup.ledger import CaseRow, Ledger
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
        others = await asyncio.to_thread(self._kept, order)
        news = CustomerExcluded(at=self.clock.now(), because=order.because, operator=order.actor)
        for case in others:
            await self.gateway.tell(case.id, "customer_excluded", news)
        return Noted(at=self.clock.now())

    def _kept(self, order: ExcludeCustomer) -> list[CaseRow]:
        said = {"actor": order.actor, "because": order.because, "unique": order.request}
        self.ledger.exclusions.exclude(order.customer, self.clock.now(), **said)
        return [row for row in self.ledger.cases.open_of_customer(order.customer) if row.id != order.case_id]
