"""Batches in processes beside each other, which end with the command, however it ends.

The processes hear nothing of Ctrl-C themselves. They end when a pipe closes whose other end only the command holds: it
closes when the command stops, and also when the command is killed. Their sandboxes end with them.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made there
"""Where there is such a place, the databases of a batch stand in memory: only the runs with processes are about disks."""
BATCHES_OF_A_PROCESS = 20
GONE_SECONDS = 10.0
"""What was killed may write a last file into its directory for so long."""


def side_by_side(work: Callable[[T], R], pieces: Sequence[T], number: int) -> Generator[R, None, None]:
    """What comes of each piece, as it comes, from so many processes; after some pieces new ones take their place.

    The pool's own ``max_tasks_per_child`` is no way to that: it leaves a process that has had its share without a successor
    where another one was idle for a moment, and in the end the pool waits for nobody (CPython, issue 115634).
    """
    share = number * BATCHES_OF_A_PROCESS
    for begin in range(0, len(pieces), share):
        with _shards(number) as pool:
            for done in as_completed([pool.submit(work, piece) for piece in pieces[begin : begin + share]]):
                yield done.result()


@contextmanager
def _shards(number: int) -> Iterator[ProcessPoolExecutor]:
    """So many processes; what is left when the block ends is not waited for."""
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(number, context, _end_with_the_command, (theirs,))
    try:
        yield pool
    except BaseException:
        ours.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        ours.close()
        theirs.close()


def _end_with_the_command(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def workshop(at: Path | None = None) -> Iterator[Path]:
    """A directory for all batches, gone afterwards; where files are temporary, if there is no such place."""
    directory = Path(tempfile.mkdtemp(prefix="recoup-chaos-", dir=at if at and at.is_dir() else None))
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
