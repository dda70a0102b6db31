"""The graver acts in a real browser over everything that is real: approving and refusing a suspension, leaving a customer alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml
from playwright.sync_api import Browser, expect

from activities.contracts import CaseView
from recoup.rules.case import Access, Outcome, Stage
from recoup.rules.step import StepKind
from recoup.settings import Settings
from tests.web.console.living import Manned
from tests.web.console.test_browser import browser, confirm, console, do, failed, module_settings
from tests.web.test_browser import picture

__all__ = ["browser", "console", "module_settings"]

pytestmark = pytest.mark.browser

SHORT = {
    "window_days": 1,
    "grace_days": 1,
    "messages": [{"template": "payment_failed", "after_days": 0}],
    "retries": {"after_days": []},
    "warning": {"days_before": 1},
    "approval": {"decide_after_days": 9},
}
"""A campaign that asks whether it may suspend after two days."""


@pytest.fixture
def asks(module_settings: Settings) -> Iterator[None]:
    """The policy's file has the short campaign for a while."""
    file = module_settings.policy_file
    text = file.read_text()
    policy = yaml.safe_load(text)
    policy["campaigns"][0] |= SHORT
    file.write_text(yaml.safe_dump(policy))
    yield
    file.write_text(text)


def days_later(
    console: Manned, browser: Browser, invoice: str, days: float, until: Callable[[CaseView], bool]
) -> None:
    """Time passes, and the case hears of it by a note, until it stands so."""
    console.living.on.stage.forward(hours=24 * days)
    context, page, _ = console.browser(browser)
    do(page, invoice, "Add a note", "time has passed")
    confirm(page, invoice, "Add a note")
    context.close()
    console.living.until(lambda: (view := console.living.view(invoice)) and until(view))


def warned(view: CaseView) -> bool:
    """The last notice has gone out, and the question comes next."""
    return view.case.stage is Stage.WARNED and view.next.kind is StepKind.APPROVAL


def asked(view: CaseView) -> bool:
    """It waits for a person's word."""
    return view.case.stage is Stage.PERSON


def test_a_suspension_is_refused_and_approved(console: Manned, browser: Browser, asks: None) -> None:
    """Asked on its day, refused for some days, asked anew, and approved: the access ends then and not before, each word with its reason."""
    invoice = failed(console)
    case = console.living.waiting(invoice).case
    context, page, complaints = console.browser(browser)
    do(page, invoice, "Another policy", "a short one")
    page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, "Another policy")
    context.close()
    days_later(console, browser, invoice, 1.1, warned)
    days_later(console, browser, invoice, 1.1, asked)
    context, page, complaints = console.browser(browser)
    do(page, invoice, "Refuse the suspension", "they promised it on the phone")
    page.get_by_label("Days").fill("3")
    page.get_by_role("button", name="Show the effect").click()
    picture(page, "console-refuse")
    confirm(page, invoice, "Refuse the suspension")
    context.close()
    days_later(console, browser, invoice, 3.1, warned)
    days_later(console, browser, invoice, 1.1, asked)
    context, page, complaints = console.browser(browser)
    do(page, invoice, "Approve the suspension", "nothing came")
    picture(page, "console-approve")
    confirm(page, invoice, "Approve the suspension")
    row = console.living.until(
        lambda: (row := console.living.case(invoice)) and (row if not row.is_open else None)
    )
    assert row.outcome is Outcome.LOST_SUSPENDED
    assert case.subscription is not None
    access = console.ledger.access.get(case.subscription)
    assert access is not None
    assert access.state is Access.SUSPENDED
    logged = [(entry.action, entry.reason) for entry in console.ledger.console.logged(case_id=invoice)]
    assert ("case.refuse_suspension", "they promised it on the phone") in logged
    assert logged[0] == ("case.approve", "nothing came")
    assert complaints == []
    context.close()


def test_a_customer_is_left_alone(console: Manned, browser: Browser) -> None:
    """From the page of a case: it ends, and Stripe has its invoice as before; the page then offers to take that back."""
    invoice = failed(console)
    context, page, complaints = console.browser(browser)
    do(page, invoice, "Exclude the customer", "a friend of the house")
    confirm(page, invoice, "Exclude the customer")
    row = console.living.until(
        lambda: (row := console.living.case(invoice)) and (row if not row.is_open else None)
    )
    assert row.outcome is Outcome.CLOSED_STOPPED
    assert console.ledger.exclusions.of(row.customer) is not None
    assert console.living.on.stage.api.invoices.retrieve(invoice).status == "open"
    page.goto(f"/cases/{invoice}")
    page.get_by_role("link", name="Take the exclusion back").click()
    page.get_by_role("textbox", name="Why").fill("they asked for it")
    page.get_by_role("button", name="Take the exclusion back").click()
    page.wait_for_url("**?said=take_back")
    assert console.ledger.exclusions.of(row.customer) is None
    assert complaints == []
    context.close()


def test_a_customer_is_left_alone_by_their_id(console: Manned, browser: Browser) -> None:
    """Without JavaScript, from the list to a customer at Stripe, with an open case that ends; a mistyped id is said to be one."""
    invoice = failed(console)
    customer = console.living.waiting(invoice).case.customer
    context, page, complaints = console.browser(browser, java_script_enabled=False)
    page.goto("/cases")
    page.get_by_role("link", name="Customers who are left alone").click()
    page.get_by_label("Somebody else, by their id").fill("cus_nobody")
    page.get_by_role("button", name="Look at them").click()
    expect(page.get_by_role("alert")).to_contain_text("Stripe has no customer cus_nobody")
    page.goto("/excluded")
    page.get_by_label("Somebody else, by their id").fill(customer)
    page.get_by_role("button", name="Look at them").click()
    expect(page.locator("strong").filter(has_text="Anna")).to_be_visible()
    picture(page, "console-exclude")
    page.get_by_role("textbox", name="Why").fill("a friend of the house")
    page.get_by_role("button", name="Exclude the customer").click()
    expect(page.get_by_role("status")).to_contain_text("done")
    row = console.living.until(
        lambda: (row := console.living.case(invoice)) and (row if not row.is_open else None)
    )
    assert row.outcome is Outcome.CLOSED_STOPPED
    page.goto(f"/excluded?q={customer}&sort=-since")
    page.get_by_role("link", name=customer).click()
    page.get_by_role("textbox", name="Why").fill("a mistake")
    page.get_by_role("button", name="Take the exclusion back").click()
    expect(page.get_by_role("status")).to_contain_text("done")
    assert console.ledger.exclusions.of(customer) is None
    assert complaints == []
    context.close()
