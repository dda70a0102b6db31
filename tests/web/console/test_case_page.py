"""The page of a case, and every act from it: its form, its effect before it is done, the word, and the log of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from activities.people_contracts import LongerGrace
from recoup.ledger import AttemptResult, Ledger, NewMessage, ObservedCharge, Result
from recoup.messages import Mailbox, OutboxSender, build_mime, compose, message_id, sample_facts
from recoup.rules.case import AttemptState, Outcome, Template
from recoup.rules.declines import Decline
from recoup.rules.people import Approval, Question
from recoup.rules.policy import Campaign
from recoup.settings import Settings
from recoup.web.console.timeline import TOLD
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import FakeCases, FakeCustomers, request_in, token_in, words_of
from tests.web.doubles import NOW, StandingClock


def send(client: TestClient, act: str, step: str = "do", case: str = "in_1", **fields: str) -> Any:
    """Send the form of an act, as its page has it."""
    form = client.get(f"/cases/{case}/do/{act}")
    data = {"token": token_in(form), "request": request_in(form), "reason": "the test", "step": step}
    return client.post(f"/cases/{case}/do/{act}", data=data | fields)


def test_a_case_on_one_page(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Who, how much, what comes next and why, what happened, what is owed, with which card, and what can be done."""
    book.case(number="AC-1", priority=70)
    book.attempt(state=AttemptState.DECLINED)
    ledger.people.assign("in_1", "kim", NOW, actor="ada", because="her customer", unique="x")
    page = operator.get("/cases/in_1")
    said = words_of(page)
    for wanted in (
        "Anna", "anna@acme.example", "1,234.50", "Next: tell the customer (payment failed) , now",
        "because the campaign tells the customer on day 0", "0 of 21", "kim", "Attempt 1", "refused",
        "Assigned to kim", "her customer", "•••• 4242", "03/2027", "Team plan", "Retry now", "Not now",
        "neither paused nor waiting",
    ):  # fmt: skip
        assert wanted in said, wanted
    assert said.index("Suspend the access") < said.index("Attempt 1") < said.index("Case opened")


