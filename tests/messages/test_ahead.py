"""Messages before anything fails: the card, the payment to come, the link; never a debt, never more than is known."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.messages import AHEAD, CardOnFile, MessageFacts, compose, sample_facts
from recoup.rules.case import Template
from tests.messages.test_compose import LOCALES, Page, every, squeezed

AHEAD_IN_ORDER = sorted(AHEAD)


def changed(template: Template, locale: str = "en", **fields: Any) -> MessageFacts:
    """Sample facts with some fields replaced, checked anew."""
    return MessageFacts.model_validate({**dict(sample_facts(template, locale)), **fields})


@pytest.mark.parametrize(("template", "locale"), every(AHEAD_IN_ORDER, LOCALES))
def test_what_a_message_ahead_holds(template: Template, locale: str) -> None:
    """The card, the amount and the day of the payment to come, one button to the update link, and where to ask."""
    given = sample_facts(template, locale)
    written = compose(given)
    page = Page(written.html)
    amount = {"en": "$49.00", "pl": "49,00\u00a0zł"}[locale]
    for needed in (
        "Visa\u00a0••••\u00a04242",
        amount,
        {"en": "December 20, 2026", "pl": "20 grudnia 2026"}[locale],
    ):
        assert needed in squeezed(written.text)
        assert needed in squeezed(page.text)
    buttons = [a["href"] for tag, a in page.tags if tag == "a" and a.get("class") == "button"]
    assert buttons == [given.update_url]
    assert given.update_url in written.text.split()
    assert f"mailto:{given.company.support}" in page.links()
    assert "None" not in written.text + written.html


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("known", [{"due": None}, {"description": None}, {"due": None, "description": None}])
def test_what_is_not_known_is_not_said(locale: str, known: dict[str, None]) -> None:
    """A payment whose amount depends on use, or without a name, is told by its day alone."""
    payment = sample_facts(Template.CARD_EXPIRING, locale).next_payment
    assert payment is not None
    written = compose(changed(Template.CARD_EXPIRING, locale, next_payment=payment.model_copy(update=known)))
    assert "None" not in written.text + written.html
    assert "2026" in written.text
    shown = {"due": "49", "description": "Team plan"}
    assert not [
        word for name, word in shown.items() if name in known and word in written.text.split("http")[0]
    ]
    compose(changed(Template.CARD_REFRESH, locale, next_payment=None))


def test_the_month_is_told_as_the_language_has_it() -> None:
    """Polish puts the month into the genitive; a month that is over is told as past, from the subject on."""
    assert "ważna do końca listopada\u00a02026" in squeezed(
        compose(sample_facts(Template.CARD_EXPIRING, "pl")).text
    )
    past = CardOnFile(brand="amex", last4="0005", exp_year=2026, exp_month=10)
    written = compose(changed(Template.CARD_EXPIRING, card=past))
    assert written.subject == "Your card has expired before your next payment to Northwind"
    assert "American\u00a0Express\u00a0••••\u00a00005, was valid to the end of October\u00a02026" in squeezed(
        written.text
    )


@pytest.mark.parametrize("field", ["brand", "last4"])
@pytest.mark.parametrize("template", AHEAD_IN_ORDER)
def test_markup_in_a_cards_words_is_text(template: Template, field: str) -> None:
    """What comes from outside is escaped in the HTML part here too."""
    card = CardOnFile(brand="visa", last4="4242", exp_year=2026, exp_month=11)
    written = compose(changed(template, card=card.model_copy(update={field: "<script>x</script>"})))
    assert "<script" not in written.html.lower()


def test_a_card_without_any_word_is_still_a_card() -> None:
    """Without network and digits the message reads all the same."""
    card = CardOnFile(exp_year=2026, exp_month=11)
    assert "•••" in compose(changed(Template.CARD_REFRESH, card=card)).text
