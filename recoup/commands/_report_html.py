"""A report as one page that needs nothing from elsewhere, in the reader's language, to be read and printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import recoup
from recoup.errors import ConfigurationError
from recoup.figures import Estimate, Figure, Figures, NotEnough
from recoup.figures.costs import Cost
from recoup.figures.definitions import DEFINITIONS
from recoup.messages import Language, Languages
from recoup.messages.formatting import amount
from recoup.rules.money import Money
from recoup.web.charts import Bar, curve, stacked_bars
from recoup.web.drawn import cohort_bars, lost, recovery_points

TEMPLATES = Path(recoup.__file__).parent / "templates" / "report"


def write_html(made: Figures, path: Path, wanted: str) -> None:
    """Write the page.

    Raises:
        ConfigurationError: there is no such language, or the file cannot be written.
    """
    languages = Languages()
    if wanted not in languages.names:
        raise ConfigurationError(f"--language {wanted}: there are {', '.join(languages.names)}")
    html = as_html(made, languages, languages.choose(wanted, "en"))
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--html {path}: cannot be written ({error.strerror})") from None


def as_html(made: Figures, languages: Languages, language: Language) -> str:
    """The page."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = languages.translations(language.catalogue)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    said = Words(language.locale, texts.gettext("not enough data"))
    return environment.get_template("report.html.j2").render(
        language=language.tag,
        period=said.period(made),
        headline=headline(made, said),
        percent=said.percent,
        number=said.number,
        money=said.money,
        monies=said.monies,
        value=said.value,
        price=said.price,
        lost=lost,
        **_parts(made),
    )


def _parts(made: Figures) -> dict[str, Any]:
    recovery = made.recovery_rate
    churn = None if isinstance(made.involuntary_churn, NotEnough) else made.involuntary_churn
    return {
        "definitions": DEFINITIONS,
        "recovery": recovery,
        "why": made.causes,
        "times": made.time_to_recover,
        "churn": churn,
        "worth": None if isinstance(made.lifetime_value, NotEnough) else made.lifetime_value,
        "tries": made.attempts,
        "declines": made.declines,
        "funnel": made.funnel,
        "costs": made.costs,
        "curve": curve,
        "stacked_bars": stacked_bars,
        "recovery_points": recovery_points(recovery),
        "cohort_bars": cohort_bars(recovery),
        "churn_bars": [Bar(each.month, (each.unpaid,)) for each in churn.months] if churn else [],
    }


def headline(made: Figures, said: Words) -> str:
    """The part recovered within 28 days, of the newest month all of which has had them."""
    mature = made.recovery_rate.last_mature
    if mature is None:
        return said.nothing
    found = next(each for each in mature.within if each.days == 28)
    return f"{said.percent(found.rate)} · {mature.month}"


class Words:
    """Figures, money and days as a language writes them."""

    def __init__(self, locale: Locale, nothing: str) -> None:
        self._locale = locale
        self.nothing = nothing

    def percent(self, figure: Figure) -> str:
        """A rate with its interval and number."""
        return self._with_interval(figure, lambda value: str(format_percent(value, "0.0 %", self._locale)))

    def number(self, figure: Figure, digits: int = 1) -> str:
        """Another figure with its interval and number."""
        form = "#,##0." + "0" * digits
        return self._with_interval(figure, lambda value: str(format_decimal(value, form, self._locale)))

    def value(self, figure: Figure, currency: str) -> str:
        """An amount of money with its interval and number."""
        return self._with_interval(figure, lambda value: self.money(round(value), currency))

    def money(self, minor: int, currency: str) -> str:
        """An amount of minor units."""
        return amount(Money(amount=minor, currency=currency), self._locale)

    def monies(self, monies: Iterable[Money]) -> str:
        """Amounts of several currencies."""
        return ", ".join(amount(money, self._locale) for money in monies) or "–"

    def price(self, cost: Cost, currency: str | None) -> str:
        """What it cost, finer than a minor unit where the prices are."""
        if isinstance(cost.cost, NotEnough) or currency is None:
            return "–"
        return f"{format_decimal(cost.cost, '#,##0.00##', self._locale)} {currency.upper()}"

    def period(self, made: Figures) -> str:
        """The time and the choice."""
        period = made.period
        days = [
            str(format_date(moment.date(), "long", self._locale)) if moment else "…"
            for moment in (period.since, period.until or period.now)
        ]
        chosen = [part for part in (period.currency, period.campaign, period.policy_version) if part]
        return " · ".join([" – ".join(days), *chosen])

    def _with_interval(self, figure: Figure, said: Callable[[float], str]) -> str:
        if not isinstance(figure, Estimate):
            return self.nothing
        count = f"n = {format_decimal(figure.n, locale=self._locale)}"
        if figure.low is None or figure.high is None:
            return f"{said(figure.value)} ({count})"
        return f"{said(figure.value)} [{said(figure.low)}; {said(figure.high)}] ({count})"
