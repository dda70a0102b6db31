"""The Stripe of this virtual time: a sandbox in its own process, reached over HTTP alone."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from recoup.demo._children import Watchdog
from recoup.errors import ConnectionFailed

START_SECONDS = 60.0
LIMITS = httpx2.Limits(keepalive_expiry=2)
"""The sandbox closes a connection after five idle seconds; one that is used again just then breaks."""


@dataclass(frozen=True)
class Told:
    """What the sandbox's clock tells."""

    next_event_at: datetime | None
    """When it will next do something by itself."""
    newest_event: str | None
    """The latest event that the Stripe API lists."""


@dataclass
class Stripe:
    """The running sandbox and its control API."""

    address: str
    http: httpx2.Client

    def control(self, method: str, name: str, body: Any = None, **query: Any) -> Any:
        """One call of the control API.

        Raises:
            ConnectionFailed: it refused, or does not answer.
        """
        try:
            answer = self.http.request(method, f"{self.address}/_sandbox/{name}", json=body, params=query)
        except httpx2.HTTPError as error:
            raise ConnectionFailed(f"The sandbox does not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise ConnectionFailed(f"The sandbox refused {method} {name}: {answer.text[:300]}")
        return answer.json()

    def api(self, path: str, key: str, **query: Any) -> Any:
        """One reading call of the Stripe API."""
        headers = {"authorization": f"Bearer {key}"}
        answer = self.http.get(f"{self.address}{path}", params=query, headers=headers)
        return json.loads(answer.text)

    def all(self, path: str, key: str) -> list[dict[str, Any]]:
        """Everything that a list of the Stripe API has."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = self.api(path, key, **query)
            found += page["data"]
            if not page["has_more"]:
                return found
            query["starting_after"] = found[-1]["id"]

    def move_to(self, moment: datetime) -> Told:
        """Move the clock there."""
        return _told(self.control("POST", "clock", {"to": moment.timestamp()}))

    def look(self) -> Told:
        """How it stands."""
        return _told(self.control("GET", "clock"))


@contextmanager
def running_stripe(
    directory: Path, world: Path, clock_file: Path, switches: dict[str, str]
) -> Iterator[Stripe]:
    """Start a sandbox and stop it in the end."""
    watchdog, log = Watchdog(), directory / "sandbox.log"
    command: list[str | Path] = [
        sys.executable, "-m", "recoup.sandbox", "--port", "0", "--data", directory / "stripe",
        "--clock-file", clock_file, "--world", world,
    ]  # fmt: skip
    for name, value in switches.items():
        command += ["--switch", f"{name}={value}"]
    product = Path(__file__).resolve().parents[2]
    environment = {"PYTHONPATH": str(product), "PYTHONUNBUFFERED": "1", "PATH": ""}
    child = watchdog.start("sandbox", command, log=log, environment=environment, cwd=directory)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"http://\S+", log.read_text() if log.exists() else "")):
            if not child.is_alive or time.monotonic() > deadline:
                raise ConnectionFailed(f"The sandbox did not start:\n{child.last_words()}")
            time.sleep(0.05)
        with httpx2.Client(timeout=120, trust_env=False, limits=LIMITS) as http:
            yield Stripe(found.group(0), http)
    finally:
        child.stop()
        watchdog.close()


def _told(clock: dict[str, Any]) -> Told:
    upcoming = clock["next_event_at"]
    moment = None if upcoming is None else datetime.fromtimestamp(upcoming, UTC)
    return Told(moment, clock["newest_event"])
