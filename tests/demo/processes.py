"""Finding the processes that a demo has left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

MARK = "DEMO_MARK"
"""An environment variable that every child of a demo inherits."""


def marked(mark: str) -> list[int]:
    """The running processes that carry the mark, this one not counted."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            environment = (directory / "environ").read_bytes()
            state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if wanted in environment.split(b"\0") and state != "Z" and int(directory.name) != os.getpid():
            found.append(int(directory.name))
    return found


def left_after(mark: str, seconds: float) -> list[int]:
    """Those that are still there after so many seconds; none as soon as the last is gone."""
    deadline = time.monotonic() + seconds
    while (found := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
