"""The customers' browser reads forms as a real one would, and says where it is stuck."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from recoup.demo._forms import read_page
from recoup.demo.browsing import Browser, CardInHand, Stuck

PAGE = """
<a href="/elsewhere">there</a>
<form method="post" action="pay"><input type="hidden" name="method" value="card">
<input name="number"><input name="expiry"><input name="cvc"><button type="submit">Pay</button></form>
"""
BANK = """
<form method="post"><button name="decision" value="approve">Yes</button><button name="decision" value="refuse">No</button></form>
"""
CARD = CardInHand("4242424242424242", 7, 2031)


def test_forms_and_links_are_read() -> None:
    """Addresses are made whole, hidden values are kept, named buttons are known with their values."""
    page = read_page("http://localhost/a/b", PAGE + BANK)
    assert page.links == ["http://localhost/elsewhere"]
    card, bank = page.forms
    assert (card.action, card.method) == ("http://localhost/a/pay", "post")
    assert card.filled(CARD.fields) == {
        "method": "card",
        "number": CARD.number,
        "expiry": "07 / 31",
        "cvc": "123",
    }
    assert bank.action == "http://localhost/a/b"
    assert page.form_with("decision", "approve") is bank
    assert page.form_with("method", "saved") is None
    with pytest.raises(LookupError, match="code"):
        card.filled({"code": "1"})


async def test_a_page_without_the_form_is_said(httpserver: HTTPServer) -> None:
    """Where a page offers no way on, the customer is stuck, and no secret of the address is told."""
    httpserver.expect_request("/u/secret-token").respond_with_data("<p>Nothing here</p>")
    async with Browser() as browser:
        with pytest.raises(Stuck) as stuck:
            await browser.change_card(httpserver.url_for("/u/secret-token"), CARD)
    assert "secret-token" not in str(stuck.value)


async def test_a_declined_card_is_said(httpserver: HTTPServer) -> None:
    """A card form that comes back means that the bank said no."""
    httpserver.expect_request("/i").respond_with_data(PAGE)
    httpserver.expect_request("/pay").respond_with_data(PAGE, status=402)
    async with Browser() as browser:
        with pytest.raises(Stuck, match="not accepted"):
            await browser.pay_with_card(httpserver.url_for("/i"), CARD)


async def test_people_come_back_when_a_page_is_away(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that cannot be shown just now is opened again."""
    monkeypatch.setattr("recoup.demo.browsing._PAUSE_SECONDS", 0.0)
    httpserver.expect_ordered_request("/u/x").respond_with_data("later", status=503)
    httpserver.expect_ordered_request("/u/x").respond_with_data(PAGE)
    async with Browser() as browser:
        assert len((await browser.open(httpserver.url_for("/u/x"))).forms) == 1


WAYS = '<a href="/u/x/promise">A few more days</a><a href="/u/x/cancel">Cancel</a>'
PROMISE = """
<form method="post" action="/u/x/promise"><input type="radio" name="days" value="1"><input type="radio" name="days" value="2">
<input type="radio" name="days" value="3"><button type="submit">Promise</button></form>
"""
CANCEL = """
<form method="post" action="/u/x/cancel"><input type="radio" name="subscription" value="sub_1">
<input type="radio" name="subscription" value="all"><button type="submit">Yes</button></form>
"""


async def test_a_promise_and_a_cancellation_are_sent_from_the_page(httpserver: HTTPServer) -> None:
    """The day that is meant is chosen, of several subscriptions all; a day that is not offered leaves the customer stuck."""
    httpserver.expect_request("/u/x").respond_with_data(WAYS)
    sent: list[str] = []

    def take(request: Request) -> Response:
        sent.append(request.get_data(as_text=True))
        return Response("done")

    for topic, form in (("promise", PROMISE), ("cancel", CANCEL)):
        httpserver.expect_request(f"/u/x/{topic}", method="GET").respond_with_data(form)
        httpserver.expect_request(f"/u/x/{topic}", method="POST").respond_with_handler(take)
    async with Browser() as browser:
        await browser.promise(httpserver.url_for("/u/x"), 2)
        await browser.cancel(httpserver.url_for("/u/x"))
        with pytest.raises(Stuck, match="no form with days 7"):
            await browser.promise(httpserver.url_for("/u/x"), 7)
    assert sent == ["days=2", "subscription=all"]


async def test_a_page_that_offers_no_way_out_is_said(httpserver: HTTPServer) -> None:
    """Where the update page has no such way, the customer is stuck."""
    httpserver.expect_request("/u/x").respond_with_data(PAGE)
    async with Browser() as browser:
        with pytest.raises(Stuck, match="no way to cancel"):
            await browser.cancel(httpserver.url_for("/u/x"))
