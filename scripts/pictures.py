"""Take the pictures of the documentation anew: ``.venv/bin/python scripts/pictures.py``.

It plays a real ``recoup demo`` in a terminal of tmux, looks at its pages with Chromium while it runs and after it, and
writes ``docs/pictures/``. That takes three to four minutes, and needs tmux and Chromium on the machine. Look at each
picture before you commit it.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 200 * 1024
"""A picture above this makes every clone and every page slow."""

COLUMNS, LINES = 156, 40
PACE = 4
"""Real seconds for a virtual day: enough to look at every page while cases wait."""
MIDWAY = 4
"""The live table is taken once so many cases have recovered; the others still run."""
PATIENCE_SECONDS = 600.0

WIDTH, PHONE = 1280, {"width": 390, "height": 844}
NAVIGATION = 256
"""Pixels that the Temporal UI's own menu takes at the left; the pictures go without it."""
TOP = 56
"""Pixels of the Temporal UI's bar."""
RECOVERIES = 'WorkflowType="RecoveryCase"'
COLUMNS_SHOWN = (
    "Status",
    "Workflow ID",
    "RecoupStage",
    "RecoupDeclineClass",
    "RecoupAttempt",
    "RecoupNextAction",
)

POLE, BRITON, RETRIED = "zofia", "george", "anna"
"""Of the demo's world: two whose cases stay open for weeks, and one who is recovered by the second retry."""

TERMINAL_PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: {background}; color: {foreground}; }}
pre {{ display: inline-block; margin: 0; padding: 14px 18px; font: 13px/1.25 "DejaVu Sans Mono", monospace; }}
{stylesheet}</style><pre>{code}</pre>"""


class Terminal:
    """A terminal of tmux in which the demo plays."""

    def __init__(self, command: list[str], socket: Path) -> None:
        self._command = command
        self._socket = str(socket)

    def __enter__(self) -> Self:
        self._tmux(
            "start-server", ";", "set-option", "-g", "remain-on-exit", "on", ";",
            "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), *self._command,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._tmux("send-keys", "C-c")
            self.wait_for(lambda _: self._has_ended(), "the demo's end")
        finally:
            self._tmux("kill-server")

    def screen(self, *, styled: bool = False) -> str:
        """What it shows now; with the escape sequences of its colours if asked for."""
        return self._tmux("capture-pane", "-p", *(["-e"] if styled else []))

    def wait_for(self, is_there: Callable[[str], object], what: str) -> str:
        """The screen, once it is as wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_there(shown := self.screen()):
            if self._has_ended() or time.monotonic() > deadline:
                raise SystemExit(f"Waited for {what} in vain. The terminal shows:\n{shown.strip()}")
            time.sleep(0.2)
        return shown

    def _has_ended(self) -> bool:
        return self._tmux("display-message", "-p", "#{pane_dead}").strip() == "1"

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


@dataclass(frozen=True)
class Addresses:
    """Where the demo's pages are."""

    cases: str
    inbox: str

    @classmethod
    def shown_in(cls, screen: str) -> Addresses:
        """As the demo prints them."""
        return cls(*(_found(rf"^{name} +(http\S+)", screen) for name in ("Temporal UI", "Inbox")))


class Photographer:
    """Takes pictures of pages, each in a window of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def page(self, width: int, height: int, script: str = "") -> Iterator[Page]:
        """A page of that size, in light colours, British English and UTC."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light",
            locale="en-GB",
            timezone_id="UTC",
        )
        context.add_init_script(script)
        yield context.new_page()
        context.close()

    def terminal(self, name: str, screen: str) -> None:
        """The screen of a terminal, colours and all."""
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        console.print(Text.from_ansi(screen.rstrip()))
        html = console.export_html(theme=MONOKAI, code_format=TERMINAL_PAGE, inline_styles=True)
        with self.page(1400, 900) as page:
            page.set_content(html)
            keep(name, page.locator("pre").screenshot())

    def whole(self, name: str, address: str, width: int, height: int) -> None:
        """A page of ours, as long as it is."""
        with self.page(width, height) as page:
            page.goto(address)
            keep(name, page.screenshot(full_page=True))

    def mail(self, name: str, address: str) -> None:
        """A message in the inbox, down to its end as HTML."""
        with self.page(1000, 1200) as page:
            page.goto(address)
            keep(name, page.screenshot(clip=_down_to(page, "iframe", 1000, margin=24)))

    def portal(self, name: str, update_link: str) -> None:
        """Where the button of the update page leads."""
        with self.page(800, 1000) as page:
            page.goto(update_link)
            page.locator("form button").first.click()
            page.get_by_text("Card number").wait_for()
            page.locator("summary").click()
            keep(name, page.screenshot())

    def cases(self, name: str, address: str) -> None:
        """The list of cases, with columns that tell of them."""
        columns = json.dumps({"recoup": [{"label": label} for label in COLUMNS_SHOWN]})
        remembered = f"localStorage.setItem('namespace-workflow-table-columns', {json.dumps(columns)})"
        with self.page(WIDTH + NAVIGATION, 760, remembered) as page:
            page.goto(f"{address}?query={quote(RECOVERIES)}")
            page.get_by_role("link", name="recovery/").first.wait_for()
            page.get_by_role("cell", name="waiting").first.wait_for()
            keep(name, page.screenshot(clip=_beside_menu(760)))

    def timeline(self, name: str, address: str, last: str) -> None:
        """One case from its start to its end; ``last`` is told of its last step."""
        with self.page(WIDTH + NAVIGATION, 1040) as page:
            page.goto(address)
            page.get_by_text(last).first.wait_for()
            page.wait_for_timeout(2_000)  # the timeline moves into its place
            keep(name, page.screenshot(clip=_beside_menu(1040)))

    def details(self, name: str, address: str) -> None:
        """What one case says of itself."""
        with self.page(WIDTH + NAVIGATION, 760) as page:
            page.goto(address)
            page.get_by_text("take up").first.wait_for()
            tab = page.get_by_role("tab", name="User Metadata")
            tab.or_(page.get_by_role("link", name="User Metadata")).first.click()
            page.frame_locator("iframe").last.get_by_text("Last decline").wait_for()
            keep(name, page.screenshot(clip=_beside_menu(760)))


