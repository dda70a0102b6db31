"""Languages: which ones there are, which one a customer gets, and their catalogues of texts.

The catalogues are gettext files in ``recoup/locales/<language>/LC_MESSAGES/recoup.po`` with the compiled ``.mo`` beside
them (``scripts/locales.py`` keeps them). An operator's own directory may add languages and change single texts: its
``locales/<language>/LC_MESSAGES/recoup.po`` is read as it stands and asked first.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from recoup.errors import ConfigurationError

SHIPPED = Path(__file__).parent.parent / "locales"
DOMAIN = "recoup"


@dataclass(frozen=True)
class Language:
    """The language a text is written in and the regional form its amounts and dates take."""

    catalogue: str
    """The catalogue: ``pl``, ``en``."""
    locale: Locale
    """For amounts and dates: ``pl``, ``en_GB``."""

    @property
    def tag(self) -> str:
        """As HTML and mail headers write it: ``en-GB``."""
        return str(self.locale).replace("_", "-")


class Languages:
    """The shipped languages together with those of the operator's directory, read once."""

    def __init__(self, overrides: Path | None = None) -> None:
        """Read all catalogues.

        :raises ConfigurationError: a catalogue of the operator's that cannot be used, with its file and line.
        """
        own = overrides / "locales" if overrides else None
        self._translations: dict[str, NullTranslations] = {}
        for name in sorted(_languages_in(SHIPPED) | _languages_in(own)):
            self._translations[name] = _translations(name, own)

    @property
    def names(self) -> tuple[str, ...]:
        """The catalogues there are, in alphabetical order."""
        return tuple(self._translations)

    def must_speak(self, default: str) -> str:
        """The language for whoever wants none that there is.

        :raises ConfigurationError: it is none of those that there are.
        """
        if self._language(default) is None:
            raise ConfigurationError(
                f"mail.default_locale is {default!r}, and there are {', '.join(self.names)}: take one of them, or add it"
            )
        return default

    def translations(self, catalogue: str) -> NullTranslations:
        """The texts of a language; English stands where one is missing."""
        return self._translations[catalogue]

    def choose(self, wanted: str | Iterable[str] | None, default: str) -> Language:
        """The first wanted locale whose language there is, otherwise the default, otherwise English.

        ``wanted`` is written as Stripe or a browser does: ``pl``, ``pl-PL``, ``en-GB``, in any case; junk is passed over.
        """
        names = [wanted] if isinstance(wanted, str) else list(wanted or ())
        for name in (*names, default):
            if language := self._language(name):
                return language
        return Language("en", Locale("en"))

    def _language(self, name: str) -> Language | None:
        try:
            locale = Locale.parse(name.strip(), sep="-" if "-" in name else "_")
        except (ValueError, UnknownLocaleError):
            # A region Babel has never heard of must not cost the customer the language.
            base = name.strip().replace("_", "-").split("-", 1)[0].lower()
            return Language(base, Locale(base)) if base in self._translations else None
        return Language(locale.language, locale) if locale.language in self._translations else None


def _languages_in(directory: Path | None) -> set[str]:
    if directory is None or not directory.is_dir():
        return set()
    return {entry.parent.parent.name for entry in directory.glob(f"*/LC_MESSAGES/{DOMAIN}.po")}


def _translations(name: str, own: Path | None) -> NullTranslations:
    compiled = SHIPPED / name / "LC_MESSAGES" / f"{DOMAIN}.mo"
    shipped = GNUTranslations(io.BytesIO(compiled.read_bytes())) if compiled.exists() else NullTranslations()
    source = own / name / "LC_MESSAGES" / f"{DOMAIN}.po" if own else None
    if source is None or not source.exists():
        return shipped
    translations = GNUTranslations(_compiled(read_catalogue(source, name)))
    translations.add_fallback(shipped)
    return translations


def read_catalogue(path: Path, name: str) -> Catalog:
    """Read a ``.po`` file and check that every text of it can be filled in.

    :raises ConfigurationError: the file is no catalogue, or a text has placeholders its original does not have.
    """
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=str(Locale.parse(name)), abort_invalid=True)
    except PoFileError as error:
        # Babel counts lines from 0 here, and repeats that number at the end of its sentence.
        problem = str(error).removesuffix(f" on {error.lineno}")
        raise ConfigurationError(
            f"{path}, line {error.lineno + 1}: not a valid catalogue: {problem}"
        ) from None
    except (OSError, ValueError, LookupError, UnknownLocaleError) as error:
        raise ConfigurationError(
            f"{path}: cannot be read as a catalogue of the language {name!r}: {error}"
        ) from None
    for message, problems in catalogue.check():
        raise ConfigurationError(f"{path}, line {message.lineno}: {problems[0]} (in the text {message.id!r})")
    return catalogue


def _compiled(catalogue: Catalog) -> io.BytesIO:
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return compiled
