"""The billing portal, Checkout and what all pages share, driven as the demo's customers drive them: by plain HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from recoup.sandbox.pages import routes
from recoup.worlds import read_world
from tests.sandbox.pages import BACK, GOOD, Shop, open_shop

ROOT = Path(__file__).parents[2]
ASKS = {**GOOD, "number": "4000002760003184"}

WORLD = """
version: 1
name: pages
cards:
  fresh: {brand: mastercard, number: "5555990000000000"}
  strict: {brand: visa, issuer: [{declines: {decline_code: do_not_honor}}], saving: {decline_code: lost_card}}
customers: {}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A company with a sandbox; every test has a customer of its own."""
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


# -- the billing portal ------------------------------------------------------------------------------------------------


def test_the_portal_puts_a_new_card_on_file(shop: Shop) -> None:
    """A card typed into the portal becomes the customer's default, events tell of it, and the browser goes back."""
    customer = shop.customer("pm_card_mastercard")
    address = shop.portal(customer)
    page = shop.get(address)
    assert page.status_code == 200
    assert "Mastercard •••• 4444" in page.text
    answer = shop.post(address, **GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, BACK)
    assert shop.default(customer) == "4242"
    assert {"setup_intent.succeeded", "payment_method.attached", "customer.updated"} <= set(shop.events()[:5])


def test_looking_at_the_portal_changes_nothing(shop: Shop) -> None:
    """GET never acts: mail scanners and browsers may fetch a page as often as they like."""
    customer = shop.customer()
    address = shop.portal(customer)
    before = shop.v1.events.list({"limit": 1}).data[0].id
    for _ in range(3):
        shop.get(address)
    assert shop.v1.events.list({"limit": 1}).data[0].id == before
    assert len(shop.v1.payment_methods.list({"customer": customer.id}).data) == 1


def test_a_card_that_asks_for_3d_secure_is_confirmed_first(shop: Shop) -> None:
    """The default changes only after the bank's page was answered with yes, and then the browser goes back."""
    customer = shop.customer()
    step = shop.post(shop.portal(customer), **ASKS)
    bank = step.headers["location"]
    assert step.status_code == 303
    assert "/pages/3ds/" in bank
    assert "Visa •••• 3184" in shop.get(bank).text
    assert shop.default(customer) == "4242"
    answer = shop.post(bank, decision="approve")
    assert (answer.status_code, answer.headers["location"]) == (303, BACK)
    assert shop.default(customer) == "3184"


def test_a_card_that_its_owner_does_not_confirm_is_not_saved(shop: Shop) -> None:
    """Refusing the 3-D Secure step leaves the old card, says so, and leads back to the form."""
    customer = shop.customer()
    address = shop.portal(customer)
    bank = shop.post(address, **ASKS).headers["location"]
    answer = shop.post(bank, decision="refuse")
    assert answer.status_code == 402
    assert address in answer.text
    assert shop.default(customer) == "4242"
    assert "setup_intent.setup_failed" in shop.events()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"number": ""}, "number is incomplete"),
        ({"number": "4242424242424241"}, "number is incorrect"),
        ({"number": "4111111111111111"}, "non test card"),
        ({"number": "4000000000000002"}, "was declined"),
        ({"number": "4000000000009995"}, "insufficient funds"),
        ({"expiry": "01/20"}, "in the past"),
        ({"expiry": "13/34"}, "write it as MM/YY"),
        ({"expiry": "x"}, "write it as MM/YY"),
        ({"cvc": "1"}, "security code is incomplete"),
        ({"cvc": "١٢٣"}, "security code is incomplete"),
    ],
)
def test_a_card_that_cannot_be_saved_is_explained(shop: Shop, change: dict[str, str], text: str) -> None:
    """A wrong entry, or a refusal of the bank, shows the form again with the reason; nothing is saved."""
    customer = shop.customer()
    answer = shop.post(shop.portal(customer), **{**GOOD, **change})
    assert answer.status_code == 402
    assert text in answer.text
    assert 'role="alert"' in answer.text
    assert shop.default(customer) == "4242"
    assert len(shop.v1.payment_methods.list({"customer": customer.id}).data) == 1


