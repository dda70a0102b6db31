"""An operator's own templates and catalogues: what they may change, and how mistakes in them are told."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from recoup.errors import ConfigurationError
from recoup.messages import Composer, Languages, sample_facts
from recoup.rules.case import Template

PO_HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


def written(directory: Path, name: str, text: str) -> Path:
    """Put one file into the operator's directory."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_one_template_can_be_replaced(tmp_path: Path) -> None:
    """The operator's file is used in place of the shipped one; all others stay."""
    written(tmp_path, "mail/reminder/subject.txt.j2", "Still waiting for {{ total }}, {{ customer_name }}")
    composer = Composer(tmp_path)
    assert composer.compose(sample_facts(Template.REMINDER)).subject == "Still waiting for $49.00, Anna Nowak"
    assert composer.compose(sample_facts(Template.SUSPENDED)).subject.startswith("Your access to Northwind")


def test_the_shared_layout_can_be_replaced(tmp_path: Path) -> None:
    """An own layout frames every message, and own shared files may stand beside it."""
    written(tmp_path, "mail/_layout.txt.j2", "{% include '_legal.txt.j2' %}|{% block body %}{% endblock %}")
    written(tmp_path, "mail/_legal.txt.j2", "Northwind GmbH")
    composer = Composer(tmp_path)
    composer.check()
    assert composer.compose(sample_facts(Template.RECOVERED)).text.startswith("Northwind GmbH|")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("one\n{% if %}", 2, "Expected an expression"),
        ("one\ntwo\n{{ totl }}", 3, "'totl' is undefined"),
        ("{{ item.amonut }}", 1, "has no attribute 'amonut'"),
        ("x\n{{ ''.__class__.__mro__ }}", 2, "unsafe"),
        ("{% include 'nowhere.j2' %}", 1, "nowhere.j2"),
        ("a\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ items + 1 }}", 1, "can only concatenate"),
    ],
)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    """Bad syntax, misspelt names, forbidden attributes and failing expressions say file, line and what is wrong."""
    path = written(tmp_path, "mail/reminder/body.txt.j2", text)
    with pytest.raises(ConfigurationError) as raised:
        Composer(tmp_path).check()
    assert str(raised.value).startswith(f"{path}, line {line}: ")
    assert says in str(raised.value)


def test_a_misspelt_template_name_is_told(tmp_path: Path) -> None:
    """A file that replaces nothing is an error that lists the names there are."""
    path = written(tmp_path, "mail/remainder/body.txt.j2", "")
    with pytest.raises(ConfigurationError, match="no template has this name") as raised:
        Composer(tmp_path)
    assert str(path) in str(raised.value)
    assert "reminder" in str(raised.value)


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    """A directory that does not exist is named."""
    with pytest.raises(ConfigurationError, match="no such directory"):
        Composer(tmp_path / "nowhere")


def test_a_single_text_can_be_changed(tmp_path: Path) -> None:
    """An own catalogue changes the texts it has; the shipped catalogue has the others."""
    text = PO_HEADER + 'msgid "Update your payment details"\nmsgstr "Zmień kartę"\n'
    written(tmp_path, "locales/pl/LC_MESSAGES/recoup.po", text)
    message = Composer(tmp_path).compose(sample_facts(Template.REMINDER, "pl"))
    assert "Zmień kartę:" in message.text
    assert "Dzień dobry," in message.text


def test_a_language_can_be_added(tmp_path: Path) -> None:
    """A new language is used for its customers; what it has not translated is English; numbers and dates are its own."""
    written(tmp_path, "locales/de/LC_MESSAGES/recoup.po", PO_HEADER + 'msgid "Hello,"\nmsgstr "Guten Tag,"\n')
    composer = Composer(tmp_path)
    composer.check()
    facts = sample_facts(Template.REMINDER).model_copy(update={"locale": "de-AT", "customer_name": None})
    message = composer.compose(facts)
    assert message.text.startswith("Guten Tag,\n")
    assert "11. Dezember 2026 (Freitag)" in message.text.replace("\n", " ")
    assert message.language == "de-AT"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('msgid "unfinished', "line 5: not a valid catalogue"),
        ('msgid "Hello %(name)s,"\nmsgstr "Hi %(nmae)s,"\n', "line 5: unknown named placeholder 'nmae'"),
    ],
)
def test_a_broken_catalogue_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    """A catalogue that cannot be read, or whose texts have other placeholders, is refused before any message is written."""
    path = written(tmp_path, "locales/pl/LC_MESSAGES/recoup.po", PO_HEADER + "\n" + text)
    with pytest.raises(ConfigurationError) as raised:
        Composer(tmp_path)
    assert str(path) in str(raised.value)
    assert says in str(raised.value)


