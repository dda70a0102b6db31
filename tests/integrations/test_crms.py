"""HubSpot, Salesforce and Slack over real sockets: found, kept up to date, told once, and what they refuse."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.integrations.destination import Standing
from recoup.integrations.replaying import Wanted, replayed
from recoup.ledger import DeliveryState
from recoup.rules.case import Outcome
from tests.integrations.crms import FakeHubSpot, FakeSalesforce, Fault
from tests.integrations.stage import Inbox, Stage, hubspot, salesforce, slack


@pytest.fixture
def crm(httpserver: HTTPServer) -> FakeHubSpot:
    """A HubSpot account with nothing in it."""
    return FakeHubSpot().serve(httpserver)


@pytest.fixture
def sales(httpserver: HTTPServer) -> FakeSalesforce:
    """A Salesforce organisation with nothing in it."""
    return FakeSalesforce().serve(httpserver)


def test_hubspot_has_the_history_and_the_state_of_the_customer(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """The contact with the Stripe id gets a note for each event, a task for the person needed, and the state as properties."""
    contact = crm.add("contacts", stripe_customer_id="cus_1")
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    stage.attempt()
    stage.ledger.events.append(
        "person_needed", stage.clock.now(), case_id="in_1", customer="cus_1", data={"because": "of a doubt"}
    )
    assert stage.look(destination).delivered == 3
    bodies = [note["hs_note_body"] for note in crm.objects["notes"].values()]
    assert bodies[0].startswith("A payment of 49.00 PLN failed, its recovery begins (invoice ACME-0001)")
    assert "49.00 PLN declined (insufficient_funds)" in bodies[1]
    (task,) = crm.objects["tasks"].values()
    assert (task["hs_task_status"], task["hs_task_priority"]) == ("NOT_STARTED", "HIGH")
    assert "of a doubt" in task["hs_task_body"]
    assert {(kind, to, type_) for kind, _, to, type_ in crm.links} == {
        ("notes", contact, 202),
        ("tasks", contact, 204),
    }
    assert crm.objects["contacts"][contact] == {
        "stripe_customer_id": "cus_1",
        "recoup_stage": "waiting",
        "recoup_amount_due": "49.00",
        "recoup_currency": "pln",
        "recoup_outcome": "",
        "recoup_next_action": "attempt on 2026-11-25 09:00 UTC: the third day",
    }


def test_hubspot_finds_a_contact_by_mail_and_then_by_id(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """The address from Stripe finds the contact once; from then on the id does, and the address is in no row of the ledger."""
    contact = crm.add("contacts", email="ann@example.com")
    stage.email = "ann@example.com"
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    stage.message()
    assert stage.look(destination).delivered == 2
    assert crm.objects["contacts"][contact]["stripe_customer_id"] == "cus_1"
    assert [search[1] for search in crm.searches] == ["stripe_customer_id", "email", "stripe_customer_id"]
    assert "ann@example.com" not in str(stage.late("crm"))


def test_hubspot_can_keep_companies(stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot) -> None:
    """With ``record = company`` the company is found by the id and gets the notes; nobody asks for an address."""
    company = crm.add("companies", stripe_customer_id="cus_1")
    destination = hubspot(httpserver, record="company")
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).delivered == 1
    assert crm.links == [("notes", next(iter(crm.objects["notes"])), company, 190)]
    assert crm.objects["companies"][company]["recoup_stage"] == "waiting"


def test_a_customer_that_the_crm_does_not_know_is_parked_and_can_be_replayed(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """The sentence says which property to set; after that a replay writes the note."""
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).refused == 1
    (parked,) = stage.late("crm")
    assert parked.because == (
        "HubSpot has no contact for cus_1: set its property stripe_customer_id, then replay"
    )
    crm.add("contacts", stripe_customer_id="cus_1")
    replayed(stage.ledger, "crm", Wanted(parked=True), stage.clock.now())
    assert stage.look(destination).delivered == 1
    assert len(crm.objects["notes"]) == 1


def test_a_note_whose_answer_was_lost_is_written_once(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """HubSpot has the note and its answer never came: it is looked up by the event, and only the properties follow."""
    contact = crm.add("contacts", stripe_customer_id="cus_1")
    crm.lose.add("notes")
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).put_off == 1
    stage.clock.move(minutes=1)
    assert stage.look(destination).delivered == 1
    assert len(crm.objects["notes"]) == 1
    assert crm.objects["contacts"][contact]["recoup_stage"] == "waiting"
    event = stage.ledger.events.since(0)[0].id
    replayed(stage.ledger, "crm", Wanted(events=(event,)), stage.clock.now())
    assert stage.look(destination).delivered == 1
    assert len(crm.objects["notes"]) == 1, "a replay writes no second note either"


def test_a_note_of_a_worker_that_died_is_written_once(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """The worker died between HubSpot's answer and its bookmark: the next one looks the note up first."""
    crm.add("contacts", stripe_customer_id="cus_1")
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    courier = stage.courier(destination)

    def die(*_: object) -> None:
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.ledger.deliveries, "succeeded", die)
        with pytest.raises(SystemExit):
            courier.run()
    assert len(crm.objects["notes"]) == 1
    stage.clock.move(minutes=4)
    assert stage.look(destination).delivered == 1
    assert len(crm.objects["notes"]) == 1


