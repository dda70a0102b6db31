"""Declines: why an attempt failed, which class that is, what follows, and how long to leave the bank alone.

Several parties say something about one refusal: Stripe's code, Stripe's advice, the card network's own code and advice, the
scheme of a bank debit. The strictest of them wins, so that one more thing known never makes a reading milder. The tables
and their sources are in :mod:`recoup.rules.codes`; the classes are Recoup's own reading of them. ``docs/declines.md`` shows
them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from recoup.rules.base import Wire
from recoup.rules.codes import CODES, MASTERCARD_ADVICE, STRIPE_ADVICE, AdviceRow, CodeRow, scheme_of, visa
from recoup.rules.codes.words import Action, CustomerReason, DeclineClass, Source

__all__ = [
    "AUTHENTICATION_CODES",
    "Action",
    "CustomerReason",
    "Decline",
    "DeclineClass",
    "Reading",
    "forbidden",
    "read",
    "unknown_codes",
]


class Decline(Wire):
    """Why an attempt failed, in Stripe's and the networks' codes."""

    code: str = "generic_decline"
    """``decline_code``, or the error code where there is none."""
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    kind: str | None = None
    """``outcome.type``: issuer_declined, blocked, invalid."""
    brand: str | None = None
    """The card network that answered; its codes mean nothing without it."""
    method_type: str = "card"


class Reading(Wire):
    """What a decline means for the case."""

    decline_class: DeclineClass
    wait: timedelta
    """How long no attempt with the same method should follow; zero where nobody asked for a pause."""
    needs_authentication: bool = False
    because: str
    action: Action = Action.RETRY
    """What would bring the money."""
    reason: CustomerReason = CustomerReason.OTHER
    """What the customer may read."""
    may_retry: bool = False
    """Whether the same method may be tried again without the customer having done anything."""
    most_retries: int | None = None
    """At most so many scheduled attempts on this answer; ``None`` leaves it to the campaign."""
    visa_category: int | None = None
    unknown: bool = False
    """Whether a code of it stands in no table; :func:`unknown_codes` names them."""


AUTHENTICATION_CODES = frozenset(code for code, row in CODES.items() if row.action is Action.AUTHENTICATE)
"""The codes that only the customer's confirmation (3-D Secure) settles."""

UNKNOWN_RETRIES = 2
"""A code that nobody has explained is tried twice more. No retry at all would lose the money of each harmless code that Stripe
adds; a whole campaign on one that means "never" would look like an attack. Two is what the strictest scheme allows anyone."""

_UNKNOWN = CodeRow(
    DeclineClass.SOFT,
    Action.ASK_BANK,
    CustomerReason.BANK_REFUSED,
    24,
    "an unknown answer; treated as a passing refusal",
    Source("Recoup", date(2026, 11, 22)),
)

_SEVERITY = (
    DeclineClass.SOFT,
    DeclineClass.CONFIG,
    DeclineClass.ACTION,
    DeclineClass.HARD,
    DeclineClass.FRAUD,
)
"""From mild to strict."""


class _Voice(NamedTuple):
    """What one party says of the refusal."""

    decline_class: DeclineClass
    action: Action
    wait: timedelta
    because: str
    never: bool = False

    @property
    def may_retry(self) -> bool:
        passing = self.decline_class is DeclineClass.CONFIG and self.wait > timedelta(0)
        return self.decline_class is DeclineClass.SOFT or passing

    @property
    def strictness(self) -> tuple[bool, int, bool, timedelta]:
        return (self.never, _SEVERITY.index(self.decline_class), not self.may_retry, self.wait)


def read(decline: Decline, on: date | None = None) -> Reading:
    """Classify a decline by the rules of a day, the newest by default. The strictest of all that is said of it wins."""
    row = CODES.get(decline.code, _UNKNOWN)
    voices = [_own(decline, row), *_advice(decline), *_networks(decline, on)]
    # The first of equals speaks: the code itself before what comes with it.
    strictest = max(voices, key=lambda voice: voice.strictness)
    longest = max(voices, key=lambda voice: voice.wait)
    fraud = row.decline_class is DeclineClass.FRAUD
    kind = DeclineClass.FRAUD if fraud else strictest.decline_class
    may_retry = all(voice.may_retry for voice in voices)
    authentication = Action.AUTHENTICATE in {voice.action for voice in voices}
    needs_authentication = authentication and kind is DeclineClass.ACTION
    return Reading(
        decline_class=kind,
        wait=timedelta(0) if strictest.never else longest.wait,
        needs_authentication=needs_authentication,
        because=(longest if may_retry else strictest).because,
        action=Action.AUTHENTICATE if needs_authentication else strictest.action,
        reason=_reason(decline, row, voices, needs_authentication=needs_authentication),
        may_retry=may_retry,
        most_retries=_most_retries(decline),
        visa_category=visa.category(decline.network_decline_code, on) if decline.brand == "visa" else None,
        unknown=bool(unknown_codes(decline)),
    )


