"""The pictures of the documentation: each is there, shown somewhere, small, and taken by the script."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from recoup.rules.case import Template
from scripts import console_pictures
from scripts.message_pictures import DIGEST, LANGUAGES
from tests.house._tree import ROOT, report

PICTURES = ROOT / "docs" / "pictures"
SCRIPT = ROOT / "scripts" / "pictures.py"
MOST_BYTES = 200 * 1024
MAILS = {f"{template.value}-{language}" for template in Template for language in LANGUAGES}
PNG = b"\x89PNG\r\n\x1a\n"

_MARKDOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
_HTML = re.compile(r"<img\s[^>]*>")
_ATTRIBUTE = re.compile(r'\b(src|alt)="([^"]*)"')


def shown_in(page: Path, text: str) -> Iterator[tuple[Path, str]]:
    """The pictures that a page shows, by the place where they should be, with the words for those who cannot see them."""
    found = [(target, says) for says, target in _MARKDOWN.findall(text)]
    tags = [dict(_ATTRIBUTE.findall(tag)) for tag in _HTML.findall(text)]
    found += [(tag.get("src", ""), tag.get("alt", "")) for tag in tags]
    for target, says in found:
        if "://" not in target:
            yield (page.parent / target).resolve(), says


def _pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("**/*.md"))]


def _shown() -> Iterator[tuple[Path, Path, str]]:
    for page in _pages():
        for picture, says in shown_in(page, page.read_text(encoding="utf-8")):
            yield page, picture, says


def test_every_picture_that_is_shown_is_there() -> None:
    """README and docs show no picture that does not exist, and say of each what it shows."""
    missing = [
        f"{page.relative_to(ROOT)}: {picture.name}"
        for page, picture, says in _shown()
        if not picture.is_file() or not says.strip()
    ]
    assert not missing, report(
        missing, "take the picture (scripts/pictures.py), mend its address, or say what it shows"
    )


def test_every_picture_is_shown() -> None:
    """Nothing lies in docs/pictures that no page shows."""
    shown = {picture for _, picture, _ in _shown()}
    idle = [picture.name for picture in sorted(PICTURES.glob("**/*.png")) if picture.resolve() not in shown]
    assert not idle, report(idle, "show the picture on a page of docs/, or remove it")


def test_every_picture_is_small_and_a_png() -> None:
    """No picture weighs so much that it slows each clone."""
    wrong = [
        picture.name
        for picture in sorted(PICTURES.glob("**/*.png"))
        if picture.stat().st_size > MOST_BYTES or not picture.read_bytes().startswith(PNG)
    ]
    assert not wrong, report(wrong, f"these are not PNG, or have more than {MOST_BYTES // 1024} KB")


def test_every_picture_can_be_taken_anew() -> None:
    """The script names each picture, and no other: none was drawn by hand or is left over."""
    names = (
        {
            node.value
            for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        | MAILS
        | {DIGEST}
        | set(console_pictures.NAMES)
    )
    foreign = [picture.name for picture in sorted(PICTURES.glob("**/*.png")) if picture.stem not in names]
    assert not foreign, report(
        foreign,
        "scripts/pictures.py, scripts/message_pictures.py and scripts/console_pictures.py do not take these",
    )


def test_every_mail_has_its_picture_in_every_language() -> None:
    """Each template that a customer can be sent is shown as it looks, in each language that ships."""
    assert {picture.stem for picture in (PICTURES / "messages").iterdir()} == MAILS


def test_pictures_are_found_in_both_spellings(tmp_path: Path) -> None:
    """Markdown's and HTML's way of showing a picture are both read; an address elsewhere is left alone."""
    text = '![a table](pictures/a.png) <img alt="a mail" width="200" src="b.png"> ![badge](https://example.com/c.png) [d](d.png)'
    found = dict(shown_in(tmp_path / "page.md", text))
    assert found == {
        (tmp_path / "pictures/a.png").resolve(): "a table",
        (tmp_path / "b.png").resolve(): "a mail",
    }
