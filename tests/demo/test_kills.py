"""Kill -9 the worker just before and just after its effects: the same outcomes, no second charge, no second message."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recoup.chaos.mortal import DIRECTORY
from recoup.demo._orphans import release_orphans
from recoup.demo._supervision import Supervisor
from recoup.demo.cases import Cases
from recoup.demo.driver import Driver
from recoup.demo.report import Report, report_of
from recoup.demo.run import cast_of
from recoup.demo.stack import Plan, Stack
from recoup.worlds import demo_world_path, load_world
from tests.demo.conftest import Ran

pytestmark = pytest.mark.stack

SEED = 20261122
Deadly = tuple[str, str, int]
"""An effect, ``before`` or ``after`` it, and its how manieth time."""

_OCCURS = {"message": 25, "pay": 15, "stripe": 10, "record": 150, "access": 3}
"""How often each effect takes place in the demo, at least."""
_TIMES = {"message": 3, "pay": 3, "stripe": 1, "record": 2, "access": 1}


def twenty_moments() -> list[Deadly]:
    """Twenty moments, every effect before and after among them."""
    dice = random.Random(SEED)
    moments: list[Deadly] = []
    for effect, times in _TIMES.items():
        for when in ("before", "after"):
            numbers = sorted(dice.sample(range(1, _OCCURS[effect] + 1), times))
            moments += [(effect, when, number) for number in numbers]
    return moments


@dataclass(frozen=True)
class Survived:
    """What is left after a demo with deaths."""

    report: Report
    died: list[list[Any]]
    done: list[tuple[str, str]]
    """Every effect that took place, in order."""
    requests: list[dict[str, Any]]


class Heir:
    """Gives what each dead worker had in its hands back to Temporal, as a service manager's hook could."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self._stack = stack
        self._dead = directory / "dead.txt"
        self._supervisor = Supervisor(stack)
        self._seen = 0

    async def look(self) -> None:
        """Look for new deaths."""
        await self._supervisor.look()
        dead = self._dead.read_text().split() if self._dead.exists() else []
        for pid in dead[self._seen :]:
            await release_orphans(self._stack.client, int(pid))
        self._seen = len(dead)


async def play_with_deaths(place: Path, moments: list[Deadly]) -> Survived:
    """Run the whole demo world with a worker that dies at these moments."""
    kills = place / "kills"
    kills.mkdir()
    (kills / "planned.json").write_text(json.dumps(moments))
    world_file = demo_world_path()
    world = load_world(world_file)
    plan = Plan(
        place / "stack",
        world_file,
        worker=("-m", "recoup.chaos.mortal"),
        environment={DIRECTORY: str(kills)},
    )
    stack = Stack(plan)
    try:
        await stack.start()
        async with cast_of(stack, world) as cast:
            heir = Heir(stack, kills)
            driver = Driver(
                stack.control, Cases(stack.client), cast.people, cast.until, between_looks=heir.look
            )
            await driver.run()
            books, requests = await stack.control.books(), await stack.control.requests()
            report = report_of(cast.ledger, world, cast.seeded, stack.company, books, cast.people.stuck)
    finally:
        await stack.stop()
    died = json.loads((kills / "died.json").read_text()) if (kills / "died.json").exists() else []
    done = [tuple(json.loads(line)) for line in (kills / "done.jsonl").read_text().splitlines()]
    return Survived(report, died, [(effect, about) for effect, about in done], requests)


def check(survived: Survived, moments: list[Deadly]) -> None:
    """All died as planned, everything ended as the world says, and nothing took place twice."""
    assert sorted(survived.died) == sorted([list(moment) for moment in moments])
    assert survived.report.problems == ()
    sent = Counter(about for effect, about in survived.done if effect == "message")
    assert [key for key, times in sent.items() if times > 1] == []
    charged: Counter[str] = Counter()
    for request in survived.requests:
        if request["path"].endswith("/pay") and request["status"] == 200 and not request["replayed"]:
            charged[request["path"]] += 1
    assert [path for path, times in charged.items() if times > 1] == []


def _messages(cases: list[dict[str, Any]]) -> dict[tuple[str, bool], list[str]]:
    return {
        (case["customer"], case["is_return"]): [
            line["what"] for line in case["timeline"] if line["kind"] == "message"
        ]
        for case in cases
    }


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)])
async def test_twenty_deaths_change_nothing(tmp_path: Path, headless: Ran, every: int) -> None:
    """Killed at twenty moments, before and after every kind of effect, the demo ends as one without deaths; five of them in every run of the tests."""
    moments = twenty_moments()
    assert len(moments) == 20
    moments = moments[::every]
    assert len({effect for effect, _, _ in moments}) >= 4
    survived = await play_with_deaths(tmp_path, moments)
    check(survived, moments)
    told = [case.as_json() for case in survived.report.cases]
    assert _messages(told) == _messages(headless.report["cases"])


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", ["message", "pay", "stripe", "record", "access"])
async def test_one_death_changes_nothing(tmp_path: Path, effect: str, when: str) -> None:
    """A single death before or after the first, and the second, effect of a kind changes nothing."""
    moments: list[Deadly] = [(effect, when, 1), (effect, when, 2)]
    check(await play_with_deaths(tmp_path, moments), moments)
