"""The codes in which a payment is refused, as data: one row for each, with its class, what follows, and its source."""

from recoup.rules.codes._cards import CARDS
from recoup.rules.codes._methods import DEBITS, WALLETS
from recoup.rules.codes._stripe import BLOCKED, ERRORS
from recoup.rules.codes.advice import MASTERCARD_ADVICE, STRIPE_ADVICE, AdviceRow
from recoup.rules.codes.schemes import SCHEMES, WALLET, Scheme, scheme_of
from recoup.rules.codes.visa import VISA, VisaRow
from recoup.rules.codes.words import Action, CodeRow, CustomerReason, DeclineClass, Source

TABLES = {
    "Cards": CARDS,
    "Blocked by Stripe": BLOCKED,
    "Error codes that stand for a refusal": ERRORS,
    "BLIK, wallets and other local methods": WALLETS,
    "Bank debits": DEBITS,
}
"""The decline codes by what they come with. No code stands in two tables."""

CODES: dict[str, CodeRow] = {code: row for table in TABLES.values() for code, row in table.items()}
"""Every decline code, outcome reason and error code that a recurring payment can be refused with."""

__all__ = [
    "CODES",
    "MASTERCARD_ADVICE",
    "SCHEMES",
    "STRIPE_ADVICE",
    "TABLES",
    "VISA",
    "WALLET",
    "Action",
    "AdviceRow",
    "CodeRow",
    "CustomerReason",
    "DeclineClass",
    "Scheme",
    "Source",
    "VisaRow",
    "scheme_of",
]
