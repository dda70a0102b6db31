"""The written messages: their texts as snapshots, and what must hold for every one of them.

After a wanted change of a text: ``UPDATE_SNAPSHOTS=1 pytest tests/messages/test_compose.py``, and read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

from recoup.messages import (
    AHEAD,
    Composed,
    Mailbox,
    MessageFacts,
    Reason,
    build_mime,
    compose,
    formatting,
    reason_for,
    sample_facts,
)
from recoup.messages.localisation import Languages
from recoup.messages.samples import WRITTEN_AT
from recoup.rules.case import Template
from recoup.rules.codes import CODES
from recoup.rules.declines import Decline
from recoup.rules.money import Money, totals

SNAPSHOTS = Path(__file__).parent / "snapshots"
LOCALES = ("en", "pl")
DEBTS = [template for template in Template if template not in AHEAD]
ASKING = [template for template in DEBTS if template is not Template.RECOVERED]
FORBIDDEN = re.compile(
    r"stolen|\blost\b|fraud|theft|suspici|suspect|skradzi|kradzie|oszust|zgubion|utracon|podejrz|wyłudz",
    re.IGNORECASE,
)


def every(*choices: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Every combination of the choices."""
    return list(product(*choices))


def facts(template: Template, sample: str = "en", /, **fields: Any) -> MessageFacts:
    """Sample facts with some fields replaced."""
    return MessageFacts.model_validate({**dict(sample_facts(template, sample)), **fields})


def several(template: Template, count: int, locale: str) -> MessageFacts:
    """Facts about so many open invoices."""
    first = sample_facts(template, locale).items[0]
    items = tuple(
        first.model_copy(update={"number": f"NW-{n}", "pay_url": f"https://invoice.stripe.com/i/{n}"})
        for n in range(1, count + 1)
    )
    return facts(template, locale, items=items)


class Page(HTMLParser):
    """What an HTML part holds: its tags with their attributes, and its readable text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._text: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("p", "div", "td", "tr", "h1", "br"):
            self._text.append("\n")
        self._hidden = tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._text).split(" ")).replace("\n", " ")

    def links(self) -> list[str]:
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a"]


def squeezed(text: str) -> str:
    """The text with every run of spaces and line breaks as one space."""
    return re.sub(r"[ \n]+", " ", text).strip()


@pytest.mark.parametrize(("template", "locale"), every(Template, LOCALES))
def test_the_text_part_reads_as_reviewed(template: Template, locale: str) -> None:
    """Subject and text of every message in every language are exactly those that people have read and approved."""
    written = compose(sample_facts(template, locale))
    shown = f"Subject: {written.subject}\n\n{written.text}".replace("\u00a0", "~")
    path = SNAPSHOTS / f"{template.value}.{locale}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(shown)
    assert shown == path.read_text()


@pytest.mark.parametrize(("template", "locale"), every(DEBTS, LOCALES))
def test_several_invoices_read_as_reviewed(template: Template, locale: str) -> None:
    """The same for a message that covers three open invoices."""
    written = compose(several(template, 3, locale))
    shown = f"Subject: {written.subject}\n\n{written.text}".replace("\u00a0", "~")
    path = SNAPSHOTS / f"{template.value}.three.{locale}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(shown)
    assert shown == path.read_text()


@pytest.mark.parametrize(
    ("template", "locale", "currency"),
    every(DEBTS, ("en", "en-GB", "pl"), ("pln", "usd", "eur", "gbp", "jpy", "kwd", "isk", "chf")),
)
def test_every_currency_is_told_in_both_parts(template: Template, locale: str, currency: str) -> None:
    """The amount owed stands, written as in the reader's language, in the text and in the HTML."""
    due = Money(amount=123450, currency=currency)
    item = sample_facts(template).items[0].model_copy(update={"due": due})
    written = compose(facts(template, locale, items=(item,)))
    shown = formatting.amount(due, Languages().choose(locale, "en").locale)
    assert shown in written.text
    assert shown in Page(written.html).text


