"""From the ledger to a model: promoted where there is something to learn, refused with a reason where there is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.clock import SystemClock
from recoup.learning.models import Models, NoModel
from recoup.learning.promotion import retrain
from recoup.learning.standing import lines_of, standing
from recoup.ledger import Ledger
from recoup.timing.model import STALE_AFTER
from tests.learning.conftest import NewLedger
from tests.learning.pasts import write_past

NOW = datetime(2026, 10, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def past(new_ledger: NewLedger) -> Ledger:
    ledger = new_ledger("past")
    write_past(ledger, 700)
    return ledger


def test_a_model_that_beats_the_prior_is_promoted_and_stands_in_the_ledger(
    past: Ledger, models: Models
) -> None:
    """Its file has the card (range, hash, calibration, drift, both log-losses), the ledger the promotion, and the directory its name."""
    made = retrain(past, models, NOW, by="test")
    assert made.card.promoted, made.card.because
    assert models.promoted() is not None
    assert models.promoted().version == made.version  # type: ignore[union-attr]
    kept = json.loads(models.path(made.version).read_text())["card"]
    assert kept["log_loss"] < kept["log_loss_of_prior"]
    assert kept["attempts"] == 700
    assert len(kept["data"]) == 64
    assert {"begins", "ends", "calibration_error", "drift", "held_back"} <= set(kept)
    told = past.past.newest_event("model_promoted")
    assert told is not None
    assert (told.data["version"], told.data["card"]["data"]) == (made.version, kept["data"])
    assert models.get(made.version).model.card.promoted


def test_training_again_on_the_same_past_tells_nothing_new(past: Ledger, models: Models) -> None:
    """The same attempts are the same model and the same version: no second event, and the promotion keeps its date."""
    first = retrain(past, models, NOW, by="test")
    before, since = past.events.newest(), models.promoted()
    again = retrain(past, models, NOW + timedelta(days=7), by="test")
    assert (again.version, again.is_new) == (first.version, False)
    assert past.events.newest() == before
    assert models.promoted() == since


def test_permuted_outcomes_promote_nothing(new_ledger: NewLedger, models: Models) -> None:
    """Where outcomes were dealt out anew nothing is promoted, the ledger says why, and `status` shows it."""
    ledger = new_ledger("permuted")
    write_past(ledger, 700, permuted=True)
    made = retrain(ledger, models, NOW, by="test")
    assert not made.card.promoted
    assert models.promoted() is None
    told = ledger.past.newest_event("model_refused")
    assert told is not None
    assert "not clearly better than the prior" in told.data["because"]
    said = "\n".join(lines_of(standing(ledger, models, NOW)))
    assert "No model was promoted" in said
    assert "not clearly better than the prior" in said


def test_too_little_and_too_old_are_refused_and_leave_the_promoted_model_in_its_place(
    past: Ledger, new_ledger: NewLedger, models: Models
) -> None:
    """A hundred retries, or none newer than nine months, promote nothing; what was promoted before goes on deciding."""
    promoted = retrain(past, models, NOW, by="test").version
    few = new_ledger("few")
    write_past(few, 100)
    refused = retrain(few, models, NOW, by="test")
    assert not refused.card.promoted
    assert "100 retries" in refused.card.because
    old = retrain(past, models, NOW + STALE_AFTER + timedelta(days=1), by="test")
    assert not old.card.promoted
    assert "older than 270 days" in old.card.because
    assert models.promoted().version == promoted  # type: ignore[union-attr]
    late = standing(past, models, NOW + STALE_AFTER)
    assert late.trouble == "it has grown old: its newest attempt is too long ago"


def test_a_poorly_calibrated_model_is_refused(
    past: Ledger, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much better than the prior: a model whose chances are off by more than is allowed decides nothing."""
    monkeypatch.setattr("recoup.timing.training.WORST_CALIBRATION", -1.0)
    made = retrain(past, models, NOW, by="test")
    assert not made.card.promoted
    assert "its chances were off by" in made.card.because
    assert models.promoted() is None


def test_a_damaged_or_exchanged_file_is_no_model(past: Ledger, models: Models) -> None:
    """A file is only taken for the model whose digest its name has; one that is gone says so."""
    version = retrain(past, models, NOW, by="test").version
    text = models.path(version).read_text()
    models.path(version).write_text(text.replace('"level"', '"level" '))
    with pytest.raises(NoModel, match="it holds another model"):
        Models(models.directory).get(version)
    models.path(version).unlink()
    with pytest.raises(NoModel, match="the model is not there"):
        Models(models.directory).get(version)
    assert "the model is not there" in (standing(past, Models(models.directory), NOW).trouble or "")
    (models.directory / "promoted.json").write_text("{")
    with pytest.raises(NoModel, match="cannot be read"):
        models.promoted()


def test_the_commands_train_export_and_tell(
    past: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`export` prints what `train --attempts` learns the same model from as `train --from-ledger`; `status` names the promoted one."""
    clock = tmp_path / "clock"
    clock.write_text(str((NOW - SystemClock().now()).total_seconds()))
    monkeypatch.setenv("RECOUP_DATABASE_URL", str(past._store.url))
    monkeypatch.setenv("RECOUP_TIMING__MODELS", str(tmp_path / "kept"))
    monkeypatch.setenv("RECOUP_CLOCK_FILE", str(clock))
    run = CliRunner().invoke
    exported = run(cli, ["timing", "export"])
    assert exported.exit_code == 0, exported.output
    (tmp_path / "lines.jsonl").write_text(exported.stdout)
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert (
        run(
            cli, ["timing", "train", "--attempts", str(tmp_path / "lines.jsonl"), "--out", str(one)]
        ).exit_code
        == 0
    )
    assert run(cli, ["timing", "train", "--from-ledger", "--out", str(two)]).exit_code == 0
    assert one.read_bytes() == two.read_bytes()
    trained = run(cli, ["timing", "train", "--from-ledger"])
    assert json.loads(trained.stdout)["promoted"] is True, trained.stdout
    status = json.loads(run(cli, ["timing", "status", "--json"]).stdout)
    assert status["promoted"] in trained.stderr
    assert status["card"] == json.loads(trained.stdout)
    assert status["trouble"] is None
    assert "decides where a policy says" in run(cli, ["timing", "status"]).stdout
    assert "Give either" in run(cli, ["timing", "train"]).output
