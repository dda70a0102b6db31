"""A new case gets the campaign and the priority that Stripe's own data call for, and the ledger keeps why."""

from __future__ import annotations

from recoup.billing.facts import facts_of
from recoup.billing.invoices import read_invoice_object
from recoup.policy.file import LoadedPolicy
from recoup.rules.money import Money
from recoup.rules.policy import Campaign, Policy
from recoup.rules.priority import PriorityRule
from recoup.rules.segments import When
from tests.activities.conftest import Desk

GOLD = When(metadata={"tier": ("gold",)})
POLICY = Policy(
    version=1,
    campaigns=(
        Campaign(name="gold", when=GOLD, grace_days=20),
        Campaign(name="large", when=When(mrr_at_least={"usd": 4900})),
        Campaign(name="rest"),
    ),
    priority=(
        PriorityRule(when=GOLD, add=70, because="gold"),
        PriorityRule(when=When(country=("PL",)), add=5),
    ),
)


def _with_policy(desk: Desk) -> Desk:
    desk.payments.policy = LoadedPolicy(policy=POLICY, version="v1")
    return desk


def test_the_campaign_follows_what_stripe_knows(desk: Desk) -> None:
    """Metadata of the customer, and the monthly price in the currency of the conditions, lead to three different campaigns."""
    _with_policy(desk)
    customer = desk.customers["empty"]["customer"]
    large = desk.take_up("short")
    desk.stripe.v1.customers.update(customer, {"metadata": {"tier": "gold", "note": "a private remark"}})
    gold = desk.take_up("empty")
    assert (large.campaign.name, large.priority) == ("large", 0)
    assert (gold.campaign.name, gold.campaign.grace_days) == ("gold", 20)
    assert (gold.priority, gold.priority_because) == (70, ("+70 gold",))
    row = desk.ledger.cases.get(gold.id)
    assert row is not None
    assert (row.campaign, row.priority) == ("gold", 70)


def test_the_choice_is_kept_with_its_reason(desk: Desk) -> None:
    """The ledger says once why a case got its campaign, and holds no metadata that the policy does not name."""
    _with_policy(desk)
    desk.stripe.v1.customers.update(
        desk.customers["empty"]["customer"], {"metadata": {"tier": "gold", "note": "a private remark"}}
    )
    case = desk.take_up("empty")
    desk.take_up("empty")
    kept = [event for event in desk.ledger.events.of_case(case.id) if event.kind == "campaign_chosen"]
    assert [event.data["because"] for event in kept] == ["metadata tier is gold"]
    assert kept[0].data["priority_because"] == ["+70 gold"]
    assert "private" not in str([event.data for event in desk.ledger.events.of_case(case.id)])


def test_a_case_begun_anew_keeps_its_campaign_and_priority(desk: Desk) -> None:
    """What the customer is by now changes nothing for a case that is open already."""
    _with_policy(desk)
    before = desk.take_up("empty")
    desk.stripe.v1.customers.update(desk.customers["empty"]["customer"], {"metadata": {"tier": "gold"}})
    after = desk.take_up("empty")
    assert (after.campaign.name, after.priority) == (before.campaign.name, before.priority) == ("rest", 0)


def test_facts_are_read_from_stripes_own_shapes(desk: Desk) -> None:
    """Prices, products, the monthly amount, the method and the age of the subscription, from one reading of the invoice."""
    data = read_invoice_object(desk.stripe, desk.invoice("short"))
    subscription = data["parent"]["subscription_details"]["subscription"]
    item = subscription["items"]["data"][0]
    item["quantity"] = 3
    item["price"]["recurring"] = {"interval": "year", "interval_count": 1}
    facts = facts_of(data, (), None, desk.clock.now())
    assert facts.plans == (item["price"]["id"], item["price"]["product"])
    assert facts.mrr == Money(amount=round(3 * 4900 / 12), currency="usd")
    assert (facts.method_type, facts.brand, facts.tenure_days) == ("card", "visa", 0)
    assert facts.country == data["customer"]["invoice_settings"]["default_payment_method"]["card"]["country"]
    assert facts.metadata == {}
