"""A history of two and a half years, as an import writes it, with cases of Recoup's from some moment on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from recoup.ledger import Ledger
from recoup.ledger.history_rows import Kind, Past, PastCharge, PastInvoice, PastPayment, PastSubscription
from recoup.rules.case import Outcome
from tests.ledger.builders import a_case

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
BEGAN = datetime(2025, 1, 10, tzinfo=UTC)
"""Recoup takes up its first case."""
READ = datetime(2026, 11, 20, tzinfo=UTC)
MONTH = timedelta(days=30)


class History:
    """Rows of every kind, gathered and then written."""

    def __init__(self, seed: int = 3) -> None:
        self.chance = random.Random(seed)
        self.rows: dict[Kind, list[Past]] = {kind: [] for kind in Kind}
        self.cases: list[tuple[str, str, str, datetime, Outcome, datetime]] = []

    def subscription(
        self, name: str, started: datetime, ended: datetime | None, reason: str | None, **more: object
    ) -> None:
        """One subscription."""
        values = {
            "subscription": name, "customer": f"cus_{name}", "status": "canceled" if ended else "active", "currency": "pln",
            "started_at": started, "trial_end": None, "ended_at": ended, "end_reason": reason, "live": True, "read_at": READ,
        } | more  # fmt: skip
        self.rows[Kind.SUBSCRIPTIONS].append(PastSubscription.model_validate(values))

    def invoice(
        self, name: str, subscription: str, currency: str, amount: int, at: datetime, *,
        paid: bool = True, refunded: int = 0, failed_first: bool = False, live: bool = True, paid_part: int | None = None,
    ) -> None:  # fmt: skip
        """An invoice with its payment and charges; of one paid in part the rest is open."""
        came = amount if paid_part is None else paid_part
        self.rows[Kind.INVOICES].append(
            PastInvoice(
                invoice=name, customer=f"cus_{subscription}", subscription=subscription, reason="subscription_cycle",
                status="paid" if paid and came == amount else "open", currency=currency, due=amount, paid=came if paid else 0,
                made_at=at, paid_at=at if paid else None, live=live, read_at=READ,
            )
        )  # fmt: skip
        self.rows[Kind.PAYMENTS].append(
            PastPayment(
                payment=f"inpay_{name}", invoice=name, payment_intent=f"pi_{name}", status="paid" if paid else "open",
                currency=currency, paid=came if paid else 0, made_at=at, paid_at=at if paid else None, read_at=READ,
            )
        )  # fmt: skip
        states = ["failed"] * (failed_first or not paid) + ["succeeded"] * paid
        for number, state in enumerate(states):
            won = state == "succeeded"
            self.rows[Kind.CHARGES].append(
                PastCharge(
                    charge=f"ch_{name}_{number}", customer=f"cus_{subscription}", payment_intent=f"pi_{name}", status=state,
                    currency=currency, amount=came, refunded=refunded if won else 0, disputed=False,
                    code=None if won else "insufficient_funds", brand="visa", made_at=at, read_at=READ,
                )
            )  # fmt: skip

    def write(self, ledger: Ledger) -> None:
        """All of it, as a finished import and closed cases."""
        for kind in Kind:
            begun = ledger.history.begin(kind, SINCE, READ)
            assert begun is not None
            ledger.history.write_page(begun, self.rows[kind], None, READ)
        for invoice, subscription, currency, failed, outcome, closed in self.cases:
            who = {"customer": f"cus_{subscription}", "subscription": subscription, "currency": currency}
            ledger.cases.open(a_case(invoice, failed_at=failed, **who), failed)
            ledger.cases.close(invoice, outcome, "so it ended", closed)


def grown(count: int = 90) -> History:
    """Subscriptions that begin over two years; some end by themselves, some for want of a payment, some fail and are recovered."""
    made = History()
    for number in range(count):
        _live(made, f"sub_{number}", SINCE + timedelta(days=number * 700 / count))
    return made


def _live(made: History, name: str, started: datetime) -> None:
    chance, currency = made.chance, made.chance.choice(("pln", "pln", "eur"))
    amount, at, number = chance.choice((1900, 4900, 9900)), started, 0
    while at < READ:
        number += 1
        invoice = f"in_{name}_{number}"
        fate = chance.random()
        if fate < 0.9:
            made.invoice(invoice, name, currency, amount, at, refunded=500 if fate < 0.02 else 0)
        elif fate < 0.96 and at >= BEGAN:
            closed = at + timedelta(days=chance.randint(1, 12))
            made.invoice(invoice, name, currency, amount, closed, failed_first=True)
            made.cases.append((invoice, name, currency, at, Outcome.RECOVERED_BY_RETRY, closed))
        elif fate < 0.98:
            made.invoice(invoice, name, currency, amount, at, paid=False)
            ended = at + timedelta(days=14)
            if at >= BEGAN and ended < READ:
                made.cases.append((invoice, name, currency, at, Outcome.LOST_SUSPENDED, ended))
            reason = chance.choice(("payment_failed", "cancellation_requested"))
            made.subscription(name, started, ended if ended < READ else None, reason, currency=currency)
            return
        else:
            ended = at + timedelta(days=3)
            over = ended < READ
            made.subscription(
                name, started, ended if over else None, "cancellation_requested", currency=currency
            )
            return
        at += MONTH
    made.subscription(name, started, None, None, currency=currency)
