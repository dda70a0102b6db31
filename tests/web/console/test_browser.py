"""The console in a real browser over everything that is real: each act from the click to Stripe, the case and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from recoup.ledger import EventRow, MessageRow
from recoup.messages import Outbox
from recoup.rules.case import AttemptState, MessageState, Outcome, Stage, Trigger
from recoup.settings import Settings
from tests.sweep.stage import at_any_hour
from tests.web.console.living import Manned, manned, serious_faults
from tests.web.living import living
from tests.web.test_browser import browser, picture

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a system that is fully set up."""
    folder = tmp_path_factory.mktemp("console")
    return Settings(
        stripe={"api_key": "sk_test_1", "webhook_secrets": ["whsec_x"]},  # type: ignore[arg-type]
        mail={"company": "Acme", "support": "help@acme.example", "outbox": folder / "outbox"},  # type: ignore[arg-type]
        policy_file=at_any_hour(folder),
        link_secrets=("the present secret of links",),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def console(module_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manned]:
    """One stack for all tests here; each test has a customer of its own."""
    folder = tmp_path_factory.mktemp("played")
    with living(folder, tmp_path_factory.getbasetemp(), module_settings) as played, manned(played) as desk:
        yield desk


def failed(console: Manned, card: str = "pm_card_chargeCustomerFail") -> str:
    """A customer's renewal that failed, with its case asleep; the invoice."""
    _, invoice = console.living.on.stage.failed_renewal(card)
    console.living.waiting(str(invoice.id))
    return str(invoice.id)


def log_in(page: Page) -> None:
    """Fill in the form that a page leads to where nobody is logged in, or not any more."""
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()


def do(page: Page, invoice: str, act: str, reason: str = "the test") -> None:
    """From the page of the case through the form of an act to what it says of itself; the effect is shown first."""
    page.goto(f"/cases/{invoice}")
    page.get_by_role("link", name=act, exact=True).click()
    page.get_by_role("textbox", name="Why").or_(page.get_by_role("textbox", name="The note")).fill(reason)


def confirm(page: Page, invoice: str, act: str) -> None:
    """Past the effect to the page of the case, which says that it is done."""
    expect(page.get_by_text("After this it will next")).to_be_visible()
    page.get_by_role("button", name=act, exact=True).click()
    page.wait_for_url(f"**/cases/{invoice}?said=*")
    expect(page.get_by_role("status").filter(has_text="done")).to_be_visible()


def test_from_the_login_to_an_attempt(console: Manned, browser: Browser) -> None:
    """Log in, find the case, see what holds a retry and what the guard says; a day later Stripe is asked, and every record says by whom."""
    invoice = failed(console)
    before = console.living.on.stage.intent(invoice)["latest_charge"]["id"]
    context = browser.new_context(base_url=console.address, locale="en-GB")
    page = context.new_page()
    page.goto(f"/cases?tab=all&q={invoice}")
    log_in(page)
    page.get_by_role("cell").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna")
    picture(page, "console-case")
    do(page, invoice, "Retry now", "she says that the account is filled")
    expect(page.get_by_text("no limit of the networks is reached")).to_be_visible()
    picture(page, "console-retry")
    expect(
        page.get_by_text("an operator asked for an attempt now, but generic_decline").first
    ).to_be_visible()
    confirm(page, invoice, "Retry now")
    view = console.living.waiting(invoice)
    assert view.case.untried is Trigger.MANUAL
    assert view.next.because.startswith("an operator asked for an attempt now, but generic_decline")
    console.living.on.stage.forward(hours=25)
    page.goto(f"/cases/{invoice}")
    log_in(page)
    page.wait_for_url(f"**/cases/{invoice}")
    do(page, invoice, "Retry now", "the bank's day is over")
    confirm(page, invoice, "Retry now")
    settled = console.living.until(
        lambda: [row for row in console.ledger.attempts.of_invoice(invoice) if row.settled_at is not None]
    )
    assert [(row.trigger, row.state) for row in settled] == [(Trigger.MANUAL, AttemptState.DECLINED)]
    assert console.living.on.stage.intent(invoice)["latest_charge"]["id"] != before
    page.goto(f"/cases/{invoice}")
    expect(page.get_by_text("she says that the account is filled").first).to_be_visible()
    expect(page.get_by_text("retry asked for by an operator").first).to_be_visible()
    logged = console.ledger.console.logged(case_id=invoice)
    assert [(entry.actor, entry.action) for entry in logged] == [("operator", "case.retry_now")] * 2
    context.close()


def test_pause_and_resume(console: Manned, browser: Browser) -> None:
    """The case stands still until the day that was typed, and goes on when it is resumed; what was foreseen is what came."""
    invoice = failed(console)
    context, page, complaints = console.browser(browser)
    before = console.living.waiting(invoice).next
    do(page, invoice, "Pause", "on holiday")
    until = console.living.on.book.clock.now() + timedelta(days=4)
    page.get_by_label("Until").fill(f"{until:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Show the effect").click()
    expect(page.get_by_text("an operator paused the case until then")).to_be_visible()
    confirm(page, invoice, "Pause")
    view = console.living.view(invoice)
    assert view is not None
    assert view.case.paused_until == until.replace(second=0, microsecond=0)
    # Temporal's index lags a little; the pages bring themselves up to date.
    page.goto(f"/cases?tab=paused&q={invoice}")
    expect(page.get_by_role("cell").get_by_role("link").first).to_be_visible(timeout=15_000)
    page.goto("/")
    coming = page.get_by_role("region", name="Coming up").locator(f"a[href='/cases/{invoice}']")
    expect(coming).to_be_visible(timeout=15_000)
    expect(page.get_by_text("an operator paused the case until then").first).to_be_visible()
    expect(page.locator("#kpis")).to_contain_text("In flight")
    do(page, invoice, "Resume")
    confirm(page, invoice, "Resume")
    view = console.living.view(invoice)
    assert view is not None
    assert (view.case.paused_until, view.next.kind) == (None, before.kind)
    words = [event.data["word"] for event in _words(console, invoice, 2)]
    assert words == ["pause_until", "resume"]
    assert complaints == []
    context.close()


def _words(console: Manned, invoice: str, count: int) -> list[EventRow]:
    def told() -> list[EventRow] | None:
        found = [event for event in console.ledger.events.of_case(invoice) if event.kind == "operator_word"]
        return found if len(found) >= count else None

    return console.living.until(told)


def test_a_promise_and_longer_grace(console: Manned, browser: Browser) -> None:
    """What a customer said on the phone is the case's next step, as said by the operator; the suspension moves by the days given."""
    invoice = failed(console)
    context, page, _ = console.browser(browser)
    do(page, invoice, "Promise to pay", "told me on the phone")
    until = console.living.on.book.clock.now() + timedelta(days=2)
    page.get_by_label("Until").fill(f"{until:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, "Promise to pay")
    view = console.living.waiting(invoice)
    assert view.next.trigger is Trigger.PROMISE
    told = console.ledger.events.of_case(invoice)
    assert ("customer_promised", "operator/operator") in {(event.kind, event.actor) for event in told}
    before = view.case.grace_until
    do(page, invoice, "Extend grace")
    page.get_by_label("Days").fill("3")
    page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, "Extend grace")
    view = console.living.waiting(invoice)
    assert before is None
    assert view.case.grace_until is not None
    context.close()


def test_assign_note_and_take_over(console: Manned, browser: Browser) -> None:
    """The owner and the note stand in the ledger; a case that is taken over waits in the queue until it is resumed."""
    invoice = failed(console)
    context, page, _ = console.browser(browser, "admin")
    do(page, invoice, "Assign")
    page.get_by_label("To whom").select_option("operator")
    page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, "Assign")
    assert (
        console.living.until(lambda: (row := console.living.case(invoice)) and row.assigned_to) == "operator"
    )
    do(page, invoice, "Add a note", "prefers e-mail")
    confirm(page, invoice, "Add a note")
    watching, other, _ = console.browser(browser)
    other.goto("/cases?tab=all")
    before = int(other.locator("#waiting").text_content() or 0)
    do(page, invoice, "Take over")
    page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, "Take over")

    def queued() -> bool:
        row = console.living.case(invoice)
        return row is not None and row.stage is Stage.PERSON

    console.living.until(queued)
    expect(other.locator("#waiting")).to_have_text(str(before + 1), timeout=15_000)
    expect(other.locator("#waiting")).to_be_visible()
    watching.close()
    page.goto("/cases")
    assert page.get_by_role("cell", name="operator", exact=True).count() == 1
    page.goto(f"/cases/{invoice}?only=operator")
    expect(page.get_by_text("prefers e-mail").first).to_be_visible()
    picture(page, "console-person")
    context.close()


