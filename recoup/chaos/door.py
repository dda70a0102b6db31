"""The starter's door: a webhook goes in, and is acknowledged or not."""

from __future__ import annotations

from contextlib import nullcontext

import httpx2

from recoup.chaos.runs import Run
from recoup.chaos.scene import Scene
from recoup.chaos.stories import Stories
from recoup.chaos.weather import Acting, Weather
from recoup.virtual.news import Event, Intake
from recoup.virtual.product import API_KEY


class Door:
    """Gives webhooks to the starter, and knows whose they are."""

    def __init__(self, scene: Scene, weather: Weather, stories: Stories, app: httpx2.ASGITransport) -> None:
        self._scene = scene
        self._weather = weather
        self._stories = stories
        self._intake = Intake(app, scene.clock)

    def close(self) -> None:
        """Nothing is delivered any more."""
        self._intake.close()

    def take(self, body: bytes, run: Run | None) -> bool:
        """Give a webhook to the starter; whether it was acknowledged."""
        acting = Acting(run, False) if run is not None else None
        with self._weather.over(acting) if acting else nullcontext():
            try:
                taken = self._intake.take(body)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                if run is not None:
                    run.note("STARTER DIED", error=type(error).__name__)
                return False
        if taken and run is not None and b'"charge.dispute.created"' in body:
            run.disputed |= {case.invoice for case in self._scene.ledger.cases.open_of_customer(run.customer)}
        return taken

    def run_of(self, event: Event) -> Run | None:
        """Whose event this is; a run's first failure begins its story."""
        about = event["data"]["object"]
        customer = about["id"] if about.get("object") == "customer" else about.get("customer")
        if customer is None and event["type"].startswith("charge.dispute"):
            customer = self._scene.stripe.api(f"/v1/charges/{about['charge']}", API_KEY).get("customer")
        run = self._scene.roster.of_customer(customer)
        if run is None:
            return None
        failed = about.get("object") == "invoice" and event["type"] == "invoice.payment_failed"
        if failed and self._scene.roster.failed(run, about["id"]):
            self._stories.begin(run)
        return run
