"""Rates: one bucket for all workers, whatever their number, their hurry and their clocks."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.ledger import Ledger
from tests.ledger.builders import NOW, after, at_once

RATE, BURST = 20.0, 20.0
_numbers = itertools.count()


def take(ledger: Ledger, at: datetime, n: int = 1, patience: float | None = None) -> float | None:
    """Take from the tests' bucket."""
    return ledger.rates.take("stripe", n, RATE, BURST, at, patience)


def test_a_full_bucket_gives_its_burst_at_once_and_then_its_rate(ledger: Ledger) -> None:
    """Twenty go at once, the next ones follow a twentieth of a second apart."""
    waits = [take(ledger, NOW) for _ in range(25)]
    assert waits == pytest.approx([0.0] * 20 + [0.05, 0.1, 0.15, 0.2, 0.25])


def test_the_bucket_fills_with_time_and_not_beyond_its_burst(ledger: Ledger) -> None:
    """Half a second gives ten more tokens, a whole day no more than a burst."""
    assert take(ledger, NOW, 20) == 0.0
    assert take(ledger, after(seconds=0.5), 10) == 0.0
    assert take(ledger, after(seconds=0.5)) == pytest.approx(0.05)
    assert take(ledger, after(days=1), 20) == 0.0
    assert take(ledger, after(days=1)) == pytest.approx(0.05)


def test_more_than_a_burst_is_given_in_time(ledger: Ledger) -> None:
    """Somebody who needs more than the bucket holds waits for it instead of for ever."""
    assert take(ledger, NOW, 60) == pytest.approx(2.0)


def test_who_has_no_patience_takes_nothing(ledger: Ledger) -> None:
    """A wait beyond the patience is refused, and the refusal costs nobody a token."""
    assert take(ledger, NOW, 40) == pytest.approx(1.0)
    assert take(ledger, NOW, 1, patience=1.0) is None
    assert take(ledger, NOW, 1, patience=1.1) == pytest.approx(1.05)


def test_names_are_buckets_of_their_own(ledger: Ledger) -> None:
    """An empty bucket does not slow those who take from another one."""
    assert take(ledger, NOW, 20) == 0.0
    assert ledger.rates.take("mail", 1, RATE, BURST, NOW) == 0.0
    assert ledger.rates.get("stripe") is not None
    assert ledger.rates.get("sms") is None


def test_a_clock_that_is_behind_adds_nothing(ledger: Ledger) -> None:
    """Two workers whose clocks differ by half a minute share one bucket; each turn of the late one gains no token."""
    assert take(ledger, NOW, 20) == 0.0
    waits = [take(ledger, after(seconds=-30 * (n % 2))) for n in range(10)]
    assert waits == pytest.approx([0.05 * (n + 1) for n in range(10)])


def test_a_clock_that_was_set_back_does_not_stop_the_bucket(ledger: Ledger) -> None:
    """After the clock went back by an hour tokens come again at once, not only when the hour is over."""
    assert take(ledger, NOW, 20) == 0.0
    assert take(ledger, after(hours=-1)) == pytest.approx(0.05)
    assert take(ledger, after(hours=-1, seconds=1)) == 0.0


@pytest.mark.parametrize(("n", "rate", "burst"), [(0, 1.0, 1.0), (1, 0.0, 1.0), (1, 1.0, -1.0)])
def test_a_bucket_without_sense_is_refused(ledger: Ledger, n: int, rate: float, burst: float) -> None:
    """Numbers that would never give a token, or give them for nothing, are an error."""
    with pytest.raises(ValueError, match="above zero"):
        ledger.rates.take("stripe", n, rate, burst, NOW)


def test_eight_threads_together_get_each_turn_once(ledger: Ledger) -> None:
    """Eight threads that take 25 times at the same moment get 200 turns: a burst, then one each twentieth of a second."""

    def worker(_: int) -> list[float | None]:
        return [take(ledger, NOW) for _ in range(25)]

    turns = sorted(turn for turns in at_once(8, worker) for turn in turns if turn is not None)
    assert turns == pytest.approx([0.0] * 20 + [n * 0.05 for n in range(1, 181)])


def test_eight_threads_on_the_wall_clock_keep_the_rate(ledger: Ledger) -> None:
    """The same with real waiting: 60 turns at 100 a second after a burst of 10 take half a second at least."""
    began = time.monotonic()

    def worker(n: int) -> list[float]:
        turns = []
        for _ in range(10 if n else 20):
            wait = ledger.rates.take("real", 1, 100.0, 10.0, datetime.now(UTC))
            assert wait is not None
            time.sleep(wait)
            turns.append(time.monotonic() - began)
        return turns

    turns = sorted(turn for turns in at_once(5, worker) for turn in turns)
    assert len(turns) == 60
    assert turns[-1] >= 0.5


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger for many examples, each with a bucket of its own."""
    path: Path = tmp_path_factory.mktemp("rates") / "ledger.db"
    ledger = Ledger.connect(f"sqlite:///{path}")
    ledger.migrate()
    return ledger


@given(
    rate=st.floats(0.5, 200),
    burst=st.integers(1, 50),
    takes=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), min_size=1, max_size=20),
)
def test_no_window_ever_has_more_than_rate_and_burst(
    buckets: Ledger, rate: float, burst: int, takes: list[tuple[float, int]]
) -> None:
    """Whatever is asked for and when, any stretch of t seconds has at most burst + rate * t tokens, and no turn is lost."""
    name, at, turns = f"bucket {next(_numbers)}", NOW, list[tuple[float, int]]()
    for pause, wanted in takes:
        at += timedelta(seconds=pause)
        n = min(wanted, burst)
        wait = buckets.rates.take(name, n, rate, burst, at)
        assert wait is not None
        turns.append(((at - NOW).total_seconds() + wait, n))
    assert_kept(turns, rate, burst)
    assert turns == sorted(turns, key=lambda turn: turn[0])
    asked = sum(n for _, n in turns)
    assert turns[-1][0] <= (at - NOW).total_seconds() + asked / rate + 1e-6


def assert_kept(turns: list[tuple[float, int]], rate: float, burst: float) -> None:
    """No stretch between two turns has more tokens than it may."""
    for first, (begin, _) in enumerate(turns):
        taken = 0
        for end, n in turns[first:]:
            taken += n
            assert taken <= burst + rate * (end - begin) + 1e-3, (begin, end, taken)
