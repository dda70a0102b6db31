"""The activity that trains: its answer, and what happens where models cannot be kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.learning import Learning
from activities.timing_contracts import StartTraining
from recoup.clock import SystemClock
from recoup.learning.models import Models
from recoup.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    opened.migrate()
    return opened


def test_an_empty_ledger_is_answered_with_a_refusal(ledger: Ledger, tmp_path: Path) -> None:
    """Nothing to learn from is a result, with its reason, and no error."""
    learning = Learning(Models(tmp_path / "models", ledger), SystemClock())
    done = ActivityEnvironment().run(learning.train, StartTraining(by="test"))
    assert (done.promoted, done.attempts, done.is_new) == (False, 0, True)
    assert "0 retries" in done.because
    assert not ActivityEnvironment().run(learning.train, StartTraining(by="test")).is_new


def test_a_directory_that_cannot_be_written_ends_the_run_with_a_sentence(
    ledger: Ledger, tmp_path: Path
) -> None:
    """It is not tried over and over: the run fails, says what to set, and promotes nothing."""
    (tmp_path / "models").write_text("a file")
    learning = Learning(Models(tmp_path / "models", ledger), SystemClock())
    with pytest.raises(ApplicationError, match="another directory") as refused:
        ActivityEnvironment().run(learning.train, StartTraining(by="test"))
    assert refused.value.non_retryable
    assert ledger.past.newest_event("model_promoted", "model_refused") is None
