"""An identity provider as the settings name it: what is missing or wrong is said in one sentence, at the start and by the doctor."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from recoup.doctor import _console
from recoup.doctor._findings import Grade, told_by
from recoup.errors import ConfigurationError
from recoup.ledger import Ledger
from recoup.settings import ConsoleSettings, OidcSettings, Settings
from recoup.web.console import build_console
from recoup.web.console.oidc import provider_from
from tests.house._tree import ROOT
from tests.web.console.identity import SECRET, Identity, idp, server

__all__ = ["idp", "server"]

WHOLE: dict[str, Any] = {
    "issuer": "https://sso.acme.example",
    "client_id": "recoup",
    "client_secret": SECRET,
    "roles": {"admins": "admin"},
}
SAFE = "https://console.acme.example"


def console(public_url: str = SAFE, **oidc: Any) -> ConsoleSettings:
    """Settings of a console, as a file would have them."""
    return ConsoleSettings(public_url=public_url, oidc=OidcSettings.model_validate(oidc))


def test_without_a_provider_there_is_none() -> None:
    """Local accounts are the default, and nothing of it need be installed."""
    assert provider_from(ConsoleSettings()) is None
    assert provider_from(console(issuer="")) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": None}, "console.oidc.issuer must be set"),
        ({"client_id": ""}, "console.oidc.client_id must be set"),
        ({"client_secret": "", "roles": {}}, "console.oidc.client_secret and console.oidc.roles must be set"),
        ({"issuer": "http://sso.acme.example"}, "must be an https:// address"),
        ({"issuer": "sso.acme.example"}, "must be an https:// address"),
        ({"issuer": "https://sso.acme.example/?x=1"}, "must be an https:// address"),
        ({"scopes": ["profile"]}, "must contain openid"),
    ],
)
def test_a_half_configuration_is_refused(change: dict[str, Any], said: str) -> None:
    """One sentence, which names what to set and shows no secret."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        provider_from(console(**WHOLE | change))
    assert SECRET not in str(refused.value)


def test_passwords_are_not_turned_off_with_nothing_beside_them() -> None:
    """Nobody could log in at all."""
    with pytest.raises(ConfigurationError, match=r"console\.oidc\.issuer and"):
        provider_from(console(passwords=False))


def test_the_way_back_is_safe() -> None:
    """A code is sent over https alone, except to this machine itself."""
    with pytest.raises(ConfigurationError, match=r"console\.public_url is http://10\.0\.0\.9"):
        provider_from(console("http://10.0.0.9", **WHOLE))
    assert provider_from(console("http://127.0.0.1:8788", **WHOLE)) is not None


@pytest.mark.parametrize("missing", ["authlib", "joserfc"])
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the console does not start, and says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match=r"install recoup\[oidc\]"):
        provider_from(console(**WHOLE))


def test_a_console_does_not_start_with_it(settings: Settings, ledger: Ledger) -> None:
    """What is half configured is said before anybody is served."""
    half = settings.model_copy(update={"console": console(issuer=SAFE), "policy_file": ROOT / "policy.yaml"})
    with pytest.raises(ConfigurationError, match=r"console\.oidc\.client_id and"):
        build_console(half)


def test_what_the_doctor_says(settings: Settings, idp: Identity) -> None:
    """Nothing without a provider; with one whether it answers as itself and has keys."""

    def found(given: ConsoleSettings) -> list[tuple[Grade, str]]:
        findings: list[Any] = []
        with told_by("console log-in", findings):
            findings += _console.provider(settings.model_copy(update={"console": given}))
        return [(each.grade, each.says) for each in findings]

    assert found(ConsoleSettings()) == []
    there = ConsoleSettings(public_url=SAFE, oidc=idp.settings())
    assert found(there) == [
        (Grade.OK, f"{idp.address} answers; operators log in through it, beside passwords")
    ]
    idp.published = []
    ((grade, says),) = found(there)
    assert (grade, "keys cannot be used" in says) == (Grade.MEND, True)
    idp.of_itself = {"issuer": "https://another.example"}
    ((grade, says),) = found(there)
    assert (grade, says.endswith("the provider calls itself https://another.example")) == (Grade.MEND, True)
    idp.down = True
    ((grade, says),) = found(there)
    assert (grade, "does not answer as a provider does" in says) == (Grade.MEND, True)
    assert SECRET not in says
