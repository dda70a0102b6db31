"""What a customer asks for on the page: more days, a smaller plan, a pause, the way out. GET shows, POST acts, twice is once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from activities.customer_words import WISH_FULFILLED, WISH_REFUSED
from activities.wish_contracts import Wish, WishKind, WishResult
from recoup.ledger import Ledger
from recoup.rules.customer_page import CancelWhen, CustomerPage
from recoup.temporal.gateway import TemporalAway
from recoup.web.customer._offers import all_of
from tests.web.asking import EVERYTHING, FORM, cancelled, send, subscribed, two_subscriptions
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock, open_invoice

ALL = all_of(["sub_1", "sub_2"])


@pytest.fixture
def offered() -> CustomerPage:
    """A page that offers everything there is."""
    return EVERYTHING


@pytest.fixture
def owing(billing: FakeBilling, book: Book) -> str:
    """A customer with two subscriptions of which something is open, and the path of the link."""
    return two_subscriptions(billing, book)


def test_the_page_leads_to_what_is_offered(web: TestClient, owing: str) -> None:
    """More days, a smaller plan, a pause and the way out, each on a page of its own."""
    text = web.get(owing).text
    for topic in ("promise", "plan", "pause", "cancel"):
        assert f'href="{owing}/{topic}"' in text


class TestNothingIsOffered:
    """A policy that offers none of it."""

    @pytest.fixture
    def offered(self) -> CustomerPage:
        return CustomerPage(promise_days=0, cancel=CancelWhen.NOT_OFFERED)

    def test_what_is_not_offered_is_neither_shown_nor_done(
        self, web: TestClient, owing: str, gateway: FakeGateway
    ) -> None:
        """No link, no page, and a form sent all the same tells nobody anything."""
        assert "Something else?" not in web.get(owing).text
        forms = {
            "promise": {"days": "3"},
            "plan": {"choice": "sub_1/price_small"},
            "pause": {"choice": "sub_1/30"},
            "cancel": {"subscription": ALL},
        }
        for topic, form in forms.items():
            assert web.get(f"{owing}/{topic}").headers["location"] == owing
            assert send(web, f"{owing}/{topic}", **form) == f"{owing}/{topic}"
        assert (gateway.words, gateway.wishes) == ([], [])


def test_looking_changes_nothing(web: TestClient, owing: str, gateway: FakeGateway, ledger: Ledger) -> None:
    """Mail scanners follow links, also those of the page itself: nobody is told anything."""
    before = len(ledger.events.of_customer("cus_1"))
    for topic in ("promise", "plan", "pause", "cancel"):
        assert web.get(f"{owing}/{topic}").status_code == 200
        assert web.head(f"{owing}/{topic}").status_code == 200
    assert (gateway.words, gateway.wishes) == ([], [])
    assert len(ledger.events.of_customer("cus_1")) == before


@pytest.mark.parametrize("topic", ["promise", "plan", "pause", "cancel"])
def test_every_form_comes_from_the_page_and_through_a_link_that_works(
    web: TestClient, owing: str, book: Book, gateway: FakeGateway, clock: StandingClock, topic: str
) -> None:
    """From another site 403, with a token that is none 404, through a link that has ended 410; nothing is done."""
    form = {"days": "3", "choice": "sub_1/30", "subscription": ALL}
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert web.post(f"{owing}/{topic}", data=form, headers=foreign).status_code == 403
    assert web.post(f"/u/forged/{topic}", data=form, headers=FORM).status_code == 404
    clock.move(days=46)
    assert web.post(f"{owing}/{topic}", data=form, headers=FORM).status_code == 410
    assert (gateway.words, gateway.wishes) == ([], [])


def test_forms_that_come_too_often_are_refused(
    web: TestClient, owing: str, clock: StandingClock, gateway: FakeGateway
) -> None:
    """Ten at once, then one in a minute; looking stays free."""
    answers = [web.post(f"{owing}/promise", data={}, headers=FORM).status_code for _ in range(11)]
    assert answers == [303] * 10 + [429]
    assert web.get(owing).status_code == 200
    clock.move(minutes=1)
    assert web.post(f"{owing}/promise", data={}, headers=FORM).status_code == 303


@pytest.mark.parametrize(
    "body", [b"days=3&" * 1000, b"a=1&b=2&c=3&d=4&e=5&f=6", b"days=\xff\xfe", b"days=-3"]
)
def test_a_form_that_is_none_of_ours_asks_for_nothing(
    web: TestClient, owing: str, gateway: FakeGateway, body: bytes
) -> None:
    """Too long, too many fields, no text, no number: the form is shown again."""
    headers = FORM | {"Content-Type": "application/x-www-form-urlencoded"}
    response = web.post(f"{owing}/promise", content=body, headers=headers)
    assert response.headers["location"] == f"{owing}/promise"
    assert gateway.words == []


# A smaller plan.


def test_a_smaller_plan_says_what_it_means_in_money(
    web: TestClient, owing: str, gateway: FakeGateway
) -> None:
    """Only a lower price of the same rhythm is offered, with its price, the old one, its day, and what stays owed."""
    page = web.get(f"{owing}/plan").text
    assert page.count('type="radio"') == 1
    for words in (
        "Solo plan: PLN\u00a029.00 a month",
        "instead of PLN\u00a099.00 a month, from Sunday, December 20, 2026",
        "PLN\u00a02,469.00</strong> stays owed",
    ):
        assert words in page, words
    assert send(web, f"{owing}/plan", choice="sub_1/price_small") == owing
    (wish,) = gateway.wishes
    assert (wish.kind, wish.subscription, wish.price, wish.smaller_price) == (
        WishKind.SMALLER_PLAN, "sub_1", "price_big", "price_small",
    )  # fmt: skip


@pytest.mark.parametrize(
    "choice",
    ["sub_1/price_yearly", "sub_1/price_gone", "sub_2/price_small", "sub_other/price_small", "x", ""],
)
def test_no_other_plan_can_be_taken(web: TestClient, owing: str, gateway: FakeGateway, choice: str) -> None:
    """Another rhythm, a price that is gone, a subscription without such a plan or of somebody else: the form again."""
    assert send(web, f"{owing}/plan", choice=choice) == f"{owing}/plan"
    assert gateway.wishes == []


@pytest.mark.parametrize(
    ("kind", "done", "words"),
    [
        ("smaller_plan", True, "Your plan has been changed"),
        ("smaller_plan", False, "could not be done any more"),
        ("cancel", True, "What is left is of another one"),
    ],
)
def test_the_page_says_what_became_of_it(
    web: TestClient, owing: str, ledger: Ledger, clock: StandingClock, kind: str, done: bool, words: str
) -> None:
    """The result as the ledger has it, for a quarter of an hour; a raced one is told too."""
    data = {"kind": kind, "subscription": "sub_9", "because": "x"}
    ledger.events.append(WISH_FULFILLED if done else WISH_REFUSED, NOW, customer="cus_1", data=data)
    assert words in web.get(owing).text
    clock.move(minutes=16)
    assert words not in web.get(owing).text


# A pause.


def test_a_pause_says_until_when_and_what_stays_owed(
    web: TestClient, owing: str, gateway: FakeGateway
) -> None:
    """Each subscription with each of the policy's lengths; what was chosen becomes a wish with its end."""
    page = web.get(f"{owing}/pause").text
    assert page.count('type="radio"') == 4
    assert "Tuesday, December 22, 2026" in page
    assert "stays owed" in page
    assert send(web, f"{owing}/pause", choice="sub_2/60") == owing
    (wish,) = gateway.wishes
    assert (wish.kind, wish.subscription, wish.until) == (WishKind.PAUSE, "sub_2", NOW + timedelta(days=60))
    assert send(web, f"{owing}/pause", choice="sub_2/45") == f"{owing}/pause"
    assert len(gateway.wishes) == 1


