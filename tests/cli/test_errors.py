"""Bad input on the command line: one sentence that says what and where, an exit code, and nothing half-done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Recoup

POLICY = Path(__file__).parents[2] / "policy.yaml"


def test_a_misspelt_setting_is_named(recoup: Recoup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable that is no setting stops every command, with the one that was probably meant."""
    monkeypatch.setenv("RECOUP_STRIPE__APIKEY", "sk_test_1234567890")
    said = recoup("migrate")
    assert said.code == 2
    assert "RECOUP_STRIPE__APIKEY" in said.sentence
    assert "RECOUP_STRIPE__API_KEY" in said.sentence
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_key_in_the_file_is_named(recoup: Recoup, tmp_path: Path) -> None:
    """So does a key of recoup.toml that does not exist."""
    (tmp_path / "recoup.toml").write_text('[temporal]\naddres = "127.0.0.1:7233"\n')
    said = recoup("migrate")
    assert said.code == 2
    assert "temporal.addres" in said.sentence
    assert [path.name for path in tmp_path.iterdir()] == ["recoup.toml"]


def test_a_database_that_does_not_answer(
    recoup: Recoup, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """An unreachable PostgreSQL is named by its place, never with its password."""
    monkeypatch.setenv("RECOUP_DATABASE_URL", f"postgresql://recoup:geheim@127.0.0.1:{free_port}/recoup")
    said = recoup("migrate")
    assert said.code == 2
    assert f"127.0.0.1:{free_port}" in said.sentence
    assert "geheim" not in said.sentence


def test_a_database_that_cannot_be(recoup: Recoup, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of another kind of database says what can be used."""
    monkeypatch.setenv("RECOUP_DATABASE_URL", "mysql://somewhere/recoup")
    said = recoup("migrate")
    assert said.code == 2
    assert "sqlite" in said.sentence


@pytest.mark.parametrize("command", ["bootstrap", "sweep"])
def test_a_temporal_that_does_not_answer(
    recoup: Recoup, monkeypatch: pytest.MonkeyPatch, free_port: int, command: str
) -> None:
    """An unreachable Temporal is named by its address."""
    monkeypatch.setattr("recoup.temporal.connection.CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("RECOUP_TEMPORAL__ADDRESS", f"127.0.0.1:{free_port}")
    said = recoup(command)
    assert said.code == 2
    assert f"127.0.0.1:{free_port}" in said.sentence


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("version: 1\ncampaigns:\n  - {grace_day: 3}\n", "grace_days"),
        ("version: 1\ncampaigns:\n  - {retries: {after_days: [3, 1]}}\n", "after_days"),
        ("version: [", "YAML"),
        ("just words", "version: 1"),
    ],
)
def test_a_policy_that_cannot_be_used(recoup: Recoup, tmp_path: Path, text: str, what: str) -> None:
    """Each mistake in a policy file is said in one sentence with the file's name."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    said = recoup("policy", "check", str(file))
    assert said.code == 2
    assert "mine.yaml" in said.sentence
    assert what in said.sentence


def test_a_policy_that_can_be_used(recoup: Recoup) -> None:
    """The shipped policy is accepted, and what it means is said."""
    said = recoup("policy", "check", str(Path(__file__).parents[2] / "policy.yaml"))
    assert said.code == 0
    assert "can be used" in said.out
    assert "on day 0" in said.out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--world", "none.yaml"), "none.yaml"),
        (("--world", "broken.yaml"), "customerz"),
        (("--policy", "none.yaml"), "none.yaml"),
        (("--json", "nowhere/out.json"), "nowhere"),
        (("--keep", "full"), "full"),
    ],
)
def test_a_demo_that_cannot_begin(
    recoup: Recoup, tmp_path: Path, arguments: tuple[str, ...], what: str
) -> None:
    """A demo with a file that cannot be used starts nothing and writes nothing."""
    (tmp_path / "broken.yaml").write_text("version: 1\nname: broken\ncustomerz: {}\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    before = sorted(tmp_path.rglob("*"))
    said = recoup("demo", "--headless", *arguments)
    assert said.code == 2
    assert what in said.sentence
    assert sorted(tmp_path.rglob("*")) == before


def test_an_option_that_does_not_exist(recoup: Recoup) -> None:
    """An unknown option is refused with how to use the command."""
    said = recoup("demo", "--headles")
    assert said.code == 2
    assert "--headless" in said.err


@pytest.mark.parametrize(
    ("command", "settings", "what"),
    [
        ("worker", {"TEMPORAL__ADDRESS": "127.0.0.1:1"}, "127.0.0.1:1"),
        ("starter", {}, "RECOUP_STRIPE__API_KEY"),
        ("starter", {"STRIPE__API_KEY": "sk_test_0123456789"}, "The policy file policy.yaml cannot be read"),
        ("starter", {"STRIPE__API_KEY": "sk_test_0123456789", "POLICY_FILE": str(POLICY)}, "RECOUP_"),
    ],
)
def test_a_process_that_cannot_work_does_not_start(
    recoup_process: Recoup, monkeypatch: pytest.MonkeyPatch, command: str, settings: dict[str, str], what: str
) -> None:
    """Worker and starter end at once where something is missing, and say what; a supervisor sees the code."""
    for name, value in settings.items():
        monkeypatch.setenv(f"RECOUP_{name}", value)
    said = recoup_process(command)
    assert said.code == 2
    assert what in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
