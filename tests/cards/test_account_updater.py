"""The account updater renews a card: the open case hears of it and tries once, however often and in whatever form it is told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowQueryFailedError

from activities.contracts import StartCase
from recoup.ledger import AttemptRow, CaseRow
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.temporal.gateway import CaseGateway
from recoup.web.stripe_side import StripeBilling
from recoup.web.webhooks import Dispatcher, route
from recoup.web.webhooks.dispatch import Delivery
from recoup.web.webhooks.shapes import Event
from tests.cards.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAYS = ("payment_method.automatically_updated", "payment_method.updated", "payment_method.attached")


class Debtor:
    """A customer whose renewal failed, with the case that waits."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.gateway = CaseGateway(stage.client)
        billing = StripeBilling(stage.sandbox.client())
        self.dispatcher = Dispatcher(stage.ledger, self.gateway, billing, stage.clock)
        self.invoice = self.method = ""

    async def begin(self) -> None:
        """Fail, and begin the case as a webhook would."""
        await asyncio.to_thread(self._fail)
        await self.gateway.begin(StartCase(invoice=self.invoice, at=self.stage.clock.now()))
        await self.rests()

    def _fail(self) -> None:
        stage = self.stage
        customer = stage.customer()
        self.method = stage.card(customer, (2031, 5), kind="dead")
        subscription = stage.subscribe(customer, stage.clock.now() + timedelta(hours=1))
        stage.sandbox.pass_time(hours=2)
        listed = stage.api.invoices.list({"subscription": subscription, "status": "open"})
        self.invoice = str(listed.data[0].id)

    async def rests(self) -> None:
        """Until the case sleeps, or is over."""
        for _ in range(400):
            with suppress(WorkflowQueryFailedError):  # it is being opened
                view = await self.gateway.view(self.invoice)
                if view is not None and (view.waiting or view.case.outcome is not None):
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("the case never came to rest")

    async def renewed(self, **card: Any) -> list[dict[str, Any]]:
        """The network renews the card; what Stripe tells of it."""
        order = {"payment_method": self.method, **card}
        await asyncio.to_thread(self.stage.sandbox.control, "updater", order)
        events = await asyncio.to_thread(self.stage.api.events.list, {"limit": 1})
        return [event.to_dict() for event in events.data]

    async def told(self, event: dict[str, Any]) -> None:
        """Deliver one event."""
        await self.dispatcher.dispatch(Delivery.of(Event.model_validate(event)), route(event))

    async def settled(self) -> None:
        """Until every card update has come to its end, and the case rests."""
        for _ in range(400):
            running = "ExecutionStatus = 'Running' AND WorkflowType = 'CardUpdate'"
            if (await self.stage.client.count_workflows(running)).count == 0:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # visibility may be behind by so much
        await self.rests()

    def attempts(self) -> list[AttemptRow]:
        return self.stage.ledger.attempts.of_invoice(self.invoice)

    def case(self) -> CaseRow:
        row = self.stage.ledger.cases.get(self.invoice)
        assert row is not None
        return row


def in_many_forms(event: dict[str, Any]) -> list[dict[str, Any]]:
    """One change as Stripe may tell it: twice in one event, once more in another, and in events of other types."""
    again = event | {"id": f"{event['id']}_again"}
    others = [event | {"id": f"{event['id']}_{n}", "type": type_} for n, type_ in enumerate(SAYS[1:])]
    return [event, event, again, *others]


async def test_one_early_retry_collects(stage: Stage) -> None:
    """Told five times over, the renewed card is tried once, before the schedule's day, and the case ends as the updater's doing."""
    debtor = Debtor(stage)
    await debtor.begin()
    begun = stage.clock.now()
    (event,) = await debtor.renewed(card="tok_world_good", exp_month=5, exp_year=2034)
    assert event["type"] == SAYS[0]
    first, *others = in_many_forms(event)
    await debtor.told(first)
    await asyncio.gather(*(debtor.told(each) for each in others))
    await debtor.settled()
    (attempt,) = debtor.attempts()
    assert (attempt.trigger, attempt.state) == (Trigger.ACCOUNT_UPDATER, AttemptState.PAID)
    assert stage.clock.now() - begun < timedelta(hours=1), "the policy's first retry would come after a day"
    case = debtor.case()
    assert case.outcome is Outcome.RECOVERED_BY_ACCOUNT_UPDATER
    templates = [mail.template for mail in stage.mails()]
    assert sorted(str(template) for template in templates) == ["payment_failed", "recovered"]


async def test_a_renewed_card_that_is_refused_again_is_not_tried_twice(stage: Stage) -> None:
    """Told again an hour later, the same renewal causes no second try; another renewal causes one more."""
    debtor = Debtor(stage)
    await debtor.begin()
    (event,) = await debtor.renewed(exp_month=6, exp_year=2034)
    await asyncio.gather(*(debtor.told(each) for each in in_many_forms(event)))
    await debtor.settled()
    assert [attempt.trigger for attempt in debtor.attempts()] == [Trigger.ACCOUNT_UPDATER]
    await asyncio.to_thread(stage.sandbox.pass_time, hours=1)
    for number, each in enumerate(in_many_forms(event)):
        await debtor.told(each | {"id": f"late_{number}"})
    await debtor.settled()
    assert len(debtor.attempts()) == 1
    (second,) = await debtor.renewed(exp_month=7, exp_year=2035)
    await debtor.told(second)
    await debtor.settled()
    assert [attempt.trigger for attempt in debtor.attempts()] == [Trigger.ACCOUNT_UPDATER] * 2
    assert debtor.case().is_open
