"""What is seen before an act is done, of what only the outside knows: a message word for word, another policy, an exclusion."""

from __future__ import annotations

from datetime import timedelta

from fastapi.testclient import TestClient

from activities._routes import NO_WAY
from activities.people_contracts import Running
from activities.previewing import Written
from recoup.billing import stripe_client
from recoup.ledger import Ledger, NewMessage
from recoup.messages import compose, sample_facts
from recoup.rules.case import MessageState, Template
from recoup.rules.channels import Channel
from recoup.rules.conversation import Answer, Said, Told
from recoup.settings import Settings
from recoup.web.console.outlook import StripeOutlook
from recoup.web.notice.words import Words
from tests.web.conftest import Book
from tests.web.console.conftest import LogIn
from tests.web.console.desk import FakeCases, FakeOutlook, token_in, words_of
from tests.web.console.test_case_page import send
from tests.web.doubles import NOW, StandingClock


def test_a_message_is_seen_before_it_is_sent(
    operator: TestClient, book: Book, cases: FakeCases, outlook: FakeOutlook
) -> None:
    """To whom, in the customer's language, word for word, and whether it would go out; what was said today cannot be sent."""
    book.case()
    shown = send(operator, "send-message", "show", template="reminder")
    letter = compose(sample_facts(Template.REMINDER, "pl"))
    said = words_of(shown)
    assert " ".join(letter.subject.split()) in said
    assert " ".join(letter.text.split()) in said
    assert "To anna@acme.example · pl" in said
    assert "It goes out as soon as you say so." in said
    outlook.answer = Answer(because="it is night there", not_before=NOW + timedelta(hours=8))
    waits = send(operator, "send-message", "show", template="reminder")
    assert "It waits until" in words_of(waits)
    assert 'value="do"' in waits.text
    before = Told(message="in_1/reminder", template=Template.REMINDER, channel="email", state=MessageState.SENT, at=NOW, said=Said.OPEN)  # fmt: skip
    outlook.answer = Answer(because="the message in_1/reminder has said it already", covered_by=before)
    covered = send(operator, "send-message", "show", template="reminder")
    assert "It would not go out: the message in_1/reminder has said it already" in words_of(covered)
    assert 'value="do"' not in covered.text
    outlook.away = True
    assert "Stripe could not tell" in words_of(send(operator, "send-message", "show", template="reminder"))
    assert cases.told == {}


def test_a_text_message_and_the_notice_are_seen(
    operator: TestClient, book: Book, cases: FakeCases, outlook: FakeOutlook
) -> None:
    """Where mail cannot take it the text message is shown, and why; beside it what the company's product shows its customer."""
    book.case()
    outlook.shown = Words("Payment <failed>", "1 234,50 zł is unpaid.", "Pay")
    outlook.written = Written(Channel.SMS, "+48123456789", "Acme: prosimy o wplate https://pay.example/u/…")
    outlook.passed_over = ("mail to the customer is stopped: an operator stopped it (2026-11-24)",)
    said = words_of(shown := send(operator, "send-message", "show", template="reminder"))
    assert "mail to the customer is stopped: an operator stopped it (2026-11-24) Text message" in said
    assert "+48123456789 · pl" in said
    assert "Acme: prosimy o wplate https://pay.example/u/…" in said
    assert "In your product" in said
    assert "Payment &lt;failed&gt;" in shown.text
    assert 'value="do"' in shown.text
    outlook.shown = Words("", "", "")
    said = words_of(send(operator, "send-message", "show", template="reminder"))
    assert "The in-app notice would show nothing." in said


def test_a_message_to_nobody_cannot_be_sent(
    operator: TestClient, book: Book, cases: FakeCases, outlook: FakeOutlook
) -> None:
    """Where no channel takes it that is said, and there is no button."""
    book.case()
    outlook.written, outlook.answer = None, Answer(because=NO_WAY)
    shown = send(operator, "send-message", "show", template="reminder")
    assert "It would not go out: the customer has no e-mail address" in words_of(shown)
    assert "as soon as you say so" not in words_of(shown)
    assert 'value="do"' not in shown.text


