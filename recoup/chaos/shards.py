"""Batches in processes beside each other, which end with the command, however it ends.

The processes hear nothing of Ctrl-C themselves. They end when a pipe closes whose other end only the command holds: it
closes when the command stops, and also when the command is killed. Their sandboxes end with them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

BATCHES_OF_A_PROCESS = 20
GONE_SECONDS = 10.0
"""How long a process may take to end that was told to."""


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
    ended = False
    try:
        yield pool
        ended = True
    finally:
        # The processes end when this closes. They are waited for, but not the pool, which may wait for ever for what they had.
        ours.close()
        for process in [] if ended else context.active_children():
            process.join(GONE_SECONDS)
        pool.shutdown(wait=ended, cancel_futures=True)
        theirs.close()


def _end_with_the_command(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        with suppress(EOFError, OSError):
            pipe.recv()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
