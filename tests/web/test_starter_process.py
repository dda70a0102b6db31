"""The starter as a process of its own: it starts while Temporal is away, and stops in good order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

import starter
from recoup.clock import SystemClock
from recoup.errors import ConnectionFailed, RecoupError
from recoup.ledger import Ledger
from recoup.links import UpdateLinks
from recoup.settings import load_settings
from recoup.web.serving import serve
from recoup.web.webhooks.signature import sign
from tests.web import stripe_events as told

ROOT = Path(__file__).parents[2]
LINK_SECRET = "a secret for the links of this test"


def environment(folder: Path, closed_port: int, **more: str) -> dict[str, str]:
    """The settings of a starter with nobody behind it."""
    nobody = f"127.0.0.1:{closed_port}"
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RECOUP_STRIPE__API_KEY": "sk_test_of_this_test",
        "RECOUP_STRIPE__API_BASE": f"http://{nobody}",
        "RECOUP_STRIPE__WEBHOOK_SECRETS": '["whsec_of_this_test"]',
        "RECOUP_TEMPORAL__ADDRESS": nobody,
        "RECOUP_LINK_SECRETS": json.dumps([LINK_SECRET]),
        "RECOUP_DATABASE_URL": f"sqlite:///{folder}/ledger.db",
        "RECOUP_STARTER__PORT": "0",
        "RECOUP_POLICY_FILE": str(ROOT / "policy.yaml"),
        **more,
    }


class Starter:
    """A running starter and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.base = f"http://127.0.0.1:{self._wait_for('listening')['port']}"

    def _wait_for(self, event: str) -> dict[str, Any]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"the starter ended without {event}: {self.lines}")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, read the rest of the log, and give the exit code."""
        assert self.process.stderr is not None
        self.process.send_signal(by)
        self.lines += [json.loads(line) for line in self.process.stderr]
        return self.process.wait(20)


@contextmanager
def running(folder: Path, closed_port: int) -> Iterator[Starter]:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "starter.py")],
        cwd=folder,
        env=environment(folder, closed_port),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Starter(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_starts_without_temporal_and_stops_in_good_order(tmp_path: Path, free_port: int) -> None:
    """Healthy, not ready, webhooks 503, pages 503 or 404; a signal ends it with 0; the log is JSON without any token."""
    with running(tmp_path, free_port) as process:
        ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
        now = told_now()
        row = ledger.links.issue("cus_1", "update", now.replace(year=now.year + 1), now)
        ledger.close()
        token = UpdateLinks([LINK_SECRET], "x").token(row.id, row.generation)
        with httpx2.Client(base_url=process.base, timeout=60, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["temporal"], ready.json()["ledger"]) == (
                503,
                "away",
                "ok",
            )
            body = told.body(told.failed())
            header = sign(body, "whsec_of_this_test", told_now())
            hook = client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
            assert hook.status_code == 503
            assert client.get("/u/of-nobody").status_code == 404
            assert client.get(f"/u/{token}").status_code == 503, "Stripe is away"
        assert process.stop() == 0
    text = json.dumps(process.lines)
    assert token not in text
    assert "sk_test_of_this_test" not in text
    assert "whsec_of_this_test" not in text
    assert {"serving", "listening", "request", "webhook_not_accepted", "page_failed", "stopped"} <= {
        line["event"] for line in process.lines
    }


def test_ctrl_c_once_stops_it_in_good_order(tmp_path: Path, free_port: int) -> None:
    """One Ctrl-C is one word to stop: requests are finished, the ledger is closed, the exit code is 0."""
    with running(tmp_path, free_port) as process:
        assert process.stop(signal.SIGINT) == 0
    assert "stopped" in {line["event"] for line in process.lines}


def told_now() -> datetime:
    """The moment by the wall clock, which is the starter's here."""
    return SystemClock().now()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"RECOUP_STRIPE__API_KEY": ""}, "No Stripe key is set"),
        ({"RECOUP_STRIPE__WEBHOOK_SECRETS": "[]"}, "RECOUP_STRIPE__WEBHOOK_SECRETS"),
        ({"RECOUP_LINK_SECRETS": '["short"]'}, "RECOUP_LINK_SECRETS"),
        ({"RECOUP_STARTER__PROT": "1"}, "did you mean RECOUP_STARTER__PORT"),
        ({"RECOUP_DATABASE_URL": "sqlite:////no/such/folder/ledger.db"}, "no such folder"),
    ],
)
def test_what_it_cannot_start_with_is_one_sentence(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], sentence: str
) -> None:
    """A missing or wrong setting, a database or an address that cannot be had: one sentence that names it."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(tmp_path, free_port, **change).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RecoupError, match=sentence) as caught:
        starter.run(load_settings())
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    """Another process listens there already: the sentence names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{port}"):
            asyncio.run(serve(FastAPI(), "127.0.0.1", port))


def test_an_operators_mistake_ends_the_process_with_2(tmp_path: Path, free_port: int) -> None:
    """The sentence on standard error, no traceback, exit code 2."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "starter.py")],
        cwd=tmp_path,
        env=environment(tmp_path, free_port, RECOUP_STARTER__PROT="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("recoup: ")
    assert len(done.stderr.splitlines()) == 1