def test_what_is_paused_says_so_and_is_not_paused_twice(
    web: TestClient, owing: str, billing: FakeBilling, gateway: FakeGateway
) -> None:
    """The page names the day; the subscription is no choice any more, also for a form that was sent before."""
    billing.subscribed = (
        subscribed(paused_until=NOW + timedelta(days=30)),
        subscribed("sub_2", status="unpaid"),
    )
    text = web.get(owing).text
    assert "there is no new invoice until Tuesday, December 22, 2026" in text
    assert f"{owing}/pause" not in text
    assert send(web, f"{owing}/pause", choice="sub_1/60") == f"{owing}/pause"
    assert gateway.wishes == []


# The way out.


def test_the_way_out_says_what_ends_when(web: TestClient, owing: str, gateway: FakeGateway) -> None:
    """Two subscriptions: one of them or both, and what follows; cancelling both is a wish for each."""
    page = web.get(f"{owing}/cancel").text
    for words in ("Team plan, monthly", "Storage", "All of them", "ends at once", "We stop at once"):
        assert words in page, words
    assert gateway.wishes == []
    assert send(web, f"{owing}/cancel", subscription=ALL) == owing
    assert [(wish.kind, wish.subscription, wish.cancel) for wish in gateway.wishes] == [
        (WishKind.CANCEL, "sub_2", CancelWhen.NOW), (WishKind.CANCEL, "sub_1", CancelWhen.NOW),
    ]  # fmt: skip


