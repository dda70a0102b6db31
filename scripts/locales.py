"""Keep the catalogues: ``python scripts/locales.py extract | update | compile | check | add LANGUAGE``.

extract   print the template catalogue made from all templates and pages
update    bring every language's recoup.po in line with the templates; new texts arrive empty (English: filled in)
compile   write recoup.mo beside each recoup.po
check     say what is missing, unsure, left over or stale, and exit with 1 if anything is
add       begin a new language

The texts in templates and code are English; ``en`` exists so that plurals and changed texts have a home of their own.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).parent.parent / "recoup"
LOCALES = PACKAGE / "locales"
SOURCE_LANGUAGE = "en"
WIDTH = 110

METHODS = [("templates/**.j2", "jinja2.ext:babel_extract"), ("web/**.py", "python"),
           ("figures/definitions.py", "python"), ("commands/_report_html.py", "python"), ("figures/wording.py", "python"), ("digest/composing.py", "python")]  # fmt: skip
OPTIONS = {
    "templates/**.j2": {
        "extensions": "jinja2.ext.i18n",
        "newstyle_gettext": "true",
        "silent": "false",
        "trimmed": "true",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
    }
}


def extracted() -> Catalog:
    """The texts of all templates and pages."""
    catalogue = Catalog()
    for name, _line, text, comments, context in extract_from_dir(
        PACKAGE, METHODS, OPTIONS, comment_tags=("i18n:",)
    ):
        catalogue.add(text, None, [(name, 1)], auto_comments=comments, context=context)
    return catalogue


def languages() -> dict[str, Path]:
    """Each language there is, with its catalogue file."""
    return {path.parent.parent.name: path for path in sorted(LOCALES.glob("*/LC_MESSAGES/recoup.po"))}


def loaded(language: str, path: Path) -> Catalog:
    """The catalogue as it stands in the file."""
    with path.open("rb") as file:
        return read_po(file, locale=str(Locale.parse(language)))


def updated(language: str, path: Path) -> Catalog:
    """The catalogue with new texts added and left-over ones dropped; nothing is guessed from similar texts."""
    catalogue, template = loaded(language, path), extracted()
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    if language == SOURCE_LANGUAGE:
        for message in texts(catalogue):
            message.string = message.string if is_translated(message) else message.id
    return catalogue


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as it is kept: sorted, without line numbers, so that it changes only when a text does."""
    out = io.BytesIO()
    catalogue.header_comment = "# Texts of Recoup's mail and pages. Keep with: python scripts/locales.py"
    catalogue.project, catalogue.version = "Recoup", ""
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.fuzzy = False
    write_po(out, catalogue, width=WIDTH, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return out.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """The compiled catalogue."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def texts(catalogue: Catalog) -> list[Message]:
    """All messages but the header."""
    return [message for message in catalogue if message.id]


def is_translated(message: Message) -> bool:
    """Whether every form of the text is there."""
    return all(forms(message.string))


def is_compiled(catalogue: Catalog, path: Path) -> bool:
    """Whether the ``.mo`` file says the same; its header may differ, as it names the version of Babel."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        compiled = read_mo(file)
    return contents(compiled) == contents(catalogue)


def contents(catalogue: Catalog) -> set[tuple[str, ...]]:
    """What a reader of the catalogue would get: each text with its forms; a text that is not translated is not there."""
    return {
        (message.context or "", *forms(message.id), *forms(message.string))
        for message in texts(catalogue)
        if any(forms(message.string))
    }


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """The singular and plural forms of a text; a new one has an empty form."""
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def problems(language: str, path: Path) -> list[str]:
    """Everything that keeps this language from being complete and fresh."""
    catalogue, template = loaded(language, path), extracted()
    wanted = {(message.id, message.context) for message in texts(template)}
    found = [f"missing: {key[0]!r}" for key in wanted if catalogue.get(*key) is None]
    for message in texts(catalogue):
        if (message.id, message.context) not in wanted:
            found.append(f"left over: {message.id!r}")
        elif not is_translated(message):
            found.append(f"not translated: {message.id!r}")
        elif message.fuzzy:
            found.append(f"unsure (fuzzy): {message.id!r}")
    found += [f"{errors[0]}: {message.id!r}" for message, errors in catalogue.check()]
    if not is_compiled(catalogue, path.with_suffix(".mo")):
        found.append("recoup.mo is stale; run: python scripts/locales.py compile")
    return [f"{path.relative_to(PACKAGE.parent)}: {problem}" for problem in sorted(found)]


def add(language: str) -> None:
    """Begin a language that is not there yet."""
    path = LOCALES / language / "LC_MESSAGES" / "recoup.po"
    if path.exists():
        raise SystemExit(f"{path} is there already")
    path.parent.mkdir(parents=True)
    path.write_bytes(as_po(Catalog(locale=Locale.parse(language))))
    path.write_bytes(as_po(updated(language, path)))


def main(arguments: list[str]) -> int:
    """Do what the first argument says; the exit code."""
    match arguments:
        case ["extract"]:
            sys.stdout.write(as_po(extracted()).decode())
        case ["update"]:
            for language, path in languages().items():
                path.write_bytes(as_po(updated(language, path)))
        case ["compile"]:
            for language, path in languages().items():
                path.with_suffix(".mo").write_bytes(as_mo(loaded(language, path)))
        case ["check"]:
            found = [
                problem for language, path in languages().items() for problem in problems(language, path)
            ]
            sys.stderr.writelines(f"{problem}\n" for problem in found)
            return 1 if found else 0
        case ["add", language]:
            add(language)
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
