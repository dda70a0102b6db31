"""A past in a ledger: cases of a bank that approves at night alone, each with one retry at any hour, written in bulk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from recoup.learning.models import Models
from recoup.learning.promotion import retrain
from recoup.ledger import Ledger
from recoup.ledger.schema import attempts, cases, decisions, events
from recoup.rules.policy import Campaign, Retries, Timing
from recoup.timing.draws import uniforms
from recoup.timing.situation import zone_of

BEGINS = datetime(2026, 2, 2, tzinfo=UTC)
NIGHT = range(3, 9)
SOFT = {"code": "insufficient_funds", "network_decline_code": "51", "brand": "visa"}
PLANNED = Campaign(retries=Retries(timing=Timing.PLANNED))
Rule = Callable[[datetime], bool]


def at_night(local: datetime) -> bool:
    """When the bank approves."""
    return local.hour in NIGHT


def write_past(
    ledger: Ledger,
    count: int,
    *,
    begins: datetime = BEGINS,
    over_days: float = 240,
    good: Rule = at_night,
    permuted: bool = False,
    campaign: Campaign = PLANNED,
) -> None:
    """Write ``count`` closed cases with a failure and one retry each; ``permuted`` deals the outcomes out anew."""
    draws = uniforms(count, np.arange(count)[:, None], np.arange(4)[None, :])
    zone = zone_of(None, "US")
    failed = [
        (begins + timedelta(days=float(draw) * over_days)).replace(microsecond=0) for draw in draws[:, 0]
    ]
    tried = [
        at + timedelta(hours=24 + 96 * float(draw)) for at, draw in zip(failed, draws[:, 1], strict=True)
    ]
    paid = [
        float(draw) < (0.8 if good(at.astimezone(zone)) else 0.02)
        for at, draw in zip(tried, draws[:, 2], strict=True)
    ]
    if permuted:
        paid = [paid[int(place)] for place in np.argsort(draws[:, 3])]
    rows: dict[sa.Table, list[dict[str, Any]]] = {cases: [], attempts: [], events: []}
    for number, what in enumerate(zip(failed, tried, paid, strict=True)):
        for table, row in _case(f"in_{number}", *what, campaign):
            rows[table].append(row)
    with ledger._store.engine.begin() as connection:
        for table, found in rows.items():
            connection.execute(sa.insert(table), found)


def taught(ledger: Ledger, folder: Path, newest: datetime) -> Models:
    """Models whose promoted one has learned the night from a past in this ledger, the newest of its attempts at this moment."""
    models = Models(folder / "models", ledger)
    write_past(ledger, 700, begins=newest - timedelta(days=245))
    assert retrain(models, newest, by="test").card.promoted
    return models


def version_of(models: Models) -> str:
    """The promoted version."""
    promoted = models.promoted()
    assert promoted is not None
    return promoted.version


def write_drawn(
    ledger: Ledger, count: int, *, explored: float = 0.3, approves: tuple[float, float] = (0.2, 0.5)
) -> None:
    """Write ``count`` cases whose one retry was planned: at what the prior chose, or, so often, at a near-tie that the model would choose."""
    draws = uniforms(count, 7, np.arange(count)[:, None], np.arange(2)[None, :])
    rows: dict[sa.Table, list[dict[str, Any]]] = {cases: [], attempts: [], events: [], decisions: []}
    for number, (which, luck) in enumerate(draws):
        failed = BEGINS + timedelta(hours=number % 2000)
        moments = (failed + timedelta(hours=48), failed + timedelta(hours=51))
        chosen = int(which < explored)
        invoice, paid = f"in_{number}", bool(luck < approves[chosen])
        for table, row in _case(invoice, failed, moments[chosen] + timedelta(minutes=1), paid, PLANNED):
            rows[table].append(row)
        shares = (1.0 - explored, explored) if explored else (1.0,)
        rows[decisions].append(_plan(invoice, failed, moments, chosen, shares))
    with ledger._store.engine.begin() as connection:
        for table, found in rows.items():
            connection.execute(sa.insert(table), found)


def _plan(
    invoice: str, failed: datetime, moments: tuple[datetime, datetime], chosen: int, shares: tuple[float, ...]
) -> dict[str, Any]:
    told = [moment.isoformat() for moment in moments]
    candidates = [
        {"at": at, "expected": 0.3, "prior": 0.3, "loss": 0.0, "propensity": share}
        for at, share in zip(told, shares, strict=False)
    ]
    return {
        "case_id": invoice, "request": f"{invoice}/1/timing", "at": failed, "rules_version": 1, "policy_version": "v1",
        "known": {"would": {"prior": told[0], "model": told[1]}}, "candidates": candidates, "because": "the past",
        "choice": {"kind": "plan", "at": told[chosen], "expected": 0.3}, "propensity": shares[chosen], "model": None,
    }  # fmt: skip


def _case(
    invoice: str, failed: datetime, tried: datetime, paid: bool, campaign: Campaign
) -> list[tuple[sa.Table, dict[str, Any]]]:
    debt = {"invoice": invoice, "customer": f"cus_{invoice}", "amount": 4900, "currency": "usd"}
    case = debt | {
        "id": invoice, "number": None, "subscription": None, "failed_at": failed, "campaign": campaign.name,
        "policy_version": "v1", "policy": campaign.model_dump(mode="json"), "rules_version": 1, "decline": SOFT,
        "decline_class": "soft", "stage": "recovered" if paid else "lost",
        "outcome": "recovered_by_retry" if paid else "lost_suspended", "because": "the past",
        "workflow_id": f"recovery/{invoice}", "run_id": "run", "is_return": False, "opened_at": failed,
        "updated_at": tried, "closed_at": tried + timedelta(hours=1),
    }  # fmt: skip
    attempt = debt | {
        "number": 1, "case_id": invoice, "request": f"{invoice}/1", "key": f"recoup/{invoice}/1", "trigger": "schedule",
        "payment_method": f"pm_{invoice}", "fingerprint": None, "brand": "visa", "state": "paid" if paid else "declined",
        "charge": f"ch_{invoice}", "decline": None if paid else SOFT, "decline_class": None if paid else "soft",
        "reserved_at": tried, "sent_at": tried, "counted_at": tried, "settled_at": tried,
    }  # fmt: skip
    card = {"method": f"pm_{invoice}", "type": "card", "brand": "visa", "country": "US", "funding": "debit"}
    refused = [{"at": failed.isoformat(), "decline": SOFT, "charge": f"ch_{invoice}_0"}]
    event = {
        "at": failed, "kind": "failure_read", "case_id": invoice, "invoice": invoice, "customer": f"cus_{invoice}",
        "actor": "system", "data": {"card": card, "refused": refused}, "unique_key": f"failure_read/{invoice}",
    }  # fmt: skip
    return [(cases, case), (attempts, attempt), (events, event)]