def test_all_of_them_are_those_that_were_seen(
    web: TestClient, owing: str, gateway: FakeGateway, billing: FakeBilling, book: Book
) -> None:
    """A subscription whose payment fails after the page was opened is not cancelled along with the others: the form is shown anew."""
    seen = web.get(f"{owing}/cancel").text
    assert f'value="{ALL}"' in seen
    billing.invoices += (open_invoice("in_3", subscription="sub_3"),)
    book.case("in_3", subscription="sub_3")
    assert send(web, f"{owing}/cancel", subscription=ALL) == f"{owing}/cancel"
    assert gateway.wishes == []


def test_one_that_takes_long_holds_up_no_other(
    web: TestClient, owing: str, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling all of them, each stop is with Temporal before any of them is waited for, also where one is refused."""
    begun: list[str] = []

    async def wish(asked: Wish) -> WishResult | None:
        begun.append(asked.subscription)
        if asked.subscription == "sub_2":
            await asyncio.sleep(0.05)
            assert begun == ["sub_2", "sub_1"]
            raise TemporalAway("Temporal did not answer")
        return None

    monkeypatch.setattr(gateway, "wish", wish)
    assert web.post(f"{owing}/cancel", data={"subscription": ALL}, headers=FORM).status_code == 503
    assert begun == ["sub_2", "sub_1"]


def test_one_of_two_can_be_cancelled(
    web: TestClient, owing: str, gateway: FakeGateway, ledger: Ledger
) -> None:
    """The chosen one; what is left is what is open of the other."""
    send(web, f"{owing}/cancel", subscription="sub_2")
    assert [wish.subscription for wish in gateway.wishes] == ["sub_2"]
    cancelled(ledger, "in_2", "sub_2")
    text = web.get(owing).text
    assert "Storage" not in text
    assert "A payment is open" in text
    assert send(web, f"{owing}/cancel", subscription="sub_2") == owing, "pressed twice"
    assert len(gateway.wishes) == 1


@pytest.mark.parametrize("subscription", ["sub_other", "", "all", "all/0123456789abcdef"])
def test_nothing_else_can_be_cancelled(
    web: TestClient, owing: str, gateway: FakeGateway, subscription: str
) -> None:
    """Not a subscription of somebody else's, and not nothing."""
    assert send(web, f"{owing}/cancel", subscription=subscription) == f"{owing}/cancel"
    assert gateway.wishes == []


class TestAtThePeriodsEnd:
    """A policy that lets a cancelled subscription run to the end of its period."""

    @pytest.fixture
    def offered(self) -> CustomerPage:
        return CustomerPage(cancel=CancelWhen.PERIOD_END)

    def test_the_page_names_the_day(
        self, web: TestClient, owing: str, billing: FakeBilling, gateway: FakeGateway, ledger: Ledger
    ) -> None:
        """Before and after; one that stands still already ends at once."""
        billing.subscribed = (subscribed(), subscribed("sub_2", status="unpaid"))
        page = web.get(f"{owing}/cancel").text
        assert "ends on Sunday, December 20, 2026" in page
        assert "ends at once" in page
        send(web, f"{owing}/cancel", subscription="sub_1")
        assert [wish.cancel for wish in gateway.wishes] == [CancelWhen.PERIOD_END]
        cancelled(ledger, "in_1", "sub_1")
        cancelled(ledger, "in_2", "sub_2")
        billing.subscribed = (subscribed(ends=True), subscribed("sub_2", status="canceled"))
        text = web.get(owing).text
        for words in (
            "You have cancelled",
            "ends on Sunday, December 20, 2026",
            "Your subscription has ended",
        ):
            assert words in text, words


def test_whoever_has_cancelled_everything_is_not_told_that_all_is_paid(
    web: TestClient, owing: str, ledger: Ledger
) -> None:
    """The open invoices are still open at Stripe; the page says what was cancelled, and nothing of paying."""
    cancelled(ledger, "in_1", "sub_1")
    cancelled(ledger, "in_2", "sub_2")
    text = web.get(owing).text
    assert "You have cancelled" in text
    assert "is being ended right now" in text
    assert "Everything is paid" not in text
    assert web.get(f"{owing}/cancel").headers["location"] == owing


def test_a_wish_that_takes_longer_is_told_as_under_way(
    web: TestClient, owing: str, gateway: FakeGateway
) -> None:
    """Accepted durably and not done yet: the page says so, and a reload asks for nothing."""
    gateway.slow = True
    back = send(web, f"{owing}/cancel", subscription="sub_1")
    assert "We have your request and are carrying it out" in web.get(back).text
    assert len(gateway.wishes) == 1


@pytest.mark.parametrize(
    ("topic", "form"),
    [
        ("promise", {"days": "3"}),
        ("cancel", {"subscription": ALL}),
        ("plan", {"choice": "sub_1/price_small"}),
    ],
)
def test_nobody_is_told_that_something_was_done_when_temporal_is_away(
    web: TestClient, owing: str, gateway: FakeGateway, topic: str, form: dict[str, str]
) -> None:
    """503, with the word to send it again, and that this does nothing twice."""
    gateway.away = True
    response = web.post(f"{owing}/{topic}", data=form, headers=FORM)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"
    assert "Sending it twice does nothing twice" in response.text
    assert "Nothing was changed" not in response.text


def test_all_of_it_in_polish(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """Titles, dates and prices of every form as a Polish reader expects them."""
    billing.locale = "pl"
    expected = {
        "": ("Potrzebuję jeszcze kilku dni", "Chcę zrezygnować"),
        "/promise": ("Kilka dni więcej", "piątek, 27 listopada 2026", "5\u00a0dni", "2\u00a0469,00\u00a0zł"),
        "/plan": ("Mniejszy plan", "29,00\u00a0zł miesięcznie", "zamiast 99,00\u00a0zł miesięcznie"),
        "/pause": ("Przerwa", "wtorek, 22 grudnia 2026"),
        "/cancel": ("Rezygnacja", "Tak, rezygnuję", "kończy się od razu"),
    }
    for path, texts in expected.items():
        page = web.get(owing + path).text
        assert '<html lang="pl">' in page
        for words in texts:
            assert words in page, words
