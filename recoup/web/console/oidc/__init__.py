"""Logging in through the company's identity provider: OpenID Connect, the code flow with PKCE; needs ``recoup[oidc]``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from recoup.errors import ConfigurationError
from recoup.settings import ConsoleSettings, OidcSettings
from recoup.web.console.oidc._begun import LOGGED_OUT, Begun
from recoup.web.console.oidc._people import Person
from recoup.web.console.oidc._refusing import Out, Problem, Refused
from recoup.web.console.oidc._safe import travels_safely

if TYPE_CHECKING:
    from recoup.web.console.oidc._provider import Provider

__all__ = ["BACK", "LOGGED_OUT", "Begun", "Out", "Person", "Problem", "Refused", "provider_from"]

BACK = "/login/oidc/callback"
"""Where the provider sends people back to, below ``console.public_url``."""


def provider_from(console: ConsoleSettings) -> Provider | None:
    """The provider that the settings name; None where local accounts are all there is. It is not asked anything yet.

    Raises:
        ConfigurationError: the settings cannot be used as they stand, or what it takes is not installed.
    """
    if not console.oidc.issuer and not console.oidc.model_fields_set - {"issuer"}:
        return None
    _check(console.oidc)
    if not travels_safely(console.public_url):
        raise ConfigurationError(
            f"console.public_url is {console.public_url}, and the provider sends people back there: it must begin with https://"
        )
    try:
        for needed in ("authlib", "joserfc"):
            import_module(needed)
    except ImportError:
        raise ConfigurationError(
            "console.oidc is set, and nobody can log in by it: install recoup[oidc]"
        ) from None
    from recoup.web.console.oidc._provider import Provider

    return Provider(console.oidc, console.public_url.rstrip("/") + BACK)


def _check(oidc: OidcSettings) -> None:
    given = {
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "client_secret": oidc.client_secret.get_secret_value(),
        "roles": oidc.roles,
    }
    missing = [f"console.oidc.{name}" for name, value in given.items() if not value]
    if missing:
        raise ConfigurationError(
            f"Nobody can log in through console.oidc as it stands: {' and '.join(missing)} must be set, too"
        )
    issuer = str(oidc.issuer)
    if not travels_safely(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise ConfigurationError(
            f"console.oidc.issuer is {issuer}: it must be an https:// address, exactly as the provider's tokens name it"
        )
    if "openid" not in oidc.scopes:
        raise ConfigurationError("console.oidc.scopes must contain openid")