@pytest.mark.parametrize(
    ("act", "ending", "outcome", "status"),
    [
        ("Paid outside", None, Outcome.RECOVERED_OUTSIDE, "paid"),
        pytest.param("Stop the recovery", "keep", Outcome.CLOSED_STOPPED, "open", marks=pytest.mark.slow),
        pytest.param("Stop the recovery", "cancel", Outcome.LOST_SUSPENDED, "open", marks=pytest.mark.slow),
        ("Stop the recovery", "write_off", Outcome.CLOSED_UNCOLLECTIBLE, "uncollectible"),
    ],
)
def test_the_ends(
    console: Manned, browser: Browser, act: str, ending: str | None, outcome: Outcome, status: str
) -> None:
    """Stripe is told that it was paid or written off, or gets its invoice back; the case has its outcome and no attempt was made."""
    invoice = failed(console)
    context, page, _ = console.browser(browser)
    do(page, invoice, act, "bank transfer of Monday")
    if ending is not None:
        page.get_by_label("What becomes of the debt").select_option(ending)
        page.get_by_role("button", name="Show the effect").click()
    confirm(page, invoice, act)
    row = console.living.until(
        lambda: (row := console.living.case(invoice)) and (row if not row.is_open else None)
    )
    assert row.outcome is outcome
    assert console.living.on.stage.api.invoices.retrieve(invoice).status == status
    made = console.ledger.attempts.of_invoice(invoice)
    assert [each for each in made if each.state is not AttemptState.SKIPPED] == []
    context.close()


