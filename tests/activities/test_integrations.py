"""The activity over real parts: the address that Stripe has, the case's own next step, and what a case has written down."""

from __future__ import annotations

from typing import Any, cast

import pytest
from pytest_httpserver import HTTPServer
from temporalio.testing import ActivityEnvironment

from activities.contracts import CaseView
from activities.integration_contracts import Delivered, DeliverOrder
from activities.integrations import Integrations
from activities.note_contracts import Note, NoteKind
from recoup.integrations.building import destinations_from
from recoup.integrations.settings import IntegrationSettings
from recoup.rules.case import Case, Outcome, Stage
from recoup.rules.steps import next_step
from recoup.temporal.gateway import CaseGateway, TemporalAway
from tests.activities.conftest import Desk
from tests.integrations.crms import FakeHubSpot
from tests.integrations.stage import hubspot


class Views:
    """Answers for the cases' workflows, or for a Temporal that is away."""

    def __init__(self, desk: Desk, case: Case) -> None:
        self._desk, self._case, self.away = desk, case, False

    async def view(self, case: str) -> CaseView:
        if self.away:
            raise TemporalAway("nobody answers")
        now = self._desk.clock.now()
        shown = self._case.model_copy(update={"stage": Stage.WAITING})
        return CaseView(case=shown, next=next_step(shown, shown.campaign, now), now=now, waiting=True)


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """A free port of this machine alone."""
    return "127.0.0.1", 0


async def test_a_contact_is_found_by_the_address_that_stripe_has(desk: Desk, httpserver: HTTPServer) -> None:
    """The address goes from Stripe to HubSpot and nowhere else; the next step is the one that the case itself tells."""
    crm = FakeHubSpot().serve(httpserver)
    contact = crm.add("contacts", email="short@example.com")
    settings = hubspot(httpserver)
    desk.ledger.deliveries.register("crm", 0, desk.clock.now())
    case = desk.take_up("short")
    views = Views(desk, case)
    integrations = _integrations(desk, settings, views)
    done = await _delivered(integrations)
    assert (done.delivered, done.put_off, done.refused) == (1, 0, 0)
    kept = crm.objects["contacts"][contact]
    assert kept["stripe_customer_id"] == case.customer
    assert (kept["recoup_stage"], kept["recoup_amount_due"], kept["recoup_currency"]) == (
        "waiting",
        "49.00",
        "usd",
    )
    assert kept["recoup_next_action"].startswith("message on ")
    assert "example.com" not in str(desk.ledger.events.since(0)) + str(desk.ledger.deliveries.get("crm"))

    views.away = True
    desk.ledger.cases.note(case.id, Stage.NOTIFIED, desk.clock.now())
    note = Note(
        case_id=case.id, invoice=case.invoice, customer=case.customer, request="run/1", at=desk.clock.now(),
        kind=NoteKind.OPERATOR_WORD, because="a promise", word="resume", operator="ops",
    )  # fmt: skip
    for _ in range(2):
        desk.records.note(note)
    assert (await _delivered(integrations)).delivered == 1
    assert crm.objects["contacts"][contact]["recoup_stage"] == "notified"
    assert crm.objects["contacts"][contact]["recoup_next_action"].startswith("message on "), "it stays"
    *_, last = crm.objects["notes"].values()
    assert last["hs_note_body"].startswith("ops resumed the case")

    desk.ledger.cases.close(case.id, Outcome.RECOVERED_BY_RETRY, "the bank approved", desk.clock.now())
    await _delivered(integrations)
    kept = crm.objects["contacts"][contact]
    ended = (
        kept["recoup_stage"],
        kept["recoup_outcome"],
        kept["recoup_amount_due"],
        kept["recoup_next_action"],
    )
    assert ended == ("recovered", "recovered_by_retry", "0.00", "")


async def test_a_destination_that_is_not_configured_is_gone(desk: Desk, httpserver: HTTPServer) -> None:
    """The workflow is told, so that it ends."""
    integrations = _integrations(desk, hubspot(httpserver), cast(Any, None))
    done = await ActivityEnvironment().run(integrations.deliver, DeliverOrder(destination="another"))
    assert done.gone


def _integrations(desk: Desk, settings: Any, views: Views) -> Integrations:
    made = destinations_from(IntegrationSettings(destinations=(settings,)), desk.clock)
    return Integrations(made, desk.ledger, desk.clock, desk.stripe, cast(CaseGateway, views))


async def _delivered(integrations: Integrations) -> Delivered:
    return await ActivityEnvironment().run(integrations.deliver, DeliverOrder(destination="crm"))
