"""Check of the learned model, where the policy asks for one."""

from __future__ import annotations

from pathlib import Path

from recoup.clock import clock_for
from recoup.doctor._findings import Finding, note, ok
from recoup.learning.models import Models
from recoup.ledger import Ledger
from recoup.policy.file import load_policy
from recoup.rules.policy import ModelUse
from recoup.settings import Settings


def model(settings: Settings) -> list[Finding]:
    """The promoted model is there and fresh; nothing to say where no campaign asks for one. Without it the prior plans."""
    policy = load_policy(settings.policy_file).policy
    campaigns = [*policy.campaigns, *(each.instead for each in policy.experiments)]
    if all(campaign.retries.model is ModelUse.NONE for campaign in campaigns):
        return []
    kind, _, file = settings.database_url.partition(":///")
    if kind.startswith("sqlite") and file and not Path(file).exists():
        return []  # The check of the ledger says what to do.
    ledger = Ledger.connect(settings.database_url)
    try:
        return [_standing(settings, Models(settings.timing.models, ledger))]
    finally:
        ledger.close()


def _standing(settings: Settings, models: Models) -> Finding:
    promoted = models.promoted()
    if promoted is None:
        return note("timing", "no model is promoted, so the prior plans; `recoup timing status` says why")
    learned = models.get(promoted.version)
    if not learned.model.is_fresh(clock_for(settings.clock_file).now()):
        return note("timing", f"the model {promoted.version} has grown old, so the prior plans")
    return ok("timing", f"the model {promoted.version} plans where the policy says so")