def test_a_message_now_and_another_policy(console: Manned, browser: Browser) -> None:
    """What is seen is what goes out, once: the second asking is told that it was said; a policy that gives longer moves the suspension."""
    invoice = failed(console)
    console.living.on.stage.forward(hours=25)
    console.living.waiting(invoice)
    context, page, complaints = console.browser(browser)
    page.goto("/login")
    do(page, invoice, "Message now", "she asked for the link again")
    page.get_by_role("button", name="Show the effect").click()
    seen = page.get_by_label("The message as it would go out").inner_text()
    picture(page, "console-message")
    confirm(page, invoice, "Message now")

    def sent() -> list[MessageRow]:
        rows = console.ledger.messages.of_case(invoice)
        return [row for row in rows if "by_hand" in row.key and row.state is MessageState.SENT]

    (row,) = console.living.until(sent)
    letter = Outbox(console.living.on.book.settings.mail.outbox).text(str(row.provider_id)) or ""
    before, after = seen.split("/u/…")
    assert [" ".join(part.split()) in " ".join(letter.split()) for part in (before, after)] == [True, True]
    do(page, invoice, "Message now", "and once more")
    page.get_by_role("button", name="Show the effect").click()
    expect(page.get_by_text("has said it already")).to_be_visible()
    assert page.get_by_role("button", name="Message now", exact=True).count() == 0
    file = console.living.on.book.settings.policy_file
    text = file.read_text()
    file.write_text(text.replace("grace_days: 7", "grace_days: 17"))
    try:
        do(page, invoice, "Another policy", "a large customer")
        page.get_by_role("button", name="Show the effect").click()
        expect(page.get_by_text("on day 21; the subscription is then: pause → on day 31")).to_be_visible()
        picture(page, "console-policy-change")
        confirm(page, invoice, "Another policy")
    finally:
        file.write_text(text)
    view = console.living.view(invoice)
    assert view is not None
    assert view.case.campaign.grace_days == 17
    assert complaints == []
    context.close()


