"""Answering many lines: as soon as each can be, in their order, by two processes where many come at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import BinaryIO, TextIO

Answers = Callable[[Sequence[str], int], Iterator[str]]
"""The answers to some lines, the first of which has a number."""

_MANY = 24
"""Of fewer lines that are there at once all are answered by one process."""
_AT_ONCE = 1 << 20
"""Bytes that are read at once, if they are there."""


def answer_all(source: BinaryIO, sink: TextIO, answers: Answers) -> None:
    """Answer every line of ``source``, each answer a line of ``sink``, written before more is read."""
    with _helper(answers) as help_with:
        for first, lines in _batches(source):
            half = len(lines) if len(lines) < _MANY else (len(lines) + 1) // 2
            rest = help_with(lines[half:], first + half) if half < len(lines) else None
            for answer in answers(lines[:half], first):
                sink.write(answer + "\n")
                sink.flush()
            if rest is not None:
                sink.writelines(answer + "\n" for answer in rest())
                sink.flush()


def _batches(source: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The lines that are there, and the number of the first of them."""
    first, begun = 1, b""
    read = getattr(source, "read1", source.read)
    while chunk := read(_AT_ONCE):
        *lines, begun = (begun + chunk).split(b"\n")
        if lines:
            yield first, [line.decode("utf-8", "replace") for line in lines]
            first += len(lines)
    if begun:
        yield first, [begun.decode("utf-8", "replace")]


@contextmanager
def _helper(answers: Answers) -> Iterator[Callable[[Sequence[str], int], Callable[[], list[str]]]]:
    """Somebody who answers other lines meanwhile: a second process, begun when it is first needed."""
    begun: list[tuple[Connection, multiprocessing.process.BaseProcess]] = []

    def help_with(lines: Sequence[str], first: int) -> Callable[[], list[str]]:
        if _processors() < 2:
            return lambda: list(answers(lines, first))
        if not begun:
            begun.append(_second_process(answers))
        ours = begun[0][0]
        ours.send((list(lines), first))
        return ours.recv

    try:
        yield help_with
    finally:
        for ours, process in begun:
            ours.close()
            process.join()


def _second_process(answers: Answers) -> tuple[Connection, multiprocessing.process.BaseProcess]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(ours, theirs, answers), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(ours: Connection, theirs: Connection, answers: Answers) -> None:
    """Answer until the first process has closed its end, or is gone."""
    ours.close()  # a copy of the other end, which would keep it open
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            lines, first = theirs.recv()
            theirs.send(list(answers(lines, first)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _processors() -> int:
    """On how many processors this process may run."""
    if hasattr(os, "sched_getaffinity") and hasattr(os, "fork"):
        return len(os.sched_getaffinity(0))
    return 1
