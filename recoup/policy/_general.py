"""What a policy says for everybody, in words: contact, the customer's page, cards that expire, payments that raced."""

from __future__ import annotations

from recoup.rules.contact import ContactPolicy
from recoup.rules.customer_page import CancelWhen, CustomerPage
from recoup.rules.expiring import ExpiringCards
from recoup.rules.policy import Policy, RacedPayments

NOTHING = "–"

_CANCEL = {
    CancelWhen.NOW: "cancel at once",
    CancelWhen.PERIOD_END: "cancel at the end of the period",
    CancelWhen.NOT_OFFERED: "no way to cancel",
}
_RACED = {
    RacedPayments.REFUND: "ours is given back",
    RacedPayments.FLAG: "a person is told, nothing is given back",
}


def general_words(policy: Policy) -> dict[str, str]:
    """By its name each thing that holds whatever a case's campaign is; the priority has words with the segments."""
    return {
        "on one card in 30 days": f"{policy.network_cap} attempts at most",
        "where the customer pays beside an attempt": _RACED[policy.raced_payments],
        **_contact(policy.contact),
        "customer's page": _page(policy.customer_page),
        "reminders before a card expires": _expiring(policy.expiring_cards),
    }


def _contact(contact: ContactPolicy) -> dict[str, str]:
    budget, quiet = contact.budget, contact.quiet_hours
    zone, country = contact.default_timezone, contact.default_country
    unknown = [*([f"time zone {zone}"] if zone else []), *([f"holidays of {country}"] if country else [])]
    return {
        "told in one message": f"what happens within {contact.gather_minutes} minutes",
        "messages to one customer": f"{budget.messages} in {budget.days:g} days at most" if budget else "any number",
        "quiet hours": f"{quiet.begin} to {quiet.end}, by the customer's clock" if quiet else "none",
        "other contacts of an account": ", then ".join(contact.others.metadata) or "none",
        "copies to other contacts": ", ".join(sorted(contact.others.copied)) or "none",
        "text messages where mail cannot go": ", ".join(sorted(contact.sms.templates)) or "none",
        "days for messages": "working days" if contact.working_days_only else "every day",
        "customers without an address": ", ".join(unknown) or NOTHING,
    }  # fmt: skip


def _page(page: CustomerPage) -> str:
    offers = [f"a promise to pay for {page.promise_days:g} days at most"] if page.promise_days else []
    offers += [f"{price} to {' or '.join(smaller)}" for price, smaller in page.smaller_plans.items()]
    if page.pause_days:
        offers.append(f"a pause of {' or '.join(str(days) for days in page.pause_days)} days")
    return ", ".join([*offers, _CANCEL[page.cancel]])


def _expiring(cards: ExpiringCards) -> str:
    if not cards.remind_days_before:
        return "none"
    when = ", ".join(str(days) for days in cards.remind_days_before)
    return f"{when} days before the payment, their links work {cards.link_valid_days:g} days"
