"""Asking Stripe no faster than all workers together may."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from recoup.clock import Clock
from recoup.ledger import Ledger

BUCKET = "stripe"

AT_ONCE = 0.2
"""The part of a second's requests that may come at once. The bucket gains the rest of them in a second, so that no second,
wherever it begins, has more than it may."""

PATIENCE = 15.0
"""Seconds that a turn is waited for at most; below the time that a stopping worker gives its activities."""


@dataclass(frozen=True)
class Pace:
    """The requests to Stripe that work in the background shares, over all workers, through the ledger's token bucket."""

    ledger: Ledger
    clock: Clock
    per_second: float
    """Never more than this in any second."""
    sleep: Callable[[float], None] = time.sleep

    def wait_for(self, requests: int = 1) -> None:
        """Return when so many requests may be made."""
        while (wait := self._take(requests)) is None:
            self.sleep(PATIENCE / 2)
        if wait > 0:
            self.sleep(wait)

    def _take(self, requests: int) -> float | None:
        burst = self.per_second * AT_ONCE
        rate = self.per_second - burst
        return self.ledger.rates.take(BUCKET, requests, rate, burst, self.clock.now(), PATIENCE)
