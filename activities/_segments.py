"""The campaign and the priority of a new case: chosen from what Stripe knows, and kept with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recoup.billing.facts import facts_of
from recoup.billing.invoices import invoice_state
from recoup.ledger import Ledger
from recoup.policy.file import LoadedPolicy
from recoup.rules.base import Frozen
from recoup.rules.case import Case
from recoup.rules.declines import Decline, read
from recoup.rules.policy import Choice
from recoup.rules.priority import Priority, priority


class Chosen(Frozen):
    """What the policy says about a case."""

    choice: Choice
    priority: Priority


def chosen(policy: LoadedPolicy, data: Mapping[str, Any], decline: Decline | None, now: datetime) -> Chosen:
    """Ask the policy about an invoice as it was just read."""
    rules, customer = policy.policy, invoice_state(dict(data)).customer
    facts = facts_of(data, rules.metadata_keys, read(decline).decline_class if decline else None, now)
    return Chosen(choice=rules.campaign_for(facts, customer), priority=priority(rules.priority, facts))


def keep_choice(ledger: Ledger, case: Case, chosen: Chosen, version: str, now: datetime) -> None:
    """Record why a case got its campaign and its score, once; of metadata only what the policy itself says."""
    data: dict[str, Any] = {
        "campaign": chosen.choice.campaign.name,
        "because": chosen.choice.because,
        "priority": chosen.priority.score,
        "priority_because": list(chosen.priority.because),
        "policy_version": version,
    }
    if (assigned := chosen.choice.assigned) is not None:
        data |= {"experiment": assigned.experiment, "arm": assigned.arm, "propensity": assigned.propensity}
        ledger.assignments.note(assigned, case.customer, case.id, now)
    ledger.events.append(
        "campaign_chosen",
        now,
        case_id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        data=data,
        unique=f"campaign_chosen/{case.id}",
    )
