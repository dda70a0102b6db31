"""Where virtual time is played: a directory that is gone afterwards, silence, and a stop in good order."""

from __future__ import annotations

import gc
import logging
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import structlog

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made there
"""Where there is such a place, the databases stand in memory: only the runs with processes are about disks."""
GONE_SECONDS = 10.0
"""What was killed may write a last file into its directory for so long."""


@contextmanager
def workshop(name: str, at: Path | None = None) -> Iterator[Path]:
    """A directory for all that is played, gone afterwards; where files are temporary, if there is no such place."""
    directory = Path(tempfile.mkdtemp(prefix=f"recoup-{name}-", dir=at if at and at.is_dir() else None))
    try:
        yield directory
    finally:
        deadline = time.monotonic() + GONE_SECONDS
        while directory.exists() and time.monotonic() < deadline:
            shutil.rmtree(directory, ignore_errors=True)
            if directory.exists():
                time.sleep(0.1)


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """The word to stop counts as Ctrl-C."""

    def stop(_: int, __: FrameType | None) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # In the background of a script Ctrl-C is ignored; the word to stop is not.
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def quietly() -> Iterator[None]:
    """No log lines: whoever plays tells better what happened."""
    before = structlog.get_config()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # What has been imported stays: the garbage collector need not look through it again and again.
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        structlog.configure(**before)
        logging.disable(logging.NOTSET)
