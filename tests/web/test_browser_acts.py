"""The other ways of the customer's page in a real browser, over everything that is real: from a click to Stripe and the case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from recoup.rules.case import Outcome, Stage, Trigger
from recoup.rules.customer_page import CustomerPage
from recoup.settings import Settings
from tests.sweep.stage import at_any_hour
from tests.web.living import Living, living
from tests.web.test_browser import CONTRAST, browser, picture

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture
def offered() -> CustomerPage:
    """What the page offers; its prices are made when the play has begun."""
    return CustomerPage(pause_days=(30, 60))


@pytest.fixture
def played(
    settings: Settings, offered: CustomerPage, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Living]:
    """Everything, with a customer whose renewal has failed."""
    ready = settings.model_copy(update={"policy_file": at_any_hour(tmp_path)})
    with living(tmp_path, tmp_path_factory.getbasetemp(), ready, offered) as everything:
        yield everything


def failed(played: Living, **customer: object) -> tuple[str, str, str]:
    """A customer whose renewal failed, with its case asleep: the invoice, the subscription and the address of the page."""
    subscription, invoice = played.on.stage.failed_renewal()
    owner = str(invoice.customer)
    if customer:
        played.on.stage.api.customers.update(owner, customer)  # type: ignore[arg-type]
    played.waiting(str(invoice.id))
    return str(invoice.id), subscription.id, played.link(owner)


def phone(browser: Browser, locale: str = "en-GB") -> BrowserContext:
    """A phone without JavaScript."""
    return browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, locale=locale
    )


def opened(context: BrowserContext, link: str, way: str) -> Page:
    """The page behind a link, and from it one of the other ways."""
    page = context.new_page()
    page.goto(link)
    page.get_by_role("link", name=way).click()
    return page


def test_a_customer_promises_to_pay(played: Living, browser: Browser) -> None:
    """Three clicks: the case waits for the promised day and says why, and the page says until when."""
    invoice, _, link = failed(played)
    context = phone(browser)
    page = opened(context, link, "I need a few more days")
    picture(page, "promise-phone")
    page.get_by_role("radio").nth(2).check()
    page.get_by_role("button", name="Promise to pay by that day").click()
    page.wait_for_url(link)
    assert page.get_by_role("status").filter(has_text="You have promised to pay by").is_visible()
    picture(page, "promised-phone")
    view = played.waiting(invoice)
    assert view.case.promise is not None
    assert (view.next.trigger, view.next.due_at) == (Trigger.PROMISE, view.case.promise.until)
    page.reload()
    assert page.get_by_role("link", name="I need a few more days").count() == 0
    context.close()


def test_a_customer_pauses(played: Living, browser: Browser) -> None:
    """Paused at Stripe with its end, what is open stays open, and the case goes on."""
    invoice, subscription, link = failed(played)
    context = phone(browser)
    page = opened(context, link, "I would like to pause")
    picture(page, "pause-phone")
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Pause my subscription").click()
    page.wait_for_url(link)
    assert page.get_by_text("Your subscription is paused").is_visible()
    paused = played.on.stage.api.subscriptions.retrieve(subscription).to_dict()["pause_collection"]
    assert paused["behavior"] == "void"
    assert paused["resumes_at"]
    assert played.on.stage.api.invoices.retrieve(invoice).status == "open"
    row = played.case(invoice)
    assert row is not None
    assert row.is_open
    context.close()


def test_a_customer_cancels_in_polish(played: Living, browser: Browser) -> None:
    """The subscription is cancelled at Stripe, the case ends as voluntary churn, and the page does not say that all is paid."""
    invoice, subscription, link = failed(played, preferred_locales=["pl"])
    context = phone(browser, "pl-PL")
    page = opened(context, link, "Chcę zrezygnować")
    picture(page, "cancel-pl-phone")
    page.get_by_role("button", name="Tak, rezygnuję").click()
    page.wait_for_url(link)
    assert page.get_by_role("heading", level=1).inner_text() == "Rezygnacja przyjęta"
    picture(page, "cancelled-pl-phone")
    assert played.on.stage.status(subscription) == "canceled"
    row = played.until(lambda: (row := played.case(invoice)) and (row if not row.is_open else None))
    assert row.outcome is Outcome.LOST_CANCELLED_BY_CUSTOMER
    assert row.outcome.is_voluntary
    assert row.stage is Stage.LOST
    assert played.on.stage.api.invoices.retrieve(invoice).status == "open"
    assert played.on.book.ledger.attempts.of_invoice(invoice) == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("topic", ["", "/promise", "/pause", "/cancel"])
def test_every_page_can_be_read_and_used(played: Living, browser: Browser, topic: str, scheme: str) -> None:
    """On a small screen, in Polish: no sideways scrolling, contrast of level AA, big targets, each radio has its label."""
    _, _, link = failed(played, preferred_locales=["pl"])
    context = browser.new_context(viewport={"width": 320, "height": 700}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text))
    page.goto(link + topic)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(CONTRAST) >= 4.5
    targets = page.locator("button, label.choice")
    heights = [box["height"] for box in (each.bounding_box() for each in targets.all()) if box]
    assert heights
    assert min(heights) >= 44
    for radio in page.get_by_role("radio").all():
        assert radio.evaluate("radio => radio.labels.length === 1 && radio.labels[0].innerText.length > 3")
    assert complaints == []
    picture(page, f"acts-pl-{topic.strip('/') or 'open'}-{scheme}")
    context.close()


class TestSmallerPlans:
    """A policy with a smaller plan for the one that the customer has."""

    @pytest.fixture
    def offered(self) -> CustomerPage:
        plans: dict[str, tuple[str, ...]] = {}
        return CustomerPage.model_construct(
            promise_days=5.0, smaller_plans=plans, pause_days=(), cancel=CustomerPage().cancel
        )

    def test_a_customer_takes_a_smaller_plan(
        self, played: Living, browser: Browser, offered: CustomerPage
    ) -> None:
        """From the next invoice on: the price at Stripe is the smaller one, and the open invoice is as large as before."""
        invoice, subscription, link = failed(played)
        items = played.on.stage.api.subscriptions.retrieve(subscription)["items"].data
        offered.smaller_plans[items[0].price.id] = (small := played.on.stage.price(400),)
        context = phone(browser)
        page = opened(context, link, "I would like a smaller plan")
        assert page.get_by_text("Plan: €4.00 a month").is_visible()
        picture(page, "plan-phone")
        page.get_by_role("radio").first.check()
        page.get_by_role("button", name="Change my plan").click()
        page.wait_for_url(link)
        assert page.get_by_text("Your plan has been changed").is_visible()
        items = played.on.stage.api.subscriptions.retrieve(subscription)["items"].data
        assert [item.price.id for item in items] == [small]
        assert played.on.stage.api.invoices.retrieve(invoice).amount_remaining == 1000
        context.close()
