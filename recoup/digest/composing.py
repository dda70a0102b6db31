"""What the digest says, and the mail that says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import recoup
from recoup import figures
from recoup.clock import Clock
from recoup.digest.week import Count, Week, count, last_whole_week, week_of
from recoup.figures import Figures, Selection
from recoup.figures.debts import End
from recoup.figures.keeping import facts_of
from recoup.figures.wording import Words, headline
from recoup.ledger import Ledger
from recoup.messages import Composed, Language, Languages
from recoup.messages.formatting import long_date

TEMPLATES = Path(recoup.__file__).parent / "templates" / "digest"
LOOKS_BACK = timedelta(days=365)
"""Over so long a time the rates of the digest are worked out."""


@dataclass(frozen=True)
class Digest:
    """What the mail says."""

    week: Week
    before: Week
    """The week before it."""
    open: Count
    waiting: int
    """So many cases need a person now."""
    figures: Figures
    """Of the failures of a year."""


def gather(ledger: Ledger, clock: Clock) -> Digest:
    """The newest whole week, and how things stand now."""
    now = clock.now()
    since, until = last_whole_week(now)
    made = figures.of(ledger, Selection(now=now, since=now - LOOKS_BACK))
    tests = ledger.before_recoup.known().tests
    facts = facts_of(ledger, Selection(now=now), whole=True).without(tests)
    return Digest(
        week=week_of(facts, since, until),
        before=week_of(facts, since - timedelta(days=7), since),
        open=count(facts, facts.ended(End.OPEN)),
        waiting=ledger.browsing.waiting(),
        figures=made,
    )


def compose(digest: Digest, languages: Languages, language: Language, address: str) -> Composed:
    """The mail: text and HTML; ``address`` leads to the console."""
    texts = languages.translations(language.catalogue)
    words = Words(language.locale, texts.gettext("not enough data"))
    last = digest.week.until - timedelta(days=1)
    days = [long_date(day.date(), language.locale) for day in (digest.week.since, last)]
    title = texts.gettext("Recovery of failed payments: the week")
    values: dict[str, Any] = {
        "digest": digest,
        "language": language.tag,
        "title": title,
        "period": " – ".join(days),
        "monies": words.monies,
        "headline": headline(digest.figures, words),
        "estimated": words.percent(digest.figures.recovery_rate.estimated.by_day[28]),
        "address": address,
    }

    def made(name: str) -> str:
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(TEMPLATES),
            extensions=["jinja2.ext.i18n"],
            undefined=StrictUndefined,
            autoescape=name.endswith(".html.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
        return environment.get_template(name).render(values)

    subject = f"{title}, {' – '.join(days)}"
    return Composed(
        subject=subject, text=made("digest.txt.j2"), html=made("digest.html.j2"), language=language.tag
    )