@pytest.mark.parametrize(("template", "locale", "reason"), every(Template, LOCALES, Reason))
def test_text_and_html_say_the_same(template: Template, locale: str, reason: Reason) -> None:
    """Each paragraph of the text part stands word for word in the HTML part, and its sentences apart from each other."""
    written = compose(facts(template, locale, reason=reason))
    page = squeezed(Page(written.html).text)
    for paragraph in written.text.split("\n\n"):
        words = squeezed(paragraph).removeprefix("-- ")
        if "http" not in words and not paragraph.startswith(("Invoice", "Faktura")):
            for sentence in re.split(r"(?<=[.!?]) (?=[A-ZŚ])", words):
                assert sentence in page
    assert re.findall(r"\w+[.!?][A-ZŚŻŁ]\w*", page) == []


@pytest.mark.parametrize(("template", "locale", "name"), every(ASKING, LOCALES, ("Anna Nowak", None)))
def test_what_a_message_must_hold(template: Template, locale: str, name: str | None) -> None:
    """Every message that asks for money holds the update link, the second way to pay, and where to ask."""
    given = facts(template, locale, customer_name=name)
    written = compose(given)
    links = Page(written.html).links()
    for needed in (given.update_url, given.items[0].pay_url):
        assert needed in links
        assert needed in written.text.split()
    assert f"mailto:{given.company.support}" in links
    assert given.company.support in written.text
    assert "None" not in written.text + written.html


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", [Template.PAYMENT_FAILED, Template.AUTHENTICATION_NEEDED])
def test_the_first_message_tells_what_why_and_when(template: Template, locale: str) -> None:
    """It says what failed, why, what is owed, and on which day access would be suspended."""
    text = squeezed(compose(facts(template, locale, timezone="Europe/Warsaw")).text)
    what = {"en": ("November 20, 2026", "$49.00", "December 11, 2026 (Friday)", "suspended", "Your bank")}
    what["pl"] = ("20 listopada 2026", "49,00\u00a0zł", "11 grudnia 2026 (piątek)", "zawieszony", "Bank")
    for words in ("Team plan, monthly", *what[locale]):
        assert words in text


def test_a_message_has_one_button() -> None:
    """Exactly one button leads to the update link; for a confirmation it leads to the invoice, where confirming happens."""
    for template in ASKING:
        given = sample_facts(template)
        buttons = [
            a["href"]
            for tag, a in Page(compose(given).html).tags
            if tag == "a" and a.get("class") == "button"
        ]
        confirm = template is Template.AUTHENTICATION_NEEDED
        assert buttons == [given.items[0].pay_url if confirm else given.update_url]


@pytest.mark.parametrize("template", ASKING)
def test_without_a_hosted_invoice_the_update_link_is_the_way(template: Template) -> None:
    """An invoice without a page of its own leaves the update link, and promises no second way."""
    item = sample_facts(template).items[0].model_copy(update={"pay_url": None})
    written = compose(facts(template, items=(item,)))
    assert Page(written.html).links()[0] == sample_facts(template).update_url
    assert "two ways" not in written.text
    assert "another" not in written.text.replace("another card or payment method usually works", "")


@pytest.mark.parametrize(("template", "locale"), every(Template, LOCALES))
def test_nothing_is_loaded_from_elsewhere(template: Template, locale: str) -> None:
    """No image, style sheet, font, script or form: opening a message tells nobody and runs nothing."""
    html = compose(sample_facts(template, locale)).html
    page = Page(html)
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"img", "link", "script", "iframe", "object", "form", "video"}
    )
    assert all(not {"src", "background", "srcset"} & set(attrs) for _, attrs in page.tags)
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize(("template", "locale"), every(DEBTS, LOCALES))
def test_a_message_stays_small(template: Template, locale: str) -> None:
    """However many invoices are open, and with the addresses that Stripe gives them, the whole mail stays below 100 KB."""
    given = several(template, 112, locale)
    long = {
        "description": "Zażółć <gęślą> jaźń " * 12,
        "pay_url": "https://invoice.stripe.com/i/" + "x" * 190,
    }
    items = tuple(item.model_copy(update=long) for item in given.items)
    mime = build_mime(
        compose(given.model_copy(update={"items": items})),
        sender=Mailbox(name="Northwind", address="billing@northwind.example"),
        recipient="anna@customer.example",
        message_id="<1@northwind.example>",
        date=WRITTEN_AT,
    )
    assert len(mime) < 100_000


