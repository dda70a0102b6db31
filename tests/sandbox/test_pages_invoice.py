"""The hosted invoice page: what is owed, every way to pay it, and never twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from recoup.sandbox.pages._format import day, money
from tests.sandbox.pages import GOOD, Shop, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A company with a sandbox; every test has a customer of its own."""
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


def test_an_invoice_is_paid_with_a_typed_card(shop: Shop) -> None:
    """Paying makes one charge, the page then says paid, and the customer's default stays what it was."""
    customer = shop.customer("pm_card_mastercard")
    invoice = shop.invoice(customer)
    address = invoice.hosted_invoice_url
    assert "129.00 PLN" in shop.get(address).text
    answer = shop.post(address, method="card", **GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert shop.status(invoice) == "paid"
    assert len(shop.charges(customer)) == 1
    assert shop.default(customer) == "4444"
    page = shop.get(address).text
    assert "This invoice is paid" in page
    assert "<form" not in page


def test_an_invoice_is_never_paid_twice(shop: Shop) -> None:
    """A second post, as of a double click, makes no second charge."""
    customer = shop.customer()
    invoice = shop.invoice(customer)
    for _ in range(3):
        assert shop.post(invoice.hosted_invoice_url, method="card", **GOOD).status_code == 303
    assert len(shop.charges(customer)) == 1


@pytest.mark.parametrize(
    ("currency", "ways"), [("pln", {"blik", "bank_transfer"}), ("eur", {"bank_transfer"}), ("usd", set())]
)
def test_other_ways_to_pay_follow_the_currency(shop: Shop, currency: str, ways: set[str]) -> None:
    """BLIK is offered for złoty, bank transfer for złoty and euro; each that is offered pays, the others do nothing."""
    for way in ("blik", "bank_transfer"):
        customer = shop.customer()
        invoice = shop.invoice(customer, currency)
        offered = f'value="{way}"' in shop.get(invoice.hosted_invoice_url).text
        answer = shop.post(invoice.hosted_invoice_url, method=way, code="123 456")
        assert offered == (way in ways)
        assert answer.status_code == (303 if offered else 402)
        assert shop.status(invoice) == ("paid" if offered else "open")
        assert len(shop.charges(customer)) == int(offered)


def test_a_blik_code_has_six_digits(shop: Shop) -> None:
    """Another code is refused and nothing is paid."""
    invoice = shop.invoice(shop.customer())
    answer = shop.post(invoice.hosted_invoice_url, method="blik", code="12345")
    assert (answer.status_code, shop.status(invoice)) == (402, "open")


def test_a_refused_card_leaves_the_invoice_open(shop: Shop) -> None:
    """A decline on the page shows the bank's reason, one failed charge remains, and another card then pays."""
    customer = shop.customer()
    invoice = shop.invoice(customer)
    answer = shop.post(invoice.hosted_invoice_url, method="card", **{**GOOD, "number": "4000000000009995"})
    assert answer.status_code == 402
    assert "insufficient funds" in answer.text
    assert [charge.outcome.reason for charge in shop.charges(customer, "failed")] == ["insufficient_funds"]
    assert shop.status(invoice) == "open"
    shop.post(invoice.hosted_invoice_url, method="card", **GOOD)
    assert shop.status(invoice) == "paid"


def test_the_card_on_file_is_authenticated_on_the_page(shop: Shop) -> None:
    """A renewal that needs 3-D Secure is paid with the card on file once its owner confirms at the bank."""
    customer = shop.customer("pm_card_authenticationRequired")
    invoice = shop.invoice(customer)
    address = invoice.hosted_invoice_url
    assert "Pay with Visa •••• 3184" in shop.get(address).text
    bank = shop.post(address, method="saved").headers["location"]
    page = shop.get(bank).text
    assert "129.00 PLN" in page
    assert shop.charges(customer) == []
    refused = shop.post(bank, decision="refuse")
    assert (refused.status_code, shop.status(invoice)) == (402, "open")
    bank = shop.post(address, method="saved").headers["location"]
    answer = shop.post(bank, decision="approve")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert shop.status(invoice) == "paid"
    assert len(shop.charges(customer)) == 1


def test_a_bank_is_answered_once(shop: Shop) -> None:
    """A 3-D Secure page that was answered is spent, and says so; an answer that is none changes nothing."""
    customer = shop.customer("pm_card_authenticationRequired")
    bank = shop.post(shop.invoice(customer).hosted_invoice_url, method="saved").headers["location"]
    assert shop.post(bank, decision="perhaps").status_code == 200
    assert shop.charges(customer) == []
    assert shop.post(bank, decision="approve").status_code == 303
    assert shop.post(bank, decision="approve").status_code == 410
    assert len(shop.charges(customer)) == 1


def test_an_invoice_paid_elsewhere_meanwhile_is_not_charged_again(shop: Shop) -> None:
    """While the customer stands at the bank's page the invoice is paid by another way: confirming charges nothing."""
    customer = shop.customer("pm_card_authenticationRequired")
    invoice = shop.invoice(customer)
    bank = shop.post(invoice.hosted_invoice_url, method="saved").headers["location"]
    shop.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    shop.post(bank, decision="approve")
    assert shop.charges(customer) == []


def test_a_void_invoice_cannot_be_paid(shop: Shop) -> None:
    """A voided invoice says that nothing is owed, and takes no money."""
    customer = shop.customer()
    invoice = shop.invoice(customer)
    shop.v1.invoices.void_invoice(invoice.id)
    page = shop.get(invoice.hosted_invoice_url).text
    assert "This invoice was cancelled" in page
    assert "<form" not in page
    shop.post(invoice.hosted_invoice_url, method="card", **GOOD)
    assert (shop.status(invoice), shop.charges(customer)) == ("void", [])


def test_an_invoice_that_was_written_off_can_still_be_paid(shop: Shop) -> None:
    """An uncollectible invoice keeps its page, and paying it there makes it paid."""
    invoice = shop.invoice(shop.customer())
    shop.v1.invoices.mark_uncollectible(invoice.id)
    shop.post(invoice.hosted_invoice_url, method="card", **GOOD)
    assert shop.status(invoice) == "paid"


def test_a_debit_on_its_way_is_not_asked_for_again(shop: Shop) -> None:
    """While a bank debit is processing the page says so and offers no form, and posting one makes no second charge."""
    customer = shop.customer(None)
    debit = shop.v1.payment_methods.create(
        {"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}
    )
    shop.v1.payment_methods.attach(debit.id, {"customer": customer.id})
    invoice = shop.invoice(customer, "eur")
    shop.v1.invoices.pay(invoice.id, {"payment_method": debit.id})
    page = shop.get(invoice.hosted_invoice_url).text
    assert "on its way" in page
    assert "<form" not in page
    assert shop.post(invoice.hosted_invoice_url, method="card", **GOOD).status_code == 402
    assert len(shop.charges(customer, "pending") + shop.charges(customer)) == 1


def test_the_invoice_can_be_kept(shop: Shop) -> None:
    """The address of the PDF shows the invoice without any form."""
    invoice = shop.invoice(shop.customer())
    page = shop.get(invoice.invoice_pdf)
    assert page.status_code == 200
    assert "<form" not in page.text
    assert shop.get(f"{shop.server.address}/pages/invoice/made-up/pdf").status_code == 404


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(12900, "pln", "129.00 PLN"), (123456789, "usd", "1,234,567.89 USD"), (5, "eur", "0.05 EUR"), (500, "jpy", "500 JPY"),
     (1234, "kwd", "1.234 KWD"), (-250, "eur", "-2.50 EUR")],
)  # fmt: skip
def test_amounts_have_the_decimals_of_their_currency(amount: int, currency: str, text: str) -> None:
    """Minor units are written with two, three or no decimals."""
    assert money(amount, currency) == text


def test_days_are_written_out() -> None:
    """A Unix time is shown as a day, and nothing as nothing."""
    assert (day(1_795_500_000), day(None)) == ("24 November 2026", "")
