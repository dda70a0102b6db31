"""Scenario files are read strictly: each mistake is one sentence with the file, the line and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from recoup.errors import ConfigurationError
from recoup.rehearsal.scenario import find, load_scenario, shipped

TEXT = shipped()["important-account"].read_text()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("attempts", "attempts", None),
        ("operators:", "operator:", "line 26: operator: unknown key 'operator'; did you mean 'operators'?"),
        ("says: approve", "says: agree", "line 28: operators[1].says: expected 'approve'"),
        ("says: approve,", "says: extend-grace,", "line 28: operators[1]: extend-grace needs days"),
        ("pays_with: limit", "pays_with: limits", "no card or debit is called 'limits'; did you mean 'limit'?"),
        ("expects: lost_suspended", "expects: lost_forever", "lost_forever is no outcome; there are recovered_by_retry"),
        ("add: 60", "add: 600", "line 33: policy.priority[0].add: must be 100 at most"),
        ("decide_after_days: 5", "decide_after: 5", "line 36: policy.campaigns[0].approval.decide_after_days is missing"),
        ("zone: Europe/London\n", "zone: Europe/Londn\n", "'Europe/Londn' is no IANA time zone"),
        ("version: 1\nname", "version: 1\nversion: 1\nname", "line 2: the key 'version' stands there twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_place(
    tmp_path: Path, right: str, wrong: str, said: str | None
) -> None:
    """The sentence names the file, the line and the key, and what belongs there."""
    file = tmp_path / "mine.yaml"
    file.write_text(TEXT.replace(right, wrong, 1))
    if said is None:
        load_scenario(file)
        return
    with pytest.raises(ConfigurationError) as refused:
        load_scenario(file)
    sentence = str(refused.value)
    assert sentence.startswith(f"{file}, line ")
    assert said in sentence
    assert "\n" not in sentence


def test_a_renewal_names_a_card_and_a_customer(tmp_path: Path) -> None:
    """What a network renews must be there."""
    text = shipped()["renewed-by-the-network"].read_text()
    file = tmp_path / "mine.yaml"
    for right, wrong, said in (
        (
            "with: renewed}",
            "with: renewd}",
            "networks[0].with: no card is called 'renewd'; did you mean 'renewed'?",
        ),
        ("customer: ruth", "customer: rut", "networks[0].customer: no customer is called 'rut'"),
        ("    pays_with: old\n", "", "networks[0].customer: ruth has no card: name one in pays_with"),
    ):
        file.write_text(text.replace(right, wrong))
        with pytest.raises(ConfigurationError, match=r"mine\.yaml, line \d+: ") as refused:
            load_scenario(file)
        assert said in str(refused.value)


def test_a_file_that_is_not_there_is_said() -> None:
    """A path is taken as a path, anything else as the name of a shipped scenario."""
    with pytest.raises(ConfigurationError, match="there is no such scenario file"):
        load_scenario(find("nowhere.yaml"))
    with pytest.raises(ConfigurationError, match=r"No scenario is called nowhere: .* payday, .*--list"):
        find("nowhere")
