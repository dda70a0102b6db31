"""After a week without webhooks: one sweep over 5,000 open invoices, in bounded memory and at a bounded pace."""

from __future__ import annotations

import shutil
import threading
import tracemalloc
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from activities._sweep_mends import CALLS_OF_A_BEGINNING
from activities.contracts import StartCase
from activities.pacing import Pace
from activities.sweep import Sweep
from activities.sweep_contracts import Look, StartSweep, SweepResult
from recoup.ledger import Ledger
from recoup.temporal.gateway import Run
from tests.ledger.builders import NOW
from tests.ledger.databases import migrated_file
from workflows.reconcile import LINES_KEPT, Reconcile

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]
RATE = 20.0


@dataclass
class SharedClock:
    """Virtual time for many threads: who sleeps moves it."""

    at: datetime = NOW
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.at += timedelta(seconds=seconds)


class ManyInvoices:
    """The edge of Stripe: so many open invoices, made page by page and kept by nobody; each request with its moment."""

    def __init__(self, count: int, clock: SharedClock) -> None:
        self.count = count
        self.clock = clock
        self.asked: list[float] = []
        self.v1 = SimpleNamespace(
            invoices=SimpleNamespace(list=self._page), invoice_payments=SimpleNamespace(list=self._charges)
        )

    def _note(self) -> None:
        self.asked.append((self.clock.now() - NOW).total_seconds())

    def _page(self, params: dict[str, Any]) -> Any:
        self._note()
        begin = int(params["starting_after"].removeprefix("in_")) + 1 if "starting_after" in params else 0
        end = min(begin + params["limit"], self.count)
        data = [SimpleNamespace(to_dict=lambda n=n: _invoice(n)) for n in range(begin, end)]
        return SimpleNamespace(data=data, has_more=end < self.count)

    def _charges(self, params: dict[str, Any]) -> Any:
        self._note()
        charge = {
            "id": f"ch_{params['invoice']}",
            "status": "failed",
            "created": int(NOW.timestamp()),
            "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
        }
        intent = {"id": "pi_1", "status": "requires_payment_method", "latest_charge": charge}
        payment = {"payment": {"payment_intent": intent}}
        return SimpleNamespace(data=[SimpleNamespace(to_dict=lambda: payment)])


def _invoice(number: int) -> dict[str, Any]:
    """An invoice as large as Stripe's are."""
    return {
        "id": f"in_{number:05}",
        "status": "open",
        "attempted": True,
        "amount_remaining": 4900,
        "currency": "usd",
        "collection_method": "charge_automatically",
        "billing_reason": "subscription_cycle",
        "customer": f"cus_{number}",
        "parent": {"subscription_details": {"subscription": {"id": f"sub_{number}", "status": "past_due"}}},
        "lines": {"data": ["x" * 2000 for _ in range(3)]},
    }


@dataclass
class CountingGateway:
    """Cases are begun here; their workflows run elsewhere."""

    begun: Counter[str] = field(default_factory=Counter)

    async def begin(self, start: StartCase, **_: Any) -> bool:
        self.begun[start.invoice] += 1
        return True

    async def run_of(self, case: str) -> Run | None:
        return Run(f"run-{case}", WorkflowExecutionStatus.RUNNING) if self.begun[case] else None


async def swept(
    client: Client, ledger: Ledger, count: int
) -> tuple[SweepResult, ManyInvoices, CountingGateway]:
    """One sweep over so many invoices: the real workflow and activities on a real Temporal."""
    clock = SharedClock()
    stripe, gateway, queue = ManyInvoices(count, clock), CountingGateway(), f"many-{uuid.uuid4()}"
    pace = Pace(ledger, clock, RATE, clock.sleep)
    unused: Any = None
    sweep = Sweep(stripe, ledger, clock, gateway, unused, pace)  # type: ignore[arg-type]  # the edges are played
    with ThreadPoolExecutor(8) as threads:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[Reconcile],
            activities=[sweep.look, sweep.mend],
            activity_executor=threads,
            max_concurrent_activities=8,
            max_cached_workflows=2,
        ):
            result = await client.execute_workflow(
                Reconcile.run, StartSweep(by="test"), id=queue, task_queue=queue
            )
    return result, stripe, gateway


async def test_five_thousand_forgotten_invoices(
    namespace: Client, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every invoice gets its case, once; no stretch of time has more requests than it may; memory does not grow with them."""
    peaks: dict[int, float] = {}
    for count in (50, 500, 5000):
        file = tmp_path / f"{count}.db"
        shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), file)
        ledger = Ledger.connect(f"sqlite:///{file}")
        tracemalloc.start()
        result, stripe, gateway = await swept(namespace, ledger, count)
        peaks[count] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        ledger.close()
        tally = next(tally for tally in result.tallies if tally.look is Look.FORGOTTEN_INVOICES)
        assert (tally.looked, tally.found, tally.mended) == (count, count, count)
        assert gateway.begun == Counter({f"in_{n:05}": 1 for n in range(count)})
        assert len(result.mends) == min(count, LINES_KEPT)
        assert_paced(stripe.asked)
        took = (stripe.clock.now() - NOW).total_seconds()
        assert took >= (count * (1 + CALLS_OF_A_BEGINNING) - RATE) / RATE, "beginnings are paced too"
    shown = ", ".join(f"{peak:.1f} MiB for {count} invoices" for count, peak in peaks.items())
    print(f"\npeak of Python's memory: {shown}")  # noqa: T201  # the figure that docs/reconcile.md tells
    assert peaks[5000] < peaks[500] + 8


def assert_paced(asked: list[float]) -> None:
    """No second, wherever it begins, has more requests than it may."""
    moments, first = sorted(asked), 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1:
            first += 1
        assert last - first + 1 <= RATE
