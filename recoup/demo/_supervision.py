"""Looking after the processes of a stack while it is driven, as a service manager would."""

from __future__ import annotations

import time

from recoup.demo.stack import Stack
from recoup.errors import ConnectionFailed

SHORT_LIFE_SECONDS = 5.0
MOST_SHORT_LIVES = 5
"""A worker that dies so often right after its start will not live."""


class Supervisor:
    """Starts a dead worker again; the death of anything else ends the run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._started = time.monotonic()
        self._short_lives = 0
        self.restarts = 0
        """How often the worker was started again."""

    async def look(self) -> None:
        """Look after everybody once.

        Raises:
            ConnectionFailed: a process ended that should not have; the sentence quotes its last words.
        """
        for child in self._stack.died():
            if child.name != "worker" or self._is_hopeless():
                raise ConnectionFailed(
                    f"The {child.name} ended with {child.exit_code}:\n{child.last_words()}"
                )
            self.restarts += 1
            self._started = time.monotonic()
            await self._stack.replace_worker()

    def _is_hopeless(self) -> bool:
        short = time.monotonic() - self._started < SHORT_LIFE_SECONDS
        self._short_lives = self._short_lives + 1 if short else 0
        return self._short_lives > MOST_SHORT_LIVES
