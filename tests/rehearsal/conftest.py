"""Rehearsing scenarios in this process, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recoup.rehearsal.run import Options, rehearse

Told = dict[str, Any]
Rehearse = Callable[..., tuple[int, Told]]


@pytest.fixture
def rehearsed(capsys: pytest.CaptureFixture[str]) -> Rehearse:
    """Play one scenario; answers the exit code and what ``--json`` tells of it."""

    def play(scenario: str | Path, policy: Path | None = None) -> tuple[int, Told]:
        code = rehearse(Options((str(scenario),), policy=policy, as_json=True))
        (told,) = json.loads(capsys.readouterr().out)["scenarios"]
        return code, told

    return play


def told_of(story: Told, kind: str) -> list[str]:
    """What of this kind happened, in its order."""
    return [line["what"] for line in story["timeline"] if line["kind"] == kind]


def subjects(story: Told) -> list[str]:
    """The subjects of the messages, in their order."""
    return [line["message"]["subject"] for line in story["timeline"] if "message" in line]
