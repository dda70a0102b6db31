"""The world of a batch: one customer for each run, with cards of their own, so that runs cannot touch each other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import yaml

from recoup.chaos.faults import Method, Story
from recoup.chaos.plan import RunPlan

_SOFT = {"decline_code": "insufficient_funds", "network_decline_code": "51"}
_GONE = {
    "visa": (
        {"decline_code": "stolen_card", "network_decline_code": "43"},
        {"decline_code": "do_not_honor", "network_decline_code": "04"},
        {"decline_code": "do_not_honor", "network_decline_code": "R1"},
    ),
    "mastercard": (
        {"decline_code": "do_not_honor", "network_decline_code": "05", "network_advice_code": "03"},
        {"decline_code": "do_not_honor", "network_decline_code": "05", "network_advice_code": "21"},
    ),
    "amex": (
        {"decline_code": "stolen_card", "network_decline_code": "43"},
        {"decline_code": "do_not_honor", "advice_code": "do_not_try_again"},
    ),
}
"""How banks say of a card that it must never be tried again: by Stripe's code, the network's, or advice alone."""
_NO_FUNDS = {"decline_code": "insufficient_funds"}
_RENEWS = 3600.0


def world_of(plans: Sequence[RunPlan], *, in_step: bool = False) -> str:
    """The world's file: for each run a customer, the card that fails, and the new card that works.

    ``in_step`` has all renewals fail at once, and the customers act by themselves as their stories say: for runs with real
    processes, where each moment that nobody shares costs time.
    """
    cards: dict[str, Any] = {}
    debits: dict[str, Any] = {}
    customers: dict[str, Any] = {}
    for plan in plans:
        dice = random.Random(f"world/{plan.seed}")  # noqa: S311 - repeated, no secret
        if plan.method is Method.DEBIT:
            debits[plan.key] = {"issuer": _issuer(plan)}
        else:
            cards[plan.key] = {"brand": plan.brand, "issuer": _issuer(plan)}
        cards[new_card_of(plan)] = {"brand": plan.brand}
        customers[plan.key] = {
            "name": f"Customer {plan.seed}",
            "email": f"{plan.key}@example.com",
            "pays_with": plan.key,
            "subscriptions": [
                {
                    "product": f"Plan {number}",
                    "amount": plan.amount,
                    "currency": plan.currency,
                    "interval": "year",
                    "renews_in": {"minutes": (_RENEWS + (0 if in_step else dice.uniform(0, 3600))) / 60},
                }
                for number in range(plan.subscriptions)
            ],
            "behaviour": _behaviour(plan) if in_step else [],
        }
    methods = {"cards": cards, "debits": debits}
    world = {"version": 1, "name": "chaos", "seed": 1, **methods, "customers": customers}
    return yaml.safe_dump(world, sort_keys=False)


def new_card_of(plan: RunPlan) -> str:
    """The key of the card that the run's customer brings."""
    return f"{plan.key}_new"


def _behaviour(plan: RunPlan) -> list[dict[str, Any]]:
    at = {"at": {"days": round(plan.acts_after_days)}}
    match plan.story:
        case Story.NEW_CARD | Story.COMES_BACK:
            return [{**at, "does": "update_card_elsewhere", "with": new_card_of(plan)}]
        case Story.PAYS:
            return [{**at, "does": "pay_invoice", "with": new_card_of(plan)}]
        case Story.CANCELS:
            return [{**at, "does": "cancel_subscription"}]
        case _:
            return []


def _issuer(plan: RunPlan) -> list[dict[str, Any]]:
    soft = _NO_FUNDS if plan.method is Method.DEBIT else _SOFT
    match plan.story:
        case Story.SOON:
            # The renewal itself is refused first.
            return [{"declines": soft, "for_attempts": plan.refusals * plan.subscriptions}]
        case Story.NEW_CARD if plan.method is Method.ASKS:
            return [{"needs_authentication": True}]
        case Story.NEW_CARD:
            gone = _GONE[plan.brand]
            return [{"declines": gone[plan.seed % len(gone)]}]
        case _:
            return [{"declines": soft}]
