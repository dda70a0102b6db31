"""What acts need to be known of the outside before they are done: a message as it would go out, a policy as it would hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import stripe
from stripe import StripeClient

from activities.people_contracts import Running
from activities.previewing import Letter, Previews, Texts
from recoup.addressing import address_keys
from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.ledger import LINK_ID_LENGTH, CaseRow, Ledger
from recoup.links import update_links
from recoup.messages import Composer, SmsComposer
from recoup.moving import Move, planned
from recoup.policy.file import LoadedPolicy, load_policy
from recoup.rules.case import Case
from recoup.rules.step import Step
from recoup.settings import Settings
from recoup.web.notice.reading import standing_of
from recoup.web.notice.words import NoticeComposer, Words
from recoup.web.stripe_side import StripeAway


class Outlook(Protocol):
    """What the console asks before an act."""

    def letter(self, case: Case, step: Step) -> Letter:
        """The message of a step as it would go out now.

        Raises:
            RecoupError: it cannot be known; the sentence says why.
        """
        ...

    def notice(self, case: Case, language: str, *, told: bool) -> Words | None:
        """What the company's own product shows the customer, once ``told`` by this case where that is so.

        None where it shows no notices; raises as above.
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
        try:
            return self._previews().of(case, step)
        except stripe.StripeError as error:
            raise StripeAway(f"Stripe could not tell of the customer: {type(error).__name__}") from error
        except ValueError as error:
            raise RecoupError(f"The message cannot be written: {error}") from error

    def _previews(self) -> Previews:
        settings, contact, texts = self.settings, self.policy().policy.contact, None
        where = settings.mail.templates, settings.mail.default_locale
        if settings.sms.kind != "none" and contact.sms.templates:
            texts = Texts(SmsComposer(*where), settings.sms, contact.sms)
        return Previews(
            self.client,
            self.ledger,
            self.clock,
            Composer(*where),
            settings.mail,
            contact,
            address_keys(settings),
            update_links(settings).address("0" * LINK_ID_LENGTH, 1),
            texts,
        )

    def notice(self, case: Case, language: str, *, told: bool) -> Words | None:
        """As :class:`Outlook` says it."""
        mail = self.settings.mail
        if not self.settings.notice.secrets:
            return None
        composer = NoticeComposer(mail.templates, mail.default_locale)
        telling = case.id if told else None
        standing = standing_of(self.ledger, case.customer, self.clock.now(), telling)
        spoken = composer.languages.choose(language, mail.default_locale)
        try:
            return composer.words(standing, spoken, mail.default_timezone)
        except ValueError as error:
            raise RecoupError(f"The notice cannot be written: {error}") from error

    def policy(self) -> LoadedPolicy:
        """As :class:`Outlook` says it."""
        return load_policy(self.settings.policy_file)

    def move(self, row: CaseRow, loaded: LoadedPolicy, running: Running, campaign: str | None) -> Move:
        """As :class:`Outlook` says it."""
        (found,) = planned(self.client, loaded, [row], running, self.clock.now(), campaign)
        return found
