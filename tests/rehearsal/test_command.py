"""``recoup rehearse`` as a command: the policy first, the code, the text, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.process import EXIT_INTERRUPTED
from recoup.rehearsal import run
from recoup.rehearsal.scenario import shipped
from tests.demo.processes import MARK, left_after
from tests.fixtures.sandbox import ROOT
from tests.rehearsal.conftest import Rehearse, subjects, told_of

COMMAND = """
import sys
from pathlib import Path
from recoup.rehearsal import run
from recoup.cli import main
run.MEMORY = Path(sys.argv.pop(1))
if __name__ == "__main__":
    main()
"""
"""The command, with its directory where the test finds it."""
GONE_SECONDS = 20.0


def _rehearse(*options: str) -> Result:
    done = CliRunner().invoke(cli, ["rehearse", *options], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


def test_the_list_names_every_scenario() -> None:
    """Each shipped scenario with its title, also for programs."""
    done = _rehearse("--list")
    assert [line.split()[0] for line in done.output.splitlines()] == list(shipped())
    assert len(shipped()) >= 12
    told = json.loads(_rehearse("--list", "--json").output)["scenarios"]
    assert [each["scenario"] for each in told] == list(shipped())


def test_a_wrong_policy_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    """One sentence with the line, whatever is wrong with the scenario."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ncampaigns:\n  - name: everybody\n    grace_day: 3\n")
    with pytest.raises(ConfigurationError, match=r"policy\.yaml, line 4: .* did you mean grace_days\?$"):
        _rehearse("--policy", str(policy), "--scenario", "nowhere.yaml")


def test_nothing_to_play_is_refused() -> None:
    """Without a scenario the sentence says how to name one."""
    with pytest.raises(ConfigurationError, match="--scenario, or take --all"):
        _rehearse()


def test_all_are_played_one_after_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is shipped is told in its order, with a line that counts; nothing is written but in a place that is gone."""
    two = {name: shipped()[name] for name in ("renewed-by-the-network", "three-d-secure")}
    monkeypatch.setattr(run, "shipped", lambda: two)
    monkeypatch.setattr(run, "MEMORY", tmp_path / "memory")
    (tmp_path / "memory").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = _rehearse("--all", "--brief")
    assert done.return_value == 0
    assert "2 of 2 scenarios ended as expected" in done.output
    assert done.output.index("(renewed-by-the-network)") < done.output.index("(three-d-secure)")
    assert "│" not in done.output, "messages are told by their subjects alone"
    assert list(tmp_path.glob("*/*")) == []


def test_an_end_that_was_not_expected_makes_the_code_1(tmp_path: Path) -> None:
    """The text says what was expected and what it is."""
    file = tmp_path / "mine.yaml"
    text = shipped()["three-d-secure"].read_text()
    file.write_text(text.replace("recovered_by_customer", "lost_suspended") + "messages_at_most: 1\n")
    done = _rehearse("--scenario", str(file))
    assert done.return_value == 1
    assert (
        "NOT AS EXPECTED: Team plan: lost_suspended was expected, and it is recovered_by_customer"
        in done.output
    )
    assert "NOT AS EXPECTED: at most 1 messages were expected, and there were 2" in done.output
    assert "│ https://your-host/u/…" in done.output, "the text of a message, without the secret of its link"


def test_the_operators_own_policy_is_what_is_played(rehearsed: Rehearse, tmp_path: Path) -> None:
    """Other days, no reminder, another end: the policy decides, and not the scenario's own."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\ncontact: {gather_minutes: 0}\ncampaigns:\n"
        "  - {name: everybody, messages: [{template: payment_failed, after_days: 0}],"
        " retries: {after_days: [2]}, window_days: 4, grace_days: 1, warning: {days_before: 2}}\n"
    )
    code, story = rehearsed("never-reacts", policy)
    assert code == 0
    assert [line["day"] for line in story["timeline"] if line["kind"] == "attempt"] == [2]
    assert told_of(story, "access") == ["suspended"], "the scenario's own policy would restrict first"
    assert len(subjects(story)) == 3
    assert story["timeline"][-1]["day"] == 5


def test_a_case_that_waits_for_a_person_for_ever_is_told_as_open(rehearsed: Rehearse, tmp_path: Path) -> None:
    """Handed over, and nobody comes: the rehearsal ends all the same, and says what the case waits for."""
    file = tmp_path / "mine.yaml"
    handed = "operators:\n  - {at: {days: 2}, says: hand-over, operator: olga, reason: an old friend}\n"
    file.write_text(shipped()["never-reacts"].read_text() + handed)
    code, story = rehearsed(file)
    assert (code, story["cases"][0]["outcome"]) == (1, "open")
    assert story["timeline"][-1]["day"] == 2
    assert "olga" in story["cases"][0]["because"]


def test_an_operators_word_that_is_refused_is_told_with_the_reason(
    rehearsed: Rehearse, tmp_path: Path
) -> None:
    """Nobody was asked, so nothing can be approved, and what is over cannot be stopped: the lines say so."""
    file = tmp_path / "mine.yaml"
    approves = (
        "operators:\n  - {at: {days: 1.5}, says: approve, reason: too early}\n"
        "  - {at: {days: 5}, says: stop, reason: too late}\n"
    )
    file.write_text(
        shipped()["three-d-secure"]
        .read_text()
        .replace("follows_link_after: {days: 1}", "follows_link_after: {days: 2}")
        + approves
    )
    code, story = rehearsed(file)
    assert code == 0
    early, late = [line["because"] for line in story["timeline"] if line["kind"] == "operator"]
    assert early.startswith("too early; refused: ")
    assert late == "too late; but no case is open any more"


def test_a_customer_who_finds_no_way_is_told(rehearsed: Rehearse, tmp_path: Path) -> None:
    """A page that offers no promise leaves the customer stuck, which the scenario did not expect."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ncustomer_page: {promise_days: 0}\n")
    code, story = rehearsed("promise-kept", policy)
    assert code == 1
    assert "sean wanted to promise to pay, but the update page has no way to promise" in story["problems"]


@pytest.mark.stack
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_rehearsal_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and the word to stop take every process and every file along."""
    place, mark = tmp_path / "memory", uuid.uuid4().hex
    place.mkdir()
    with (tmp_path / "said").open("w") as said:
        command = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(place), "rehearse", "--all"],
            cwd=tmp_path,
            env={**os.environ, MARK: mark, "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 60
    while not list(place.glob("*/*/recoup.db")):
        assert command.poll() is None, (tmp_path / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # At a terminal Ctrl-C reaches every process of the group.
    os.killpg(command.pid, number) if number is signal.SIGINT else command.send_signal(number)
    assert command.wait(60) == EXIT_INTERRUPTED
    assert left_after(mark, GONE_SECONDS) == []
    assert list(place.iterdir()) == []
    assert (tmp_path / "said").read_text().count("Traceback") == 0
