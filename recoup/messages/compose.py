"""Writing a message: facts and templates in, subject, text and HTML out.

Templates are Jinja2 files in ``recoup/templates/mail/<message>/``; an operator's own directory may replace any of them
(``docs/messages.md``). They run in a sandbox, a name they misspell is an error, and HTML escapes whatever is put into it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from recoup.errors import ConfigurationError
from recoup.messages._view import variables
from recoup.messages.facts import MessageFacts
from recoup.messages.localisation import Language, Languages
from recoup.messages.mime import Composed
from recoup.messages.samples import sample_facts
from recoup.rules.case import Template

SHIPPED = Path(__file__).parent.parent / "templates" / "mail"
SUBJECT, TEXT, HTML = "subject.txt.j2", "body.txt.j2", "body.html.j2"
_LINE_WIDTH = 76
_MANY_EMPTY_LINES = re.compile(r"\n{3,}")


class Composer:
    """Writes messages with one set of templates and catalogues; make one and keep it."""

    FOLDER = "mail"

    def __init__(self, overrides: Path | None = None, default_locale: str = "en") -> None:
        """Take the shipped templates, and before them those of the operator's directory.

        :raises ConfigurationError: the directory does not exist, holds a template no message has, or a broken catalogue,
            or there is no such default language.
        """
        if overrides is not None:
            _check_directory(overrides, self.FOLDER)
        shipped = SHIPPED.parent / self.FOLDER
        self._directories = [overrides / self.FOLDER, shipped] if overrides else [shipped]
        self._languages = Languages(overrides)
        self.default = self._languages.must_speak(default_locale)
        self._environments: dict[str, SandboxedEnvironment] = {}

    @property
    def languages(self) -> Languages:
        """The languages there are."""
        return self._languages

    def compose(self, facts: MessageFacts) -> Composed:
        """Write the message in the customer's language.

        :raises ConfigurationError: a template that cannot be filled in, with its file and line.
        :raises ValueError: a currency whose minor unit is unknown.
        """
        language = self._languages.choose(facts.locale, self.default)
        values = variables(facts, language.locale)
        return Composed(
            subject=" ".join(self._render(facts.template, SUBJECT, language, values).split(" ")).strip(),
            text=_tidy(self._render(facts.template, TEXT, language, values)),
            html=self._render(facts.template, HTML, language, values),
            language=language.tag,
        )

    def check(self) -> None:
        """Write every message in every language once, from made-up facts, so that mistakes show before they matter.

        :raises ConfigurationError: the first template that cannot be filled in, with its file and line.
        """
        for catalogue in self._languages.names:
            for template in Template:
                self.compose(sample_facts(template, catalogue))

    def _render(self, template: Template, part: str, language: Language, values: dict[str, Any]) -> str:
        return self.fill(f"{template.value}/{part}", language, values)

    def fill(self, name: str, language: Language, values: dict[str, Any]) -> str:
        """One template with its values.

        :raises ConfigurationError: it cannot be filled in, with its file and line.
        """
        with _mistakes_named():
            source = self._environment(language.catalogue).get_template(name)
            return source.render(values, language=language.tag)

    def _environment(self, catalogue: str) -> SandboxedEnvironment:
        if catalogue not in self._environments:
            environment = SandboxedEnvironment(
                loader=ChoiceLoader([FileSystemLoader(directory) for directory in self._directories]),
                extensions=["jinja2.ext.i18n"],
                undefined=StrictUndefined,
                autoescape=lambda name: name is not None and name.endswith(".html.j2"),
                trim_blocks=True,
                lstrip_blocks=True,
                keep_trailing_newline=False,
                auto_reload=False,
            )
            environment.policies["ext.i18n.trimmed"] = True
            translations = self._languages.translations(catalogue)
            environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
            self._environments[catalogue] = environment
        return self._environments[catalogue]


def compose(facts: MessageFacts) -> Composed:
    """Write the message with the shipped templates; see :meth:`Composer.compose`."""
    return _shipped_composer().compose(facts)


_NAMES = {
    "mail": f"<message>/{SUBJECT}, <message>/{TEXT} and <message>/{HTML}",
    "sms": "<message>.txt.j2",
    "notice": "title.txt.j2, text.txt.j2 and action.txt.j2",
}


@lru_cache(maxsize=1)
def _shipped_composer() -> Composer:
    return Composer()


def _check_directory(overrides: Path, folder: str) -> None:
    """A file that replaces nothing is a misspelt name, and the operator would wonder why nothing changes."""
    if not overrides.is_dir():
        raise ConfigurationError(f"{overrides}: there is no such directory; mail.templates must name one")
    own = overrides / folder
    for path in sorted(own.rglob("*")):
        name = path.relative_to(own).as_posix()
        if (
            path.is_file()
            and not path.name.startswith(("_", "."))
            and not (SHIPPED.parent / folder / name).is_file()
        ):
            raise ConfigurationError(
                f"{path}: no template has this name; they are called {_NAMES[folder]}{_messages(folder)}"
            )


def _messages(folder: str) -> str:
    return f" with a message of {', '.join(Template)}" if "<message>" in _NAMES[folder] else ""


@contextmanager
def _mistakes_named() -> Iterator[None]:
    """Turn whatever a template does wrong into one sentence that says where."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"{error.filename}, line {error.lineno}: {error.message}") from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        places = [frame for frame in extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
        where = f"{places[-1].filename}, line {places[-1].lineno}" if places else "a template"
        raise ConfigurationError(f"{where}: the message cannot be written: {error}") from error


def _tidy(text: str) -> str:
    """Wrap long lines for plain-text readers, never inside a web address, and keep at most one empty line in a row."""
    lines = (_wrapped(line.rstrip()) for line in text.strip().splitlines())
    return _MANY_EMPTY_LINES.sub("\n\n", "\n".join(lines)) + "\n"


def _wrapped(line: str) -> str:
    if len(line) <= _LINE_WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(),
        _LINE_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
