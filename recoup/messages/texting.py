"""Text messages: written from templates, in the alphabet that phones take cheapest, and counted in parts.

An SMS has 160 characters of the GSM 7-bit alphabet, or 70 of UCS-2 where a single one is not in it; a longer text goes out in
parts of 153, or 67 (3GPP TS 23.038, 6.2.1, and TS 23.040, 9.2.3.24.1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from recoup.errors import ConfigurationError
from recoup.messages._view import variables
from recoup.messages.compose import Composer
from recoup.messages.facts import AHEAD, MessageFacts
from recoup.messages.samples import sample_facts
from recoup.rules.base import Frozen
from recoup.rules.case import Template

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two of the 7-bit characters each; they are not divided between parts."""

_INSTEAD = str.maketrans(
    {"ł": "l", "Ł": "L", "\u00a0": " ", "\u202f": " ", "’": "'", "‘": "'", "„": '"', "”": '"', "“": '"', "–": "-", "—": "-", "…": "..."}
)  # fmt: skip
MOST_OF_A_NAME = 25
"""So much of the company's name is written; only that is ever shortened."""


class Parts(Frozen):
    """How a text goes out."""

    encoding: Literal["GSM-7", "UCS-2"]
    count: int


def parts(text: str) -> Parts:
    """In which alphabet a text goes out, and in how many parts."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        sizes: list[int] = [2 if character in _EXTENDED else 1 for character in text]
        return Parts(encoding="GSM-7", count=_count(sizes, 160, 153))
    return Parts(encoding="UCS-2", count=_count([len(c.encode("utf-16-be")) // 2 for c in text], 70, 67))


def _count(sizes: Sequence[int], alone: int, together: int) -> int:
    if sum(sizes) <= alone:
        return 1
    count, left = 1, together
    for size in sizes:
        if size > left:
            count, left = count + 1, together
        left -= size
    return count


def plain(text: str) -> str:
    """The same text in the GSM alphabet as far as it goes: ``zażółć`` is ``zazolc``; what is in the alphabet stays."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    other = character.translate(_INSTEAD)
    if other != character:
        return other
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each)
    )
    return bare if bare and all(each in _BASIC for each in bare) else character


class SmsComposer(Composer):
    """Writes text messages with the templates of ``sms/``, shipped or the operator's own."""

    FOLDER = "sms"

    def text(self, facts: MessageFacts, *, keep_diacritics: bool = False, most_parts: int) -> str:
        """The message in the customer's language, on one line, with its whole link.

        Raises:
            ConfigurationError: a template that cannot be filled in, with its file and line.
            ValueError: it takes more than ``most_parts`` parts. No word and no link is ever cut.
        """
        language = self.languages.choose(facts.locale, self.default)
        values = variables(facts, language.locale)
        values["company"] = _shortened(facts.company.name)
        written = self.fill(f"{facts.template.value}.txt.j2", language, values)
        text = re.sub(r"\s+", " ", written.translate({0xA0: " ", 0x202F: " "})).strip()
        text = text if keep_diacritics else plain(text)
        if (counted := parts(text)).count > most_parts:
            raise ValueError(
                f"the text message takes {counted.count} parts in {counted.encoding}, and sms.max_parts allows {most_parts}"
            )
        if (
            facts.update_url is not None
            and facts.template is not Template.RECOVERED
            and facts.update_url not in text
        ):
            raise ConfigurationError(
                f"The template sms/{facts.template}.txt.j2 must hold the whole update_url"
            )
        return text

    def check_texts(self, templates: Iterable[Template], *, keep_diacritics: bool, most_parts: int) -> None:
        """Write each of these in every language once, so that mistakes show before they matter; raises as :meth:`text`."""
        for catalogue in self.languages.names:
            for template in templates:
                self.text(
                    sample_facts(template, catalogue), keep_diacritics=keep_diacritics, most_parts=most_parts
                )


TEXTED = tuple(template for template in Template if template not in AHEAD)
"""What there are text messages for: what a case says."""


def _shortened(name: str) -> str:
    return name if len(name) <= MOST_OF_A_NAME else name[: MOST_OF_A_NAME - 3].rstrip() + "..."
