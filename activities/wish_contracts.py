"""What a customer's page, the cases and the activities say of a customer's wishes; the rules of :mod:`activities.contracts` hold
here too.
"""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire
from recoup.rules.customer_page import CancelWhen

CANCELLED = "the customer cancelled the subscription on their page"
"""Why such a case ended."""

CUSTOMER = "customer"
"""Who promised, where it was the customer on their page."""


class WishActivity(StrEnum):
    """The activities behind wishes by the names under which the worker registers them."""

    NOTE_PROMISE = "wishes.note_promise"
    STOP_CASES = "wishes.stop_cases"
    FULFIL = "wishes.fulfil"


class PromiseToPay(Wire):
    """The customer will pay by a moment: said by themselves, or by an operator whom they told."""

    at: Moment
    until: Moment
    operator: str = CUSTOMER
    """The operator's account name; ``customer`` where the page took the promise."""
    reason: str = "promised on the customer's page"


class NotePromise(Wire):
    """Write a promise down."""

    case_id: str
    invoice: str
    customer: str
    promise: PromiseToPay


class WishKind(StrEnum):
    """What a customer can ask for."""

    CANCEL = "cancel"
    PAUSE = "pause"
    SMALLER_PLAN = "smaller_plan"


class Wish(Wire):
    """Begins ``wish/{kind}/{subscription}``: what a customer asked for one of their subscriptions."""

    kind: WishKind
    customer: str
    subscription: str
    at: Moment
    """When they said it; what is charged from then on was not wanted."""
    cancel: CancelWhen = CancelWhen.NOW
    until: Moment | None = None
    """When a pause ends."""
    price: str | None = None
    """The price that the smaller one replaces."""
    smaller_price: str | None = None


class Stopped(Wire):
    """The cases that a cancellation ended, or had ended before."""

    at: Moment
    cases: tuple[str, ...]


class WishResult(Wire):
    """What became of a wish."""

    at: Moment
    done: bool
    because: str
