"""From the ledger to a model: promoted where there is something to learn, refused with a reason where there is not."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.cli import cli
from recoup.clock import SystemClock
from recoup.learning.models import Models, NoModel
from recoup.learning.promotion import retrain
from recoup.learning.standing import lines_of, standing
from recoup.timing.model import STALE_AFTER
from tests.learning.conftest import NewLedger
from tests.learning.pasts import version_of, write_past

NOW = datetime(2026, 10, 10, tzinfo=UTC)


@pytest.fixture
def models(new_ledger: NewLedger, tmp_path: Path) -> Models:
    """A directory of models, and a ledger with a past that teaches the night."""
    ledger = new_ledger(str(uuid.uuid4()))
    write_past(ledger, 700)
    return Models(tmp_path / "models", ledger)


def test_a_model_that_beats_the_prior_is_promoted_and_stands_in_the_ledger(models: Models) -> None:
    """Its file has the card (range, hash, calibration, drift, both log-losses), the ledger the promotion with the model itself."""
    made = retrain(models, NOW, by="test")
    assert made.card.promoted, made.card.because
    assert version_of(models) == made.version
    text = models.path(made.version).read_text()
    kept = json.loads(text)["card"]
    assert kept["log_loss"] < kept["log_loss_of_prior"]
    assert kept["attempts"] == 700
    assert len(kept["data"]) == 64
    assert {"begins", "ends", "calibration_error", "drift", "held_back"} <= set(kept)
    told = models.ledger.past.newest_event("model_promoted")
    assert told is not None
    assert (told.data["version"], told.data["card"]["data"]) == (made.version, kept["data"])
    assert told.data["model"] == text
    assert models.get(made.version).model.card.promoted


def test_training_again_on_the_same_past_tells_nothing_new(models: Models) -> None:
    """The same attempts are the same model and the same version: no second event, and the promotion keeps its date."""
    first = retrain(models, NOW, by="test")
    before, since = models.ledger.events.newest(), models.promoted()
    again = retrain(models, NOW + timedelta(days=7), by="test")
    assert (again.version, again.is_new) == (first.version, False)
    assert models.ledger.events.newest() == before
    assert models.promoted() == since


def test_permuted_outcomes_promote_nothing(new_ledger: NewLedger, tmp_path: Path) -> None:
    """Where outcomes were dealt out anew nothing is promoted, the ledger says why, and `status` shows it."""
    models = Models(tmp_path, new_ledger("permuted"))
    write_past(models.ledger, 700, permuted=True)
    made = retrain(models, NOW, by="test")
    assert not made.card.promoted
    assert models.promoted() is None
    told = models.ledger.past.newest_event("model_refused")
    assert told is not None
    assert "not clearly better than the prior" in told.data["because"]
    said = "\n".join(lines_of(standing(models, NOW)))
    assert "No model is promoted, so the prior decides." in said
    assert "not clearly better than the prior" in said


def test_too_little_is_refused(new_ledger: NewLedger, tmp_path: Path) -> None:
    """A hundred retries promote nothing, and the reason has their number."""
    models = Models(tmp_path, new_ledger("few"))
    write_past(models.ledger, 100)
    refused = retrain(models, NOW, by="test")
    assert not refused.card.promoted
    assert "100 retries" in refused.card.because


def test_what_is_too_old_is_refused_and_leaves_the_promoted_model_in_its_place(models: Models) -> None:
    """With nothing newer than nine months nothing is promoted; what was promoted before stays, and is told to have grown old."""
    promoted = retrain(models, NOW, by="test").version
    old = retrain(models, NOW + STALE_AFTER + timedelta(days=1), by="test")
    assert not old.card.promoted
    assert "older than 270 days" in old.card.because
    assert models.ledger.past.newest_event("model_promoted", "model_refused").kind == "model_refused"  # type: ignore[union-attr]
    assert version_of(models) == promoted
    late = standing(models, NOW + STALE_AFTER)
    assert late.trouble == "it has grown old: its newest attempt is too long ago"


def test_a_poorly_calibrated_model_is_refused(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much better than the prior: a model whose chances are off by more than is allowed decides nothing."""
    monkeypatch.setattr("recoup.timing.training.WORST_CALIBRATION", -1.0)
    made = retrain(models, NOW, by="test")
    assert not made.card.promoted
    assert "its chances were off by" in made.card.because
    assert models.promoted() is None


