"""Deliveries: down and caught up, refused, throttled, dead, in order, once, replayed; over real sockets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from werkzeug import Request, Response

from activities import _courier
from activities._courier import pause
from recoup.errors import ConfigurationError
from recoup.integrations.replaying import Wanted, replayed
from recoup.integrations.status import lines_of, status_of
from recoup.ledger import DeliveryState, Ledger
from recoup.ledger._store import Transaction
from recoup.rules.case import Outcome
from tests.fixtures.network import find_free_port
from tests.integrations.stage import SECRET, Inbox, Stage, webhook
from tests.ledger.builders import NOW


@pytest.fixture
def inbox(httpserver: HTTPServer) -> Inbox:
    """A receiver that takes everything until it is told otherwise."""
    inbox = Inbox()
    httpserver.expect_request("/hooks", method="POST").respond_with_handler(inbox)
    return inbox


def test_what_happens_is_told_once_and_in_order(stage: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """Public events arrive in their order with rising ids; a second look tells nothing again."""
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.message()
    stage.attempt()
    stage.ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "nothing was paid", stage.clock.now())
    assert stage.look(company).delivered == 4
    assert stage.look(company).delivered == 0
    assert inbox.types() == ["case.opened", "case.message_sent", "case.attempt_made", "case.lost"]
    numbers = [int(id_.removeprefix("recoup_evt_")) for id_ in inbox.ids()]
    assert numbers == sorted(set(numbers))
    assert stage.late("company") == []


def test_the_signature_is_one_that_the_library_accepts(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """The standardwebhooks library verifies what was sent with the secret, and not with another one."""
    from recoup.clock import SystemClock

    stage.clock = SystemClock()  # type: ignore[assignment]  # the library wants the present
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.look(company)
    (request,) = inbox.got
    body, headers = request.get_data(as_text=True), dict(request.headers)
    told = Webhook(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})
    assert told["type"] == "case.opened"
    assert told["data"]["case"]["invoice"] == "in_1"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(body, {name.lower(): value for name, value in headers.items()})


def test_a_receiver_that_is_down_is_caught_up(stage: Stage, free_port: int) -> None:
    """While nobody listens everything waits and is tried ever more rarely; afterwards all arrives in order, each once."""
    company = webhook(HTTPServer("127.0.0.1", free_port))
    stage.begin(company)
    for number in range(3):
        stage.case(f"in_{number}", customer=f"cus_{number}")
    holds = []
    for _ in range(4):
        assert stage.look(company).delivered == 0
        row = stage.ledger.deliveries.get("company")
        assert row is not None
        assert row.held_until is not None
        holds.append(row.held_until - stage.clock.now())
        assert stage.look(company).put_off == 0, "it is not tried before its time"
        stage.clock.move(seconds=holds[-1].total_seconds() + 1)
    assert holds[-1] > holds[0]
    assert max(holds) <= timedelta(hours=1)
    with HTTPServer("127.0.0.1", free_port) as server:
        inbox = Inbox()
        server.expect_request("/hooks").respond_with_handler(inbox)
        assert stage.look(company).delivered == 3
        assert inbox.types() == ["case.opened"] * 3
        assert inbox.ids() == sorted(set(inbox.ids()))
    row = stage.ledger.deliveries.get("company")
    assert row is not None
    assert (row.failures, row.because, row.held_until) == (0, None, None)


def test_one_that_is_down_holds_up_no_other(stage: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """Each destination has its own bookmark: the one that answers has everything, whatever another one does."""
    down = webhook(HTTPServer("127.0.0.1", find_free_port()), "down")
    company = webhook(httpserver)
    stage.begin(down, company)
    stage.case()
    assert stage.look(down).put_off == 1
    assert stage.look(company).delivered == 1
    assert inbox.types() == ["case.opened"]


def test_too_many_requests_wait_as_long_as_they_are_asked_to(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """429 with Retry-After: nothing more is sent to the destination before that many seconds have passed."""
    inbox.answers = [Response(status=429, headers={"retry-after": "120"})]
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.case("in_2", customer="cus_2")
    stage.look(company)
    stage.clock.move(seconds=119)
    stage.look(company)
    assert len(inbox.got) == 1
    stage.clock.move(seconds=3)
    assert stage.look(company).delivered == 2
    assert inbox.ids()[0] == inbox.ids()[1], "the same delivery under the same id"


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "9" * 17},
        {"retry-after": "²"},
        {"retry-after": "Sat, 28 Nov 2026 12:00:00 -0000", "date": "Sat, 28 Nov 2026 11:00:00 GMT"},
        {"retry-after": "Sat, 28 Nov 2026 12:00:00 GMT", "date": "today"},
    ],
)
def test_a_moment_that_cannot_be_read_holds_a_destination_for_a_day_at_most(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox, headers: dict[str, str]
) -> None:
    """Whatever stands in Retry-After: the delivery is put off as too many requests are, and goes out on the next day."""
    inbox.answers = [Response(status=429, headers=headers)]
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    assert stage.look(company).put_off == 1
    (late,) = stage.late("company")
    assert late.because == "The webhook company answered 429 when asked to take recoup_evt_1"
    stage.clock.move(days=1, seconds=1)
    assert stage.look(company).delivered == 1


def test_a_refused_delivery_is_parked_with_what_was_said(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """400 is not tried again by itself; the sentence stands in the status, without the address in it, and the rest goes on."""
    inbox.answers = [Response('{"message": "no such field of ann@example.com"}', 400)]
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.message()
    done = stage.look(company)
    assert (done.refused, done.delivered) == (1, 1)
    stage.clock.move(days=30)
    stage.look(company)
    assert len(inbox.got) == 2
    (parked,) = stage.late("company")
    assert (parked.state, parked.status) == (DeliveryState.REFUSED, 400)
    assert parked.because is not None
    assert "no such field of …" in parked.because
    lines = lines_of(status_of(stage.ledger, "company", "webhook"), stage.clock.now())
    assert lines[0].startswith("company (webhook): 1 delivered, 0 waiting, 1 parked")
    assert "no such field" in lines[1]


def test_what_concerns_one_customer_stays_in_order(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """While one event of a customer is late the later ones wait behind it; other customers' events go on."""
    company = webhook(httpserver)
    inbox.answers = [Response(status=500)]
    stage.begin(company)
    stage.case()
    stage.case("in_2", customer="cus_2")
    stage.message()
    first = stage.look(company)
    assert (first.put_off, first.delivered) == (1, 1)
    stage.clock.move(minutes=1)
    assert stage.look(company).delivered == 2
    assert inbox.types() == ["case.opened", "case.opened", "case.opened", "case.message_sent"]
    one, two, again, message = inbox.ids()
    assert one == again
    assert len({one, two, message}) == 3


