"""Take the pictures of all messages anew: ``.venv/bin/python -m scripts.message_pictures`` from the root.

Writes ``docs/pictures/messages/TEMPLATE-LANGUAGE.png`` from the same made-up facts as the start-up check. Needs Chromium and
takes a few seconds. Look at each picture before you commit it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from recoup.messages import compose
from recoup.messages.samples import sample_facts
from recoup.rules.case import Template

PLACE = Path("docs/pictures/messages")
LANGUAGES = ("en", "pl")
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
        browser.close()


if __name__ == "__main__":
    main()
