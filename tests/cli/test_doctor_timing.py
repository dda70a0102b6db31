"""What the doctor says of the learned model."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recoup.clock import SystemClock
from recoup.doctor._timing import model
from recoup.errors import ConfigurationError
from recoup.settings import load_settings
from tests.learning.pasts import taught


def _settings(folder: Path, retries: str) -> Any:
    policy = folder / "policy.yaml"
    policy.write_text(f"version: 1\ncampaigns: [{{name: everybody, retries: {{{retries}}}}}]\n")
    return load_settings(policy_file=policy, timing={"models": folder / "models"})


def _said(settings: Any) -> str:
    (found,) = model(settings)
    return f"{found.grade}: {found.says}"


def test_the_doctor_says_how_the_model_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing where none is asked for; a note while none was promoted; well once one was; something to mend where its file is gone."""
    monkeypatch.chdir(tmp_path)
    assert model(_settings(tmp_path, "timing: planned")) == []
    wanted = _settings(tmp_path, "timing: planned, model: promoted")
    assert "was promoted yet, so the prior plans" in _said(wanted)
    version = taught(tmp_path, SystemClock().now()).promoted().version  # type: ignore[union-attr]
    assert _said(wanted) == f"ok: the model {version} plans where the policy says so"
    (tmp_path / "models" / f"{version}.json").unlink()
    with pytest.raises(ConfigurationError, match="the model is not there"):
        model(wanted)


def test_an_old_model_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine months after its newest attempt the prior plans again, and the doctor says so."""
    monkeypatch.chdir(tmp_path)
    taught(tmp_path, SystemClock().now() - timedelta(days=300))
    assert "has grown old" in _said(_settings(tmp_path, "timing: planned, model: shadow"))
