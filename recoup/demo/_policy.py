"""The policy that a demo runs under."""

from __future__ import annotations

from pathlib import Path

import yaml

from recoup.policy.file import load_policy
from recoup.rules.policy import Policy


def shipped_policy() -> Policy:
    """The policy that Recoup ships with, which is also what every key of a policy file means when it is left out."""
    return Policy(version=1)


def text_of(file: Path | None) -> str:
    """A policy file for the stack: the operator's own, checked, or the shipped one.

    Raises:
        ConfigurationError: the operator's cannot be used.
    """
    if file is None:
        return yaml.safe_dump(shipped_policy().model_dump(mode="json"), sort_keys=False)
    load_policy(file)
    return file.read_text(encoding="utf-8")
