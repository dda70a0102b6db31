"""Take the pictures of all messages anew: ``.venv/bin/python -m scripts.message_pictures`` from the root.

Writes ``docs/pictures/messages/TEMPLATE-LANGUAGE.png`` from the same made-up facts as the start-up check, and the operators' digest from a
ledger of two thousand made-up cases. Needs Chromium and takes a few seconds. Look at each picture before you commit it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.filling import END, fill
from recoup.digest import composing
from recoup.ledger import Ledger
from recoup.messages import Languages, compose
from recoup.messages.samples import sample_facts
from recoup.rules.case import Template

PLACE = Path("docs/pictures/messages")
LANGUAGES = ("en", "pl")
DIGEST = "digest"
WIDTH = 640


def main() -> None:
    """Render every template in every language that ships, and keep its picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: install it, then take the pictures again")
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        page = browser.new_page(viewport={"width": WIDTH, "height": 400}, color_scheme="light")
        for template in Template:
            for language in LANGUAGES:
                page.set_content(compose(sample_facts(template, language)).html)
                page.screenshot(full_page=True, path=PLACE / f"{template.value}-{language}.png")
        page.set_content(digest())
        page.screenshot(full_page=True, path=PLACE.parent / f"{DIGEST}.png")
        browser.close()


class _AtTheEnd:
    """The moment at which the made-up ledger ends."""

    def now(self) -> datetime:
        """It stands."""
        return END


def digest() -> str:
    """The operators' mail of the last week of a ledger of two thousand cases."""
    languages = Languages()
    with tempfile.TemporaryDirectory() as directory:
        fill(f"sqlite:///{directory}/ledger.db", 2000)
        ledger = Ledger.connect(f"sqlite:///{directory}/ledger.db")
        told = composing.gather(ledger, _AtTheEnd())
        ledger.close()
    english = languages.choose("en", "en")
    return composing.compose(told, languages, english, "https://console.example.com").html


if __name__ == "__main__":
    main()
