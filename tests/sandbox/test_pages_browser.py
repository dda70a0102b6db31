"""The sandbox's pages in a real browser, under their own content security policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from tests.sandbox.pages import Shop, open_shop

FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of this machine; without one these tests say so."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no browser: install chromium to drive the pages in one")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=FLAGS)
        except Error as error:
            pytest.skip(f"the browser {path} does not start: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab that fails the test when the page breaks its own policy or a script fails."""
    tab = browser.new_page(viewport={"width": 420, "height": 900})
    complaints: list[str] = []
    tab.on(
        "console", lambda told: complaints.append(told.text) if _is_complaint(told.type, told.text) else None
    )
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    tab.close()
    assert complaints == []


def _is_complaint(kind: str, text: str) -> bool:
    """A status such as 402 is an answer, and no complaint."""
    return kind == "error" and not text.startswith("Failed to load resource")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A company with a sandbox."""
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


def fill_card(page: Page, number: str) -> None:
    """Type a card as a person does."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12 / 34")
    page.get_by_label("Security code").fill("123")


def test_a_customer_changes_the_card_with_3d_secure(shop: Shop, page: Page) -> None:
    """In the portal a refused card is explained, another confirmed at the bank, and the browser ends where it came from."""
    customer = shop.customer()
    back = f"{shop.server.address}/_sandbox/health"
    flow = {
        "type": "payment_method_update",
        "after_completion": {"type": "redirect", "redirect": {"return_url": back}},
    }
    page.goto(shop.v1.billing_portal.sessions.create({"customer": customer.id, "flow_data": flow}).url)
    fill_card(page, "4000 0000 0000 9995")
    page.get_by_role("button", name="Save the card").click()
    assert "insufficient funds" in page.get_by_role("alert").inner_text()
    fill_card(page, "4000 0027 6000 3184")
    page.get_by_role("button", name="Save the card").click()
    assert page.get_by_role("heading").inner_text() == "Confirm your card"
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(back)
    assert shop.default(customer) == "3184"


def test_a_customer_pays_an_invoice(shop: Shop, page: Page) -> None:
    """On the hosted invoice the card on file is confirmed at the bank, and the page then says that it is paid."""
    customer = shop.customer("pm_card_authenticationRequired")
    invoice = shop.invoice(customer)
    page.goto(invoice.hosted_invoice_url)
    page.get_by_role("button", name="Pay with Visa •••• 3184").click()
    page.get_by_role("button", name="Confirm").click()
    assert page.get_by_role("heading", level=1).inner_text() == "This invoice is paid"
    assert shop.status(invoice) == "paid"
    assert len(shop.charges(customer)) == 1


def test_a_customer_pays_with_blik(shop: Shop, page: Page) -> None:
    """The code from the bank's app pays the invoice."""
    invoice = shop.invoice(shop.customer())
    page.goto(invoice.hosted_invoice_url)
    page.get_by_label("Code from your bank's app").fill("123 456")
    page.get_by_role("button", name="Pay with BLIK").click()
    assert page.get_by_text("There is nothing left to pay").is_visible()
    assert shop.status(invoice) == "paid"


def test_a_browser_follows_a_form_to_the_company(shop: Shop, page: Page, tmp_path: Path) -> None:
    """The content security policy lets the form's redirect reach the company's own address on another port."""
    with open_shop(tmp_path) as company:
        back = f"{company.server.address}/_sandbox/health"
        completion = {"type": "redirect", "redirect": {"return_url": back}}
        flow = {"type": "payment_method_update", "after_completion": completion}
        page.goto(
            shop.v1.billing_portal.sessions.create({"customer": shop.customer().id, "flow_data": flow}).url
        )
        fill_card(page, "4242 4242 4242 4242")
        page.get_by_role("button", name="Save the card").click()
        page.wait_for_url(back)
