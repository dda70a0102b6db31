"""Child processes that never outlive their parent, however it ends.

Each child leads a process group of its own, so that Ctrl-C at the terminal reaches only the parent, which then stops the
children in order. Should the parent be killed outright, a watchdog process notices that its pipe has closed and kills every
group that is still registered.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_WATCHDOG = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Child:
    """One process with its own group; what it says goes into a log file."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, watchdog: Watchdog) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log
        self._watchdog = watchdog

    @property
    def exit_code(self) -> int | None:
        """The code it ended with, None while it runs; negative for a signal."""
        return self._process.poll()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.exit_code is None

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end, and end it by force when it has not after so many seconds."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def ask_to_stop(self) -> None:
        """Send the word to stop without waiting for it to be heard."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it has started at once, without a word."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._watchdog.forget(self.pid)

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader while a grandchild runs.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Watchdog:
    """Kills the registered process groups once this process is gone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHDOG],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str],
        cwd: Path,
    ) -> Child:
        """Start a child; its output is appended to ``log``."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
            )
        self._tell(f"+{process.pid}")
        return Child(name, process, log, self)

    def forget(self, pid: int) -> None:
        """This child has ended."""
        self._tell(f"-{pid}")

    def close(self) -> None:
        """End the watchdog; children still registered end with it."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()
