"""Moving running cases to another policy: what it would change for each, and the word that does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import stripe
from stripe import StripeClient

from activities.people_contracts import ChangePolicy, Running
from recoup.billing.facts import facts_of
from recoup.billing.invoices import read_invoice_object
from recoup.ledger import CaseRow
from recoup.policy.file import LoadedPolicy
from recoup.policy.words import differences
from recoup.rules.moving import drained, replaced
from recoup.rules.policy import Campaign
from recoup.rules.priority import Priority, priority
from recoup.rules.segments import Facts


@dataclass(frozen=True)
class Move:
    """What a policy would change for one case."""

    case: CaseRow
    campaign: Campaign | None
    """Nothing where old and new do not fit together."""
    priority: Priority
    changes: tuple[str, ...]

    def word(
        self, loaded: LoadedPolicy, running: Running, *, at: datetime, reason: str, operator: str
    ) -> ChangePolicy:
        """What is said to the case so that it moves.

        Raises:
            ValueError: the policy does not fit the case.
        """
        if self.campaign is None:
            raise ValueError(self.changes[0])
        return ChangePolicy(
            at=at,
            reason=reason,
            operator=operator,
            running=running,
            version=loaded.version,
            campaign=self.campaign,
            priority=self.priority.score,
            priority_because=self.priority.because,
        )


def move_for(
    case: CaseRow, loaded: LoadedPolicy, facts: Facts, running: Running, campaign: str | None = None
) -> Move:
    """What one running case would take from a policy: the campaign that is for it, or the named one."""
    rules = loaded.policy
    old = Campaign.model_validate(case.policy)
    named = next((each for each in rules.campaigns if each.name == campaign), None)
    score = priority(rules.priority, facts)
    if campaign is not None and named is None:
        return Move(
            case, None, score, (f"cannot take the campaign {campaign}: the policy has none of this name",)
        )
    new = named or rules.campaign_for(facts, case.customer).campaign
    try:
        taken = drained(old, new) if running is Running.DRAIN else replaced(old, new)
    except ValueError as error:
        return Move(case, None, score, (f"cannot take the campaign {new.name}: {error}",))
    changes = differences(old, taken)
    if old.name != taken.name:
        changes = [f"campaign: {old.name} → {taken.name}", *changes]
    if score.score != case.priority:
        changes.append(f"priority: {case.priority} → {score.score}")
    return Move(case, taken, score, tuple(changes))


def planned(
    client: StripeClient,
    loaded: LoadedPolicy,
    rows: Iterable[CaseRow],
    running: Running,
    now: datetime,
    campaign: str | None = None,
) -> list[Move]:
    """Ask Stripe what each customer is by now; a case is judged as a new one would be."""
    keys = loaded.policy.metadata_keys
    moves = []
    for row in rows:
        try:
            data = read_invoice_object(client, row.invoice)
        except stripe.StripeError as error:
            said = f"its invoice could not be read: {error.user_message or type(error).__name__}"
            moves.append(Move(row, None, Priority(), (said,)))
            continue
        facts = facts_of(data, keys, row.decline_class, now)
        moves.append(move_for(row, loaded, facts, running, campaign))
    return moves
