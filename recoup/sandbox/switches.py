"""Switches: settings of the pretended account, and the questions that only a real Stripe account could answer.

Each has a default, the documentation of its meaning, and a check. ``GET /_sandbox/switches`` shows them with their texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from recoup.errors import ConfigurationError
from recoup.sandbox.store import Store

Value = str | int | float | list[int]


@dataclass(frozen=True)
class Switch:
    """One switch: its default, what it means, and its choices (none: a number, or a list of days where the default is one)."""

    default: Value
    meaning: str
    choices: tuple[str, ...] = ()
    unverified: bool = False


SWITCHES: dict[str, Switch] = {
    "retry_days": Switch(
        [1, 3, 5, 6, 8, 10, 12, 14],
        "Days after the first failure on which Stripe retries by itself (Smart Retries: 8 tries within 2 weeks); [] retries never.",
    ),
    "final_action": Switch(
        "cancel",
        "What happens to the subscription when the last automatic retry has failed.",
        ("cancel", "unpaid", "past_due", "pause"),
    ),
    "draft_seconds": Switch(
        0, "How long a renewal's invoice stays a draft before it is finalized (Stripe: about an hour, 3600)."
    ),
    "debit_days": Switch(3, "Days that a bank debit (sepa_debit) is processing before it succeeds or fails."),
    "final_action_without_auto_advance": Switch(
        "never",
        "Does a subscription whose failed invoice has auto_advance=false still reach the final action?",
        ("never", "at_end_of_schedule"),
        unverified=True,
    ),
    "pay_3ds_error": Switch(
        "authentication_required",
        "Error code of an off-session invoices.pay on a card that needs 3-D Secure.",
        ("authentication_required", "invoice_payment_intent_requires_action"),
        unverified=True,
    ),
    "pay_3ds_type": Switch(
        "card_error",
        "Type of that error: HTTP 402 with all that a decline says, or HTTP 400 with the code alone.",
        ("card_error", "invalid_request_error"),
        unverified=True,
    ),
    "pay_3ds_status": Switch(
        "requires_payment_method",
        "Status of the PaymentIntent after such a decline.",
        ("requires_payment_method", "requires_action"),
        unverified=True,
    ),
    "pay_3ds_charge": Switch(
        "failed",
        "What an off-session payment that needs 3-D Secure leaves: a failed charge, or none and a PaymentIntent that requires_action.",
        ("failed", "none"),
        unverified=True,
    ),
    "older_invoice_reactivates": Switch(
        "no",
        "Does paying an older open invoice, not the newest, reactivate the subscription?",
        ("no", "yes"),
        unverified=True,
    ),
    "pause_while_past_due": Switch(
        "allowed",
        "Does subscriptions.pause work while the subscription is past_due?",
        ("allowed", "refused"),
        unverified=True,
    ),
    "portal_session_seconds": Switch(
        300, "Lifetime of a billing portal session that nobody has visited, in seconds.", unverified=True
    ),
    "portal_visited_seconds": Switch(
        3600, "Lifetime of a billing portal session after its last use, in seconds.", unverified=True
    ),
    "decline_rate_limit": Switch(
        0,
        "Declines of one card in 24 h after which Stripe itself answers card_decline_rate_limit_exceeded; 0 is never.",
        unverified=True,
    ),
    "invoice_lock": Switch(
        "on",
        "off lets two payments of one invoice that run at once both charge.",
        ("on", "off"),
        unverified=True,
    ),
    "issuer_seconds": Switch(0.0, "How long, in real seconds, an issuer thinks about a charge."),
    "prune_idempotency_keys": Switch(
        "on",
        "Whether idempotency keys are forgotten 24 h after their first use.",
        ("on", "off"),
        unverified=True,
    ),
    "old_versions": Switch(
        "refused",
        "Whether requests in another API version than the sandbox's are answered.",
        ("refused", "accepted"),
    ),
    "webhook_timeout_seconds": Switch(
        10.0, "How long, in real seconds, a webhook delivery waits for its answer.", unverified=True
    ),
}


class Switches:
    """The switches as they stand now; kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._values: dict[str, Value] = {name: switch.default for name, switch in SWITCHES.items()}
        self._values.update(json.loads(store.recall("switches") or "{}"))

    def set(self, name: str, value: Any) -> None:
        """Set one switch; ConfigurationError when the name or the value is not one it knows."""
        self._values[name] = _checked(name, value)
        changed = {key: kept for key, kept in self._values.items() if kept != SWITCHES[key].default}
        self._store.remember("switches", json.dumps(changed))

    def all(self) -> dict[str, Value]:
        """Every switch with its present value."""
        return dict(self._values)

    def text(self, name: str) -> str:
        """The value of a switch that is a word."""
        return str(self._values[name])

    def number(self, name: str) -> float:
        """The value of a switch that is a number."""
        value = self._values[name]
        assert isinstance(value, int | float)
        return float(value)

    def days(self, name: str) -> list[int]:
        """The value of a switch that is a list of days."""
        value = self._values[name]
        assert isinstance(value, list)
        return list(value)


def parse_switch(text: str) -> tuple[str, Any]:
    """``name=value`` from the command line; ConfigurationError when it is not that."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(f"--switch {text}: write it as name=value")
    return name, _checked(name, value)


def _checked(name: str, value: Any) -> Value:
    if name not in SWITCHES:
        raise ConfigurationError(
            f"There is no switch {name!r}; the sandbox has {', '.join(sorted(SWITCHES))}"
        )
    switch = SWITCHES[name]
    if switch.choices:
        if value not in switch.choices:
            raise ConfigurationError(
                f"Switch {name} must be one of {', '.join(switch.choices)}, not {value!r}"
            )
        return str(value)
    if isinstance(switch.default, list):
        return _days(name, value)
    try:
        number = type(switch.default)(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"Switch {name} must be a number, not {value!r}") from None
    if isinstance(value, bool) or not 0 <= float(number) < 1e9:
        raise ConfigurationError(f"Switch {name} must be a number of 0 or more, not {value!r}")
    return number


def _days(name: str, value: Any) -> list[int]:
    complaint = ConfigurationError(
        f"Switch {name} must be a list of growing whole days such as 1,3,7, not {value!r}"
    )
    try:
        parts = [part for part in value.split(",") if part] if isinstance(value, str) else list(value)
        days = [int(part) for part in parts]
    except (TypeError, ValueError):
        raise complaint from None
    if days != sorted(set(days)) or any(day < 1 for day in days):
        raise complaint
    return days
