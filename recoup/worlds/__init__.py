"""Worlds: how issuers answer and how customers act, read from a file, without input or output of their own.

The sandbox answers the payment attempts of a real Stripe client from a world; the simulator runs thousands of cases
against one. The format is described in ``docs/worlds.md``.
"""

from recoup.worlds._base import Duration, Key, Part
from recoup.worlds.customers import Customer, OwnAct, Reaction, Subscription
from recoup.worlds.errors import WorldError
from recoup.worlds.issuer import IssuerAnswer, PastAttempt, PaymentRequest
from recoup.worlds.loading import demo_world_path, load_world, read_as, read_world, text_of, world_schema
from recoup.worlds.methods import Card, Debit, Decline, Haste, Method, Phase
from recoup.worlds.world import Misreference, World

__all__ = [
    "Card",
    "Customer",
    "Debit",
    "Decline",
    "Duration",
    "Haste",
    "IssuerAnswer",
    "Key",
    "Method",
    "Misreference",
    "OwnAct",
    "Part",
    "PastAttempt",
    "PaymentRequest",
    "Phase",
    "Reaction",
    "Subscription",
    "World",
    "WorldError",
    "demo_world_path",
    "load_world",
    "read_as",
    "read_world",
    "text_of",
    "world_schema",
]
