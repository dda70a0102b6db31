"""What customers pay with, and what its issuer says to each attempt."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from recoup.worlds._base import Code, Country, Duration, Part

Brand = Literal["visa", "mastercard", "amex", "discover"]
Funding = Literal["credit", "debit", "prepaid", "unknown"]

_FIRST_DIGITS: dict[Brand, tuple[str, ...]] = {
    "visa": ("4",),
    "mastercard": ("5", "2"),
    "amex": ("34", "37"),
    "discover": ("6",),
}
_MADE_UP_PREFIX: dict[Brand, str] = {
    "visa": "400099",
    "mastercard": "555599",
    "amex": "379999",
    "discover": "601199",
}
_CODE_IS_DECLINE_CODE = frozenset(
    {"authentication_required", "expired_card", "incorrect_cvc", "incorrect_number", "processing_error"}
)


class Decline(Part):
    """How an issuer, or Stripe before it, refuses. See Stripe, declines/codes and declines/card."""

    decline_code: Code
    """Stripe's decline code, such as `insufficient_funds`, `do_not_honor`, `stolen_card`."""
    code: Code | None = None
    """The error's own code. Default: the decline code where Stripe repeats it (`expired_card` for instance), else `card_declined`."""
    advice_code: Code | None = None
    """Stripe's advice: `do_not_try_again`, `try_again_later`, `confirm_card_data`."""
    network_decline_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{2,3}$")] | None = None
    """The card network's response code, in quotes: `"51"`, `"05"`."""
    network_advice_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")] | None = None
    """The merchant advice code (Mastercard), in quotes: `"26"` asks for two days, `"28"` for six, `"03"` for no further try."""
    type: Literal["issuer_declined", "blocked", "invalid"] = "issuer_declined"
    """Who refused: the issuer, Stripe's own risk rules (`blocked`), or nobody because the request made no sense (`invalid`)."""
    reason: Code | None = None
    """The outcome's reason. Default: the decline code; a block names its rule here, such as `highest_risk_level`."""

    @property
    def error_code(self) -> str:
        """The code of the error that the attempt ends in."""
        if self.code:
            return self.code
        return self.decline_code if self.decline_code in _CODE_IS_DECLINE_CODE else "card_declined"


class Haste(Part):
    """What an issuer makes of an attempt that comes too soon after the one before."""

    within: Duration
    """How long after any earlier attempt on the same card an attempt comes too soon."""
    loses: float = Field(gt=0, le=1, allow_inf_nan=False)
    """The share of its chance that such an attempt loses; with 1 it is always refused."""


class Phase(Part):
    """One stretch of an issuer's story: one answer, and how long it is given. The last phase may be without an end."""

    declines: Decline | None = None
    """Refuses, with these codes."""
    approves: Literal[True] | None = None
    """Approves."""
    needs_authentication: Literal[True] | None = None
    """Asks for 3-D Secure; an attempt that was authenticated is answered by the phase that follows."""
    succeeds_with_probability: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)
    """Beside `declines`: this share of attempts is approved all the same, drawn from the world's seed."""
    too_soon: Haste | None = None
    """Beside `succeeds_with_probability`: what an attempt loses of it that comes too soon after the one before."""

    for_attempts: int | None = Field(default=None, ge=1)
    """Ends after it has answered this many attempts."""
    until: Duration | None = None
    """Ends this long after the first attempt that it answered."""
    until_quiet_for: Duration | None = None
    """Ends when no attempt was made for this long; every attempt before that starts the pause again."""
    until_at: datetime | None = None
    """Ends at this moment (ISO 8601 with an offset)."""
    until_authenticated: Literal[True] | None = None
    """Ends with the first authenticated attempt."""
    always: Literal[True] | None = None
    """Never ends; the same as giving no end."""

    @model_validator(mode="after")
    def _one_answer_and_one_end(self) -> Phase:
        if len(self._given("declines", "approves", "needs_authentication")) != 1:
            raise ValueError("a phase has exactly one of declines, approves, needs_authentication")
        if len(self._given(*_ENDS, "always")) > 1:
            raise ValueError(f"a phase has at most one end: {', '.join(_ENDS)} or always")
        if self.succeeds_with_probability is not None and self.declines is None:
            raise ValueError("succeeds_with_probability stands beside declines")
        if self.too_soon is not None and self.succeeds_with_probability is None:
            raise ValueError("too_soon stands beside succeeds_with_probability")
        if self.until_authenticated and not self.needs_authentication:
            raise ValueError("until_authenticated stands beside needs_authentication")
        return self

    def chance(self, since_last: timedelta | None) -> float:
        """The chance that a refusing phase approves all the same, so long after the attempt before; None when there was none."""
        chance = self.succeeds_with_probability or 0.0
        hasty = self.too_soon
        if hasty is not None and since_last is not None and since_last < hasty.within.length:
            chance *= 1.0 - hasty.loses
        return chance

    @field_validator("until_at")
    @classmethod
    def _aware(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("the moment needs an offset, as in 2026-12-01T09:00:00Z")
        return moment

    @property
    def ends(self) -> bool:
        """Whether anything ends this phase."""
        return bool(self._given(*_ENDS))

    def _given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]


