"""Rows of cards before they fail. No card number, no last digits, no names: what the mirror needs and nothing else."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, StringConstraints, model_validator

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


class TargetState(StrEnum):
    """How far a mass update is with one target."""

    WAITING = "waiting"
    TOLD = "told"
    """The customer was written to."""
    RENEWED = "renewed"
    """The card is another one, or renewed, by now: nothing has to be asked."""
    LEFT = "left"
    """Nothing is to be said: nothing renews, or a case speaks already."""
    FAILED = "failed"
    """The message was refused for good."""


class Selection(Frozen):
    """Whom a mass update is about: a list, or every card of the mirror of which all that is given is true."""

    listed: bool = False
    """Whether the targets come from a file."""
    issuer: str | None = None
    bin: str | None = None
    """The first digits of the number, as many as are given."""
    expires: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None = None
    """A last month: ``2027-03``."""

    @model_validator(mode="after")
    def _one_way(self) -> Selection:
        criteria = any((self.issuer, self.bin, self.expires))
        if self.listed == criteria:
            raise ValueError("a mass update takes either a file or at least one of issuer, bin and expires")
        return self

    @property
    def words(self) -> str:
        """What it says, for people."""
        named = {"issuer": self.issuer, "bin": self.bin, "expires": self.expires}
        given = ", ".join(f"{name} {value}" for name, value in named.items() if value)
        return given or "a list"


class RefreshRow(Frozen):
    """A mass update."""

    name: str
    selection: Selection
    per_hour: int
    begun_at: datetime
    finished_at: datetime | None


class TargetRow(Frozen):
    """One target of a mass update."""

    id: int
    refresh: str
    reference: str
    customer: str | None
    version: str | None
    state: TargetState
    because: str | None
    not_before: datetime | None
    done_at: datetime | None


class TargetDone(Frozen):
    """What became of a target; one that is still waiting is looked at again later."""

    id: int
    customer: str | None
    state: TargetState
    because: str
    not_before: datetime | None = None
    """When to look again."""
