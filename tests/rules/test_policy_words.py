"""Policies in words and as a schema: nothing that a file can say goes unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.policy.schema import policy_schema
from recoup.policy.words import differences, policy_differences, policy_in_words
from recoup.rules.policy import Campaign, Experiment, Policy
from tests.house.test_docs import keys_of

_OTHER: dict[str, Any] = {
    "name": "other",
    "when": {"country": ["PL"]},
    "messages": [{"template": "payment_failed", "after_days": 1}],
    "retries": {"after_days": [2]},
    "window_days": 13,
    "warning": {"days_before": 4},
    "grace_days": 8,
    "restrict_after_days": 19,
    "ending": "cancel",
    "cancel_after_days": 30,
    "approval": {"decide_after_days": 3},
    "link_valid_days": 44,
}


@pytest.mark.parametrize("key", sorted(set(Campaign.model_fields) - {"name"}))
def test_every_change_of_a_campaign_is_said(key: str) -> None:
    """Whatever key of a campaign changes, the difference says so in words with both values."""
    assert key in _OTHER, f"give {key} another value here"
    said = differences(Campaign(), Campaign.model_validate({key: _OTHER[key]}))
    assert said
    assert all(" → " in line for line in said)


_GENERAL: dict[str, Any] = {
    "campaigns": [{"name": "other"}],
    "priority": [{"when": {"country": ["PL"]}, "add": 5}],
    "raced_payments": "flag",
    "network_cap": 10,
    "contact.gather_minutes": 5,
    "contact.budget": None,
    "contact.budget.messages": 3,
    "contact.budget.days": 8,
    "contact.quiet_hours": None,
    "contact.quiet_hours.begin": "20:00",
    "contact.quiet_hours.end": "09:00",
    "contact.working_days_only": True,
    "contact.others.metadata": ["billing_email"],
    "contact.others.copied": [],
    "contact.sms.templates": ["last_notice"],
    "contact.default_timezone": "Europe/Warsaw",
    "contact.default_country": "PL",
    "customer_page.promise_days": 3,
    "customer_page.smaller_plans": {"price_big": ["price_small"]},
    "customer_page.pause_days": [30],
    "customer_page.cancel": "period_end",
    "expiring_cards.remind_days_before": [7],
    "expiring_cards.link_valid_days": 9,
}


@pytest.mark.parametrize(
    "key",
    [
        key
        for key in keys_of(Policy)
        if not key.startswith(("version", "campaigns.", "experiments.", "priority."))
    ],
)
def test_every_change_of_the_rest_is_said_in_words(key: str) -> None:
    """Whatever else of a policy changes, the difference says so in one line with both values, and never as the file writes it."""
    assert key in _GENERAL, f"give {key} another value here"
    changed: Any = _GENERAL[key]
    for name in reversed(key.split(".")):
        changed = {name: changed}
    (said,) = policy_differences(Policy(version=1), Policy.model_validate({"version": 1, **changed}))
    assert " → " in said
    assert "{" not in said


_EXPERIMENT: dict[str, Any] = {"name": "holdout", "campaign": "everybody", "instead": {"name": "alone"}}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("campaign", "others"),
        ("share", 0.2),
        ("instead", {"name": "alone", "grace_days": 9}),
        ("within_days", 20),
        ("assumed_rate", 0.7),
        ("least_difference", 0.1),
    ],
)
def test_every_change_of_an_experiment_is_said(key: str, value: Any) -> None:
    """Whatever key changes is said with its old and its new meaning; a new and a gone experiment are named."""
    assert {key for key in Experiment.model_fields if key != "name"} >= {key}
    without = Policy(version=1)
    old = Policy.model_validate({"version": 1, "experiments": [_EXPERIMENT]})
    new = Policy.model_validate({"version": 1, "experiments": [_EXPERIMENT | {key: value}]})
    said = policy_differences(old, new)
    assert said
    assert all(line.startswith("Experiment holdout: ") and " → " in line for line in said)
    assert policy_differences(without, old)[0].startswith("Experiment holdout is new: ")
    assert policy_differences(old, without) == ["Experiment holdout is gone"]


def test_equal_campaigns_have_no_difference() -> None:
    """The same meaning leaves nothing to say."""
    assert differences(Campaign(), Campaign(grace_days=7.0)) == []
    assert policy_differences(Policy(version=1), Policy(version=1)) == []


def test_a_difference_of_policies_names_each_campaign() -> None:
    """New ones, those that are gone, those that changed, another order, and what holds in general."""
    poles = {"name": "poles", "when": {"country": ["PL"]}}
    danes = {"name": "danes", "when": {"country": ["DK"]}}
    rest, gone = {"name": "rest"}, {"name": "gone", "when": {"country": ["SE"]}}
    old = Policy.model_validate({"version": 1, "campaigns": [poles, danes, gone, rest]})
    changed = {"name": "rest", "grace_days": 9}
    new = Policy.model_validate(
        {
            "version": 1,
            "network_cap": 10,
            "priority": [{"when": {"country": ["PL"]}, "add": 5}],
            "campaigns": [danes, poles, {"name": "vip", "when": {"metadata": {"tier": ["a"]}}}, changed],
        }
    )
    lines = policy_differences(old, new)
    for line in (
        "on one card in 30 days: 15 attempts at most → 10 attempts at most",
        "priority: – → +5 where country PL",
        "campaigns are asked in another order: danes, poles, vip, rest",
        "Campaign vip is new",
        "  for: metadata tier a",
        "Campaign rest",
        "  suspension: on day 21; the subscription is then: pause → on day 23; the subscription is then: pause",
        "Campaign gone is gone",
    ):
        assert line in lines
    assert "Campaign danes" not in lines


def test_a_policy_is_said_whole() -> None:
    """Approval, stages and conditions of each campaign stand in its words."""
    approval = {
        "from_priority": 60, "remind_after_days": 1, "escalate_after_days": 2, "decide_after_days": 4, "default": "wait",
        "people": {"approvers": ["anna"], "escalate_to": ["boss"]},
    }  # fmt: skip
    campaign = {"restrict_after_days": 19, "cancel_after_days": 30, "approval": approval}
    said = "\n".join(policy_in_words(Policy.model_validate({"version": 1, "campaigns": [campaign]})))
    assert (
        "from priority 60 on anna approves the suspension, reminded after 1 days, boss after 2 days" in said
    )
    assert "wait after 4 days, 3 times, then suspend" in said
    assert "access restricted: on day 19" in said
    assert "cancelled at last: 30 days after the suspension" in said


def test_the_schema_knows_and_explains_every_key() -> None:
    """An editor finds every key, refuses others, and shows what each means."""
    schema = policy_schema()
    places = {"": schema, **schema["$defs"]}
    keys = {
        (name, key): said
        for name, place in places.items()
        for key, said in place.get("properties", {}).items()
    }
    assert {key for _, key in keys} == {part for key in keys_of(Policy) for part in key.split(".")}
    assert all(
        place.get("additionalProperties") is False for place in places.values() if "properties" in place
    )
    assert [place for place, said in keys.items() if not said.get("description")] == []
    assert keys["Campaign", "grace_days"]["description"].startswith("How much longer")
    assert keys["ContactPolicy", "default_country"]["description"].startswith("Whose holidays count")


@pytest.mark.parametrize(
    ("retries", "words"),
    [
        ({"model": "shadow"}, "with a learned model beside it that decides nothing"),
        ({"model": "promoted"}, "with the learned model"),
        ({"explore": 0.1}, "10% of the moments drawn among near-ties"),
    ],
)
def test_who_chooses_the_moments_is_said(retries: dict[str, Any], words: str) -> None:
    """A learned model in a planned campaign, and what is left to chance, stand in the words about its retries."""
    planned = Campaign.model_validate({"retries": {"timing": "planned"}})
    other = Campaign.model_validate({"retries": {"timing": "planned", **retries}})
    (said,) = differences(planned, other)
    assert words in said.split(" → ")[1]
    assert words not in said.split(" → ")[0]