@pytest.mark.parametrize(
    ("locale", "count", "line"),
    [
        ("en", 21, "and 1 more invoice, $2.00"),
        ("en", 22, "and 2 more invoices, together $2.00 and €1.00"),
        ("en", 112, "and 92 more invoices, together $92.00 and €46.00"),
        ("pl", 21, "i jeszcze 1 faktura, 2,00 USD"),
        ("pl", 22, "i jeszcze 2 faktury, razem 2,00 USD i 1,00 €"),
        ("pl", 25, "i jeszcze 5 faktur, razem 6,00 USD i 2,00 €"),
    ],
)
def test_what_is_not_listed_is_counted(locale: str, count: int, line: str) -> None:
    """Twenty invoices are listed, the rest in one line with its own totals; the total of the mail is over all of them."""
    given = several(Template.REMINDER, count, locale)
    dues = [Money(amount=100, currency="eur"), Money(amount=200, currency="usd")]
    items = tuple(item.model_copy(update={"due": dues[n % 2 == 0]}) for n, item in enumerate(given.items))
    written = compose(given.model_copy(update={"items": items}))
    all_of_it = formatting.amounts(totals(item.due for item in items), Locale(locale))
    for part in (written.text, Page(written.html).text):
        text = squeezed(part.replace("\u00a0", " "))
        assert line in text
        assert all_of_it.replace("\u00a0", " ") in text.split(line)[1]
        assert "NW-20" in text
        assert "NW-21" not in text
    assert str(given.update_url) in written.text.split(line.split(",", maxsplit=1)[0])[1]


def test_a_last_notice_lists_what_ends_first() -> None:
    """With more invoices than are listed, the message's own comes first, then those whose access ends first; of the rest the first day is told."""
    given = several(Template.LAST_NOTICE, 30, "en")
    items = tuple(
        item.model_copy(update={"suspend_on": WRITTEN_AT + timedelta(days=60 - n)})
        for n, item in enumerate(given.items)
    )
    text = compose(given.model_copy(update={"items": items})).text
    listed = re.findall(r"Invoice (NW-\d+)", text)
    assert listed == ["NW-1", *(f"NW-{n}" for n in range(30, 11, -1))]
    assert "Access until January 9, 2027 at least" in text.split("10 more invoices")[1]


def test_thanks_lead_to_no_page() -> None:
    """Of what is paid nothing is open any more, so that a thank-you with many invoices sends nobody to the page."""
    assert "See all of them" not in compose(several(Template.RECOVERED, 30, "en")).text


@pytest.mark.parametrize("locale", LOCALES)
def test_no_decline_lets_a_forbidden_word_through(locale: str) -> None:
    """For every decline code there is, no message speaks of theft, loss, fraud or suspicion."""
    for reason in {reason_for(Decline(code=code, kind=kind)) for code in CODES for kind in (None, "blocked")}:
        for template in Template:
            written = compose(facts(template, locale, reason=reason))
            assert not FORBIDDEN.search(written.subject + written.text + Page(written.html).text)


@pytest.mark.parametrize("field", ["customer_name", "company", "description", "number"])
@pytest.mark.parametrize("template", DEBTS)
def test_html_from_outside_is_shown_as_text(template: Template, field: str) -> None:
    """Markup in a name, a plan or an invoice number is escaped wherever it appears in the HTML part."""
    attack = "<script>alert(1)</script>\"'><b>"
    given = sample_facts(template)
    item = given.items[0].model_copy(update={field: attack} if field in ("description", "number") else {})
    company = given.company.model_copy(update={"name": attack} if field == "company" else {})
    name = attack if field == "customer_name" else "Anna"
    written = compose(facts(template, items=(item,), company=company, customer_name=name))
    assert "<script" not in written.html
    assert "<b>" not in written.html
    assert "&lt;script&gt;" in written.html
    if field in ("customer_name", "company"):
        assert attack in written.text.replace("\n", " ")


