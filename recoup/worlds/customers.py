"""Who the customers are, what they subscribe to, and how they act on messages or by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Discriminator, Field, StringConstraints, Tag, field_validator, model_validator

from recoup.worlds._base import Amount, Country, Duration, Key, Part

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Does = Literal[
    "update_card",
    "pay_invoice",
    "authenticate",
    "fail_authentication",
    "promise_to_pay",
    "cancel_by_link",
    "cancel_subscription",
    "update_card_elsewhere",
    "nothing",
]

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]
_NEED_A_CARD = frozenset({"update_card", "update_card_elsewhere"})
_OTHER_WAYS_TO_PAY = frozenset({"blik", "bank_transfer"})


class Subscription(Part):
    """What a customer pays for; it is active when the world starts, and its next renewal is the first that can fail."""

    product: Text
    """What is sold, as it stands on the invoice."""
    amount: Amount
    """The price of one period, in the currency's minor unit."""
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    """The currency, three small letters."""
    interval: Literal["day", "week", "month", "year"] = "month"
    """The length of a period."""
    renews_in: Duration
    """When it renews first, after the start of the world."""
    pays_with: Key | None = None
    """A card or debit of its own, which then goes before the customer's."""


class _Act(Part):
    """What is done, and with what."""

    does: Does
    """`update_card` (by the update link and the billing portal), `pay_invoice`, `authenticate` and `fail_authentication` (on the hosted invoice page), `promise_to_pay` and `cancel_by_link` (on the page behind the update link), `cancel_subscription` and `update_card_elsewhere` (in the company's own product, not by the link), `nothing`."""
    days: int | None = Field(default=None, ge=1, le=30)
    """With `promise_to_pay`: in how many days they will pay; one of those that the page offers."""
    with_: Key | None = Field(default=None, alias="with")
    """The card it is done with; for `pay_invoice` also `blik` or `bank_transfer`, and by default the customer's own card."""

    @model_validator(mode="after")
    def _with_what(self) -> _Act:
        if self.does in _NEED_A_CARD and self.with_ is None:
            raise ValueError(f"{self.does} needs with: the key of the new card")
        if self.with_ in _OTHER_WAYS_TO_PAY and self.does in _NEED_A_CARD:
            raise ValueError(f"{self.does} needs a card, not {self.with_}")
        if self.with_ is not None and self.does not in _NEED_A_CARD | {"pay_invoice"}:
            raise ValueError(f"{self.does} takes no with")
        if (self.does == "promise_to_pay") != (self.days is not None):
            raise ValueError("promise_to_pay and days belong together: give both or neither")
        return self

    @property
    def card(self) -> str | None:
        """The key of the card it is done with, if it is one."""
        return None if self.with_ in _OTHER_WAYS_TO_PAY else self.with_


class Reaction(_Act):
    """What a customer does about one message."""

    on: Text
    """The template of the message, or `any`."""
    nth: int = Field(default=1, ge=1)
    """Which of the messages that match `on`, counted from 1; every reaction happens once."""
    opens_after: Duration | None = None
    """When the message is opened, after it was sent. Without it and without `follows_link_after` it never is."""
    follows_link_after: Duration | None = None
    """When its link is followed, after it was sent. Default: as soon as it is opened."""

    @model_validator(mode="after")
    def _in_order(self) -> Reaction:
        opens, follows = self.opens_after, self.follows_link_after
        if opens and follows and follows.length < opens.length:
            raise ValueError(
                "follows_link_after is counted from the sending, so it cannot be shorter than opens_after"
            )
        if self.does != "nothing" and not (opens or follows):
            raise ValueError(f"{self.does} needs opens_after or follows_link_after")
        return self

    @property
    def acts_after(self) -> Duration | None:
        """When it is done, after the message was sent; None when the message is never read."""
        return self.follows_link_after or self.opens_after


class OwnAct(_Act):
    """What a customer does without being asked."""

    at: Duration
    """When, after the customer's first failed payment."""


def _kind_of_act(value: Any) -> str:
    own = "at" in value if isinstance(value, dict) else isinstance(value, OwnAct)
    return "own" if own else "reaction"


Act = Annotated[
    Annotated[Reaction, Tag("reaction")] | Annotated[OwnAct, Tag("own")],
    Discriminator(_kind_of_act),
]


class Customer(Part):
    """One customer of the company."""

    name: Text
    """Full name; made up."""
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=200)]
    """Address; of a reserved domain such as example.com, so that no mail ever reaches a stranger."""
    phone: Annotated[str, StringConstraints(pattern=r"^\+[0-9]{7,15}$")] | None = None
    """Telephone in the international form, in quotes."""
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en-US"
    """Preferred language, as Stripe's `preferred_locales` has it: `pl-PL`, `en-US`."""
    country: Country = "US"
    """Country of the address."""
    timezone: str = "UTC"
    """IANA name of the time zone, such as `Europe/Warsaw`."""
    metadata: Mapping[MetadataKey, Text] = Field(default_factory=dict)
    """What the company has written on the Stripe customer, such as `{tier: gold}`; a policy may ask for it."""
    about: Text | None = None
    """What this customer is in the world for, in a sentence."""
    pays_with: Key | None = None
    """The card or debit that is the customer's default; none means that nothing is on file."""
    subscriptions: tuple[Subscription, ...] = Field(min_length=1)
    """What the customer subscribes to."""
    behaviour: tuple[Act, ...] = ()
    """What the customer does about messages (`on`) or without one (`at`); a customer without it never acts."""
    expects: Annotated[str, StringConstraints(pattern=r"^(recovered|lost|closed)(_[a-z]+)*$")] | None = None
    """The outcome that this customer's case must reach under the shipped policy, such as `recovered_by_retry`."""
    expects_return: Annotated[str, StringConstraints(pattern=r"^recovered(_[a-z]+)*$")] | None = None
    """The outcome of the customer's way back after a suspension, such as `recovered_by_card_update`."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Warsaw")
        return name
