"""Webhooks: how many the starter takes for a second of its CPU, and how soon it answers, against a bare route with the same Temporal call."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2

from bench._processes import cpu_seconds, environment, running, wait_for
from bench._rows import Figures, Row
from bench.parked import park
from recoup.clock import SystemClock
from recoup.demo._temporal_server import server_command, temporal_program
from recoup.demo.ports import free_ports
from recoup.web.webhooks.signature import sign

SECRET = "whsec_of_the_bench"  # noqa: S105 - nobody else listens
AT_ONCE = 8
DELIVERIES = 400
WARM_UP = 80
BEHIND = int(os.environ.get("BENCH_BEHIND", "0"))
"""So many cases wait in Temporal meanwhile."""


def measure(place: Path, times: int) -> list[Row]:
    """Both sides in turn, against the same Temporal, on invoices that nobody has seen before."""
    temporal, ui, bare, starter = free_ports(4)
    numbers = itertools.count()
    with ExitStack() as stack:
        address = f"127.0.0.1:{temporal}"
        server = server_command(temporal_program(), "default", temporal, ui)
        stack.enter_context(running(server, place, environment(), "temporal.log"))
        wait_for(f"http://127.0.0.1:{ui}")
        if BEHIND:
            park(place, address, BEHIND)
        env = environment(
            RECOUP_STRIPE__API_KEY="sk_test_of_the_bench",
            RECOUP_STRIPE__WEBHOOK_SECRETS=json.dumps([SECRET]),
            RECOUP_TEMPORAL__ADDRESS=address,
            RECOUP_LINK_SECRETS='["a secret for the links of the bench"]',
            RECOUP_DATABASE_URL=f"sqlite:///{place}/ledger.db",
            RECOUP_STARTER__PORT=str(starter),
            RECOUP_POLICY_FILE=str(Path(__file__).parent.parent / "policy.yaml"),
        )
        ours = stack.enter_context(running([sys.executable, "-m", "starter"], place, env, "starter.log"))
        words = [sys.executable, "-m", "bench._bare", address, str(bare)]
        base = stack.enter_context(running(words, place, environment(), "bare.log"))
        sides = {ours.pid: f"http://127.0.0.1:{starter}", base.pid: f"http://127.0.0.1:{bare}"}
        taken: dict[int, list[tuple[float, float]]] = {pid: [] for pid in sides}
        for address_ in sides.values():
            wait_for(f"{address_}/healthz")
            _deliver(address_, WARM_UP, numbers)
        for _ in range(times):
            for pid, address_ in sides.items():
                taken[pid].append(_round(pid, address_, numbers))
    return _rows(taken[ours.pid], taken[base.pid])


def _round(pid: int, address: str, numbers: itertools.count[int]) -> tuple[float, float]:
    """Accepted for each CPU-second, and the 99th percentile of the answers in milliseconds."""
    before = cpu_seconds(pid)
    took = _deliver(address, DELIVERIES, numbers)
    spent = cpu_seconds(pid) - before
    return DELIVERIES / spent, statistics.quantiles(took, n=100)[98] * 1000


def _deliver(address: str, count: int, numbers: itertools.count[int]) -> list[float]:
    bodies = [json.dumps(_event(next(numbers))).encode() for _ in range(count)]
    with httpx2.Client(base_url=address, timeout=30, trust_env=False) as client:

        def post(body: bytes) -> float:
            headers = {"Stripe-Signature": sign(body, SECRET, SystemClock().now())}
            began = time.perf_counter()
            client.post("/webhooks/stripe", content=body, headers=headers).raise_for_status()
            return time.perf_counter() - began

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(post, bodies))


def _event(number: int) -> dict[str, Any]:
    """A renewal that failed for the first time, as Stripe tells it."""
    now = int(SystemClock().now().timestamp())
    invoice = {
        "id": f"in_{number}",
        "object": "invoice",
        "number": f"B-{number}",
        "customer": f"cus_{number}",
        "status": "open",
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "currency": "eur",
        "amount_due": 4900,
        "amount_paid": 0,
        "amount_remaining": 4900,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": True,
        "created": now,
        "next_payment_attempt": now + 86400,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": f"sub_{number}"},
        },
    }
    return {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": now,
        "data": {"object": invoice},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.payment_failed",
    }


def _rows(ours: list[tuple[float, float]], bare: list[tuple[float, float]]) -> list[Row]:
    def figures(what: str, unit: str, index: int) -> tuple[Figures, Figures]:
        return (
            Figures(f"the starter: {what}", unit, tuple(each[index] for each in ours)),
            Figures(f"a bare route with the same call: {what}", unit, tuple(each[index] for each in bare)),
        )

    accepted = figures("webhooks accepted for each second of CPU", "/s", 0)
    late = figures("p99 of the answers", "ms", 1)
    return [
        Row(
            "webhooks-cpu", "webhooks accepted for each CPU-second", "≥ 0.7 ×", *accepted, 0.7, at_least=True
        ),
        Row(
            "webhooks-p99",
            f"webhook acknowledged, p99, {AT_ONCE} at once, {BEHIND} cases parked",
            "≤ 2 ×",
            *late,
            2.0,
        ),
    ]
