"""Amounts, days and cards as the pages write them."""

from __future__ import annotations

from datetime import UTC, datetime

from recoup.sandbox.http.errors import Doc

_WITHOUT_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
_THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())


def money(amount: int, currency: str) -> str:
    """An amount in minor units, as ``129.00 PLN`` (the decimals of each currency: Stripe, "Supported currencies")."""
    decimals = 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency.upper()}"


def day(moment: int | None) -> str:
    """A Unix time as ``24 November 2026``."""
    if moment is None:
        return ""
    date = datetime.fromtimestamp(moment, UTC)
    return f"{date.day} {date:%B %Y}"


def card_name(method: Doc) -> str:
    """A payment method in words."""
    if method["type"] == "card":
        card = method["card"]
        name = {"visa": "Visa", "amex": "American Express"}.get(
            card["brand"], str(card["brand"]).capitalize()
        )
        return f"{name} •••• {card['last4']}, {card['exp_month']:02d}/{card['exp_year'] % 100:02d}"
    if method["type"] == "sepa_debit":
        return f"SEPA Direct Debit •••• {method['sepa_debit']['last4']}"
    return {"blik": "BLIK", "customer_balance": "Bank transfer"}.get(method["type"], str(method["type"]))
