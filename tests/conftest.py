"""What every test can ask for, and what holds for every test.

Fixtures: ``postgres_url``, ``temporal_binary``, ``time_skipping_env``, ``free_port``. Held for all: only this machine is
reached, no setting of the caller's environment is seen, Hypothesis is reproducible.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures.network import free_port, only_this_machine
from tests.fixtures.postgres import DSN_VARIABLE, postgres_url
from tests.fixtures.temporal import temporal_binary, time_skipping_env

__all__ = ["free_port", "only_this_machine", "postgres_url", "temporal_binary", "time_skipping_env"]

# Busy machines are slow, not wrong: no deadline. "ci" finds the same examples every time; "explore" looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", parent=settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_FOREIGN_PREFIXES = ("RECOUP_", "TEMPORAL_", "STRIPE_", "AWS_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses PostgreSQL, whichever fixture it comes through."""
    for item in items:
        if "postgres_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, key or proxy of the person who runs the tests reaches one."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    for name in list(os.environ):
        foreign = name.upper().startswith(_FOREIGN_PREFIXES) or name.lower() in proxies
        if foreign and name != DSN_VARIABLE:
            monkeypatch.delenv(name)