def test_after_days_in_vain_a_delivery_is_dead_and_the_rest_goes_on(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """One that has failed for longer than is set is parked as dead; what waited behind it is delivered."""
    stage.give_up_days = 1
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.message()
    inbox.answers = [Response(status=500), Response(status=500)]
    stage.look(company)
    stage.clock.move(days=2)
    done = stage.look(company)
    assert (done.refused, done.delivered) == (1, 1)
    states = {row.event: row.state for row in stage.late("company")}
    assert sorted(states.values()) == [DeliveryState.DEAD, DeliveryState.DELIVERED]


def test_a_key_that_does_not_work_parks_nothing(stage: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """401 is a matter of the settings: the destination is held, and when it is mended everything arrives."""
    company = webhook(httpserver)
    inbox.answers = [Response(status=401), Response(status=404)]
    stage.begin(company)
    stage.case()
    stage.case("in_2", customer="cus_2")
    for _ in range(2):
        stage.look(company)
        stage.clock.move(minutes=5)
    assert stage.look(company).delivered == 2
    assert {row.state for row in stage.late("company")} == {DeliveryState.DELIVERED}


def test_an_answer_that_is_lost_repeats_the_same_id(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """The receiver took it and the answer never came: it gets the very same id and body once more."""

    def slow(request: Request) -> Response:
        threading.Event().wait(2.5)
        return Response(status=204)

    inbox.answers = [slow]
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    assert stage.look(company).put_off == 1
    stage.clock.move(minutes=1)
    assert stage.look(company).delivered == 1
    first, second = inbox.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.get_data() == second.get_data()


def test_two_workers_at_once_deliver_everything_once(
    both: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """Only one of them has the destination at a time: nothing is sent twice, nothing is left out."""
    company = webhook(httpserver)
    both.begin(company)
    for number in range(8):
        both.case(f"in_{number}", customer=f"cus_{number}")
    couriers = [both.courier(company) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda courier: courier.run(), couriers))
    assert sum(each.delivered for each in done) == 8
    assert sorted(inbox.ids()) == sorted(set(inbox.ids()))


def test_a_worker_that_died_is_followed_by_another(both: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """A claim ends by itself: the next worker delivers what the dead one may or may not have delivered."""
    company = webhook(httpserver)
    both.begin(company)
    both.case()
    claimed = both.ledger.deliveries.claim("company", "dead", both.clock.now(), _courier.CLAIM)
    assert claimed is not None
    assert both.look(company).delivered == 0
    both.clock.move(minutes=4)
    assert both.look(company).delivered == 1


def test_one_whose_claim_is_lost_changes_nothing_any_more(both: Stage, httpserver: HTTPServer) -> None:
    """A worker that wakes up late cannot move the bookmark of the one that came after it."""
    from recoup.ledger.deliveries import ClaimLost

    both.begin(webhook(httpserver))
    book, now = both.ledger.deliveries, both.clock.now()
    book.claim("company", "late", now, timedelta(seconds=1))
    assert book.claim("company", "next", now + timedelta(seconds=2), timedelta(minutes=1)) is not None
    for write in (
        lambda: book.release("company", "late", 99),
        lambda: book.begin("company", "late", 99, now, timedelta(minutes=1)),
        lambda: book.succeeded("company", "late", 99, now),
    ):
        with pytest.raises(ClaimLost):
            write()
    row = book.get("company")
    assert row is not None
    assert (row.taken, row.claimed_by) == (0, "next")


def test_an_event_that_becomes_visible_late_is_not_skipped(
    both: Stage, ledger_url: str, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """An event with a lower number that is committed after a higher one is delivered all the same, and before it."""
    company = webhook(httpserver)
    both.begin(company)
    both.case()
    other = Ledger.connect(ledger_url)

    def write_slowly(tx: Transaction) -> None:
        tx.event("person_needed", NOW, case_id="in_1", customer="cus_1", data={"because": "first"})
        tx.flush()
        if tx.is_postgresql:  # the other database has one writer at a time
            other.events.append(
                "person_needed", NOW, case_id="in_1", customer="cus_1", data={"because": "second"}
            )
        looking.append(threads.submit(both.look, company))
        threading.Event().wait(0.5)

    looking: list[object] = []
    with ThreadPoolExecutor(1) as threads:
        both.ledger._store.write(write_slowly)
    both.look(company)
    told = [request.get_json() for request in inbox.got]
    reasons = [each["data"]["because"] for each in told if each["type"] == "case.person_needed"]
    assert reasons == (["first", "second"] if "postgresql" in ledger_url else ["first"])
    other.close()


def test_replay_by_event_by_moment_and_of_what_was_parked(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """Each way sends the chosen events again under their ids; what is internal or unknown is refused with a sentence."""
    company = webhook(httpserver)
    stage.begin(company)
    stage.case()
    stage.clock.move(hours=1)
    stage.message()
    inbox.answers = [Response(status=204), Response(status=422)]
    stage.look(company)
    opened = stage.ledger.events.since(0)[0].id
    assert replayed(stage.ledger, "company", Wanted(parked=True), stage.clock.now()) == 1
    assert stage.look(company).delivered == 1
    assert replayed(stage.ledger, "company", Wanted(events=(opened,)), stage.clock.now()) == 1
    assert stage.look(company).delivered == 1
    since = NOW + timedelta(minutes=30)
    assert replayed(stage.ledger, "company", Wanted(since=since), stage.clock.now()) == 1
    assert stage.look(company).delivered == 1
    assert inbox.types() == [
        "case.opened",
        "case.message_sent",
        "case.message_sent",
        "case.opened",
        "case.message_sent",
    ]
    assert len(set(inbox.ids())) == 2
    with pytest.raises(ConfigurationError, match="no event 999"):
        replayed(stage.ledger, "company", Wanted(events=(999,)), stage.clock.now())
    internal = next(event.id for event in stage.ledger.events.since(0) if event.kind == "message_reserved")
    with pytest.raises(ConfigurationError, match="internal"):
        replayed(stage.ledger, "company", Wanted(events=(internal,)), stage.clock.now())


def test_a_new_destination_begins_with_what_happens_from_now_on(
    stage: Stage, httpserver: HTTPServer, inbox: Inbox
) -> None:
    """The past is sent only when it is asked for."""
    company = webhook(httpserver)
    stage.case()
    stage.look(company)
    stage.message()
    stage.look(company)
    assert inbox.types() == ["case.message_sent"]
    replayed(stage.ledger, "company", Wanted(since=NOW - timedelta(days=1)), stage.clock.now())
    stage.look(company)
    assert inbox.types() == ["case.message_sent", "case.opened", "case.message_sent"]


def test_only_the_events_that_were_chosen_go(stage: Stage, httpserver: HTTPServer, inbox: Inbox) -> None:
    """``events`` limits what a destination gets, also when the past is sent again."""
    company = webhook(httpserver, events=("case.attempt_made",))
    stage.begin(company)
    stage.case()
    stage.attempt()
    stage.look(company)
    replayed(stage.ledger, "company", Wanted(since=NOW), stage.clock.now())
    stage.look(company)
    assert inbox.types() == ["case.attempt_made"] * 2
    assert not stage.ledger.deliveries.waits("company", "cus_1")


def test_pauses_grow_and_differ() -> None:
    """They double up to an hour, are cut by chance so that workers do not come together, and follow what is asked for."""
    assert timedelta(seconds=15) <= pause(1, None) <= timedelta(seconds=30)
    assert timedelta(minutes=30) <= pause(60, None) <= timedelta(hours=1)
    assert len({pause(5, None) for _ in range(20)}) > 1
    assert timedelta(seconds=90) <= pause(1, 90) < timedelta(seconds=92)
    assert pause(1, 10**9) == timedelta(hours=24)