def test_a_property_that_hubspot_refuses_keeps_no_note_out(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """The history stands in the CRM although the write of the state was refused; the refusal is told."""
    crm.add("contacts", stripe_customer_id="cus_1")
    refusal = '{"status": "error", "message": "Property \\"recoup_stage\\" does not exist", "category": "VALIDATION_ERROR"}'

    def refuse(request: Request) -> Response | None:
        return Response(refusal, 400, content_type="application/json")

    crm.faults = [lambda _: None, lambda _: None, refuse]
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).refused == 1
    assert len(crm.objects["notes"]) == 1
    (parked,) = stage.late("crm")
    assert parked.because == (
        "HubSpot answered 400 when asked to update the contact: VALIDATION_ERROR,"
        ' Property "recoup_stage" does not exist'
    )


def test_a_version_that_hubspot_does_not_have_parks_nothing(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """A path that leads nowhere is a matter of the settings: everything waits until it is corrected."""
    crm.add("contacts", stripe_customer_id="cus_1")
    httpserver.expect_request("/crm/objects/2019-01/contacts/search").respond_with_data("", 404)
    stage.begin(hubspot(httpserver))
    stage.case()
    assert stage.look(hubspot(httpserver, api_version="2019-01")).put_off == 1
    stage.clock.move(minutes=1)
    assert stage.look(hubspot(httpserver)).delivered == 1


def _page(status: int) -> Fault:
    """What a proxy or a login page puts in the place of an answer."""
    return lambda _: Response("<html><body>Back soon</body></html>", status, content_type="text/html")


def _none(_: Request) -> None:
    """Let one request through."""


@pytest.mark.parametrize("passed", [0, 1, 2])
def test_a_page_in_place_of_hubspots_answer_loses_nothing(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot, passed: int
) -> None:
    """A page with 200 or 404 instead of the search, the note or the record: it waits, and is caught up once."""
    contact = crm.add("contacts", stripe_customer_id="cus_1")
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    for status in (200, 404):
        crm.faults = [_none] * passed + [_page(status)]
        assert stage.look(destination).put_off == 1
        stage.clock.move(hours=1)
        passed += passed == 1  # a repetition looks for its note first
    assert stage.look(destination).delivered == 1
    assert len(crm.objects["notes"]) == 1
    assert crm.objects["contacts"][contact]["recoup_stage"] == "waiting"


@pytest.mark.parametrize("passed", [0, 1, 2])
def test_a_page_in_place_of_salesforces_answer_loses_nothing(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce, passed: int
) -> None:
    """The same of the record, the task and the fields."""
    contact = sales.add("Contact", Stripe_Customer_Id__c="cus_1")
    destination = salesforce(httpserver)
    stage.begin(destination)
    stage.case()
    for status in (200, 404):
        sales.faults = [_none] * passed + [_page(status)]
        assert stage.look(destination).put_off == 1
        stage.clock.move(hours=1)
        passed += passed == 1  # a repetition looks for its task first
    assert stage.look(destination).delivered == 1
    assert len(sales.records["Task"]) == 1
    assert sales.records["Contact"][contact]["Recoup_Stage__c"] == "waiting"


def test_salesforce_has_the_history_and_the_state_of_the_customer(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce
) -> None:
    """The contact with the external id gets completed tasks, an open one for a person, and the state in its fields."""
    contact = sales.add("Contact", Stripe_Customer_Id__c="cus_1")
    destination = salesforce(httpserver)
    stage.begin(destination)
    stage.case()
    stage.ledger.events.append(
        "person_needed", stage.clock.now(), case_id="in_1", customer="cus_1", data={"because": "of a doubt"}
    )
    assert stage.look(destination).delivered == 2
    assert sales.tokens == 1
    done, to_do = sales.records["Task"].values()
    assert (done["Status"], done["WhoId"]) == ("Completed", contact)
    assert (to_do["Status"], to_do["Priority"]) == ("Not Started", "High")
    kept = sales.records["Contact"][contact]
    assert (kept["Recoup_Stage__c"], kept["Recoup_Amount_Due__c"]) == ("waiting", 49.0)


def test_salesforce_finds_a_contact_by_an_address_with_a_quote_in_it(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce
) -> None:
    """The address is escaped in the query, and the id is written to the contact."""
    contact = sales.add("Contact", Email="o'hara@example.com")
    stage.email = "o'hara@example.com"
    destination = salesforce(httpserver)
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).delivered == 1
    assert sales.records["Contact"][contact]["Stripe_Customer_Id__c"] == "cus_1"


