"""Segments and priorities: which campaign a debt gets, how much it matters, and why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recoup.rules.declines import DeclineClass
from recoup.rules.money import Money
from recoup.rules.policy import Campaign, Policy
from recoup.rules.priority import PriorityRule, priority
from recoup.rules.segments import Facts, MethodIs, When, reason

FACTS = Facts(
    amount=Money(amount=49000, currency="usd"),
    plans=("price_pro", "prod_team"),
    mrr=Money(amount=24500, currency="usd"),
    country="PL",
    tenure_days=400,
    method_type="card",
    funding="debit",
    brand="visa",
    decline_class=DeclineClass.SOFT,
    metadata={"tier": ("gold", "silver")},
)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"plan": ["price_x", "prod_team"]}, "the plan is prod_team"),
        ({"amount_at_least": {"usd": 49000}}, "the amount is at least 490.00 USD"),
        ({"amount_below": {"usd": 49001}}, "the amount is below 490.01 USD"),
        ({"mrr_at_least": {"usd": 24500}}, "the MRR is at least 245.00 USD"),
        ({"country": ["DE", "PL"]}, "the country is PL"),
        ({"tenure_days_at_least": 365}, "a customer for at least 365 days"),
        (
            {"tenure_days_at_least": 1, "tenure_days_below": 401},
            "a customer for at least 1 and below 401 days",
        ),
        (
            {"payment_method": {"funding": ["debit"], "brand": ["visa"]}},
            "the funding is debit, the brand is visa",
        ),
        ({"payment_method": {"type": ["card"]}}, "the payment method is card"),
        ({"decline_class": ["hard", "soft"]}, "the decline is soft"),
        ({"metadata": {"tier": ["silver"]}}, "metadata tier is silver"),
        ({"plan": ["prod_team"], "country": ["PL"]}, "the plan is prod_team, the country is PL"),
    ],
)
def test_each_condition_holds_and_says_why(when: dict[str, Any], said: str) -> None:
    """A condition that holds gives its reason in words; of several, all of them."""
    assert reason(When.model_validate(when), FACTS) == said


@pytest.mark.parametrize(
    "when",
    [
        {"plan": ["price_x"]},
        {"amount_at_least": {"usd": 49001}},
        {"amount_at_least": {"eur": 1}},
        {"amount_below": {"usd": 49000}},
        {"amount_below": {"eur": 99999}},
        {"mrr_at_least": {"usd": 24501}},
        {"mrr_at_least": {"eur": 1}},
        {"country": ["DE"]},
        {"tenure_days_at_least": 401},
        {"tenure_days_below": 400},
        {"payment_method": {"type": ["card"], "funding": ["credit"]}},
        {"decline_class": ["hard"]},
        {"metadata": {"tier": ["bronze"]}},
        {"metadata": {"tier": ["gold"], "region": ["eu"]}},
        {"plan": ["prod_team"], "country": ["DE"]},
    ],
)
def test_one_condition_that_fails_is_enough(when: dict[str, Any]) -> None:
    """Conditions hold together or not at all; another currency or a missing key never matches."""
    assert reason(When.model_validate(when), FACTS) is None


_CONDITIONS: list[dict[str, Any]] = [
    {"plan": ("price_pro",)},
    {"amount_at_least": {"usd": 1}},
    {"mrr_at_least": {"usd": 1}},
    {"country": ("PL",)},
    {"tenure_days_at_least": 1},
    {"payment_method": MethodIs(type=("card",))},
    {"decline_class": (DeclineClass.SOFT,)},
    {"metadata": {"tier": ("gold",)}},
]


@given(st.lists(st.sampled_from(_CONDITIONS), min_size=1, max_size=8))
def test_nothing_known_matches_nothing_but_the_amount(conditions: list[dict[str, Any]]) -> None:
    """What is not known holds for no condition, so nobody falls into a segment by a gap in Stripe's data."""
    asked = {key: value for condition in conditions for key, value in condition.items()}
    unknown = Facts(amount=FACTS.amount)
    assert reason(When(**asked), FACTS)
    assert (reason(When(**asked), unknown) is not None) == (set(asked) == {"amount_at_least"})


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ({}, "at least one condition"),
        ({"payment_method": {}}, "at least one of type, funding and brand"),
        ({"tenure_days_at_least": 9, "tenure_days_below": 9}, "no tenure is at least 9 and below 9"),
        (
            {"amount_at_least": {"usd": 9}, "amount_below": {"usd": 9}},
            "no amount is at least 9 and below 9 usd",
        ),
        ({"country": [False]}, "Norway is written 'NO'"),
        ({"country": ["Poland"]}, "match pattern"),
        ({"decline_class": ["sad"]}, "hard"),
        ({"amount_at_least": {"usd": 49.5}}, "valid integer"),
        ({"colour": ["red"]}, "Extra inputs"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(when: dict[str, Any], sentence: str) -> None:
    """A condition that could never hold, or is none, is a mistake of the file."""
    with pytest.raises(ValidationError, match=sentence):
        When.model_validate(when)


VIP = Campaign(name="vip", when=When(mrr_at_least={"usd": 20000}), grace_days=20)
POLES = Campaign(name="poles", when=When(country=("PL",)), grace_days=10)
REST = Campaign(name="rest")


def test_the_first_campaign_whose_conditions_hold_is_taken() -> None:
    """The order of the file decides, the reason is kept, and the case does not carry the conditions."""
    policy = Policy(version=1, campaigns=(VIP, POLES, REST))
    vip = policy.campaign_for(FACTS)
    assert (vip.campaign.name, vip.because) == ("vip", "the MRR is at least 200.00 USD")
    assert vip.campaign.when is None
    poor = FACTS.model_copy(update={"mrr": None})
    assert policy.campaign_for(poor).campaign.name == "poles"
    stranger = policy.campaign_for(Facts(amount=FACTS.amount))
    assert (stranger.campaign.name, stranger.because) == ("rest", "no other campaign's conditions hold")


def test_only_the_metadata_that_the_policy_names_is_read() -> None:
    """The keys of campaigns and priorities, and no others."""
    tiers, regions = When(metadata={"tier": ("gold",)}), When(metadata={"region": ("eu",)})
    policy = Policy(
        version=1,
        campaigns=(Campaign(name="gold", when=tiers), REST),
        priority=(PriorityRule(when=regions, add=5),),
    )
    assert policy.metadata_keys == {"tier", "region"}
    assert Policy(version=1).metadata_keys == frozenset()


def test_a_score_names_what_it_is_made_of() -> None:
    """Each rule that holds adds its points and its reason; the others say nothing."""
    rules = (
        PriorityRule(when=When(mrr_at_least={"usd": 20000}), add=40, because="a large account"),
        PriorityRule(when=When(country=("DE",)), add=30),
        PriorityRule(when=When(decline_class=(DeclineClass.SOFT,)), add=-10),
    )
    score = priority(rules, FACTS)
    assert score.score == 30
    assert score.because == ("+40 a large account", "-10 the decline is soft")


@given(st.lists(st.integers(-100, 100), max_size=20))
def test_a_score_stays_between_0_and_100(points: list[int]) -> None:
    """However many rules hold, the score is a number from 0 to 100, the same for the same facts."""
    rules = [PriorityRule(when=When(country=("PL",)), add=add) for add in points]
    assert priority(rules, FACTS).score == min(max(sum(points), 0), 100)
