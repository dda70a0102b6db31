"""Asking Stripe no faster than all workers together may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from recoup.clock import Clock
from recoup.ledger import Ledger

BUCKET = "stripe"

PATIENCE = 15.0
"""Seconds that a turn is waited for at most; below the time that a stopping worker gives its activities."""


@dataclass(frozen=True)
class Pace:
    """The requests to Stripe that work in the background shares, over all workers, through the ledger's token bucket."""

    ledger: Ledger
    clock: Clock
    per_second: float
    sleep: Callable[[float], None] = time.sleep

    def wait_for(self, requests: int = 1) -> None:
        """Return when so many requests may be made; at most one second's worth of them may come at once."""
        while (wait := self._take(requests)) is None:
            self.sleep(PATIENCE / 2)
        if wait > 0:
            self.sleep(wait)

    def _take(self, requests: int) -> float | None:
        rate = self.per_second
        return self.ledger.rates.take(BUCKET, requests, rate, rate, self.clock.now(), PATIENCE)
