"""The card form: what was typed, what is wrong with it, and the test cards listed beneath it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.sandbox import Sandbox
from recoup.sandbox.service.portal import CardForm
from recoup.worlds import Card

_LISTED = {
    "4242424242424242": "approves",
    "5555555555554444": "approves (Mastercard)",
    "4000000000000341": "can be saved, then declines every payment",
    "4000000000009995": "declines: insufficient funds",
    "4000000000000069": "declines: expired card",
    "4000000000000002": "declines without a reason",
    "4000002760003184": "asks for 3-D Secure every time",
    "4000002500003155": "asks for 3-D Secure until it was saved with it",
    "4000008260003178": "asks for 3-D Secure, then declines: insufficient funds",
}


@dataclass(frozen=True)
class Problem:
    """Why a form was not accepted; ``field`` names the input at fault, if one is."""

    text: str
    field: str | None = None


@dataclass(frozen=True)
class Listed:
    """A card that can be typed into the form, and what its bank does."""

    number: str
    about: str


def typed_card(form: Mapping[str, str], now: float) -> CardForm | Problem:
    """The card in a form, or what is wrong with it; whether the number is one is for the issuer to say."""
    number = form.get("number", "").strip()
    if not number:
        return Problem("Your card number is incomplete.", "number")
    expiry = _expiry(form.get("expiry", ""))
    if expiry is None:
        return Problem("Your card's expiration date is incomplete; write it as MM/YY.", "expiry")
    today = datetime.fromtimestamp(now, UTC)
    month, year = expiry
    if (year, month) < (today.year, today.month) or year > today.year + 50:
        return Problem("Your card's expiration date is in the past, or too far ahead.", "expiry")
    cvc = form.get("cvc", "").strip()
    if not re.fullmatch(r"[0-9]{3,4}", cvc):
        return Problem("Your card's security code is incomplete.", "cvc")
    return CardForm(number, month, year, cvc)


def refusal(error: Doc | None) -> Problem:
    """What the customer is told of an error of the API."""
    error = error or {}
    field = {"incorrect_number": "number", "incorrect_cvc": "cvc", "expired_card": "expiry"}.get(
        error.get("code", "")
    )
    return Problem(str(error.get("message") or "That did not work."), field)


def shown_again(form: Mapping[str, str]) -> dict[str, str]:
    """What a form that failed is filled with; never the security code."""
    return {key: value for key, value in form.items() if key in ("number", "expiry")}


def listed_cards(sandbox: Sandbox) -> list[Listed]:
    """The cards that can be typed: some of Stripe's, and those of the world, the willing ones first."""
    cards = [Listed(_spaced(number), about) for number, about in _LISTED.items()]
    world = sandbox.world
    if world is not None:
        own = sorted(world.cards.items(), key=lambda entry: bool(entry[1].issuer))
        cards += [Listed(_spaced(card.number or ""), _story(key, card)) for key, card in own]
    return cards


def _story(key: str, card: Card) -> str:
    if not card.issuer:
        return f"{key}: approves"
    first = card.issuer[0]
    if first.declines is not None:
        return f"{key}: declines first ({first.declines.decline_code})"
    return f"{key}: {'asks for 3-D Secure' if first.needs_authentication else 'approves first'}"


def _expiry(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"\s*(\d{1,2})\s*[/-]?\s*(\d{4}|\d{2})\s*", text)
    if match is None or not 1 <= int(match[1]) <= 12:
        return None
    year = int(match[2])
    return int(match[1]), year + 2000 if year < 100 else year


def _spaced(number: str) -> str:
    if len(number) == 15:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))