def main() -> None:
    """Play the demo and take all pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium or not shutil.which("tmux"):
        raise SystemExit("The pictures need tmux and Chromium; install both and try again.")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        report = Path(directory) / "report.json"
        command = [sys.executable, "-m", "recoup", "demo", "--pace", str(PACE), "--json", str(report)]
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        with Terminal(command, Path(directory) / "tmux") as terminal:
            take_all(terminal, Photographer(browser), report)
        browser.close()


def take_all(terminal: Terminal, camera: Photographer, report: Path) -> None:
    """First while most cases wait for something, then when all have ended."""
    shown = terminal.wait_for(lambda screen: screen.count("recovered_by") >= MIDWAY, "some recovered cases")
    camera.terminal("console", terminal.screen(styled=True))
    addresses = Addresses.shown_in(shown)
    camera.cases("temporal-list", addresses.cases)
    mails = _json_at(addresses.inbox + ".json")
    camera.details("temporal-details", _case_page(addresses, _case_of(POLE, mails)))
    camera.whole("update-page", _update_link(BRITON, mails), 1000, 700)
    camera.whole("update-page-phone", _update_link(POLE, mails), **PHONE)
    camera.whole("promise-page-phone", f"{_update_link(BRITON, mails)}/promise", **PHONE)
    camera.whole("cancel-page-phone", f"{_update_link(POLE, mails)}/cancel", **PHONE)
    camera.portal("portal", _update_link(BRITON, mails))

    terminal.wait_for(lambda screen: "Everything keeps running" in screen, "the end of all cases")
    camera.terminal("console-summary", terminal.screen(styled=True))
    mails = _json_at(addresses.inbox + ".json")
    for name, customer in (("mail-pl", RETRIED), ("mail-en", BRITON)):
        camera.mail(name, f"{addresses.inbox}/{_first_mail(customer, mails)['id']}")
    with camera.page(1200, 700) as page:
        page.goto(addresses.inbox)
        keep("inbox", page.screenshot())
    cases = json.loads(report.read_text(encoding="utf-8"))["cases"]
    case = next(each["case"] for each in cases if each["customer"] == RETRIED)
    camera.timeline("temporal-case", _case_page(addresses, case), "recovered: the customer was told")


def keep(name: str, picture: bytes) -> None:
    """Write a picture, if it is not too large."""
    if len(picture) > MOST_BYTES:
        raise SystemExit(f"{name}.png has {len(picture) // 1024} KB; {MOST_BYTES // 1024} are allowed")
    (PICTURES / f"{name}.png").write_bytes(picture)
    print(f"{name}.png  {len(picture) // 1024} KB")


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"The terminal does not show {pattern}:\n{text}")
    return found[1]


def _json_at(address: str) -> Any:
    # Playwright's own client would need a page; the addresses are the demo's, on this machine.
    with urlopen(address) as answer:  # noqa: S310
        return json.load(answer)


def _first_mail(customer: str, mails: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest stand first."""
    return next(mail for mail in reversed(mails) if mail["to"].startswith(f"{customer}."))


def _update_link(customer: str, mails: list[dict[str, Any]]) -> str:
    links: list[str] = _first_mail(customer, mails)["links"]
    return next(link for link in links if "/u/" in link)


def _case_of(customer: str, mails: list[dict[str, Any]]) -> str:
    return str(_first_mail(customer, mails)["tags"]["case"])


def _case_page(addresses: Addresses, case: str) -> str:
    """The Temporal UI finds the run by itself."""
    return f"{addresses.cases}/{quote(f'recovery/{case}', safe='')}"


def _beside_menu(height: int) -> Any:
    return {"x": NAVIGATION, "y": TOP, "width": WIDTH, "height": height - TOP}


def _down_to(page: Page, selector: str, width: int, margin: int) -> Any:
    box = page.locator(selector).bounding_box() or {"y": 0, "height": 600}
    return {"x": 0, "y": 0, "width": width, "height": box["y"] + box["height"] + margin}


if __name__ == "__main__":
    main()
