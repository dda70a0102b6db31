"""What acts need to be known of the outside before they are done: a message as it would go out, a policy as it would hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import stripe
from stripe import StripeClient

from activities.people_contracts import Running
from activities.previewing import Letter, Previews
from recoup.addressing import address_keys
from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.ledger import CaseRow, Ledger
from recoup.messages import Composer
from recoup.moving import Move, planned
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.rules.case import Case
from recoup.rules.step import Step
from recoup.settings import Settings
from recoup.web.stripe_side import StripeAway


class Outlook(Protocol):
    """What the console asks before an act."""

    def letter(self, case: Case, step: Step) -> Letter:
        """The message of a step as it would go out now.

        Raises:
            RecoupError: it cannot be known; the sentence says why.
        """
        ...

    def policy(self) -> LoadedPolicy:
        """The policy as its file says it now; raises as above."""
        ...

    def move(self, row: CaseRow, loaded: LoadedPolicy, running: Running, campaign: str | None) -> Move:
        """What the policy, or the campaign of this name, would change for a case."""
        ...


@dataclass(frozen=True)
class StripeOutlook:
    """Asks Stripe and the policy's file."""

    settings: Settings
    client: StripeClient
    ledger: Ledger
    clock: Clock

    def letter(self, case: Case, step: Step) -> Letter:
        """As :class:`Outlook` says it."""
        settings, policy = self.settings, self.policy().policy
        composer = Composer(settings.mail.templates, settings.mail.default_locale)
        previews = Previews(
            self.client,
            self.ledger,
            self.clock,
            composer,
            settings.mail,
            policy.contact,
            address_keys(settings),
            settings.public_url,
        )
        try:
            return previews.of(case, step)
        except stripe.StripeError as error:
            raise StripeAway(f"Stripe could not tell of the customer: {type(error).__name__}") from error
        except ValueError as error:
            raise RecoupError(f"The message cannot be written: {error}") from error

    def policy(self) -> LoadedPolicy:
        """As :class:`Outlook` says it."""
        return load_policy(self.settings.policy_file)

    def move(self, row: CaseRow, loaded: LoadedPolicy, running: Running, campaign: str | None) -> Move:
        """As :class:`Outlook` says it."""
        (found,) = planned(self.client, loaded, [row], running, self.clock.now(), campaign)
        return found