def test_the_security_code_is_never_shown_again(shop: Shop) -> None:
    """A form that failed comes back with the number, but without the security code."""
    answer = shop.post(shop.portal(shop.customer()), **{**GOOD, "cvc": "98765"})
    assert "4242 4242 4242 4242" in answer.text
    assert "98765" not in answer.text


def test_a_portal_session_runs_out(shop: Shop) -> None:
    """A session that nobody visited is gone after a few minutes, and one in use after an hour; a made-up one never was."""
    customer = shop.customer()
    unvisited, visited = shop.portal(customer), shop.portal(customer)
    assert shop.get(visited).status_code == 200
    shop.pass_seconds(600)
    assert shop.get(unvisited).status_code == 410
    assert shop.post(unvisited, **GOOD).status_code == 410
    assert shop.get(visited).status_code == 200
    shop.pass_seconds(7200)
    assert shop.post(visited, **GOOD).status_code == 410
    assert shop.get(f"{shop.server.address}/pages/portal/made-up").status_code == 410
    assert shop.default(customer) == "4242"


def test_the_portal_without_a_flow_lists_open_invoices(shop: Shop) -> None:
    """A session without a deep link shows what is open, and stays in the portal after a change."""
    customer = shop.customer()
    invoice = shop.invoice(customer)
    address = shop.v1.billing_portal.sessions.create({"customer": customer.id}).url
    assert invoice.hosted_invoice_url in shop.get(address).text
    assert shop.post(address, **GOOD).headers["location"] == address


def test_the_portal_can_thank_by_itself(shop: Shop) -> None:
    """With hosted_confirmation the portal says thank you and offers the way back."""
    answer = shop.post(shop.portal(shop.customer(), "hosted_confirmation"), **GOOD)
    assert answer.status_code == 200
    assert "Thank you" in answer.text
    assert BACK in answer.text


def test_what_the_portal_lacks_is_said(shop: Shop) -> None:
    """A flow that the sandbox has no page for is refused in words, and does nothing."""
    flow = {"type": "customer_update"}
    session = shop.v1.billing_portal.sessions.create({"customer": shop.customer().id, "flow_data": flow})
    assert shop.post(session.url, **GOOD).status_code == 501


def test_the_cards_of_the_world_can_be_typed(tmp_path: Path) -> None:
    """A world's cards are listed under the form and answer as the world says."""
    world = read_world(WORLD)
    with open_shop(tmp_path, world) as shop:
        customer = shop.customer()
        address = shop.portal(customer)
        page = shop.get(address).text
        assert "5555 9900 0000 0000" in page
        assert "strict: declines first (do_not_honor)" in page
        strict = shop.post(address, **{**GOOD, "number": world.cards["strict"].number or ""})
        assert strict.status_code == 402
        assert shop.post(address, **{**GOOD, "number": "5555 9900 0000 0000"}).status_code == 303
        assert shop.default(customer) == "0000"


# -- Checkout ----------------------------------------------------------------------------------------------------------


def _checkout(shop: Shop, customer: str) -> str:
    params = {"mode": "setup", "customer": customer, "currency": "pln", "cancel_url": BACK}
    params["success_url"] = f"{BACK}?session={{CHECKOUT_SESSION_ID}}"
    return str(shop.v1.checkout.sessions.create(params).url)


@pytest.mark.parametrize("asks", [False, True])
def test_checkout_saves_a_card_without_making_it_the_default(shop: Shop, asks: bool) -> None:
    """The card is attached, the session complete and told, the default untouched: that is the company's to set."""
    customer = shop.customer()
    address = _checkout(shop, customer.id)
    answer = shop.post(address, **(ASKS if asks else GOOD))
    if asks:
        assert shop.v1.checkout.sessions.list({"customer": customer.id}).data[0].status == "open"
        answer = shop.post(answer.headers["location"], decision="approve")
    session = shop.v1.checkout.sessions.list({"customer": customer.id}).data[0]
    assert answer.headers["location"] == f"{BACK}?session={session.id}"
    assert session.status == "complete"
    assert "checkout.session.completed" in shop.events()[:5]
    assert len(shop.v1.payment_methods.list({"customer": customer.id}).data) == 2
    assert shop.default(customer) == "4242"
    assert shop.get(address).status_code == 200
    assert "<form" not in shop.get(address).text


