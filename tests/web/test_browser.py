"""The update page in a real browser: from the link to Stripe's page and back, and how it looks."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from recoup.links import unsubscribe_links
from recoup.messages import OutboxSender, build_mime, compose, message_id, sample_facts
from recoup.rules.case import Outcome, Template
from recoup.rules.channels import Channel
from recoup.settings import Settings
from tests.web.doubles import NOW
from tests.web.onstage import OnStage, on_stage

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = os.environ.get("RECOUP_TEST_PICTURES")
"""A directory to keep pictures of the pages in."""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of this machine; without one these tests say so."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no browser: install chromium to drive the update page in one")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=FLAGS)
        except Error as error:
            pytest.skip(f"the browser {path} does not start: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A phone without JavaScript."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="en-GB"
    )
    yield context
    context.close()


@pytest.fixture
def played(settings: Settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnStage]:
    """The web process and the sandbox."""
    with on_stage(tmp_path, tmp_path_factory.getbasetemp(), settings) as everything:
        yield everything


def picture(page: Page, name: str) -> None:
    """Keep a picture, where somebody wants one."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def fill_card(page: Page, number: str, button: str | re.Pattern[str] = "Save the card") -> None:
    """Type a card as a person does."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name=button).click()


def test_a_customer_brings_a_new_card(played: OnStage, phone: BrowserContext) -> None:
    """Link, page, Stripe's page with a new card, thanks: and the webhooks of it begin one card update of a chosen method."""
    _, link = played.failed_case()
    page = phone.new_page()
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 200
    assert page.get_by_role("heading", level=1).inner_text() == "A payment is open"
    assert page.get_by_text("€10.00").first.is_visible()
    page.get_by_role("button", name="Update payment method").click()
    assert page.url.startswith(played.stage.url), "the form leads to Stripe, through the page's own policy"
    fill_card(page, "4242 4242 4242 4242")
    page.wait_for_url(f"{link}/done")
    assert page.get_by_role("heading", level=1).inner_text() == "Thank you"
    picture(page, "done-phone")
    played.await_(lambda: any(update.chosen for update in played.gateway.updates))
    assert len({(update.customer, update.method) for update in played.gateway.updates}) == 1


def test_a_customer_pays_with_another_method(played: OnStage, phone: BrowserContext) -> None:
    """The hosted invoice is one click away; paying there reaches the case, and the link then has nothing to ask for."""
    invoice, link = played.failed_case()
    page = phone.new_page()
    page.goto(link)
    page.get_by_role("link", name="Pay invoice").click()
    fill_card(page, "4242 4242 4242 4242", re.compile(r"^Pay .*10\.00"))
    played.await_(lambda: (invoice, "invoice_paid") in played.gateway.signals)
    page.goto(link)
    assert page.get_by_role("heading", level=1).inner_text() == "Nothing is open"
    picture(page, "nothing-owed-phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "device"), [(320, "small"), (390, "phone"), (1280, "desktop")])
def test_the_page_fits_every_screen(
    played: OnStage, browser: Browser, width: int, device: str, scheme: Literal["light", "dark"]
) -> None:
    """No sideways scrolling, a button that a thumb hits, text that can be read, in Polish, light and dark."""
    _, link = played.failed_case(preferred_locales=["pl"])
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text))
    page.goto(link)
    assert page.evaluate("document.documentElement.lang") == "pl"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.get_by_role("button").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert page.evaluate(CONTRAST) >= 4.5
    assert complaints == [], "nothing breaks the page's own policy"
    picture(page, f"update-pl-{device}-{scheme}")
    context.close()


CONTRAST = """
(() => {
  const channel = value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  const light = colour => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number)
    return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
  }
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor
      if (!/, 0\\)$/.test(colour) && colour !== 'transparent') return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const texts = [...document.querySelectorAll('h1, h2, p, a, li span, button, strong')]
  return Math.min(...texts.map(element => {
    const [one, two] = [light(getComputedStyle(element).color), light(ground(element))]
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)
  }))
})()
"""
"""The lowest contrast of any text, as WCAG 2 computes it; 4.5 is its level AA."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_suspended_page(played: OnStage, browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """After the suspension, in English on a desk: still both ways to pay, and readable."""
    invoice, link = played.failed_case()
    played.book.end(invoice, Outcome.LOST_SUSPENDED)
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=scheme, locale="en-US"
    )
    page = context.new_page()
    page.goto(link)
    assert page.get_by_text("Your access is suspended").is_visible()
    assert page.evaluate(CONTRAST) >= 4.5
    picture(page, f"suspended-en-{scheme}")
    context.close()


def test_the_inbox_shows_a_mail_in_its_frame(played: OnStage, browser: Browser) -> None:
    """The mail's own styles apply inside the frame, no script runs, and the page keeps its policy."""
    settings = played.book.settings
    mime = build_mime(
        compose(sample_facts(Template.PAYMENT_FAILED, "en")),
        sender=settings.mail.mailbox,
        recipient="jan@example.com",
        message_id=message_id("in_1/first", "acme.example"),
        date=NOW,
    )
    sender = OutboxSender(settings.mail.outbox)
    sender.send(mime, sender=settings.mail.sender, recipient="jan@example.com", key="in_1/first", tags={})
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text))
    page.goto(f"{played.address}/inbox")
    picture(page, "inbox")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    frame = page.frame_locator("iframe")
    paragraph = frame.locator("p").first
    assert paragraph.is_visible()
    assert paragraph.evaluate("element => getComputedStyle(element).fontWeight") == "700"
    picture(page, "inbox-mail")
    assert complaints == []
    context.close()


def test_unsubscribing_takes_one_button(played: OnStage, phone: BrowserContext) -> None:
    """Opening the link of a mail stops nothing; the button does, without JavaScript, and the page says what goes on."""
    links = unsubscribe_links(played.book.settings)
    page = phone.new_page()
    page.goto(links.address("cus_1", Channel.EMAIL))
    picture(page, "unsubscribe-phone")
    channels = played.book.ledger.channels
    assert channels.stopped(Channel.EMAIL, ["cus_1"]) is None
    page.get_by_role("button").click()
    assert page.get_by_role("heading").inner_text() == "You get no more of these mails"
    assert "still collected" in page.inner_text("main")
    picture(page, "unsubscribed-phone")
    assert channels.stopped(Channel.EMAIL, ["cus_1"]) is not None
