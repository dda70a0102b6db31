"""The notice in words, from the templates of ``notice/`` and the catalogues, in the customer's language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from recoup.messages import Composer, Language, formatting
from recoup.rules.money import Money
from recoup.rules.notice import NoticeLevel
from recoup.web.notice.reading import Open, Standing

_SPACES = re.compile(r"[ \n]+")
"""Not those that hold an amount and its currency together."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a front end shows."""

    title: str
    text: str
    action: str
    """The button's."""


class NoticeComposer(Composer):
    """Writes notices with the shipped templates and those of the operator's directory."""

    FOLDER = "notice"

    def check(self) -> None:
        """Write every notice in every language once, so that mistakes show before they matter; raises as :meth:`words`."""
        for name in self.languages.names:
            language = self.languages.choose(name, name)
            for level in NoticeLevel:
                self.words(Standing((_sample(level),)), language, "UTC")

    def words(self, standing: Standing, language: Language, zone: str) -> Words:
        """The words; empty ones where there is nothing to tell.

        Raises:
            ConfigurationError: a template that cannot be filled in, with its file and line.
            ValueError: a currency whose minor unit is unknown.
        """
        if standing.level is NoticeLevel.NONE:
            return Words("", "", "")
        ends = standing.suspend_at
        values = {
            "level": standing.level.value,
            "total": formatting.amounts(standing.totals, language.locale),
            "suspend_on": formatting.long_date(formatting.local_date(ends, zone), language.locale)
            if ends
            else None,
        }
        parts = [
            _SPACES.sub(" ", self.fill(f"{name}.txt.j2", language, values)).strip()
            for name in ("title", "text", "action")
        ]
        return Words(*parts)


def _sample(level: NoticeLevel) -> Open:
    return Open(
        invoice="in_1",
        number="ACME-1",
        subscription="sub_1",
        due=Money(amount=4900, currency="eur"),
        level=level,
        suspend_at=datetime(2026, 12, 13, 9, tzinfo=UTC),
    )
