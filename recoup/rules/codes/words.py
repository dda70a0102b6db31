"""The words in which a refusal is told: its class, what is to be done, what the customer may read, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class DeclineClass(StrEnum):
    """What kind of no it was."""

    HARD = "hard"
    """This payment method will not work again; the customer must bring another."""
    SOFT = "soft"
    """A later attempt may succeed."""
    ACTION = "action"
    """The customer must do something first: authenticate, correct the card's data."""
    FRAUD = "fraud"
    """As hard, and the reason is never told to the customer."""
    CONFIG = "config"
    """Something of the merchant's own set-up is in the way."""


class Action(StrEnum):
    """What would bring the money: what is to be done, and by whom."""

    RETRY = "retry"
    """Try again later with the same method; nobody has to do anything."""
    NEW_METHOD = "new_method"
    """The customer brings another payment method."""
    AUTHENTICATE = "authenticate"
    """The customer confirms the payment (3-D Secure)."""
    CORRECT_DATA = "correct_data"
    """The customer corrects or renews the payment details."""
    ASK_BANK = "ask_bank"
    """Only the customer's bank or provider can say more, or lift a limit."""
    WAIT_AND_READ = "wait_and_read"
    """Read what became of the payment before anything else."""
    OPERATOR = "operator"
    """The company must look at its own account or request."""


class CustomerReason(StrEnum):
    """What a customer may read about why the payment failed."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    AUTHENTICATION = "authentication"
    """The customer must confirm the payment with their bank."""
    CARD_DATA = "card_data"
    """Something in the payment details is wrong or has changed."""
    BANK_REFUSED = "bank_refused"
    """Not approved. Also stands for everything that must not be told: nobody learns here what a bank suspects."""
    LIMIT = "limit"
    """A limit of the card or account is used up."""
    NO_METHOD = "no_method"
    OTHER = "other"
    """A technical problem; nobody's fault."""


class Source(NamedTuple):
    """Who says so: a public name or address, and the day it was read."""

    name: str
    read_on: date


class CodeRow(NamedTuple):
    """One code of Stripe's: what it means and what follows from it. Class and action are Recoup's own reading."""

    decline_class: DeclineClass
    action: Action
    reason: CustomerReason
    wait_hours: int
    """Hours to leave the method alone before the next attempt; 0 where no attempt follows by itself."""
    meaning: str
    source: Source


Short = tuple[DeclineClass, Action, CustomerReason, int, str]
"""A row without its source, as the tables are written."""


def sourced(source: Source, rows: Mapping[str, Short]) -> dict[str, CodeRow]:
    """The rows of one source."""
    return {code: CodeRow(*row, source) for code, row in rows.items()}


HARD, SOFT, ACTION = DeclineClass.HARD, DeclineClass.SOFT, DeclineClass.ACTION
FRAUD, CONFIG = DeclineClass.FRAUD, DeclineClass.CONFIG

RETRY, NEW_METHOD, AUTHENTICATE = Action.RETRY, Action.NEW_METHOD, Action.AUTHENTICATE
CORRECT_DATA, ASK_BANK = Action.CORRECT_DATA, Action.ASK_BANK
WAIT_AND_READ, OPERATOR = Action.WAIT_AND_READ, Action.OPERATOR

FUNDS, EXPIRED = CustomerReason.INSUFFICIENT_FUNDS, CustomerReason.EXPIRED_CARD
CONFIRM, DATA = CustomerReason.AUTHENTICATION, CustomerReason.CARD_DATA
REFUSED, LIMIT = CustomerReason.BANK_REFUSED, CustomerReason.LIMIT
NO_METHOD, OTHER = CustomerReason.NO_METHOD, CustomerReason.OTHER
