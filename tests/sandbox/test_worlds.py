"""A world's issuers answer, and its customers are seeded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stripe

from recoup.simulation.cases import Season, draw_cases
from recoup.simulation.cast import world_file
from recoup.simulation.population import load_population
from recoup.worlds import Decline, World, demo_world_path, load_world, read_world
from tests.sandbox.stage import Stage

WORLD = """
version: 1
name: small
start: now
cards:
  twice:
    brand: mastercard
    country: PL
    issuer:
      - declines: {decline_code: insufficient_funds, advice_code: try_again_later, network_decline_code: "51", network_advice_code: "26"}
        for_attempts: 2
      - approves: true
  fresh: {brand: visa, number: "4000990000000004"}
  stubborn: {brand: visa, saving: {decline_code: do_not_honor}}
  asks_once:
    brand: visa
    issuer: [{needs_authentication: true, until_authenticated: true}]
debits:
  bounces:
    settles_after: {days: 2}
    issuer: [{declines: {decline_code: insufficient_funds}, for_attempts: 1}]
customers:
  anna:
    name: Anna
    email: anna@example.com
    locale: pl-PL
    country: PL
    timezone: Europe/Warsaw
    metadata: {tier: gold}
    pays_with: twice
    subscriptions: [{product: Solo, amount: 4900, currency: pln, renews_in: {hours: 1}}]
  ben:
    name: Ben
    email: ben@example.com
    pays_with: bounces
    subscriptions:
      - {product: Team, amount: 9900, currency: eur, renews_in: {hours: 2}}
      - {product: Extra, amount: 900, currency: eur, interval: week, renews_in: {hours: 3}, pays_with: fresh}
"""


@pytest.fixture
def worldly(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox that answers as the small world says."""
    running = Stage(tmp_path, world=read_world(WORLD))
    yield running
    running.close()


def test_seeding_makes_paying_customers(worldly: Stage) -> None:
    """Each customer has an active subscription, its card as default, and a first renewal when the world says."""
    seeded = worldly.control("POST", "seed")
    anna = seeded["customers"]["anna"]
    customer = worldly.api.customers.retrieve(anna["customer"]).to_dict()
    assert (customer["email"], customer["preferred_locales"]) == ("anna@example.com", ["pl-PL"])
    assert (customer["metadata"]["timezone"], customer["metadata"]["tier"]) == ("Europe/Warsaw", "gold")
    assert customer["invoice_settings"]["default_payment_method"] == anna["payment_method"]
    subscription = worldly.api.subscriptions.retrieve(anna["subscriptions"][0])
    assert subscription.status == "active"
    assert subscription["items"].data[0].current_period_end == seeded["start"] + 3600
    assert all(entry["status"] == "paid" for entry in worldly.books().values())
    assert all(entry["successful_charges"] == [] for entry in worldly.books().values())


def test_seeding_twice_makes_nobody_twice(worldly: Stage) -> None:
    """A second seeding answers the same ids and makes nothing."""
    first = worldly.control("POST", "seed")["customers"]
    assert worldly.control("POST", "seed")["customers"] == first
    assert len(worldly.api.customers.list({"limit": 100}).data) == 2


def test_the_worlds_issuer_declines_and_then_approves(worldly: Stage) -> None:
    """The renewal fails with the world's codes, the next attempt too, and the third is approved."""
    anna = worldly.control("POST", "seed")["customers"]["anna"]
    worldly.forward(hours=1)
    invoice = worldly.latest_invoice(anna["subscriptions"][0])
    outcome = worldly.intent(invoice.id)["latest_charge"]["outcome"]
    assert (outcome["network_decline_code"], outcome["network_advice_code"]) == ("51", "26")
    with pytest.raises(stripe.CardError) as caught:
        worldly.api.invoices.pay(invoice.id)
    assert caught.value.error is not None
    assert caught.value.error.network_advice_code == "26"
    assert worldly.api.invoices.pay(invoice.id).status == "paid"


def test_a_debit_of_the_world_bounces_days_later(worldly: Stage) -> None:
    """A debit is processing until the world says, fails once, and goes through the next time."""
    ben = worldly.control("POST", "seed")["customers"]["ben"]
    worldly.forward(hours=4)
    invoice = worldly.latest_invoice(ben["subscriptions"][0])
    assert worldly.intent(invoice.id)["status"] == "processing"
    assert worldly.latest_invoice(ben["subscriptions"][1]).status == "paid"
    worldly.forward(days=2)
    assert worldly.status(ben["subscriptions"][0]) == "past_due"
    worldly.forward(days=4)
    assert worldly.api.invoices.retrieve(invoice.id).status == "paid"


def test_cards_of_the_world_by_token_and_number(worldly: Stage) -> None:
    """A world's card is made from tok_world_… or its number, is one fingerprint, and saving it is its issuer's to refuse."""
    create = worldly.api.payment_methods.create
    by_token = create({"type": "card", "card": {"token": "tok_world_fresh"}}).to_dict()
    by_number = create(
        {"type": "card", "card": {"number": "4000990000000004", "exp_month": 1, "exp_year": 2030, "cvc": "1"}}
    ).to_dict()
    assert by_token["card"]["fingerprint"] == by_number["card"]["fingerprint"]
    stubborn = create({"type": "card", "card": {"token": "tok_world_stubborn"}})
    with pytest.raises(stripe.CardError):
        worldly.api.payment_methods.attach(stubborn.id, {"customer": worldly.customer(None).id})
    with pytest.raises(stripe.InvalidRequestError):
        create({"type": "card", "card": {"token": "tok_world_nobody"}})


