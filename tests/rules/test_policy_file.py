"""The policy file: what it says is what a case gets, and each mistake has one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from recoup.errors import ConfigurationError
from recoup.policy.file import load_policy
from recoup.rules.policy import Campaign, Policy

SHIPPED = Path(__file__).parents[2] / "policy.yaml"


def test_the_shipped_policy_is_the_default_one() -> None:
    """What ``policy.yaml`` says is what the code would do without it, so that neither can drift."""
    assert load_policy(SHIPPED).policy == Policy(version=1, campaigns=(Campaign(),))


def test_the_version_follows_the_meaning_not_the_spelling(tmp_path: Path) -> None:
    """Comments and spacing do not change a policy's version; a changed duration does."""
    text = SHIPPED.read_text()
    (tmp_path / "a.yaml").write_text(text + "\n# a remark\n")
    (tmp_path / "b.yaml").write_text(text.replace("grace_days: 7", "grace_days: 8"))
    versions = [load_policy(path).version for path in (SHIPPED, tmp_path / "a.yaml", tmp_path / "b.yaml")]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must hold keys and values"),
        ("version: [1", "is not YAML"),
        ("version: 2\ncampaigns: []", "version"),
        ("version: 1\nversion: 1", "the key version is given twice (line 2, column 1)"),
        (
            "version: 1\n? [a, b]\n: 1",
            "the key ['a', 'b'] is no text; put it in quotes if it is meant (line 2, column 3)",
        ),
        ("version: 1\nnull: 1", "the key None is no text"),
        (
            "version: 1\ncampaigns: [{window_days: 1000}]",
            "line 2: campaigns[0].window_days: must be 365 at most",
        ),
        (
            "version: 1\ncampaigns: [{warning: soon}]",
            "line 2: campaigns[0].warning: must hold keys and values",
        ),
        ("version: 1\ncampaigns: 3", "line 2: campaigns: must be a list"),
        ("version: 1\ncampaigns: [{retries: {mode: both}}]", "must be own, weave or observe"),
        (
            "version: 1\ncampaigns: [{name: Big One}]",
            "campaigns[0].name: must be a name of up to 40 small letters",
        ),
        (
            'version: 1\ncontact: {quiet_hours: {begin: "21:00", end: "24:00"}}',
            'line 2: contact.quiet_hours.end: must be a time of day from "00:00" to "23:59"',
        ),
        (
            "version: 1\ncontact:\n  default_country: XX",
            "line 3: contact.default_country: there is no country XX",
        ),
        (
            "version: 1\ncontact: {default_country: UK}",
            "there is no country UK; countries are written as ISO 3166",
        ),
        (
            "version: 1\ncontact:\n  default_timezone: Europe/Warszawa",
            "line 3: contact.default_timezone: there is no time zone 'Europe/Warszawa'",
        ),
        ("version: 1\ncontact: {default_timezone: localtime}", "there is no time zone 'localtime'"),
        ("version: 1\ncontact: {default_timezone: right/Europe/Warsaw}", "there is no time zone 'right/"),
        (
            "version: 1\ncampaigns:\n- name: a\n  when:\n    country: [PL, XX]\n- name: b",
            "line 5: campaigns[0].when.country[1]: there is no country XX",
        ),
        (
            "version: 1\npriority:\n- add: 5\n  when: {country: [XX]}",
            "line 4: priority[0].when.country[0]: there is no country XX",
        ),
        (
            "version: 1\ncampaigns:\n- name: a\n  window_days: 14\n  retries:\n    after_days:\n    - 1\n    - 99",
            "line 8: campaigns[0].retries.after_days[1]: day 99 lies after window_days (14)",
        ),
        (
            "version: 1\ncampaigns:\n- name: a\n  window_days: 9",
            "line 4: campaigns[0].window_days: day 10 lies after window_days (9)",
        ),
        (
            "version: 1\ncampaigns:\n- messages:\n  - {template: payment_failed, after_days: 4}\n  - {template: reminder, after_days: 2}",
            "line 5: campaigns[0].messages[1].after_days: messages must be in the order",
        ),
        (
            "version: 1\ncampaigns:\n- name: a\n  grace_days: 0\n  warning:\n    days_before: 15",
            "line 6: campaigns[0].warning.days_before: warning.days_before (15) must be less",
        ),
        (
            "version: 1\ncampaigns:\n- name: a\n  ending: cancel\n  cancel_after_days: 30",
            "line 5: campaigns[0].cancel_after_days: cancel_after_days cancels what was paused",
        ),
        (
            "version: 1\ncampaigns:\n- name: a\n  when: {country: [PL]}\n- window_days: 14\n  name: a",
            "line 6: campaigns[1].name: two campaigns are called a",
        ),
        (
            'version: 1\ncontact:\n  quiet_hours:\n    begin: "08:00"\n    end: "07:30"',
            "line 5: contact.quiet_hours.end: from 08:00 to 07:30 leaves 30 minutes",
        ),
        (
            "version: 1\ncontact:\n  sms: {template: [reminder]}",
            "line 3: contact.sms.template is not a key of the policy; did you mean templates?",
        ),
        ("version: 1\ncampains: []", "campains is not a key of the policy; did you mean campaigns?"),
        (
            "version: 1\ncampaigns: [{retries: {after_day: [1]}}]",
            "campaigns[0].retries.after_day is not a key of the policy; did you mean after_days?",
        ),
        ("version: 1\ncampaigns: [{retries: {after_days: [3, 1]}}]", "after_days must rise"),
        ("version: 1\ncampaigns: [{retries: {after_days: [99]}}]", "day 99 lies after window_days (14)"),
        ("version: 1\ncampaigns: [{window_days: -1}]", "campaigns[0].window_days"),
        ("version: 1\ncampaigns: [{window_days: .nan}]", "campaigns[0].window_days"),
        ("version: 1\ncampaigns: [{ending: burn}]", "campaigns[0].ending"),
        ("version: 1\ncampaigns: [{messages: []}]", "must begin with a payment_failed message"),
        ("version: 1\nnetwork_cap: 21", "line 2: network_cap: must be 20 at most"),
        ("version: 1\nnetwork_cap: 0", "line 2: network_cap: must be at least 1"),
        ("version: 1\nnetwork_cap: 15.5", "network_cap: must be a whole number"),
        (
            "version: 1\ncampaigns:\n- window_days: 20\n  retries:\n    stripe_distance_hours: 0",
            "line 5: campaigns[0].retries.stripe_distance_hours",
        ),
        ("version: 1\ncampaigns: [{retries: {mode: both}}]", "campaigns[0].retries.mode"),
        (
            "version: 1\ncampaigns:\n- retries:\n    model: shadow",
            "line 4: campaigns[0].retries.model: it chooses moments, and nothing is planned here: set timing to planned",
        ),
        (
            "version: 1\ncampaigns:\n- retries: {timing: planned, mode: observe, explore: 0.1}",
            "campaigns[0].retries.explore: it chooses moments, and with mode observe Recoup makes no scheduled attempts",
        ),
        (
            "version: 1\ncampaigns:\n- retries: {timing: planned, explore: 0.31}",
            "campaigns[0].retries.explore: must be 0.3 at most",
        ),
        ("version: 1\ncampaigns: [{retries: {by: stripe}}]", "retries.by is not a key of the policy"),
        (
            "version: 1\ncampaigns:\n- name: one\n- name: two",
            "line 3: campaigns[0]: nobody reaches the campaigns after one",
        ),
        (
            "version: 1\ncampaigns:\n- name: one\n  when: {country: [PL]}",
            "line 4: campaigns[0].when: the last campaign is for whoever is left",
        ),
        (
            "version: 1\ncampaigns:\n- when: {country: [PL]}\n- window_days: 14",
            "two campaigns are called everybody",
        ),
        (
            "version: 1\ncampaigns:\n- when:\n    county: [PL]\n  name: a\n- name: b",
            "line 4: campaigns[0].when.county is not a key of the policy; did you mean country?",
        ),
        (
            "version: 1\ncampaigns:\n- when:\n    country:\n    - PL\n    - NO\n  name: a\n- name: b",
            "line 6: campaigns[0].when.country[1]: put it in quotes",
        ),
        (
            "version: 1\nnetwork_cap: 4\ncampaigns:\n- retries:\n    mode: own\n    after_days: [1, 3, 7, 12]",
            "line 6: campaigns[0].retries.after_days: 5 attempts within 30 days",
        ),
        (
            "version: 1\nnetwork_cap: 4\ncampaigns:\n- retries:\n    timing: planned",
            "4 retries and the failure before them are more than network_cap (4)",
        ),
        (
            "version: 1\ncampaigns: [{retries: {min_gap_days: 0, after_days: [0, .1, .2, .3, .4, .5, .6, .7, .8, .9]}}]",
            "11 attempts within 24 hours are more than 10, the limit of Mastercard",
        ),
        (
            "version: 1\npriority:\n- add: 200\n  when: {country: [PL]}",
            "line 3: priority[0].add: must be 100 at most",
        ),
        (
            "version: 1\ncampaigns: [{warning: {days_before: 40}}]",
            "must be less than window_days + grace_days",
        ),
    ],
)
def test_each_mistake_has_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    """A broken policy file is refused as a whole, with one line that says what and where."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_policy(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "policy.yaml" in str(refused.value)


def test_a_missing_policy_file_is_named(tmp_path: Path) -> None:
    """A policy file that is not there is a configuration error, not a traceback."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read"):
        load_policy(tmp_path / "nowhere.yaml")
