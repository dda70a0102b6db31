"""What a message is made from: everything it may say, already read from Stripe and the ledger, nothing it may not."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from recoup.messages.addresses import Address
from recoup.rules.base import Frozen, Moment
from recoup.rules.case import Template
from recoup.rules.contact import is_zone
from recoup.rules.declines import CustomerReason, Decline, read
from recoup.rules.money import Money, totals

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_LOOKS_LIKE_ADDRESS = re.compile(r":/|www\.|@|[^\W_]\.[^\W\d_]{2,}(?!\.)", re.IGNORECASE)
"""Mail programs make links of bare names such as ``shop.example`` too; of initials (``J.R.``) they do not."""
_LONGEST_LINE = 500


def _one_line(value: object) -> object:
    return _CONTROL.sub(" ", value).strip() if isinstance(value, str) else value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or _CONTROL.search(value):
        raise ValueError("must be an http or https address without spaces")
    return value


def _zone(value: str) -> str:
    if not is_zone(value):
        raise ValueError(f"there is no time zone {value!r}; zones are written as 'Europe/Warsaw'")
    return value


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_LINE else value[: _LONGEST_LINE - 1] + "…"


Line = Annotated[str, AfterValidator(_short), BeforeValidator(_one_line)]
"""Text from outside on one line: line breaks, control characters and direction overrides become a space; 500 characters are enough."""

CompanyName = Annotated[str, StringConstraints(min_length=1, max_length=100), BeforeValidator(_one_line)]
"""A company's name as its customers know it, on one line."""

Link = Annotated[str, AfterValidator(_web_address)]
"""An http or https address; anything else (``javascript:``) has no business in a message."""

Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone, such as ``Europe/Warsaw``."""


Reason = CustomerReason
"""What a customer may read about why the payment failed."""


def reason_for(decline: Decline | None) -> Reason:
    """What the customer may read about this decline; no decline at all reads as other. The rules say it for each code."""
    return Reason.OTHER if decline is None else read(decline).reason


class Company(Frozen):
    """The company in whose name the message is written."""

    name: CompanyName
    support: Address
    """Where a customer's question goes; also the Reply-To of every message."""


class OpenInvoice(Frozen):
    """One invoice the message speaks of: unpaid, or in a thank-you the one just paid."""

    number: Line
    """What the customer knows it by; Stripe's ``number``."""
    description: Line
    """The plan, or what the invoice is for."""
    due: Money
    failed_at: Moment
    pay_url: Link | None = None
    """Stripe's ``hosted_invoice_url``: pays this invoice with any method the account offers."""
    suspend_on: Moment | None = None
    """In a last notice: when the access that this invoice is for ends, if it is to be said for each."""


AHEAD = frozenset({Template.CARD_EXPIRING, Template.CARD_REFRESH})
"""Messages about payments to come: nothing has failed, and nothing is owed."""


class CardOnFile(Frozen):
    """The card that payments to come are charged to; read for one message, and let go."""

    brand: Line | None = None
    """As Stripe names the network: ``visa``, ``american_express``."""
    last4: Line | None = None
    exp_year: int
    exp_month: Annotated[int, Field(ge=1, le=12)]


class NextPayment(Frozen):
    """The first payment that the card on file may not last for."""

    on: Moment
    due: Money | None = None
    """None where it depends on use."""
    description: Line | None = None


class MessageFacts(Frozen):
    """Everything one message may say. Personal data lives here only between reading and sending."""

    template: Template
    company: Company
    customer_name: Line | None = None
    """What to call the customer; names that hold an address or are empty are left out."""
    locale: str | tuple[str, ...] | None = None
    """The customer's own, as Stripe has it (``preferred_locales``): of several the first that we speak, else the operator's default."""
    reason: Reason = Reason.OTHER
    items: tuple[OpenInvoice, ...] = ()
    """The first is the one this message is about; the others are the customer's further open invoices. None of them ahead."""
    card: CardOnFile | None = None
    """In messages ahead: the card to be replaced."""
    next_payment: NextPayment | None = None
    """In messages ahead: what comes next."""
    update_url: Link | None = None
    """The update link; only a thank-you goes without."""
    next_retry_at: Moment | None = None
    suspend_on: Moment | None = None
    """When the access would be, or was, suspended."""
    access_restored: bool = False
    """In a thank-you: the access had been suspended and is back."""
    timezone: Zone = "UTC"
    """The customer's; all dates of the message are told in it."""
    written_at: Moment
    """The clock's moment of writing; "in 3 days" counts from here."""

    @field_validator("customer_name")
    @classmethod
    def _harmless_name(cls, name: str | None) -> str | None:
        # A name is whatever somebody typed at sign-up: it must not smuggle a link into a mail that people trust.
        return None if not name or _LOOKS_LIKE_ADDRESS.search(name) else name[:100]

    @model_validator(mode="after")
    def _enough_for_the_template(self) -> MessageFacts:
        if self.update_url is None and self.template is not Template.RECOVERED:
            raise ValueError(f"a {self.template} message needs an update_url")
        if self.suspend_on is None and self.template is Template.LAST_NOTICE:
            raise ValueError("a last_notice message needs suspend_on, the day it is about")
        if self.template in AHEAD and self.card is None:
            raise ValueError(f"a {self.template} message needs the card it is about")
        if self.template is Template.CARD_EXPIRING and self.next_payment is None:
            raise ValueError("a card_expiring message needs next_payment, which would fail")
        if self.template not in AHEAD and not self.items:
            raise ValueError(f"a {self.template} message needs items, the first of them the one it is about")
        return self

    @property
    def totals(self) -> tuple[Money, ...]:
        """What all items come to, for each currency."""
        return totals(item.due for item in self.items)