def test_a_checkout_can_fail_and_run_out(shop: Shop) -> None:
    """A refused card shows the form again; an expired session takes none; a made-up one never was."""
    customer = shop.customer()
    address = _checkout(shop, customer.id)
    assert shop.post(address, **{**GOOD, "number": "4000000000000002"}).status_code == 402
    assert shop.post(address, **{**GOOD, "number": "4242424242424241"}).status_code == 402
    shop.pass_seconds(90_000)
    assert shop.post(address, **GOOD).status_code == 410
    assert shop.get(f"{shop.server.address}/pages/checkout/made-up").status_code == 404
    assert len(shop.v1.payment_methods.list({"customer": customer.id}).data) == 1


# -- all pages ---------------------------------------------------------------------------------------------------------


def test_every_page_says_what_it_is_and_is_safe(shop: Shop) -> None:
    """Each page is labelled as a stand-in, allows no script and no frame, is not stored, and sends no referrer."""
    customer = shop.customer("pm_card_authenticationRequired")
    invoice = shop.invoice(customer)
    bank = shop.post(invoice.hosted_invoice_url, method="saved").headers["location"]
    addresses = [shop.portal(customer), invoice.hosted_invoice_url, bank, _checkout(shop, customer.id)]
    for address in [*addresses, f"{shop.server.address}/pages/3ds/made-up"]:
        page = shop.get(address)
        policy = page.headers["content-security-policy"]
        assert "stand-in for Stripe's page" in page.text.replace("&#39;", "'")
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in page.text
        assert "style=" not in page.text
    assert shop.get(f"{shop.server.address}/pages/style.css").headers["content-type"].startswith("text/css")


def test_forms_may_lead_back_to_the_company_only(shop: Shop) -> None:
    """The policy lets a form end at the return address of its session and nowhere else."""
    policy = shop.get(shop.portal(shop.customer())).headers["content-security-policy"]
    assert re.search(r"form-action ([^;]*);", policy)[1] == "'self' http://127.0.0.1:9"  # type: ignore[index]


def test_what_customers_wrote_is_text(shop: Shop) -> None:
    """A name or an entry with markup in it is shown as it is, not as markup."""
    customer = shop.v1.customers.create({"name": "<b>Ada</b>"})
    invoice = shop.invoice(customer)
    assert "&lt;b&gt;Ada&lt;/b&gt;" in shop.get(invoice.hosted_invoice_url).text
    answer = shop.post(shop.portal(customer), **{**GOOD, "number": '"><script>'})
    assert "<script" not in answer.text


def test_a_form_that_is_too_large_is_refused(shop: Shop) -> None:
    """A form of more than 16 KB is not read."""
    assert shop.post(shop.portal(shop.customer()), **{**GOOD, "cvc": "1" * 20_000}).status_code == 413


def test_every_form_is_documented(shop: Shop) -> None:
    """The handbook names each address, each field and each value of a field that the pages have."""
    handbook = (ROOT / "docs" / "sandbox-pages.md").read_text()
    folder = ROOT / "recoup" / "sandbox" / "pages"
    markup = "".join(template.read_text() for template in folder.glob("templates/*.html"))
    names = set(re.findall(r'name="(\w+)"', markup)) - {"viewport", "robots"}
    assert names >= {"number", "expiry", "cvc", "method", "code", "decision"}
    values = set(re.findall(r'name="(?:method|decision)" value="(\w+)"', markup))
    paths = {route.path for route in routes(shop.server.sandbox)} - {"/pages/style.css"}
    assert {name for name in names | values | paths if f"`{name}`" not in handbook} == set()
