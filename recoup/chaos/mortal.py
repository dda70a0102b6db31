"""A worker that kills itself with SIGKILL just before and just after chosen effects, and is started again each time.

The effects are the real ones of the unchanged worker: a request that changes something at Stripe, a payment, a message, word to
the company's backend, a write to the ledger. The plan, and what has happened so far, stand in the files of the directory that
``RECOUP_TEST_KILLS`` names, so that they outlive every death. The process that starts the workers lives on, and forks: a
Python that has imported everything once is up again at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stripe

import worker
from recoup.access import WebhookBackend
from recoup.ledger._store import Store
from recoup.messages.outbox import OutboxSender

DIRECTORY = "CHAOS_OF_KILLS"
"""Names the directory of the plan, in the environment."""
_lock = threading.Lock()


class Deaths:
    """Which effects are deadly, kept in files."""

    def __init__(self, directory: Path) -> None:
        self._planned = directory / "planned.json"
        self._counts = directory / "counts.json"
        self._died = directory / "died.json"
        self._done = directory / "done.jsonl"

    def reach(self, effect: str, when: str) -> None:
        """Count this moment of this effect, and die if it is a chosen one."""
        moment = f"{effect}/{when}"
        with _lock:
            counts = _read(self._counts, {})
            counts[moment] = counts.get(moment, 0) + 1
            _write(self._counts, counts)
            this = [effect, when, counts[moment]]
            if this in _read(self._planned, []):
                _write(self._died, [*_read(self._died, []), this])
                os.kill(os.getpid(), signal.SIGKILL)

    def note(self, effect: str, about: str) -> None:
        """Write down that an effect has taken place, before anything else can happen."""
        with self._done.open("a") as file:
            file.write(json.dumps([effect, about]) + "\n")


def _read(file: Path, otherwise: Any) -> Any:
    return json.loads(file.read_text()) if file.exists() else otherwise


def _write(file: Path, value: Any) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(file)


def _deadly(plan: Deaths, owner: type, name: str, effect_of: Callable[..., tuple[str, str] | None]) -> None:
    original = getattr(owner, name)

    def around(self: Any, *arguments: Any, **more: Any) -> Any:
        told = effect_of(*arguments, **more)
        if told is None:
            return original(self, *arguments, **more)
        effect, about = told
        plan.reach(effect, "before")
        result = original(self, *arguments, **more)
        plan.note(effect, about)
        plan.reach(effect, "after")
        return result

    setattr(owner, name, around)


def _at_stripe(method: str, url: str, *_: Any, **__: Any) -> tuple[str, str] | None:
    if method.lower() == "get":
        return None
    path = url.partition("/v1/")[2]
    return ("pay" if path.endswith("/pay") else "stripe", path)


def _message(_: bytes, *, key: str, **__: Any) -> tuple[str, str]:
    return ("message", key)


def _access(_: Any, *, id_: str, **__: Any) -> tuple[str, str]:
    return ("access", id_)


def _record(_: Any, **__: Any) -> tuple[str, str]:
    return ("record", "")


def _work(directory: Path) -> None:
    plan = Deaths(directory)
    _deadly(plan, stripe.RequestsClient, "request", _at_stripe)
    _deadly(plan, OutboxSender, "send", _message)
    _deadly(plan, WebhookBackend, "tell", _access)
    _deadly(plan, Store, "write", _record)
    worker.main()


def main() -> None:
    """Keep a worker running; each pid that died is written down."""
    directory = Path(os.environ[DIRECTORY])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _work(directory)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"the worker ended by itself: {status}")
        with (directory / "dead.txt").open("a") as file:
            file.write(f"{pid}\n")


if __name__ == "__main__":
    main()
