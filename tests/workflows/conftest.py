"""A worker over the scripted outside, on the real dev server with skipped time."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.playing import Begin, beginner


@pytest.fixture
def begin(time_skipping_env: WorkflowEnvironment) -> Begin:
    """How to begin a case whose time stands still until it is moved on."""
    return beginner(time_skipping_env, skipping=False)


@pytest.fixture
def play(time_skipping_env: WorkflowEnvironment) -> Begin:
    """How to begin a case whose time is skipped by itself from the start."""
    return beginner(time_skipping_env, skipping=True)