def test_a_task_whose_answer_was_lost_is_written_once(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce
) -> None:
    """Salesforce has the task and answered with a failure: it is looked up before it is written again."""
    sales.add("Account", Stripe_Customer_Id__c="cus_1")
    sales.lose = True
    destination = salesforce(httpserver, record="Account")
    stage.begin(destination)
    stage.case()
    assert stage.look(destination).put_off == 1
    stage.clock.move(minutes=1)
    assert stage.look(destination).delivered == 1
    (task,) = sales.records["Task"].values()
    assert task["WhatId"] in sales.records["Account"]


def test_a_salesforce_session_that_expired_is_renewed(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce
) -> None:
    """401 asks for a new token, and the delivery goes on."""
    sales.add("Contact", Stripe_Customer_Id__c="cus_1")
    destination = salesforce(httpserver)
    stage.begin(destination)
    stage.case()
    courier = stage.courier(destination)
    sales.faults = [lambda _: None, lambda _: Response("[]", 401, content_type="application/json")]
    assert courier.run().delivered == 1
    assert sales.tokens == 2
    assert len(sales.records["Task"]) == 1


@pytest.mark.parametrize("trouble", ["credentials", "limit"])
def test_what_is_no_matter_of_one_event_holds_salesforce(
    stage: Stage, httpserver: HTTPServer, sales: FakeSalesforce, trouble: str
) -> None:
    """Wrong credentials and a used-up limit park nothing: the destination waits."""
    sales.add("Contact", Stripe_Customer_Id__c="cus_1")
    destination = salesforce(httpserver)
    stage.begin(destination)
    stage.case()
    stage.case("in_2")
    if trouble == "credentials":
        sales.secret = "another"
    else:
        limit = '[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]'
        sales.faults = [lambda _: Response(limit, 403, content_type="application/json")]
    assert stage.look(destination).put_off == 1
    row = stage.ledger.deliveries.get("sales")
    assert row is not None
    assert row.held_until is not None
    assert {late.state for late in stage.late("sales")} == {DeliveryState.WAITING}
    sales.secret = "secret"
    stage.clock.move(minutes=1)
    assert stage.look(destination).delivered == 2


def test_slack_is_told_only_what_somebody_should_see(stage: Stage, httpserver: HTTPServer) -> None:
    """Persons needed, losses and large recoveries are posted as one line each, and markup in a reason calls nobody."""
    inbox = Inbox()
    httpserver.expect_request("/services/T/B/x", method="POST").respond_with_handler(inbox)
    destination = slack(httpserver, recovered_least=5000)
    stage.begin(destination)
    for number, (amount, outcome) in enumerate(
        [(4900, Outcome.RECOVERED_BY_RETRY), (5000, Outcome.RECOVERED_BY_RETRY), (1, Outcome.LOST_CANCELLED)]
    ):
        stage.case(f"in_{number}", amount=amount)
        stage.ledger.cases.close(f"in_{number}", outcome, "so it was", stage.clock.now())
    stage.ledger.events.append(
        "person_needed",
        stage.clock.now(),
        case_id="in_0",
        customer="cus_1",
        data={"because": "<!channel> & co"},
    )
    assert stage.look(destination).delivered == 3
    texts = [request.get_json()["text"] for request in inbox.got]
    assert "50.00 PLN" in texts[0]
    assert "lost cancelled" in texts[1]
    assert "&lt;!channel&gt; &amp; co" in texts[2]
    assert texts[2].endswith("`in_0` · `cus_1`")


def test_a_standing_without_a_next_step_leaves_the_property_alone(
    stage: Stage, httpserver: HTTPServer, crm: FakeHubSpot
) -> None:
    """Where the case cannot be asked, what the CRM has of the next step stays."""
    contact = crm.add("contacts", stripe_customer_id="cus_1", recoup_next_action="as before")
    stage.standing = Standing("waiting", "49.00", "pln", "", None)
    destination = hubspot(httpserver)
    stage.begin(destination)
    stage.case()
    stage.look(destination)
    assert crm.objects["contacts"][contact]["recoup_next_action"] == "as before"
