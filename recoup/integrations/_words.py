"""An event in one sentence, for people: the notes, tasks and messages that CRMs and channels get."""

from __future__ import annotations

from datetime import datetime

from recoup.integrations.published import EventType, PublicEvent
from recoup.rules.money import Money, to_decimal

MADE = {
    "schedule": "a scheduled retry",
    "card_update": "an attempt with a new card",
    "account_updater": "an attempt with the renewed card",
    "manual": "an attempt that an operator asked for",
    "stripe": "Stripe's own retry",
    "customer": "the customer's own try",
}
_WORDS = {
    "retry_now": "asked for a retry",
    "pause_until": "paused the case",
    "resume": "resumed the case",
    "stop": "stopped the recovery",
    "mark_paid_outside": "marked the invoice as paid outside Stripe",
    "approve": "approved the suspension",
    "refuse_suspension": "refused the suspension",
    "extend_grace": "gave the customer longer",
    "hand_over": "handed the case over",
    "note": "made a note",
}


def money(amount: int, currency: str) -> str:
    """``49.00 USD``."""
    try:
        return f"{to_decimal(Money(amount=amount, currency=currency))} {currency.upper()}"
    except ValueError:  # a currency that Stripe cannot charge
        return f"{amount} minor units of {currency.upper()}"


def headline(event: PublicEvent) -> str:
    """What happened, without the reason."""
    return _HEADLINES[event.type](event)


def sentence(event: PublicEvent) -> str:
    """What happened, about which invoice, and why."""
    why = f", because {event.because}" if event.because else ""
    return f"{headline(event)} (invoice {event.case.number or event.case.invoice}){why}."


def _attempt(event: PublicEvent) -> str:
    facts = event.facts
    made = MADE.get(str(facts.get("trigger")), "an attempt")
    due = money(facts.get("amount", event.case.amount), facts.get("currency", event.case.currency))
    if facts.get("state") == "paid":
        return f"Attempt {facts.get('attempt')}, {made}: {due} collected"
    code = (facts.get("decline") or {}).get("code", "no reason given")
    return f"Attempt {facts.get('attempt')}, {made}: {due} declined ({code})"


def _other_charge(event: PublicEvent) -> str:
    facts = event.facts
    due = money(facts.get("amount", 0), facts.get("currency", event.case.currency))
    if not facts.get("failed"):
        return f"A charge that Recoup did not make: {due}"
    code = (facts.get("decline") or {}).get("code", "no reason given")
    return f"A charge that Recoup did not make: {due} declined ({code})"


def _held_back(event: PublicEvent) -> str:
    facts = event.facts
    until = f" before {_moment(facts['not_before'])}" if facts.get("not_before") else ""
    return f"An attempt was held back, none may be made{until}"


def _message(event: PublicEvent, verb: str) -> str:
    facts = event.facts
    name = str(facts.get("template", "message")).replace("_", " ")
    return f"The message “{name}” {verb} ({facts.get('channel', 'mail')})"


def _channel(event: PublicEvent, what: str) -> str:
    reason = f" ({event.facts['reason']})" if event.facts.get("reason") else ""
    return f"The channel {event.facts.get('channel', 'email')} to the customer {what}{reason}"


def _operator(event: PublicEvent) -> str:
    facts = event.facts
    did = _WORDS.get(str(facts.get("word")), str(facts.get("word")))
    until = f" until {_moment(facts['until'])}" if facts.get("until") else ""
    days = f" by {facts['days']:g} days" if facts.get("days") else ""
    to = f" to {facts['to']}" if facts.get("to") else ""
    return f"{facts.get('operator', 'An operator')} {did}{until}{days}{to}"


def _waits(event: PublicEvent) -> str:
    people = event.facts.get("people")
    return f"The recovery waits for {people or 'a person'}"


def _opened(event: PublicEvent) -> str:
    due = money(event.case.amount, event.case.currency)
    if event.case.is_return:
        return f"The customer came back, {due} is collected"
    return f"A payment of {due} failed, its recovery begins"


def _given_back(event: PublicEvent) -> str:
    facts = event.facts
    refunded = "was given back" if facts.get("refunded") else "is to be looked at by a person"
    return f"A payment that was not owed {refunded}"


def _ended(event: PublicEvent) -> str:
    facts = event.facts
    how = str(facts.get("outcome")).replace("_", " ")
    return f"The case ended: {how}, {money(event.case.amount, event.case.currency)}"


def _moment(value: object) -> str:
    return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M} UTC"


_HEADLINES = {
    EventType.CASE_OPENED: _opened,
    EventType.ATTEMPT_MADE: _attempt,
    EventType.ATTEMPT_PENDING: lambda event: (
        f"Attempt {event.facts.get('attempt')} waits for the bank's answer"
    ),
    EventType.ATTEMPT_HELD_BACK: _held_back,
    EventType.OTHER_CHARGE_SEEN: _other_charge,
    EventType.MESSAGE_SENT: lambda event: _message(event, "was sent"),
    EventType.MESSAGE_FAILED: lambda event: _message(event, "could not be sent"),
    EventType.CHANNEL_STOPPED: lambda event: _channel(event, "is stopped"),
    EventType.CHANNEL_OPENED: lambda event: _channel(event, "was opened again"),
    EventType.LINK_OPENED: lambda _: "The customer opened the page for updating the payment",
    EventType.UPDATE_ATTEMPTED: lambda _: "The customer began to update the payment",
    EventType.UPDATE_FAILED: lambda _: "The customer's try to save a payment method failed",
    EventType.CARD_UPDATED: lambda _: "There is a new or renewed payment method",
    EventType.PERSON_NEEDED: _waits,
    EventType.DECIDED_BY_DEFAULT: lambda _: "Nobody decided about the suspension",
    EventType.ASSIGNED: lambda event: f"The case was given to {event.facts.get('to', 'nobody')}",
    EventType.MOVED: lambda _: "The case goes on by another policy",
    EventType.OPERATOR_SPOKE: _operator,
    EventType.PAYMENT_GIVEN_BACK: _given_back,
    EventType.RESTRICTED: lambda _: "Access was restricted",
    EventType.SUSPENDED: lambda _: "Access was suspended",
    EventType.CANCELLED_AT_LAST: lambda _: "The paused subscription was cancelled",
    EventType.ACCESS_RESTORED: lambda _: "Access was restored",
    EventType.RECOVERED: _ended,
    EventType.LOST: _ended,
    EventType.CLOSED: _ended,
}
