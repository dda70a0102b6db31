"""The HTML pages: templates in the reader's language, with a policy that lets nothing in from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from recoup.messages import Language, Languages

TEMPLATES = Path(__file__).parent.parent / "templates"
SHIPPED = TEMPLATES / "pages"
ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/assets"


class Pages:
    """Fills in page templates; an operator's own directory (``pages/`` in it) is asked first."""

    def __init__(
        self, overrides: Path | None = None, default_locale: str = "en", shipped: Path = SHIPPED
    ) -> None:
        directories = [overrides / shipped.name, shipped] if overrides else [shipped]
        self._loader = ChoiceLoader([FileSystemLoader(directory) for directory in directories])
        self._languages = Languages(overrides)
        self._default = self._languages.must_speak(default_locale)
        self._environments: dict[str, Environment] = {}

    def language(self, wanted: list[str]) -> Language:
        """The first wanted language that there is, otherwise the default."""
        return self._languages.choose(wanted, self._default)

    def html(self, name: str, language: Language, values: dict[str, Any]) -> str:
        """One page."""
        template = self._environment(language.catalogue).get_template(f"{name}.html.j2")
        return template.render(language=language.tag, assets=ASSETS_PATH, **values)

    def _environment(self, catalogue: str) -> Environment:
        if catalogue not in self._environments:
            environment = SandboxedEnvironment(
                loader=self._loader,
                extensions=["jinja2.ext.i18n"],
                undefined=StrictUndefined,
                autoescape=True,
                trim_blocks=True,
                lstrip_blocks=True,
                auto_reload=False,
            )
            environment.policies["ext.i18n.trimmed"] = True
            texts = self._languages.translations(catalogue)
            environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
            self._environments[catalogue] = environment
        return self._environments[catalogue]


SCRIPTED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of a page with scripts of ours: none inline, none from elsewhere."""


def csp(*, forms_to: str = "'self'", inline_styles: bool = False) -> str:
    """The content security policy of a page without scripts."""
    styles = "'self' 'unsafe-inline'" if inline_styles else "'self'"
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action {forms_to};"
        " base-uri 'none'; frame-ancestors 'none'"
    )


def page(html: str, status: int = 200, *, policy: str | None = None) -> HTMLResponse:
    """The answer that carries a page."""
    return HTMLResponse(html, status, {"Content-Security-Policy": policy or csp()})
