"""Whole lives told in any order: the same end, and not one charge, message or call more than when told in order.

The bar is a thousand orders of a life with a trial, failures, a suspension, a return and a cancellation; `make test` plays
some of them and ``make test-slow`` all.
"""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from recoup.virtual.place import MEMORY
from tests.proofs.lives import Chapter, Life, Post
from tests.proofs.reckoning import Figures, effects_of, states_of
from tests.proofs.theatre import Theatre, count_sent

BATCH = 50
"""So many lives are lived beside each other."""


def brings_a_card(life: Life) -> None:
    """The customer has a new card that pays once."""
    life.bring("second")


def cancels(life: Life) -> None:
    """The customer has had enough."""
    life.api.subscriptions.cancel(life.subscription)


# Half days: at a whole one, which is a retry's moment too, the seconds that a busy machine takes would decide what comes first.
WHOLE = [Chapter(25, brings_a_card), Chapter(33.5, cancels), Chapter(60)]
"""A trial, a renewal that fails, four retries, the suspension, a new card, the return, a renewal that fails, the cancellation."""

HEARD_LATE = [Chapter(0.5, is_heard=False), Chapter(2, brings_a_card, is_heard=False), Chapter(20)]
"""A renewal fails and the customer brings a card while Recoup is away; it hears of all of it at once, and collects."""

HEARD_TOO_LATE = [
    Chapter(2, brings_a_card, is_heard=False),
    Chapter(31.5, is_heard=False),
    Chapter(33.5, cancels, is_heard=False),
    Chapter(60),
]
"""The same, but by the time that Recoup hears of anything the customer has cancelled."""

LIVES = {"whole": WHOLE, "heard late": HEARD_LATE, "heard too late": HEARD_TOO_LATE}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A place in memory where there is one, and no log lines: this is not about disks."""
    place = Path(tempfile.mkdtemp(prefix="recoup-lives-", dir=MEMORY if MEMORY.is_dir() else tmp_path))
    before = structlog.get_config()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield place
    structlog.configure(**before)
    logging.disable(logging.NOTSET)
    shutil.rmtree(place, ignore_errors=True)


def played(
    chapters: list[Chapter],
    posts: list[Post],
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[list[list[str]], list[Figures]]:
    """Each life's end and effects."""
    with Theatre(directory / "theatre", posts).open() as theatre:
        count_sent(theatre, monkeypatch)
        theatre.play(chapters)
        assert set(theatre.statuses) == {200}
        assert theatre.host.problems == {}
        assert [id_ for id_, found in theatre.host.executions.items() if found.is_running] == []
        return states_of(theatre), effects_of(theatre)


def assert_the_same(states: list[list[str]], effects: list[Figures]) -> None:
    """All lives are as the first one, which was told in order."""
    differ = {
        number: sorted({*state} ^ {*states[0]}) for number, state in enumerate(states) if state != states[0]
    }
    assert differ == {}, states[0]
    for number, figures in enumerate(effects):
        names = {*figures, *effects[0]}
        more = {
            name: (effects[0][name], figures[name]) for name in names if figures[name] != effects[0][name]
        }
        assert more == {}, number


def orders(count: int, seed: int, most_delay: timedelta = timedelta(0)) -> list[Post]:
    """One post that keeps the order, and so many that do not."""
    posts = [Post(random.Random(f"{seed}/{number}"), most_delay=most_delay) for number in range(count)]
    return [Post(random.Random(seed), in_order=True), *posts]


@pytest.mark.parametrize(("name", "count"), [("whole", 6), ("heard late", 12), ("heard too late", 12)])
def test_any_order_comes_to_the_same(
    name: str, count: int, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shuffled, doubled and tripled deliveries of a life leave the same state and the same number of every effect."""
    assert_the_same(*played(LIVES[name], orders(count, 0), directory, monkeypatch))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_thousand_orders_come_to_the_same(
    seed: int, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty times fifty orders of the whole life."""
    assert_the_same(*played(WHOLE, orders(BATCH, seed), directory, monkeypatch))


def test_the_whole_life_is_whole(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared has everything in it: a suspension, a return that collects, a cancellation, and each of their words."""
    ((state,), (effects,)) = played(WHOLE, orders(0, 0), directory, monkeypatch)
    assert [line for line in state if line.startswith("case")] == [
        "case lost_suspended",
        "case lost_cancelled",
    ]
    assert "return recovered_by_card_update" in state
    assert "attempt 5 by card_update: paid" in state
    assert effects["backend access.suspended"] == effects["backend access.restored"] == 1
    assert effects["mail suspended"] == effects["mail recovered"] == effects["mail last_notice"] == 1
    assert effects["POST /v1/invoices/…/pay"] == effects["rows of attempts"] == 7


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_a_delay_never_makes_more(count: int, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two deliveries of five coming up to five days late nobody is charged, told or suspended more often in a whole life."""
    posts = orders(count, 7, timedelta(days=5))
    states, effects = played(WHOLE, posts, directory, monkeypatch)
    visible = ("POST", "mail", "backend", "rows of attempts", "rows of cases")
    for number, figures in enumerate(effects):
        more = {
            name: (effects[0][name], times)
            for name, times in figures.items()
            if name.startswith(visible) and times > effects[0][name]
        }
        assert more == {}, (number, states[number])
