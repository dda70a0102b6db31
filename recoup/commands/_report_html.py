"""A report as one page that needs nothing from elsewhere, in the reader's language, to be read and printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import recoup
from recoup.errors import ConfigurationError
from recoup.figures import Figures, NotEnough
from recoup.figures.definitions import DEFINITIONS
from recoup.figures.wording import Words, headline
from recoup.messages import Language, Languages
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