def test_history_counts_across_customers(worldly: Stage) -> None:
    """The issuer remembers a card whoever uses it: two declines of one customer let the other's attempt through."""
    subscriptions = []
    for _ in range(2):
        customer = worldly.customer()
        subscriptions.append(worldly.subscription(customer.id))
        token = worldly.api.payment_methods.create({"type": "card", "card": {"token": "tok_world_twice"}})
        worldly.use_card(customer.id, token.id)
    worldly.control("POST", "switches", {"retry_days": []})
    worldly.switch(final_action="past_due")
    worldly.forward(days=32)
    assert {worldly.status(entry.id) for entry in subscriptions} == {"past_due"}
    for entry in subscriptions:
        assert worldly.api.invoices.pay(worldly.latest_invoice(entry.id).id).status == "paid"


def test_the_demo_world_plays(tmp_path: Path) -> None:
    """The world that ships with Recoup is seeded, and every customer's renewal fails once."""
    world = load_world(demo_world_path())
    stage = Stage(tmp_path, world=world)
    stage.switch(retry_days=[30])
    seeded = stage.control("POST", "seed")
    assert seeded["customers"].keys() == world.customers.keys()
    stage.control("POST", "clock", {"to": seeded["start"] + 2 * 86_400})
    for person in seeded["customers"].values():
        assert stage.status(person["subscriptions"][0]) == "past_due"
    stage.close()


DATED = """
version: 1
name: dated
start: START
cards:
  paid_on_friday:
    brand: visa
    issuer:
      - declines: {decline_code: insufficient_funds}
        until_at: END
customers:
  anna:
    name: Anna Nowak
    email: anna@example.com
    pays_with: paid_on_friday
    subscriptions:
      - {product: Team, amount: 4900, currency: pln, renews_in: {hours: 1}}
"""


def dated(starts: datetime) -> World:
    """A world that belongs to its dates."""
    end = starts + timedelta(days=2)
    return read_world(DATED.replace("START", starts.isoformat()).replace("END", end.isoformat()))


def test_a_world_whose_dates_have_passed_is_not_begun(tmp_path: Path) -> None:
    """Customers of a world that keeps to dates are made before it starts and asked for after, and not made once it has begun."""
    stage = Stage(tmp_path / "early", world=dated(datetime.now(UTC) + timedelta(days=1)))
    made = stage.control("POST", "seed")["customers"]
    stage.forward(days=3)
    assert stage.control("POST", "seed")["customers"] == made
    stage.close()
    late = Stage(tmp_path / "late", world=dated(datetime.now(UTC) - timedelta(days=1)))
    told = late.control("POST", "seed")["error"]
    assert "The world 'dated' starts on" in told
    assert "has passed" in told
    assert late.api.customers.list().data == []
    late.close()


def test_customers_of_the_simulator_fail_when_and_as_they_were_drawn(tmp_path: Path) -> None:
    """Each renewal fails at the second of its case with the case's codes, and a later attempt is answered by the case's hour."""
    begins = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    season, population = Season.weeks_from(begins), load_population("reference")
    drawn = draw_cases(population, 12, seed=7, season=season)
    world = read_world(world_file(population, 12, seed=7, window_days=14, season=season))
    stage = Stage(tmp_path, world=world)
    stage.switch(retry_days=[40])
    people = list(stage.control("POST", "seed")["customers"].values())
    stage.control("POST", "clock", {"to": (begins + timedelta(days=28)).timestamp()})
    failed = [stage.latest_invoice(person["subscriptions"][0]) for person in people]
    for case, invoice in enumerate(failed):
        charge = stage.intent(invoice.id)["latest_charge"]
        assert (charge["status"], charge["created"]) == ("failed", int(drawn.failed_at[case].timestamp()))
        assert charge["failure_code"] == code_of(drawn.decline(case, 0).code)
        assert charge["outcome"]["network_decline_code"] == drawn.decline(case, 0).network_decline_code
        assert charge["amount"] == drawn.amount[case]
    after = [(begins + timedelta(days=28, seconds=5) - at).total_seconds() for at in drawn.failed_at]
    for case, invoice in enumerate(failed):
        if drawn.chance[case, drawn.hour(case, after[case])] == 0:
            with pytest.raises(stripe.CardError):
                stage.api.invoices.pay(invoice.id)
            outcome = stage.intent(invoice.id)["latest_charge"]["outcome"]
            assert outcome["network_decline_code"] == drawn.decline(case, after[case]).network_decline_code
    stage.close()


def code_of(decline: str) -> str:
    """The error code that goes with a decline code."""
    return Decline(decline_code=decline).error_code


def test_without_a_world_nobody_is_seeded(stage: Stage) -> None:
    """Seeding without a world says what is missing."""
    assert "--world" in stage.control("POST", "seed")["error"]