def test_template_code_from_outside_is_not_run() -> None:
    """Jinja syntax in a plan's name is text."""
    item = sample_facts(Template.REMINDER).items[0].model_copy(update={"description": "{{ 7 * 7 }}%(x)s"})
    assert "{{ 7 * 7 }}%(x)s" in compose(facts(Template.REMINDER, items=(item,))).text


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (2, "2 płatności na rzecz Northwind nie doszły"),
        (5, "5 płatności na rzecz Northwind nie doszło"),
        (22, "22 płatności na rzecz Northwind nie doszły"),
    ],
)
def test_polish_plurals_of_payments(count: int, words: str) -> None:
    """Two, five and twenty-two payments take their own Polish forms."""
    assert words in squeezed(compose(several(Template.PAYMENT_FAILED, count, "pl")).text)


@pytest.mark.parametrize(
    ("days", "en", "pl"),
    [
        (0, "suspended today, on", "dzisiaj, w dniu"),
        (1, "suspended tomorrow, on", "jutro, w dniu"),
        (2, ", in 2\u00a0days.", ", za 2\u00a0dni."),
        (5, ", in 5\u00a0days.", ", za 5\u00a0dni."),
        (22, ", in 22\u00a0days.", ", za 22\u00a0dni."),
    ],
)
def test_the_last_notice_counts_the_days(days: int, en: str, pl: str) -> None:
    """The last notice says how far away the day is, in words."""
    moments = {"written_at": WRITTEN_AT, "suspend_on": WRITTEN_AT + timedelta(days=days)}
    assert en in squeezed(compose(facts(Template.LAST_NOTICE, "en", **moments)).text)
    assert pl in squeezed(compose(facts(Template.LAST_NOTICE, "pl", **moments)).text)


def test_days_are_those_of_the_customers_calendar() -> None:
    """An hour before midnight in Warsaw, the next hour is tomorrow there, and still today in London."""
    late = WRITTEN_AT.replace(hour=22, minute=30)
    moments = {"written_at": late, "suspend_on": late + timedelta(hours=1)}
    assert "tomorrow, on November 21" in squeezed(
        compose(
            facts(
                Template.LAST_NOTICE,
                timezone="Europe/Warsaw",
                written_at=late,
                suspend_on=late + timedelta(minutes=45),
            )
        ).text
    )
    assert "today, on November 20" in squeezed(
        compose(facts(Template.LAST_NOTICE, timezone="Europe/London", **moments)).text
    )


@pytest.mark.parametrize(
    ("locale", "language", "words"),
    [
        ("pl", "pl", "Dzień dobry"),
        ("pl-PL", "pl-PL", "Dzień dobry"),
        ("PL_pl", "pl-PL", "Dzień dobry"),
        ("en-GB", "en-GB", "Hello"),
        ("de", "en", "Hello"),
        (None, "en", "Hello"),
        ("../../etc/passwd", "en", "Hello"),
    ],
)
def test_the_customers_locale_decides(locale: str | None, language: str, words: str) -> None:
    """The customer's language where we speak it, with its region; the default otherwise."""
    written = compose(facts(Template.REMINDER, "en", locale=locale))
    assert written.text.startswith(words)
    assert written.language == language
    assert f'<html lang="{written.language}">' in written.html


def test_an_unknown_currency_is_one_sentence() -> None:
    """A currency Stripe does not have stops the message with a sentence that names it."""
    item = (
        sample_facts(Template.REMINDER).items[0].model_copy(update={"due": Money(amount=1, currency="xyz")})
    )
    with pytest.raises(ValueError, match="'xyz'"):
        compose(facts(Template.REMINDER, items=(item,)))


def test_a_restored_access_is_told() -> None:
    """A thank-you after a suspension says that the access is back; one before says that it goes on."""
    back: Composed = compose(facts(Template.RECOVERED, access_restored=True))
    assert "is back" in back.text
    assert "goes on without interruption" in squeezed(compose(facts(Template.RECOVERED)).text)
