"""The sandbox as a process: how it starts, stops, and survives being killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stripe

from recoup.sandbox.__main__ import main
from tests.sandbox.stage import Receiver

COMMAND = [sys.executable, "-m", "recoup.sandbox"]


@contextmanager
def running(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], stripe.StripeClient]]:
    """A sandbox process and a client of it; killed at the end if it still runs."""
    command = [*COMMAND, "--data", str(directory), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        try:
            yield (
                process,
                stripe.StripeClient(
                    "sk_test_sandbox", base_addresses={"api": address}, max_network_retries=0
                ),
            )
        finally:
            process.kill()


def test_it_announces_itself_and_stops_cleanly(tmp_path: Path) -> None:
    """One line with the address when it answers; SIGTERM and SIGINT end it with code 0 and no noise."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with running(tmp_path) as (process, client):
            assert client.v1.customers.list().data == []
            process.send_signal(number)
            output, errors = process.communicate(timeout=20)
            assert (process.returncode, output, errors) == (0, "", "")


def test_state_survives_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    """After kill -9 the same objects, stored answers, plans and undelivered webhooks are there, and the time is not behind."""
    receiver.answer = lambda _: 500
    options = [
        "--webhook-url",
        receiver.url,
        "--webhook-secret",
        "whsec_x",
        "--clock-file",
        str(tmp_path / "clock"),
        "--switch",
        "final_action=unpaid",
    ]
    with running(tmp_path / "data", *options) as (process, client):
        api = client.v1
        customer = api.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})
        clock = api.test_helpers.test_clocks.create({"frozen_time": 4_000_000_000})
        assert clock.status == "advancing"
        process.kill()
        process.wait()
    (tmp_path / "clock").unlink(missing_ok=True)
    receiver.answer = lambda _: 200
    with running(tmp_path / "data", *options) as (_, client):
        api = client.v1
        assert api.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"}).id == customer.id
        assert [entry.id for entry in api.customers.list().data] == [customer.id]
        for _attempt in range(100):
            if api.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
                break
            time.sleep(0.05)
        assert api.test_helpers.test_clocks.retrieve(clock.id).frozen_time == 4_000_000_000
        assert "customer.created" in receiver.types


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--switch", "colour=red"], "There is no switch 'colour'"),
        (["--switch", "final_action"], "name=value"),
        (["--switch", "retry_days=3,1"], "growing whole days"),
        (["--webhook-url", "http://127.0.0.1:1/"], "belong together"),
        (["--webhook-url", "nowhere", "--webhook-secret", "x"], "--webhook-url"),
        (["--world", "/nowhere/world.yaml"], "/nowhere/world.yaml"),
        (["--port", "99999"], "99999"),
    ],
)
def test_what_cannot_start_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    """A wrong switch, flag, world or port: exit code 2 and one sentence, no traceback."""
    assert main(["--data", str(tmp_path), *options]) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert len(errors.strip().splitlines()) == 1


def test_a_bad_world_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown key in the world file is an error that names it and the file."""
    world = tmp_path / "world.yaml"
    world.write_text("version: 1\nname: x\ncustomers: {}\ncolour: red\n")
    assert main(["--data", str(tmp_path / "data"), "--world", str(world)]) == 2
    errors = capsys.readouterr().err
    assert "colour" in errors
    assert str(world) in errors


def test_a_taken_port_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], receiver: Receiver
) -> None:
    """A port on which somebody listens already is named in one sentence."""
    port = receiver.url.split(":")[2].split("/")[0]
    assert main(["--data", str(tmp_path), "--port", port]) == 2
    assert port in capsys.readouterr().err
