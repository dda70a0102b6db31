"""What the doctor says of the learned model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recoup.clock import SystemClock
from recoup.doctor._timing import model
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.settings import load_settings
from tests.learning.pasts import taught, version_of


def _settings(folder: Path, retries: str) -> Any:
    policy = folder / "policy.yaml"
    policy.write_text(f"version: 1\ncampaigns: [{{name: everybody, retries: {{{retries}}}}}]\n")
    url = f"sqlite:///{folder / 'ledger.db'}"
    return load_settings(policy_file=policy, database_url=url, timing={"models": folder / "models"})


def _said(settings: Any) -> str:
    (found,) = model(settings)
    return f"{found.grade}: {found.says}"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.chdir(tmp_path)
    opened = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    opened.migrate()
    yield opened
    opened.close()


def test_the_doctor_says_how_the_model_stands(ledger: Ledger, tmp_path: Path) -> None:
    """Nothing where none is asked for; a note while none is promoted; well once one is; something to mend where it is nowhere."""
    assert model(_settings(tmp_path, "timing: planned")) == []
    wanted = _settings(tmp_path, "timing: planned, model: promoted")
    assert "no model is promoted, so the prior plans" in _said(wanted)
    version = version_of(taught(ledger, tmp_path, SystemClock().now()))
    assert _said(wanted) == f"ok: the model {version} plans where the policy says so"
    lost = {"version": "gone", "standing": {"version": "gone", "at": "2026-01-01T00:00:00Z"}}
    ledger.events.append("model_promoted", SystemClock().now(), data=lost, unique="model_promoted/gone")
    with pytest.raises(ConfigurationError, match="the model is not there"):
        model(wanted)


def test_an_old_model_is_noted(ledger: Ledger, tmp_path: Path) -> None:
    """Nine months after its newest attempt the prior plans again, and the doctor says so."""
    taught(ledger, tmp_path, SystemClock().now() - timedelta(days=300))
    assert "has grown old" in _said(_settings(tmp_path, "timing: planned, model: shadow"))


def test_a_ledger_that_is_not_there_yet_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the ledger says what to do about it; this one leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    assert model(_settings(tmp_path, "timing: planned, model: promoted")) == []
    assert not (tmp_path / "ledger.db").exists()
