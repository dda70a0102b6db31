"""What is remembered of figures: the same as worked out anew, and never of other facts."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from recoup.figures import Selection, recovery
from recoup.figures.columns import Array, Frame
from recoup.figures.facts import DEBTS, Facts
from recoup.figures.keeping import facts_of
from recoup.figures.recovery import Cohort, recovery_rate
from recoup.figures.remembering import Remembered, digest_of
from recoup.figures.tries import attempts_of, declines_of
from recoup.ledger import Ledger
from tests.figures.scene import END, play

LATER = Selection(now=END + timedelta(days=90))


@pytest.fixture
def facts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Facts:
    """Facts of several months, with nothing remembered yet."""
    monkeypatch.setattr(recovery, "_SETTLED", Remembered[Cohort](100))
    play(ledger)
    return facts_of(ledger, LATER, whole=False)


def test_a_month_that_cannot_change_is_worked_out_once(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look says the same, without a new look at any debt of its months."""
    first = recovery_rate(facts, LATER)
    monkeypatch.setattr(recovery, "_worked_out", lambda *_: pytest.fail("worked out again"))
    fresh = Facts(facts.debts, facts.tried, facts.others, facts.sent, facts.refused)
    assert recovery_rate(fresh, LATER) == first
    assert len(first.cohorts) > 2


def test_a_month_that_is_remembered_is_not_that_of_an_earlier_look(facts: Facts) -> None:
    """Looked at from a time at which its cases were young it says so, also after it was looked at from later on."""
    late = recovery_rate(facts, LATER)
    early = recovery_rate(facts, Selection(now=END))
    assert [each.within[-1].too_young for each in late.cohorts] == [0] * len(late.cohorts)
    assert early.cohorts[-1].within[-1].too_young > 0


def test_a_time_in_which_nothing_failed_has_no_months(facts: Facts) -> None:
    """It is empty, with all its other figures, and no error."""
    nothing = Selection(now=LATER.now, since=END + timedelta(days=30))
    made = recovery_rate(facts, nothing)
    assert (made.all.cases, made.cohorts, made.cash, made.last_mature) == (0, (), (), None)
    tried, declined = attempts_of(facts, nothing), declines_of(facts, nothing)
    assert (tried.by_number, tried.by_hour, tried.by_weekday) == ((), (), ())
    assert (declined.by_code, declined.by_first_code) == ((), ())


def test_a_payment_that_comes_late_is_seen(facts: Facts) -> None:
    """One open debt that is recovered after all: its month is another one, the others stay."""
    before = recovery_rate(facts, LATER)
    words = facts.debts.words["outcome"]
    some = int(np.flatnonzero(facts.debts.says("outcome", None))[0])
    outcomes, closed = facts.debts["outcome"].copy(), facts.debts["closed_at"].copy()
    outcomes[some] = words.index("recovered_by_retry")
    closed[some] = facts.debts["failed_at"][some] + 1
    changed = facts.debts.having(outcome=outcomes, closed_at=closed)
    after = recovery_rate(Facts(changed, facts.tried, facts.others, facts.sent, facts.refused), LATER)
    differ = [one != other for one, other in zip(before.cohorts, after.cohorts, strict=True)]
    assert sum(differ) == 1
    assert after.all.recovered == before.all.recovered + 1


@pytest.mark.parametrize("name", DEBTS)
def test_nothing_of_a_debt_can_change_unseen(name: str) -> None:
    """Every column counts, and every word, even where the numbers stay."""
    debts = Frame.of(DEBTS, [(number,) * len(DEBTS) for number in (3, 4)])
    changed: Array = debts[name].copy()
    changed[0] = not changed[0] if changed.dtype == bool else changed[0] ^ 1
    assert digest_of(debts.having(**{name: changed})) != digest_of(debts)
    if name in debts.words:
        others = tuple(f"{word}?" for word in debts.words[name])
        assert digest_of(Frame(debts.columns, debts.words | {name: others})) != digest_of(debts)


def test_the_oldest_is_forgotten() -> None:
    """No more than so many are remembered, those that were asked for last."""
    kept = Remembered[int](2)
    assert [kept.of(name, lambda: 1) for name in (b"a", b"b", b"a", b"c")] == [1] * 4
    assert [kept.of(name, lambda: 2) for name in (b"a", b"c", b"b")] == [1, 1, 2]