def test_the_notice_is_that_of_the_product(
    book: Book, ledger: Ledger, settings: Settings, cases: FakeCases, clock: StandingClock
) -> None:
    """What the console shows is what the customer's front end gets once they have been told, in their language; without notices nothing."""
    book.case()
    case = cases.case("in_1")
    without = StripeOutlook(settings, stripe_client(settings.stripe), ledger, clock)
    assert without.notice(case, "pl", told=True) is None
    wanted = {"notice": {"secrets": ["a secret of the product's backend"]}}
    with_notice = Settings.model_validate(settings.model_dump() | wanted)
    outlook = StripeOutlook(with_notice, stripe_client(settings.stripe), ledger, clock)
    assert outlook.notice(case, "pl", told=False) == Words("", "", "")
    words = outlook.notice(case, "pl", told=True)
    assert words is not None
    assert "Nie udało się pobrać" in words.title
    new = NewMessage(key="in_1/x", case_id="in_1", customer="cus_1", template=Template.REMINDER, channel="email", locale="pl")  # fmt: skip
    ledger.messages.reserve(new, NOW)
    ledger.messages.begin_sending("in_1/x", NOW)
    ledger.messages.mark_sent("in_1/x", None, NOW)
    assert outlook.notice(case, "pl", told=False) == words


def test_another_policy_is_seen_before_it_holds(
    operator: TestClient, book: Book, cases: FakeCases, outlook: FakeOutlook
) -> None:
    """What would change, and what would come next by it; the word carries the campaign and the version that were shown."""
    book.case()
    longer = outlook.loaded.policy.campaigns[-1].model_copy(update={"grace_days": 30})
    policy = outlook.loaded.policy.model_copy(update={"campaigns": (longer,)})
    outlook.loaded = outlook.loaded.model_copy(update={"policy": policy, "version": "2b2b2b2b2b2b"})
    shown = words_of(send(operator, "change-policy", "show", running="drain"))
    assert "What would change (policy 2b2b2b2b2b2b )" in shown
    assert "suspension: on day 21; the subscription is then: pause → on day 44" in shown
    assert send(operator, "change-policy", running="drain").status_code == 303
    ((_, word, payload),) = cases.told.values()
    assert (word, payload.version, payload.running) == ("change_policy", "2b2b2b2b2b2b", Running.DRAIN)
    assert payload.campaign.grace_days == 30
    gone = send(operator, "change-policy", running="drain", campaign="gone")
    assert (gone.status_code, len(cases.told)) == (409, 1)
    assert "the policy has none of this name" in words_of(gone)
    outlook.away = True
    answer = send(operator, "change-policy", running="drain")
    assert (answer.status_code, len(cases.told)) == (503, 1)


def test_a_policy_that_changes_nothing(operator: TestClient, book: Book, outlook: FakeOutlook) -> None:
    """Where the case goes by it already there is nothing to do."""
    campaign = outlook.loaded.policy.campaigns[-1].model_copy(update={"when": None})
    book.case(policy=campaign.model_dump(mode="json", exclude={"when"}), campaign=campaign.name)
    shown = send(operator, "change-policy", "show", running="next-step")
    assert "nothing: the case goes by this already" in words_of(shown)
    assert 'value="do"' not in shown.text


def test_an_exclusion_is_taken_back(operator: TestClient, as_: LogIn, book: Book, ledger: Ledger) -> None:
    """The page of a case says that its customer is left alone, by whom and why; taking it back asks why, and is written down."""
    book.case()
    assert operator.get("/cases/in_1/take-back").status_code == 404
    ledger.exclusions.exclude("cus_1", NOW, actor="kim", because="a friend", unique="x")
    said = words_of(operator.get("/cases/in_1"))
    assert "no failure of theirs is recovered" in said
    assert "kim excluded the customer: a friend" in said
    assert "take-back" not in as_("viewer").get("/cases/in_1").text
    token = token_in(operator.get("/cases/in_1/take-back"))
    assert operator.post("/cases/in_1/take-back", data={"token": token}).status_code == 400
    assert ledger.exclusions.of("cus_1") is not None
    answer = operator.post("/cases/in_1/take-back", data={"token": token, "reason": "a mistake"})
    assert answer.headers["location"] == "/cases/in_1?said=take_back"
    assert ledger.exclusions.of("cus_1") is None
    row = ledger.console.logged(limit=1)[0]
    assert (row.actor, row.action, row.reason) == ("operator", "case.take_back", "a mistake")