_ENDS = ("for_attempts", "until", "until_quiet_for", "until_at", "until_authenticated")


class _Issued(Part):
    """What cards and debits share: the story of their issuer."""

    issuer: tuple[Phase, ...] = ()
    """What the issuer says, phase by phase; after the last phase, and without any, it approves."""

    @field_validator("issuer")
    @classmethod
    def _every_phase_is_reached(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        for number, phase in enumerate(phases[:-1]):
            if not phase.ends:
                raise ValueError(
                    f"phase {number} never ends, so those after it are never reached; give it an end"
                )
        return phases


class Card(_Issued):
    """A payment card and the bank behind it."""

    brand: Brand
    """The card network."""
    number: Annotated[str, StringConstraints(pattern=r"^[0-9]{14,19}$")] | None = None
    """The number that a customer types into the card form, in quotes; made up and with a right check digit. Default: one made from the key."""
    funding: Funding = "credit"
    """Credit, debit or prepaid."""
    country: Country = "US"
    """Where it was issued."""
    expires_in_months: int = Field(default=36, ge=-120, le=240)
    """Its last month, counted from the month in which the world starts; `-1` has just expired. The date alone refuses nothing: the issuer does."""
    saving: Literal["approves", "needs_authentication"] | Decline = "approves"
    """The answer when the card is saved without a payment (attached, or entered in the billing portal)."""
    ids: tuple[Annotated[str, StringConstraints(pattern=r"^(pm|tok)_[A-Za-z0-9_]+$")], ...] = ()
    """Ids that stand for this card in calls of the API, as Stripe's `pm_card_visa` does."""

    @model_validator(mode="after")
    def _number_is_right(self) -> Card:
        if self.number is not None:
            if not self.number.startswith(_FIRST_DIGITS[self.brand]):
                raise ValueError(
                    f"the number of a {self.brand} card starts with {' or '.join(_FIRST_DIGITS[self.brand])}"
                )
            if luhn_digit(self.number[:-1]) != self.number[-1]:
                raise ValueError(
                    f"the number's last digit should be {luhn_digit(self.number[:-1])} (check digit)"
                )
        return self

    def with_number(self, key: str) -> Card:
        """The same card with a number; one without gets a made-up one that follows from its key alone."""
        if self.number is not None:
            return self
        length = 15 if self.brand == "amex" else 16
        prefix = _MADE_UP_PREFIX[self.brand]
        draw = int.from_bytes(hashlib.sha256(f"card {key}".encode()).digest()[:8])
        body = prefix + str(draw).zfill(length)[-(length - len(prefix) - 1) :]
        return self.model_copy(update={"number": body + luhn_digit(body)})

    @property
    def last4(self) -> str:
        """The last four digits."""
        return (self.number or "")[-4:]

    @property
    def fingerprint(self) -> str:
        """What tells two uses of one card number apart from two cards; sixteen characters, as Stripe's."""
        return hashlib.sha256(f"fingerprint {self.number}".encode()).hexdigest()[:16]

    def expiry(self, start: datetime) -> tuple[int, int]:
        """The last month and the year of a card in a world that starts then."""
        months = start.year * 12 + start.month - 1 + self.expires_in_months
        return months % 12 + 1, months // 12


class Debit(_Issued):
    """A bank account that is debited by SEPA direct debit: the answer to an attempt comes days later."""

    type: Literal["sepa_debit"] = "sepa_debit"
    """The scheme."""
    country: Country = "DE"
    """The country of the bank."""
    last4: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")] = "3000"
    """The last four digits of the account number, in quotes."""
    settles_after: Duration = Duration(days=3)
    """How long an attempt is processing before it succeeds or fails."""

    @field_validator("issuer")
    @classmethod
    def _no_authentication(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        if any(phase.needs_authentication for phase in phases):
            raise ValueError("a direct debit has no needs_authentication; use declines or approves")
        return phases


Method = Card | Debit


def luhn_digit(body: str) -> str:
    """The check digit that belongs after these digits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
