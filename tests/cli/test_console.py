"""The accounts of the console, from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recoup.cli import cli
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger, Role
from recoup.web.console.passwords import matches

PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOUP_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    ledger = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db")
    ledger.migrate()
    return ledger


def run(*arguments: str, said: str = "") -> Result:
    return CliRunner().invoke(cli, ["console", "user", *arguments], input=said, catch_exceptions=False)


def test_an_account_from_its_making_to_its_end(ledger: Ledger) -> None:
    """Made with a password that is asked for twice, listed, given another role, disabled, enabled; and all of it is in the log."""
    made = run("add", "kim", "--role", "operator", said=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.output.endswith("kim can log in as operator.\n")
    assert PASSWORD not in made.output
    user = ledger.console.user("kim")
    assert user is not None
    assert user.role is Role.OPERATOR
    assert matches(user.password, PASSWORD)
    run("role", "kim", "admin")
    run("disable", "kim")
    assert "kim  admin  disabled since" in run("list").output
    assert user.password not in run("list", "--json").output
    run("enable", "kim")
    run("password", "kim", "--password-stdin", said="another long password\n")
    changed = ledger.console.user("kim")
    assert changed is not None
    assert (changed.role, changed.disabled_at) == (Role.ADMIN, None)
    assert matches(changed.password, "another long password")
    log = ledger.console.logged()
    assert [row.action for row in reversed(log)] == [
        "user.add", "user.role", "user.disable", "user.enable", "user.password"
    ]  # fmt: skip
    assert {row.subject for row in log} == {"kim"}
    ledger.close()


@pytest.mark.parametrize(
    ("arguments", "said", "because"),
    [
        (("add", "kim", "--role", "viewer", "--password-stdin"), "short\n", "12 to 200 characters"),
        (("add", "two words", "--role", "viewer", "--password-stdin"), PASSWORD, "cannot be an account name"),
        (
            ("add", "a@b.example", "--role", "viewer", "--password-stdin"),
            PASSWORD,
            "cannot be an account name",
        ),
        (("disable", "nobody"), "", "There is no account nobody"),
        (("password", "nobody", "--password-stdin"), PASSWORD, "There is no account nobody"),
    ],
)
def test_what_cannot_be_done(ledger: Ledger, arguments: tuple[str, ...], said: str, because: str) -> None:
    """A mistake is one sentence, and makes nothing."""
    with pytest.raises(ConfigurationError, match=because):
        run(*arguments, said=said)
    assert ledger.console.users() == []
    ledger.close()


def test_a_name_is_taken_once(ledger: Ledger) -> None:
    """A second account of one name is refused."""
    run("add", "kim", "--role", "viewer", "--password-stdin", said=PASSWORD)
    with pytest.raises(ConfigurationError, match="There is an account kim already"):
        run("add", "kim", "--role", "admin", "--password-stdin", said=PASSWORD)
    ledger.close()


def test_an_account_that_comes_from_elsewhere(ledger: Ledger) -> None:
    """It is listed as such and can be disabled; a password and a role of our own it does not get."""
    identity = "oidc:" + "0" * 64
    assert ledger.console.admit("kim-3fa9c2", identity, Role.VIEWER, NOW) is not None
    assert run("list").output == "kim-3fa9c2  viewer  active  through OIDC\n"
    assert json.loads(run("list", "--json").output)["local"] is False
    for arguments in (("role", "kim-3fa9c2", "admin"), ("password", "kim-3fa9c2", "--password-stdin")):
        with pytest.raises(ConfigurationError, match="logs in through the identity provider"):
            run(*arguments, said=PASSWORD)
    run("disable", "kim-3fa9c2")
    user = ledger.console.user("kim-3fa9c2")
    assert user is not None
    assert (user.role, user.password, user.disabled_at is None) == (Role.VIEWER, identity, False)
    assert [row.action for row in ledger.console.logged()] == ["user.disable"]
    ledger.close()