def test_a_catalogue_of_no_language_is_named(tmp_path: Path) -> None:
    """A directory that is no language code is refused with its name."""
    written(tmp_path, "locales/polski/LC_MESSAGES/recoup.po", PO_HEADER)
    with pytest.raises(ConfigurationError, match="'polski'"):
        Composer(tmp_path)


def test_the_default_language_is_the_operators(tmp_path: Path) -> None:
    """Customers whose language is unknown get the operator's default."""
    facts = sample_facts(Template.REMINDER).model_copy(update={"locale": "fr-FR"})
    assert Composer(default_locale="pl").compose(facts).text.startswith("Dzień dobry")


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        (["fr", "pl-PL", "en"], "pl-PL"),
        (["en-GB"], "en-GB"),
        (["en-419", "pl"], "en"),
        (["pl-XX"], "pl"),
        (["zh-Hant-TW", "pl_PL"], "pl-PL"),
        (["", "-", "*", "pl;q=1"], "en"),
        ([], "en"),
    ],
)
def test_the_first_language_we_speak_is_chosen(wanted: list[str], tag: str) -> None:
    """Of several wanted locales the first whose language there is wins; an odd region costs no one the language."""
    assert Languages().choose(wanted, "en").tag == tag


def _locales_script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "locales.py"
    spec = importlib.util.spec_from_file_location("locales_script", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_shipped_catalogues_are_complete_and_compiled() -> None:
    """Every text is translated in every language, none is left over, and each .mo file is that of its .po file."""
    script = _locales_script()
    assert set(script.languages()) >= {"en", "pl"}
    assert [problem for item in script.languages().items() for problem in script.problems(*item)] == []


def test_the_check_finds_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing, a left-over, an empty and a badly filled text and a stale .mo are each found."""
    script = _locales_script()
    monkeypatch.setattr(script, "PACKAGE", tmp_path)
    monkeypatch.setattr(script, "LOCALES", tmp_path / "locales")
    written(
        tmp_path, "templates/a.j2", "{{ _('one') }}{{ _('two') }}{% trans n=n %}three {{ n }}{% endtrans %}"
    )
    script.main(["add", "en"])
    script.main(["add", "pl"])
    script.main(["compile"])
    po = tmp_path / "locales/pl/LC_MESSAGES/recoup.po"
    assert script.main(["check"]) == 1
    for english in ("one", "two", "three %(n)s"):
        po.write_text(
            po.read_text().replace(f'msgid "{english}"\nmsgstr ""', f'msgid "{english}"\nmsgstr "{english}!"')
        )
    assert [p.rpartition(": ")[2] for p in script.problems("pl", po)] == ["python scripts/locales.py compile"]
    script.main(["compile"])
    assert script.main(["check"]) == 0
    written(
        tmp_path, "templates/a.j2", "{{ _('one') }}{{ _('four') }}{% trans n=n %}three {{ n }}{% endtrans %}"
    )
    po.write_text(po.read_text().replace("three %(n)s!", "%(m)s").replace("one!", ""))
    found = "\n".join(script.problems("pl", po))
    for problem in ("missing: 'four'", "left over: 'two'", "not translated: 'one'", "'m'", "is stale"):
        assert problem in found


def test_updating_fills_in_nothing_but_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new text arrives empty in Polish, as itself in English, and what was translated stays."""
    script = _locales_script()
    monkeypatch.setattr(script, "PACKAGE", tmp_path)
    monkeypatch.setattr(script, "LOCALES", tmp_path / "locales")
    written(tmp_path, "templates/a.j2", "{{ _('Pay now') }}")
    script.main(["add", "en"])
    script.main(["add", "pl"])
    po = {name: tmp_path / f"locales/{name}/LC_MESSAGES/recoup.po" for name in ("en", "pl")}
    po["pl"].write_text(
        po["pl"].read_text().replace('msgid "Pay now"\nmsgstr ""', 'msgid "Pay now"\nmsgstr "Zapłać"')
    )
    written(tmp_path, "templates/a.j2", "{{ _('Pay now') }}{{ _('Pay later') }}")
    script.main(["update"])
    assert 'msgid "Pay later"\nmsgstr "Pay later"' in po["en"].read_text()
    assert 'msgid "Pay later"\nmsgstr ""' in po["pl"].read_text()
    assert 'msgstr "Zapłać"' in po["pl"].read_text()
