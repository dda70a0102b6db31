"""Customers with five subscriptions in three currencies that renew, and fail, in one night."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.proofs.lives import Life

PLANS = (("eur", 4900), ("usd", 2900), ("pln", 19900), ("eur", 900), ("usd", 12900))

TURNS = 10
"""Half hours of a night."""


@dataclass
class Household(Life):
    """One of them."""

    subscriptions: list[str] = field(default_factory=list)

    def begin(self, price: str, trial_end: int) -> None:
        """Subscribe five times, a minute apart, with a trial each; the card is the one that is empty.

        The households take turns through the night, so that no step of the sandbox's clock brings all renewals at once.
        """
        trial_end += self.number % TURNS * 1800
        about = {"name": f"Life {self.number}", "email": self.email, "preferred_locales": ["en"]}
        self.customer = str(self.api.customers.create(about).id)
        self.bring("first")
        for minute, (currency, amount) in enumerate(PLANS):
            data = {
                "currency": currency,
                "unit_amount": amount,
                "product": self.api.prices.retrieve(price).product,
                "recurring": {"interval": "month"},
            }
            wanted = {
                "customer": self.customer,
                "items": [{"price_data": data}],
                "trial_end": trial_end + 60 * minute,
            }
            self.subscriptions.append(str(self.api.subscriptions.create(wanted).id))
        self.subscription = self.subscriptions[0]