def test_the_link_opens_the_customers_page(console: Manned, browser: Browser) -> None:
    """The address that the console shows leads to the customer's page; once revoked it does not."""
    invoice = failed(console)
    context, page, _ = console.browser(browser)
    page.goto(f"/cases/{invoice}")
    page.get_by_role("link", name="Update link").click()
    page.get_by_label("Why").first.fill("asked on the phone")
    page.get_by_role("button", name="Make the link").click()
    address = page.get_by_label("The link").input_value()
    customer = context.new_page()
    answer = customer.goto(address)
    assert answer is not None
    assert answer.status == 200
    page.get_by_label("Why").last.fill("sent to the wrong person")
    page.get_by_role("button", name="Revoke every link").click()
    page.wait_for_url(f"**/cases/{invoice}?said=*")
    answer = customer.goto(address)
    assert answer is not None
    assert answer.status == 410
    context.close()


def test_a_page_brings_itself_up_to_date(console: Manned, browser: Browser) -> None:
    """An open page shows what happens without being loaded again, and without a violation of its own policy."""
    invoice = failed(console)
    context, page, complaints = console.browser(browser)
    page.goto(f"/cases/{invoice}")
    page.evaluate("window.stayed = true")
    console.living.on.stage.api.invoices.pay(invoice, {"paid_out_of_band": True})
    expect(page.locator(".next.over")).to_contain_text("Paid outside Stripe", timeout=15_000)
    assert page.evaluate("window.stayed")
    assert complaints == []
    context.close()


def test_the_list_brings_itself_up_to_date(console: Manned, browser: Browser) -> None:
    """An open list shows what happens without being loaded again, its tabs too; whoever goes through it by keyboard stays where they are."""
    invoice = failed(console)
    context, page, complaints = console.browser(browser)
    page.goto(f"/cases?tab=all&q={invoice}")
    page.evaluate("window.stayed = true")
    page.get_by_role("cell").get_by_role("link").first.focus()
    console.living.on.stage.api.invoices.pay(invoice, {"paid_out_of_band": True})
    expect(page.locator(".pill-recovered")).to_be_visible(timeout=15_000)
    expect(page.locator("#tab-recovered .count")).to_have_text("1")
    expect(page.locator(f"#case-{invoice}")).to_be_focused()
    assert page.evaluate("window.stayed")
    assert complaints == []
    context.close()


PAGES = (
    "/figures",
    "/login",
    "/",
    "/deliverability",
    "/integrations",
    "/policy",
    "/log",
    "/tokens",
    "/openapi",
    "/account",
    "/cases?tab=all",
    "/figures?days=all&currency=usd",
    "/excluded",
    "/excluded/cus_left",
    "/cases/{}",
    "/cases/{}/do/retry-now",
    "/cases/{}/link",
)


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [pytest.param(1280, "light", "en-GB", marks=pytest.mark.slow), pytest.param(1280, "dark", "pl-PL", marks=pytest.mark.slow), (320, "light", "pl-PL")]
)  # fmt: skip
def test_every_page_can_be_read_and_used(
    console: Manned, browser: Browser, width: int, scheme: str, locale: str
) -> None:
    """No serious fault that axe-core knows, no sideways scrolling, nothing against the page's own policy."""
    invoice = failed(console)
    size = {"width": width, "height": 800}
    context, page, complaints = console.browser(
        browser, "admin", viewport=size, color_scheme=scheme, locale=locale
    )
    for path in PAGES:
        page.goto(path.format(invoice))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        picture(page, f"console-{path.strip('/').split('?')[0].split('/')[-1]}-{width}-{scheme}")
        assert serious_faults(page) == [], path
    context.close()
    assert [each for each in complaints if "Content Security Policy" in each or "Error" in each] == []


def test_everything_works_without_javascript(console: Manned, browser: Browser) -> None:
    """Lists, filters, forms and acts are plain pages."""
    invoice = failed(console)
    context, page, _ = console.browser(browser, java_script_enabled=False)
    page.goto("/cases")
    page.get_by_role("navigation", name="Cases by where they stand").get_by_role("link", name="All").click()
    page.get_by_label("Search", exact=True).fill(invoice)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("cell").get_by_role("link").first.click()
    page.get_by_role("link", name="Add a note").click()
    page.get_by_role("textbox", name="The note").fill("no script was needed")
    page.get_by_role("button", name="Add a note").click()
    page.wait_for_url("**?said=note")
    assert [row.reason for row in console.ledger.console.logged(case_id=invoice)] == ["no script was needed"]
    context.close()
