"""The worst moments: what other people, other workers and the network do while the product is in the middle of its act."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

from recoup.chaos.faults import Fault
from recoup.chaos.runs import Run
from recoup.chaos.scene import Scene
from recoup.chaos.weather import Answer, Request, shown
from recoup.virtual.host import Try, WorkerDied
from recoup.virtual.product import API_KEY

RACE_SECONDS = 0.6
"""How long the bank thinks while the customer pays at the same moment."""
DELIVERED_WITHIN = (60.0, 480.0)
"""Virtual seconds after which a request that timed out is executed all the same; below Recoup's ten quiet minutes."""


class Misplayed(BaseException):
    """A fault could not be played, so that the runs would prove nothing; no code of the product may catch it."""


class Moments:
    """What the faults have others do (:class:`recoup.chaos.weather.Others`)."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def act(self, run: Run, fault: Fault, invoice: str) -> None:
        """Somebody acts between our read and our charge."""
        if fault is Fault.DISPUTED_BETWEEN:
            self._dispute(run)
        elif not self._scene.people.do(run, fault, invoice):
            run.hits.pop(fault)

    def race(self, run: Run, invoice: str, pay: Request) -> Answer:
        """The customer pays while the bank thinks about our charge."""
        stripe, paid = self._scene.stripe, run.customer_paid[invoice]

        def customer() -> None:
            time.sleep(RACE_SECONDS / 10)
            self._scene.people.do(run, Fault.PAID_BETWEEN, invoice)

        paying = threading.Thread(target=customer)
        stripe.control("POST", "switches", {"issuer_seconds": RACE_SECONDS})
        try:
            paying.start()
            answer = pay()
            paying.join()
        finally:
            stripe.control("POST", "switches", {"issuer_seconds": 0})
        if run.customer_paid[invoice] > paid:
            run.raced.add(invoice)
        return answer

    def try_elsewhere(self, this: Try) -> None:
        """Another worker was given the same try, because this one seemed dead."""
        with suppress(Exception, WorkerDied):
            self._scene.host.perform(Try(this.workflow_id, this.activity, this.argument, this.attempt + 1))

    def deliver_later(self, run: Run, request: Request) -> None:
        """A request that timed out is executed minutes later."""
        dice = random.Random(f"{run.plan.seed}/{len(run.sent)}")  # noqa: S311 - repeated
        wait = timedelta(seconds=dice.uniform(*DELIVERED_WITHIN))

        def deliver() -> None:
            with suppress(Exception):
                run.note("EXECUTED LATE", status=request()[1])

        self._scene.agenda.put(self._scene.clock.now() + wait, "a request that timed out", deliver)

    def truth(self, invoice: str) -> tuple[str, int]:
        """What the books show, asked apart from the product; ``processing`` where a bank has not answered yet."""
        api = partial(self._scene.stripe.api, key=API_KEY)
        found = api(f"/v1/invoices/{invoice}", **{"expand[]": "parent.subscription_details.subscription"})
        payments = api("/v1/invoice_payments", invoice=invoice, **{"expand[]": "data.payment.payment_intent"})
        intents = [each["payment"]["payment_intent"]["status"] for each in payments["data"]]
        said = shown(found)
        return "processing" if said == "open" and "processing" in intents else said, int(
            found["amount_remaining"]
        )

    def fail_after(self, path: str, times: int) -> None:
        """The next requests of this path are executed, and answered with a stored 500."""
        self._scene.stripe.control("POST", "faults", {"fault": "error_after", "path": path, "count": times})

    def _dispute(self, run: Run) -> None:
        """Another payment of the customer's. It has to succeed: an error here would reach the product as an answer of Stripe's."""
        stripe = self._scene.stripe
        try:
            other = self._scene.people.pay_for_more(run)
            book = next(each for each in stripe.control("GET", "books") if each["id"] == other)
            stripe.control("POST", "disputes", {"charge": book["successful_charges"][0]})
        except Exception as error:
            raise Misplayed(f"{run.plan.key} could not dispute: {error}") from error
        run.note("DONE", fault=Fault.DISPUTED_BETWEEN)
