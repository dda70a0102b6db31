"""Rows of cards before they fail. No card number, no last digits, no names: what the mirror needs and nothing else."""

from __future__ import annotations

from datetime import datetime

from pydantic import AwareDatetime

from recoup.rules.base import Frozen
from recoup.rules.expiring import Interval, Rhythm, good_until
from recoup.rules.money import Money


class MirroredCard(Frozen):
    """A card as Stripe shows it."""

    method: str
    customer: str
    brand: str | None = None
    funding: str | None = None
    country: str | None = None
    fingerprint: str | None = None
    issuer: str | None = None
    """The bank's name; Stripe tells it to few accounts."""
    bin: str | None = None
    """The first digits of the number; Stripe tells them to few accounts."""
    exp_year: int
    exp_month: int

    @property
    def version(self) -> str:
        """Changes with the card and its expiry: a renewed card is the same method in another version."""
        return f"{self.method}/{self.exp_year}-{self.exp_month:02}/{self.fingerprint or ''}"

    @property
    def gone_at(self) -> datetime:
        """The first moment at which it is expired."""
        return good_until(self.exp_year, self.exp_month)


class CardRow(MirroredCard):
    """A card in the mirror."""

    read_at: datetime


class MirroredRenewal(Frozen):
    """A subscription that renews by itself, and what it will be charged with."""

    subscription: str
    customer: str
    method: str | None
    renews_at: AwareDatetime
    interval: Interval
    interval_count: int
    charged_at: AwareDatetime | None = None
    """When the running period began; None in a trial."""
    amount: int | None = None
    """In minor units; None where it depends on use."""
    currency: str | None = None

    @property
    def rhythm(self) -> Rhythm:
        """When it renews."""
        return Rhythm(
            renews_at=self.renews_at,
            interval=self.interval,
            count=self.interval_count,
            charged_at=self.charged_at,
        )

    @property
    def due(self) -> Money | None:
        """What the next renewal comes to, where that is known."""
        if self.amount is None or self.currency is None:
            return None
        return Money(amount=self.amount, currency=self.currency)


class RenewalRow(MirroredRenewal):
    """A renewal in the mirror."""

    read_at: datetime


class Mirrored(Frozen):
    """Some renewals with the cards behind them."""

    renewals: tuple[MirroredRenewal, ...] = ()
    cards: tuple[MirroredCard, ...] = ()


class MarkRow(Frozen):
    """A customer whose cards or subscriptions changed, to be read again."""

    customer: str
    marked_at: datetime


class ImportRow(Frozen):
    """A reading of all subscriptions: how far it came."""

    name: str
    after: str | None
    """The last subscription that was read; the next page begins behind it."""
    seen: int
    began_at: datetime
    finished_at: datetime | None


class Expiring(Frozen):
    """A card with the renewals that it would be charged for."""

    card: CardRow
    renewals: tuple[RenewalRow, ...]