def forbidden(decline: Decline, on: date | None = None) -> str | None:
    """Who forbids any further attempt with the method that was declined so; ``None`` if nobody does."""
    voices = [*_advice(decline), *_networks(decline, on)]
    return next((voice.because for voice in voices if voice.never), None)


def unknown_codes(decline: Decline) -> tuple[str, ...]:
    """The codes of a decline that stand in no table, each with the field it came in: ``code/brand_new``."""
    found = [f"code/{decline.code}"] if decline.code not in CODES else []
    if decline.advice_code and decline.advice_code not in STRIPE_ADVICE:
        found.append(f"advice_code/{decline.advice_code}")
    advice = decline.network_advice_code
    if decline.brand == "mastercard" and advice and advice not in MASTERCARD_ADVICE:
        found.append(f"network_advice_code/{advice}")
    return tuple(found)


def _own(decline: Decline, row: CodeRow) -> _Voice:
    """What Stripe's code says."""
    wait = timedelta(hours=row.wait_hours)
    return _Voice(row.decline_class, row.action, wait, f"{decline.code}: {row.meaning}")


def _advice(decline: Decline) -> Iterator[_Voice]:
    """What Stripe advises."""
    if decline.kind == "blocked":
        because = f"{decline.code}: the payment was blocked before it reached the bank"
        yield _Voice(DeclineClass.HARD, Action.NEW_METHOD, timedelta(0), because, never=True)
    if row := STRIPE_ADVICE.get(decline.advice_code or ""):
        yield _advised(row, f"Stripe's advice {decline.advice_code}: {row.meaning}")


def _advised(row: AdviceRow, because: str) -> _Voice:
    return _Voice(row.decline_class, row.action, timedelta(hours=row.wait_hours), because, row.never)


def _networks(decline: Decline, on: date | None) -> Iterator[_Voice]:
    """What the card network, or the scheme of the bank debit, says."""
    if decline.brand == "mastercard" and (row := MASTERCARD_ADVICE.get(decline.network_advice_code or "")):
        yield _advised(row, f"Mastercard advice {decline.network_advice_code}: {row.meaning}")
    if decline.brand == "visa" and (voice := _visa(decline.network_decline_code, on)):
        yield voice
    if voice := _scheme(decline):
        yield voice


def _visa(code: str | None, on: date | None) -> _Voice | None:
    category = visa.category(code, on)
    if category == visa.NEVER:
        because = f"Visa code {code} is in category 1: the bank will never approve"
        return _Voice(DeclineClass.HARD, Action.NEW_METHOD, timedelta(0), because, never=True)
    if category == visa.DATA_QUALITY:
        action = Action.AUTHENTICATE if code == visa.AUTHENTICATION else Action.CORRECT_DATA
        because = f"Visa code {code} is in category 3: the data must be checked before another attempt"
        return _Voice(DeclineClass.ACTION, action, timedelta(0), because)
    return None


def _scheme(decline: Decline) -> _Voice | None:
    """A scheme lists the returns after which a debit may be presented again; after every other one it may not."""
    scheme = scheme_of(decline.method_type)
    if scheme is None or scheme.reasons is None:
        return None
    told = decline.network_decline_code
    if scheme.returns is not None and told:
        allowed, what = told in scheme.returns, f"return {told}"
    else:
        allowed, what = decline.code in scheme.reasons, decline.code
    if allowed:
        return None
    because = f"{scheme.name}, {what}: not presented again without a new mandate or other details"
    return _Voice(DeclineClass.HARD, Action.NEW_METHOD, timedelta(0), because, never=True)


def _most_retries(decline: Decline) -> int | None:
    scheme = scheme_of(decline.method_type)
    limits = [UNKNOWN_RETRIES] if decline.code not in CODES else []
    limits += [scheme.retries] if scheme is not None else []
    return min(limits, default=None)


def _reason(
    decline: Decline, row: CodeRow, voices: list[_Voice], *, needs_authentication: bool
) -> CustomerReason:
    """What the customer may read: the code's own reason, unless it says nothing and the advice asks them for something.

    A suspicion and a block read as a plain refusal: Stripe asks merchants to present lost, stolen and suspicious cards as
    a generic decline (Stripe, "Decline codes").
    """
    if row.decline_class is DeclineClass.FRAUD or decline.kind == "blocked":
        return CustomerReason.BANK_REFUSED
    if row.reason not in (CustomerReason.BANK_REFUSED, CustomerReason.OTHER):
        return row.reason
    if needs_authentication:
        return CustomerReason.AUTHENTICATION
    asked = row.decline_class is DeclineClass.SOFT and max(voices, key=lambda voice: voice.strictness)
    if asked and asked.action is Action.CORRECT_DATA:
        return CustomerReason.CARD_DATA
    return row.reason
