"""Text messages: what they cost in parts, that Polish goes out in the cheap alphabet, and that no link is ever cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.messages import Company, SmsComposer, sample_facts, usable_number
from recoup.messages.texting import TEXTED, parts, plain
from recoup.rules.case import Template

_ENDS = "Twoj dostep zakonczy sie 11 grudnia 2026."
LINK = "https://pay.northwind.example/u/" + "x" * 96


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
        ("ą" * 70, "UCS-2", 1),
        ("ą" * 71, "UCS-2", 2),
        ("ą" * 134, "UCS-2", 2),
        ("ą" * 135, "UCS-2", 3),
        ("🙂" * 35, "UCS-2", 1),
        ("ą" * 66 + "🙂" + "ą" * 66, "UCS-2", 3),
        ("", "GSM-7", 1),
    ],
)
def test_a_text_is_counted_as_networks_count_it(text: str, encoding: str, count: int) -> None:
    """One part alone is longer than each of several, and what takes two places is not divided between parts."""
    counted = parts(text)
    assert (counted.encoding, counted.count) == (encoding, count)


@given(st.text(max_size=600))
def test_no_text_takes_more_than_its_characters_ask_for(text: str) -> None:
    """A part holds what it can: there are never more parts than with one place in each left unused."""
    counted = parts(text)
    units = (
        sum(2 if each in "\f^{}\\[~]|€" else 1 for each in text)
        if counted.encoding == "GSM-7"
        else len(text.encode("utf-16-be")) // 2
    )
    whole, alone = (153, 160) if counted.encoding == "GSM-7" else (67, 70)
    assert (
        counted.count == 1 if units <= alone else units / whole <= counted.count <= units // (whole - 1) + 1
    )


def test_polish_goes_out_without_its_marks() -> None:
    """Every Polish letter has its plain one; what the alphabet has anyway stays, and what nothing stands for stays too."""
    assert plain("Zażółć gęślą jaźń, ŁÓDŹ") == "Zazolc gesla jazn, LODZ"
    assert plain("café à Köln – 49,00\u00a0€ „tak”") == 'café à Köln - 49,00 € "tak"'
    assert plain("日本") == "日本"


@pytest.mark.parametrize("template", TEXTED)
@pytest.mark.parametrize("locale", ["en", "pl"])
@pytest.mark.parametrize("keep", [False, True])
def test_every_text_fits_and_holds_its_whole_link(template: Template, locale: str, keep: bool) -> None:
    """With a long company's name and a link as long as they are: within four parts, in the cheap alphabet unless asked otherwise."""
    company = Company(name="Northwind Traders of the Western Isles", support="help@northwind.example")
    facts = sample_facts(template, locale).model_copy(update={"update_url": LINK, "company": company})
    text = SmsComposer().text(facts, keep_diacritics=keep, most_parts=4)
    assert text.startswith("Northwind Traders of t...: ")
    assert "\n" not in text
    assert template is Template.RECOVERED or text.endswith(LINK)
    encoding = "UCS-2" if keep and locale == "pl" else "GSM-7"
    assert parts(text).encoding == encoding
    assert keep or parts(text).count <= 2


def test_the_last_notice_names_the_amount_and_the_day() -> None:
    """In both languages, as one would read it."""
    texts = [
        SmsComposer().text(sample_facts(Template.LAST_NOTICE, locale), most_parts=4)
        for locale in ("en", "pl")
    ]
    link = sample_facts(Template.LAST_NOTICE).update_url
    assert texts == [
        f"Northwind: $49.00 is unpaid. Your access ends on December 11, 2026. Pay or change your card: {link}",
        f"Northwind: kwota 49,00 zl nie jest zaplacona. {_ENDS} Zaplac lub zmien karte: {link}",
    ]


def test_what_is_too_long_is_refused_and_never_cut() -> None:
    """A limit that the text does not keep is an error that names both figures."""
    facts = sample_facts(Template.LAST_NOTICE, "pl").model_copy(update={"update_url": LINK})
    with pytest.raises(ValueError, match=r"takes 4 parts in UCS-2, and sms.max_parts allows 3"):
        SmsComposer().text(facts, keep_diacritics=True, most_parts=3)


@pytest.mark.parametrize("text", ["+48 123 456 789", "+48 (123) 456-789", "+48123456789"])
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    """Spaces, brackets and hyphens are left out."""
    assert usable_number(text) == "+48123456789"


@pytest.mark.parametrize(
    "text", ["123456789", "0048123456789", "+0123456789", "+48 12x", "", "+481", "+" + "1" * 16]
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    """Without its country it could be anybody's; the error does not repeat it."""
    with pytest.raises(ValueError, match="not a phone number") as raised:
        usable_number(text)
    assert not text or text not in str(raised.value)
