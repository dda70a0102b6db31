"""Whom a part of the policy is meant for: typed conditions over what is known of a debt when its case begins.

The conditions are a closed list, so that a policy can be checked before it meets a customer. All that are named must hold;
what is not known (no country, another currency) holds for none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from recoup.rules.base import Frozen, Misfit
from recoup.rules.declines import DeclineClass
from recoup.rules.money import Currency, Money, in_words


def _no_truth_value(value: Any) -> Any:
    """YAML reads NO, ON and their like as yes and no: a list of countries would lose Norway."""
    if isinstance(value, bool):
        raise ValueError("put it in quotes: YAML reads it as yes or no (Norway is written 'NO')")
    return value


_Text = Annotated[str, BeforeValidator(_no_truth_value), StringConstraints(min_length=1, max_length=500)]
Country = Annotated[str, BeforeValidator(_no_truth_value), StringConstraints(pattern=r"^[A-Z]{2}$")]
Key = Annotated[str, BeforeValidator(_no_truth_value), StringConstraints(min_length=1, max_length=40)]
Amounts = dict[Currency, Annotated[int, Field(strict=True, ge=0)]]
"""Minor units by currency."""
Tenure = Annotated[int, Field(strict=True, ge=0, le=36500)]


class Facts(Frozen):
    """What is known of a debt and its customer: ids, codes, amounts, and metadata of the keys that the policy names."""

    amount: Money
    """What is still to be collected."""
    plans: tuple[str, ...] = ()
    """Ids of the subscription's prices and of their products."""
    mrr: Money | None = None
    """What the subscription's fixed prices come to in a month, before discounts and taxes."""
    country: str | None = None
    tenure_days: int | None = None
    """Whole days since the subscription began."""
    method_type: str | None = None
    funding: str | None = None
    brand: str | None = None
    decline_class: DeclineClass | None = None
    metadata: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By key: the values on the subscription and on the customer."""


class MethodIs(Frozen):
    """Conditions on what the invoice would be collected with."""

    type: tuple[_Text, ...] = ()
    """Stripe's types of payment methods: ``card``, ``sepa_debit`` …"""
    funding: tuple[_Text, ...] = ()
    """``credit``, ``debit``, ``prepaid`` or ``unknown``."""
    brand: tuple[_Text, ...] = ()
    """``visa``, ``mastercard``, ``amex`` …"""

    @model_validator(mode="after")
    def _asks(self) -> MethodIs:
        if not (self.type or self.funding or self.brand):
            raise ValueError("name at least one of type, funding and brand")
        return self


class When(Frozen):
    """Conditions that must all hold; of the values of a list any one will do."""

    plan: tuple[_Text, ...] = ()
    """Ids of prices or products, one of which the subscription has."""
    amount_at_least: Amounts = Field(default_factory=dict)
    """What is still owed, by currency in minor units; a currency that is not named never matches."""
    amount_below: Amounts = Field(default_factory=dict)
    """What is still owed is less than this, by currency in minor units."""
    mrr_at_least: Amounts = Field(default_factory=dict)
    """What the subscription comes to in a month, by currency in minor units."""
    country: tuple[Country, ...] = ()
    """The customer's country; where Stripe knows none, the card's."""
    tenure_days_at_least: Tenure | None = None
    """Whole days since the subscription began."""
    tenure_days_below: Tenure | None = None
    """Less than so many days since the subscription began."""
    payment_method: MethodIs | None = None
    """What the invoice would be collected with."""
    decline_class: tuple[DeclineClass, ...] = ()
    """How the first failure is read: hard, soft, action, fraud or config."""
    metadata: dict[Key, Annotated[tuple[_Text, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Metadata of the customer or the subscription at Stripe: a key with the values that match."""

    @model_validator(mode="after")
    def _can_hold(self) -> When:
        if self == When.model_construct():
            raise ValueError("must name at least one condition")
        low, high = self.tenure_days_at_least, self.tenure_days_below
        if low is not None and high is not None and low >= high:
            because = f"no tenure is at least {low} and below {high} days"
            raise Misfit(because, ("tenure_days_below",))
        for currency, least in self.amount_at_least.items():
            if least >= self.amount_below.get(currency, least + 1):
                raise Misfit(
                    f"no amount is at least {least} and below {self.amount_below[currency]} {currency}",
                    ("amount_below", currency),
                )
        return self


def reason(when: When, facts: Facts) -> str | None:
    """What made the conditions hold, in words; ``None`` where one of them does not."""
    said: list[str] = []
    for condition in _CONDITIONS:
        words = condition(when, facts)
        if words is None:
            return None
        said += [words] if words else []
    return ", ".join(said)


# Each condition answers "" where it is not asked, None where it does not hold, and otherwise what holds, in words.


def _plan(when: When, facts: Facts) -> str | None:
    return _one_of("the plan", when.plan, facts.plans)


def _amount(when: When, facts: Facts) -> str | None:
    return _at_least("the amount", when.amount_at_least, facts.amount)


def _amount_below(when: When, facts: Facts) -> str | None:
    if not when.amount_below:
        return ""
    limit = when.amount_below.get(facts.amount.currency)
    if limit is None or facts.amount.amount >= limit:
        return None
    return f"the amount is below {in_words(Money(amount=limit, currency=facts.amount.currency))}"


def _mrr(when: When, facts: Facts) -> str | None:
    return _at_least("the MRR", when.mrr_at_least, facts.mrr)


def _country(when: When, facts: Facts) -> str | None:
    return _one_of("the country", when.country, (facts.country,))


def _tenure(when: When, facts: Facts) -> str | None:
    low, high, tenure = when.tenure_days_at_least, when.tenure_days_below, facts.tenure_days
    if low is None and high is None:
        return ""
    if tenure is None or tenure < (low or 0) or (high is not None and tenure >= high):
        return None
    said = [f"at least {low}" if low is not None else "", f"below {high}" if high is not None else ""]
    return f"a customer for {' and '.join(part for part in said if part)} days"


def _method(when: When, facts: Facts) -> str | None:
    asked = when.payment_method
    if asked is None:
        return ""
    said = (
        _one_of("the payment method", asked.type, (facts.method_type,)),
        _one_of("the funding", asked.funding, (facts.funding,)),
        _one_of("the brand", asked.brand, (facts.brand,)),
    )
    return None if None in said else ", ".join(part for part in said if part)


def _decline_class(when: When, facts: Facts) -> str | None:
    return _one_of("the decline", when.decline_class, (facts.decline_class,))


def _metadata(when: When, facts: Facts) -> str | None:
    said = [
        _one_of(f"metadata {key}", values, facts.metadata.get(key, ()))
        for key, values in when.metadata.items()
    ]
    return None if None in said else ", ".join(part for part in said if part)


_CONDITIONS: tuple[Callable[[When, Facts], str | None], ...] = (
    _plan, _amount, _amount_below, _mrr, _country, _tenure, _method, _decline_class, _metadata,
)  # fmt: skip


def _one_of(what: str, wanted: tuple[str, ...], there: tuple[str | None, ...]) -> str | None:
    if not wanted:
        return ""
    found = [value for value in wanted if value in there]
    return f"{what} is {found[0]}" if found else None


def _at_least(what: str, wanted: Amounts, there: Money | None) -> str | None:
    if not wanted:
        return ""
    if there is None or there.amount < wanted.get(there.currency, there.amount + 1):
        return None
    least = Money(amount=wanted[there.currency], currency=there.currency)
    return f"{what} is at least {in_words(least)}"
