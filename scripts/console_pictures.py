"""Take the pictures of the console anew: ``.venv/bin/python -m scripts.console_pictures`` from the root.

Plays a real ``recoup demo``, hands a case to a person and pauses another one midway, looks at the console with Chromium, and
writes ``docs/pictures/console/``. Takes about a minute, and needs Chromium and Linux. Look at each picture before you commit it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

PLACE = Path("docs/pictures/console")
NAMES = (
    "overview",
    "cases",
    "case",
    "case-dark",
    "retry",
    "message",
    "figures",
    "figures-dark",
    "figures-week",
    "exclude",
    "openapi",
    "cases-phone",
    "case-phone",
    "login",
    "link",
    "deliverability",
    "integrations",
    "policy",
    "log",
    "account",
    "tokens",
)
PACE = 10
"""Real seconds for a virtual day: enough to look around while cases wait."""
PATIENCE_SECONDS = 120.0
PASSWORD = "pictures of the console"  # noqa: S105 - of a ledger that is gone in a minute
WIDE, LOW = {"width": 1180, "height": 880}, {"width": 1180, "height": 760}
PHONE = {"width": 390, "height": 844}

T = TypeVar("T")


def main() -> None:
    """Play, act, look."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: install it, then take the pictures again")
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, demo(Path(directory) / "demo") as environment:
        waiting = until(
            lambda: [case for case in cases(environment) if case["stage"] == "retrying"][:3] or None
        )
        prepared(environment, waiting)
        with console(environment) as address, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=chromium, chromium_sandbox=False)
            take_all(browser, address, waiting[-1]["id"], waiting[0]["customer"])
            browser.close()


def prepared(environment: dict[str, str], waiting: list[dict[str, Any]]) -> None:
    """An account, a case that a person has, and one that is paused."""
    recoup(environment, "console", "user", "add", "kim", "--role", "admin", "--password-stdin", said=PASSWORD)
    first, *others = waiting
    by = ("--operator", "kim", "--reason")
    recoup(environment, "case", first["id"], "hand-over", "--to", "kim", *by, "asked to speak with us first")
    if len(others) > 1:
        recoup(
            environment, "case", others[0]["id"], "pause-until", "--until", "2027-02-01", *by, "on holiday"
        )


def take_all(browser: Browser, address: str, case: str, customer: str) -> None:
    """Each page once."""
    with page(browser, address, WIDE) as wide:
        wide.goto("/")
        wide.locator("#kpis .tiles").wait_for()
        keep(wide, "overview")
        wide.goto("/cases?tab=all&sort=oldest")
        keep(wide, "cases", whole=False)
        wide.goto(f"/cases/{case}")
        keep(wide, "case", whole=False)
        wide.goto(f"/cases/{case}/do/retry-now")
        wide.get_by_label("Why").fill("says on the phone that the account is filled")
        keep(wide, "retry")
        wide.goto(f"/cases/{case}/do/send-message")
        wide.get_by_label("Why").fill("asked for the link again")
        wide.locator("[value=show]").click()
        keep(wide, "message")
        wide.goto(f"/excluded/{customer}")
        keep(wide, "exclude")
        wide.goto("/openapi")
        keep(wide, "openapi", whole=False)
        wide.goto("/figures?days=365")
        wide.set_viewport_size({"width": 1180, "height": 1500})
        keep(wide, "figures", whole=False)
        wide.locator("[aria-labelledby=by-week]").screenshot(path=PLACE / "figures-week.png")
        wide.set_viewport_size({"width": 1180, "height": 880})
        wide.goto(f"/cases/{case}/link")
        keep(wide, "link")
        for name in ("deliverability", "integrations", "policy", "log", "account", "tokens"):
            wide.goto(f"/{name}")
            keep(wide, name)
    out = browser.new_page(base_url=address, viewport={"width": 620, "height": 460}, locale="en-GB")
    out.goto("/login")
    keep(out, "login")
    out.close()
    with page(browser, address, LOW, color_scheme="dark", locale="pl-PL") as dark:
        dark.goto(f"/cases/{case}")
        keep(dark, "case-dark", whole=False)
        dark.goto("/figures?days=365")
        keep(dark, "figures-dark", whole=False)
    with page(browser, address, PHONE) as phone:
        phone.goto("/cases?tab=all&sort=oldest")
        keep(phone, "cases-phone", whole=False)
        phone.goto(f"/cases/{case}")
        keep(phone, "case-phone", whole=False)


@contextmanager
def page(browser: Browser, address: str, size: dict[str, int], **look: str) -> Iterator[Page]:
    """A window that has logged in."""
    context = browser.new_context(base_url=address, viewport=size, **({"locale": "en-GB"} | look))  # type: ignore[arg-type]
    opened = context.new_page()
    opened.goto("/login")
    opened.locator("[name=name]").fill("kim")
    opened.locator("[name=password]").fill(PASSWORD)
    opened.locator("button.main").click()
    opened.wait_for_url(f"{address}/")
    yield opened
    context.close()


def keep(shown: Page, name: str, *, whole: bool = True) -> None:
    """Write a picture."""
    shown.screenshot(path=PLACE / f"{name}.png", full_page=whole)


@contextmanager
def demo(directory: Path) -> Iterator[dict[str, str]]:
    """A demo that plays, and the environment of its processes."""
    command = [sys.executable, "-m", "recoup", "demo", "--pace", str(PACE), "--keep", str(directory)]
    played = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield until(lambda: environment_of(directory))
    finally:
        played.send_signal(signal.SIGINT)
        played.wait()


def environment_of(directory: Path) -> dict[str, str] | None:
    """The settings of the demo's worker, from the process itself."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            pairs = [part.partition("=") for part in entry.read_text().split("\0") if part]
        except OSError:
            continue
        found = {name: value for name, _, value in pairs if name.startswith("RECOUP_")}
        if str(directory) in found.get("RECOUP_DATABASE_URL", ""):
            # Days pass in seconds here, and whoever looks around must not be logged out by them.
            lasting = {"RECOUP_CONSOLE__SESSION_HOURS": "720", "RECOUP_CONSOLE__IDLE_MINUTES": "1440"}
            return {**os.environ, **found, **lasting}
    return None


@contextmanager
def console(environment: dict[str, str]) -> Iterator[str]:
    """A console beside the demo."""
    port = 8788
    address = f"http://127.0.0.1:{port}"
    served = subprocess.Popen(
        [sys.executable, "-m", "recoup", "console", "--port", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(address))
        yield address
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait()


def answers(address: str) -> bool:
    """Whether the console is there."""
    try:
        return bool(urlopen(f"{address}/login").status == 200)  # noqa: S310 - this machine's own
    except URLError:
        return False


def cases(environment: dict[str, str]) -> list[dict[str, Any]]:
    """The open cases."""
    told = recoup(environment, "cases", "--json", check=False)
    return [json.loads(line) for line in told.splitlines()]


def recoup(environment: dict[str, str], *arguments: str, said: str = "", check: bool = True) -> str:
    """What a command answers."""
    command = [sys.executable, "-m", "recoup", *arguments]
    done = subprocess.run(command, env=environment, input=said, capture_output=True, text=True, check=check)
    return done.stdout


def until(what: Callable[[], T | None]) -> T:
    """What comes when it comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := what()):
        if time.monotonic() > deadline:
            sys.exit("Waited in vain; see whether `recoup demo` plays")
        time.sleep(0.5)
    return found


if __name__ == "__main__":
    main()
