"""A ledger as it stands after years of work: so many cases, five attempts each on average, all from one seed.

    python -m bench.filling sqlite:///big.db 1000000

Written in bulk, past the ledger's own methods: what it would refuse is not in here, and of the events only those that figures and pages
look at, three for each case instead of twenty.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import sqlalchemy as sa

from recoup.ledger import Ledger
from recoup.ledger._engine import parse
from recoup.ledger.schema import attempts, cases, events, messages, observed_charges
from recoup.rules.case import Outcome, Stage
from recoup.rules.policy import Campaign

END = datetime(2026, 11, 28, 12, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
CHUNK = 5000
_ENDS = {
    Outcome.RECOVERED_BY_RETRY: 30, Outcome.RECOVERED_BY_CARD_UPDATE: 13, Outcome.RECOVERED_BY_CUSTOMER: 8,
    Outcome.RECOVERED_BY_ACCOUNT_UPDATER: 4, Outcome.RECOVERED_BY_STRIPE: 2, Outcome.RECOVERED_BY_OPERATOR: 1,
    Outcome.RECOVERED_OUTSIDE: 1, Outcome.LOST_SUSPENDED: 22, Outcome.LOST_CANCELLED: 8,
    Outcome.LOST_CANCELLED_BY_CUSTOMER: 4, Outcome.CLOSED_VOIDED: 3, Outcome.CLOSED_UNCOLLECTIBLE: 2,
    Outcome.CLOSED_DISPUTED: 1, Outcome.CLOSED_EXCLUDED: 1,
}  # fmt: skip
_CODES = {
    "insufficient_funds": ("soft", 45), "do_not_honor": ("soft", 18), "generic_decline": ("soft", 12),
    "expired_card": ("hard", 12), "lost_card": ("hard", 3), "authentication_required": ("action", 8),
    "try_again_later": ("soft", 2),
}  # fmt: skip
_BRANDS = ("visa", "visa", "visa", "mastercard", "mastercard", "amex")
_STAGES = (
    *(Stage.WAITING,) * 60,
    *(Stage.NOTIFIED,) * 15,
    *(Stage.WARNED,) * 20,
    *(Stage.RETRYING,) * 2,
    *(Stage.PERSON,) * 3,
)
Rows = dict[sa.Table, list[dict[str, Any]]]


def fill(address: str, count: int, seed: int = 1) -> None:
    """Put so many cases into a ledger that has none."""
    ledger = Ledger.connect(address)
    ledger.migrate()
    ledger.close()
    engine = sa.create_engine(parse(address))
    chance, rows = random.Random(seed), _nothing()
    with engine.connect() as conn:
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA synchronous = OFF")
            conn.exec_driver_sql("PRAGMA cache_size = -400000")
        for number in range(count):
            failed = END - YEARS * (1 - (number + chance.random()) / count)
            _case(rows, chance, number, count, failed)
            if len(rows[cases]) >= CHUNK:
                _write(conn, rows)
        _write(conn, rows)
        if engine.dialect.name == "postgresql":
            # Autovacuum would have done it meanwhile; SQLite has nobody who does.
            conn.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _nothing() -> Rows:
    return {table: [] for table in (cases, attempts, observed_charges, messages, events)}


def _write(conn: sa.Connection, rows: Rows) -> None:
    for table, mine in rows.items():
        if mine:
            conn.execute(sa.insert(table), mine)
            mine.clear()
    conn.commit()


def _case(rows: Rows, chance: random.Random, number: int, count: int, failed: datetime) -> None:
    customer = chance.randrange(max(1, count * 6 // 10))
    outcome = chance.choices(list(_ENDS), list(_ENDS.values()))[0]
    closed: datetime | None = failed + _lasts(chance, outcome)
    if closed is not None and closed > END:
        closed = None
    code = chance.choices(list(_CODES), [weight for _, weight in _CODES.values()])[0]
    row = _row(chance, number, customer, failed, code)
    rows[cases].append(row | _standing(chance, outcome if closed else None, failed, closed))
    brand = chance.choice(_BRANDS)
    rows[observed_charges].append(_first_charge(chance, row, brand, code))
    rows[attempts] += _attempts(
        chance, row, brand, closed or END, closed is not None and outcome is Outcome.RECOVERED_BY_RETRY
    )
    _conversation(rows, chance, row, closed or END)
    if closed is not None:
        rows[events].append(_event("case_closed", row, closed, {"outcome": outcome.value}))
        back = closed + timedelta(days=9)
        if outcome is Outcome.LOST_SUSPENDED and back < END and chance.random() < 0.15:
            name = f"{row['id']}/r2"
            mine = {"id": name, "workflow_id": f"recovery/{name}", "is_return": True, "opened_at": back}
            returned = _standing(
                chance, Outcome.RECOVERED_BY_CARD_UPDATE, failed, back + timedelta(minutes=3)
            )
            rows[cases].append(row | returned | mine)


def _lasts(chance: random.Random, outcome: Outcome) -> timedelta:
    if outcome is Outcome.LOST_SUSPENDED:
        return timedelta(days=chance.choice((14, 21, 28)), seconds=chance.randrange(7200))
    return timedelta(days=min(60.0, chance.expovariate(1 / 6)), hours=1)


def _row(chance: random.Random, number: int, customer: int, failed: datetime, code: str) -> dict[str, Any]:
    campaign = "big" if chance.random() < 0.08 else "everybody"
    version = f"v{1 + int((failed - (END - YEARS)) / timedelta(days=183))}"
    invoice = f"in_1Q{number:020d}"
    return {
        "id": invoice, "invoice": invoice, "number": f"AC-{number:08d}", "customer": f"cus_{customer:014d}",
        "subscription": f"sub_1Q{customer:020d}", "amount": _amount(chance),
        "currency": chance.choice(("usd", "usd", "usd", "eur", "eur", "pln")), "failed_at": failed,
        "campaign": campaign, "policy_version": version,
        "policy": Campaign(name=campaign).model_dump(mode="json"), "rules_version": 1,
        "decline": {"code": code, "method_type": "card"}, "decline_class": _CODES[code][0],
        "workflow_id": f"recovery/{invoice}", "run_id": f"run-{number}", "is_return": False,
        "priority": 60 if campaign == "big" else chance.choice((0, 0, 0, 20)), "opened_at": failed,
    }  # fmt: skip


def _amount(chance: random.Random) -> int:
    """A price, or what is left of one after a change within the month."""
    if chance.random() < 0.7:
        return chance.choice((900, 1900, 4900, 4900, 9900, 29900))
    return int(chance.lognormvariate(8.3, 1))


def _standing(
    chance: random.Random, outcome: Outcome | None, failed: datetime, closed: datetime | None
) -> dict[str, Any]:
    stage = outcome.stage if outcome else chance.choice(_STAGES)
    return {
        "stage": stage.value, "outcome": outcome.value if outcome else None,
        "because": "so it ended" if outcome else None, "closed_at": closed,
        "next_kind": None if outcome else "attempt",
        "next_at": None if outcome else END + timedelta(hours=chance.randrange(1, 200)),
        "next_because": None if outcome else "the calendar says so",
        "assigned_to": chance.choice(("ana", "jan")) if stage is Stage.PERSON else None,
        "updated_at": closed or failed + (END - failed) * chance.random(),
    }  # fmt: skip


def _first_charge(chance: random.Random, row: dict[str, Any], brand: str, code: str) -> dict[str, Any]:
    """What failed first; since 2025 Stripe does not say of which invoice."""
    return {
        "charge": f"ch_first_{row['invoice']}", "invoice": row["invoice"] if chance.random() < 0.3 else None,
        "customer": row["customer"], "fingerprint": f"fp_{row['customer']}", "brand": brand,
        "amount": row["amount"], "currency": row["currency"], "failed": True,
        "decline": {"code": code, "method_type": "card"}, "made_at": row["failed_at"], "seen_at": row["failed_at"],
    }  # fmt: skip


def _attempts(
    chance: random.Random, row: dict[str, Any], brand: str, until: datetime, paid: bool
) -> Iterator[dict[str, Any]]:
    made = chance.choices((1, 3, 5, 7, 8), (8, 22, 35, 25, 10))[0]
    for number in range(1, made + 1):
        at = row["failed_at"] + (until - row["failed_at"]) * (number / made) - timedelta(seconds=30)
        wins = paid and number == made
        code = chance.choice(tuple(_CODES))
        yield {
            "invoice": row["invoice"], "number": number, "case_id": row["id"], "customer": row["customer"],
            "request": f"{row['workflow_id']}#{number}", "key": f"recoup/{row['invoice']}/{number}",
            "trigger": chance.choice(("schedule", "schedule", "schedule", "card_update", "manual")),
            "payment_method": f"pm_{row['customer']}", "fingerprint": f"fp_{row['customer']}", "brand": brand,
            "amount": row["amount"], "currency": row["currency"], "state": "paid" if wins else "declined",
            "charge": f"ch_{number}_{row['invoice']}", "decline": None if wins else {"code": code, "method_type": "card"},
            "decline_class": None if wins else _CODES[code][0], "reserved_at": at, "sent_at": at, "counted_at": at,
            "settled_at": at,
        }  # fmt: skip


def _conversation(rows: Rows, chance: random.Random, row: dict[str, Any], until: datetime) -> None:
    rows[events].append(_event("case_opened", row, row["failed_at"], {"campaign": row["campaign"]}))
    told = row["failed_at"] + timedelta(days=1)
    if told >= until:
        return
    mail: dict[str, Any] = {
        "key": f"{row['id']}/payment_failed", "case_id": row["id"], "customer": row["customer"],
        "template": "payment_failed", "channel": "sms" if chance.random() < 0.1 else "email", "locale": "en",
        "state": "returned" if chance.random() < 0.02 else "sent", "provider_id": f"mail-{row['id']}",
        "reserved_at": told, "sending_at": told, "finished_at": told,
    }  # fmt: skip
    rows[messages].append(mail)
    if chance.random() < 0.4:
        rows[events].append(_event("link_opened", row | {"id": None}, told + (until - told) / 2, {}))
        if chance.random() < 0.5:
            rows[events].append(_event("link_used", row | {"id": None}, told + (until - told) / 2, {}))
    if chance.random() < 0.05:
        rows[events].append(_event("attempt_refused", row, told, {"because": "fifteen attempts in 30 days"}))


def _event(kind: str, row: dict[str, Any], at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    invoice = row["invoice"] if row["id"] else None
    who = {"case_id": row["id"], "invoice": invoice, "customer": row["customer"]}
    return {"kind": kind, "at": at, **who, "actor": "system", "data": data, "unique_key": None}


@click.command()
@click.argument("address")
@click.argument("count", type=click.IntRange(1))
def main(address: str, count: int) -> None:
    """Fill the ledger at ADDRESS with COUNT cases."""
    fill(address, count)


if __name__ == "__main__":
    main()
