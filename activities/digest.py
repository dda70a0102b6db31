"""The weekly digest is sent: the activity of :mod:`workflows.digest`."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.digest_contracts import DigestActivity, DigestSent, StartDigest
from recoup.clock import Clock
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.settings import Settings


@dataclass
class Digests:
    """Sends the digest of the last whole week to everybody who has not had it."""

    settings: Settings
    ledger: Ledger
    clock: Clock

    @activity.defn(name=DigestActivity.SEND.value, no_thread_cancel_exception=True)
    def send(self, order: StartDigest) -> DigestSent:
        """Whoever got it in an earlier try gets nothing in this one."""
        del order
        # numpy is loaded where figures are made, and nowhere else.
        from recoup.digest import send

        try:
            done = send(self.settings, self.ledger, self.clock)
        except ConfigurationError as error:
            # Tried again it would fail again: whoever looks at the run reads what to mend, and the next one tries anew.
            raise ApplicationError(str(error), non_retryable=True) from None
        if done.failed:
            raise ApplicationError(f"The digest could not be sent to {len(done.failed)}: {done.failed[0]}")
        return DigestSent(at=self.clock.now(), week=f"{done.since:%G-W%V}", sent=done.sent, had=done.had)
