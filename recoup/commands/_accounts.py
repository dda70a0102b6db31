"""Whose word it is that a command writes down."""

from __future__ import annotations


def account(operator: str | None, reason: str) -> str:
    """The operator's account name, by default that of this machine; a word without a reason is refused."""
    import getpass

    from pydantic import TypeAdapter, ValidationError

    from recoup.errors import ConfigurationError
    from recoup.rules.people import Account

    if not reason.strip():
        raise ConfigurationError("--reason cannot be used: say why")
    try:
        return TypeAdapter(Account).validate_python(operator or getpass.getuser())
    except ValidationError as error:
        raise ConfigurationError(f"--operator cannot be used: {error.errors()[0]['msg']}") from error