def test_a_damaged_or_exchanged_file_is_no_model(models: Models, new_ledger: NewLedger) -> None:
    """A file is only taken for the model whose digest its name has: the ledger's is taken instead, or it is said what is wrong; it needs no directory."""
    version = retrain(models, NOW, by="test").version
    whole = models.path(version).read_text()
    models.path(version).write_text(whole.replace('"level"', '"level" '))
    unknown = Models(models.directory, new_ledger("knows-nothing"))
    with pytest.raises(NoModel, match="it holds another model"):
        unknown.get(version)
    assert Models(models.directory, models.ledger).get(version).version == version
    assert models.path(version).read_text() == whole
    a_file = models.path("no-directory")
    a_file.write_text("")
    assert Models(a_file, models.ledger).get(version).version == version
    models.path(version).unlink()
    with pytest.raises(NoModel, match="the model is not there"):
        unknown.get(version)


def test_a_withdrawn_model_stays_withdrawn(models: Models) -> None:
    """Trained anew on the same attempts it is not promoted again; `status` says who took it back and why; newer attempts may bring another."""
    version = retrain(models, NOW, by="test").version
    assert models.withdraw("anna", "it waits too long", NOW) == version
    assert models.withdraw("anna", "again", NOW) is None
    assert retrain(models, NOW + timedelta(days=7), by="test").version == version
    assert models.promoted() is None
    said = "\n".join(lines_of(standing(models, NOW)))
    assert f"{version} was withdrawn by anna: it waits too long" in said


def test_the_commands_train_export_tell_and_withdraw(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`export` prints what `train --attempts` learns the same model from as `train --from-ledger`; `status` names the promoted one."""
    clock = tmp_path / "clock"
    clock.write_text(str((NOW - SystemClock().now()).total_seconds()))
    monkeypatch.setenv("RECOUP_DATABASE_URL", str(models.ledger._store.url))
    monkeypatch.setenv("RECOUP_TIMING__MODELS", str(tmp_path / "kept"))
    monkeypatch.setenv("RECOUP_CLOCK_FILE", str(clock))
    run = CliRunner().invoke
    exported = run(cli, ["timing", "export"])
    assert exported.exit_code == 0, exported.output
    (tmp_path / "lines.jsonl").write_text(exported.stdout)
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    from_file = ["timing", "train", "--attempts", str(tmp_path / "lines.jsonl"), "--out", str(one)]
    assert run(cli, from_file).exit_code == 0
    assert run(cli, ["timing", "train", "--from-ledger", "--out", str(two)]).exit_code == 0
    assert one.read_bytes() == two.read_bytes()
    trained = run(cli, ["timing", "train", "--from-ledger"])
    assert json.loads(trained.stdout)["promoted"] is True, trained.stdout
    status = json.loads(run(cli, ["timing", "status", "--json"]).stdout)
    assert status["promoted"] in trained.stderr
    assert status["card"] == json.loads(trained.stdout)
    assert "decides where a policy says" in run(cli, ["timing", "status"]).stdout
    assert "Give either" in run(cli, ["timing", "train"]).output
    withdrawn = run(cli, ["timing", "withdraw", "--reason", "too late", "--operator", "anna"])
    assert withdrawn.stdout == f"{status['promoted']} was withdrawn.\n"
    assert "withdrawn by anna" in run(cli, ["timing", "status"]).stdout