def test_a_charge_of_ours_is_told_once(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """A webhook told of our own attempt's charge before its answer was known: nobody reads of another one, as of somebody else's."""
    book.case()
    attempt = book.attempt()
    for charge in ("ch_ours", "ch_other"):
        seen = ObservedCharge(charge=charge, customer="cus_1", amount=123450, currency="pln", failed=True)
        ledger.attempts.observe(seen, NOW)
    ledger.attempts.settle(attempt, AttemptResult(state=AttemptState.DECLINED, charge="ch_ours"), NOW)
    said = words_of(operator.get("/cases/in_1"))
    assert said.count("not made by Recoup") == 1
    assert said.count("Attempt 1") == 1


def test_a_case_that_has_ended(operator: TestClient, book: Book) -> None:
    """Its outcome and why; nothing is offered."""
    book.case()
    book.end("in_1", Outcome.RECOVERED_BY_RETRY)
    said = words_of(operator.get("/cases/in_1"))
    assert "Recovered by a retry" in said
    assert "because the test says so" in said
    assert "What you can do" not in said


def test_a_return_has_an_address(operator: TestClient, book: Book) -> None:
    """The slash in its id is no part of a path."""
    book.case("in_1")
    book.end("in_1", Outcome.LOST_SUSPENDED)
    book.case("in_1/r2")
    assert "/cases/in_1~r2" in operator.get("/cases?tab=all").text
    page = operator.get("/cases/in_1~r2")
    assert page.status_code == 200
    assert "lost: access suspended" in words_of(page), "the earlier case stands beside it"


def test_everything_may_be_away(
    operator: TestClient, book: Book, cases: FakeCases, customers: FakeCustomers
) -> None:
    """Without Stripe and without Temporal the ledger's record is shown, with what is missing and why."""
    book.case()
    cases.away = customers.away = True
    said = words_of(operator.get("/cases/in_1"))
    assert "What comes next is not known" in said
    assert "Temporal cannot be reached" in said
    assert "Stripe could not read the customer" in said
    assert "Case opened" in said
    assert "nothing can be asked of it" in said


def test_a_customer_called_script(operator: TestClient, book: Book, customers: FakeCustomers) -> None:
    """A name is text wherever it stands."""
    book.case()
    customers.name = "<script>alert(1)</script>"
    page = operator.get("/cases/in_1").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_stripe_tells_is_not_kept(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Name, address and last digits are shown and kept nowhere."""
    book.case()
    operator.get("/cases/in_1")
    kept = str(ledger.events.since(0)) + str(ledger.console.logged())
    assert "Anna" not in kept
    assert "4242" not in kept


def test_a_viewer_sees_and_is_offered_nothing(as_: LogIn, book: Book) -> None:
    """The whole page, without acts."""
    book.case()
    page = as_("viewer").get("/cases/in_1")
    assert "Anna" in page.text
    assert "/do/" not in page.text


def test_the_timeline_shows_one_theme(operator: TestClient, book: Book) -> None:
    """Payments alone, where they are asked for."""
    book.case()
    book.attempt(state=AttemptState.DECLINED)
    said = words_of(operator.get("/cases/in_1?only=money"))
    assert "Attempt 1" in said
    assert "Case opened" not in said


def test_a_retry_shows_the_guards_answer_first(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """What would be charged, whether the networks allow it and why; nothing is said to the case by looking."""
    book.case()
    said = words_of(operator.get("/cases/in_1/do/retry-now"))
    assert "After this it will next try to collect , now because an operator asked for an attempt now" in said
    assert "1,234.50" in said
    assert "allow it" in said
    assert "no limit of the networks is reached" in said
    assert cases.told == {}


def test_a_retry_that_the_networks_forbid(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """The answer names the limit and the next moment, counted from what this card has seen."""
    book.case()
    for n in range(15):
        ledger.attempts.observe(_charge(f"ch_{n}", NOW - timedelta(days=2)), NOW)
    said = words_of(operator.get("/cases/in_1/do/retry-now"))
    assert "do not allow it now" in said
    assert "15 attempts on this card" in said


def _charge(charge: str, at: Any) -> Any:
    from recoup.ledger import ObservedCharge

    return ObservedCharge(
        charge=charge, invoice="in_9", customer="cus_1", fingerprint="fp_1", brand="visa", amount=100,
        currency="pln", failed=True, decline=Decline(code="do_not_honor"), made_at=at,
    )  # fmt: skip


def test_a_retry_that_the_case_would_refuse(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """A hard decline is said to be one, there is no button, and sending the form all the same is refused and written down."""
    book.case()
    cases.changes = {"decline": Decline(code="stolen_card")}
    page = operator.get("/cases/in_1/do/retry-now")
    assert "The case would refuse:" in words_of(page)
    assert 'value="do"' not in page.text
    answer = send(operator, "retry-now")
    assert answer.status_code == 409
    assert "not allowed" in answer.text
    assert book.ledger.console.logged(limit=1)[0].result is Result.REFUSED


ACTS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("retry-now", {}, {}),
    ("pause-until", {"until": "2026-12-01T09:00"}, {}),
    ("promise-to-pay", {"until": "2026-11-24T09:00"}, {}),
    ("extend-grace", {"days": "3"}, {}),
    ("assign", {"to": "viewer"}, {}),
    ("hand-over", {"to": "operator"}, {}),
    ("note", {}, {}),
    ("mark-paid-outside", {}, {}),
    ("stop", {"ending": "cancel"}, {}),
    ("exclude", {}, {}),
    ("send-message", {"template": "reminder"}, {}),
    ("resume", {}, {"paused_until": NOW + timedelta(days=9)}),
    ("approve", {}, {"question": Question(asked_at=NOW)}),
    ("refuse-suspension", {"days": "2.5"}, {"question": Question(asked_at=NOW)}),
]


@pytest.mark.parametrize(("act", "fields", "changes"), ACTS, ids=[act for act, _, _ in ACTS])
def test_every_act(
    operator: TestClient,
    book: Book,
    cases: FakeCases,
    ledger: Ledger,
    act: str,
    fields: dict[str, str],
    changes: dict[str, Any],
) -> None:
    """First its effect, then the word to the case with reason and account, then the log; sent twice it is said once."""
    campaign = Campaign(approval=Approval(decide_after_days=3)) if "question" in changes else Campaign()
    book.case(policy=campaign.model_dump(mode="json"))
    cases.changes = changes
    shown = send(operator, act, "show", **fields)
    assert "After this it will next" in words_of(shown)
    assert 'value="do"' in shown.text
    assert cases.told == {}
    data = {"token": token_in(shown), "request": request_in(shown), "reason": "the test", "step": "do"}
    answers = [operator.post(f"/cases/in_1/do/{act}", data=data | fields) for _ in range(2)]
    addresses = {answer.headers["location"] for answer in answers}
    assert addresses == {f"/cases/in_1?said={act.replace('-', '_')}"}
    ((case, word, payload),) = cases.told.values()
    assert (case, word) == ("in_1", act.replace("-", "_"))
    assert (payload.reason, payload.operator, payload.at) == ("the test", "operator", NOW)
    row = ledger.console.logged(limit=1)[0]
    assert (row.actor, row.action, row.case_id, row.reason) == (
        "operator",
        f"case.{word}",
        "in_1",
        "the test",
    )
    assert row.result is Result.DONE
    assert dict(row.data) == fields
    assert "done. What follows stands below" in words_of(operator.get(addresses.pop()))


def test_moments_are_read_in_the_zone_of_the_page(
    app: Any, operator: TestClient, book: Book, cases: FakeCases
) -> None:
    """What a browser types without a zone is meant in the company's."""
    book.case()
    send(operator, "pause-until", until="2026-12-01T09:00")
    ((_, _, payload),) = cases.told.values()
    assert payload.until.isoformat() == "2026-12-01T09:00:00+00:00"


@pytest.mark.parametrize(
    ("act", "fields"),
    [("note", {"reason": "  "}), ("pause-until", {"until": "soon"}), ("pause-until", {}), ("extend-grace", {"days": "0"}),
     ("extend-grace", {"days": "1000"}), ("extend-grace", {"days": "nan"}), ("assign", {"to": "two words"}), ("stop", {"ending": "burn"}), ("send-message", {"template": "sermon"}),
     ("change-policy", {"running": "keep"})],
)  # fmt: skip
def test_a_form_that_makes_no_sense(
    operator: TestClient, book: Book, cases: FakeCases, act: str, fields: dict[str, str]
) -> None:
    """It comes back with what is missing, and nothing is said to the case."""
    book.case()
    answer = send(operator, act, **fields)
    assert answer.status_code == 400
    assert "Something is missing, or cannot be read:" in words_of(answer)
    assert cases.told == {}


def test_an_act_without_an_answer_can_be_sent_again(
    operator: TestClient, book: Book, cases: FakeCases
) -> None:
    """Where Temporal does not answer the page says so, keeps what was typed, and the same form again is the same word."""
    book.case()
    form = operator.get("/cases/in_1/do/note")
    data = {"token": token_in(form), "request": "the-one", "reason": "remember this", "step": "do"}
    cases.away = True
    answer = operator.post("/cases/in_1/do/note", data=data)
    assert answer.status_code == 503
    assert "Temporal cannot be reached" in answer.text
    assert "remember this" in answer.text
    assert 'value="console-the-one"' in answer.text
    assert book.ledger.console.logged(limit=1)[0].result is Result.FAILED
    cases.away = False
    again = data | {"request": "console-the-one"}
    assert operator.post("/cases/in_1/do/note", data=again).status_code == 303
    assert list(cases.told) == ["console-the-one"]


def test_days_arrive_as_the_update_takes_them(operator: TestClient, book: Book, cases: FakeCases) -> None:
    """The word is made by the same function that the command line uses."""
    book.case()
    send(operator, "extend-grace", days="3,5")
    ((_, _, payload),) = cases.told.values()
    assert isinstance(payload, LongerGrace)
    assert payload.days == 3.5


@pytest.mark.parametrize("path", ["/cases/in_404", "/cases/in_404/do/note", "/cases/in_1/do/sing", "/cases/in_404/link",
                                  "/cases/in_1/mail/nothing", "/nowhere"])  # fmt: skip
def test_what_does_not_exist(operator: TestClient, book: Book, path: str) -> None:
    """A page that says so."""
    book.case()
    answer = operator.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_the_link_is_made_shown_and_revoked(
    operator: TestClient, book: Book, ledger: Ledger, clock: StandingClock
) -> None:
    """A reason is asked for; the link works, is the customer's one live link, and ends with all others; the log has no link."""
    book.case()
    form = operator.get("/cases/in_1/link")
    token = token_in(form)
    assert operator.post("/cases/in_1/link", data={"token": token}).status_code == 400
    made = operator.post("/cases/in_1/link", data={"token": token, "reason": "asked on the phone"})
    address = re.search(r'value="(https://pay\.acme\.example/u/[^"]+)"', made.text)
    assert address is not None
    again = operator.post("/cases/in_1/link", data={"token": token, "reason": "asked again"})
    assert address[1] in again.text, "one link for each customer"
    link = ledger.links.issue("cus_1", "update", NOW + timedelta(days=1), NOW)
    assert link.refusal(NOW) is None
    answer = operator.post("/cases/in_1/link/revoke", data={"token": token, "reason": "forwarded"})
    assert answer.status_code == 303
    again_read = ledger.links.get(link.id)
    assert again_read is not None
    assert again_read.refusal(clock.now()) == "revoked"
    log = ledger.console.logged()
    assert [row.action for row in log] == ["link.revoke", "link.copy", "link.copy"]
    assert address[1].rsplit("/", 1)[1] not in str(log)


def test_a_message_as_it_was_sent(
    operator: TestClient, book: Book, ledger: Ledger, settings: Settings
) -> None:
    """From the timeline to the text of the mail, where an outbox keeps it; of a message of nobody's there is nothing."""
    book.case()
    sender, facts = OutboxSender(settings.mail.outbox), sample_facts(Template.REMINDER, "en")
    key = "in_1/reminder"
    mime = build_mime(
        compose(facts), sender=Mailbox(name="Acme", address="billing@acme.example"), recipient="anna@acme.example",
        message_id=message_id(key, "acme.example"), date=NOW,
    )  # fmt: skip
    receipt = sender.send(
        mime, sender="billing@acme.example", recipient="anna@acme.example", key=key, tags={}
    )
    new = NewMessage(
        key=key, case_id="in_1", customer="cus_1", template=Template.REMINDER, channel="email", locale="en"
    )
    ledger.messages.reserve(new, NOW)
    ledger.messages.begin_sending(key, NOW)
    ledger.messages.mark_sent(key, receipt.provider_id, NOW)
    page = operator.get("/cases/in_1")
    assert "Mail “reminder”: sent" in words_of(page)
    assert f"/cases/in_1/mail/{receipt.provider_id}" in page.text
    assert compose(facts).subject in operator.get(f"/cases/in_1/mail/{receipt.provider_id}").text


def test_the_page_in_polish(operator: TestClient, book: Book) -> None:
    """The page speaks the reader's language; what the record says is marked as the English that it is."""
    book.case()
    page = operator.get("/cases/in_1", headers={"Accept-Language": "pl-PL,pl"})
    assert '<html lang="pl' in page.text
    said = words_of(page)
    assert "Oś czasu" in said
    assert "1234,50 zł" in said.replace("\u00a0", " ").replace("1 234", "1234")
    assert '<span lang="en">the campaign tells the customer' in page.text


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_whatever_happened_has_a_title(operator: TestClient, book: Book, ledger: Ledger, kind: str) -> None:
    """Every kind of event that the timeline tells has words of its own, whatever else its record holds."""
    book.case()
    known: dict[str, Any] = {
        "operator_word": {"word": "note"},
        "case_closed": {"outcome": "lost_cancelled"},
        "charge_observed": {"failed": True, "amount": 100, "currency": "pln"},
        "wish_fulfilled": {"kind": "cancel"},
        "wish_refused": {"kind": "pause"},
        "customer_promised": {"until": NOW.isoformat()},
        "campaign_chosen": {"campaign": "everybody"},
    }
    data = {"because": "the test says so"} | known.get(kind, {})
    ledger.events.append(kind, NOW, case_id="in_1", invoice="in_1", customer="cus_1", actor="kim", data=data)
    page = operator.get("/cases/in_1")
    assert page.status_code == 200
    assert "because the test says so" in words_of(page)
    assert kind not in words_of(page)
