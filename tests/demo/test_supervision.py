"""The supervisor: a dead worker is started again, and everything else that dies ends the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from recoup.demo import _supervision
from recoup.demo._supervision import MOST_SHORT_LIVES, Supervisor
from recoup.demo.stack import Stack
from recoup.errors import ConnectionFailed


@dataclass
class Dead:
    """A process that has ended."""

    name: str
    exit_code: int = -9

    def last_words(self) -> str:
        """What it said."""
        return "its last words"


@dataclass
class FakeStack:
    """A stack in which these have died."""

    dead: list[Dead] = field(default_factory=list)
    replaced: int = 0

    def died(self) -> list[Dead]:
        """Whoever has died."""
        return self.dead

    async def replace_worker(self) -> None:
        """Count it."""
        self.replaced += 1


def supervisor(stack: FakeStack) -> Supervisor:
    """A supervisor of it."""
    return Supervisor(cast(Stack, cast(Any, stack)))


async def test_a_dead_worker_is_started_again() -> None:
    """Each death is one restart; without a death there is none."""
    stack = FakeStack()
    look = supervisor(stack)
    await look.look()
    assert stack.replaced == 0
    stack.dead = [Dead("worker")]
    await look.look()
    assert (stack.replaced, look.restarts) == (1, 1)


@pytest.mark.parametrize("name", ["temporal", "sandbox", "starter"])
async def test_nothing_goes_on_without_the_others(name: str) -> None:
    """The death of another process ends the run with its last words."""
    with pytest.raises(ConnectionFailed, match="its last words"):
        await supervisor(FakeStack([Dead(name, 1)])).look()


async def test_a_worker_that_will_not_live_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies right after each start is not started for ever."""
    stack = FakeStack([Dead("worker", 2)])
    look = supervisor(stack)
    for _ in range(MOST_SHORT_LIVES):
        await look.look()
    with pytest.raises(ConnectionFailed, match="ended with 2"):
        await look.look()
    assert stack.replaced == MOST_SHORT_LIVES
    monkeypatch.setattr(_supervision, "SHORT_LIFE_SECONDS", 0.0)
    await look.look()
    assert stack.replaced == MOST_SHORT_LIVES + 1
