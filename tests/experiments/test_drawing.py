"""Chance: sticky, of the announced share, independent between experiments, and written down for every case that it touches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recoup.errors import ConfigurationError
from recoup.experiments import found, results
from recoup.ledger import Ledger
from recoup.policy.file import load_policy
from recoup.rules.case import Outcome
from recoup.rules.experiments import Arm, assign
from recoup.rules.money import Money
from recoup.rules.policy import Policy, RetryMode
from recoup.rules.segments import Facts
from tests.ledger.builders import a_case

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOLDOUT = """
version: 1
experiments:
  - name: holdout
    campaign: everybody
    share: 0.5
    instead: {name: stripe-alone, retries: {mode: observe}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """A holdout that leaves half of the customers to Stripe's own retries."""
    file = tmp_path / "policy.yaml"
    file.write_text(HOLDOUT)
    return load_policy(file).policy


def test_chance_is_sticky_and_of_its_share() -> None:
    """The same customer gets the same arm for ever; of 20,000 a tenth is treated; another experiment draws anew."""
    names = [f"cus_{number}" for number in range(20_000)]
    first = [assign("one", 0.1, name) for name in names]
    assert first == [assign("one", 0.1, name) for name in names]
    treated = [each.arm is Arm.TREATMENT for each in first]
    assert 0.094 < sum(treated) / len(treated) < 0.106
    other = [assign("two", 0.5, name).arm is Arm.TREATMENT for name in names]
    both = sum(one and two for one, two in zip(treated, other, strict=True))
    assert 0.45 < both / sum(treated) < 0.55
    assert {each.propensity for each in first} == {0.1, 0.9}


def test_a_larger_share_keeps_those_who_were_treated() -> None:
    """Whoever was treated at a tenth is treated at a half too."""
    names = [f"cus_{number}" for number in range(2_000)]
    few = {name for name in names if assign("one", 0.1, name).arm is Arm.TREATMENT}
    many = {name for name in names if assign("one", 0.5, name).arm is Arm.TREATMENT}
    assert few < many


def test_the_arm_decides_the_campaign(policy: Policy) -> None:
    """The treated get the other campaign, whole; the reason names chance; who is asked about without a customer gets none of it."""
    facts = Facts(amount=Money(amount=4900, currency="eur"))
    chosen = [policy.campaign_for(facts, f"cus_{number}") for number in range(200)]
    for choice in chosen:
        assert choice.assigned is not None
        treated = choice.assigned.arm is Arm.TREATMENT
        assert choice.campaign.name == ("stripe-alone" if treated else "everybody")
        assert (choice.campaign.retries.mode is RetryMode.OBSERVE) == treated
        assert f"the experiment holdout drew {choice.assigned.arm}" in choice.because
    assert len({choice.campaign.name for choice in chosen}) == 2
    assert policy.campaign_for(facts).assigned is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("campaign: everybody|campaign: nobody", "there is no campaign nobody"),
        ("instead: {|instead: {when: {country: [PL]}, ", "it has no conditions"),
        ("name: stripe-alone|name: everybody", "two campaigns are called everybody"),
        (
            "mode: observe|after_days: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14.5]",
            "day 14.5 lies after",
        ),
        ("share: 0.5|share: 1", "share"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(tmp_path: Path, change: str, sentence: str) -> None:
    """With the line and the reason."""
    file = tmp_path / "policy.yaml"
    before, _, after = change.partition("|")
    file.write_text(HOLDOUT.replace(before, after))
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        load_policy(file)
    assert ", line " in str(raised.value)


def test_two_experiments_do_not_look_at_one_campaign(tmp_path: Path) -> None:
    """One at a time, and each under a name of its own."""
    file = tmp_path / "policy.yaml"
    second = HOLDOUT.partition("experiments:\n")[2].replace("stripe-alone", "other")
    file.write_text(HOLDOUT + second)
    with pytest.raises(ConfigurationError, match="two experiments are called holdout"):
        load_policy(file)
    file.write_text(HOLDOUT + second.replace("name: holdout", "name: again"))
    with pytest.raises(ConfigurationError, match="holdout looks at everybody already"):
        load_policy(file)


def test_a_customers_first_case_counts_and_its_return_with_it(ledger: Ledger, policy: Policy) -> None:
    """A second case changes nothing; a return that recovers within the time counts as recovered."""
    experiment = found(policy, "holdout")
    for id_, failed in (("in_1", NOW), ("in_2", NOW + timedelta(days=1))):
        ledger.cases.open(a_case(id_, customer="cus_1", failed_at=failed), failed)
        ledger.assignments.note(assign("holdout", 0.5, "cus_1"), "cus_1", id_, failed)
    (row,) = ledger.assignments.of_experiment("holdout")
    assert (row.case_id, row.recovered_at) == ("in_1", None)
    ledger.cases.close("in_1", Outcome.LOST_SUSPENDED, "nothing was paid", NOW + timedelta(days=21))
    back = NOW + timedelta(days=25)
    ledger.cases.open(a_case("in_1/r2", customer="cus_1", failed_at=NOW), back)
    ledger.cases.close("in_1/r2", Outcome.RECOVERED_BY_CARD_UPDATE, "a new card", back)
    (row,) = ledger.assignments.of_experiment("holdout")
    assert row.recovered_at == back
    judged = results(ledger, experiment, NOW + timedelta(days=60))
    assert judged.control.drawn + judged.treatment.drawn == 1
    assert judged.missing == sum(experiment.needed.values()) - 1
