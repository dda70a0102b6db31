"""How a Recoup process ends.

A process that has used ``temporalio`` may crash while the interpreter shuts down, after all work is done: the exit code
then tells of a failure that never was, and a supervisor starts the process again for nothing. So every entry point ends
through :func:`run_to_exit`, which leaves without that shutdown.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, TextIO

from recoup.errors import RecoupError

EXIT_FAILED = 1
"""A defect: the traceback is on standard error."""
EXIT_REFUSED = 2
"""An operator's error, said in one sentence on standard error."""
EXIT_INTERRUPTED = 128 + signal.SIGINT
"""Ctrl-C."""


def run_to_exit(main: Callable[[], int | None]) -> NoReturn:
    """Run ``main`` and end the process with what it returns; None counts as 0.

    ``main`` has stopped its threads and child processes when it returns: nothing waits for them here. ``atexit`` handlers
    still run, logs and standard streams are flushed. A :class:`~recoup.errors.RecoupError` is printed as its sentence and
    ends with 2, Ctrl-C with 130, ``SystemExit`` with its code, any other exception with its traceback and 1.
    """
    code = _outcome(main)
    # Not sys.exit: see the module's docstring.
    os._exit(_leave_in_order(code))


def _outcome(main: Callable[[], int | None]) -> int:
    try:
        return main() or 0
    except SystemExit as stop:
        return _code_of(stop)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except RecoupError as error:
        print(f"recoup: {error}", file=sys.stderr)  # noqa: T201 - the operator's terminal
        return EXIT_REFUSED
    except BaseException:  # noqa: BLE001 - the last frame there is: shown, and told by the exit code
        traceback.print_exc()
        return EXIT_FAILED


def _code_of(stop: SystemExit) -> int:
    """What ``sys.exit`` meant: a number, nothing for 0, or a sentence to show with 1."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    print(stop.code, file=sys.stderr)  # noqa: T201 - as the interpreter itself would
    return EXIT_FAILED


def _leave_in_order(code: int) -> int:
    """Do what the interpreter would have done at its end; output that cannot be written makes a success a failure."""
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public name for it
    logging.shutdown()
    flushed = [_flush(stream) for stream in (sys.stdout, sys.stderr)]
    return code if all(flushed) or code else EXIT_FAILED


def _flush(stream: TextIO | None) -> bool:
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):  # a pipe without a reader, a full disk, a closed stream
        return False
    return True
