"""Check of the learned model, where the policy asks for one."""

from __future__ import annotations

from recoup.clock import clock_for
from recoup.doctor._findings import Finding, note, ok
from recoup.learning.models import Models
from recoup.policy.file import load_policy
from recoup.rules.policy import ModelUse
from recoup.settings import Settings


def model(settings: Settings) -> list[Finding]:
    """The promoted model is there and fresh; nothing to say where no campaign asks for one. Without it the prior plans."""
    policy = load_policy(settings.policy_file).policy
    campaigns = [*policy.campaigns, *(each.instead for each in policy.experiments)]
    if all(campaign.retries.model is ModelUse.NONE for campaign in campaigns):
        return []
    models = Models(settings.timing.models)
    promoted = models.promoted()
    if promoted is None:
        says = f"no model in {models.directory} was promoted yet, so the prior plans; `recoup timing status` says why"
        return [note("timing", says)]
    learned = models.get(promoted.version)
    if not learned.model.is_fresh(clock_for(settings.clock_file).now()):
        return [note("timing", f"the model {promoted.version} has grown old, so the prior plans")]
    return [ok("timing", f"the model {promoted.version} plans where the policy says so")]
